//! How the CPUs spent the run, from `/proc/stat`, and which interrupts they took.

use std::collections::BTreeMap;

use perfuse_format::proc::interrupts::Interrupts;
use perfuse_format::proc::stat::{CpuTimes, ProcStat};
use perfuse_format::{Delta, Reading, Why, delta};

use crate::run::Run;

/// Shares of the time of one CPU, or of all: 1 is all the time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shares {
    /// At work. Steal and iowait are on the idle side.
    pub(super) busy: f64,
    /// In user mode, nice included.
    pub(super) user: f64,
    /// In the kernel, outside interrupts.
    pub(super) system: f64,
    /// In hard interrupts.
    pub(super) irq: f64,
    /// In soft interrupts.
    pub(super) softirq: f64,
    /// Taken by the hypervisor.
    pub(super) steal: f64,
    /// Idle with a disk request of one of its tasks pending.
    pub(super) iowait: f64,
}

impl Shares {
    /// In interrupts of both kinds.
    pub(super) fn interrupts(&self) -> f64 {
        self.irq + self.softirq
    }
}

/// The CPUs over the run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CpuUse {
    /// All together.
    pub(super) all: Shares,
    /// Each that was online in at least two neighbouring samples.
    pub(super) cpus: BTreeMap<u32, Shares>,
}

impl CpuUse {
    /// The busiest, with its number.
    pub(super) fn busiest(&self) -> Option<(u32, Shares)> {
        let busiest = self.cpus.iter().max_by(|a, b| a.1.busy.total_cmp(&b.1.busy).then(b.0.cmp(a.0)));
        busiest.map(|(cpu, shares)| (*cpu, *shares))
    }

    /// CPUs that were online.
    pub(super) fn count(&self) -> usize {
        self.cpus.len().max(1)
    }
}

/// Adds up the steps between neighbouring samples, so that a CPU that goes offline counts for as long as it was there.
pub(super) fn over(run: &Run) -> Reading<CpuUse> {
    let samples: Vec<ProcStat> =
        run.series::<ProcStat>("/proc/stat").into_iter().filter_map(|(_, stat)| stat.into_value()).collect();
    if samples.len() < 2 {
        return run.last::<ProcStat>("/proc/stat").and_then(|_| Reading::missing(Why::TooEarly, "/proc/stat"));
    }
    let mut all = CpuTimes::default();
    let mut cpus: BTreeMap<u32, CpuTimes> = BTreeMap::new();
    for (before, after) in samples.iter().zip(samples.iter().skip(1)) {
        add(&mut all, &before.all, &after.all);
        for (cpu, times) in &after.cpus {
            if let Some(earlier) = before.cpus.get(cpu) {
                add(cpus.entry(*cpu).or_default(), earlier, times);
            }
        }
    }
    let Some(all) = shares(&all) else {
        return Reading::missing(Why::TooEarly, "/proc/stat");
    };
    Reading::Value(CpuUse { all, cpus: cpus.iter().filter_map(|(cpu, times)| Some((*cpu, shares(times)?))).collect() })
}

/// Adds the growth of each field. One that went backwards (iowait does, and every field of a CPU that came back) adds
/// nothing.
fn add(sum: &mut CpuTimes, before: &CpuTimes, after: &CpuTimes) {
    let grew = |before: u64, after: u64| match delta(before, after) {
        Delta::Grew(by) => by,
        Delta::Reset => 0,
    };
    sum.user += grew(before.user, after.user);
    sum.nice += grew(before.nice, after.nice);
    sum.system += grew(before.system, after.system);
    sum.idle += grew(before.idle, after.idle);
    sum.iowait += grew(before.iowait, after.iowait);
    sum.irq += grew(before.irq, after.irq);
    sum.softirq += grew(before.softirq, after.softirq);
    sum.steal += grew(before.steal, after.steal);
}

fn shares(times: &CpuTimes) -> Option<Shares> {
    let total = times.total();
    let share = |ticks: u64| ticks as f64 / total as f64;
    (total > 0).then(|| Shares {
        busy: share(times.busy()),
        user: share(times.user + times.nice),
        system: share(times.system),
        irq: share(times.irq),
        softirq: share(times.softirq),
        steal: share(times.steal),
        iowait: share(times.iowait),
    })
}

/// For charts: `pick` of the shares of all CPUs in each step.
pub(super) fn history(run: &Run, pick: impl Fn(&Shares) -> f64) -> Vec<(f64, f64)> {
    run.history::<ProcStat>("/proc/stat", |before, after, _| {
        let mut sum = CpuTimes::default();
        add(&mut sum, &before.all, &after.all);
        shares(&sum).map(|shares| pick(&shares))
    })
}

/// One kind of interrupt on one CPU.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KindRate {
    /// Device, or the kernel's short name.
    pub(super) name: String,
    /// Per second.
    pub(super) rate: f64,
    /// Whether a device raises it (a numbered line).
    pub(super) device: bool,
}

/// Interrupts per second that one CPU took.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct InterruptRates {
    /// All kinds.
    pub(super) total: f64,
    /// The kinds by rate, the highest first.
    pub(super) kinds: Vec<KindRate>,
}

/// The rates of `source` (`/proc/interrupts` or `/proc/softirqs`) by CPU.
pub(super) fn interrupt_rates(run: &Run, source: &str) -> Reading<BTreeMap<u32, InterruptRates>> {
    run.span::<Interrupts>(source).map(|span| {
        let mut rates: BTreeMap<u32, InterruptRates> = BTreeMap::new();
        for row in &span.last.rows {
            let Some(earlier) = span.first.row(&row.id) else { continue };
            for cpu in &span.last.cpus {
                let (before, after) = (span.first.count(earlier, *cpu), span.last.count(row, *cpu));
                let grew = before.zip(after).and_then(|(before, after)| delta(before, after).grew()).unwrap_or(0);
                if grew > 0 {
                    let rate = grew as f64 / span.seconds;
                    let entry = rates.entry(*cpu).or_default();
                    entry.total += rate;
                    let device = row.id.bytes().all(|byte| byte.is_ascii_digit());
                    entry.kinds.push(KindRate { name: row.device().to_owned(), rate, device });
                }
            }
        }
        for entry in rates.values_mut() {
            entry.kinds.sort_by(|a, b| b.rate.total_cmp(&a.rate).then(a.name.cmp(&b.name)));
        }
        rates
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, second};
    use super::*;

    #[test]
    fn a_cpu_that_goes_offline_counts_while_it_was_there() {
        let stat = |busy: u64, idle: u64, with: bool| {
            let one = if with { "cpu1 200 0 0 100 0 0 0 0\n" } else { "" };
            format!("cpu  {busy} 0 0 {idle} 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0\n{one}")
        };
        let mut snapshots = vec![second(0), second(1), second(2)];
        snapshots[0].put("/proc/stat", stat(0, 0, true).replace("cpu1 200 0 0 100", "cpu1 150 0 0 50"));
        snapshots[1].put("/proc/stat", stat(50, 50, true));
        snapshots[2].put("/proc/stat", stat(150, 50, false));
        let used = over(&run(&snapshots)).into_value().unwrap();
        assert!((used.all.busy - 0.75).abs() < 1e-9);
        assert!((used.cpus[&1].busy - 0.5).abs() < 1e-9);
        assert_eq!(used.busiest().unwrap().0, 0);
    }

    #[test]
    fn no_time_between_samples_is_too_early() {
        let mut snapshots = vec![second(0), second(1)];
        for snapshot in &mut snapshots {
            snapshot.put("/proc/stat", "cpu  5 0 0 5\n");
        }
        assert_eq!(over(&run(&snapshots)).why_missing().unwrap().why, Why::TooEarly);
        assert_eq!(over(&run(&[second(0)])).why_missing().unwrap().why, Why::NotSampled);
    }

    #[test]
    fn rates_are_per_cpu_and_name_the_device() {
        let mut snapshots = vec![second(0), second(2)];
        snapshots[0]
            .put("/proc/interrupts", "  CPU0 CPU1\n 24: 4294967290 0 PCI-MSI 1-edge eth0-rx-0\nLOC: 5 5 Local\n");
        snapshots[1].put("/proc/interrupts", "  CPU0 CPU1\n 24: 194 0 PCI-MSI 1-edge eth0-rx-0\nLOC: 5 3 Local\n");
        let rates = interrupt_rates(&run(&snapshots), "/proc/interrupts").into_value().unwrap();
        assert_eq!(rates[&0].kinds, [KindRate { name: "eth0-rx-0".to_owned(), rate: 100.0, device: true }]);
        assert!(!rates.contains_key(&1), "a count that went backwards is no rate");
    }
}
