//! What applications said in the last minutes.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use perfuse_analyze::app::{AppFact, AppTable};

/// How long facts are kept.
const KEPT: Duration = Duration::from_secs(120);
/// Answers of one collector that are kept at most: one every two seconds.
const ANSWERS: usize = 60;
/// Facts of one answer, and rows of one table, that are kept at most.
const FACTS: usize = 100;
const ROWS: usize = 50;
/// Bytes of one cell of a table that are kept at most.
const CELL: usize = 500;

/// One answer.
#[derive(Debug)]
struct Answer {
    at: Instant,
    facts: Vec<AppFact>,
}

/// All collectors.
#[derive(Debug, Default)]
pub(super) struct Apps {
    facts: BTreeMap<String, VecDeque<Answer>>,
    /// The newest tables of each collector, and those of the last time at which it had anything to report.
    tables: BTreeMap<String, Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    newest: Vec<AppTable>,
    telling: Option<(Instant, Vec<AppTable>)>,
}

impl Apps {
    /// Takes what a collector found at this moment.
    pub(super) fn told(&mut self, source: &str, mut facts: Vec<AppFact>, tables: Vec<AppTable>, at: Instant) {
        facts.truncate(FACTS);
        let tables: Vec<AppTable> = tables.into_iter().map(bounded).collect();
        let kept = self.tables.entry(source.to_owned()).or_default();
        if !facts.is_empty() {
            kept.telling = Some((at, tables.clone()));
        }
        kept.newest = tables;
        let answers = self.facts.entry(source.to_owned()).or_default();
        answers.push_back(Answer { at, facts });
        while answers.len() > ANSWERS || answers.front().is_some_and(|old| at.duration_since(old.at) > KEPT) {
            answers.pop_front();
        }
    }

    /// The facts since `from`, of all collectors, the older first.
    pub(super) fn facts(&self, from: Instant) -> Vec<AppFact> {
        let answers = self.facts.values().flatten().filter(|answer| answer.at >= from);
        answers.flat_map(|answer| &answer.facts).cloned().collect()
    }

    /// The tables: those of the time of the facts since `from`, else the newest.
    pub(super) fn tables(&self, from: Instant) -> Vec<AppTable> {
        let of = |kept: &Tables| match &kept.telling {
            Some((at, tables)) if *at >= from => tables.clone(),
            _ => kept.newest.clone(),
        };
        self.tables.values().flat_map(of).collect()
    }
}

/// A table that is not too large to be kept with an incident.
fn bounded(mut table: AppTable) -> AppTable {
    table.rows.truncate(ROWS);
    for cell in table.rows.iter_mut().flatten() {
        if let Some((end, _)) =
            cell.char_indices().take_while(|(at, _)| *at <= CELL).last().filter(|_| cell.len() > CELL)
        {
            cell.truncate(end);
            cell.push('…');
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::app::{AppKind, AppWhat};

    use super::*;

    fn fact(waiting: f64) -> AppFact {
        let what = AppWhat::Pool { pool: "db".to_owned(), used: 1.0, max: 2.0, pending: waiting };
        AppFact { source: "shop".to_owned(), kind: AppKind::Other, component: None, pid: None, what }
    }

    fn table(cell: &str) -> AppTable {
        let (source, title) = ("shop".to_owned(), "pools".to_owned());
        AppTable { source, title, columns: vec!["a".to_owned()], rows: vec![vec![cell.to_owned()]; 200] }
    }

    #[test]
    fn facts_go_with_their_time_and_tables_are_of_the_time_of_the_facts() {
        let mut apps = Apps::default();
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        for second in 0..200 {
            let facts = if second == 150 { vec![fact(7.0)] } else { Vec::new() };
            apps.told("shop", facts, vec![table(&second.to_string())], after(second));
        }
        assert_eq!(apps.facts(after(140)).len(), 1);
        assert!(apps.facts(after(151)).is_empty());
        let cell = |tables: &[AppTable]| tables[0].rows[0][0].clone();
        assert_eq!(cell(&apps.tables(after(140))), "150");
        assert_eq!(cell(&apps.tables(after(160))), "199");
        assert!(apps.facts["shop"].len() <= ANSWERS);
    }

    #[test]
    fn tables_are_cut_between_letters() {
        let cut = bounded(table(&"가".repeat(400)));
        assert_eq!(cut.rows.len(), ROWS);
        assert!(cut.rows[0][0].ends_with('…') && cut.rows[0][0].len() <= CELL + 3, "{}", cut.rows[0][0].len());
    }
}
