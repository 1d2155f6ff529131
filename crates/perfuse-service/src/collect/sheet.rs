//! What one round found, with bounds on how much of it is kept.

use std::sync::Arc;
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::app::{AppFact, AppKind, AppTable, AppWhat};

use super::Gathered;
use crate::client::Refused;
use crate::store::SeriesKey;

/// Series of one application at most.
const MOST_SERIES: usize = 1000;
/// Facts of one round at most; the sources state the worst first.
const MOST_FACTS: usize = 50;
/// Rows of one table at most.
const MOST_ROWS: usize = 100;
/// Characters of one cell at most.
const MOST_TEXT: usize = 300;

/// One round of one application.
pub(super) struct Sheet {
    gathered: Gathered,
    kind: AppKind,
    /// Series that did not fit.
    left_out: u64,
}

impl Sheet {
    pub(super) fn new(source: &Arc<str>, kind: AppKind, component: Option<&Arc<str>>) -> Self {
        let gathered = Gathered {
            source: Arc::clone(source),
            component: component.cloned(),
            took: Duration::ZERO,
            series: Vec::new(),
            facts: Vec::new(),
            tables: Vec::new(),
            problem: None,
        };
        Self { gathered, kind, left_out: 0 }
    }

    /// A value of a series. What is no number is no value.
    pub(super) fn number(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let source = Arc::clone(&self.gathered.source);
        let labels = labels.iter().copied().chain([("collector", &*source)]);
        self.keep(SeriesKey::new(name, labels), value);
    }

    /// A value that may not be known.
    pub(super) fn maybe(&mut self, name: &str, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            self.number(name, labels, value);
        }
    }

    /// A value of a series that has no collector.
    pub(super) fn keep(&mut self, key: SeriesKey, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.gathered.series.len() < MOST_SERIES {
            self.gathered.series.push((key, value));
        } else {
            self.left_out += 1;
        }
    }

    /// A fact, with the process of the server on this host, if it is known.
    pub(super) fn fact(&mut self, pid: Option<u32>, what: AppWhat) {
        if self.gathered.facts.len() < MOST_FACTS {
            self.gathered.facts.push(AppFact {
                source: self.gathered.source.to_string(),
                kind: self.kind,
                component: self.gathered.component.as_deref().map(str::to_owned),
                pid,
                what,
            });
        }
    }

    /// A database that opens no session. When all its connections are taken that is a fact: of the limit with this name,
    /// with how many connections there are and who had most of them, as far as it said before.
    pub(super) fn refused(&mut self, refused: Refused, limit: &str, max: Option<f64>, most: Option<String>) -> Msg {
        if refused.full {
            let (limit, max) = (limit.to_owned(), max.unwrap_or(0.0));
            self.fact(None, AppWhat::Limit { limit, used: max, max, refused: None, denied: true, most });
        }
        refused.said.message
    }

    /// A table, unless it is empty.
    pub(super) fn table(&mut self, title: &str, columns: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        let cell = |text: String| match text.char_indices().nth(MOST_TEXT) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        };
        let row = |row: Vec<String>| {
            let mut row: Vec<String> = row.into_iter().map(cell).collect();
            row.resize(columns.len(), String::new());
            row
        };
        self.gathered.tables.push(AppTable {
            source: self.gathered.source.to_string(),
            title: title.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: rows.into_iter().take(MOST_ROWS).map(row).collect(),
        });
    }

    /// What could not be learned. The first one is kept.
    pub(super) fn problem(&mut self, problem: Msg) {
        self.gathered.problem.get_or_insert(problem);
    }

    /// The round is over.
    pub(super) fn done(mut self, took: Duration) -> Gathered {
        if self.left_out > 0 {
            let message = Msg::new("app-too-many").with("most", MOST_SERIES as u64).with("more", self.left_out);
            self.problem(message);
        }
        self.gathered.took = took;
        self.gathered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_bounds_is_left_out_and_said() {
        let mut sheet = Sheet::new(&"db".into(), AppKind::Other, None);
        for number in 0..MOST_SERIES + 5 {
            sheet.number("a", &[("n", &number.to_string())], 1.0);
        }
        sheet.number("b", &[], f64::NAN);
        sheet.table("t", &["one", "two"], vec![vec!["가".repeat(500)]; 500]);
        sheet.table("none", &["one"], Vec::new());
        let done = sheet.done(Duration::ZERO);
        assert_eq!(done.series.len(), MOST_SERIES);
        assert_eq!(done.series[0].0, SeriesKey::new("a", [("collector", "db"), ("n", "0")]));
        assert_eq!(done.problem.unwrap().id, "app-too-many");
        assert_eq!((done.tables.len(), done.tables[0].rows.len()), (1, MOST_ROWS));
        assert_eq!(done.tables[0].rows[0][0].chars().count(), MOST_TEXT + 1);
        assert_eq!(done.tables[0].rows[0].len(), 2);
    }
}
