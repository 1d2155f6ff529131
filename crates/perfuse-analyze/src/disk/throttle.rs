//! `control.io-throttle`: the I/O limits of cgroups. A limit that bites leaves the device idle: iostat shows nothing.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::cgroup::io::{DeviceNumber, IoMax, IoStat, ThrottleLimit, ThrottleService};
use perfuse_format::cgroup::{Hierarchies, Hierarchy, ancestors};
use perfuse_format::{FromBytes, Reading, delta};

use crate::cell::{Advice, Cell, Entity, Evidence, Finding, Instance, Link, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Quantity, Resource};

use super::devices::Devices;
use super::waits::{self, Waiter};

const ID: &str = "control.io-throttle";

/// Findings that a limit explains for those whom it binds. The first one only where it holds back what is written
/// behind the writers, the last one only where they hold locks while they wait.
const EXPLAINS: &[&str] = &[
    "capacity.dirty-throttled",
    "disk.saturated",
    "disk.wait-off-device",
    "disk.loop-backing",
    "disk.journal",
    "user-lock.contention",
];

/// What a limit is set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    ReadBytes,
    WriteBytes,
    Reads,
    Writes,
}

impl What {
    const ALL: [Self; 4] = [Self::ReadBytes, Self::WriteBytes, Self::Reads, Self::Writes];

    /// The key in `io.max`.
    fn v2_key(self) -> &'static str {
        match self {
            Self::ReadBytes => "rbps",
            Self::WriteBytes => "wbps",
            Self::Reads => "riops",
            Self::Writes => "wiops",
        }
    }

    /// The v1 file with the limit.
    fn v1_file(self) -> &'static str {
        match self {
            Self::ReadBytes => "blkio.throttle.read_bps_device",
            Self::WriteBytes => "blkio.throttle.write_bps_device",
            Self::Reads => "blkio.throttle.read_iops_device",
            Self::Writes => "blkio.throttle.write_iops_device",
        }
    }

    /// The v1 file with what was done.
    fn v1_service(self) -> &'static str {
        match self {
            Self::ReadBytes | Self::WriteBytes => "blkio.throttle.io_service_bytes",
            Self::Reads | Self::Writes => "blkio.throttle.io_serviced",
        }
    }

    fn quantity(self, number: f64) -> Quantity {
        match self {
            Self::ReadBytes | Self::WriteBytes => Quantity::throughput(number),
            Self::Reads | Self::Writes => Quantity::rate(number),
        }
    }
}

/// One limit of one cgroup on one device, with what the cgroup did.
#[derive(Debug, Clone)]
struct Limit<'h> {
    hierarchy: &'h Hierarchy,
    group: String,
    device: DeviceNumber,
    what: What,
    most: u64,
    /// Rate of the busiest step; `None` where nothing was counted.
    rate: Option<f64>,
}

impl Limit<'_> {
    fn is_v2(&self) -> bool {
        self.hierarchy.controllers.is_none()
    }

    /// The file that sets the limit.
    fn file(&self) -> String {
        self.hierarchy.path(&self.group, if self.is_v2() { "io.max" } else { self.what.v1_file() })
    }

    fn used(&self) -> f64 {
        self.rate.map_or(0.0, |rate| rate / (self.most.max(1)) as f64)
    }

    /// Whether a process in `group` is held by this limit: v2 limits bind everything below, those of v1 only the
    /// cgroup's own processes.
    fn binds(&self, run: &Run, pid: u32) -> bool {
        let Some(cgroups) = run.pid_cgroups.get(&pid) else { return false };
        if self.is_v2() {
            cgroups.v2().is_some_and(|group| ancestors(group).any(|up| up == self.group))
        } else {
            cgroups.v1("blkio") == Some(self.group.as_str())
        }
    }

    /// The command that takes the limit away.
    fn lift(&self) -> String {
        let (major, minor) = self.device;
        if self.is_v2() {
            format!("echo '{major}:{minor} {}=max' > {}", self.what.v2_key(), self.file())
        } else {
            format!("echo '{major}:{minor} 0' > {}", self.file())
        }
    }
}

/// Processes that wait for a limit, not for a device.
#[derive(Debug, Clone, Default)]
pub(super) struct Throttled {
    pub(super) pids: BTreeSet<u32>,
    /// Seconds of waiting per second that limits explain.
    pub(super) wait: f64,
}

/// Fills the control in and reports limits that someone waits for.
pub(super) fn evaluate(run: &Run, devices: &Reading<Devices>, waiters: &[Waiter], out: &mut Output) -> Throttled {
    let hierarchies = match &run.cgroups {
        Reading::Value(hierarchies) => hierarchies,
        Reading::Missing(missing) => {
            out.cell(Cell::unmeasurable(ID, missing));
            return Throttled::default();
        }
    };
    let mut limits = limits(run, hierarchies);
    limits.sort_by(|a, b| b.used().total_cmp(&a.used()).then(a.group.cmp(&b.group)).then(a.what.cmp(&b.what)));
    let mut throttled = Throttled::default();
    let mut found: BTreeMap<String, Verdict> = BTreeMap::new();
    let none = Devices::default();
    let devices = devices.value().unwrap_or(&none);
    for limit in limits.iter().filter(|limit| limit.used() >= run.threshold("io-throttle.near-limit")) {
        let bite = Bite::of(run, limit, waiters, devices);
        let hurts = bite.wait >= run.threshold("finding.min-wait") && bite.share >= run.threshold("finding.min-share");
        found.insert(limit.file(), if hurts { Verdict::Bottleneck } else { Verdict::Watch });
        if hurts && throttled.pids.is_disjoint(&bite.pids) {
            throttled.wait += bite.wait;
            throttled.pids.extend(&bite.pids);
            out.finding(bite.finding(run, limit, devices));
        }
    }
    out.cell(cell(run, &limits, &found, devices));
    throttled
}

/// The control as a cell.
fn cell(run: &Run, limits: &[Limit], found: &BTreeMap<String, Verdict>, devices: &Devices) -> Cell {
    let Some(nearest) = limits.first() else {
        return Cell::not_applicable(ID, Msg::new("control-io-throttle-none"));
    };
    if run.snapshots.len() < 2 {
        let early = perfuse_format::Missing::new(perfuse_format::Why::TooEarly, nearest.file());
        return Cell::unmeasurable(ID, &early);
    }
    let verdict = |limit: &Limit| found.get(&limit.file()).copied().unwrap_or(Verdict::Ok);
    let worst = limits.iter().map(verdict).max().unwrap_or(Verdict::Ok);
    let mut cell = Cell::measured(ID, worst, Quantity::ratio(nearest.used()));
    cell.instances = limits
        .iter()
        .map(|limit| {
            let name = format!("{} {} {}", limit.group, device_name(limit, devices), limit.what.v2_key());
            let instance = Instance::new(name, Quantity::ratio(limit.used()), verdict(limit))
                .detail("limit", limit.what.quantity(limit.most as f64));
            match limit.rate {
                Some(rate) => instance.detail("rate", limit.what.quantity(rate)),
                None => instance,
            }
        })
        .collect();
    for limit in limits.iter().take(3) {
        let file = limit.file();
        let value = limit.what.quantity(limit.most as f64);
        cell.evidence.push(Evidence::new(file.clone(), limit.what.v2_key(), value).by_hand(format!("cat {file}")));
    }
    cell
}

fn device_name(limit: &Limit, devices: &Devices) -> String {
    let (major, minor) = limit.device;
    devices.by_number(limit.device).map_or_else(|| format!("{major}:{minor}"), |device| device.name.clone())
}

/// Every limit in scope, in every hierarchy.
fn limits<'h>(run: &Run, hierarchies: &'h Hierarchies) -> Vec<Limit<'h>> {
    let mut found = Vec::new();
    let Some(last) = run.snapshots.last() else { return found };
    let in_scope = |hierarchy: &Hierarchy| -> Vec<String> {
        hierarchy.groups(last).into_iter().filter(|group| run.cgroup_in_scope(group)).collect()
    };
    if let Some(hierarchy) = hierarchies.v2() {
        for group in in_scope(hierarchy) {
            let Reading::Value(max) = run.last::<IoMax>(&hierarchy.path(&group, "io.max")) else { continue };
            for (device, limits) in max.0 {
                let by_what = [limits.read_bytes, limits.write_bytes, limits.reads, limits.writes];
                for (what, limit) in What::ALL.into_iter().zip(by_what) {
                    let Some(most) = limit else { continue };
                    let rate = v2_rate(run, hierarchy, &group, device, what);
                    found.push(Limit { hierarchy, group: group.clone(), device, what, most, rate });
                }
            }
        }
    }
    if let Some(hierarchy) = hierarchies.v1("blkio") {
        for group in in_scope(hierarchy) {
            for what in What::ALL {
                let file = hierarchy.path(&group, what.v1_file());
                let Reading::Value(limits) = run.last::<ThrottleLimit>(&file) else { continue };
                for (device, most) in limits.0 {
                    let rate = v1_rate(run, hierarchy, &group, device, what);
                    found.push(Limit { hierarchy, group: group.clone(), device, what, most, rate });
                }
            }
        }
    }
    found
}

fn v2_rate(run: &Run, hierarchy: &Hierarchy, group: &str, device: DeviceNumber, what: What) -> Option<f64> {
    busiest::<IoStat>(run, &hierarchy.path(group, "io.stat"), |stat| {
        let counters = stat.0.get(&device).copied().unwrap_or_default();
        match what {
            What::ReadBytes => counters.read_bytes,
            What::WriteBytes => counters.write_bytes,
            What::Reads => counters.reads,
            What::Writes => counters.writes,
        }
    })
}

fn v1_rate(run: &Run, hierarchy: &Hierarchy, group: &str, device: DeviceNumber, what: What) -> Option<f64> {
    busiest::<ThrottleService>(run, &hierarchy.path(group, what.v1_service()), |service| {
        let (read, write) = service.0.get(&device).copied().unwrap_or_default();
        if matches!(what, What::ReadBytes | What::Reads) { read } else { write }
    })
}

/// The highest rate of a counter over any step of the run: a limit that bites half the time bites.
fn busiest<T: FromBytes>(run: &Run, source: &str, counter: impl Fn(&T) -> u64) -> Option<f64> {
    let rates = run.history::<T>(source, |before, after, seconds| {
        delta(counter(before), counter(after)).grew().map(|grew| grew as f64 / seconds)
    });
    rates.into_iter().map(|(_, rate)| rate).max_by(f64::total_cmp)
}

/// What a limit costs those whom it binds.
struct Bite {
    wait: f64,
    share: f64,
    /// The part of the first victim, and the number of all.
    own: f64,
    count: usize,
    /// Seconds per second that others wait for locks of the victims.
    lock_wait: f64,
    pids: BTreeSet<u32>,
    victims: Vec<Entity>,
    /// The file or facility that the wait comes from.
    source: String,
    confidence: f64,
}

impl Bite {
    fn of(run: &Run, limit: &Limit, waiters: &[Waiter], devices: &Devices) -> Self {
        let bound: Vec<&Waiter> = waiters.iter().filter(|waiter| limit.binds(run, waiter.used.task.pid)).collect();
        let mut bite = Self {
            wait: bound.iter().map(|waiter| waiter.wait).sum(),
            share: bound.iter().map(|waiter| waiter.share).fold(0.0, f64::max),
            own: bound.first().map_or(0.0, |waiter| waiter.wait),
            count: bound.len(),
            lock_wait: bound.iter().map(|waiter| waiter.lock_wait).sum(),
            pids: bound.iter().map(|waiter| waiter.used.task.pid).collect(),
            victims: bound.iter().take(5).map(|waiter| waiter.entity()).collect(),
            source: bound.first().map_or_else(String::new, |waiter| waiter.how.source().to_owned()),
            confidence: 0.85,
        };
        let own = limit.hierarchy.path(&limit.group, "io.pressure");
        if limit.is_v2()
            && let Reading::Value((some, _)) = waits::pressure(run, &own)
        {
            // A cgroup that has stalled is the victim itself, whatever was seen of its processes.
            bite.confidence = 0.95;
            bite.share = bite.share.max(some);
            if some > bite.wait {
                (bite.wait, bite.source) = (some, own);
            }
        } else if bite.wait < run.threshold("finding.min-wait") {
            bite.take_host(run, limit, devices);
        }
        if bite.victims.is_empty() {
            bite.name_users(run, limit);
            (bite.own, bite.count) = (bite.wait, 1);
        }
        bite
    }

    /// Without a wait of its own: a host that stalls for I/O while the device is idle stalls for the limit.
    fn take_host(&mut self, run: &Run, limit: &Limit, devices: &Devices) {
        const HOST: &str = "/proc/pressure/io";
        let idle = devices.by_number(limit.device).is_none_or(|device| device.busy() < 0.5);
        if let (true, Reading::Value((some, _))) = (idle, waits::pressure(run, HOST)) {
            (self.wait, self.share, self.confidence) = (some, some, 0.65);
            HOST.clone_into(&mut self.source);
        }
    }

    /// Names the processes in the cgroup that use storage, or the cgroup where none was seen.
    fn name_users(&mut self, run: &Run, limit: &Limit) {
        let users = waits::users(run, Some(limit.device));
        let bound: Vec<_> = users.iter().filter(|user| limit.binds(run, user.pid)).take(5).collect();
        self.pids.extend(bound.iter().map(|user| user.pid));
        self.victims = bound.iter().map(|user| user.entity()).collect();
        if self.victims.is_empty() {
            self.victims.push(Entity::cgroup(limit.group.as_str()));
        }
    }

    fn finding(self, run: &Run, limit: &Limit, devices: &Devices) -> Finding {
        let device = device_name(limit, devices);
        let rate = limit.what.quantity(limit.rate.unwrap_or(0.0));
        let maximum = limit.what.quantity(limit.most as f64);
        let (victim, wait) = (self.victims.first().map_or(String::new(), |victim| victim.name.clone()), self.wait);
        let culprit = Entity::cgroup(limit.group.as_str()).detail(
            Msg::new("finding-disk-cgroup-throttled-culprit")
                .with("limit", maximum)
                .with("device", device.as_str())
                .with("file", limit.file()),
        );
        let spec = (Resource::Disk, Kind::Saturation, "disk.saturation");
        let mut finding = Finding::new("disk.cgroup-throttled", Severity::Bottleneck, spec, culprit);
        finding.control = Some(ID);
        finding.summary = finding
            .summary
            .with("victim", victim.as_str())
            .with("wait", Quantity::wait(self.own))
            .with("together", waits::together(self.count, wait))
            .with("cgroup", limit.group.as_str())
            .with("limit", maximum)
            .with("device", device.as_str());
        let lock = waits::lock_link(run, &victim, self.lock_wait);
        // A v1 limit does not hold the flusher back: it bites on direct and synchronous writes alone.
        let flushes = limit.is_v2() && matches!(limit.what, What::WriteBytes | What::Writes);
        let last = if lock.is_some() { EXPLAINS.len() } else { EXPLAINS.len() - 1 };
        finding.explains = &EXPLAINS[usize::from(!flushes)..last];
        finding.also.extend(self.pids.iter().map(|pid| format!("pid:{pid}")));
        finding.chain.extend(lock);
        finding.chain.push(Link {
            from: Msg::new("disk-link-waits").with("victim", victim.as_str()),
            to: Msg::new("finding-disk-cgroup-throttled-limit")
                .with("cgroup", limit.group.as_str())
                .with("limit", maximum),
            evidence: Msg::new("finding-disk-cgroup-throttled-at-limit")
                .with("rate", rate)
                .with("limit", maximum)
                .with("wait", Quantity::wait(wait))
                .with("source", self.source.as_str()),
        });
        if let Some(device) = devices.by_number(limit.device) {
            finding.chain.push(Link {
                from: Msg::new("finding-disk-cgroup-throttled-limit")
                    .with("cgroup", limit.group.as_str())
                    .with("limit", maximum),
                to: Msg::new("finding-disk-cgroup-throttled-device").with("device", device.name.as_str()),
                evidence: Msg::new("finding-disk-cgroup-throttled-idle")
                    .with("device", device.name.as_str())
                    .with("busy", Quantity::ratio(device.busy())),
            });
        }
        finding.advice.push(Advice {
            text: Msg::new("finding-disk-cgroup-throttled-advice")
                .with("cgroup", limit.group.as_str())
                .with("device", device)
                .with("limit", maximum),
            command: Some(limit.lift()),
            expect: Msg::new("finding-disk-cgroup-throttled-expect").with("wait", Quantity::wait(wait)),
        });
        finding.victims = self.victims;
        finding.wait_s_per_s = Some(wait);
        finding.confidence = self.confidence;
        finding
    }
}
