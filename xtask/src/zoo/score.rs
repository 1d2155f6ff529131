//! Whether an answer is right, and how often answers are.

use serde_json::Value;

use super::case::{Told, Who};

/// What an answer says, without the words: the same for `perfuse` and for the baselines.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// Resource and kind: `cpu.saturation`.
    pub(crate) cell: String,
    /// The control, if a limit is the cause: `control.cpu-quota`.
    pub(crate) control: Option<String>,
    /// Who or what is to blame, if the answer says so.
    pub(crate) culprit: Option<Blamed>,
    /// Whether its chain names the victim and the culprit and has a number.
    pub(crate) grounded: bool,
    /// Stable id of the rule.
    pub(crate) id: String,
}

/// A culprit as an answer names it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Blamed {
    /// `process`, `cgroup`, ...
    pub(crate) kind: String,
    /// Its process id.
    pub(crate) pid: Option<u32>,
    /// Its name.
    pub(crate) name: String,
    /// Its path.
    pub(crate) path: Option<String>,
}

impl Said {
    /// One finding of `perfuse use --json` or `perfuse why --json`.
    pub(crate) fn of(finding: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let culprit = &finding["culprit"];
        let blamed = Blamed {
            kind: text(&culprit["kind"]),
            pid: culprit["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()),
            name: text(&culprit["name"]),
            path: culprit["path"].as_str().map(str::to_owned),
        };
        let links: Vec<&Value> = finding["chain"].as_array().into_iter().flatten().collect();
        let words: String = links
            .iter()
            .flat_map(|link| ["from", "to", "evidence"].map(|part| text(&link[part]) + "\n"))
            .chain([text(&finding["summary"])])
            .collect();
        let victims = finding["victims"].as_array().into_iter().flatten();
        let named = |entity: &Value| {
            let name = entity["name"].as_str().unwrap_or_default();
            !name.is_empty() && words.contains(name)
        };
        let number = links.iter().any(|link| text(&link["evidence"]).chars().any(|letter| letter.is_ascii_digit()));
        let grounded = number && named(culprit) && victims.clone().any(named);
        Self {
            cell: format!("{}.{}", text(&finding["resource"]), text(&finding["kind"])),
            control: finding["control"].as_str().map(str::to_owned),
            culprit: Some(blamed),
            grounded,
            id: text(&finding["id"]),
        }
    }

    /// All of a report that are no mere remarks, the first one first.
    pub(crate) fn all(report: &Value) -> Vec<Self> {
        let findings = report["findings"].as_array().into_iter().flatten();
        findings.filter(|finding| finding["severity"] != "watch").map(Self::of).collect()
    }

    /// What, without whom.
    pub(crate) fn short(&self) -> String {
        let kind = self.culprit.as_ref().map_or_else(String::new, |culprit| format!(", {}", culprit.kind));
        format!("{} ({}{kind})", self.control.as_ref().unwrap_or(&self.cell), self.id)
    }

    /// In a few words.
    pub(crate) fn text(&self) -> String {
        let culprit = self.culprit.as_ref().map_or_else(String::new, |culprit| {
            let pid = culprit.pid.map_or_else(String::new, |pid| format!(" ({pid})"));
            format!(" by {} {}{pid}", culprit.kind, culprit.name)
        });
        format!("{} [{}]{culprit}", self.control.as_ref().unwrap_or(&self.cell), self.id)
    }
}

/// How right an answer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one column of the table")]
pub(crate) struct Marks {
    /// The first answer names the resource and the kind, or the control; of a healthy host there is no answer.
    pub(crate) first: bool,
    /// It names the culprit as well.
    pub(crate) culprit: bool,
    /// One of the first three answers names the resource and the kind, or the control.
    pub(crate) third: bool,
    /// Its chain names victim, culprit and a measured number.
    pub(crate) grounded: bool,
}

/// Compares an answer with the truth.
pub(crate) fn mark(said: &[Said], truth: &Told) -> Marks {
    compare(said, truth, |one| accepted(one, truth))
}

/// Compares the answer of a method that knows no kinds and no limits: it is right with the resource.
pub(crate) fn mark_resource(said: &[Said], truth: &Told) -> Marks {
    let of = |cell: &str| resource(cell).to_owned();
    compare(said, truth, |one| truth.accepted.iter().any(|cell| resource(cell) == of(&one.cell)))
}

/// The resource of a cell, or that which a control limits.
fn resource(cell: &str) -> &str {
    match cell {
        "control.cpu-quota" | "control.cpuset" | "control.cgroup-freezer" => "cpu",
        "control.memory-limit" => "memory",
        "control.io-throttle" | "control.dirty-limit" => "disk",
        "control.pids-limit" => "tasks",
        "control.nofile" => "fds",
        "control.qdisc" | "control.listen-backlog" | "control.ephemeral-ports" => "network",
        other => other.split('.').next().unwrap_or(other),
    }
}

fn compare(said: &[Said], truth: &Told, right: impl Fn(&Said) -> bool) -> Marks {
    if truth.accepted.is_empty() {
        let silent = said.is_empty();
        return Marks { first: silent, culprit: silent, third: silent, grounded: silent };
    }
    let first = said.first().filter(|one| right(one));
    Marks {
        first: first.is_some(),
        culprit: first.is_some_and(|one| one.culprit.as_ref().is_some_and(|culprit| blamed(culprit, truth))),
        third: said.iter().take(3).any(&right),
        grounded: first.is_some_and(|one| one.grounded),
    }
}

/// A limit is right only as that limit: who says that the CPU is short where a quota is, sends one to buy CPUs.
fn accepted(said: &Said, truth: &Told) -> bool {
    truth.accepted.iter().any(|one| *one == said.cell || said.control.as_ref() == Some(one))
}

fn blamed(culprit: &Blamed, truth: &Told) -> bool {
    let path = culprit.path.as_deref();
    truth.culprits.iter().any(|who| match who {
        Who::Pid(pid) => culprit.pid == Some(*pid),
        Who::Cgroup(group) => culprit.kind == "cgroup" && (path == Some(group) || culprit.name == *group),
        Who::Device(device) => culprit.kind == "device" && culprit.name == *device,
        Who::Mount(mount) => culprit.kind == "mount" && (path == Some(mount) || culprit.name == *mount),
        Who::Interface(interface) => culprit.name.split([' ', ':']).any(|word| word == interface),
        Who::Address(address) => culprit.name.contains(address.as_str()),
        Who::Kernel(name) => culprit.kind == "kernel" && culprit.name.contains(name.as_str()),
    })
}

/// The 95 % Wilson score interval of a share (Wilson 1927): `(low, high)`.
pub(crate) fn wilson(right: usize, all: usize) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (all as f64, right as f64 / all as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(resource: &str, control: Option<&str>, culprit: &Value) -> Value {
        json!({
            "id": "x", "severity": "bottleneck", "resource": resource, "kind": "saturation", "control": control,
            "culprit": culprit, "victims": [{ "kind": "process", "pid": 7, "name": "shop" }], "summary": "",
            "chain": [{ "from": "shop waits", "to": "the CPU that batch takes", "evidence": "0.4 s/s" }],
        })
    }

    fn truth(accepted: &[&str], culprits: Vec<Who>) -> Told {
        Told { accepted: accepted.iter().map(|one| (*one).to_owned()).collect(), culprits }
    }

    #[test]
    fn the_first_answer_counts_and_the_culprit_apart() {
        let batch = json!({ "kind": "process", "pid": 9, "name": "batch" });
        let report = json!({ "findings": [finding("cpu", None, &batch), finding("disk", None, &json!({}))] });
        let said = Said::all(&report);
        let all = |first, culprit, third, grounded| Marks { first, culprit, third, grounded };
        assert_eq!(mark(&said, &truth(&["cpu.saturation"], vec![Who::Pid(9)])), all(true, true, true, true));
        assert_eq!(mark(&said, &truth(&["cpu.saturation"], vec![Who::Pid(8)])), all(true, false, true, true));
        assert_eq!(mark(&said, &truth(&["disk.saturation"], vec![])), all(false, false, true, false));
        assert_eq!(mark(&said, &Told::default()), all(false, false, false, false), "a false alarm");
        assert_eq!(mark(&[], &Told::default()), all(true, true, true, true));
        assert_eq!(mark(&[], &truth(&["cpu.saturation"], vec![])), all(false, false, false, false));
    }

    #[test]
    fn remarks_are_no_answers_and_a_limit_is_told_from_its_resource() {
        let mut remark = finding("cpu", None, &json!({}));
        remark["severity"] = json!("watch");
        let group = json!({ "kind": "cgroup", "name": "/a", "path": "/a" });
        let report = json!({ "findings": [remark, finding("cpu", Some("control.cpu-quota"), &group)] });
        let said = Said::all(&report);
        assert_eq!(said.len(), 1);
        let marks = mark(&said, &truth(&["control.cpu-quota"], vec![Who::Cgroup("/a".to_owned())]));
        assert!(marks.first && marks.culprit && !marks.grounded, "the chain does not name the cgroup");
        let plain = Said { control: None, ..said[0].clone() };
        assert!(!mark(&[plain], &truth(&["control.cpu-quota"], vec![])).first);
    }

    #[test]
    fn the_resource_is_enough_for_those_who_know_no_more() {
        let said = |cell: &str| vec![Said { cell: cell.to_owned(), ..Said::default() }];
        let quota = truth(&["control.cpu-quota"], vec![]);
        assert!(mark_resource(&said("cpu.utilization"), &quota).first);
        assert!(!mark_resource(&said("disk.saturation"), &quota).first);
        assert!(!mark(&said("cpu.utilization"), &quota).first);
        assert!(!mark_resource(&said("cpu.utilization"), &Told::default()).first, "an alarm is one in any case");
    }

    #[test]
    fn wilson_is_that_of_the_textbooks() {
        let near = |(low, high): (f64, f64), (a, b): (f64, f64)| (low - a).abs() < 5e-4 && (high - b).abs() < 5e-4;
        assert!(near(wilson(8, 10), (0.4902, 0.9433)));
        assert!(near(wilson(10, 10), (0.7225, 1.0)));
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }
}
