//! Whether the report of a guest is right, given how the guest was set up.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use perfuse_format::replay::Decoder;
use perfuse_format::sys::capability::{Capabilities, State};
use serde_json::Value;

/// How a guest was set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expect {
    /// The word of `host.cgroup`.
    pub(super) cgroup: Option<&'static str>,
    /// BPF programs can run, and then all of them do.
    pub(super) bpf: bool,
    /// Pressure stall information is on.
    pub(super) psi: bool,
    /// A cgroup spins under a CPU quota.
    pub(super) quota: bool,
}

/// What a guest left.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The document of `--json`.
    pub(super) report: Value,
    /// Its exit status.
    pub(super) status: String,
    /// What it wrote on standard error.
    pub(super) errors: String,
    /// The document of `why --json`.
    pub(super) why: Value,
    /// What became of each BPF function when `why` loaded it, which loads all of them.
    pub(super) functions: Capabilities,
    /// The recording gave the same report on this host.
    pub(super) same: bool,
    /// What the one-liners for dynamic probes left; empty where they were not run.
    pub(super) probes: String,
}

impl Seen {
    /// Reads the directory that a guest filled.
    pub(super) fn read(directory: &Path, same: bool) -> Result<Self> {
        let text = |name: &str| -> Result<String> {
            let bytes = std::fs::read(directory.join(name)).with_context(|| format!("the guest left no {name}"))?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        let errors = text("errors")?;
        let report = serde_json::from_str(&text("report.json")?)
            .with_context(|| format!("the report is no JSON; perfuse said: {errors}"))?;
        let why = serde_json::from_str(&text("why.json")?)
            .with_context(|| format!("the answer of why is no JSON; perfuse said: {errors}"))?;
        let recording = std::fs::read(directory.join("why")).context("the guest left no recording of why")?;
        // The first snapshot tells what was loaded; by the last one the dearest may have been detached.
        let first = Decoder::new(&recording)?.next().context("the recording is empty")??;
        let functions = first.get::<Capabilities>("@bpf/status").into_value().unwrap_or_default();
        let probes = std::fs::read_to_string(directory.join("probes")).unwrap_or_default();
        Ok(Self { report, status: text("status")?, errors, why, functions, same, probes })
    }
}

/// What was found of one guest.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Everything that is not as it should be.
    pub(super) problems: Vec<String>,
    /// One line on the guest.
    pub(super) summary: String,
}

impl Verdict {
    /// A guest that came to no report.
    pub(super) fn failed(problem: String) -> Self {
        Self { problems: vec![problem], summary: "no report".to_owned() }
    }
}

/// Compares the report with the setting.
pub(super) fn judge(seen: &Seen, expect: &Expect) -> Verdict {
    let report = &seen.report;
    let mut problems = Vec::new();
    let mut must = |holds: bool, problem: &dyn Fn() -> String| {
        if !holds {
            problems.push(problem());
        }
    };
    must(matches!(seen.status.as_str(), "0" | "1"), &|| format!("exit status {}: {}", seen.status, seen.errors));
    must(!seen.errors.contains("panicked"), &|| format!("a panic: {}", seen.errors));
    must(report["schema"] == "perfuse.use/1", &|| format!("schema {}", report["schema"]));
    must(cells(report, "cells").len() == 42, &|| format!("{} cells", cells(report, "cells").len()));
    must(cells(report, "controls").len() == 20, &|| format!("{} controls", cells(report, "controls").len()));
    for cell in cells(report, "cells").iter().chain(cells(report, "controls")) {
        must(is_whole(cell), &|| format!("not filled in: {cell}"));
    }
    let cgroup = report["host"]["cgroup"].as_str();
    must(cgroup == expect.cgroup, &|| format!("host.cgroup is {cgroup:?} and not {:?}", expect.cgroup));
    must(report["host"]["cpus"] == super::CPUS, &|| format!("host.cpus is {}", report["host"]["cpus"]));
    let exact = &seen.why["time"]["exact"];
    must(*exact == expect.bpf, &|| format!("why measured what threads sleep for: {exact}"));
    must(seen.same, &|| "the recording gives another report on this host".to_owned());

    let bpf = capability(report, "bpf");
    let btf = capability(report, "btf");
    if expect.bpf {
        must(bpf["available"] == true, &|| format!("no BPF: {bpf}"));
        must(!seen.functions.0.is_empty(), &|| "no BPF program was loaded".to_owned());
        for refused in seen.functions.0.iter().filter(|function| function.state != State::Yes) {
            must(false, &|| format!("refused: {}: {}", refused.id, refused.detail));
        }
    } else {
        must(says_why(bpf) || says_why(btf), &|| format!("BPF cannot run, and neither says why: {bpf} {btf}"));
        must(seen.functions.0.iter().all(|function| !function.available()), &|| "a BPF program was loaded".to_owned());
    }
    for id in ["cpu.saturation", "disk.saturation"] {
        let cell = cells(report, "cells").iter().find(|cell| cell["id"] == id).unwrap_or(&Value::Null);
        let measured = |row: &Value| row["source"].as_str().is_some_and(|source| source.contains("/proc/pressure/"));
        let uses = cell["evidence"].as_array().is_some_and(|rows| rows.iter().any(measured));
        must(uses == expect.psi, &|| format!("{id} and PSI: {}", cell["evidence"]));
        must(expect.psi || !cell["note"].is_null() || says_why(cell), &|| {
            format!("{id} does not tell that PSI is off")
        });
    }
    let psi = capability(report, "psi");
    must(psi["available"] == expect.psi, &|| format!("PSI: {psi}"));
    must(expect.psi || says_why(psi), &|| format!("PSI is off, and nobody says how to turn it on: {psi}"));
    let quota = findings(report).iter().any(|id| id.contains("quota"));
    must(quota == expect.quota, &|| format!("findings {:?}", findings(report)));
    Verdict { problems, summary: summary(seen) }
}

fn cells<'a>(report: &'a Value, list: &str) -> &'a [Value] {
    report[list].as_array().map_or(&[], Vec::as_slice)
}

fn findings(report: &Value) -> Vec<&str> {
    cells(report, "findings").iter().filter_map(|finding| finding["id"].as_str()).collect()
}

fn capability<'a>(report: &'a Value, id: &str) -> &'a Value {
    cells(report, "capabilities").iter().find(|one| one["id"] == id).unwrap_or(&Value::Null)
}

fn filled(value: &Value, key: &str) -> bool {
    value[key].as_str().is_some_and(|text| !text.is_empty())
}

/// Whether a capability that is not there says why and what to do.
fn says_why(value: &Value) -> bool {
    filled(value, "reason") && filled(value, "enable")
}

/// Whether a cell has what its verdict asks for.
fn is_whole(cell: &Value) -> bool {
    let rest = match cell["verdict"].as_str() {
        Some("unmeasurable") => says_why(cell) && filled(cell, "who_could_know") && cell["value"].is_null(),
        Some("not_applicable") => filled(cell, "reason"),
        // What did not happen has no latency: nothing was forked, say.
        Some("ok") if cell["value"].is_null() => filled(cell, "note"),
        Some("ok" | "watch" | "bottleneck" | "error") => cell["value"]["number"].is_number(),
        _ => false,
    };
    rest && filled(cell, "by_hand")
}

/// What a guest's report holds: the columns of [`table`] after the result.
fn summary(seen: &Seen) -> String {
    let all = || cells(&seen.report, "cells").iter().chain(cells(&seen.report, "controls"));
    let count = |verdict: &str| all().filter(|cell| cell["verdict"] == verdict).count();
    let (unmeasurable, not_applicable) = (count("unmeasurable"), count("not_applicable"));
    let measured = all().count() - unmeasurable - not_applicable;
    let running = seen.functions.0.iter().filter(|function| function.available()).count();
    let findings = findings(&seen.report);
    format!(
        "{:<6}  {:>2} of {:<2}  {:<3}  {:<6}  {measured:>2} {unmeasurable:>2} {not_applicable:>2}  {}",
        seen.report["host"]["cgroup"].as_str().unwrap_or("none"),
        running,
        seen.functions.0.len(),
        if capability(&seen.report, "psi")["available"] == true { "on" } else { "off" },
        if seen.same { "same" } else { "OTHER" },
        if findings.is_empty() { "none".to_owned() } else { findings.join(" ") },
    )
}

/// One line for each guest.
pub(super) fn table(rows: &[(&str, Duration, Verdict)]) -> String {
    let mut text = String::from(
        "Cells: measured, unmeasurable with their reasons, not applicable; 42 and the 20 controls.\n\n\
         boot            time  result  cgroup  BPF       PSI  replay  cells     findings\n",
    );
    for (name, time, verdict) in rows {
        let result = if verdict.problems.is_empty() { "ok" } else { "FAILED" };
        let _ = writeln!(text, "{name:<14} {:>4.0}s  {result:<6}  {}", time.as_secs_f64(), verdict.summary);
    }
    text
}

#[cfg(test)]
mod tests {
    use perfuse_format::sys::capability::Capability;
    use perfuse_format::{Missing, Why};
    use serde_json::json;

    use super::*;

    const EXPECT: Expect = Expect { cgroup: Some("v2"), bpf: true, psi: true, quota: true };

    /// Something that goes wrong, and a word of what is said of it.
    type Change = (&'static str, fn(&mut Seen));

    /// What [`EXPECT`] asks for.
    fn right() -> Seen {
        let cell = |id: &str| {
            let evidence = [json!({ "source": "/proc/pressure/any" })];
            let value = json!({ "number": 0.0, "unit": "s/s" });
            json!({ "id": id, "verdict": "ok", "value": value, "note": null, "by_hand": "cat", "evidence": evidence })
        };
        let mut all: Vec<Value> = (0..40).map(|number| cell(&format!("cell.{number}"))).collect();
        all.extend(["cpu.saturation", "disk.saturation"].map(cell));
        let capabilities = ["bpf", "btf", "psi"].map(|id| json!({ "id": id, "available": true }));
        let report = json!({
            "schema": "perfuse.use/1",
            "host": { "cgroup": "v2", "cpus": 2 },
            "capabilities": capabilities,
            "cells": all,
            "controls": vec![cell("control"); 20],
            "findings": [{ "id": "cpu.quota-throttled" }],
        });
        let functions = Capabilities(vec![Capability::yes("bpf/sched/switch")]);
        let why = json!({ "time": { "exact": true } });
        Seen {
            report,
            status: "1".to_owned(),
            errors: String::new(),
            why,
            functions,
            same: true,
            probes: String::new(),
        }
    }

    fn problems(seen: &Seen) -> Vec<String> {
        judge(seen, &EXPECT).problems
    }

    #[test]
    fn a_report_as_set_up_is_right() {
        assert_eq!(problems(&right()), Vec::<String>::new());
    }

    #[test]
    fn every_deviation_is_told() {
        let changes: [Change; 13] = [
            ("what threads sleep for: false", |seen| seen.why["time"]["exact"] = json!(false)),
            ("exit status 101", |seen| seen.status = "101".to_owned()),
            ("panic", |seen| seen.errors = "thread 'main' panicked".to_owned()),
            ("schema", |seen| seen.report["schema"] = json!("perfuse.use/2")),
            ("41 cells", |seen| drop(seen.report["cells"].as_array_mut().unwrap().remove(0))),
            ("0 controls", |seen| seen.report["controls"] = Value::Null),
            ("not filled in", |seen| seen.report["cells"][0]["verdict"] = json!("unmeasurable")),
            ("host.cgroup", |seen| seen.report["host"]["cgroup"] = json!("hybrid")),
            ("host.cpus", |seen| seen.report["host"]["cpus"] = json!(0)),
            ("recording", |seen| seen.same = false),
            ("refused: bpf/skb/drop", |seen| {
                let refused = Missing::new(Why::Unsupported, "bpf").with_detail("R1 unbounded");
                seen.functions.0.push(Capability::no("bpf/skb/drop", &refused));
            }),
            ("cpu.saturation and PSI", |seen| seen.report["cells"][40]["evidence"] = json!([])),
            ("findings", |seen| seen.report["findings"] = json!([])),
        ];
        for (word, change) in changes {
            let mut seen = right();
            change(&mut seen);
            let found = problems(&seen);
            assert!(found.len() == 1 && found[0].contains(word), "{word}: {found:?}");
        }
    }

    #[test]
    fn what_is_off_must_be_told() {
        let off = Expect { bpf: false, psi: false, ..EXPECT };
        let mut seen = right();
        seen.functions.0.clear();
        seen.why["time"]["exact"] = json!(false);
        let told = json!({ "id": "psi", "available": false, "reason": "off", "enable": "boot with psi=1" });
        seen.report["capabilities"] = json!([{ "id": "bpf", "available": false }, told]);
        for at in [40, 41] {
            seen.report["cells"][at]["evidence"] = json!([{ "source": "bpf task iterator" }]);
            seen.report["cells"][at]["note"] = json!("another source");
        }
        let found = judge(&seen, &off).problems;
        assert!(found.len() == 1 && found[0].contains("neither says why"), "{found:?}");
        seen.report["capabilities"][0] = json!({ "id": "bpf", "reason": "not permitted", "enable": "be root" });
        assert_eq!(judge(&seen, &off).problems, Vec::<String>::new());
        seen.report["cells"][41]["note"] = Value::Null;
        let found = judge(&seen, &off).problems;
        assert!(found.len() == 1 && found[0].contains("disk.saturation"), "{found:?}");
    }
}
