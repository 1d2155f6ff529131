//! What is said of a victim that is not there any more, or does not listen any more: whoever asks it is refused at once.

use super::cause::Cause;
use super::ground::named;
use super::{Answer, Victim};
use crate::cell::{Advice, Entity, EntityKind, Finding, Link, Severity};
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

/// The process that did the work has ended.
const GONE: &str = "why.gone";
/// It is there, but does not listen where it did.
const DEAF: &str = "why.not-listening";

/// How the victim was known before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// Its processes then, the one that listened or led first: pid and name.
    pub processes: Vec<(u32, String)>,
    /// The port at which it listened, if that is how it is known.
    pub port: Option<u16>,
    /// Its systemd unit.
    pub unit: Option<String>,
}

impl Before {
    /// The processes of a victim as it was found in an earlier run.
    pub fn of(run: &Run, victim: &Victim) -> Vec<(u32, String)> {
        let tasks = run.tasks.value();
        let name = |pid: u32| tasks.and_then(|tasks| Some(tasks.processes.get(&pid)?.task.comm.clone()));
        let leader = victim.entity.as_ref().and_then(|entity| entity.pid);
        let rest = victim.pids.iter().copied().filter(|pid| Some(*pid) != leader);
        leader.into_iter().chain(rest).filter_map(|pid| Some((pid, name(pid)?))).collect()
    }
}

fn text(id: &str, part: &str) -> Msg {
    Msg::new(format!("finding-{}-{part}", id.replace('.', "-")))
}

/// Whether a process runs at the end of the run. A zombie does not.
fn runs(run: &Run, pid: u32) -> bool {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    used.is_some_and(|used| !used.ended && !matches!(used.task.state, 'Z' | 'X'))
}

/// Adds to an answer for a victim that could not be found that it was there before. What killed it, where the host knows,
/// stays the first cause.
pub fn add(run: &Run, before: &Before, answer: &mut Answer) {
    let Some((pid, name)) = before.processes.first() else { return };
    let entity = Entity::process(*pid, name);
    let ended = !runs(run, *pid);
    let mut finding = match (ended, before.port) {
        (true, _) => gone(before, &entity, *pid, name),
        (false, Some(port)) => deaf(&entity, *pid, name, port),
        (false, None) => return,
    };
    finding.victims = vec![entity];
    let killed = |cause: &Cause| {
        let about =
            cause.finding.culprit.pid == Some(*pid) || cause.finding.victims.iter().any(|one| one.pid == Some(*pid));
        ended && about && matches!(cause.finding.id, "memory.oom-kill" | "memory.cgroup-oom-kill")
    };
    answer.healthy = Some(false);
    let cause = Cause { finding, explained: 1.0, share: 1.0 };
    match answer.causes.iter_mut().find(|cause| killed(cause)) {
        Some(deeper) => {
            deeper.finding.chain.splice(0..0, cause.finding.chain);
            deeper.share = 1.0;
            answer.causes.sort_by_key(|cause| !killed(cause));
        }
        None => answer.causes.insert(0, cause),
    }
}

fn gone(before: &Before, entity: &Entity, pid: u32, name: &str) -> Finding {
    let spec = (Resource::Tasks, Kind::Errors, "tasks.errors");
    let mut finding = Finding::new(GONE, Severity::Error, spec, entity.clone());
    finding.confidence = 0.9;
    finding.summary = text(GONE, "summary").with("name", name).with("pid", pid.to_string());
    finding.chain = vec![Link { from: named(entity), to: text(GONE, "ended"), evidence: text(GONE, "evidence") }];
    let command = match &before.unit {
        Some(unit) => format!("systemctl status {unit}; journalctl -u {unit} -n 50"),
        None => format!("journalctl _PID={pid} -n 50; journalctl -k | grep -i 'killed process {pid}'"),
    };
    finding.advice = vec![Advice { text: text(GONE, "advice"), command: Some(command), expect: text(GONE, "expect") }];
    finding
}

fn deaf(entity: &Entity, pid: u32, name: &str, port: u16) -> Finding {
    let spec = (Resource::Network, Kind::Errors, "network.errors");
    let listener = Entity { pid: Some(pid), ..Entity::new(EntityKind::Listener, format!("port {port}")) };
    let mut finding = Finding::new(DEAF, Severity::Error, spec, listener);
    let number = port.to_string();
    finding.confidence = 0.9;
    finding.summary =
        text(DEAF, "summary").with("name", name).with("pid", pid.to_string()).with("port", number.as_str());
    finding.chain = vec![Link {
        from: named(entity),
        to: text(DEAF, "port").with("port", number.as_str()),
        evidence: text(DEAF, "evidence").with("port", number.as_str()),
    }];
    let command = Some(format!("ss -ltnp 'sport = :{port}'; perfuse why --pid {pid}"));
    finding.advice = vec![Advice { text: text(DEAF, "advice"), command, expect: text(DEAF, "expect") }];
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{run, second, stat};
    use perfuse_format::RawSnapshot;

    fn snapshots(there: [bool; 2]) -> Vec<RawSnapshot> {
        let at = |(index, there): (usize, bool)| {
            let mut raw = second(100 + 10 * index as u64);
            raw.put("/proc/1/stat", stat(1, "init", 0, 0));
            if there {
                raw.put("/proc/7/stat", stat(7, "till", 5, 0));
            }
            raw
        };
        there.into_iter().enumerate().map(at).collect()
    }

    fn first(there: [bool; 2], port: Option<u16>) -> Option<(&'static str, Option<u32>)> {
        let snapshots = snapshots(there);
        let mut run = run(&snapshots);
        let mut answer = Answer::build(&mut run, Victim::default());
        let before = Before { processes: vec![(7, "till".to_owned())], port, unit: None };
        add(&run, &before, &mut answer);
        answer.causes.first().map(|cause| (cause.finding.id, cause.finding.culprit.pid))
    }

    #[test]
    fn who_has_ended_and_who_does_not_listen_are_told_apart() {
        assert_eq!(first([true, false], Some(80)), Some(("why.gone", Some(7))));
        assert_eq!(first([false, false], None), Some(("why.gone", Some(7))));
        assert_eq!(first([true, true], Some(80)), Some(("why.not-listening", Some(7))));
        assert_eq!(first([true, true], None), None);
    }

    #[test]
    fn the_victim_of_before_is_found_with_its_leader_first() {
        let snapshots = snapshots([true, true]);
        let run = run(&snapshots);
        let victim = Victim { pids: [1, 7].into(), entity: Some(Entity::process(7, "till")) };
        assert_eq!(Before::of(&run, &victim), [(7, "till".to_owned()), (1, "init".to_owned())]);
    }
}
