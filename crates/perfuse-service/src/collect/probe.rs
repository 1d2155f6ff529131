//! `[[probe]]`: how often an event of the kernel or of a program happens, counted by the kernel itself.
//!
//! The counters are opened once, on every CPU; a reading costs one read for each CPU, however often the event happens. What
//! is more than a count is added up by [`super::program`].

use std::ffi::CString;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::counters::{CounterSet, CounterSpec, Watched, raise_limit};
use perfuse_collect::perf::cpus::{online, parse_list};
use perfuse_collect::perf::pmu::HostEvents;
use perfuse_format::event::{Events, Mode};
use perfuse_format::perfdata::attr::{flag, read_format, sample_type};

use super::program::Program;
use super::sheet::Sheet;
use crate::check::Said;
use crate::config::Probe;
use crate::store::SeriesKey;

/// One event.
pub(super) struct Source {
    plan: Probe,
    counters: Option<CounterSet>,
    program: Program,
    /// What was counted until the last look.
    last: Option<f64>,
}

impl Source {
    pub(super) fn new(plan: &Probe) -> Self {
        Self { plan: plan.clone(), counters: None, program: Program::default(), last: None }
    }

    pub(super) async fn gather(&mut self, sheet: &mut Sheet) -> Result<(), Msg> {
        // The kernel counts tracepoints and hardware events by itself; a function of a program needs one of ours.
        if self.plan.aggregate != "count" || self.plan.by.is_some() || self.plan.event.starts_with("probe:") {
            return self.program.gather(&self.plan, sheet).await;
        }
        let counters = if let Some(counters) = self.counters.take() {
            counters
        } else {
            let plan = self.plan.clone();
            let opened = tokio::task::spawn_blocking(move || open(&plan)).await;
            let opened = opened.map_err(|error| error.to_string()).and_then(|opened| opened);
            self.last = None;
            opened.map_err(|problem| {
                Msg::new("app-probe-open").with("event", self.plan.event.as_str()).with("problem", problem)
            })?
        };
        let counts = counters.read().map_err(|errno| Said::fail(errno.to_string()).message)?;
        let all: f64 = counts.iter().flat_map(|event| &event.values).map(|(_, count)| scaled(*count)).sum();
        if let Some(before) = self.last.replace(all) {
            sheet.keep(SeriesKey::new(&self.plan.name, []), (all - before).max(0.0));
        }
        self.counters = Some(counters);
        Ok(())
    }
}

/// What would have been counted if counters had not taken turns.
fn scaled(count: perfuse_format::perfdata::CountValue) -> f64 {
    if count.running == 0 || count.running >= count.enabled {
        return count.value as f64;
    }
    count.value as f64 * (count.enabled as f64 / count.running as f64)
}

/// Opens the event on every CPU. The words of the error are those of the event's grammar or of the kernel.
fn open(plan: &Probe) -> Result<CounterSet, String> {
    let root = Root::default();
    let host = HostEvents::new(&root);
    let mut events = Events::new(&host, Mode::Stat);
    events.add(&plan.event).map_err(|error| error.to_string())?;
    let mut specs = events.finish();
    if specs.is_empty() || specs.iter().any(|spec| spec.tool.is_some()) {
        return Err("not an event of the kernel".to_owned());
    }
    for spec in &mut specs {
        let attr = &mut spec.attr;
        attr.read_format = read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING;
        attr.sample_period = 0;
        attr.sample_type = sample_type::IDENTIFIER;
        attr.flags &= !(flag::DISABLED | flag::INHERIT | flag::ENABLE_ON_EXEC | flag::FREQ);
    }
    let filter = plan.filter.as_deref().map(CString::new).transpose().map_err(|error| error.to_string())?;
    raise_limit();
    let specs: Vec<CounterSpec<'_>> = specs
        .iter()
        .map(|spec| CounterSpec {
            attr: Some(spec.attr),
            leader: None,
            cpus: spec.cpus.as_ref().and_then(|cpus| parse_list(cpus.as_bytes())),
            cgroup: None,
            filter: filter.as_deref(),
        })
        .collect();
    let set = CounterSet::open(&specs, &Watched::Cpus(online(&root))).map_err(|error| error.to_string())?;
    if let Some(refused) = (0..specs.len()).find_map(|event| set.refused(event)) {
        return Err(refused.to_string());
    }
    set.enable().map_err(|errno| errno.to_string())?;
    Ok(set)
}
