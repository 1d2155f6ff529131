//! The PMUs of the host, `/sys/bus/event_source/devices`, for the event grammar.

use std::cell::OnceCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use perfuse_format::event::{Format, Pmu, PmuEvent, Pmus, TraceDenied};
use perfuse_format::live::StoredProbe;
use perfuse_format::vendor::VendorEvent;

use super::tracepoints::Tracefs;
use super::vendor::{TablePlaces, VendorTables, cpu_name};
use crate::root::Root;

/// Largest file read here; those of sysfs have at most a page.
const LARGEST: u64 = 1 << 16;

/// What the host offers to the event grammar. Everything is read when it is asked for.
#[derive(Debug)]
pub struct HostEvents {
    devices: PathBuf,
    tracefs: Result<Tracefs, TraceDenied>,
    cpu: Option<String>,
    places: TablePlaces,
    tables: OnceCell<VendorTables>,
    /// System, name and id of the probes that tracefs does not have.
    stored: Vec<(String, String, u16)>,
}

impl HostEvents {
    /// The host below a root, without tables of the CPU's maker.
    pub fn new(root: &Root) -> Self {
        Self::with_tables(root, TablePlaces::default())
    }

    /// The same with tables, which are read when something is asked for that nothing else names.
    pub fn with_tables(root: &Root, places: TablePlaces) -> Self {
        Self {
            devices: root.join("/sys/bus/event_source/devices"),
            tracefs: Tracefs::find(root),
            cpu: cpu_name(root),
            places,
            tables: OnceCell::new(),
            stored: Vec::new(),
        }
    }

    /// With probes that tracefs does not have; those that it has come first.
    #[must_use]
    pub fn with_stored(mut self, probes: &[StoredProbe]) -> Self {
        let named = |one: &StoredProbe| (one.probe.group.clone(), one.probe.event.clone(), one.id);
        self.stored = probes.iter().map(named).collect();
        self
    }

    /// The CPU as tables name it.
    pub fn cpu(&self) -> Option<&str> {
        self.cpu.as_deref()
    }

    /// The tables of the CPU's maker.
    pub fn tables(&self) -> &VendorTables {
        self.tables.get_or_init(|| VendorTables::read(&self.places, self.cpu.as_deref().unwrap_or_default()))
    }

    /// The tracing filesystem, or why there is none.
    pub fn tracefs(&self) -> Result<&Tracefs, TraceDenied> {
        self.tracefs.as_ref().map_err(Clone::clone)
    }
}

impl Pmus for HostEvents {
    fn pmu_names(&self) -> Vec<String> {
        names(&self.devices)
    }

    fn pmu(&self, name: &str) -> Option<Pmu> {
        // A name from a command line must not lead out of the directory.
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            return None;
        }
        read(&self.devices.join(name), name)
    }

    fn systems(&self) -> Result<Vec<String>, TraceDenied> {
        let mut systems = match self.tracefs() {
            Ok(tracefs) => tracefs.systems()?,
            Err(denied) if self.stored.is_empty() => return Err(denied),
            Err(_) => Vec::new(),
        };
        for (system, ..) in &self.stored {
            if !systems.contains(system) {
                systems.push(system.clone());
            }
        }
        Ok(systems)
    }

    fn tracepoints(&self, system: &str) -> Result<Vec<String>, TraceDenied> {
        let own: Vec<&String> = self.stored.iter().filter(|one| one.0 == system).map(|one| &one.1).collect();
        let mut names = match self.tracefs().and_then(|tracefs| tracefs.tracepoints(system)) {
            Ok(names) => names,
            Err(denied) if own.is_empty() => return Err(denied),
            Err(_) => Vec::new(),
        };
        for name in own {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Ok(names)
    }

    fn tracepoint_id(&self, system: &str, name: &str) -> Result<u64, TraceDenied> {
        let found = self.tracefs().and_then(|tracefs| tracefs.id(system, name));
        let stored = || self.stored.iter().find(|one| one.0 == system && one.1 == name);
        found.or_else(|denied| stored().map(|one| one.2.into()).ok_or(denied))
    }

    fn vendor_events(&self) -> &[VendorEvent] {
        &self.tables().events
    }
}

/// Names in a directory, sorted; none when it cannot be read.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// A small file as text, without the newline at its end.
fn text(path: &Path) -> Option<String> {
    read_text(path).ok()
}

/// The same with the error; bytes that are not UTF-8 are replaced.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// One PMU's directory; `None` when it has no type, which makes it no PMU.
fn read(directory: &Path, name: &str) -> Option<Pmu> {
    let kind = text(&directory.join("type"))?.parse().ok()?;
    let format_directory = directory.join("format");
    let formats = names(&format_directory).into_iter();
    let formats = formats.filter_map(|name| Format::parse(&name, &text(&format_directory.join(&name))?)).collect();
    let cpus = ["cpumask", "cpus"].iter().find_map(|file| text(&directory.join(file)));
    Some(Pmu {
        name: name.to_owned(),
        kind,
        formats,
        events: events(&directory.join("events")),
        cpus: cpus.filter(|list| !list.is_empty()),
        alias: text(&directory.join("alias")).filter(|alias| !alias.is_empty()),
    })
}

/// The named events; files with an ending that says something about another are no events themselves.
fn events(directory: &Path) -> Vec<PmuEvent> {
    let names = names(directory);
    let of_others = [".scale", ".unit", ".per-pkg", ".snapshot"];
    let mut events = Vec::new();
    for name in names.iter().filter(|name| !of_others.iter().any(|ending| name.ends_with(ending))) {
        let beside = |ending: &str| text(&directory.join(format!("{name}{ending}")));
        let Some(terms) = text(&directory.join(name)) else { continue };
        events.push(PmuEvent {
            name: name.clone(),
            terms,
            scale: beside(".scale").and_then(|scale| scale.parse().ok()),
            unit: beside(".unit"),
            per_package: beside(".per-pkg").is_some_and(|value| value == "1"),
            snapshot: beside(".snapshot").is_some_and(|value| value == "1"),
        });
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfuse_format::event::{Mode, parse};

    /// A root with one PMU of the memory controller and one tracepoint.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, content: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let pmu = "sys/bus/event_source/devices/uncore_imc_0";
        put(&format!("{pmu}/type"), "21\n");
        put(&format!("{pmu}/cpumask"), "0,18\n");
        put(&format!("{pmu}/format/event"), "config:0-7\n");
        put(&format!("{pmu}/format/odd"), "nowhere:0-7\n");
        put(&format!("{pmu}/events/cas_count_read"), "event=0x04\n");
        put(&format!("{pmu}/events/cas_count_read.scale"), "6.103515625e-5\n");
        put(&format!("{pmu}/events/cas_count_read.unit"), "MiB\n");
        put("sys/bus/event_source/devices/no_pmu/uevent", "");
        put("sys/kernel/tracing/events/sched/sched_switch/id", "372\n");
        put("sys/kernel/tracing/events/sched/enable", "0\n");
        root
    }

    #[test]
    fn a_pmu_is_read_with_all_that_belongs_to_it() {
        let root = root();
        let host = HostEvents::new(&Root::at(root.path()));
        assert_eq!(host.pmu_names(), ["no_pmu", "uncore_imc_0"]);
        assert_eq!(host.pmu("no_pmu"), None);
        assert_eq!(host.pmu("../devices/uncore_imc_0"), None);
        let pmu = host.pmu("uncore_imc_0").unwrap();
        assert_eq!((pmu.kind, pmu.formats.len(), pmu.events.len()), (21, 1, 1));
        let events = parse("imc/cas_count_read/", &host, Mode::Stat).unwrap();
        assert_eq!((events[0].attr.kind, events[0].attr.config, events[0].unit.as_str()), (21, 4, "MiB"));
        assert_eq!(events[0].cpus.as_deref(), Some("0,18"));
    }

    #[test]
    fn tracepoints_are_found_by_name_and_pattern() {
        let root = root();
        let host = HostEvents::new(&Root::at(root.path()));
        for text in ["sched:sched_switch", "sched:*", "*:sched_switch"] {
            let events = parse(text, &host, Mode::Record).unwrap();
            assert_eq!((events.len(), events[0].attr.config), (1, 372), "{text}");
        }
        let error = parse("sched:sched_swich", &host, Mode::Record).unwrap_err();
        assert_eq!(error.nearest(3), ["sched:sched_switch"]);
    }

    #[test]
    fn without_tracefs_the_error_says_so() {
        let empty = tempfile::tempdir().unwrap();
        let host = HostEvents::new(&Root::at(empty.path()));
        let error = parse("sched:sched_switch", &host, Mode::Record).unwrap_err();
        assert!(error.to_string().contains("tracefs is not mounted"), "{error}");
    }
}
