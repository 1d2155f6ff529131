//! What the metrics of an endpoint mean: rules of the configuration, and the names that are known without one.

use std::collections::BTreeMap;

use perfuse_format::openmetrics::{Exposition, Sample};

use crate::config::Rule;

/// A rule that is known: metric, a label that it must have, what it means, and the label that names the pool.
type Known = (&'static str, Option<(&'static str, &'static str)>, &'static str, &'static str, &'static str);

/// The semantic conventions of OpenTelemetry for pools of connections, as Prometheus writes their names (the stable ones and
/// those before them), and `HikariCP` as Micrometer and as its own exporter write it.
const KNOWN: &[Known] = &[
    ("db_client_connection_count", Some(("db_client_connection_state", "used")), "pool", "used", POOL),
    ("db_client_connection_count", Some(("db_client_connection_state", "idle")), "pool", "idle", POOL),
    ("db_client_connection_max", None, "pool", "max", POOL),
    ("db_client_connection_pending_requests", None, "pool", "pending", POOL),
    ("db_client_connections_usage", Some(("state", "used")), "pool", "used", "pool_name"),
    ("db_client_connections_usage", Some(("state", "idle")), "pool", "idle", "pool_name"),
    ("db_client_connections_max", None, "pool", "max", "pool_name"),
    ("db_client_connections_pending_requests", None, "pool", "pending", "pool_name"),
    ("hikaricp_connections_active", None, "pool", "used", "pool"),
    ("hikaricp_connections_idle", None, "pool", "idle", "pool"),
    ("hikaricp_connections_pending", None, "pool", "pending", "pool"),
    ("hikaricp_connections_max", None, "pool", "max", "pool"),
    ("hikaricp_active_connections", None, "pool", "used", "pool"),
    ("hikaricp_idle_connections", None, "pool", "idle", "pool"),
    ("hikaricp_pending_threads", None, "pool", "pending", "pool"),
    ("hikaricp_max_connections", None, "pool", "max", "pool"),
];
const POOL: &str = "db_client_connection_pool_name";

/// What is told of one thing: a pool, a queue, a heap.
pub(super) type Fields = BTreeMap<&'static str, f64>;

/// What an endpoint says, by kind (`pool`, `queue`, ..) and name.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// Values that are as they are.
    pub(super) now: BTreeMap<(&'static str, String), Fields>,
    /// Values that count up, and are rates.
    pub(super) counted: BTreeMap<(&'static str, String), Fields>,
    /// Metrics of rules of the configuration that the endpoint does not have.
    pub(super) nothing: Vec<String>,
}

/// Applies the rules of a configuration, and after them those that are known to whatever no rule took.
pub(super) fn apply(exposition: &Exposition, rules: &[Rule]) -> Found {
    let mut found = Found::default();
    for rule in rules {
        let labels: Vec<(&str, &str)> = pairs(&rule.labels);
        let mut any = false;
        for sample in exposition.samples.iter().filter(|sample| sample.name == rule.metric && sample.has(&labels)) {
            any = true;
            let name = rule.name.as_deref().map_or_else(|| rule.metric.clone(), |name| fill(name, sample));
            let counts = rule.field == "rate" && counts_up(exposition, &rule.metric);
            let to = if counts { &mut found.counted } else { &mut found.now };
            add(to, rule.to, name, rule.field, sample.value);
        }
        if !any {
            found.nothing.push(rule.metric.clone());
        }
    }
    for &(metric, label, to, field, name) in KNOWN {
        // A rule of the configuration for the same metric says what it means here.
        if rules.iter().any(|rule| rule.metric == metric) {
            continue;
        }
        let labels: Vec<(&str, &str)> = label.into_iter().collect();
        for sample in exposition.samples.iter().filter(|sample| sample.name == metric && sample.has(&labels)) {
            let name = sample.label(name).unwrap_or("default").to_owned();
            add(&mut found.now, to, name, field, sample.value);
        }
    }
    found
}

fn pairs(labels: &[(String, String)]) -> Vec<(&str, &str)> {
    labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Values of the same field of the same thing are those of its parts.
fn add(
    to: &mut BTreeMap<(&'static str, String), Fields>,
    kind: &'static str,
    name: String,
    field: &'static str,
    value: f64,
) {
    if value.is_finite() {
        *to.entry((kind, name)).or_default().entry(field).or_default() += value;
    }
}

/// Whether a metric only goes up: by its type, or where none is told by its name.
fn counts_up(exposition: &Exposition, metric: &str) -> bool {
    let base = metric.strip_suffix("_total");
    let family = exposition.families.iter().find(|family| family.name == metric || Some(family.name.as_str()) == base);
    family.map_or(base.is_some(), |family| family.kind == "counter")
}

/// A name with the values of labels in it: `orders-{queue}`. A label that is not there is empty.
fn fill(name: &str, sample: &Sample) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((label, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            break;
        };
        out.push_str(sample.label(label).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfuse_format::parse::FromBytes as _;

    fn rule(metric: &str, labels: &[(&str, &str)], to: &'static str, field: &'static str, name: Option<&str>) -> Rule {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Rule { metric: metric.to_owned(), labels, to, field, name: name.map(str::to_owned) }
    }

    #[test]
    fn rules_map_names_and_labels() {
        let text = "# TYPE jobs_total counter\njobs_total{q=\"a\"} 5\njobs_total{q=\"b\"} 7\nlen{q=\"a\",p=\"1\"} 2\n\
            len{q=\"a\",p=\"2\"} 3\nhikaricp_connections_max{pool=\"db\"} 10\n";
        let exposition = Exposition::from_bytes(text.as_bytes()).unwrap();
        let rules = [
            rule("jobs_total", &[("q", "a")], "queue", "rate", Some("{q}")),
            rule("len", &[], "queue", "length", Some("{q}")),
            rule("none", &[], "heap", "used", None),
        ];
        let found = apply(&exposition, &rules);
        assert_eq!(found.nothing, ["none"]);
        assert_eq!(found.counted, BTreeMap::from([(("queue", "a".to_owned()), Fields::from([("rate", 5.0)]))]));
        assert_eq!(found.now[&("queue", "a".to_owned())], Fields::from([("length", 5.0)]));
        assert_eq!(found.now[&("pool", "db".to_owned())], Fields::from([("max", 10.0)]));
    }

    #[test]
    fn names_have_labels_in_them() {
        let exposition = Exposition::from_bytes(b"a{x=\"1\",y=\"2\"} 3\n").unwrap();
        let sample = &exposition.samples[0];
        for (name, wanted) in [("{x}-{y}", "1-2"), ("p{z}q", "pq"), ("{x", "{x"), ("", "")] {
            assert_eq!(fill(name, sample), wanted);
        }
    }
}
