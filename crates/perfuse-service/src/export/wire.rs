//! What series are called by others.

use crate::store::SeriesKey;

/// Before every name, so that nobody takes them for those of another exporter.
const PREFIX: &str = "perfuse_";

/// A name of a metric as Prometheus has them: letters, digits and `_`, not with a digit at its beginning.
pub(super) fn metric(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if clean.starts_with(PREFIX) { clean } else { format!("{PREFIX}{clean}") }
}

/// A name of a label.
fn label(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    // Names with two of them belong to Prometheus.
    let clean = clean.trim_start_matches('_');
    if clean.is_empty() || clean.starts_with(|c: char| c.is_ascii_digit()) {
        format!("label_{clean}")
    } else {
        clean.to_owned()
    }
}

/// The labels of a series, sorted by name, each name once, none of them without a value.
pub(super) fn labels(key: &SeriesKey) -> Vec<(String, &str)> {
    let mut labels: Vec<(String, &str)> = Vec::new();
    for (name, value) in key.labels().iter().filter(|(_, value)| !value.is_empty()) {
        let mut name = label(name);
        // Two names that differ only in what a name cannot have; and those that say where a series is from.
        while labels.iter().any(|(other, _)| *other == name) || ["job", "instance"].contains(&name.as_str()) {
            name.push('_');
        }
        labels.push((name, value));
    }
    labels.sort();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_takes() {
        assert_eq!(metric("cpu.run-queue"), "perfuse_cpu_run_queue");
        assert_eq!(metric("perfuse_cpu"), "perfuse_cpu");
        assert_eq!(metric("메모리"), "perfuse____");
        let key =
            SeriesKey::new("x", [("a.b", "1"), ("a-b", "2"), ("__name__", "3"), ("0", "4"), ("job", "5"), ("e", "")]);
        let names: Vec<String> = labels(&key).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a_b", "a_b_", "job_", "label_0", "name__"]);
    }
}
