//! Where event tables of the CPU's maker are looked for, and what is said of them.

use std::path::PathBuf;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::function::function_event;
use perfuse_collect::perf::pmu::HostEvents;
use perfuse_collect::perf::stored::StoredProbes;
use perfuse_collect::perf::vendor::TablePlaces;
use perfuse_format::event::EventSpec;
use perfuse_format::live::StoredProbe;
use perfuse_format::perfdata::attr::kind;

use super::options::UsageError;
use super::words::denied_words;

/// The host with the tables of its CPU: those of `$PERFUSE_PMU_EVENTS`, or of the first directory that has some.
pub(crate) fn host(root: &Root) -> HostEvents {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let usual = cache
        .map(|cache| cache.join("pmu-events"))
        .into_iter()
        .chain([root.join("/usr/share/perfuse/pmu-events")])
        .collect();
    let host = HostEvents::with_tables(root, TablePlaces { named: set("PERFUSE_PMU_EVENTS"), usual });
    host.with_stored(&stored_probes().map(|store| store.all()).unwrap_or_default())
}

/// Where the probes are that tracefs cannot hold; `None` for a user without a directory for such things.
pub(crate) fn stored_probes() -> Option<StoredProbes> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    StoredProbes::of_user(runtime.as_deref())
}

/// The probe behind an event that the grammar found, if it is none of tracefs.
pub(crate) fn stored_probe(event: &EventSpec) -> Option<StoredProbe> {
    if event.attr.kind != kind::TRACEPOINT {
        return None;
    }
    let (system, name) = event.name.split_once(':')?;
    let name = name.split(':').next().unwrap_or(name);
    let all = stored_probes()?.all();
    // Numbers of tracefs and ours do not meet.
    all.into_iter()
        .find(|one| u64::from(one.id) == event.attr.config && one.probe.group == system && one.probe.event == name)
}

/// Of a probe that is the function tracer's, the number of its event; `None` of others. A filter is refused: that of the
/// event is its function.
pub(crate) fn function_event_of(probe: &StoredProbe, filtered: bool) -> Result<Option<u64>, UsageError> {
    if probe.by_program() {
        return Ok(None);
    }
    let name = probe.probe.name();
    if filtered {
        return Err(UsageError(Msg::new("perf-function-filter").with("event", name)));
    }
    let id = function_event(&Root::default());
    id.map(Some).map_err(|denied| {
        let words = Msg::new("live-format").with("event", name);
        UsageError(words.with("why", denied_words(&denied)))
    })
}

/// What is to be said of the tables of a list: where they come from or how they can be had, and what is wrong with them.
pub(crate) fn notes(host: &HostEvents) -> Vec<Msg> {
    let (tables, cpu) = (host.tables(), host.cpu().unwrap_or("?"));
    let mut notes: Vec<Msg> = tables
        .problems
        .iter()
        .map(|(path, why)| {
            Msg::new("list-table-problem").with("path", path.display().to_string()).with("why", why.as_str())
        })
        .collect();
    match &tables.source {
        None => notes.push(Msg::new("list-vendor").with("cpu", cpu)),
        Some(source) => {
            let about = Msg::new("list-table").with("path", source.display().to_string()).with("cpu", cpu);
            let about = about.with("events", tables.events.len().to_string());
            notes.push(about.with("metrics", tables.metrics.len().to_string()));
        }
    }
    if tables.skipped > 0 {
        notes.push(Msg::new("list-table-skipped").with("count", tables.skipped.to_string()));
    }
    notes
}

/// Refuses terms that the grammar takes and nothing here sets up, so that none is passed over.
pub(crate) fn refuse_unserved(event: &EventSpec) -> Result<(), UsageError> {
    let terms = &event.terms;
    let aux = terms.aux_output.then_some("aux-output").or(terms.aux_sample_size.map(|_| "aux-sample-size"));
    let driver = terms.driver.first().map(String::as_str);
    match aux.or(driver) {
        Some(term) => {
            let words = Msg::new("perf-event-unserved").with("event", event.name.as_str());
            Err(UsageError(words.with("term", term)))
        }
        None => Ok(()),
    }
}
