//! Connections that wait for their peer or for lost segments; sockets that lose datagrams.

use std::collections::BTreeMap;

use perfuse_format::netlink::sockdiag::state;

use super::{Net, PATH_KEY, SATURATION, advice, link, name_of, named, remote, severity, text, way_by, with_slow};
use crate::cell::{Entity, EntityKind, Finding, Quantity, Severity};
use crate::checklist::Output;
use crate::message::Msg;
use crate::network::counters::Counters;
use crate::network::saturation::{self, SYN_RETRY_S};
use crate::network::sockets::{self, Connection};

const READER: &str = "network.slow-reader";
const AGAIN: &str = "network.retransmits";
const NO_ANSWER: &str = "network.no-answer";
const UDP: &str = "network.udp-receive-buffer";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    slow_readers(net, out);
    let Some(counters) = net.counters.value() else { return };
    out.findings.extend(retransmits(net, counters));
    out.findings.extend(no_answer(net, counters));
    out.findings.extend(udp(net, counters));
}

fn connections<'r>(net: &'r Net) -> &'r [Connection] {
    net.connections.value().map_or(&[], Vec::as_slice)
}

/// Senders that wait for the receive window of a peer, by sender and peer.
fn slow_readers(net: &Net, out: &mut Output) {
    let mut groups: BTreeMap<(Option<u32>, String), Vec<&Connection>> = BTreeMap::new();
    for connection in connections(net) {
        if connection.window_limited > 0.0 {
            let sender = net.owners.0.get(&connection.inode).copied();
            let reader =
                other_end(net, connection).map_or_else(|| connection.remote.to_string(), |(reader, _)| reader.key());
            groups.entry((sender, reader)).or_default().push(connection);
        }
    }
    for ((sender, _), group) in groups {
        let worst = group.iter().copied().max_by(|a, b| a.window_limited.total_cmp(&b.window_limited));
        // One connection must be held back for a tenth of the time: many that are held back a little are not waiting.
        if let Some(worst) = worst.filter(|worst| net.is_finding(worst.window_limited))
            && sender.is_none_or(|pid| net.run.in_scope(pid))
        {
            out.finding(slow_reader(net, sender, worst, &group));
        }
    }
}

/// The process that reads, where the connection stays within this host, and what waits to be read there.
fn other_end(net: &Net, connection: &Connection) -> Option<(Entity, u32)> {
    let other =
        connections(net).iter().find(|other| other.local == connection.remote && other.remote == connection.local)?;
    Some((net.owner(other.inode)?, other.receive_queue))
}

fn slow_reader(net: &Net, sender: Option<u32>, worst: &Connection, group: &[&Connection]) -> Finding {
    let local = other_end(net, worst);
    let reader = local.as_ref().map_or_else(|| remote(worst.remote.to_string()), |(reader, _)| reader.clone());
    let wait: f64 = group.iter().map(|connection| connection.window_limited).sum();
    let mut finding = Finding::new(READER, Severity::Bottleneck, SATURATION, reader);
    let victim = sender.map_or_else(
        || Entity::new(EntityKind::Socket, worst.local.to_string()),
        |pid| crate::network::process(net.run, pid),
    );
    finding.wait_s_per_s = Some(wait);
    finding.confidence = if local.is_some() { 0.9 } else { 0.8 };
    let (reader, sender) = (name_of(&finding.culprit), name_of(&victim));
    finding.victims = vec![victim];
    finding.summary =
        text(READER, "summary").with("reader", &reader).with("sender", &sender).with("wait", Quantity::wait(wait));
    let waits = text(READER, "evidence-window")
        .with("wait", Quantity::wait(worst.window_limited))
        .with("queue", Quantity::bytes(f64::from(worst.send_queue)));
    finding.chain = vec![link(named(sender), text(READER, "window").with("reader", &reader), waits)];
    if let Some((_, unread)) = local {
        let unread = text(READER, "evidence-unread").with("unread", Quantity::bytes(f64::from(unread)));
        finding.chain.push(link(text(READER, "window").with("reader", &reader), named(reader.clone()), unread));
    }
    let arguments = text(READER, "").with("reader", &reader).with("wait", Quantity::wait(wait));
    let command = match finding.culprit.pid {
        Some(pid) => format!("perfuse why --pid {pid}"),
        None => format!("ss -tino dst {}   # rwnd_limited", worst.remote.ip()),
    };
    finding.advice = vec![advice(READER, "reader", Some(command), &arguments)];
    let pid = finding.culprit.pid;
    with_slow(finding, pid)
}

/// Segments sent again that no queue of this host explains.
fn retransmits(net: &Net, counters: &Counters) -> Option<Finding> {
    let (lost, timeouts) = saturation::path_losses(net, counters);
    let sent = counters.rate("Tcp", "OutSegs").unwrap_or(0.0);
    let share = if sent > 0.0 { lost / sent } else { 0.0 };
    if lost <= 0.0 || share < net.run.threshold("network.retransmit-ratio") {
        return None;
    }
    let wait = saturation::path_wait(net, counters);
    let again = || connections(net).iter().filter(|connection| connection.retransmitted > 0.0);
    let worst = again().max_by(|a, b| a.retransmitted.total_cmp(&b.retransmitted));
    let culprit = worst.map_or_else(Entity::host, |worst| remote(worst.remote.ip().to_string()));
    let mut finding = Finding::new(AGAIN, severity(net, wait), SATURATION, culprit);
    finding.victims =
        sockets::processes(net, |connection| connection.retransmitted).into_iter().map(|(entity, _)| entity).collect();
    if finding.victims.is_empty() {
        finding.victims.push(Entity::host());
    }
    finding.wait_s_per_s = Some(wait);
    finding.confidence = if worst.is_some() { 0.8 } else { 0.6 };
    finding.also.insert(PATH_KEY.to_owned());
    finding.also.extend(again().map(|connection| way_of(net, connection)));
    if worst.is_none() {
        finding.also.insert(way_by(None));
    }
    let (path, victim) = (finding.culprit.name.clone(), finding.victims.first().map(name_of).unwrap_or_default());
    let (rate, share) = (Quantity::rate(lost), Quantity::ratio(share));
    finding.summary =
        text(AGAIN, "summary").with("path", &path).with("victim", &victim).with("rate", rate).with("share", share);
    let evidence = text(AGAIN, "evidence")
        .with("rate", rate)
        .with("share", share)
        .with("timeouts", Quantity::rate(timeouts))
        .with("rtt", Quantity::seconds(worst.and_then(|worst| worst.rtt).unwrap_or(0.0)));
    finding.chain = vec![link(named(victim), text(AGAIN, "path").with("path", &path), evidence)];
    let arguments = text(AGAIN, "").with("path", &path).with("rate", rate);
    let command =
        worst.map_or_else(|| "ss -tin".to_owned(), |worst| format!("ss -tino dst {0}; mtr -n {0}", worst.remote.ip()));
    finding.advice = vec![advice(AGAIN, "path", Some(command), &arguments)];
    Some(finding)
}

/// The way that a connection goes: by the interface that has its address.
fn way_of(net: &Net, connection: &Connection) -> String {
    let index = net.addresses.0.get(&connection.local.ip());
    way_by(index.map(|index| net.interface_name(*index)).as_deref())
}

/// Connection requests of ours that nobody answers.
fn no_answer(net: &Net, counters: &Counters) -> Option<Finding> {
    let rate = counters.rate("TcpExt", "TCPSynRetrans").filter(|rate| *rate > 0.0)?;
    let waiting = connections(net).iter().filter(|connection| connection.state == state::SYN_SENT);
    let mut targets: BTreeMap<String, Vec<&Connection>> = BTreeMap::new();
    for connection in waiting {
        targets.entry(connection.remote.to_string()).or_default().push(connection);
    }
    let (target, waiting) = targets.into_iter().max_by_key(|(_, waiting)| waiting.len())?;
    let mut pids: Vec<u32> = waiting.iter().filter_map(|one| net.owners.0.get(&one.inode).copied()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.retain(|pid| net.run.in_scope(*pid));
    let wait = rate * SYN_RETRY_S;
    let mut finding = Finding::new(NO_ANSWER, severity(net, wait), SATURATION, remote(target.clone()));
    finding.victims = pids.into_iter().take(5).map(|pid| crate::network::process(net.run, pid)).collect();
    finding.wait_s_per_s = Some(wait);
    finding.confidence = 0.75;
    // A listener of this host that turns clients away has the same symptom.
    finding.also.insert(PATH_KEY.to_owned());
    let victim = finding.victims.first().map_or_else(|| "?".into(), name_of);
    let rate = Quantity::rate(rate);
    finding.summary = text(NO_ANSWER, "summary")
        .with("target", &target)
        .with("victim", &victim)
        .with("rate", rate)
        .with("count", waiting.len() as u64);
    let evidence = text(NO_ANSWER, "evidence").with("rate", rate).with("count", waiting.len() as u64);
    finding.chain = vec![link(named(victim), named(target.clone()), evidence)];
    let arguments = text(NO_ANSWER, "").with("target", &target).with("rate", rate);
    finding.advice = vec![advice(NO_ANSWER, "target", Some("ss -tnp state syn-sent".into()), &arguments)];
    Some(finding)
}

/// Datagrams that a full socket buffer had no room for.
fn udp(net: &Net, counters: &Counters) -> Option<Finding> {
    let lost = counters.sum(saturation::UDP_LOSSES);
    if lost <= 0.0 {
        return None;
    }
    let share = saturation::udp_loss_ratio(counters);
    let heavy = share >= net.run.threshold("network.udp-loss-ratio");
    let lossy = sockets::lossy(net.run);
    let worst = lossy.first();
    let owner = worst.and_then(|worst| net.owner(worst.inode));
    let socket = worst.map_or_else(|| "?".to_owned(), |worst| worst.local.to_string());
    let culprit = owner.unwrap_or_else(|| Entity::new(EntityKind::Socket, socket.clone()));
    // Lost datagrams are gone: nobody needs to be seen waiting for them.
    let level = if heavy { Severity::Bottleneck } else { Severity::Watch };
    let mut finding = Finding::new(UDP, level, SATURATION, culprit);
    finding.victims = vec![remote(socket.clone()).detail(Msg::new("entity-network-senders"))];
    let seen = net.dropped_for(&["SOCKET_RCVBUFF", "PROTO_MEM"]).is_some_and(|rate| rate > 0.0);
    finding.confidence = if worst.is_some() && seen {
        0.95
    } else if worst.is_some() {
        0.9
    } else {
        0.6
    };
    let reader = name_of(&finding.culprit);
    let (rate, share) = (Quantity::rate(lost), Quantity::ratio(share));
    finding.summary =
        text(UDP, "summary").with("reader", &reader).with("socket", &socket).with("rate", rate).with("share", share);
    let evidence = text(UDP, "evidence")
        .with("rate", rate)
        .with("share", share)
        .with("waiting", Quantity::bytes(worst.map_or(0.0, |worst| worst.waiting as f64)));
    finding.chain = vec![link(named(socket.clone()), text(UDP, "cause").with("reader", &reader), evidence)];
    let arguments = text(UDP, "").with("reader", &reader).with("rate", rate).with("socket", &socket);
    let command = finding.culprit.pid.map(|pid| format!("perfuse why --pid {pid}"));
    finding.advice = vec![
        advice(UDP, "reader", command, &arguments),
        advice(
            UDP,
            "buffer",
            Some("sysctl -w net.core.rmem_max=8388608 net.core.rmem_default=8388608".into()),
            &arguments,
        ),
    ];
    let pid = finding.culprit.pid;
    Some(with_slow(finding, pid))
}
