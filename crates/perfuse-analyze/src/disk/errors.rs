//! `disk.errors`: failed requests, damaged filesystems, degraded arrays. Anything new is an error.

use std::collections::BTreeMap;

use perfuse_format::parse::{KeyValues, Number, Text};
use perfuse_format::proc::kmsg::Event;
use perfuse_format::proc::mdstat::MdStat;
use perfuse_format::sys::pci::HexNumber;
use perfuse_format::{FromBytes, Reading, Why, delta};

use crate::cell::{Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Severity, Verdict};
use crate::checklist::Output;
use crate::kernel_log::logged;
use crate::message::{self, Msg};
use crate::run::Run;
use crate::{Kind, Quantity, Resource};

const ID: &str = "disk.errors";

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// Requests failed.
    Io,
    /// A filesystem is damaged.
    Filesystem,
    /// An array lacks a member.
    Degraded,
    /// A device or its port stopped answering.
    Failed,
}

/// Errors of one device, filesystem or array, from one source.
#[derive(Debug, Clone)]
struct Seen {
    fault: Fault,
    name: String,
    source: String,
    metric: &'static str,
    /// Since the run began; for a state that is wrong now, what is wrong.
    new: u64,
    /// Altogether, as far as the source remembers.
    total: u64,
    /// In the kernel's words.
    text: String,
}

impl Seen {
    fn verdict(&self) -> Verdict {
        match (self.new, self.total) {
            (0, 0) => Verdict::Ok,
            (0, _) => Verdict::Watch,
            _ => Verdict::Error,
        }
    }
}

pub(super) fn evaluate(run: &Run, out: &mut Output) {
    let mut seen = Vec::new();
    let mut readable = counters(run, &mut seen);
    readable |= arrays(run, &mut seen);
    let log = kernel_log(run, &mut seen);
    let cell = match &log {
        Reading::Missing(missing) if !readable => Cell::unmeasurable(ID, missing),
        _ => {
            let mut cell = measured(&seen);
            if let Reading::Missing(missing) = &log {
                cell.note = Some(Msg::new("disk-errors-no-log").with("reason", message::missing(missing)));
            } else if cell.note.is_none() && has_smart(run) {
                cell.note = Some(Msg::new("disk-errors-no-smart"));
            }
            cell
        }
    };
    out.cell(cell);
    // Two sources that tell of the same trouble make one finding.
    let mut by_place: BTreeMap<(Fault, &str), Vec<&Seen>> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| seen.verdict() == Verdict::Error) {
        by_place.entry((seen.fault, &seen.name)).or_default().push(seen);
    }
    for ((fault, name), sources) in by_place {
        out.finding(finding(fault, name, &sources));
    }
}

/// Whether there is a disk that keeps a record of its own health (SATA, SAS, `NVMe`).
fn has_smart(run: &Run) -> bool {
    let disks = matching(run, "/sys/block/", "/size");
    disks.keys().any(|name| name.starts_with("sd") || name.starts_with("nvme"))
}

/// Growth of a counter below a pattern; the first and the last snapshot that have it. `None`: no such file.
fn counted<T: FromBytes>(run: &Run, source: &str, value: impl Fn(&T) -> u64) -> Option<(u64, u64)> {
    let last = value(run.last::<T>(source).value()?);
    let first = run.first::<T>(source).value().map_or(last, value);
    Some((delta(first, last).grew().unwrap_or(0), last))
}

/// The sources of the run that start and end so, each once: `(what the * stands for, source)`.
fn matching(run: &Run, prefix: &str, suffix: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for snapshot in run.snapshots {
        for (rest, _) in snapshot.under(prefix) {
            if let Some(middle) = rest.strip_suffix(suffix) {
                found.insert(middle.to_owned(), format!("{prefix}{rest}"));
            }
        }
    }
    found
}

/// Counters of filesystems and SCSI devices; whether there was any.
fn counters(run: &Run, seen: &mut Vec<Seen>) -> bool {
    let before = seen.len();
    for (name, source) in matching(run, "/sys/fs/ext4/", "/errors_count") {
        if let Some((new, total)) = counted::<Number>(run, &source, |number| number.0) {
            let fault = Fault::Filesystem;
            seen.push(Seen { fault, name, source, metric: "errors_count", new, total, text: String::new() });
        }
    }
    for (name, source) in matching(run, "/sys/fs/btrfs/", "/error_stats") {
        let sum = |values: &KeyValues| values.0.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        if let Some((new, total)) = counted::<KeyValues>(run, &source, sum) {
            seen.push(Seen { fault: Fault::Io, name, source, metric: "error_stats", new, total, text: String::new() });
        }
    }
    for (name, source) in matching(run, "/sys/block/", "/device/ioerr_cnt") {
        if let Some((new, _)) = counted::<HexNumber>(run, &source, |number| number.0) {
            // Commands that a device does not know count here from its first day: only growth says something.
            seen.push(Seen {
                fault: Fault::Io,
                name,
                source,
                metric: "ioerr_cnt",
                new,
                total: new,
                text: String::new(),
            });
        }
    }
    for (name, source) in matching(run, "/sys/block/", "/device/state") {
        if let Reading::Value(Text(state)) = run.last::<Text>(&source) {
            let bad = u64::from(matches!(state.as_str(), "offline" | "transport-offline" | "dead"));
            seen.push(Seen { fault: Fault::Failed, name, source, metric: "state", new: bad, total: bad, text: state });
        }
    }
    seen.len() > before
}

/// Software RAID; whether the file was there.
fn arrays(run: &Run, seen: &mut Vec<Seen>) -> bool {
    const SOURCE: &str = "/proc/mdstat";
    let Reading::Value(arrays) = run.last::<MdStat>(SOURCE) else { return false };
    for array in arrays.0 {
        let missing = array.missing();
        seen.push(Seen {
            fault: Fault::Degraded,
            name: array.name,
            source: SOURCE.to_owned(),
            metric: "missing members",
            new: missing,
            total: missing,
            text: array.failed.join(" "),
        });
    }
    true
}

/// What the kernel logged; the reason where the log cannot be read.
fn kernel_log(run: &Run, seen: &mut Vec<Seen>) -> Reading<()> {
    logged(run).map(|events| {
        let mut by_name: BTreeMap<(Fault, String), Seen> = BTreeMap::new();
        for entry in events {
            let (fault, name) = match &entry.event.event {
                Event::IoError { device, .. } => (Fault::Io, device.clone()),
                Event::FilesystemError { device, .. } => (Fault::Filesystem, device.clone()),
                Event::DeviceFailure { device } => (Fault::Failed, device.clone()),
                _ => continue,
            };
            let known = by_name.entry((fault, name.clone())).or_insert_with(|| Seen {
                fault,
                name,
                source: "/dev/kmsg".to_owned(),
                metric: "records",
                new: 0,
                total: 0,
                text: String::new(),
            });
            known.new += u64::from(entry.during);
            known.total += 1;
            known.text = entry.event.text.chars().take(160).collect();
        }
        seen.extend(by_name.into_values());
    })
}

fn measured(seen: &[Seen]) -> Cell {
    let mut sorted: Vec<&Seen> = seen.iter().collect();
    sorted.sort_by(|a, b| (b.verdict(), b.new, b.total).cmp(&(a.verdict(), a.new, a.total)).then(a.name.cmp(&b.name)));
    let worst = sorted.first().map_or(Verdict::Ok, |seen| seen.verdict());
    let new: u64 = seen.iter().fold(0, |sum, seen| sum.saturating_add(seen.new));
    let mut cell = Cell::measured(ID, worst, Quantity::count(new as f64));
    if worst == Verdict::Watch {
        cell.note = Some(Msg::new("disk-errors-old"));
    }
    for seen in &sorted {
        if seen.total > 0 || seen.metric != "records" {
            let instance = Instance::new(&seen.name, Quantity::count(seen.new as f64), seen.verdict());
            cell.instances.push(instance.detail("total_errors", Quantity::count(seen.total as f64)));
        }
    }
    for seen in sorted.iter().take(5) {
        let command = match seen.source.as_str() {
            "/dev/kmsg" => "dmesg -T --level=err,crit,alert,emerg".to_owned(),
            file => format!("cat {file}"),
        };
        let value = Quantity::count(seen.total as f64);
        cell.evidence.push(Evidence::new(seen.source.clone(), seen.metric, value).by_hand(command));
    }
    cell
}

fn finding(fault: Fault, name: &str, sources: &[&Seen]) -> Finding {
    let spec = (Resource::Disk, Kind::Errors, ID);
    let device = Entity::new(EntityKind::Device, name);
    let path = format!("/dev/{name}");
    let (mut finding, advice, command) = match fault {
        Fault::Io => (
            Finding::new("disk.io-errors", Severity::Error, spec, device),
            (Msg::new("finding-disk-io-errors-advice"), Msg::new("finding-disk-io-errors-expect")),
            if name.starts_with("loop") { format!("losetup -l {path}") } else { format!("smartctl -a {path}") },
        ),
        Fault::Filesystem => (
            Finding::new("disk.filesystem-errors", Severity::Error, spec, device),
            (Msg::new("finding-disk-filesystem-errors-advice"), Msg::new("finding-disk-filesystem-errors-expect")),
            format!("umount {path} && fsck {path}"),
        ),
        Fault::Degraded => (
            Finding::new("disk.array-degraded", Severity::Error, spec, device),
            (Msg::new("finding-disk-array-degraded-advice"), Msg::new("finding-disk-array-degraded-expect")),
            format!("mdadm --detail {path}"),
        ),
        Fault::Failed => (
            Finding::new("disk.device-failed", Severity::Error, spec, device),
            (Msg::new("finding-disk-device-failed-advice"), Msg::new("finding-disk-device-failed-expect")),
            "dmesg -T --level=err,crit,alert,emerg".to_owned(),
        ),
    };
    let count = sources.iter().map(|seen| seen.new).max().unwrap_or(0);
    finding.summary = finding.summary.with("device", name).with("count", count);
    for seen in sources {
        finding.chain.push(Link {
            from: Msg::new("disk-link-device").with("device", name),
            to: Msg::new("disk-link-error"),
            evidence: Msg::new("disk-link-error-evidence")
                .with("source", seen.source.as_str())
                .with("metric", seen.metric)
                .with("count", seen.new)
                .with("text", seen.text.as_str()),
        });
    }
    finding.advice.push(Advice { text: advice.0, command: Some(command), expect: advice.1 });
    finding.confidence = if sources.iter().all(|seen| seen.metric == "ioerr_cnt") { 0.6 } else { 0.95 };
    // What a filesystem cannot read, the device could not deliver.
    finding.explains = match fault {
        Fault::Io => &["disk.filesystem-errors", "disk.latency-rise"],
        Fault::Failed => &["disk.io-errors", "disk.filesystem-errors", "disk.latency-rise"],
        Fault::Filesystem | Fault::Degraded => &[],
    };
    finding
}

/// Errors that the kernel logged for devices or ports below a controller, new ones only; or why the log is not readable.
pub(super) fn failures(run: &Run) -> Reading<Vec<(String, bool)>> {
    logged(run).map(|events| {
        events
            .into_iter()
            .filter_map(|entry| match entry.event.event {
                Event::DeviceFailure { device } => Some((device, entry.during)),
                _ => None,
            })
            .collect()
    })
}

/// Why a source that only a physical machine has is not there.
pub(super) fn absent(source: &'static str) -> perfuse_format::Missing {
    perfuse_format::Missing::new(Why::Absent, source)
}
