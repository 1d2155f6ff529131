//! What monitoring would have seen: the ordinary metrics of a host, from the same raw samples that `perfuse` reads.

use std::collections::BTreeMap;

use anyhow::Result;
use perfuse_format::cgroup::Hierarchies;
use perfuse_format::parse::{FromBytes, KeyValues, Limit, Number};
use perfuse_format::proc::diskstats::{DiskStats, DiskWork};
use perfuse_format::proc::file_nr::FileNr;
use perfuse_format::proc::loadavg::LoadAverage;
use perfuse_format::proc::meminfo::MemInfo;
use perfuse_format::proc::net::counters::Mib;
use perfuse_format::proc::net::dev::NetDev;
use perfuse_format::proc::pressure::Pressure;
use perfuse_format::proc::stat::ProcStat;
use perfuse_format::raw::RawSnapshot;
use perfuse_format::replay::Decoder;
use perfuse_format::sys::statvfs::{Asked, Filesystems};
use perfuse_format::tasks::{Task, TaskTable};

use crate::zoo::score::Blamed;

/// One metric over one interval.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    /// `disk.util`.
    pub(crate) name: &'static str,
    /// What it is about: `disk.utilization`.
    pub(crate) cell: &'static str,
    /// The control that it is about.
    pub(crate) control: Option<&'static str>,
    /// Whose it is, if not the whole host's.
    pub(crate) of: Option<Blamed>,
    /// Its value: a share of 1, a rate per second, or a number.
    pub(crate) value: f64,
}

impl Metric {
    /// What tells it from all others.
    pub(crate) fn key(&self) -> (&'static str, String) {
        let of = self.of.as_ref();
        (self.name, of.map_or_else(String::new, |of| format!("{} {} {:?}", of.kind, of.name, of.pid)))
    }
}

/// The metrics of one interval after the other.
pub(crate) type Series = Vec<Vec<Metric>>;

/// Reads a recording.
pub(crate) fn series(bytes: &[u8]) -> Result<Series> {
    let snapshots: Vec<RawSnapshot> = Decoder::new(bytes)?.map_while(Result::ok).collect();
    // What is read rarely is as it was.
    let mut carried: Option<RawSnapshot> = None;
    let mut series = Vec::new();
    for snapshot in snapshots {
        let mut whole = snapshot;
        if let Some(before) = &carried {
            for (name, raw) in &before.sources {
                whole.sources.entry(name.clone()).or_insert_with(|| raw.clone());
            }
            series.push(between(before, &whole));
        }
        carried = Some(whole);
    }
    Ok(series)
}

/// The mean of each metric over some intervals.
pub(crate) fn mean(series: &[Vec<Metric>]) -> Vec<Metric> {
    let mut sums: BTreeMap<(&str, String), (Metric, usize)> = BTreeMap::new();
    for metric in series.iter().flatten() {
        match sums.get_mut(&metric.key()) {
            Some((sum, count)) => {
                sum.value += metric.value;
                *count += 1;
            }
            None => drop(sums.insert(metric.key(), (metric.clone(), 1))),
        }
    }
    sums.into_values().map(|(sum, count)| Metric { value: sum.value / count as f64, ..sum }).collect()
}

/// Collects the metrics of one interval.
struct Interval<'a> {
    before: &'a RawSnapshot,
    after: &'a RawSnapshot,
    seconds: f64,
    metrics: Vec<Metric>,
}

fn between(before: &RawSnapshot, after: &RawSnapshot) -> Vec<Metric> {
    let seconds = after.mono_ns.saturating_sub(before.mono_ns) as f64 / 1e9;
    let mut interval = Interval { before, after, seconds: seconds.max(1e-3), metrics: Vec::new() };
    interval.cpu();
    interval.memory();
    interval.disks();
    interval.room();
    interval.network();
    interval.tasks();
    interval.cgroups();
    interval.metrics
}

impl Interval<'_> {
    fn add(&mut self, name: &'static str, cell: &'static str, of: Option<Blamed>, value: f64) {
        self.metrics.push(Metric { name, cell, control: None, of, value });
    }

    fn limit(&mut self, name: &'static str, cell: &'static str, control: &'static str, of: Option<Blamed>, value: f64) {
        self.metrics.push(Metric { name, cell, control: Some(control), of, value });
    }

    fn both<T: FromBytes>(&self, source: &str) -> Option<(T, T)> {
        Some((self.before.get(source).into_value()?, self.after.get(source).into_value()?))
    }

    fn pressure(&mut self, source: &str, name: &'static str, cell: &'static str) {
        if let Some((before, after)) = self.both::<Pressure>(source) {
            let share = after.some_us.saturating_sub(before.some_us) as f64 / 1e6 / self.seconds;
            self.add(name, cell, None, share);
        }
    }

    fn cpu(&mut self) {
        if let Some((before, after)) = self.both::<ProcStat>("/proc/stat") {
            let all = after.all.total().saturating_sub(before.all.total()).max(1) as f64;
            let share = |now: u64, then: u64| now.saturating_sub(then) as f64 / all;
            let rate = |now: Option<u64>, then: Option<u64>| {
                now.unwrap_or(0).saturating_sub(then.unwrap_or(0)) as f64 / self.seconds
            };
            let count = after.cpus.len().max(1) as f64;
            let (busy, user, system) = (
                share(after.all.busy(), before.all.busy()),
                share(after.all.user, before.all.user),
                share(after.all.system, before.all.system),
            );
            let (wait, steal) = (share(after.all.iowait, before.all.iowait), share(after.all.steal, before.all.steal));
            let switches = rate(after.context_switches, before.context_switches);
            let forks = rate(after.forks, before.forks);
            self.add("cpu.busy", "cpu.utilization", None, busy);
            self.add("cpu.user", "cpu.utilization", None, user);
            self.add("cpu.system", "cpu.utilization", None, system);
            self.add("cpu.iowait", "disk.saturation", None, wait);
            self.limit("cpu.steal", "cpu.saturation", "control.steal", None, steal);
            self.add("cpu.switches", "cpu.saturation", None, switches);
            self.add("cpu.forks", "tasks.utilization", None, forks);
            self.add("cpu.running", "cpu.saturation", None, after.running.unwrap_or(0) as f64 / count);
            if let Some(load) = self.after.get::<LoadAverage>("/proc/loadavg").into_value() {
                self.add("cpu.load1", "cpu.saturation", None, load.averages[0] / count);
            }
        }
        self.pressure("/proc/pressure/cpu", "cpu.pressure", "cpu.saturation");
    }

    fn memory(&mut self) {
        if let Some(now) = self.after.get::<MemInfo>("/proc/meminfo").into_value() {
            let get = |field| now.get(field).unwrap_or(0) as f64;
            let total = get("MemTotal").max(1.0);
            self.add("memory.used", "memory.utilization", None, 1.0 - get("MemAvailable") / total);
            let swap = get("SwapTotal");
            if swap > 0.0 {
                self.add("memory.swap-used", "memory.utilization", None, 1.0 - get("SwapFree") / swap);
            }
            self.add("memory.dirty", "disk.utilization", None, get("Dirty") / total);
        }
        if let Some((before, after)) = self.both::<KeyValues>("/proc/vmstat") {
            let grown =
                |field: &str| after.get(field).unwrap_or(0).saturating_sub(before.get(field).unwrap_or(0)) as f64;
            let seconds = self.seconds;
            let (major, faults) = (grown("pgmajfault") / seconds, grown("pgfault") / seconds);
            let swapped = (grown("pswpin") + grown("pswpout")) / seconds;
            let (scanned, killed) = (grown("pgscan_direct") / seconds, grown("oom_kill"));
            self.add("memory.major-faults", "memory.saturation", None, major);
            self.add("memory.faults", "memory.utilization", None, faults);
            self.add("memory.swapped", "memory.saturation", None, swapped);
            self.add("memory.scanned", "memory.saturation", None, scanned);
            self.add("memory.killed", "memory.errors", None, killed);
        }
        self.pressure("/proc/pressure/memory", "memory.pressure", "memory.saturation");
    }

    fn disks(&mut self) {
        if let Some((before, after)) = self.both::<DiskStats>("/proc/diskstats") {
            for disk in &after.0 {
                let Some(work) = before.get(&disk.name).and_then(|old| DiskWork::between(old, disk)) else { continue };
                if !disk.ever_used() {
                    continue;
                }
                let of = || Some(named("device", &disk.name));
                let millis = self.seconds * 1e3;
                let bytes = (work.read_bytes + work.write_bytes) as f64 / self.seconds;
                self.add("disk.busy", "disk.utilization", of(), work.busy_ms as f64 / millis);
                self.add("disk.queue", "disk.saturation", of(), work.queue_ms as f64 / millis);
                self.add("disk.bytes", "disk.utilization", of(), bytes);
                self.add("disk.await", "disk.saturation", of(), work.mean_ms().unwrap_or(0.0));
            }
        }
        self.pressure("/proc/pressure/io", "io.pressure", "disk.saturation");
    }

    fn room(&mut self) {
        let filesystems = self.after.get::<Filesystems>("@statvfs").into_value().unwrap_or_default();
        for filesystem in filesystems.0 {
            let Asked::Room(room) = filesystem.asked else { continue };
            if room.read_only() {
                continue;
            }
            let of = || {
                Some(Blamed { path: Some(filesystem.mount_point.clone()), ..named("mount", &filesystem.mount_point) })
            };
            if let Some(used) = room.used_ratio() {
                self.add("room.used", "capacity.utilization", of(), used);
            }
            if let Some(used) = room.inodes_used_ratio() {
                self.add("room.inodes", "capacity.utilization", of(), used);
            }
        }
        if let Some(files) = self.after.get::<FileNr>("/proc/sys/fs/file-nr").into_value() {
            self.add("files.used", "fds.utilization", None, files.allocated as f64 / files.max.max(1) as f64);
        }
    }

    fn network(&mut self) {
        if let Some((before, after)) = self.both::<NetDev>("/proc/net/dev") {
            for (name, now) in &after.0 {
                let Some(then) = before.0.get(name) else { continue };
                let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / self.seconds;
                let packets = rate(now.rx_packets + now.tx_packets, then.rx_packets + then.tx_packets).max(1.0);
                let bytes = rate(now.rx_bytes + now.tx_bytes, then.rx_bytes + then.tx_bytes);
                let errors = rate(now.rx_errors + now.tx_errors, then.rx_errors + then.tx_errors) / packets;
                let drops = rate(now.rx_dropped + now.tx_dropped, then.rx_dropped + then.tx_dropped) / packets;
                let of = || Some(named("interface", name));
                self.add("net.bytes", "network.utilization", of(), bytes);
                self.add("net.errors", "network.errors", of(), errors);
                self.add("net.drops", "network.saturation", of(), drops);
            }
        }
        let counters: &[(&str, &str, &str, &'static str)] = &[
            ("/proc/net/snmp", "Tcp", "RetransSegs", "net.retransmits"),
            ("/proc/net/snmp", "Udp", "RcvbufErrors", "net.udp-full"),
            ("/proc/net/netstat", "TcpExt", "ListenOverflows", "net.listen-overflows"),
            ("/proc/net/netstat", "TcpExt", "TCPTimeouts", "net.timeouts"),
        ];
        for (source, protocol, field, name) in counters {
            let Some((before, after)) = self.both::<Mib>(source) else { continue };
            let Some((then, now)) = before.get(protocol, field).zip(after.get(protocol, field)) else { continue };
            let rate = now.saturating_sub(then) as f64 / self.seconds;
            if *name == "net.listen-overflows" {
                self.limit(name, "network.saturation", "control.listen-backlog", None, rate);
            } else {
                self.add(name, "network.saturation", None, rate);
            }
        }
    }

    fn tasks(&mut self) {
        let table = |raw| TaskTable::from_raw(raw).into_value();
        let (Some(before), Some(after)) = (table(self.before), table(self.after)) else { return };
        for (pid, now) in &after.processes {
            // The observer is no part of what it observes.
            if now.kernel_thread || now.comm == "perfuse" {
                continue;
            }
            let then = before.processes.get(pid).filter(|then| then.start_ns == now.start_ns);
            let of = || Some(Blamed { pid: Some(*pid), ..named("process", &now.comm) });
            let grown = |of: fn(&Task) -> u64| of(now).saturating_sub(then.map_or(0, of)) as f64 / self.seconds;
            let (cpu, faults) = (grown(Task::cpu_ns) / 1e9, grown(|task| task.major_faults));
            let written = grown(|task| task.write_bytes.unwrap_or(0) + task.read_bytes.unwrap_or(0));
            self.add("process.cpu", "cpu.utilization", of(), cpu);
            self.add("process.major-faults", "memory.saturation", of(), faults);
            self.add("process.io", "disk.utilization", of(), written);
            self.add("process.memory", "memory.utilization", of(), now.rss_pages as f64 * 4096.0);
        }
        let most = self.after.get::<Number>("/proc/sys/kernel/threads-max").into_value();
        if let Some(most) = most.filter(|most| most.0 > 0) {
            self.add("tasks.used", "tasks.utilization", None, after.threads.len() as f64 / most.0 as f64);
        }
    }

    fn cgroups(&mut self) {
        let Some(hierarchies) = Hierarchies::from_raw(self.after).into_value() else { return };
        for hierarchy in &hierarchies.0 {
            for group in hierarchy.groups(self.after).iter().filter(|group| *group != "/") {
                let of = || Some(Blamed { path: Some(group.clone()), ..named("cgroup", group) });
                let counters = |raw| hierarchy.get::<KeyValues>(raw, group, "cpu.stat").into_value();
                if let (Some(then), Some(now)) = (counters(self.before), counters(self.after)) {
                    let grown =
                        |field: &str| now.get(field).unwrap_or(0).saturating_sub(then.get(field).unwrap_or(0)) as f64;
                    let periods = grown("nr_periods");
                    if periods > 0.0 {
                        let share = grown("nr_throttled") / periods;
                        self.limit("cgroup.throttled", "cpu.saturation", "control.cpu-quota", of(), share);
                    }
                }
                for (usage, limit) in
                    [("memory.usage_in_bytes", "memory.limit_in_bytes"), ("memory.current", "memory.max")]
                {
                    let usage = hierarchy.get::<Number>(self.after, group, usage).into_value();
                    let limit = hierarchy.get::<Limit>(self.after, group, limit).into_value();
                    if let (Some(usage), Some(Limit::At(limit))) = (usage, limit) {
                        let share = usage.0 as f64 / limit.max(1) as f64;
                        self.limit("cgroup.memory", "memory.utilization", "control.memory-limit", of(), share);
                    }
                }
            }
        }
    }
}

fn named(kind: &str, name: &str) -> Blamed {
    Blamed { kind: kind.to_owned(), pid: None, name: name.to_owned(), path: None }
}

#[cfg(test)]
mod tests {
    use perfuse_format::replay::Encoder;

    use super::*;

    fn recording(snapshots: Vec<RawSnapshot>) -> Vec<u8> {
        let mut bytes = Encoder::header("test");
        let mut encoder = Encoder::new();
        bytes.extend(snapshots.into_iter().flat_map(|snapshot| encoder.snapshot(snapshot)));
        bytes
    }

    fn snapshot(second: u64, busy: u64, idle: u64, stalled_us: u64) -> RawSnapshot {
        let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
        let times = format!("{busy} 0 0 {idle} 0 0 0 0 0 0");
        raw.put("/proc/stat", format!("cpu  {times}\ncpu0 {times}\n"));
        raw.put("/proc/pressure/cpu", format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={stalled_us}\n"));
        raw
    }

    fn value(metrics: &[Metric], name: &str) -> Option<f64> {
        metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value)
    }

    #[test]
    fn counters_become_rates_and_what_is_read_rarely_stays_as_it_was() {
        let mut snapshots = vec![snapshot(0, 0, 0, 0), snapshot(2, 50, 150, 500_000), snapshot(4, 150, 250, 500_000)];
        snapshots[0].put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n");
        let series = series(&recording(snapshots)).unwrap();
        assert_eq!(series.len(), 2, "an interval lies between two snapshots");
        assert_eq!(value(&series[0], "cpu.busy"), Some(0.25));
        assert_eq!(value(&series[1], "cpu.busy"), Some(0.5));
        assert_eq!(value(&series[0], "cpu.pressure"), Some(0.25));
        assert_eq!(value(&series[1], "cpu.pressure"), Some(0.0));
        assert_eq!(value(&series[1], "memory.used"), Some(0.75));
        assert_eq!(value(&mean(&series), "cpu.busy"), Some(0.375));
    }

    #[test]
    fn each_of_several_owners_keeps_its_own_mean() {
        let metric = |name: &str, value| Metric {
            name: "disk.busy",
            cell: "disk.utilization",
            control: None,
            of: Some(named("device", name)),
            value,
        };
        let mean = mean(&[vec![metric("a", 1.0), metric("b", 0.0)], vec![metric("a", 0.0)]]);
        let values: Vec<f64> = mean.iter().map(|metric| metric.value).collect();
        assert_eq!(values, [0.5, 0.0]);
    }
}
