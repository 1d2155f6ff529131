//! Connections that a listener does not accept fast enough.

use perfuse_format::netlink::sockdiag::state;
use perfuse_format::parse::Number;

use super::{Net, PATH_KEY, SATURATION, advice, link, name_of, named, remote, text, with_slow};
use crate::cell::{Entity, EntityKind, Finding, Quantity};
use crate::checklist::Output;
use crate::message::Msg;
use crate::network::listeners::{Listener, entity};
use crate::network::saturation::{SYN_RETRY_S, request_queue_drops};

const ID: &str = "network.listen-overflow";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    let counters = net.counters.value();
    let turned_away = counters.map_or(0.0, |counters| {
        counters.rate("TcpExt", "ListenOverflows").unwrap_or(0.0) + request_queue_drops(counters)
    });
    if turned_away <= 0.0 {
        return;
    }
    let listeners = net.listeners.value().map_or(&[][..], Vec::as_slice);
    // The kernel's own count per listener, else the one whose queue was full. Sorted so already.
    let guilty =
        listeners.iter().find(|listener| listener.drops.is_some_and(|drops| drops > 0.0) || listener.full > 0.0);
    out.finding(finding(net, guilty, turned_away));
}

fn finding(net: &Net, guilty: Option<&Listener>, turned_away: f64) -> Finding {
    let culprit = guilty.map_or_else(|| Entity::new(EntityKind::Listener, "?"), |listener| entity(net, listener));
    let wait = turned_away * SYN_RETRY_S;
    let mut finding = Finding::new(ID, super::severity(net, wait), SATURATION, culprit);
    finding.control = Some("control.listen-backlog");
    finding.wait_s_per_s = Some(wait);
    finding.explains = &["network.retransmits", "network.no-answer"];
    finding.also.insert(PATH_KEY.to_owned());
    finding.victims = guilty.map(|listener| clients(net, listener)).unwrap_or_default();
    let victim = match finding.victims.first() {
        Some(process) if process.kind == EntityKind::Process => named(name_of(process)),
        _ => text(ID, "clients"),
    };
    let rate = Quantity::rate(turned_away);
    let Some(listener) = guilty else {
        finding.confidence = 0.6;
        finding.summary = text(ID, "summary-unknown").with("rate", rate);
        finding.chain =
            vec![link(text(ID, "clients"), text(ID, "some-listener"), text(ID, "evidence-turned").with("rate", rate))];
        finding.advice =
            vec![advice(ID, "find", Some("ss -ltn   # Recv-Q > Send-Q".into()), &text(ID, "").with("rate", rate))];
        return with_slow(finding, None);
    };
    finding.confidence = if listener.drops.is_some_and(|drops| drops > 0.0) { 0.95 } else { 0.85 };
    let named_culprit = name_of(&finding.culprit);
    finding.summary = text(ID, "summary")
        .with("listener", &named_culprit)
        .with("victim", victim.clone())
        .with("rate", rate)
        .with("backlog", u64::from(listener.backlog));
    finding.chain = vec![
        link(victim, named(finding.culprit.name.clone()), text(ID, "evidence-turned").with("rate", rate)),
        link(
            named(finding.culprit.name.clone()),
            text(ID, "cause").with("listener", &named_culprit),
            text(ID, "evidence-queue")
                .with("waiting", u64::from(listener.most_waiting))
                .with("backlog", u64::from(listener.backlog))
                .with("full", Quantity::ratio(listener.full)),
        ),
    ];
    let owner = finding.culprit.pid;
    finding.advice = remedies(net, listener, owner, rate);
    with_slow(finding, owner)
}

fn remedies(net: &Net, listener: &Listener, owner: Option<u32>, rate: Quantity) -> Vec<crate::cell::Advice> {
    let limit = net.run.last::<Number>("/proc/sys/net/core/somaxconn").into_value().map(|limit| limit.0);
    let arguments = text(ID, "")
        .with("rate", rate)
        .with("backlog", u64::from(listener.backlog))
        .with("needed", u64::from(listener.backlog).saturating_mul(4).max(128));
    let command = owner.map_or_else(|| "ss -ltnp".to_owned(), |pid| format!("perfuse why --pid {pid}"));
    let mut all = vec![advice(ID, "accept", Some(command), &arguments)];
    let bounded = limit.is_some_and(|limit| u64::from(listener.backlog) >= limit);
    let wanted = u64::from(listener.backlog).saturating_mul(4).max(4096);
    all.push(if bounded {
        advice(ID, "somaxconn", Some(format!("sysctl -w net.core.somaxconn={wanted}")), &arguments)
    } else {
        advice(ID, "backlog", None, &arguments)
    });
    all
}

/// Processes of this host that try to connect to the listener; else the unnamed clients outside.
fn clients(net: &Net, listener: &Listener) -> Vec<Entity> {
    let trying =
        net.connections.value().into_iter().flatten().filter(|connection| {
            connection.state == state::SYN_SENT && connection.remote.port() == listener.local.port()
        });
    let mut pids: Vec<u32> = trying.filter_map(|connection| net.owners.0.get(&connection.inode).copied()).collect();
    pids.sort_unstable();
    pids.dedup();
    let mut all: Vec<Entity> = pids.into_iter().take(5).map(|pid| crate::network::process(net.run, pid)).collect();
    if all.is_empty() {
        all.push(remote(listener.local.to_string()).detail(Msg::new("entity-network-clients")));
    }
    all
}
