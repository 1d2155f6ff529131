//! `control.steal`: the hypervisor gives the CPU to others.

use perfuse_format::Reading;

use super::usage::{self, CpuUse};
use super::{advice, is_bottleneck, link};
use crate::cell::{Cell, Entity, EntityKind, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const ID: &str = "control.steal";

/// Stolen CPU seconds per second, and their share of the time in which the virtual CPUs wanted to run.
pub(super) fn stolen(cpus: &CpuUse) -> (f64, f64) {
    let wanted = cpus.all.steal + cpus.all.busy;
    (cpus.all.steal * cpus.count() as f64, if wanted > 0.0 { cpus.all.steal / wanted } else { 0.0 })
}

/// The control and its finding.
pub(super) fn evaluate(run: &Run, cpus: &Reading<CpuUse>, out: &mut Output) {
    let cpus = match cpus {
        Reading::Value(cpus) => cpus,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    if run.host.virtualization.is_empty() && cpus.all.steal <= 0.0 {
        return out.cell(Cell::not_applicable(ID, Msg::new("control-steal-none")));
    }
    let (wait, share) = stolen(cpus);
    let hurts = is_bottleneck(run, wait, share);
    let watch = cpus.all.steal >= run.threshold("cpu.steal");
    let verdict = if hurts {
        Verdict::Bottleneck
    } else if watch {
        Verdict::Watch
    } else {
        Verdict::Ok
    };
    let mut cell = Cell::measured(ID, verdict, Quantity::ratio(cpus.all.steal))
        .evidence(Evidence::new("/proc/stat", "steal", Quantity::ratio(cpus.all.steal)).by_hand("vmstat 1   # st"));
    cell.instances = cpus
        .cpus
        .iter()
        .map(|(cpu, shares)| {
            let bad = shares.steal >= run.threshold("cpu.steal");
            let verdict = if bad { Verdict::Watch } else { Verdict::Ok };
            Instance::new(format!("cpu{cpu}"), Quantity::ratio(shares.steal), verdict)
        })
        .collect();
    cell.instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    cell.history = usage::history(run, |shares| shares.steal);
    out.cell(cell);
    if hurts || watch {
        let severity = if hurts { Severity::Bottleneck } else { Severity::Watch };
        out.finding(finding(severity, cpus, wait, share));
    }
}

fn finding(severity: Severity, cpus: &CpuUse, wait: f64, share: f64) -> Finding {
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    let culprit = Entity::new(EntityKind::Dependency, "hypervisor");
    let mut finding = Finding::new("cpu.steal", severity, spec, culprit);
    finding.victims = vec![Entity::host()];
    finding.control = Some(ID);
    finding.wait_s_per_s = Some(wait);
    finding.confidence = 0.9;
    finding.summary =
        Msg::new("finding-cpu-steal-summary").with("wait", Quantity::wait(wait)).with("share", Quantity::ratio(share));
    finding.chain = vec![link(
        Msg::new("finding-cpu-steal-link-waits"),
        Msg::new("finding-cpu-steal-link-hypervisor"),
        Msg::new("finding-cpu-steal-link-evidence").with("steal", Quantity::ratio(cpus.all.steal)),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-cpu-steal-advice-move"),
        None,
        Msg::new("finding-cpu-steal-expect-move").with("wait", Quantity::wait(wait)),
    )];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second};
    use super::*;

    fn host(steal: u64) -> Vec<perfuse_format::RawSnapshot> {
        let mut snapshots = vec![second(0), second(1)];
        for (index, snapshot) in snapshots.iter_mut().enumerate() {
            let (busy, stolen) = (100 * index as u64, steal * index as u64);
            let idle = 200 * index as u64 - busy - stolen;
            snapshot.put(
                "/proc/stat",
                format!("cpu  {busy} 0 0 {idle} 0 0 0 {stolen}\ncpu0 {busy} 0 0 {idle} 0 0 0 {stolen}\ncpu1 0 0 0 9\n"),
            );
            snapshot.put("@host", "virtualization kvm\ncpus 2\n");
        }
        snapshots
    }

    #[test]
    fn stolen_time_is_the_hypervisors_fault() {
        let checklist = build(&host(60));
        let finding = checklist.findings.iter().find(|finding| finding.id == "cpu.steal").unwrap();
        assert_eq!((finding.severity, finding.culprit.name.as_str()), (Severity::Bottleneck, "hypervisor"));
        let checklist = build(&host(4));
        assert!(checklist.findings.is_empty());
    }
}
