//! The findings of `disk.saturation`.

use perfuse_format::parse::Text;
use perfuse_format::proc::mountinfo::{Mount, MountInfo};
use perfuse_format::proc::wchan::WaitFor;

use crate::cell::{Advice, Entity, EntityKind, Finding, Link, Severity};
use crate::memory::swap;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Quantity, Resource};

use super::throughput;
use crate::disk::devices::{Device, Devices};
use crate::disk::waits::{self, How, User, Waiter};

const SPEC: (Resource, Kind, &str) = (Resource::Disk, Kind::Saturation, super::ID);

/// Someone waits for `device`; `None` when no device did anything.
pub(super) fn of_victims(run: &Run, devices: &Devices, device: Option<&Device>, victims: &[&Waiter]) -> Finding {
    let wait: f64 = victims.iter().map(|waiter| waiter.wait).sum();
    let journal: f64 = victims.iter().map(|waiter| waiter.wait_of(WaitFor::Journal)).sum();
    let case = Case {
        run,
        wait,
        own: victims.first().map_or(wait, |waiter| waiter.wait),
        lock_wait: victims.iter().map(|waiter| waiter.lock_wait).sum(),
        count: victims.len(),
        victims: victims.iter().take(5).map(|waiter| waiter.entity()).collect(),
        source: victims.first().map_or(super::PSI, |waiter| waiter.how.source()),
        confidence: match victims.first().map(|waiter| waiter.how) {
            Some(How::DelayAccounting) => 0.9,
            Some(How::OffCpu) => 0.85,
            _ => 0.65,
        },
    };
    match device {
        Some(device) if device.backing_file.is_some() => case.on_loop(devices, device, journal),
        Some(device) if journal >= wait / 2.0 => case.on_journal(device, journal),
        Some(device) if device.queue() >= wait / 4.0 || device.busy() >= 0.1 => case.on_device(device),
        _ => case.off_device(devices),
    }
}

/// The host stalls, and no process that does could be told.
pub(super) fn of_host(run: &Run, devices: &Devices, stalled: f64) -> Finding {
    let case = Case {
        run,
        wait: stalled,
        own: stalled,
        lock_wait: 0.0,
        count: 1,
        victims: vec![Entity::host()],
        source: super::PSI,
        confidence: 0.6,
    };
    match devices.active().first() {
        Some(device) if device.busy() >= stalled / 4.0 => case.on_device(device),
        _ => case.off_device(devices),
    }
}

/// A device became slower than it usually is, and nobody measurably waits for that.
pub(super) fn of_rise(device: &Device, worst: f64, times: f64) -> Finding {
    let mut finding =
        Finding::new("disk.latency-rise", Severity::Watch, SPEC, Entity::new(EntityKind::Device, &device.name));
    let usual = device.baseline().unwrap_or(0.0);
    finding.summary = finding
        .summary
        .with("device", device.name.as_str())
        .with("worst", Quantity::seconds(worst))
        .with("usual", Quantity::seconds(usual))
        .with("times", Quantity::count(times));
    finding.confidence = 0.5;
    finding.also.insert(swap::key(&device.name));
    finding
}

/// What is common to all cases.
struct Case<'r> {
    run: &'r Run<'r>,
    /// Seconds per second of all victims, and of the first of them.
    wait: f64,
    own: f64,
    /// Seconds per second that others wait for locks of the victims.
    lock_wait: f64,
    /// Victims, the ones that are not listed included.
    count: usize,
    victims: Vec<Entity>,
    source: &'static str,
    confidence: f64,
}

impl Case<'_> {
    fn victim(&self) -> String {
        self.victims.first().map_or_else(String::new, |victim| victim.name.clone())
    }

    /// The finding with its first link: the victim waits for `device`.
    fn begin(self, id: &'static str, culprit: Entity, summary: Msg, to: Msg) -> Finding {
        let wait = Quantity::wait(self.wait);
        let together = waits::together(self.count, self.wait);
        let mut finding = Finding::new(id, Severity::Bottleneck, SPEC, culprit);
        let lock = waits::lock_link(self.run, &self.victim(), self.lock_wait);
        finding.explains = match (id, lock.is_some()) {
            ("disk.loop-backing" | "disk.journal", false) => &["disk.saturated"],
            ("disk.loop-backing" | "disk.journal", true) => &["disk.saturated", "user-lock.contention"],
            (_, false) => &[],
            (_, true) => &["user-lock.contention"],
        };
        finding.chain.extend(lock);
        finding.chain.push(Link {
            from: Msg::new("disk-link-waits").with("victim", self.victim()),
            to,
            evidence: Msg::new("disk-link-wait-evidence").with("wait", wait).with("source", self.source),
        });
        finding.summary =
            summary.with("victim", self.victim()).with("wait", Quantity::wait(self.own)).with("together", together);
        finding.wait_s_per_s = Some(self.wait);
        finding.confidence = self.confidence;
        finding.victims = self.victims;
        finding
    }

    /// The device, or the queue in front of it.
    fn on_device(self, device: &Device) -> Finding {
        let users = waits::users(self.run, Some(device.number));
        let top = users.first();
        let own = top.is_some_and(|user| self.victims.iter().all(|victim| victim.pid == Some(user.pid)));
        let culprit = top.map_or_else(|| Entity::new(EntityKind::Device, &device.name), User::entity);
        let name = culprit.name.clone();
        let (queue, wait) = (device.queue_share(), self.wait);
        let queued = queue.is_some_and(|share| share >= self.run.threshold("disk.queue-share"));
        let scheduler = scheduler(self.run, device);
        let summary = Msg::new("finding-disk-saturated-summary")
            .with("device", device.name.as_str())
            .with("culprit", name.as_str())
            .with("rate", throughput(top.map_or_else(|| device.throughput(), |user| user.bytes)));
        let to = Msg::new("disk-link-device").with("device", device.name.as_str());
        let rise = super::rises(self.run, device);
        let mut finding = self.begin("disk.saturated", culprit, summary, to);
        where_in_stack(&mut finding, device, queued);
        if let Some((worst, times)) = rise {
            then(&mut finding, Msg::new("disk-link-slower"), rise_evidence(device, worst, times));
        }
        if let Some(user) = top {
            blame(&mut finding, device, user);
        }
        finding.advice.push(match top {
            Some(user) if !own => limit_user(device, user, &scheduler, wait),
            Some(user) => look_at_user(device, user),
            None => look_at_device(device),
        });
        finding.also.insert(format!("device:{}", device.name));
        if top.is_none() {
            // Nobody is seen to send the requests: it may be the pages that go to swap and come back.
            finding.also.insert(swap::key(&device.name));
        }
        finding
    }

    /// A loop device is only as fast as what its file lies on. Another user of that disk is the cause only if it does
    /// most of the work there; else the waiting work is its own cause.
    fn on_loop(self, devices: &Devices, device: &Device, journal: f64) -> Finding {
        let file = device.backing_file.clone().unwrap_or_default();
        let mount = self.run.last::<MountInfo>("/proc/self/mountinfo").into_value();
        let mount = mount.as_ref().and_then(|mounts| mount_of(mounts, &file));
        let below = mount.and_then(|mount| devices.by_number(mount.device));
        let users = waits::users(self.run, below.map(|device| device.number));
        let victims: Vec<Option<u32>> = self.victims.iter().map(|victim| victim.pid).collect();
        let most = below.map_or(f64::INFINITY, |below| below.throughput() / 2.0);
        let other = users.iter().find(|user| !victims.contains(&Some(user.pid)) && user.bytes >= most);
        let own = self.victims.first().filter(|victim| victim.pid.is_some());
        let culprit = match (other, own) {
            (Some(user), _) => user.entity(),
            (None, Some(victim)) => victim.clone(),
            (None, None) => Entity::new(EntityKind::Device, below.map_or(&device.name, |below| &below.name)),
        };
        let below_name = below.map_or_else(|| mount.map_or("?", |mount| &mount.source), |below| &below.name).to_owned();
        let wait = self.wait;
        let summary = Msg::new("finding-disk-loop-backing-summary")
            .with("device", device.name.as_str())
            .with("file", file.as_str())
            .with("below", below_name.as_str())
            .with("culprit", culprit.name.as_str());
        let to = Msg::new("disk-link-device").with("device", device.name.as_str());
        let mut finding = self.begin("disk.loop-backing", culprit, summary, to);
        if journal >= wait / 2.0 {
            let to = Msg::new("finding-disk-journal-commit").with("device", device.name.as_str());
            then(&mut finding, to, journal_evidence(device, journal));
        }
        let to = Msg::new("finding-disk-loop-backing-file").with("file", file.as_str());
        then(&mut finding, to.with("below", below_name.as_str()), latency_evidence(below.unwrap_or(device)));
        if let (Some(user), Some(below)) = (other, below) {
            blame(&mut finding, below, user);
        }
        finding.advice.push(Advice {
            text: Msg::new("finding-disk-loop-backing-advice").with("device", device.name.as_str()).with("file", file),
            command: Some(format!("losetup --direct-io=on /dev/{}", device.name)),
            expect: Msg::new("finding-disk-loop-backing-expect").with("below", below_name.as_str()),
        });
        finding.also.insert(format!("device:{}", device.name));
        finding.also.insert(format!("device:{below_name}"));
        finding
    }

    /// The journal of a filesystem: one commit at a time, and each waits for what was written before it.
    fn on_journal(self, device: &Device, journal: f64) -> Finding {
        let users = waits::users(self.run, Some(device.number));
        let culprit = users.first().map_or_else(|| Entity::new(EntityKind::Device, &device.name), User::entity);
        let summary = Msg::new("finding-disk-journal-summary")
            .with("device", device.name.as_str())
            .with("culprit", culprit.name.as_str());
        let to = Msg::new("finding-disk-journal-commit").with("device", device.name.as_str());
        let pid = self.victims.first().and_then(|victim| victim.pid);
        let mut finding = self.begin("disk.journal", culprit, summary, to);
        let to = Msg::new("disk-link-device").with("device", device.name.as_str());
        then(&mut finding, to, journal_evidence(device, journal));
        if let Some(user) = users.first() {
            blame(&mut finding, device, user);
        }
        finding.advice.push(Advice {
            text: Msg::new("finding-disk-journal-advice"),
            command: pid.map(|pid| format!("perf trace -s -e fsync,fdatasync,sync_file_range,msync -p {pid} sleep 5")),
            expect: Msg::new("finding-disk-journal-expect").with("journal", Quantity::wait(journal)),
        });
        finding.also.insert(format!("device:{}", device.name));
        finding
    }

    /// Storage waits without work at any device: a limit out of sight, or a filesystem whose device is elsewhere.
    fn off_device(mut self, devices: &Devices) -> Finding {
        let busiest = devices.all.iter().map(Device::busy).fold(0.0, f64::max);
        let summary = Msg::new("finding-disk-wait-off-device-summary").with("busy", Quantity::ratio(busiest));
        self.confidence *= 0.6;
        let culprit = Entity::new(EntityKind::Kernel, "I/O");
        let to = Msg::new("finding-disk-wait-off-device-unseen");
        let mut finding = self.begin("disk.wait-off-device", culprit, summary, to);
        let evidence = Msg::new("finding-disk-wait-off-device-evidence").with("busy", Quantity::ratio(busiest));
        then(&mut finding, Msg::new("finding-disk-wait-off-device-idle"), evidence);
        finding.advice.push(Advice {
            text: Msg::new("finding-disk-wait-off-device-advice"),
            command: Some(
                "cat /sys/fs/cgroup/*/io.max /sys/fs/cgroup/blkio/*/blkio.throttle.*_device; findmnt -t nfs,nfs4,cifs,fuse"
                    .to_owned(),
            ),
            expect: Msg::new("finding-disk-wait-off-device-expect"),
        });
        finding
    }
}

/// Adds a link that goes on where the last one ended.
fn then(finding: &mut Finding, to: Msg, evidence: Msg) {
    if let Some(from) = finding.chain.last().map(|link| link.to.clone()) {
        finding.chain.push(Link { from, to, evidence });
    }
}

/// Whether the requests wait before the device or at it.
fn where_in_stack(finding: &mut Finding, device: &Device, queued: bool) {
    let Some(share) = device.queue_share() else {
        let to = Msg::new("disk-link-requests").with("device", device.name.as_str());
        return then(finding, to, latency_evidence(device));
    };
    let (queue, served) = device.percentiles(99.0);
    let evidence = Msg::new("disk-link-split")
        .with("share", Quantity::ratio(share))
        .with("queue", Quantity::seconds(queue.unwrap_or(0.0)))
        .with("device", Quantity::seconds(served.unwrap_or(0.0)));
    let to = if queued { Msg::new("disk-link-in-queue") } else { Msg::new("disk-link-in-device") };
    then(finding, to.with("device", device.name.as_str()), evidence);
}

fn latency_evidence(device: &Device) -> Msg {
    Msg::new("disk-link-latency")
        .with("latency", Quantity::seconds(device.mean_wait().unwrap_or(0.0)))
        .with("queue", Quantity::count(device.queue()))
        .with("busy", Quantity::ratio(device.busy()))
}

fn journal_evidence(device: &Device, journal: f64) -> Msg {
    Msg::new("finding-disk-journal-evidence")
        .with("journal", Quantity::wait(journal))
        .with("flushes", Quantity::rate(device.per_second(device.work.flushes as f64)))
}

fn rise_evidence(device: &Device, worst: f64, times: f64) -> Msg {
    Msg::new("disk-link-rise")
        .with("worst", Quantity::seconds(worst))
        .with("usual", Quantity::seconds(device.baseline().unwrap_or(0.0)))
        .with("times", Quantity::count(times))
}

/// Ends the chain at the one who sends most requests.
fn blame(finding: &mut Finding, device: &Device, user: &User) {
    let to = Msg::new("disk-link-user").with("user", user.comm.as_str()).with("pid", user.pid.to_string());
    let evidence = Msg::new("disk-link-user-evidence")
        .with("rate", throughput(user.bytes))
        .with("total", throughput(device.throughput()))
        .with("source", user.source);
    then(finding, to, evidence);
}

/// The active scheduler: the name in brackets.
fn scheduler(run: &Run, device: &Device) -> String {
    let source = format!("/sys/block/{}/queue/scheduler", device.name.replace('/', "!"));
    let text = run.last::<Text>(&source).into_value().map(|text| text.0).unwrap_or_default();
    let active = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    active.map_or(text.clone(), |(name, _)| name.to_owned())
}

/// Another process fills the device: it is to be held back. Priorities only mean something to a scheduler.
fn limit_user(device: &Device, user: &User, scheduler: &str, wait: f64) -> Advice {
    let (major, minor) = device.number;
    let command = match scheduler {
        "bfq" | "mq-deadline" => format!("ionice -c idle -p {}", user.pid),
        _ => format!(
            "echo '{major}:{minor} rbps={half} wbps={half}' > /sys/fs/cgroup/$(sed -n 's/^0:://p' /proc/{}/cgroup)/io.max",
            user.pid,
            half = (user.bytes / 2.0).max(1.0).round(),
        ),
    };
    Advice {
        text: Msg::new("finding-disk-saturated-limit")
            .with("user", user.comm.as_str())
            .with("device", device.name.as_str()),
        command: Some(command),
        expect: Msg::new("finding-disk-saturated-limit-expect").with("wait", Quantity::wait(wait)),
    }
}

/// The victim waits for its own requests.
fn look_at_user(device: &Device, user: &User) -> Advice {
    Advice {
        text: Msg::new("finding-disk-saturated-own").with("user", user.comm.as_str()),
        command: Some(format!(
            "perf trace -s -e read,pread64,readv,write,pwrite64,fsync,fdatasync -p {} sleep 5",
            user.pid
        )),
        expect: Msg::new("finding-disk-saturated-own-expect")
            .with("latency", Quantity::seconds(device.mean_wait().unwrap_or(0.0))),
    }
}

/// Nobody in sight uses it.
fn look_at_device(device: &Device) -> Advice {
    Advice {
        text: Msg::new("finding-disk-saturated-who").with("device", device.name.as_str()),
        command: Some("perf record -e block:block_rq_issue -a -g sleep 5".to_owned()),
        expect: Msg::new("finding-disk-saturated-who-expect"),
    }
}

/// The mount that a path lies on: the longest mount point that is a parent of it; of two at one place the later one.
fn mount_of<'a>(mounts: &'a MountInfo, path: &str) -> Option<&'a Mount> {
    let covers = |mount: &&Mount| {
        let point = mount.mount_point.trim_end_matches('/');
        path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.0.iter().filter(covers).max_by_key(|mount| mount.mount_point.len())
}

#[cfg(test)]
mod tests {
    use perfuse_format::parse::read;

    use super::*;

    #[test]
    fn the_deepest_mount_has_the_file() {
        let text = b"27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 8:1 / /data rw - ext4 /dev/sda1 rw\n31 27 8:2 / /data2 rw - xfs /dev/sda2 rw\n";
        let mounts: MountInfo = read(text, "x").into_value().unwrap();
        assert_eq!(mount_of(&mounts, "/data/img").unwrap().source, "/dev/sda1");
        assert_eq!(mount_of(&mounts, "/data2/img").unwrap().source, "/dev/sda2");
        assert_eq!(mount_of(&mounts, "/databases/img").unwrap().source, "/dev/vda");
    }
}
