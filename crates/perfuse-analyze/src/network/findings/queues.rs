//! A shaper that holds traffic back; a queue of an interface that overflows.

use super::{Net, SATURATION, advice, interface, link, name_of, named, text, way_by};
use crate::cell::{Entity, EntityKind, Finding, Quantity, Severity};
use crate::checklist::Output;
use crate::network::queues::{Queue, name};
use crate::network::saturation::drop_wait;
use crate::network::sockets;

const SHAPER: &str = "network.shaper-queue";
const OVERFLOW: &str = "network.queue-drops";
/// Reasons of `skb:kfree_skb` that a full queueing discipline gives.
const REASONS: &[&str] = &["QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_CONGESTED"];

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    let queues = net.queues.value().map_or(&[][..], Vec::as_slice);
    for queue in queues {
        if queue.ceiling.is_some() && net.is_finding(wait(net, queue)) && !inside_another(queues, queue) {
            out.finding(shaper(net, queue));
        } else if queue.is_root && queue.ceiling.is_none() && queue.drops > 0.0 && !has_shaper_below(queues, queue) {
            out.finding(overflow(net, queue));
        }
    }
}

/// Seconds per second: while packets stand in it, and while senders wait to repeat what it dropped.
fn wait(net: &Net, queue: &Queue) -> f64 {
    queue.standing.min(1.0) + drop_wait(net, queue)
}

/// Whether a class with a ceiling holds the traffic back that this root counts too.
fn has_shaper_below(queues: &[Queue], root: &Queue) -> bool {
    queues.iter().any(|queue| queue.interface == root.interface && queue.ceiling.is_some())
}

/// Of two limits on one way the one that is used more is the one that holds back: the other is not named.
fn inside_another(queues: &[Queue], queue: &Queue) -> bool {
    let used = |queue: &Queue| queue.utilization().unwrap_or(0.0);
    queues.iter().any(|other| {
        other.interface == queue.interface
            && other.label != queue.label
            && other.standing >= queue.standing
            && used(other) > used(queue)
            && (other.is_top || queue.is_top)
    })
}

/// Processes whose connections leave by this interface and have something to send, the most first.
fn senders(net: &Net, index: u32) -> Vec<Entity> {
    let waiting = sockets::processes(net, |connection| {
        let here = net.addresses.0.get(&connection.local.ip()) == Some(&index);
        if here { f64::from(connection.send_queue) } else { 0.0 }
    });
    waiting.into_iter().map(|(entity, _)| entity).collect()
}

fn shaper(net: &Net, queue: &Queue) -> Finding {
    let device = net.interface_name(queue.interface);
    let label = name(net, queue);
    let culprit = Entity::new(EntityKind::Qdisc, label.clone());
    let mut finding = Finding::new(SHAPER, Severity::Bottleneck, SATURATION, culprit);
    finding.control = Some("control.qdisc");
    finding.victims = senders(net, queue.interface);
    if finding.victims.is_empty() {
        // Forwarded traffic, or a sender in another network namespace.
        finding.victims.push(interface(&device));
    }
    let victim = finding.victims.first().map(name_of).unwrap_or_default();
    finding.wait_s_per_s = Some(wait(net, queue));
    let confirmed = queue.overlimits > 0.0 && (queue.drops > 0.0 || queue.most_waiting > 0);
    let seen = net.dropped_for(REASONS).is_some_and(|rate| rate > 0.0);
    finding.confidence = if confirmed && seen {
        0.95
    } else if confirmed {
        0.9
    } else {
        0.8
    };
    finding.explains = &["network.retransmits", "network.queue-drops", "network.slow-reader"];
    finding.also.extend([way_by(Some(&device)), way_by(None)]);
    finding.also.insert(interface(&device).key());
    let ceiling = Quantity::throughput(queue.ceiling.unwrap_or(0.0));
    let delay = Quantity::seconds(queue.delay().unwrap_or(0.0));
    finding.summary = text(SHAPER, "summary")
        .with("queue", &label)
        .with("victim", victim.clone())
        .with("ceiling", ceiling)
        .with("share", Quantity::ratio(queue.standing.min(1.0)))
        .with("delay", delay);
    let waits = text(SHAPER, "evidence-queue")
        .with("backlog", Quantity::bytes(f64::from(queue.most_waiting)))
        .with("delay", delay)
        .with("drops", Quantity::rate(queue.drops));
    let limited = text(SHAPER, "evidence-rate")
        .with("through", Quantity::throughput(queue.through))
        .with("share", Quantity::ratio(queue.utilization().unwrap_or(0.0)))
        .with("ceiling", ceiling)
        .with("overlimits", Quantity::rate(queue.overlimits));
    finding.chain = vec![
        link(named(victim), named(label.clone()), waits),
        link(named(label), text(SHAPER, "cause").with("ceiling", ceiling), limited),
    ];
    let arguments = text(SHAPER, "").with("delay", delay).with("ceiling", ceiling).with("queue", name(net, queue));
    let doubled = queue.ceiling.unwrap_or(0.0) * 8.0 * 2.0 / 1e6;
    let command = match queue.kind.as_str() {
        "tbf" => format!("tc qdisc change dev {device} root tbf rate {doubled:.0}mbit burst 64kb latency 50ms"),
        _ => format!("tc -s class show dev {device}; tc -s qdisc show dev {device}"),
    };
    finding.advice = vec![advice(SHAPER, "raise", Some(command), &arguments)];
    if queue.delay().is_some_and(|delay| delay > 0.05) {
        let command = format!("tc qdisc add dev {device} parent {} fq_codel", parent(queue));
        finding.advice.push(advice(SHAPER, "fair", Some(command), &arguments));
    }
    finding
}

/// `8001:1`, the place below a token bucket where its inner queue is; of a class its own number.
fn parent(queue: &Queue) -> String {
    let number = queue.label.rsplit(' ').next().unwrap_or_default();
    if number.ends_with(':') { format!("{number}1") } else { number.to_owned() }
}

fn overflow(net: &Net, queue: &Queue) -> Finding {
    let device = net.interface_name(queue.interface);
    // Lost packets cost their senders time only where the queue also stands, or where they run into timeouts: a burst that
    // overflows once is a watch.
    let severity = super::severity(net, wait(net, queue));
    let mut finding = Finding::new(OVERFLOW, severity, SATURATION, interface(&device));
    finding.victims = senders(net, queue.interface);
    finding.wait_s_per_s = Some(wait(net, queue));
    finding.confidence = if net.dropped_for(REASONS).is_some_and(|rate| rate > 0.0) { 0.85 } else { 0.7 };
    finding.explains = &["network.retransmits"];
    finding.also.extend([way_by(Some(&device)), way_by(None)]);
    let label = name(net, queue);
    let drops = Quantity::rate(queue.drops);
    finding.summary = text(OVERFLOW, "summary").with("queue", &label).with("device", &device).with("drops", drops);
    let evidence = text(OVERFLOW, "evidence")
        .with("drops", drops)
        .with("through", Quantity::throughput(queue.through))
        .with("backlog", Quantity::bytes(f64::from(queue.most_waiting)));
    finding.chain = vec![link(named(label), named(device.clone()), evidence)];
    let arguments = text(OVERFLOW, "").with("drops", drops).with("device", &device);
    finding.advice = vec![advice(OVERFLOW, "look", Some(format!("tc -s qdisc show dev {device}")), &arguments)];
    finding
}
