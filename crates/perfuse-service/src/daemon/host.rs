//! The `host` check: the verdict of this host's USE checklist, or of a part of it.

use perfuse_analyze::cell::Severity;
use perfuse_analyze::status::Outcome;
use perfuse_analyze::{CELLS, CONTROLS, Cell, Checklist, Msg, Resource, Verdict};

use crate::config::check::Host;

/// What the checklist says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) outcome: Outcome,
    pub(super) message: Msg,
    pub(super) value: Option<f64>,
}

/// Judges. A bottleneck is slow and a hard error fails; `watch` is slow only where just `ok` is well. What cannot be
/// measured says nothing.
pub(super) fn judge(check: &Host, checklist: &Checklist) -> Judged {
    if let Some(id) = &check.cell {
        let Some(cell) = find(checklist, id) else {
            let message = Msg::new("daemon-host-no-cell").with("cell", id.as_str());
            return Judged { outcome: Outcome::NoData, message, value: None };
        };
        return of_cells(check, &[cell]);
    }
    let Some(resource) = check.resource else { return of_all(check, checklist) };
    let of = |cell: &&Cell| resource_of(cell.id).is_some_and(|found| found.id() == resource);
    let cells: Vec<&Cell> = checklist.cells.iter().chain(&checklist.controls).filter(of).collect();
    of_cells(check, &cells)
}

/// The whole host is judged by its findings, as `perfuse use` does: a number alone holds nobody up.
fn of_all(check: &Host, checklist: &Checklist) -> Judged {
    let value = Some(checklist.findings.len() as f64);
    // Of several that are equally bad the first, which explains most.
    match checklist.findings.iter().rev().max_by_key(|finding| finding.severity) {
        Some(worst) => {
            let verdict = match worst.severity {
                Severity::Watch => Verdict::Watch,
                Severity::Bottleneck => Verdict::Bottleneck,
                Severity::Error => Verdict::Error,
            };
            let message = Msg::new("daemon-host-finding").with("summary", worst.summary.clone());
            Judged { outcome: outcome(check, verdict), message, value }
        }
        None if checklist.healthy == Some(true) => {
            Judged { outcome: Outcome::Pass, message: Msg::new("daemon-host-well"), value }
        }
        None => Judged { outcome: Outcome::NoData, message: Msg::new("daemon-host-unmeasurable"), value },
    }
}

fn of_cells(check: &Host, cells: &[&Cell]) -> Judged {
    let known = cells.iter().filter(|cell| cell.verdict > Verdict::Unmeasurable);
    let Some(worst) = known.max_by_key(|cell| cell.verdict) else {
        return Judged { outcome: Outcome::NoData, message: Msg::new("daemon-host-unmeasurable"), value: None };
    };
    let verdict = Msg::new(format!("verdict-{}", worst.verdict.id().replace('_', "-")));
    let message = match worst.value {
        Some(value) => {
            Msg::new("daemon-host-cell").with("cell", worst.id).with("verdict", verdict).with("value", value)
        }
        None => Msg::new("daemon-host-cell-plain").with("cell", worst.id).with("verdict", verdict),
    };
    Judged { outcome: outcome(check, worst.verdict), message, value: worst.value.map(|value| value.number) }
}

fn outcome(check: &Host, verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::NotApplicable | Verdict::Unmeasurable => Outcome::NoData,
        Verdict::Ok => Outcome::Pass,
        Verdict::Watch if check.worst == "watch" => Outcome::Pass,
        Verdict::Watch | Verdict::Bottleneck => Outcome::Slow,
        Verdict::Error => Outcome::Fail,
    }
}

/// A cell or control by its id; dots may be hyphens, and `control.` may be left out.
fn find<'c>(checklist: &'c Checklist, id: &str) -> Option<&'c Cell> {
    let plain = |id: &str| id.replace('.', "-");
    let wanted = plain(id);
    let is = |cell: &&Cell| {
        let id = plain(cell.id);
        id == wanted || id.strip_prefix("control-") == Some(wanted.as_str())
    };
    checklist.cells.iter().chain(&checklist.controls).find(is)
}

fn resource_of(id: &str) -> Option<Resource> {
    let cell = CELLS.iter().find(|cell| cell.id == id).map(|cell| cell.resource);
    cell.or_else(|| CONTROLS.iter().find(|control| control.id == id).map(|control| control.resource))
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::cell::{Entity, EntityKind, Finding};
    use perfuse_analyze::{Kind, Quantity};

    use super::*;

    fn checklist(verdict: Verdict) -> Checklist {
        let cell = |id, verdict| Cell::measured(id, verdict, Quantity::ratio(0.5));
        Checklist {
            cells: vec![cell("cpu.utilization", Verdict::Ok), cell("cpu.saturation", verdict)],
            controls: vec![cell("control.cpu-quota", Verdict::Ok)],
            findings: Vec::new(),
            healthy: Some(true),
        }
    }

    fn host(resource: Option<&'static str>, cell: Option<&str>, worst: &'static str) -> Host {
        Host { resource, cell: cell.map(str::to_owned), worst }
    }

    #[test]
    fn verdicts_become_outcomes() {
        for (verdict, worst, outcome) in [
            (Verdict::Ok, "ok", Outcome::Pass),
            (Verdict::Watch, "watch", Outcome::Pass),
            (Verdict::Watch, "ok", Outcome::Slow),
            (Verdict::Bottleneck, "watch", Outcome::Slow),
            (Verdict::Error, "watch", Outcome::Fail),
        ] {
            for check in [host(Some("cpu"), None, worst), host(None, Some("cpu-saturation"), worst)] {
                assert_eq!(judge(&check, &checklist(verdict)).outcome, outcome, "{verdict:?} {check:?}");
            }
        }
        let of = |check: &Host| judge(check, &checklist(Verdict::Unmeasurable)).outcome;
        assert_eq!(of(&host(Some("cpu"), None, "ok")), Outcome::Pass, "the other cell is known");
        assert_eq!(of(&host(None, Some("cpu.saturation"), "ok")), Outcome::NoData);
        assert_eq!(of(&host(None, Some("cpu-quota"), "ok")), Outcome::Pass, "a control without its prefix");
        assert_eq!(of(&host(None, Some("cpu.sat"), "ok")), Outcome::NoData);
        assert_eq!(of(&host(Some("disk"), None, "ok")), Outcome::NoData);
    }

    #[test]
    fn the_whole_host_is_judged_by_what_was_found() {
        let all = host(None, None, "watch");
        let mut checklist = checklist(Verdict::Bottleneck);
        assert_eq!(judge(&all, &checklist).outcome, Outcome::Pass, "busy, but nobody waits");
        let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
        for (severity, outcome) in
            [(Severity::Watch, Outcome::Pass), (Severity::Bottleneck, Outcome::Slow), (Severity::Error, Outcome::Fail)]
        {
            let culprit = Entity::new(EntityKind::Process, "stress");
            checklist.findings = vec![Finding::new("cpu.saturated", severity, spec, culprit)];
            assert_eq!(judge(&all, &checklist).outcome, outcome);
        }
        checklist.findings.clear();
        checklist.healthy = None;
        assert_eq!(judge(&all, &checklist).outcome, Outcome::NoData);
    }
}
