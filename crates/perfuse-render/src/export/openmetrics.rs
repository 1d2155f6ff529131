//! `OpenMetrics` 1.0 text.
//!
//! Labels are bounded: instances are the worst few of each cell, and process ids are taken off their names.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perfuse_analyze::{Kind, Severity, Unit, Verdict};

use crate::report::{Cell, Report};

/// Instances of one cell that are exported.
const INSTANCES: usize = 10;

/// The media type of what [`render`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The kinds of metric that are written.
#[derive(Clone, Copy)]
enum Type {
    Gauge,
    Counter,
    StateSet,
    Info,
}

/// One metric family while it is written: the head, then its samples.
struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

type Label<'a> = (&'a str, &'a str);

impl<'a> Family<'a> {
    fn new(out: &'a mut String, name: &'static str, kind: Type, unit: &str, help: &str) -> Self {
        let kind = match kind {
            Type::Gauge => "gauge",
            Type::Counter => "counter",
            Type::StateSet => "stateset",
            Type::Info => "info",
        };
        let _ = writeln!(out, "# TYPE {name} {kind}");
        if !unit.is_empty() {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
        let _ = writeln!(out, "# HELP {name} {}", escaped(help));
        Self { out, name }
    }

    /// One sample; `suffix` is `_total`, `_info` or nothing. A number that is not finite is no sample.
    fn sample(&mut self, suffix: &str, labels: &[Label], number: f64) {
        if !number.is_finite() {
            return;
        }
        let _ = write!(self.out, "{}{suffix}", self.name);
        for (index, (name, value)) in labels.iter().enumerate() {
            let _ = write!(self.out, "{}{name}=\"{}\"", if index == 0 { "{" } else { "," }, escaped(value));
        }
        // Minus zero (of an empty sum) is zero.
        let _ = writeln!(self.out, "{} {}", if labels.is_empty() { "" } else { "}" }, number + 0.0);
    }
}

/// Label values and help texts escape backslash, quote and line feed; nothing else.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The report as one exposition.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    resources(&mut out, report);
    values(&mut out, report);
    verdicts(&mut out, report);
    measurable(&mut out, report);
    findings(&mut out, report);
    own(&mut out, report);
    out.push_str("# EOF\n");
    out
}

/// The name without what would make ever new labels: process ids in brackets and kernel addresses at its end.
fn bounded(name: &str) -> &str {
    let mut name = name;
    loop {
        let before = name;
        if let Some((rest, last)) = name.rsplit_once(' ') {
            let hex = last.strip_prefix("0x").unwrap_or("");
            if !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()) && !rest.trim().is_empty() {
                name = rest.trim_end();
            }
        }
        if let Some((rest, id)) = name.strip_suffix(')').and_then(|inner| inner.rsplit_once('(')) {
            let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | ' '));
            if is_id && !rest.trim().is_empty() {
                name = rest.trim_end();
            }
        }
        if name == before {
            return name;
        }
    }
}

/// The headline of a cell (without instance) and its worst instances.
fn samples<'a>(cell: &'a Cell, wanted: &[Unit]) -> Vec<(Option<&'a str>, f64)> {
    let mut all = Vec::new();
    all.extend(cell.value.filter(|value| wanted.contains(&value.0.unit)).map(|value| (None, value.0.number)));
    let mut seen = BTreeSet::new();
    let instances = cell.instances.iter().filter(|one| wanted.contains(&one.value.0.unit));
    for instance in instances.take(INSTANCES) {
        let name = bounded(&instance.name);
        if seen.insert(name) {
            all.push((Some(name), instance.value.0.number));
        }
    }
    all
}

fn resources(out: &mut String, report: &Report) {
    let of = |kind: Kind| report.cells.iter().filter(move |cell| cell.kind == Some(kind));
    let write = |family: &mut Family, cell: &Cell, suffix: &str, units: &[Unit], scale: &dyn Fn(&Cell) -> f64| {
        for (instance, number) in samples(cell, units) {
            let mut labels = vec![("resource", cell.resource.id())];
            labels.extend(instance.map(|name| ("instance", name)));
            family.sample(suffix, &labels, number * scale(cell));
        }
    };
    let help = "Share of a resource that is in use; without instance: the headline of the cell.";
    let mut family = Family::new(out, "perfuse_resource_utilization_ratio", Type::Gauge, "ratio", help);
    for cell in of(Kind::Utilization) {
        write(&mut family, cell, "", &[Unit::Ratio], &|_| 1.0);
    }
    let help = "Seconds that work waits for a resource, per second.";
    let mut family = Family::new(out, "perfuse_resource_saturation_ratio", Type::Gauge, "ratio", help);
    for cell in of(Kind::Saturation) {
        write(&mut family, cell, "", &[Unit::SecondsPerSecond, Unit::Ratio], &|_| 1.0);
    }
    let help = "Errors of a resource that were seen in this run.";
    let mut family = Family::new(out, "perfuse_resource_errors", Type::Counter, "", help);
    let seconds = |cell: &Cell| match cell.value {
        Some(value) if value.0.unit == Unit::PerSecond => report.duration_s,
        _ => 1.0,
    };
    for cell in of(Kind::Errors) {
        write(&mut family, cell, "_total", &[Unit::Count, Unit::PerSecond], &seconds);
    }
}

/// The headline of everything, in the unit that it has.
fn values(out: &mut String, report: &Report) {
    let help = "Headline number of a cell in the unit that the label names.";
    let mut family = Family::new(out, "perfuse_cell_value", Type::Gauge, "", help);
    for cell in &report.cells {
        if let (Some(value), Some(kind)) = (cell.value, cell.kind) {
            let unit = value.0.unit.symbol();
            let labels = [("resource", cell.resource.id()), ("kind", kind.id()), ("unit", unit)];
            family.sample("", &labels, value.0.number);
        }
    }
    let help = "Headline number of a resource control in the unit that the label names.";
    let mut family = Family::new(out, "perfuse_control_value", Type::Gauge, "", help);
    for cell in &report.controls {
        if let Some(value) = cell.value {
            let labels = [("control", control_name(cell)), ("unit", value.0.unit.symbol())];
            family.sample("", &labels, value.0.number);
        }
    }
}

fn control_name(cell: &Cell) -> &str {
    cell.id.strip_prefix("control.").unwrap_or(&cell.id)
}

/// A state set has a label of its own name; `verdict` says the same under a handier name.
fn verdicts(out: &mut String, report: &Report) {
    let name = "perfuse_cell_verdict";
    let mut family = Family::new(out, name, Type::StateSet, "", "Verdict of each cell of the checklist.");
    for cell in &report.cells {
        let kind = cell.kind.map_or("", Kind::id);
        for verdict in Verdict::ALL {
            let labels =
                [("resource", cell.resource.id()), ("kind", kind), ("verdict", verdict.id()), (name, verdict.id())];
            family.sample("", &labels, f64::from(u8::from(verdict == cell.verdict)));
        }
    }
    let name = "perfuse_control_verdict";
    let mut family = Family::new(out, name, Type::StateSet, "", "Verdict of each resource control.");
    for cell in &report.controls {
        for verdict in Verdict::ALL {
            let labels = [("control", control_name(cell)), ("verdict", verdict.id()), (name, verdict.id())];
            family.sample("", &labels, f64::from(u8::from(verdict == cell.verdict)));
        }
    }
}

fn measurable(out: &mut String, report: &Report) {
    let help = "1 where a cell could be read, 0 with the reason where not.";
    let mut family = Family::new(out, "perfuse_cell_measurable", Type::Gauge, "", help);
    for cell in report.cells.iter().filter(|cell| cell.verdict != Verdict::NotApplicable) {
        let readable = cell.verdict != Verdict::Unmeasurable;
        let reason = if readable { "" } else { cell.reason_id.as_deref().unwrap_or("other") };
        let kind = cell.kind.map_or("", Kind::id);
        let labels = [("resource", cell.resource.id()), ("kind", kind), ("reason", reason)];
        family.sample("", &labels, f64::from(u8::from(readable)));
    }
}

fn findings(out: &mut String, report: &Report) {
    let mut family = Family::new(out, "perfuse_findings", Type::Gauge, "", "Findings by severity.");
    for severity in [Severity::Watch, Severity::Bottleneck, Severity::Error] {
        let count = report.findings.iter().filter(|finding| finding.severity == severity).count();
        family.sample("", &[("severity", severity.id())], count as f64);
    }
    let help = "Seconds of thread wait per second that the findings of a rule explain.";
    let mut family = Family::new(out, "perfuse_finding_wait_ratio", Type::Gauge, "ratio", help);
    let mut rules: Vec<(&str, f64)> = Vec::new();
    for finding in &report.findings {
        let wait = finding.wait_s_per_s.unwrap_or(0.0);
        match rules.iter_mut().find(|(id, _)| *id == finding.id) {
            Some((_, sum)) => *sum += wait,
            None => rules.push((&finding.id, wait)),
        }
    }
    for (id, wait) in rules {
        family.sample("", &[("finding", id)], wait);
    }
    if let Some(healthy) = report.healthy {
        let help = "1 where no finding is above watch, 0 otherwise; no sample where too little was measurable.";
        let mut family = Family::new(out, "perfuse_healthy", Type::Gauge, "", help);
        family.sample("", &[], f64::from(u8::from(healthy)));
    }
}

fn own(out: &mut String, report: &Report) {
    if let Some(cost) = &report.own_cost {
        let help = "Share of the CPUs of the host that perfuse itself used.";
        Family::new(out, "perfuse_own_cpu_ratio", Type::Gauge, "ratio", help).sample("", &[], cost.cpu_ratio);
        let help = "Resident memory of perfuse itself.";
        let mut family = Family::new(out, "perfuse_own_memory_bytes", Type::Gauge, "bytes", help);
        family.sample("", &[], cost.rss_bytes as f64);
    }
    let mut family = Family::new(out, "perfuse_build", Type::Info, "", "Version of perfuse.");
    family.sample("_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fixture::{checklist, context};
    use crate::{Lang, Texts, golden};

    fn exposition() -> String {
        render(&Report::new(&checklist(true), &context(), &Texts::core(Lang::En)))
    }

    /// A strict reader: families in one piece, heads before samples, suffixes by type, labels well formed, no sample
    /// twice, state sets with their own label and one state on, `# EOF` last.
    fn read(text: &str) -> Result<BTreeMap<String, f64>, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("no EOF")?;
        let mut families: BTreeMap<String, String> = BTreeMap::new();
        let mut samples = BTreeMap::new();
        let mut on: BTreeMap<String, u32> = BTreeMap::new();
        let mut current = String::new();
        for line in body.lines() {
            if let Some(head) = line.strip_prefix("# ") {
                let mut words = head.splitn(3, ' ');
                let (what, name, rest) =
                    (words.next().unwrap(), words.next().ok_or("no name")?, words.next().ok_or("no value")?);
                match what {
                    "TYPE" => {
                        if families.insert(name.to_owned(), rest.to_owned()).is_some() {
                            return Err(format!("{name} twice"));
                        }
                        name.clone_into(&mut current);
                    }
                    "UNIT" if name != current || !name.ends_with(&format!("_{rest}")) => {
                        return Err(format!("unit of {name}"));
                    }
                    "UNIT" | "HELP" => {}
                    _ => return Err(line.to_owned()),
                }
                continue;
            }
            let (name, labels, number) = sample(line)?;
            let suffix = name.strip_prefix(&current).ok_or(format!("{name} in {current}"))?;
            let kind = families.get(&current).ok_or("no head")?.as_str();
            if !matches!((kind, suffix), ("gauge" | "stateset", "") | ("counter", "_total") | ("info", "_info")) {
                return Err(format!("{line}: suffix"));
            }
            if kind == "stateset" {
                let others: Vec<_> = labels.iter().filter(|(name, _)| *name != current && name != "verdict").collect();
                *on.entry(format!("{current}{others:?}")).or_default() += u32::from(number > 0.5);
                labels.iter().find(|(name, _)| *name == current).ok_or("state set without its label")?;
            }
            if samples.insert(format!("{name}{labels:?}"), number).is_some() {
                return Err(format!("{line}: twice"));
            }
        }
        match on.iter().find(|(_, count)| **count != 1) {
            Some((set, count)) => Err(format!("{set} has {count} states")),
            None => Ok(samples),
        }
    }

    type Sample = (String, Vec<(String, String)>, f64);

    fn sample(line: &str) -> Result<Sample, String> {
        let name_end = line.find(['{', ' ']).ok_or("no end of the name")?;
        let (name, mut rest) = line.split_at(name_end);
        let mut labels = Vec::new();
        if let Some(mut inner) = rest.strip_prefix('{') {
            loop {
                let (label, after) = inner.split_once("=\"").ok_or(line)?;
                let mut value = String::new();
                let mut chars = after.char_indices();
                let end = loop {
                    match chars.next().ok_or(line)? {
                        (at, '"') => break at,
                        (_, '\\') => match chars.next().ok_or(line)?.1 {
                            'n' => value.push('\n'),
                            c @ ('\\' | '"') => value.push(c),
                            _ => return Err(line.to_owned()),
                        },
                        (_, c) => value.push(c),
                    }
                };
                labels.push((label.to_owned(), value));
                let after = &after[end + 1..];
                if let Some(next) = after.strip_prefix(',') {
                    inner = next;
                } else {
                    rest = after.strip_prefix('}').ok_or(line)?;
                    break;
                }
            }
        }
        let number = rest.strip_prefix(' ').ok_or(line)?.parse().map_err(|_| line.to_owned())?;
        Ok((name.to_owned(), labels, number))
    }

    #[test]
    fn a_strict_reader_takes_it() {
        let text = exposition();
        let samples = read(&text).unwrap();
        assert!(samples.keys().any(|key| key.starts_with("perfuse_build_info")));
        assert_eq!(samples.keys().filter(|key| key.starts_with("perfuse_cell_verdict")).count(), 42 * 6);
        let hostile = samples.keys().find(|key| key.contains("script")).unwrap();
        assert!(hostile.contains("evil"), "{hostile}");
        // 12.4 a second over 5 s.
        let errors = samples.iter().find(|(key, _)| key.contains("errors_total") && key.contains("capacity")).unwrap();
        assert!((errors.1 - 62.0).abs() < 1e-9);
        golden::check("use.openmetrics", &text);
    }

    #[test]
    fn the_reader_refuses_what_is_wrong() {
        let good = exposition();
        assert!(read(good.trim_end_matches("# EOF\n")).is_err());
        assert!(read(&good.replacen(" 1\n", " one\n", 1)).is_err());
        assert!(read(&good.replacen("errors_total", "errors", 1)).is_err());
        assert!(read(&good.replace("perfuse_cell_verdict=", "state=")).is_err());
    }

    #[test]
    fn process_ids_do_not_become_labels() {
        assert_eq!(bounded("nginx (1234)"), "nginx");
        assert_eq!(bounded("nginx (1234/1250)"), "nginx");
        assert_eq!(bounded("(sd-pam)"), "(sd-pam)");
        assert_eq!(bounded("nginx (1234) 0xffff88842e52cbb8"), "nginx");
        assert_eq!(bounded("rwsem (write) 0xffff88842e52cbb8"), "rwsem (write)");
        assert_eq!(bounded("0xff"), "0xff");
        assert_eq!(bounded("eth0"), "eth0");
        assert_eq!(bounded("(7)"), "(7)");
    }
}
