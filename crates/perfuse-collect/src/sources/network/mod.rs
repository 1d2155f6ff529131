//! What the rules of this group read.

mod devices;
mod links;
mod sockets;

pub(super) use self::links::put;
use super::{Cadence, CgroupFile, Collector, Group, ProcessFile, Source};

pub(super) const GROUP: Group =
    Group { files: FILES, cgroup_files: CGROUP_FILES, process_files: PROCESS_FILES, collectors };

const FILES: &[Source] = &[
    Source { path: "/proc/net/dev", cadence: Cadence::Every },
    Source { path: "/proc/net/snmp", cadence: Cadence::Every },
    Source { path: "/proc/net/netstat", cadence: Cadence::Every },
    Source { path: "/proc/net/softnet_stat", cadence: Cadence::Every },
    Source { path: "/proc/net/sockstat", cadence: Cadence::Every },
    Source { path: "/proc/net/snmp6", cadence: Cadence::Slow },
    Source { path: "/proc/net/sockstat6", cadence: Cadence::Slow },
    Source { path: "/proc/net/udp", cadence: Cadence::Slow },
    Source { path: "/proc/net/udp6", cadence: Cadence::Slow },
    Source { path: "/proc/net/stat/nf_conntrack", cadence: Cadence::Slow },
    Source { path: "/proc/net/stat/arp_cache", cadence: Cadence::Slow },
    Source { path: "/proc/net/stat/ndisc_cache", cadence: Cadence::Slow },
    Source { path: "/proc/sys/net/netfilter/nf_conntrack_count", cadence: Cadence::Every },
    Source { path: "/proc/sys/net/netfilter/nf_conntrack_max", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/ipv4/ip_local_port_range", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/ipv4/tcp_mem", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/ipv4/udp_mem", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/ipv4/neigh/default/gc_thresh3", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/ipv6/neigh/default/gc_thresh3", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/core/somaxconn", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/core/netdev_max_backlog", cadence: Cadence::Once },
    Source { path: "/proc/sys/net/core/netdev_budget", cadence: Cadence::Once },
    Source { path: "/sys/kernel/tracing/events/skb/kfree_skb/format", cadence: Cadence::Once },
    Source { path: "/sys/class/net/*/speed", cadence: Cadence::Slow },
    Source { path: "/sys/class/net/*/duplex", cadence: Cadence::Slow },
];

const CGROUP_FILES: &[CgroupFile] = &[];

const PROCESS_FILES: &[ProcessFile] = &[];

fn collectors() -> Vec<Box<dyn Collector>> {
    vec![
        Box::new(links::LinkCollector::default()),
        Box::new(devices::DeviceCollector),
        Box::new(sockets::SocketCollector::default()),
    ]
}
