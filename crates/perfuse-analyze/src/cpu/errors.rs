//! `cpu.errors`: machine checks, CPUs that slow themselves down for heat, and what the kernel log says of both.

use std::collections::BTreeMap;

use perfuse_format::parse::Number;
use perfuse_format::proc::interrupts::Interrupts;
use perfuse_format::proc::kmsg::Event;
use perfuse_format::{Missing, Reading, Why, delta};

use super::{advice, link};
use crate::cell::{Cell, Entity, EntityKind, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::kernel_log::{Logged, logged};
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const ID: &str = "cpu.errors";
const SPEC: (Resource, Kind, &str) = (Resource::Cpu, Kind::Errors, ID);

/// Directory of the CPUs, up to the number.
const CPU: &str = "/sys/devices/system/cpu/cpu";

/// What was seen; each `None` where the host does not show it.
#[derive(Default)]
struct Seen {
    /// Machine check exceptions in the run, from `/proc/interrupts`.
    exceptions: Option<u64>,
    /// Corrected errors that the hardware signalled by its threshold interrupt in the run.
    corrected: Option<u64>,
    /// Share of the run in which each CPU was slowed down for heat, and how often that began.
    throttled: BTreeMap<u32, (u64, f64)>,
    /// Whether the host shows throttling counters at all.
    thermal: bool,
    /// Events of the log that concern the CPU.
    log: Option<Vec<Logged>>,
    /// Why there is no log.
    no_log: Option<Missing>,
}

/// The cell and its findings.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    let seen = look(run);
    let machine_checks = seen.exceptions.is_some() || seen.corrected.is_some();
    if !machine_checks && !seen.thermal && seen.log.is_none() {
        let missing = seen.no_log.unwrap_or_else(|| Missing::new(Why::NotSampled, "@kmsg"));
        return out.cell(Cell::unmeasurable(ID, &missing));
    }
    let recent = run.threshold("cpu.log-recent");
    let events = seen.log.as_deref().unwrap_or_default();
    let bad = |logged: &&Logged| matches!(logged.event.event, Event::MachineCheck { uncorrected: Some(true), .. });
    let now = events.iter().filter(|logged| logged.during).count() as u64;
    let fatal = events.iter().filter(bad).any(|logged| logged.during) || seen.exceptions.unwrap_or(0) > 0;
    let hot = seen.throttled.values().any(|(_, share)| *share >= run.threshold("cpu.thermal-time"));
    let corrected = seen.corrected.unwrap_or(0);
    let lately = events.iter().any(|logged| logged.during || (logged.age_s as f64) < recent);
    let verdict = match () {
        () if fatal => Verdict::Error,
        () if hot || corrected > 0 || lately => Verdict::Watch,
        () => Verdict::Ok,
    };
    let total = now.max(seen.exceptions.unwrap_or(0)) + corrected;
    let mut cell = Cell::measured(ID, verdict, Quantity::count(total as f64));
    cell.evidence = evidence(&seen, now);
    cell.instances = instances(run, &seen, events);
    cell.note = note(&seen, machine_checks);
    out.cell(cell);
    if fatal {
        out.finding(machine_check(&seen, events));
    }
    if hot {
        out.finding(thermal(run, &seen));
    }
}

fn look(run: &Run) -> Seen {
    let mut seen = Seen::default();
    if let Reading::Value(span) = run.span::<Interrupts>("/proc/interrupts") {
        let grew = |id: &str| {
            let (first, last) = (span.first.row(id)?, span.last.row(id)?);
            let pairs = span
                .last
                .cpus
                .iter()
                .filter_map(|cpu| delta(span.first.count(first, *cpu)?, span.last.count(last, *cpu)?).grew());
            Some(pairs.sum())
        };
        seen.exceptions = grew("MCE");
        seen.corrected = grew("THR");
    }
    let Some(last) = run.snapshots.iter().rev().find(|raw| raw.under(CPU).any(|(name, _)| name.contains("/thermal_")))
    else {
        return with_log(run, seen);
    };
    for (name, _) in last.under(CPU).filter(|(name, _)| name.ends_with("/core_throttle_count")) {
        let Some(cpu) = name.split('/').next().and_then(|cpu| cpu.parse().ok()) else { continue };
        let grown = |file: &str| {
            let span = run.span::<Number>(&format!("{CPU}{cpu}/thermal_throttle/{file}")).into_value()?;
            Some((delta(span.first.0, span.last.0).grew()?, span.seconds))
        };
        if let Some((times, _)) = grown("core_throttle_count") {
            seen.thermal = true;
            // The time is counted since Linux 5.7; before it only the beginnings are.
            let share = grown("core_throttle_total_time_ms").map_or(0.0, |(ms, seconds)| ms as f64 / 1e3 / seconds);
            seen.throttled.insert(cpu, (times, share.min(1.0)));
        }
    }
    with_log(run, seen)
}

fn with_log(run: &Run, mut seen: Seen) -> Seen {
    match logged(run) {
        Reading::Value(all) => {
            let mine = |logged: &Logged| {
                matches!(logged.event.event, Event::MachineCheck { .. } | Event::ThermalThrottle { .. })
            };
            seen.log = Some(all.into_iter().filter(mine).collect());
        }
        Reading::Missing(missing) => seen.no_log = Some(missing),
    }
    seen
}

fn evidence(seen: &Seen, logged: u64) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let mut put = |source: &'static str, metric: &'static str, value: f64, by_hand: &'static str| {
        evidence.push(Evidence::new(source, metric, Quantity::count(value)).by_hand(by_hand));
    };
    if let Some(exceptions) = seen.exceptions {
        put("/proc/interrupts", "MCE", exceptions as f64, "grep -E 'MCE|THR' /proc/interrupts");
    }
    if let Some(corrected) = seen.corrected {
        put("/proc/interrupts", "THR", corrected as f64, "grep -E 'MCE|THR' /proc/interrupts");
    }
    if seen.log.is_some() {
        put(
            "/dev/kmsg",
            "machine checks and throttling in this run",
            logged as f64,
            "dmesg | grep -iE 'mce|Hardware Error|throttled'",
        );
    }
    if seen.thermal {
        let times: u64 = seen.throttled.values().map(|(times, _)| times).sum();
        let by_hand = "grep . /sys/devices/system/cpu/cpu*/thermal_throttle/*";
        put("/sys/devices/system/cpu/cpu*/thermal_throttle", "core_throttle_count", times as f64, by_hand);
    }
    evidence
}

fn instances(run: &Run, seen: &Seen, events: &[Logged]) -> Vec<Instance> {
    let mut all: Vec<Instance> = seen
        .throttled
        .iter()
        .filter(|(_, (times, share))| *times > 0 || *share > 0.0)
        .map(|(cpu, (times, share))| {
            let bad = *share >= run.threshold("cpu.thermal-time");
            let verdict = if bad { Verdict::Watch } else { Verdict::Ok };
            Instance::new(format!("cpu{cpu}"), Quantity::ratio(*share), verdict)
                .detail("throttle_events", Quantity::count(*times as f64))
        })
        .collect();
    // The newest events of the log; the rest is in the log itself.
    for logged in events.iter().rev().take(10) {
        let verdict = match (&logged.event.event, logged.during) {
            (Event::MachineCheck { uncorrected: Some(true), .. }, true) => Verdict::Error,
            (_, true) => Verdict::Watch,
            _ => Verdict::Ok,
        };
        all.push(
            Instance::new(&logged.event.text, Quantity::count(1.0), verdict)
                .detail("age", Quantity::seconds(logged.age_s as f64)),
        );
    }
    all.sort_by_key(|instance| std::cmp::Reverse(instance.verdict));
    all
}

/// What the cell could not see although it was measured.
fn note(seen: &Seen, machine_checks: bool) -> Option<Msg> {
    match (&seen.no_log, machine_checks) {
        (Some(missing), _) => {
            Some(Msg::new("cell-cpu-errors-note-no-log").with("reason", crate::message::missing(missing)))
        }
        (None, false) => Some(Msg::new("cell-cpu-errors-note-log-only")),
        (None, true) => None,
    }
}

fn machine_check(seen: &Seen, events: &[Logged]) -> Finding {
    let cpu = events.iter().rev().find_map(|logged| match logged.event.event {
        Event::MachineCheck { cpu: Some(cpu), uncorrected: Some(true) } if logged.during => Some(cpu),
        _ => None,
    });
    let name = cpu.map_or_else(|| "CPU".to_owned(), |cpu| format!("cpu{cpu}"));
    let mut finding = Finding::new("cpu.machine-check", Severity::Error, SPEC, Entity::new(EntityKind::Device, &name));
    finding.victims = vec![Entity::host()];
    finding.confidence = 1.0;
    let count = events.iter().filter(|logged| logged.during).count() as u64;
    let count = count.max(seen.exceptions.unwrap_or(0));
    finding.summary = Msg::new("finding-cpu-machine-check-summary").with("cpu", &name).with("count", count);
    let text = events.iter().rev().find(|logged| logged.during).map(|logged| logged.event.text.clone());
    finding.chain = vec![link(
        Msg::new("finding-cpu-machine-check-link-host"),
        Msg::new("finding-cpu-machine-check-link-hardware").with("cpu", &name),
        Msg::new("finding-cpu-machine-check-link-text").with("text", text.unwrap_or_else(|| "MCE".to_owned())),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-cpu-machine-check-advice-replace"),
        Some("dmesg | grep -i 'hardware error'; ras-mc-ctl --errors".to_owned()),
        Msg::new("finding-cpu-machine-check-expect-replace"),
    )];
    finding
}

fn thermal(run: &Run, seen: &Seen) -> Finding {
    let worst = seen.throttled.iter().max_by(|a, b| a.1.1.total_cmp(&b.1.1).then(b.0.cmp(a.0)));
    let (cpu, share) = worst.map_or((0, 0.0), |(cpu, (_, share))| (*cpu, *share));
    let name = format!("cpu{cpu}");
    let mut finding =
        Finding::new("cpu.thermal-throttle", Severity::Watch, SPEC, Entity::new(EntityKind::Device, &name));
    finding.confidence = 0.9;
    let count = seen.throttled.values().filter(|(_, share)| *share >= run.threshold("cpu.thermal-time")).count() as u64;
    finding.summary = Msg::new("finding-cpu-thermal-throttle-summary")
        .with("cpu", &name)
        .with("share", Quantity::ratio(share))
        .with("count", count);
    finding.chain = vec![link(
        Msg::new("finding-cpu-thermal-throttle-link-slow").with("cpu", &name),
        Msg::new("finding-cpu-thermal-throttle-link-heat"),
        Msg::new("finding-cpu-thermal-throttle-link-evidence").with("share", Quantity::ratio(share)),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-cpu-thermal-throttle-advice-cool"),
        Some("sensors; turbostat --Summary".to_owned()),
        Msg::new("finding-cpu-thermal-throttle-expect-cool").with("share", Quantity::ratio(share)),
    )];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second};
    use super::*;
    use crate::Checklist;

    fn cell(checklist: &Checklist) -> &Cell {
        checklist.cells.iter().find(|cell| cell.id == ID).unwrap()
    }

    #[test]
    fn only_what_happens_now_is_an_error() {
        let check = "2,9,5000000,-;mce: [Hardware Error]: CPU 1: Machine Check: 0 Bank 5: be00000000800400\n";
        let mut snapshots = vec![second(100), second(101)];
        snapshots[0].put("@kmsg", check);
        snapshots[1].put("@kmsg", "");
        let checklist = build(&snapshots);
        assert_eq!(cell(&checklist).verdict, Verdict::Watch, "95 s ago is recent");
        assert!(checklist.findings.is_empty());
        snapshots[0].put("@kmsg", "");
        snapshots[1].put("@kmsg", check);
        let checklist = build(&snapshots);
        assert_eq!(cell(&checklist).verdict, Verdict::Error);
        assert_eq!(
            (checklist.findings[0].id, checklist.findings[0].culprit.name.as_str()),
            ("cpu.machine-check", "cpu1")
        );
    }

    #[test]
    fn heat_counts_by_its_time() {
        let mut snapshots = vec![second(0), second(10)];
        for (raw, ms) in snapshots.iter_mut().zip([100, 2100]) {
            raw.put("/sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count", "7\n");
            raw.put("/sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_total_time_ms", format!("{ms}\n"));
        }
        let checklist = build(&snapshots);
        assert_eq!(cell(&checklist).verdict, Verdict::Watch);
        let finding = &checklist.findings[0];
        assert_eq!((finding.id, finding.severity), ("cpu.thermal-throttle", Severity::Watch));
        assert_eq!(finding.culprit.name, "cpu3");
    }

    #[test]
    fn a_quiet_log_is_a_measurement_and_a_refused_one_is_not() {
        let mut snapshots = vec![second(0), second(1)];
        snapshots[0].put("@kmsg", "6,1,1,-;Linux version 6.1\n");
        assert_eq!(cell(&build(&snapshots)).verdict, Verdict::Ok);
        assert!(cell(&build(&snapshots)).note.is_some());
        snapshots[0].put_errno("@kmsg", 1);
        let checklist = build(&snapshots);
        assert_eq!(cell(&checklist).verdict, Verdict::Unmeasurable);
        for raw in &mut snapshots {
            raw.put("/proc/interrupts", " CPU0\nMCE: 0 Machine check exceptions\nTHR: 0 Threshold\n");
        }
        assert_eq!(cell(&build(&snapshots)).verdict, Verdict::Ok);
    }
}
