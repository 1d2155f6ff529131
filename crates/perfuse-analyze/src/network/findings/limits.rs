//! Limits of the stack that refuse work.

use perfuse_format::Reading;
use perfuse_format::parse::Number;
use perfuse_format::proc::net::StatCache;

use super::{ERRORS, Net, advice, link, name_of, named, text};
use crate::cell::{Entity, EntityKind, Finding, Quantity, Severity};
use crate::checklist::Output;
use crate::network::limits::{self, cache_rate};

const CONNTRACK: &str = "network.conntrack-full";
const PORTS: &str = "network.local-ports";
const MEMORY: &str = "network.socket-memory";
const NEIGHBOURS: &str = "network.neighbour-table-full";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    out.findings.extend(conntrack(net));
    out.findings.extend(ports(net).or_else(|| ports_elsewhere(net)));
    out.findings.extend(memory(net));
    out.findings.extend(limits::TABLES.iter().filter_map(|table| neighbours(net, *table)));
}

/// The part that all of them share: an error of a control, suffered by the host.
fn refused(id: &'static str, control: &'static str, culprit: &str, rate: Quantity) -> Finding {
    let mut finding = Finding::new(id, Severity::Error, ERRORS, Entity::new(EntityKind::Kernel, culprit));
    finding.control = Some(control);
    finding.victims = vec![Entity::host()];
    finding.confidence = 0.95;
    finding.also.insert(super::PATH_KEY.to_owned());
    finding.explains = &["network.retransmits", "network.no-answer"];
    finding.summary = text(id, "summary").with("rate", rate);
    finding
}

fn conntrack(net: &Net) -> Option<Finding> {
    let drops = cache_rate(net.run, limits::CONNTRACK_STAT, "drop").filter(|drops| *drops > 0.0)?;
    let number = |path: &str| net.run.last::<Number>(path).into_value().map_or(0, |number| number.0);
    let (count, max) =
        (number("/proc/sys/net/netfilter/nf_conntrack_count"), number("/proc/sys/net/netfilter/nf_conntrack_max"));
    let rate = Quantity::rate(drops);
    let mut finding = refused(CONNTRACK, limits::CONNTRACK, "nf_conntrack", rate);
    finding.summary = finding.summary.with("count", count).with("max", max);
    let evidence = text(CONNTRACK, "evidence").with("rate", rate).with("count", count).with("max", max);
    finding.chain = vec![link(text(CONNTRACK, "packets"), named("nf_conntrack"), evidence)];
    let wanted = max.saturating_mul(2).max(65_536);
    let arguments = text(CONNTRACK, "").with("max", max).with("wanted", wanted).with("rate", rate);
    let command = format!("sysctl -w net.netfilter.nf_conntrack_max={wanted}");
    finding.advice = vec![advice(CONNTRACK, "raise", Some(command), &arguments)];
    Some(finding)
}

/// A process of another network namespace has ports of its own, which are not to be seen from here: that its `connect` finds
/// none is all that is known.
fn ports_elsewhere(net: &Net) -> Option<Finding> {
    const LEAST: f64 = 1.0;
    let namespaces = net.run.last::<Number>("@net/namespaces").into_value()?;
    let failures = limits::no_address(net.run, true)?;
    let failed: f64 = failures.iter().map(|(_, rate)| rate).sum();
    if namespaces.0 < 2 || failed < LEAST {
        return None;
    }
    let rate = Quantity::rate(failed);
    let mut finding = refused(PORTS, limits::PORTS, "ip_local_port_range", rate);
    // An address family that is switched off gives the same error.
    finding.confidence = 0.6;
    finding.victims = failures.into_iter().take(5).map(|(entity, _)| entity).collect();
    let victim = finding.victims.first().map(name_of).unwrap_or_default();
    let pid = finding.victims.first().and_then(|victim| victim.pid).unwrap_or(0);
    finding.summary = text(PORTS, "summary-elsewhere").with("victim", &victim).with("rate", rate);
    let evidence = text(PORTS, "evidence-elsewhere").with("rate", rate);
    finding.chain = vec![link(named(victim), named("ip_local_port_range"), evidence)];
    let command = format!("nsenter -n -t {pid} sh -c 'sysctl net.ipv4.ip_local_port_range; ss -s'");
    let arguments = text(PORTS, "").with("rate", rate);
    finding.advice = vec![advice(PORTS, "look", Some(command), &arguments)];
    Some(finding)
}

fn ports(net: &Net) -> Option<Finding> {
    let failures = limits::no_address(net.run, false)?;
    let failed: f64 = failures.iter().map(|(_, rate)| rate).sum();
    let Reading::Value((destinations, size)) = limits::destinations(net) else { return None };
    let worst = destinations.first()?;
    let used = worst.used as f64 / (size as f64).max(1.0);
    if failed <= 0.0 || used < net.run.threshold("network.limit-near") {
        return None;
    }
    let target = worst.to.to_string();
    let rate = Quantity::rate(failed);
    let mut finding = refused(PORTS, limits::PORTS, "ip_local_port_range", rate);
    finding.victims = failures.into_iter().take(5).map(|(entity, _)| entity).collect();
    let victim = finding.victims.first().map(name_of).unwrap_or_default();
    finding.summary =
        finding.summary.with("victim", &victim).with("target", &target).with("used", worst.used).with("size", size);
    let evidence = text(PORTS, "evidence")
        .with("rate", rate)
        .with("used", worst.used)
        .with("size", size)
        .with("waiting", worst.time_wait);
    finding.chain = vec![link(named(victim), text(PORTS, "cause").with("target", &target), evidence)];
    let arguments = text(PORTS, "").with("target", &target).with("size", size).with("rate", rate);
    let command = "sysctl -w net.ipv4.ip_local_port_range='1024 65535' net.ipv4.tcp_tw_reuse=1";
    finding.advice =
        vec![advice(PORTS, "reuse", None, &arguments), advice(PORTS, "range", Some(command.into()), &arguments)];
    Some(finding)
}

fn memory(net: &Net) -> Option<Finding> {
    let counters = net.counters.value()?;
    let failed = counters.sum(limits::MEMORY_FAILURES);
    let pressed = counters.rate("TcpExt", "TCPMemoryPressures").unwrap_or(0.0);
    if failed <= 0.0 && pressed <= 0.0 {
        return None;
    }
    let rate = Quantity::rate(failed);
    let mut finding = refused(MEMORY, limits::MEMORY, "tcp_mem", rate);
    if failed <= 0.0 {
        // Buffers shrink; nothing was refused.
        finding.severity = Severity::Watch;
    }
    finding.summary = finding.summary.with("pressed", Quantity::rate(pressed));
    let evidence = text(MEMORY, "evidence").with("rate", rate).with("pressed", Quantity::rate(pressed));
    finding.chain = vec![link(text(MEMORY, "sockets"), named("tcp_mem, udp_mem"), evidence)];
    let arguments = text(MEMORY, "").with("rate", rate);
    let command = "ss -tm | grep -B1 skmem; cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem";
    finding.advice = vec![advice(MEMORY, "who", Some(command.into()), &arguments)];
    Some(finding)
}

fn neighbours(net: &Net, (name, stat, limit): (&str, &'static str, &'static str)) -> Option<Finding> {
    let rate = cache_rate(net.run, stat, "table_fulls").filter(|rate| *rate > 0.0)?;
    let entries = net.run.last::<StatCache>(stat).into_value().map_or(0, |table| table.entries);
    let max = net.run.last::<Number>(limit).into_value().map_or(0, |max| max.0);
    let rate = Quantity::rate(rate);
    let mut finding = refused(NEIGHBOURS, limits::NEIGHBOURS, stat, rate);
    finding.summary = finding.summary.with("table", name).with("entries", entries).with("max", max);
    let evidence = text(NEIGHBOURS, "evidence").with("rate", rate).with("entries", entries).with("max", max);
    finding.chain = vec![link(text(NEIGHBOURS, "packets"), named(stat), evidence)];
    let wanted = max.saturating_mul(4).max(4096);
    let arguments = text(NEIGHBOURS, "").with("wanted", wanted).with("max", max);
    let family = if name == "IPv4" { "ipv4" } else { "ipv6" };
    let command = format!(
        "sysctl -w net.{family}.neigh.default.gc_thresh3={wanted} net.{family}.neigh.default.gc_thresh2={}",
        wanted / 2
    );
    finding.advice = vec![advice(NEIGHBOURS, "raise", Some(command), &arguments)];
    Some(finding)
}
