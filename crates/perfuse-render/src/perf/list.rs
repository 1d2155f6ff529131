//! The layouts of `perf list`: lines, names alone, and the JSON of newer perf.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

/// What stands in brackets behind an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// General hardware event.
    Hardware,
    /// Counted by the kernel.
    Software,
    /// Counted by perf itself.
    Tool,
    /// Cache event.
    Cache,
    /// Named by a PMU in sysfs.
    Pmu,
    /// The CPU's own codes.
    Raw,
    /// Hardware breakpoint.
    Breakpoint,
    /// Tracepoint.
    Tracepoint,
    /// Carried by a program.
    Sdt,
}

impl Kind {
    /// perf's words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hardware => "Hardware event",
            Self::Software => "Software event",
            Self::Tool => "Tool event",
            Self::Cache => "Hardware cache event",
            Self::Pmu => "Kernel PMU event",
            Self::Raw => "Raw hardware event descriptor",
            Self::Breakpoint => "Hardware breakpoint",
            Self::Tracepoint => "Tracepoint event",
            Self::Sdt => "SDT event",
        }
    }
}

/// One event of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name that `-e` takes.
    pub name: String,
    /// Another name; empty when there is none.
    pub alias: String,
    /// Kind.
    pub kind: Kind,
    /// The PMU that names it; empty when none does.
    pub pmu: String,
    /// The terms that the name stands for (`event=0x04`), as sysfs has them; empty when it is no name of a PMU.
    pub terms: String,
    /// What the event is about, of those that tables of the CPU's maker name: `cache`.
    pub topic: String,
    /// What tables say of it; empty when nothing does, or it is not wanted.
    pub about: String,
}

impl Listed {
    /// An event with a name alone.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        let none = String::new;
        Self { name: name.into(), alias: none(), kind, pmu: none(), terms: none(), topic: none(), about: none() }
    }

    /// The same with another name.
    #[must_use]
    pub fn or(mut self, alias: impl Into<String>) -> Self {
        self.alias = alias.into();
        self
    }
}

/// How much is written, and how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Columns of the screen that descriptions are wrapped for.
    pub columns: usize,
    /// Whether what a name stands for is written below it.
    pub encoding: bool,
}

/// A line for each event. One that is described has its description below it, and its topic above the first of it.
pub fn lines(events: &[Listed], detail: Detail) -> String {
    let mut text = String::new();
    let mut topic = None;
    for event in events {
        // Writing to a string does not fail.
        if event.about.is_empty() {
            let or = if event.alias.is_empty() { "" } else { " OR " };
            let names = format!("{}{or}{}", event.name, event.alias);
            let _ = writeln!(text, "  {names:<50} [{}]", event.kind.words());
            continue;
        }
        if topic != Some(event.topic.as_str()) {
            let _ = writeln!(text, "\n{}:", event.topic);
            topic = Some(&event.topic);
        }
        let _ = writeln!(text, "  {:<50}\n       [{}]", event.name, wrapped(&event.about, 8, detail.columns));
        if detail.encoding {
            let pmu = if event.pmu.is_empty() { "cpu" } else { &event.pmu };
            let _ = writeln!(text, "        {pmu}/{}/", event.terms);
        }
    }
    text
}

/// Words in lines that begin at a column and end before another.
fn wrapped(text: &str, start: usize, columns: usize) -> String {
    let (mut out, mut column) = (String::new(), start);
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > start && column + width >= columns {
            let _ = write!(out, "\n{:start$}", "");
            column = start;
        }
        if column > start {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

/// A metric of the CPU's model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedMetric {
    /// Its name.
    pub name: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// What it tells; empty when nothing is known or wanted.
    pub about: String,
    /// Its formula.
    pub formula: String,
    /// Factor and unit of its value.
    pub scale_unit: String,
}

/// Which part of the metrics is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricList {
    /// Metrics, one below the other.
    Metrics,
    /// Names of groups.
    Groups,
    /// Groups with their metrics.
    Both,
}

/// Metrics with their descriptions, in alphabetical order, and their formulas when `encoding` is wanted.
pub fn metrics(metrics: &[ListedMetric], what: MetricList, detail: Detail) -> String {
    let mut text = match what {
        MetricList::Metrics => "\nMetrics:\n\n".to_owned(),
        _ => "\nMetric Groups:\n\n".to_owned(),
    };
    let one = |text: &mut String, metric: &ListedMetric| {
        let _ = writeln!(text, "  {}", metric.name);
        let formula = if detail.encoding { metric.formula.as_str() } else { "" };
        for line in [metric.about.as_str(), formula].iter().filter(|line| !line.is_empty()) {
            let _ = writeln!(text, "       [{line}]");
        }
    };
    if what == MetricList::Metrics {
        for metric in sorted(metrics) {
            one(&mut text, metric);
        }
        return text;
    }
    for (group, members) in grouped(metrics) {
        let _ = writeln!(text, "{group}{}", if what == MetricList::Both { ":" } else { "" });
        if what == MetricList::Both {
            for metric in members {
                one(&mut text, metric);
            }
        }
    }
    text
}

fn sorted(metrics: &[ListedMetric]) -> Vec<&ListedMetric> {
    let mut all: Vec<_> = metrics.iter().collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.dedup_by(|one, other| one.name == other.name);
    all
}

/// Groups by name, with their metrics by name.
fn grouped(metrics: &[ListedMetric]) -> BTreeMap<&str, Vec<&ListedMetric>> {
    let mut groups: BTreeMap<&str, Vec<&ListedMetric>> = BTreeMap::new();
    for metric in sorted(metrics) {
        if metric.groups.is_empty() {
            groups.entry("No_group").or_default().push(metric);
        }
        for group in &metric.groups {
            groups.entry(group).or_default().push(metric);
        }
    }
    groups
}

/// Names of metrics and groups, for the completion of shells.
pub fn raw_metrics(metrics: &[ListedMetric], what: MetricList) -> String {
    let names = |metrics: &[&ListedMetric]| {
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        names.join(" ")
    };
    match what {
        MetricList::Metrics => names(&sorted(metrics)) + "\n",
        MetricList::Groups => grouped(metrics).keys().fold(String::new(), |text, group| text + group + " "),
        MetricList::Both => {
            let one =
                |text, (group, members): (&str, Vec<&ListedMetric>)| format!("{text}{group} {}\n", names(&members));
            grouped(metrics).into_iter().fold(String::new(), one)
        }
    }
}

/// Names with a blank after each, for the completion of shells; what is no name is left out.
pub fn raw(events: &[Listed]) -> String {
    let named = events.iter().filter(|event| !matches!(event.kind, Kind::Raw | Kind::Breakpoint));
    named.fold(String::new(), |text, event| text + &event.name + " ")
}

/// An array with an object for each event and metric, with the keys of newer perf.
pub fn json(events: &[Listed], metrics: &[ListedMetric]) -> String {
    let filled = |mut object: serde_json::Value, fields: &[(&str, &str)]| {
        for (key, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            object[*key] = json!(value);
        }
        object
    };
    let event = |event: &Listed| {
        let object = json!({ "EventName": event.name, "EventType": event.kind.words() });
        let fields = [
            ("EventAlias", event.alias.as_str()),
            ("Unit", &event.pmu),
            ("Topic", &event.topic),
            ("BriefDescription", &event.about),
            ("Encoding", &event.terms),
        ];
        filled(object, &fields)
    };
    let metric = |metric: &ListedMetric| {
        let object = json!({ "MetricName": metric.name, "MetricExpr": metric.formula });
        let groups = metric.groups.join(";");
        let fields =
            [("MetricGroup", groups.as_str()), ("ScaleUnit", &metric.scale_unit), ("BriefDescription", &metric.about)];
        filled(object, &fields)
    };
    let objects: Vec<_> = events.iter().map(event).chain(sorted(metrics).into_iter().map(metric)).collect();
    serde_json::to_string_pretty(&objects).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_a_column_and_may_break_out_of_it() {
        let long = "x".repeat(60);
        let events = [
            Listed::new(Kind::Software, "context-switches").or("cs"),
            Listed::new(Kind::Raw, "rNNN"),
            Listed { pmu: "msr".to_owned(), terms: "event=0x00".to_owned(), ..Listed::new(Kind::Pmu, "msr/tsc/") },
            Listed::new(Kind::Tracepoint, &long),
        ];
        let expected = format!(
            "  context-switches OR cs                             [Software event]\n  rNNN                                               [Raw hardware event descriptor]\n  msr/tsc/                                           [Kernel PMU event]\n  {long} [Tracepoint event]\n"
        );
        assert_eq!(lines(&events, DETAIL), expected);
        assert_eq!(raw(&events), format!("context-switches msr/tsc/ {long} "));
        let parsed: serde_json::Value = serde_json::from_str(&json(&events, &[])).unwrap();
        assert_eq!(parsed[0]["EventAlias"], "cs");
        assert_eq!(parsed[2]["Unit"], "msr");
        assert_eq!(parsed[3].as_object().map(serde_json::Map::len), Some(2));
    }

    const DETAIL: Detail = Detail { columns: 40, encoding: false };

    #[test]
    fn described_events_stand_below_their_topics() {
        let event = |name: &str, topic: &str, about: &str| Listed {
            topic: topic.to_owned(),
            about: about.to_owned(),
            terms: "event=0x1".to_owned(),
            ..Listed::new(Kind::Pmu, name)
        };
        let events = [
            event("a.one", "cache", "Words that go on behind the end of the line"),
            event("a.two", "cache", "Short"),
            event("b", "memory", "Other"),
        ];
        let blanks = |name: &str| format!("  {name:<50}\n");
        let expected = format!(
            "\ncache:\n{}       [Words that go on behind the end\n        of the line]\n{}       [Short]\n\nmemory:\n{}       [Other]\n",
            blanks("a.one"),
            blanks("a.two"),
            blanks("b")
        );
        assert_eq!(lines(&events, DETAIL), expected);
        let detail = Detail { encoding: true, ..DETAIL };
        assert!(lines(&events, detail).contains("[Short]\n        cpu/event=0x1/\n"));
        let parsed: serde_json::Value = serde_json::from_str(&json(&events, &[])).unwrap();
        assert_eq!((&parsed[2]["Topic"], &parsed[2]["BriefDescription"]), (&json!("memory"), &json!("Other")));
    }

    #[test]
    fn metrics_are_listed_as_perf_lists_them() {
        let metric = |name: &str, groups: &[&str]| ListedMetric {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            about: format!("About {name}"),
            formula: "a / b".to_owned(),
            scale_unit: String::new(),
        };
        let all = [metric("two", &["tlb", "cache"]), metric("one", &["cache"]), metric("none", &[])];
        let of = |what| metrics(&all, what, DETAIL);
        let every = "\nMetrics:\n\n  none\n       [About none]\n  one\n       [About one]\n  two\n       [About two]\n";
        assert_eq!(of(MetricList::Metrics), every);
        assert_eq!(of(MetricList::Groups), "\nMetric Groups:\n\nNo_group\ncache\ntlb\n");
        assert!(of(MetricList::Both).contains("cache:\n  one\n       [About one]\n  two\n"));
        let detailed = metrics(&all[..1], MetricList::Metrics, Detail { encoding: true, ..DETAIL });
        assert!(detailed.ends_with("       [About two]\n       [a / b]\n"), "{detailed}");
        assert_eq!(raw_metrics(&all, MetricList::Both), "No_group none\ncache one two\ntlb two\n");
        assert_eq!(raw_metrics(&all, MetricList::Groups), "No_group cache tlb ");
        let parsed: serde_json::Value = serde_json::from_str(&json(&[], &all)).unwrap();
        assert_eq!(parsed[2]["MetricGroup"], "tlb;cache");
    }
}
