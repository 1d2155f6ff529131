//! What the fuzz targets share: the parsers of `perfuse_format::all`, by group.
#![forbid(unsafe_code)]

pub mod binary;
pub mod profile;
pub mod report;
pub mod request;
pub mod ring;

use std::sync::OnceLock;

use perfuse_analyze::profile::WeightUnit;
use perfuse_analyze::{Checklist, Run, Scope, Thresholds, listening};
use perfuse_format::RawSnapshot;
use perfuse_format::all::{PARSERS, Parser};

/// Gives `data` to one parser of the group: the one that its first byte picks.
///
/// The group is the first part of the parser's name. A process fuzzes one group only.
pub fn group(name: &str, data: &[u8]) {
    static GROUP: OnceLock<Vec<Parser>> = OnceLock::new();
    let parsers = GROUP.get_or_init(|| {
        PARSERS.iter().filter(|(known, _)| known.split("::").next() == Some(name)).map(|(_, parser)| *parser).collect()
    });
    assert!(!parsers.is_empty(), "no parser in the group {name}");
    let Some((first, rest)) = data.split_first() else { return };
    parsers[usize::from(*first) % parsers.len()](rest);
}

/// Sources that rules read; a hostile host may put anything into any of them.
const SOURCES: &[&str] = &[
    "/proc/stat",
    "/proc/meminfo",
    "/proc/vmstat",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/swaps",
    "/proc/mdstat",
    "/proc/interrupts",
    "/proc/softirqs",
    "/proc/self/mountinfo",
    "/proc/net/dev",
    "/proc/net/snmp",
    "/proc/net/netstat",
    "/proc/net/softnet_stat",
    "/proc/net/sockstat",
    "/proc/net/udp",
    "/proc/pressure/cpu",
    "/proc/pressure/memory",
    "/proc/pressure/io",
    "/proc/sys/fs/file-nr",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/threads-max",
    "/proc/7/stat",
    "/proc/7/status",
    "/proc/7/schedstat",
    "/proc/7/io",
    "/proc/7/cgroup",
    "/proc/7/limits",
    "/proc/7/task/8/stat",
    "/proc/7/task/8/schedstat",
    "/sys/fs/cgroup/a/cpu.stat",
    "/sys/fs/cgroup/a/cpu.max",
    "/sys/fs/cgroup/a/cpu.pressure",
    "/sys/fs/cgroup/a/memory.current",
    "/sys/fs/cgroup/a/memory.max",
    "/sys/fs/cgroup/a/memory.events",
    "/sys/fs/cgroup/a/io.stat",
    "/sys/fs/cgroup/a/io.max",
    "/sys/fs/cgroup/a/pids.current",
    "/sys/fs/cgroup/a/pids.max",
    "@kmsg",
    "@netlink/listen",
    "@netlink/udp",
    "@netlink/unix-listen",
    "@netlink/addr",
    "@netlink/class",
    "@pci/block",
    "@net/owners",
    "@net/devices",
    "@net/namespaces",
    "@disk/wchan",
    "@stacks",
    "@perf/ipc",
    "@perf/imc",
    "@parked",
    "@fds",
    "@inotify",
    "@cgroups",
    "@cost",
    "/proc/uptime",
    "/proc/net/stat/nf_conntrack",
    "/proc/net/stat/arp_cache",
    "/proc/sys/net/netfilter/nf_conntrack_count",
    "/proc/sys/net/netfilter/nf_conntrack_max",
    "/sys/devices/system/cpu/online",
    "@host",
    "@capabilities",
    "@statvfs",
    "@netlink/link",
    "@netlink/qdisc",
    "@netlink/tcp",
    "@bpf/tasks",
    "@bpf/files",
    "@bpf/oom_victims",
    "@bpf/fork_process",
    "@bpf/runq_process",
    "@bpf/offcpu",
    "@bpf/futex_wait",
    "@bpf/lock_wait",
    "@bpf/block_hist",
    "@bpf/block_process",
    "@bpf/errno",
    "@bpf/fault_process",
    "@bpf/reclaim_process",
    "@bpf/skb_drop",
];

/// Builds a run of two snapshots from `data` and evaluates every rule.
///
/// `data` is a row of `u8 snapshot and source, u8 source, u16 length, bytes`.
pub fn checklist(data: &[u8]) {
    let mut snapshots = [RawSnapshot::default(), RawSnapshot::default()];
    snapshots[1].mono_ns = 1_000_000_000;
    let mut rest = data;
    while let Some((head, body)) = rest.split_first_chunk::<4>() {
        let [which, source, low, high] = *head;
        let (bytes, after) = body.split_at(usize::from(u16::from_le_bytes([low, high])).min(body.len()));
        let name = SOURCES[usize::from(source) % SOURCES.len()];
        match which % 4 {
            0 => snapshots[0].put(name, bytes),
            1 => snapshots[1].put(name, bytes),
            2 => snapshots.iter_mut().for_each(|snapshot| snapshot.put(name, bytes)),
            _ => snapshots[1].put_errno(name, i32::from(low)),
        }
        rest = after;
    }
    let run = Run::new(&snapshots, Thresholds::default(), Scope::default()).expect("there are two snapshots");
    let checklist = Checklist::build(&run);
    for cell in checklist.cells.iter().chain(&checklist.controls) {
        let number = cell.value.map(|value| value.number);
        assert!(number.is_none_or(f64::is_finite), "{}: {number:?}", cell.id);
    }
    for finding in &checklist.findings {
        assert!(finding.wait_s_per_s.is_none_or(f64::is_finite), "{}", finding.id);
        assert!((0.0..=1.0).contains(&finding.confidence), "{}", finding.id);
    }
    for look in [listening::streams, listening::datagrams, listening::local] {
        for socket in look(&snapshots).into_value().map(|look| look.sockets).unwrap_or_default() {
            socket.is_full();
        }
    }
}

/// Folded stacks: read, merged both ways, laid out, and told again.
pub fn folded(data: &[u8]) {
    use perfuse_analyze::flame::{FlameGraph, Limits, Options};
    let Ok(profile) = perfuse_analyze::folded::parse(data, "samples", WeightUnit::Count) else { return };
    for reverse in [false, true] {
        let options = Options { reverse, ..Options::default() };
        let graph = FlameGraph::compare(&profile, 0, (&profile, 0), options, true);
        let layout = graph.layout(Limits { share: 0.001, levels: 100 });
        assert!(layout.bars.len() <= graph.nodes.len());
        let told: u64 = graph.stacks().map(|(_, weight)| weight).fold(0, u64::saturating_add);
        assert_eq!(told, graph.total());
    }
}

/// A line that a command sends to the daemon's socket: what is understood is written as it was meant.
pub fn control(data: &[u8]) {
    use perfuse_service::daemon::control::Call;
    if let Ok(call) = Call::parse(data) {
        let line = serde_json::to_vec(&call).expect("a call can be written");
        assert_eq!(Call::parse(&line), Ok(call));
    }
}

/// A configuration of the daemon: read, and if it is right, its plan checked. Secrets are nowhere to be had.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let outside =
        perfuse_service::config::Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    match perfuse_service::config::parse(text, &outside) {
        Ok(config) => config.plan().check().expect("a configuration without mistakes has a plan without mistakes"),
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                error.render("fuzz.toml", |message| message.id.clone());
            }
        }
    }
}
