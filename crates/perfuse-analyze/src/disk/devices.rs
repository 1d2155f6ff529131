//! The block devices of a run: what each did, step by step, and what it is made of.

use std::collections::BTreeMap;

use perfuse_format::bpf::{BlockHist, BlockStage, Log2Hist};
use perfuse_format::parse::{Number, Text};
use perfuse_format::proc::diskstats::{Disk, DiskStats, DiskWork};
use perfuse_format::sys::block::BlockTopology;
use perfuse_format::{Reading, Why};

use crate::Quantity;
use crate::cell::{Instance, Verdict};
use crate::run::Run;

/// Milliseconds in a second.
const MS: f64 = 1000.0;

/// Requests that a step needs before its mean latency says something.
const ENOUGH_REQUESTS: u64 = 8;

/// What a device did between two neighbouring snapshots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// Seconds from the start of the run to the end of the step.
    pub(super) at: f64,
    /// Length in seconds.
    pub(super) seconds: f64,
    /// What was done.
    pub(super) work: DiskWork,
}

impl Step {
    /// Share of the time in which a request was under way.
    fn busy(&self) -> f64 {
        (self.work.busy_ms as f64 / MS / self.seconds).min(1.0)
    }
}

/// One whole device.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Device {
    /// Name as in `/proc/diskstats`.
    pub(super) name: String,
    /// Major and minor number.
    pub(super) number: (u32, u32),
    /// Its steps in the order of time; a step over a reset is left out.
    pub(super) steps: Vec<Step>,
    /// Sum of the steps.
    pub(super) work: DiskWork,
    /// Seconds of the steps.
    pub(super) seconds: f64,
    /// Requests under way at the last snapshot.
    pub(super) in_flight: u64,
    /// A spinning disk; `None` where sysfs does not tell.
    pub(super) rotational: Option<bool>,
    /// Requests that it may be given at once; `None` where sysfs does not tell.
    pub(super) nr_requests: Option<u64>,
    /// The file behind a loop device.
    pub(super) backing_file: Option<String>,
    /// PCI function that it hangs on.
    pub(super) pci: Option<String>,
    /// No hardware of its own: loop, zram, device mapper, md.
    pub(super) is_virtual: bool,
    /// The whole devices at its bottom; only itself when nothing is below.
    pub(super) bottom: Vec<String>,
    /// Time of its requests in the kernel's queues, measured in the kernel.
    pub(super) queued: Option<Log2Hist>,
    /// Time of its requests at the device, measured in the kernel.
    pub(super) served: Option<Log2Hist>,
}

impl Device {
    /// Share of the time in which a request was under way.
    pub(super) fn busy(&self) -> f64 {
        self.per_second(self.work.busy_ms as f64 / MS).min(1.0)
    }

    /// Requests that were under way on average; the same as seconds of waiting for requests per second.
    pub(super) fn queue(&self) -> f64 {
        // `queue_ms` of old kernels counts only at each change of the queue; the sum of what completed is as good.
        let completed = self.work.read_ms + self.work.write_ms + self.work.flush_ms;
        self.per_second(self.work.queue_ms.max(completed) as f64 / MS)
    }

    /// Mean seconds of a read or write, queue included.
    pub(super) fn mean_wait(&self) -> Option<f64> {
        self.work.mean_ms().map(|ms| ms / MS)
    }

    /// Bytes a second, both directions.
    pub(super) fn throughput(&self) -> f64 {
        self.per_second((self.work.read_bytes + self.work.write_bytes) as f64)
    }

    /// A sum over the run as a rate.
    pub(super) fn per_second(&self, sum: f64) -> f64 {
        if self.seconds > 0.0 { sum / self.seconds } else { 0.0 }
    }

    /// It serves many requests at once (solid state, virtual, network): 100% busy then only means "never idle". A disk
    /// of a hypervisor is called rotational unless its host says otherwise, which tells nothing.
    pub(super) fn is_parallel(&self) -> bool {
        let of_hypervisor = ["vd", "xvd"].iter().any(|start| self.name.starts_with(start));
        (of_hypervisor || self.rotational == Some(false)) && self.nr_requests.is_none_or(|requests| requests > 1)
    }

    /// The device's own ordinary mean latency in seconds: the median of its steps.
    pub(super) fn baseline(&self) -> Option<f64> {
        let mut means = self.step_means();
        means.sort_by(f64::total_cmp);
        // With an even number the lower one: a baseline errs towards the calm.
        means.len().checked_sub(1).and_then(|last| means.get(last / 2)).copied()
    }

    /// The worst step's mean latency in seconds, and how many times the baseline it is. Needs three steps with work.
    pub(super) fn latency_rise(&self) -> Option<(f64, f64)> {
        let means = self.step_means();
        let baseline = self.baseline().filter(|baseline| *baseline > 0.0 && means.len() >= 3)?;
        let worst = means.into_iter().max_by(f64::total_cmp)?;
        Some((worst, worst / baseline))
    }

    fn step_means(&self) -> Vec<f64> {
        let busy = self.steps.iter().filter(|step| step.work.requests() >= ENOUGH_REQUESTS);
        busy.filter_map(|step| step.work.mean_ms()).map(|ms| ms / MS).collect()
    }

    /// Of the time of its requests, the share before the device got them.
    pub(super) fn queue_share(&self) -> Option<f64> {
        let (queued, served) = (self.queued.as_ref()?, self.served.as_ref()?);
        let whole = queued.sum_ns.saturating_add(served.sum_ns);
        (whole > 0).then(|| queued.sum_ns as f64 / whole as f64)
    }

    /// Latency in seconds below which `percent` of the requests stay: queue and device.
    pub(super) fn percentiles(&self, percent: f64) -> (Option<f64>, Option<f64>) {
        let seconds = |hist: &Option<Log2Hist>| hist.as_ref()?.percentile(percent).map(|ns| ns / 1e9);
        (seconds(&self.queued), seconds(&self.served))
    }

    /// The device as a part of a cell, with everything that the drill-down shows.
    pub(super) fn instance(&self, value: Quantity, verdict: Verdict) -> Instance {
        let work = &self.work;
        let mut instance = Instance::new(&self.name, value, verdict)
            .detail("busy", Quantity::ratio(self.busy()))
            .detail("queue_length", Quantity::count(self.queue()))
            .detail("in_flight", Quantity::count(self.in_flight as f64))
            .detail("reads_per_s", Quantity::rate(self.per_second(work.reads as f64)))
            .detail("writes_per_s", Quantity::rate(self.per_second(work.writes as f64)))
            .detail("read_bytes_per_s", Quantity::throughput(self.per_second(work.read_bytes as f64)))
            .detail("write_bytes_per_s", Quantity::throughput(self.per_second(work.write_bytes as f64)));
        if let Some(wait) = self.mean_wait() {
            instance = instance.detail("mean_latency", Quantity::seconds(wait));
        }
        if let Some(baseline) = self.baseline() {
            instance = instance.detail("baseline_latency", Quantity::seconds(baseline));
        }
        if work.flushes > 0 {
            instance = instance.detail("flushes_per_s", Quantity::rate(self.per_second(work.flushes as f64)));
        }
        self.kernel_details(instance)
    }

    /// Adds the percentiles that were measured in the kernel.
    fn kernel_details(&self, mut instance: Instance) -> Instance {
        let ((queue50, device50), (queue99, device99)) = (self.percentiles(50.0), self.percentiles(99.0));
        if let (Some(median), Some(tail)) = (queue50, queue99) {
            instance = instance.detail("queue_latency_p50", Quantity::seconds(median));
            instance = instance.detail("queue_latency_p99", Quantity::seconds(tail));
        }
        if let (Some(median), Some(tail)) = (device50, device99) {
            instance = instance.detail("device_latency_p50", Quantity::seconds(median));
            instance = instance.detail("device_latency_p99", Quantity::seconds(tail));
        }
        instance
    }

    /// For charts: the share of the time that it was busy.
    pub(super) fn busy_history(&self) -> Vec<(f64, f64)> {
        self.steps.iter().map(|step| (step.at, step.busy())).collect()
    }
}

/// The whole devices that ever did anything, in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Devices {
    pub(super) all: Vec<Device>,
}

impl Devices {
    /// Reads them from the run; with one snapshot only it is too early.
    pub(super) fn of(run: &Run) -> Reading<Self> {
        const SOURCE: &str = "/proc/diskstats";
        let series = run.series::<DiskStats>(SOURCE);
        let Some((_, last)) = series.last() else {
            return Reading::missing(Why::NotSampled, SOURCE);
        };
        let last = match last {
            Reading::Value(last) => last.clone(),
            Reading::Missing(missing) => return Reading::Missing(missing.clone()),
        };
        if series.len() < 2 || run.seconds() <= 0.0 {
            return Reading::missing(Why::TooEarly, SOURCE);
        }
        let topology = run.last::<BlockTopology>("@pci/block").into_value();
        let whole = whole_disks(&last, topology.as_ref());
        let mut all: Vec<Device> = whole.into_iter().map(|disk| device(run, disk, topology.as_ref())).collect();
        for pair in series.windows(2) {
            if let (Reading::Value(before), Reading::Value(after)) = (&pair[0].1, &pair[1].1) {
                for device in &mut all {
                    add_step(device, before, after, pair[1].0, pair[1].0 - pair[0].0);
                }
            }
        }
        add_histograms(run, &mut all);
        Reading::Value(Self { all })
    }

    /// The device with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Device> {
        self.all.iter().find(|device| device.name == name)
    }

    /// The device with this number.
    pub(super) fn by_number(&self, number: (u32, u32)) -> Option<&Device> {
        self.all.iter().find(|device| device.number == number)
    }

    /// Those that worked during the run, the one with the longest queue first.
    pub(super) fn active(&self) -> Vec<&Device> {
        let mut active: Vec<&Device> = self.all.iter().filter(|device| device.queue() > 0.0).collect();
        active.sort_by(|a, b| b.queue().total_cmp(&a.queue()).then(a.name.cmp(&b.name)));
        active
    }
}

/// Whole devices that ever worked. Without the topology, a name that is another one's with digits behind it
/// (`sda1`, `nvme0n1p2`) is taken for a partition.
fn whole_disks<'a>(stats: &'a DiskStats, topology: Option<&BlockTopology>) -> Vec<&'a Disk> {
    let is_partition = |disk: &Disk| match topology.filter(|topology| !topology.disks.is_empty()) {
        Some(topology) => !topology.disks.contains_key(&disk.name.replace('/', "!")),
        None => stats.0.iter().any(|other| {
            disk.name.strip_prefix(other.name.as_str()).is_some_and(|rest| {
                let digits = match (other.name.ends_with(|c: char| c.is_ascii_digit()), rest.strip_prefix('p')) {
                    (true, Some(digits)) => digits,
                    (true, None) => "",
                    (false, _) => rest,
                };
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        }),
    };
    stats.0.iter().filter(|disk| disk.ever_used() && !is_partition(disk)).collect()
}

/// A device with what sysfs says of it.
fn device(run: &Run, disk: &Disk, topology: Option<&BlockTopology>) -> Device {
    let sys = disk.name.replace('/', "!");
    let number = |file: &str| run.last::<Number>(&format!("/sys/block/{sys}/{file}")).into_value().map(|n| n.0);
    let backing = run.last::<Text>(&format!("/sys/block/{sys}/loop/backing_file")).into_value().map(|text| text.0);
    let bottom = topology.map_or_else(Vec::new, |topology| topology.bottom(&sys));
    Device {
        name: disk.name.clone(),
        number: (disk.major, disk.minor),
        in_flight: disk.in_flight,
        rotational: number("queue/rotational").map(|n| n != 0),
        nr_requests: number("queue/nr_requests"),
        backing_file: backing.filter(|file| !file.is_empty()),
        pci: topology.and_then(|topology| topology.pci_of(&sys)).map(str::to_owned),
        is_virtual: topology.is_some_and(|topology| topology.is_virtual(&sys)),
        bottom: bottom.into_iter().map(|name| name.replace('!', "/")).collect(),
        ..Device::default()
    }
}

fn add_step(device: &mut Device, before: &DiskStats, after: &DiskStats, at: f64, seconds: f64) {
    let (Some(earlier), Some(later)) = (before.get(&device.name), after.get(&device.name)) else { return };
    let Some(work) = DiskWork::between(earlier, later).filter(|_| seconds > 0.0) else { return };
    let sum = &mut device.work;
    sum.reads += work.reads;
    sum.writes += work.writes;
    sum.read_bytes += work.read_bytes;
    sum.write_bytes += work.write_bytes;
    sum.read_ms += work.read_ms;
    sum.write_ms += work.write_ms;
    sum.busy_ms += work.busy_ms;
    sum.queue_ms += work.queue_ms;
    sum.flushes += work.flushes;
    sum.flush_ms += work.flush_ms;
    device.seconds += seconds;
    device.steps.push(Step { at, seconds, work });
}

/// Adds the latencies that were measured in the kernel, all operations of a device together.
fn add_histograms(run: &Run, all: &mut [Device]) {
    let Some((rows, _)) = run.bpf::<BlockHist>().into_value() else { return };
    let mut by_number: BTreeMap<(u32, u32), (Log2Hist, Log2Hist)> = BTreeMap::new();
    for row in rows {
        let (queued, served) = by_number.entry((row.major, row.minor)).or_default();
        let target = if row.stage == BlockStage::Queue { queued } else { served };
        target.merge(&row.hist);
    }
    for device in all {
        if let Some((queued, served)) = by_number.remove(&device.number) {
            device.queued = Some(queued);
            device.served = Some(served);
        }
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::RawSnapshot;

    use super::*;
    use crate::disk::testing::{disk_line, run_of, snapshot};

    fn names(text: &str) -> Vec<String> {
        let stats: DiskStats = perfuse_format::parse::read(text.as_bytes(), "x").into_value().unwrap();
        whole_disks(&stats, None).iter().map(|disk| disk.name.clone()).collect()
    }

    #[test]
    fn partitions_are_told_from_disks_by_name() {
        let line = |name: &str| format!("8 0 {name} 1 0 8 1 0 0 0 0 0 1 1\n");
        let text: String = ["sda", "sda1", "sdaa", "nvme0n1", "nvme0n1p2", "nvme0n12", "dm-0"].map(line).concat();
        assert_eq!(names(&text), ["sda", "sdaa", "nvme0n1", "nvme0n12", "dm-0"]);
    }

    #[test]
    fn steps_over_a_reset_are_left_out() {
        let snapshots: Vec<RawSnapshot> = [(0, 100), (1, 150), (2, 10), (3, 40)]
            .into_iter()
            .map(|(second, writes)| snapshot(second, &[("/proc/diskstats", &disk_line("sda", writes, 10, 20))]))
            .collect();
        let run = run_of(&snapshots);
        let devices = Devices::of(&run).into_value().unwrap();
        let sda = devices.get("sda").unwrap();
        assert_eq!((sda.work.writes, sda.steps.len()), (80, 2));
        assert!((sda.seconds - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_rise_is_measured_against_the_median() {
        let step = |at: f64, writes: u64, write_ms: u64| Step {
            at,
            seconds: 1.0,
            work: DiskWork { writes, write_ms, ..DiskWork::default() },
        };
        let steps = vec![step(1.0, 100, 200), step(2.0, 100, 220), step(3.0, 100, 4000), step(4.0, 2, 9000)];
        let device = Device { steps, seconds: 4.0, ..Device::default() };
        let (worst, times) = device.latency_rise().unwrap();
        assert!((worst - 0.04).abs() < 1e-9, "two requests say nothing");
        assert!((times - 4000.0 / 220.0).abs() < 1e-9);
        let short = Device { steps: device.steps[..2].to_vec(), ..device };
        assert_eq!(short.latency_rise(), None);
    }
}
