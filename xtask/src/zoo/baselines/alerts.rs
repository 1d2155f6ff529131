//! Thresholds: each metric against a number.

use super::{Evidence, Metric, said};
use crate::zoo::score::Said;

/// A rule: the metric, and the number above which it speaks.
type Rule = (&'static str, f64);

/// <https://github.com/prometheus/node_exporter/tree/master/docs/node-mixin>: `NodeFilesystemAlmostOutOfSpace` (5 % left),
/// `NodeFilesystemAlmostOutOfFiles` (5 %), `NodeNetworkReceiveErrs`/`TransmitErrs` (1 % of packets),
/// `NodeFileDescriptorLimit` (70 %), `NodeCPUHighUsage` (90 %), `NodeSystemSaturation` (load of 2 a CPU),
/// `NodeMemoryMajorPagesFaults` (500/s), `NodeMemoryHighUtilization` (90 %), `NodeDiskIOSaturation` (mean queue of 10).
const NODE_MIXIN: &[Rule] = &[
    ("room.used", 0.95),
    ("room.inodes", 0.95),
    ("net.errors", 0.01),
    ("files.used", 0.7),
    ("cpu.busy", 0.9),
    ("cpu.load1", 2.0),
    ("memory.major-faults", 500.0),
    ("memory.used", 0.9),
    ("disk.queue", 10.0),
];

/// <https://github.com/netdata/netdata/tree/master/src/health/health.d>, the levels at which a warning is raised:
/// `10min_cpu_usage` 85 %, `10min_cpu_iowait` 40 %, `20min_steal_cpu` 10 %, `load_average_1` 8 a CPU, `ram_in_use` 90 %,
/// `used_swap` 90 %, `oom_kill` 0, `disk_space_usage` and `disk_inode_usage` 90 %, `10min_disk_utilization` 98 %,
/// `10min_disk_backlog` 5 s, `1m_tcp_accept_queue_overflows` 1 a minute, `1m_ipv4_udp_receive_buffer_errors` 10 a minute,
/// `inbound_packets_dropped_ratio` 2 %, `system_file_descriptors_utilization` 85 %, `active_processes` 85 %,
/// `cgroup_ram_in_use` 90 %.
const NETDATA: &[Rule] = &[
    ("cpu.busy", 0.85),
    ("cpu.iowait", 0.4),
    ("cpu.steal", 0.1),
    ("cpu.load1", 8.0),
    ("memory.used", 0.9),
    ("memory.swap-used", 0.9),
    ("memory.killed", 0.0),
    ("room.used", 0.9),
    ("room.inodes", 0.9),
    ("disk.busy", 0.98),
    ("disk.queue", 5.0),
    ("net.listen-overflows", 1.0 / 60.0),
    ("net.udp-full", 10.0 / 60.0),
    ("net.drops", 0.02),
    ("files.used", 0.85),
    ("tasks.used", 0.85),
    ("cgroup.memory", 0.9),
];

/// <https://github.com/nicolargo/glances/blob/develop/conf/glances.conf>: warning at 70 % of the CPU (all, user, system),
/// I/O wait and steal at 70 % of what one CPU of several may be, memory, swap, filesystems, a load of 1 a CPU.
const GLANCES: &[Rule] = &[
    ("cpu.busy", 0.7),
    ("cpu.user", 0.7),
    ("cpu.system", 0.7),
    ("cpu.iowait", 0.35),
    ("cpu.steal", 0.35),
    ("cpu.load1", 1.0),
    ("memory.used", 0.7),
    ("memory.swap-used", 0.7),
    ("room.used", 0.7),
];

/// Those that speak, the one furthest above its threshold first.
fn fired(evidence: &Evidence, rules: &[Rule]) -> Vec<Metric> {
    let mut fired: Vec<(f64, Metric)> = Vec::new();
    for (name, threshold) in rules {
        let above = evidence.all(name).filter(|metric| metric.value > *threshold);
        fired.extend(above.map(|metric| (metric.value / threshold.max(1e-9), metric.clone())));
    }
    fired.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.key().cmp(&b.1.key())));
    fired.into_iter().map(|(_, metric)| metric).collect()
}

pub(super) fn node_mixin(evidence: &Evidence) -> Vec<Said> {
    fired(evidence, NODE_MIXIN).iter().map(said).collect()
}

pub(super) fn netdata(evidence: &Evidence) -> Vec<Said> {
    fired(evidence, NETDATA).iter().map(said).collect()
}

/// Glances shows the top process beside an alert of the CPU, the load or the memory.
pub(super) fn glances(evidence: &Evidence) -> Vec<Said> {
    let top = |metric: &Metric| {
        let by = if metric.name.starts_with("memory") { "process.memory" } else { "process.cpu" };
        let named = metric.of.clone().or_else(|| evidence.most(by).and_then(|top| top.of.clone()));
        Said { culprit: named, ..said(metric) }
    };
    fired(evidence, GLANCES).iter().map(top).collect()
}

/// The checklist by hand: errors first, as they are quick to read, then saturation, then utilization; the top process of
/// `pidstat` is named. More runnable tasks than CPUs, any swapping, a queue above 1, any retransmission or drop; 80 % of
/// the CPU, 90 % of memory, 60 % of a disk, 90 % of a filesystem.
pub(super) fn naive(evidence: &Evidence) -> Vec<Said> {
    const STEPS: &[&[Rule]] = &[
        &[("net.errors", 0.0), ("memory.killed", 0.0)],
        &[
            ("cpu.running", 1.0),
            ("memory.swapped", 0.0),
            ("memory.scanned", 0.0),
            ("disk.queue", 1.0),
            ("net.retransmits", 0.0),
            ("net.drops", 0.0),
            ("net.listen-overflows", 0.0),
            ("net.udp-full", 0.0),
        ],
        &[("cpu.busy", 0.8), ("memory.used", 0.9), ("disk.busy", 0.6), ("room.used", 0.9), ("files.used", 0.9)],
    ];
    let named = |metric: &Metric| {
        let by = match metric.cell.split('.').next() {
            Some("cpu") => "process.cpu",
            Some("memory") => "process.memory",
            Some("disk") => "process.io",
            _ => return said(metric),
        };
        Said { culprit: evidence.most(by).and_then(|top| top.of.clone()), ..said(metric) }
    };
    STEPS.iter().flat_map(|rules| in_order(evidence, rules)).map(|metric| named(&metric)).collect()
}

/// Those that speak, in the order of the rules.
fn in_order(evidence: &Evidence, rules: &[Rule]) -> Vec<Metric> {
    let worst = |(name, threshold): &Rule| evidence.most(name).filter(|metric| metric.value > *threshold).cloned();
    rules.iter().filter_map(worst).collect()
}

/// Pressure stall information: the resource for which most time was lost.
pub(super) fn pressure(evidence: &Evidence) -> Vec<Said> {
    const LEAST: f64 = 0.05;
    let all = ["cpu.pressure", "memory.pressure", "io.pressure"];
    let mut high: Vec<&Metric> =
        all.iter().filter_map(|name| evidence.most(name)).filter(|metric| metric.value > LEAST).collect();
    high.sort_by(|a, b| b.value.total_cmp(&a.value));
    high.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(metrics: &[(&'static str, &'static str, f64)]) -> Evidence {
        let metric = |(name, cell, value): &(&'static str, &'static str, f64)| Metric {
            name,
            cell,
            control: None,
            of: None,
            value: *value,
        };
        Evidence { before: vec![], fault: vec![], mean: metrics.iter().map(metric).collect() }
    }

    fn cells(said: &[Said]) -> Vec<&str> {
        said.iter().map(|said| said.cell.as_str()).collect()
    }

    #[test]
    fn the_alarm_furthest_above_its_threshold_comes_first() {
        let busy = evidence(&[
            ("cpu.busy", "cpu.utilization", 0.99),
            ("cpu.load1", "cpu.saturation", 9.0),
            ("memory.used", "memory.utilization", 0.5),
        ]);
        assert_eq!(cells(&node_mixin(&busy)), ["cpu.saturation", "cpu.utilization"]);
        assert!(node_mixin(&evidence(&[("cpu.busy", "cpu.utilization", 0.5)])).is_empty());
    }

    #[test]
    fn by_hand_errors_come_before_saturation_and_that_before_utilization() {
        let all = evidence(&[
            ("cpu.busy", "cpu.utilization", 0.99),
            ("disk.queue", "disk.saturation", 3.0),
            ("memory.killed", "memory.errors", 1.0),
        ]);
        assert_eq!(cells(&naive(&all)), ["memory.errors", "disk.saturation", "cpu.utilization"]);
    }

    #[test]
    fn the_highest_pressure_wins_and_a_little_is_none() {
        let two = evidence(&[
            ("cpu.pressure", "cpu.saturation", 0.2),
            ("io.pressure", "disk.saturation", 0.4),
            ("memory.pressure", "memory.saturation", 0.01),
        ]);
        assert_eq!(cells(&pressure(&two)), ["disk.saturation", "cpu.saturation"]);
    }
}
