//! Any endpoint of Prometheus or `OpenMetrics`, by rules.

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;

use super::rates::Rates;
use super::rules::{self, Fields};
use super::sheet::Sheet;
use crate::check::Clients;
use crate::client::web::Access;
use crate::config::Rule;

/// Part of a pool, a heap or the threads from which on it is a fact.
const NEARLY_FULL: f64 = 0.8;

/// One endpoint.
pub(super) struct Source {
    url: String,
    access: Access,
    rules: Vec<Rule>,
    rates: Rates,
}

impl Source {
    pub(super) fn new(url: &str, access: Access, rules: &[Rule]) -> Self {
        Self { url: url.to_owned(), access, rules: rules.to_vec(), rates: Rates::default() }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let exposition = clients.exposition(&self.url, &self.access).await.map_err(|said| said.message)?;
        let mut found = rules::apply(&exposition, &self.rules);
        for ((kind, name), fields) in std::mem::take(&mut found.counted) {
            for (field, value) in fields {
                if let Some(rate) = self.rates.of(format!("{kind} {field} {name}"), value) {
                    found.now.entry((kind, name.clone())).or_default().insert(field, rate);
                }
            }
        }
        self.rates.turn();
        for ((kind, name), fields) in &found.now {
            for (field, value) in fields {
                sheet.number(&format!("{kind}_{field}"), &[("name", name)], *value);
            }
            if let Some(what) = fact(kind, name, fields) {
                sheet.fact(None, what);
            }
        }
        if !found.nothing.is_empty() {
            sheet.problem(Msg::new("app-rule-nothing").with("metric", found.nothing.join(", ")));
        }
        Ok(())
    }
}

/// What the numbers of one thing say, if it is worth saying.
fn fact(kind: &str, name: &str, fields: &Fields) -> Option<AppWhat> {
    let field = |name: &str| fields.get(name).copied();
    // Without the limit itself, what is in use and what is free make it up.
    let max = field("max").or_else(|| Some(field("used")? + field("idle")?)).filter(|max| *max > 0.0);
    match kind {
        "pool" | "threads" => {
            let (used, pending) = (field("used").unwrap_or(0.0), field("pending").unwrap_or(0.0));
            let full = max.is_some_and(|max| used >= max * NEARLY_FULL);
            let max = max.unwrap_or(used);
            (full || pending > 0.0).then(|| AppWhat::Pool { pool: name.to_owned(), used, max, pending })
        }
        "queue" | "lag" => {
            let length = field("length").or(field("pending")).filter(|length| *length > 0.0)?;
            let queue = name.to_owned();
            Some(AppWhat::Queue {
                queue,
                length,
                rate_in: None,
                rate_out: field("rate"),
                consumers: None,
                takers: Vec::new(),
            })
        }
        _ => {
            let (used, max) = (field("used")?, max?);
            (used >= max * NEARLY_FULL).then_some(AppWhat::Heap { used, max, pause_share: 0.0, all: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_full_or_waited_for_is_a_fact() {
        let pool =
            |used, max, pending| fact("pool", "p", &Fields::from([("used", used), ("max", max), ("pending", pending)]));
        assert_eq!(pool(1.0, 10.0, 0.0), None);
        let exhausted = AppWhat::Pool { pool: "p".into(), used: 10.0, max: 10.0, pending: 4.0 };
        assert_eq!(pool(10.0, 10.0, 4.0), Some(exhausted));
        assert!(pool(1.0, 10.0, 1.0).is_some());
        let by_parts = fact("threads", "t", &Fields::from([("used", 9.0), ("idle", 1.0)]));
        assert!(matches!(by_parts, Some(AppWhat::Pool { max: 10.0, .. })));
        assert_eq!(fact("queue", "q", &Fields::from([("length", 0.0)])), None);
        assert!(fact("lag", "q", &Fields::from([("length", 5.0)])).is_some());
        assert_eq!(fact("heap", "h", &Fields::from([("used", 5.0)])), None);
        assert!(fact("heap", "h", &Fields::from([("used", 5.0), ("max", 6.0)])).is_some());
    }
}
