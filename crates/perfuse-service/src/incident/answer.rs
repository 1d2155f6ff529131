//! The answer to why a component failed, from a recording of it.

use std::collections::BTreeSet;

use perfuse_analyze::oncpu::on_cpu;
use perfuse_analyze::probe::is_local;
use perfuse_analyze::profile::Profile;
use perfuse_analyze::why::app::{self, Told};
use perfuse_analyze::why::gone::{self, Before};
use perfuse_analyze::why::{Answer, Select, Victim, everyone, off_cpu};
use perfuse_analyze::{Run, Scope, Severity, Thresholds};
use perfuse_format::RawSnapshot;
use perfuse_render::report::ReportContext;
use perfuse_render::why::WhyReport;
use perfuse_render::{Lang, Texts};
use serde_json::Value;

use super::recorded::{Circumstances, Who};

/// An answer in the form that an incident keeps.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The report of `perfuse why`, in English and in Korean.
    pub why: (Value, Value),
    /// The first cause in a sentence: English and Korean.
    pub cause: Option<(String, String)>,
    /// Folded stacks of what the victim worked on, and of what it waited for; empty where nothing is known.
    pub on_cpu: String,
    /// As `on_cpu`.
    pub off_cpu: String,
    /// Whether the processes of the component were found.
    pub found: bool,
}

/// The victim, as far as it is found; whether it was, or nothing was asked for but the whole host.
fn victim(run: &Run, circumstances: &Circumstances) -> (Victim, bool) {
    let select = |who: &Who| match who {
        Who::Unit(unit) => Some(Select::Unit(unit.clone())),
        Who::Port { address: Some(address), .. } if !is_local(run, *address) => None,
        Who::Port { port, .. } => Some(Select::Port(*port)),
        Who::Datagrams(port) => Some(Select::Datagrams(*port)),
        Who::Local(path) => Some(Select::Local(path.clone())),
        Who::Command(name) => Some(Select::Command(name.clone())),
    };
    let asked: Vec<Select> = circumstances.who.iter().filter_map(select).collect();
    let found = asked.iter().find_map(|select| Victim::select(run, select).ok());
    let whole = asked.is_empty();
    found.map_or((Victim::default(), whole), |victim| (victim, true))
}

/// Who the component was in a recording, pid and name, the leading process first.
pub(super) fn processes(snapshots: &[RawSnapshot], thresholds: &Thresholds, of: &Circumstances) -> Vec<(u32, String)> {
    let Ok(run) = Run::new(snapshots, thresholds.clone(), Scope::default()) else { return Vec::new() };
    let (victim, _) = victim(&run, of);
    Before::of(&run, &victim)
}

/// Answers for the component of the circumstances; whether its processes were found.
pub fn answer(run: &mut Run, circumstances: &Circumstances) -> (Answer, bool) {
    let (victim, found) = victim(run, circumstances);
    let mut answer = Answer::build(run, victim);
    let told =
        Told { facts: &circumstances.facts, component: Some(&circumstances.component), needs: &circumstances.needs };
    app::add(run, &told, &mut answer);
    if !found {
        let port = circumstances.who.iter().find_map(|who| match who {
            Who::Port { port, .. } => Some(*port),
            _ => None,
        });
        let unit = circumstances.who.iter().find_map(|who| match who {
            Who::Unit(unit) => Some(unit.clone()),
            _ => None,
        });
        gone::add(run, &Before { processes: circumstances.before.clone(), port, unit }, &mut answer);
    }
    (answer, found)
}

/// Answers from the snapshots of a recording.
pub(super) fn answered(
    snapshots: &[RawSnapshot],
    circumstances: &Circumstances,
    thresholds: &Thresholds,
) -> Option<Answered> {
    let mut run = Run::new(snapshots, thresholds.clone(), Scope::default()).ok()?;
    let (answer, found) = answer(&mut run, circumstances);
    let context = ReportContext::from_run(&run);
    let texts = [Texts::new(Lang::En), Texts::new(Lang::Ko)];
    let [english, korean] = [0, 1].map(|lang: usize| WhyReport::new(&answer, None, &context, &texts[lang]));
    let first = answer.causes.first().filter(|cause| cause.finding.severity > Severity::Watch);
    let cause = first.map(|cause| {
        let say = |lang: usize| texts[lang].text(&cause.finding.summary);
        (say(0), say(1))
    });
    let pids = if answer.victim.pids.is_empty() { everyone(&run) } else { with_servers(&answer) };
    Some(Answered {
        why: (serde_json::to_value(&english).ok()?, serde_json::to_value(&korean).ok()?),
        cause,
        on_cpu: folded(&on_cpu(&run, &pids)),
        off_cpu: folded(&off_cpu(&run, &pids)),
        found,
    })
}

/// The victim and whom it waits for: what these do is part of the picture.
fn with_servers(answer: &Answer) -> BTreeSet<u32> {
    let servers = answer.servers.iter().filter_map(|server| server.entity.pid);
    answer.victim.pids.iter().copied().chain(servers).collect()
}

fn folded(profile: &Profile) -> String {
    use perfuse_analyze::flame::{FlameGraph, Options};

    if profile.samples.is_empty() {
        return String::new();
    }
    perfuse_render::export::folded::render(&FlameGraph::build(profile, 0, Options::default()), true)
}
