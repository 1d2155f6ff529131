//! Memory cgroups of either version, made alike.

use std::collections::BTreeSet;

use perfuse_format::cgroup::{Hierarchy, ancestors};
use perfuse_format::parse::{KeyValues, Limit, Number};
use perfuse_format::proc::pressure::Pressure;
use perfuse_format::{FromBytes, Reading, delta};

use crate::cell::Entity;
use crate::run::{Run, Span};

/// One memory cgroup over a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// Path in its hierarchy.
    pub path: String,
    /// Directory of its files, without a final slash.
    pub directory: String,
    /// Version 1.
    pub v1: bool,
    /// Hard limit in bytes.
    pub limit: Option<u64>,
    /// v2 only: the limit above which its tasks are slowed down and made to reclaim.
    pub high: Option<u64>,
    /// Bytes charged to it.
    pub current: Option<u64>,
    /// Page cache that was used once only, in bytes: the kernel gives it up first.
    pub inactive_file: u64,
    /// Bytes of its memory that are in swap.
    pub swap: Option<u64>,
    /// Times per second that a charge hit the hard limit (v1 `failcnt`, v2 `max` of memory.events).
    pub limit_hits: Option<f64>,
    /// Times per second that it was above `high`.
    pub high_hits: Option<f64>,
    /// Processes of it, and in v2 of the groups below it, that the OOM killer ended in the run.
    pub oom_kills: Option<u64>,
    /// Major faults per second.
    pub major_faults: Option<f64>,
    /// Pages per second that were needed again soon after they were given up.
    pub refaults: Option<f64>,
    /// Seconds per second that some task, or every task, of it waited for memory.
    pub pressure: Option<(f64, Option<f64>)>,
}

impl Group {
    /// The smaller of its two limits.
    pub(super) fn tightest(&self) -> Option<u64> {
        match (self.limit, self.high) {
            (Some(limit), Some(high)) => Some(limit.min(high)),
            (limit, high) => limit.or(high),
        }
    }

    /// Bytes charged that cannot simply be given up.
    pub(super) fn working_set(&self) -> Option<u64> {
        self.current.map(|current| current.saturating_sub(self.inactive_file))
    }

    /// Share of the tightest limit that is in use.
    pub(super) fn used_ratio(&self) -> Option<f64> {
        let limit = self.tightest().filter(|limit| *limit > 0)?;
        Some(self.working_set()? as f64 / limit as f64)
    }

    /// Bytes left below the tightest limit.
    pub(super) fn headroom(&self) -> Option<u64> {
        Some(self.tightest()?.saturating_sub(self.working_set()?))
    }

    /// Hits of either limit per second.
    pub(super) fn hits(&self) -> f64 {
        self.limit_hits.unwrap_or(0.0) + self.high_hits.unwrap_or(0.0)
    }

    /// The full path of one of its files.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    /// The file with the bytes in use.
    pub(super) fn usage_file(&self) -> String {
        self.file(if self.v1 { "memory.usage_in_bytes" } else { "memory.current" })
    }

    /// The file with the tightest limit.
    pub(super) fn limit_file(&self) -> String {
        self.file(match (self.v1, self.limit, self.high) {
            (true, ..) => "memory.limit_in_bytes",
            (false, Some(limit), Some(high)) if high < limit => "memory.high",
            (false, None, Some(_)) => "memory.high",
            (false, ..) => "memory.max",
        })
    }

    /// The file that counts the hits of the limit.
    pub(super) fn hits_file(&self) -> (String, &'static str) {
        if self.v1 {
            (self.file("memory.failcnt"), "failcnt")
        } else if self.high_hits.unwrap_or(0.0) > self.limit_hits.unwrap_or(0.0) {
            (self.file("memory.events"), "high")
        } else {
            (self.file("memory.events"), "max")
        }
    }

    /// The group as something named.
    pub(super) fn entity(&self) -> Entity {
        Entity::cgroup(self.path.clone())
    }

    /// The command that sets its tightest limit to `bytes`.
    pub(super) fn set_limit_command(&self, bytes: u64) -> String {
        let unit = self.path.rsplit('/').next().unwrap_or_default();
        let of_systemd = [".service", ".scope", ".slice"].iter().any(|suffix| unit.ends_with(suffix));
        let file = self.limit_file();
        match (of_systemd && !self.v1, file.ends_with("memory.high")) {
            (true, true) => format!("systemctl set-property --runtime {unit} MemoryHigh={bytes}"),
            (true, false) => format!("systemctl set-property --runtime {unit} MemoryMax={bytes}"),
            (false, _) => format!("echo {bytes} > {}", quoted(&file)),
        }
    }
}

/// A path for a shell.
pub(super) fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@:+,=".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// Every memory cgroup that was seen, the root left out (it has no limit), in the order of their paths.
pub(super) fn groups(run: &Run) -> Vec<Group> {
    let Some(hierarchies) = run.cgroups.value() else { return Vec::new() };
    let (hierarchy, v1) = match (hierarchies.v1("memory"), hierarchies.v2()) {
        (Some(hierarchy), _) => (hierarchy, true),
        (None, Some(hierarchy)) => (hierarchy, false),
        (None, None) => return Vec::new(),
    };
    // Limits are read at the slow cadence, the mount table too.
    let slow = run.snapshots.iter().filter(|snapshot| snapshot.has("/proc/self/mountinfo"));
    let paths: BTreeSet<String> = slow.flat_map(|snapshot| hierarchy.groups(snapshot)).collect();
    let read = |path: &String| if v1 { version_1(run, hierarchy, path) } else { version_2(run, hierarchy, path) };
    paths.iter().filter(|path| *path != "/" && run.cgroup_in_scope(path)).map(read).collect()
}

fn version_1(run: &Run, hierarchy: &Hierarchy, path: &str) -> Group {
    let file = |name: &str| hierarchy.path(path, name);
    let number = |name: &str| run.last::<Number>(&file(name)).value().map(|number| number.0);
    let stat = file("memory.stat");
    let now = run.last::<KeyValues>(&stat).into_value().unwrap_or_default();
    let oom = run.span::<KeyValues>(&file("memory.oom_control"));
    // The v2 hierarchy beside it may have a group of the same path: systemd's hybrid layout makes them.
    let pressure = run
        .cgroups
        .value()
        .and_then(|hierarchies| hierarchies.v2().and_then(|v2| pressure(run, &v2.path(path, "memory.pressure"))));
    Group {
        path: path.to_owned(),
        directory: directory(hierarchy, path),
        v1: true,
        limit: run.last::<Limit>(&file("memory.limit_in_bytes")).value().and_then(|limit| limit.at()),
        high: None,
        current: number("memory.usage_in_bytes"),
        inactive_file: now.get("total_inactive_file").or_else(|| now.get("inactive_file")).unwrap_or(0),
        swap: now.get("total_swap").or_else(|| now.get("swap")),
        limit_hits: rate(&run.span::<Number>(&file("memory.failcnt")), |number| Some(number.0)),
        high_hits: None,
        oom_kills: grown(&oom, |values| values.get("oom_kill")),
        major_faults: rate(&run.span(&stat), |values: &KeyValues| {
            values.get("total_pgmajfault").or_else(|| values.get("pgmajfault"))
        }),
        refaults: rate(&run.span(&stat), |values: &KeyValues| sum(values, "total_workingset_refault")),
        pressure,
    }
}

fn version_2(run: &Run, hierarchy: &Hierarchy, path: &str) -> Group {
    let file = |name: &str| hierarchy.path(path, name);
    let number = |name: &str| run.last::<Number>(&file(name)).value().map(|number| number.0);
    let limit = |name: &str| run.last::<Limit>(&file(name)).value().and_then(|limit| limit.at());
    let stat = file("memory.stat");
    let events = run.span::<KeyValues>(&file("memory.events"));
    let now = run.last::<KeyValues>(&stat).into_value().unwrap_or_default();
    Group {
        path: path.to_owned(),
        directory: directory(hierarchy, path),
        v1: false,
        limit: limit("memory.max"),
        high: limit("memory.high"),
        current: number("memory.current"),
        inactive_file: now.get("inactive_file").unwrap_or(0),
        swap: number("memory.swap.current"),
        limit_hits: rate(&events, |values| values.get("max")),
        high_hits: rate(&events, |values| values.get("high")),
        oom_kills: grown(&events, |values| values.get("oom_kill")),
        major_faults: rate(&run.span(&stat), |values: &KeyValues| values.get("pgmajfault")),
        refaults: rate(&run.span(&stat), |values: &KeyValues| sum(values, "workingset_refault")),
        pressure: pressure(run, &file("memory.pressure")),
    }
}

fn directory(hierarchy: &Hierarchy, path: &str) -> String {
    format!("{}{}", hierarchy.mount_point, path.trim_end_matches('/'))
}

/// Sum of the fields whose name begins with `prefix`: `workingset_refault_anon` and `_file` since Linux 5.9, one before.
pub(super) fn sum(values: &KeyValues, prefix: &str) -> Option<u64> {
    let found: Vec<u64> =
        values.0.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| *value).collect();
    (!found.is_empty()).then(|| found.iter().fold(0_u64, |sum, value| sum.saturating_add(*value)))
}

/// How much a counter grew in the run; nothing where it is missing or was reset.
pub(super) fn grown<T>(span: &Reading<Span<T>>, counter: impl Fn(&T) -> Option<u64>) -> Option<u64> {
    let span = span.value()?;
    delta(counter(&span.first)?, counter(&span.last)?).grew()
}

/// The growth of a counter per second.
pub(super) fn rate<T>(span: &Reading<Span<T>>, counter: impl Fn(&T) -> Option<u64>) -> Option<f64> {
    let seconds = span.value()?.seconds;
    grown(span, counter).map(|grown| grown as f64 / seconds)
}

/// Stall time of a pressure file in seconds per second: some, full.
pub(super) fn pressure(run: &Run, source: &str) -> Option<(f64, Option<f64>)> {
    stall(&run.span::<Pressure>(source))
}

/// As [`pressure`], of a span that was read already.
pub(super) fn stall(span: &Reading<Span<Pressure>>) -> Option<(f64, Option<f64>)> {
    let some = rate(span, |pressure| Some(pressure.some_us))? / 1e6;
    let full = rate(span, |pressure| pressure.full_us).map(|full| full / 1e6);
    Some((some, full))
}

/// Whether a process is in the group at `path` or below it.
pub(super) fn is_member(run: &Run, pid: u32, path: &str) -> bool {
    run.cgroup_of(pid, "memory").is_some_and(|group| ancestors(group).any(|up| up == path))
}

/// A parsed file of the last snapshot, or nothing.
pub(super) fn latest<T: FromBytes>(run: &Run, source: &str) -> Option<T> {
    run.last::<T>(source).into_value()
}
