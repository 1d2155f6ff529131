//! Probes that tracefs does not have: programs count their hits, by CPU.

use std::time::Duration;

use perfuse_collect::bpf::{LiveHook, LivePlan, LiveProgram};
use perfuse_collect::perf::counters::Watched;
use perfuse_format::live::{Aggregation, Expr, KeyPart, Scope};
use perfuse_format::perfdata::{CountPlace, CountValue, EventCounts};

use super::events::{Event, List};

/// The programs of a run, each with the index of its event.
#[derive(Debug)]
pub(super) struct Probes(Vec<(usize, LiveProgram)>);

impl Probes {
    /// Starts those that are asked for.
    pub(super) fn start(list: &List, watched: &Watched) -> anyhow::Result<Self> {
        let all = list.events.iter().enumerate().filter(|(_, event)| event.stored.is_some());
        all.map(|(at, event)| Ok((at, one(event, watched)?))).collect::<anyhow::Result<_>>().map(Self)
    }

    /// Puts in what they counted until now.
    pub(super) fn fill(&self, counts: &mut [EventCounts], watched: &Watched, elapsed: Duration) {
        let time = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).max(1);
        for (at, program) in &self.0 {
            let Some(counts) = counts.get_mut(*at) else { continue };
            let rows = program.rows().unwrap_or_default();
            let of_cpu = |cpu: i32| {
                let fits = |key: &[KeyPart]| match key {
                    [KeyPart::Number(number)] => cpu < 0 || *number == i64::from(cpu),
                    _ => false,
                };
                rows.iter().filter(|row| fits(&row.key)).map(|row| row.cell.count).sum()
            };
            let value = |value| CountValue { value, enabled: time, running: time };
            let places: Vec<i32> = match watched {
                Watched::Cpus(cpus) => cpus.clone(),
                Watched::Threads(_) => vec![-1],
            };
            counts.supported = true;
            counts.values = places.into_iter().map(|cpu| (CountPlace { cpu, thread: 0 }, value(of_cpu(cpu)))).collect();
        }
    }
}

fn one(event: &Event, watched: &Watched) -> anyhow::Result<LiveProgram> {
    let Some(stored) = &event.stored else { anyhow::bail!("{}", event.spec.name) };
    let scope = Scope::of_arguments(&stored.probe.arguments);
    let filter = event.filter.as_ref().map(|filter| Expr::parse(&filter.to_string_lossy(), &scope)).transpose()?;
    let pids = match watched {
        Watched::Cpus(_) => Vec::new(),
        Watched::Threads(threads) => threads.iter().filter_map(|tid| u32::try_from(*tid).ok()).collect(),
    };
    let by = Expr::parse_list("cpu", &scope)?;
    let plan = LivePlan { hook: LiveHook::Typed(stored.hook.clone()), scope, filter, pids };
    let program = LiveProgram::aggregate(&plan, &Aggregation { value: None, by, parts: None }, false);
    program.map_err(|error| anyhow::anyhow!("{}: {error}", event.spec.name))
}
