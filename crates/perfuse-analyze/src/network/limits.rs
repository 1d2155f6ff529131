//! Limits of the stack: connection tracking, local ports, socket memory, neighbours.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use perfuse_format::bpf::ErrnoCount;
use perfuse_format::netlink::sockdiag::state;
use perfuse_format::parse::Number;
use perfuse_format::proc::net::{Numbers, SockStat, StatCache};
use perfuse_format::{Missing, Reading, Why, delta};

use super::{Net, process, watch_from};
use crate::cell::{Cell, Entity, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;

pub(super) const CONNTRACK: &str = "control.conntrack";
pub(super) const PORTS: &str = "control.ephemeral-ports";
pub(super) const MEMORY: &str = "control.socket-memory";
pub(super) const NEIGHBOURS: &str = "control.neighbour-table";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    out.cell(conntrack(net));
    out.cell(ports(net));
    out.cell(memory(net));
    out.cell(neighbours(net));
}

/// `error` for events, else `watch` near the limit.
fn limit_verdict(net: &Net, used: f64, failures: f64) -> Verdict {
    if failures > 0.0 { Verdict::Error } else { watch_from(used, net.run.threshold("network.limit-near")) }
}

/// A counter of a file below `/proc/net/stat`, per second.
pub(super) fn cache_rate(run: &Run, path: &'static str, name: &str) -> Option<f64> {
    let span = run.span::<StatCache>(path).into_value()?;
    let grew = delta(span.first.get(name)?, span.last.get(name)?).grew()?;
    Some(grew as f64 / span.seconds)
}

pub(super) const CONNTRACK_STAT: &str = "/proc/net/stat/nf_conntrack";

fn conntrack(net: &Net) -> Cell {
    const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
    const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
    let (count, max) = (net.run.last::<Number>(COUNT), net.run.last::<Number>(MAX));
    let (count, max) = match (count, max) {
        (Reading::Value(count), Reading::Value(max)) => (count.0, max.0),
        // Without the module nothing is tracked, and nothing can fill up.
        (Reading::Missing(missing), _) | (_, Reading::Missing(missing)) if missing.why == Why::Absent => {
            return Cell::not_applicable(CONNTRACK, Msg::new("control-conntrack-not-loaded"));
        }
        (Reading::Missing(missing), _) | (_, Reading::Missing(missing)) => {
            return Cell::unmeasurable(CONNTRACK, &missing);
        }
    };
    let used = if max > 0 { count as f64 / max as f64 } else { 0.0 };
    let rate = |name: &str| cache_rate(net.run, CONNTRACK_STAT, name);
    let drops = rate("drop");
    let mut cell = Cell::measured(CONNTRACK, limit_verdict(net, used, drops.unwrap_or(0.0)), Quantity::ratio(used));
    let by_hand = "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max";
    cell = cell
        .evidence(Evidence::new(COUNT, "entries", Quantity::count(count as f64)).by_hand(by_hand))
        .evidence(Evidence::new(MAX, "maximum", Quantity::count(max as f64)).by_hand(by_hand));
    for (name, value) in [("drop", drops), ("early_drop", rate("early_drop")), ("insert_failed", rate("insert_failed"))]
    {
        if let Some(value) = value {
            cell = cell.evidence(Evidence::new(CONNTRACK_STAT, name, Quantity::rate(value)).by_hand("conntrack -S"));
        }
    }
    cell.history = net
        .run
        .series::<Number>(COUNT)
        .into_iter()
        .filter_map(|(at, count)| Some((at, count.into_value()?.0 as f64 / (max as f64).max(1.0))))
        .collect();
    cell
}

/// Connections from local ports of the range to one destination.
pub(super) struct Destination {
    pub(super) from: IpAddr,
    pub(super) to: SocketAddr,
    pub(super) used: u64,
    pub(super) time_wait: u64,
    pub(super) pids: Vec<u32>,
}

/// Destinations by the local ports that they take, the most first; the number of ports in the range.
pub(super) fn destinations(net: &Net) -> Reading<(Vec<Destination>, u64)> {
    let range = match net.run.last::<Numbers>("/proc/sys/net/ipv4/ip_local_port_range") {
        Reading::Value(range) => range.0,
        Reading::Missing(missing) => return Reading::Missing(missing),
    };
    let &[first, last] = range.as_slice() else {
        return Reading::missing(Why::Malformed, "/proc/sys/net/ipv4/ip_local_port_range");
    };
    let size = last.saturating_sub(first).saturating_add(1);
    let connections = match &net.connections {
        Reading::Value(connections) => connections,
        Reading::Missing(missing) => return Reading::Missing(missing.clone()),
    };
    let mut by_end: BTreeMap<(IpAddr, SocketAddr), Destination> = BTreeMap::new();
    for connection in connections {
        if !(first..=last).contains(&u64::from(connection.local.port())) {
            continue;
        }
        let (from, to) = (connection.local.ip(), connection.remote);
        let destination = by_end.entry((from, to)).or_insert_with(|| Destination {
            from,
            to,
            used: 0,
            time_wait: 0,
            pids: Vec::new(),
        });
        destination.used += 1;
        destination.time_wait += u64::from(connection.state == state::TIME_WAIT);
        if let Some(pid) = net.owners.0.get(&connection.inode).filter(|pid| !destination.pids.contains(pid)) {
            destination.pids.push(*pid);
        }
    }
    let mut all: Vec<Destination> = by_end.into_values().collect();
    all.sort_by(|a, b| b.used.cmp(&a.used).then(a.to.cmp(&b.to)).then(a.from.cmp(&b.from)));
    Reading::Value((all, size))
}

/// `connect(2)` on x86-64, and on the machines of the generic table. The other one of each pair never fails with this errno.
const CONNECT: [u32; 2] = [42, 203];

/// Calls of `bind` and `connect`, or only the latter, that found no port: per process and second, the most first. `None`
/// without BPF.
pub(super) fn no_address(run: &Run, only_connect: bool) -> Option<Vec<(Entity, f64)>> {
    const EADDRNOTAVAIL: u32 = 99;
    let (rows, seconds) = run.bpf::<ErrnoCount>().into_value()?;
    let mut all: BTreeMap<u32, (Entity, f64)> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.errno == EADDRNOTAVAIL) {
        if only_connect && !CONNECT.contains(&row.syscall) {
            continue;
        }
        let entry = all.entry(row.pid).or_insert_with(|| (Entity::process(row.pid, row.comm.clone()), 0.0));
        entry.1 += row.count as f64 / seconds;
    }
    let mut all: Vec<(Entity, f64)> = all.into_values().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.pid.cmp(&b.0.pid)));
    Some(all)
}

fn ports(net: &Net) -> Cell {
    const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
    let (all, size) = match destinations(net) {
        Reading::Value(found) => found,
        Reading::Missing(missing) => return Cell::unmeasurable(PORTS, &missing),
    };
    let share = |used: u64| used as f64 / (size as f64).max(1.0);
    let used = all.first().map_or(0.0, |first| share(first.used));
    let failures = no_address(net.run, false);
    let failed = failures.as_ref().map_or(0.0, |all| all.iter().map(|(_, rate)| rate).sum());
    // A bind to an address that the host does not have fails with the same errno: only together with a range that
    // is nearly used up does it tell of ports.
    let near = used >= net.run.threshold("network.limit-near");
    let verdict = limit_verdict(net, used, if near { failed } else { 0.0 });
    let mut cell = Cell::measured(PORTS, verdict, Quantity::ratio(used));
    cell = cell
        .evidence(
            Evidence::new(RANGE, "ports", Quantity::count(size as f64)).by_hand("sysctl net.ipv4.ip_local_port_range"),
        )
        .evidence(
            Evidence::new(
                "@netlink/tcp",
                "to one destination",
                Quantity::count(all.first().map_or(0.0, |first| first.used as f64)),
            )
            .by_hand("ss -tan | awk '{print $5}' | sort | uniq -c | sort -rn | head"),
        );
    if failures.is_some() {
        cell = cell.evidence(Evidence::new("@bpf/errno", "EADDRNOTAVAIL", Quantity::rate(failed)));
    }
    let near = net.run.threshold("network.limit-near");
    for destination in all.iter().take(10) {
        let value = share(destination.used);
        cell.instances.push(
            Instance::new(
                format!("{} -> {}", destination.from, destination.to),
                Quantity::ratio(value),
                watch_from(value, near),
            )
            .detail("ports_used", Quantity::count(destination.used as f64))
            .detail("time_wait", Quantity::count(destination.time_wait as f64)),
        );
    }
    let owners = all.iter().flat_map(|destination| &destination.pids).take(5);
    cell.culprits = owners.map(|pid| process(net.run, *pid)).collect();
    cell
}

/// Pages that the sockets of one protocol hold, and the three marks of its sysctl.
struct Held {
    name: &'static str,
    path: &'static str,
    pages: u64,
    marks: [u64; 3],
}

fn held(run: &Run, name: &'static str, path: &'static str) -> Result<Held, Missing> {
    let stat = run.last::<SockStat>("/proc/net/sockstat").ok()?;
    let pages = stat.get(name, "mem").ok_or_else(|| super::controller::absent("/proc/net/sockstat"))?;
    let marks = run.last::<Numbers>(path).ok()?.0;
    let marks = <[u64; 3]>::try_from(marks).map_err(|_| Missing::new(Why::Malformed, path))?;
    Ok(Held { name, path, pages, marks })
}

/// TCP gives up on data or refuses memory only past its limit.
pub(super) const MEMORY_FAILURES: &[(&str, &str)] =
    &[("TcpExt", "TCPAbortOnMemory"), ("Udp", "MemErrors"), ("6", "Udp6MemErrors")];

fn memory(net: &Net) -> Cell {
    let tcp = held(net.run, "TCP", "/proc/sys/net/ipv4/tcp_mem");
    let udp = held(net.run, "UDP", "/proc/sys/net/ipv4/udp_mem");
    let tcp = match tcp {
        Ok(tcp) => tcp,
        Err(missing) => return Cell::unmeasurable(MEMORY, &missing),
    };
    let page = net.run.host.page_size as f64;
    let share = |held: &Held| held.pages as f64 / (held.marks[2] as f64).max(1.0);
    let all: Vec<Held> = std::iter::once(tcp).chain(udp.ok()).collect();
    let used = all.iter().map(share).fold(0.0, f64::max);
    let counters = net.counters.value();
    let failed = counters.map_or(0.0, |counters| counters.sum(MEMORY_FAILURES));
    let pressure = counters.and_then(|counters| counters.rate("TcpExt", "TCPMemoryPressures"));
    // The kernel has TCP shrink its buffers from the second mark on.
    let pressed = pressure.is_some_and(|rate| rate > 0.0) || all.iter().any(|held| held.pages > held.marks[1]);
    let mut verdict = limit_verdict(net, used, failed);
    if pressed {
        verdict = verdict.max(Verdict::Watch);
    }
    let mut cell = Cell::measured(MEMORY, verdict, Quantity::ratio(used));
    for held in &all {
        let bytes = Quantity::bytes(held.pages as f64 * page);
        let limit = Quantity::bytes(held.marks[2] as f64 * page);
        cell = cell
            .evidence(
                Evidence::new("/proc/net/sockstat", format!("{} mem", held.name), bytes)
                    .by_hand("cat /proc/net/sockstat"),
            )
            .evidence(Evidence::new(held.path, "limit", limit).by_hand(format!("cat {}", held.path)));
        cell.instances.push(
            Instance::new(
                held.name,
                Quantity::ratio(share(held)),
                watch_from(share(held), net.run.threshold("network.limit-near")),
            )
            .detail("socket_bytes", bytes)
            .detail("socket_pressure_bytes", Quantity::bytes(held.marks[1] as f64 * page))
            .detail("socket_limit_bytes", limit),
        );
    }
    if let Some(pressure) = pressure {
        let evidence = Evidence::new("/proc/net/netstat", "TCPMemoryPressures", Quantity::rate(pressure));
        cell = cell.evidence(evidence.by_hand("nstat -az TcpExtTCPMemoryPressures"));
    }
    let last = all.first().map_or(1.0, |tcp| (tcp.marks[2] as f64).max(1.0));
    cell.history = net
        .run
        .series::<SockStat>("/proc/net/sockstat")
        .into_iter()
        .filter_map(|(at, stat)| Some((at, stat.into_value()?.get("TCP", "mem")? as f64 / last)))
        .collect();
    cell
}

/// The two neighbour tables: name, statistics, limit.
pub(super) const TABLES: [(&str, &str, &str); 2] = [
    ("IPv4", "/proc/net/stat/arp_cache", "/proc/sys/net/ipv4/neigh/default/gc_thresh3"),
    ("IPv6", "/proc/net/stat/ndisc_cache", "/proc/sys/net/ipv6/neigh/default/gc_thresh3"),
];

fn neighbours(net: &Net) -> Cell {
    let mut instances = Vec::new();
    let mut evidence = Vec::new();
    let mut why = Missing::new(Why::NotSampled, TABLES[0].1);
    for (name, stat, limit) in TABLES {
        let (table, max) = match (net.run.last::<StatCache>(stat), net.run.last::<Number>(limit)) {
            (Reading::Value(table), Reading::Value(max)) => (table, max.0),
            (Reading::Missing(missing), _) | (_, Reading::Missing(missing)) => {
                why = missing;
                continue;
            }
        };
        let used = table.entries as f64 / (max as f64).max(1.0);
        let full = cache_rate(net.run, stat, "table_fulls").unwrap_or(0.0);
        let value = Instance::new(name, Quantity::ratio(used), limit_verdict(net, used, full));
        instances.push(
            value
                .detail("table_entries", Quantity::count(table.entries as f64))
                .detail("entries_limit", Quantity::count(max as f64))
                .detail("table_full_per_s", Quantity::rate(full)),
        );
        let by_hand =
            if name == "IPv4" { "ip -4 neigh show nud all | wc -l" } else { "ip -6 neigh show nud all | wc -l" };
        evidence.push(Evidence::new(stat, "entries", Quantity::count(table.entries as f64)).by_hand(by_hand));
        evidence.push(Evidence::new(limit, "gc_thresh3", Quantity::count(max as f64)).by_hand(format!("cat {limit}")));
    }
    let worst = instances.iter().map(|instance| instance.value.number).reduce(f64::max);
    let Some(worst) = worst else { return Cell::unmeasurable(NEIGHBOURS, &why) };
    instances.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(b.value.number.total_cmp(&a.value.number)));
    let verdict = instances.first().map_or(Verdict::Ok, |first| first.verdict);
    let mut cell = Cell::measured(NEIGHBOURS, verdict, Quantity::ratio(worst));
    cell.instances = instances;
    cell.evidence = evidence;
    cell
}
