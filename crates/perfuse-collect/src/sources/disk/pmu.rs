//! `@perf/ipc` and `@perf/imc`: cycles and instructions of every CPU, and the transfers that the memory controllers
//! count, where the kernel offers such counters. Opened at the first snapshot, read at the slow ones: the counters of
//! another CPU are read by interrupting it.

use std::fmt::Write as _;
use std::path::Path;

use perfuse_format::RawSnapshot;
use perfuse_format::parse::{hex, trim, unsigned};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{kind, read_format};

use crate::perf::{Counts, Errno, OpenFlags, PerfEvent, cpus};
use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// The generic hardware events that are used, `PERF_COUNT_HW_*`.
const GENERIC: [(&str, u64); 2] = [("cycles", 0), ("instructions", 1)];

/// Events of a memory controller (`uncore_imc_*`): reads and writes of one cache line each.
const TRANSFERS: [&str; 2] = ["cas_count_read", "cas_count_write"];

/// One open counter.
#[derive(Debug)]
struct Counter {
    event: String,
    cpu: i32,
    opened: PerfEvent,
}

/// A source: its counters, or why there are none.
type Opened = Result<Vec<Counter>, i32>;

/// The counters of a host.
#[derive(Debug, Default)]
pub(super) struct Pmu {
    sources: Option<[(&'static str, Opened); 2]>,
}

impl Collector for Pmu {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow {
            return;
        }
        let opened = || {
            if root.is_live() {
                [("@perf/ipc", ipc(root)), ("@perf/imc", memory_controllers(root))]
            } else {
                [("@perf/ipc", Err(libc::ENODEV)), ("@perf/imc", Err(libc::ENODEV))]
            }
        };
        for (source, counters) in self.sources.get_or_insert_with(opened) {
            match counters {
                Ok(counters) => out.put(*source, read(counters)),
                Err(errno) => out.put_errno(*source, *errno),
            }
        }
    }
}

/// Cycles and instructions on every CPU. The first refusal is the answer: a kernel without a PMU refuses each.
fn ipc(root: &Root) -> Opened {
    let mut counters = Vec::new();
    for cpu in cpus::online(root) {
        for (event, config) in GENERIC {
            let opened = open(kind::HARDWARE, config, cpu).map_err(|Errno(errno)| errno)?;
            counters.push(Counter { event: event.to_owned(), cpu, opened });
        }
    }
    if counters.is_empty() { Err(libc::ENOENT) } else { Ok(counters) }
}

/// The transfers of every memory controller, on the one CPU a socket that its `cpumask` names.
fn memory_controllers(root: &Root) -> Opened {
    let directory = root.join("/sys/bus/event_source/devices");
    let mut counters = Vec::new();
    let mut refused = libc::ENOENT;
    let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with("uncore_imc") || name.contains("free_running") {
            continue;
        }
        let file = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let Some(kind) = unsigned(trim(&file("type"))).and_then(|kind| u32::try_from(kind).ok()) else { continue };
        for event in TRANSFERS {
            let Some(config) = config_of(&entry.path(), &file(&format!("events/{event}"))) else { continue };
            for cpu in cpus::parse_list(&file("cpumask")).unwrap_or_default() {
                match open(kind, config, cpu) {
                    Ok(opened) => counters.push(Counter { event: format!("{name}/{event}"), cpu, opened }),
                    Err(Errno(errno)) => refused = errno,
                }
            }
        }
    }
    if counters.is_empty() { Err(refused) } else { Ok(counters) }
}

/// `event=0x04,umask=0x03` as a `config`, by the bit ranges that the PMU's `format` directory gives each term. A PMU
/// that needs a second config word is not read.
fn config_of(pmu: &Path, terms: &[u8]) -> Option<u64> {
    let terms = str::from_utf8(trim(terms)).ok().filter(|terms| !terms.is_empty())?;
    let mut config = 0_u64;
    for term in terms.split(',') {
        let (name, value) = term.split_once('=').unwrap_or((term, "0x1"));
        if name.contains('/') || name.contains('.') {
            return None;
        }
        let range = std::fs::read(pmu.join("format").join(name)).ok()?;
        let range = str::from_utf8(trim(&range)).ok()?.strip_prefix("config:")?.to_owned();
        let (low, high) = range.split_once('-').unwrap_or((&range, &range));
        let (low, high): (u32, u32) = (low.parse().ok()?, high.parse().ok()?);
        let value = value.strip_prefix("0x").map_or_else(|| value.parse().ok(), |digits| hex(digits.as_bytes()))?;
        let bits = high.checked_sub(low).filter(|_| high < 64)? + 1;
        if bits < 64 && value >> bits != 0 {
            return None;
        }
        config |= value << low;
    }
    Some(config)
}

/// A counter of all tasks on one CPU that counts at once.
fn open(kind: u32, config: u64, cpu: i32) -> Result<PerfEvent, Errno> {
    let read_format = read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING;
    let attr = EventAttr { kind, config, read_format, ..EventAttr::default() };
    PerfEvent::open(&attr, -1, cpu, None, OpenFlags::NONE).map_err(|error| error.errno)
}

/// The lines of all counters; one on a CPU that went offline reads as nothing and is left out.
fn read(counters: &[Counter]) -> String {
    let mut text = String::new();
    let mut counts = Counts::default();
    for counter in counters {
        let Ok(()) = counter.opened.read_into(&mut counts) else { continue };
        let (Some(enabled), Some(running), [count]) = (counts.enabled, counts.running, counts.values.as_slice()) else {
            continue;
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {} {} {enabled} {running}", counter.event, counter.cpu, count.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use perfuse_format::FromBytes;
    use perfuse_format::sys::pmu::PmuCounts;

    use super::*;

    #[test]
    fn terms_are_put_where_the_format_says() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("format")).unwrap();
        std::fs::write(directory.path().join("format/event"), "config:0-7\n").unwrap();
        std::fs::write(directory.path().join("format/umask"), "config:8-15\n").unwrap();
        std::fs::write(directory.path().join("format/edge"), "config:18\n").unwrap();
        std::fs::write(directory.path().join("format/far"), "config1:0-7\n").unwrap();
        let config = |terms: &str| config_of(directory.path(), terms.as_bytes());
        assert_eq!(config("event=0x04,umask=0x03\n"), Some(0x304));
        assert_eq!(config("event=4,edge"), Some(0x4_0004));
        for bad in ["", "event=0x104", "far=1", "none=1", "../x=1"] {
            assert_eq!(config(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_counter_of_a_cpu_counts() {
        const CPU_CLOCK: u64 = 0;
        let opened = match open(kind::SOFTWARE, CPU_CLOCK, 0) {
            Ok(opened) => opened,
            Err(errno) => perfuse_testkit::skip!("no counter of a whole CPU: {errno}"),
        };
        let counters = [Counter { event: "clock".to_owned(), cpu: 0, opened }];
        let first = PmuCounts::from_bytes(read(&counters).as_bytes()).unwrap();
        let last = PmuCounts::from_bytes(read(&counters).as_bytes()).unwrap();
        assert!(last.0[0].enabled_ns > first.0[0].enabled_ns);
        assert!(last.since(&first).next().is_some());
    }

    #[test]
    fn a_host_without_counters_is_an_errno() {
        let mut out = RawSnapshot::default();
        let directory = tempfile::tempdir().unwrap();
        let tick = Tick { first: true, slow: true };
        Pmu::default().sample(&Root::at(directory.path()), tick, &mut out);
        assert!(out.bytes("@perf/ipc").why_missing().is_some());
        assert!(out.bytes("@perf/imc").why_missing().is_some());
    }
}
