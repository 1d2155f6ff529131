//! Queueing disciplines: what stands in them, and shapers that hold traffic back.

use std::collections::BTreeMap;

use perfuse_format::netlink::qdisc::{Qdisc, Qdiscs, ROOT};
use perfuse_format::{RawSnapshot, Reading, Why, delta};

use super::Net;
use crate::cell::{Cell, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::run::Run;

/// One queueing discipline or class over the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Queue {
    /// Index of its interface.
    pub(super) interface: u32,
    /// `tbf 8001:`.
    pub(super) label: String,
    pub(super) kind: String,
    /// At the top of its interface: what counts below is counted here too.
    pub(super) is_root: bool,
    /// Its ceiling (or, with others beside it, a part of it) is that of the whole interface.
    pub(super) is_top: bool,
    /// Most bytes a second that it lets through; `None` for one that does not limit.
    pub(super) ceiling: Option<f64>,
    /// Bytes a second that went through.
    pub(super) through: f64,
    /// Packets dropped per second.
    pub(super) drops: f64,
    /// Times a second that a packet had to wait for the rate.
    pub(super) overlimits: f64,
    /// Bytes that waited, at the most.
    pub(super) most_waiting: u32,
    /// Bytes that waited, on average over the samples.
    pub(super) mean_waiting: f64,
    /// Share of the time in which packets stood in it.
    pub(super) standing: f64,
    /// The same per interval, for the chart.
    pub(super) history: Vec<(f64, f64)>,
}

impl Queue {
    /// Share of the ceiling that is used.
    pub(super) fn utilization(&self) -> Option<f64> {
        self.ceiling.filter(|ceiling| *ceiling > 0.0).map(|ceiling| self.through / ceiling)
    }

    /// Seconds that the last byte of the average queue waited.
    pub(super) fn delay(&self) -> Option<f64> {
        self.ceiling.filter(|ceiling| *ceiling > 0.0).map(|ceiling| self.mean_waiting / ceiling)
    }
}

type Key = (u32, bool, u32, u32);

/// All queueing disciplines and classes that were there in two neighbouring samples.
pub(super) fn over(run: &Run) -> Reading<Vec<Queue>> {
    let samples: Vec<(u64, Vec<Qdisc>)> =
        run.snapshots.iter().filter_map(|raw| Some((raw.mono_ns, qdiscs(raw).into_value()?))).collect();
    if samples.len() < 2 {
        let last = run.snapshots.iter().rev().find(|raw| raw.has("@netlink/qdisc"));
        return last.map_or_else(
            || Reading::missing(Why::NotSampled, "@netlink/qdisc"),
            |raw| qdiscs(raw).and_then(|_| Reading::missing(Why::TooEarly, "@netlink/qdisc")),
        );
    }
    let start = run.snapshots.first().map_or(0, |raw| raw.mono_ns);
    let mut all: BTreeMap<Key, (Queue, f64)> = BTreeMap::new();
    for pair in samples.windows(2) {
        let seconds = pair[1].0.saturating_sub(pair[0].0) as f64 / 1e9;
        if seconds <= 0.0 {
            continue;
        }
        let before: BTreeMap<Key, &Qdisc> = pair[0].1.iter().map(|qdisc| (key(qdisc), qdisc)).collect();
        for qdisc in &pair[1].1 {
            let Some(before) = before.get(&key(qdisc)).filter(|before| before.kind == qdisc.kind) else { continue };
            let (queue, seen) = all.entry(key(qdisc)).or_default();
            *seen += seconds;
            queue.step(before, qdisc, seconds, pair[1].0.saturating_sub(start) as f64 / 1e9);
        }
    }
    let finish = |(mut queue, seen): (Queue, f64)| {
        queue.through /= seen;
        queue.drops /= seen;
        queue.overlimits /= seen;
        queue.mean_waiting /= seen;
        queue.standing /= seen;
        queue
    };
    Reading::Value(all.into_values().map(finish).collect())
}

fn key(qdisc: &Qdisc) -> Key {
    (qdisc.interface, qdisc.is_class, qdisc.handle, qdisc.parent)
}

/// Disciplines and, where they were read, classes.
fn qdiscs(raw: &RawSnapshot) -> Reading<Vec<Qdisc>> {
    raw.get::<Qdiscs>("@netlink/qdisc").map(|mut qdiscs| {
        qdiscs.0.extend(raw.get::<Qdiscs>("@netlink/class").into_value().unwrap_or_default().0);
        qdiscs.0
    })
}

impl Queue {
    /// Adds one interval; sums are divided by the time at the end.
    fn step(&mut self, before: &Qdisc, after: &Qdisc, seconds: f64, at: f64) {
        let grew = |before: u64, after: u64| delta(before, after).grew().unwrap_or(0) as f64;
        self.interface = after.interface;
        self.label = after.label();
        self.kind.clone_from(&after.kind);
        self.is_root = !after.is_class && after.parent == ROOT;
        // The classes right below an htb share the interface: together they are its limit.
        self.is_top = after.parent == ROOT;
        self.ceiling = after.ceiling.map(|rate| rate as f64);
        let (through, overlimits) = (grew(before.bytes, after.bytes), grew(before.overlimits, after.overlimits));
        self.through += through;
        self.drops += grew(before.drops, after.drops);
        self.overlimits += overlimits;
        self.most_waiting = self.most_waiting.max(after.backlog);
        self.mean_waiting += f64::from(before.backlog.midpoint(after.backlog)) * seconds;
        // Packets that stood in the queue at both ends of the interval, or a rate at the ceiling while packets were
        // made to wait: the queue was in use all through it. At one end only: half of it.
        let ends = f64::from(u8::from(before.queue_length > 0) + u8::from(after.queue_length > 0)) / 2.0;
        let at_ceiling = self.ceiling.is_some_and(|ceiling| overlimits > 0.0 && through / seconds >= 0.9 * ceiling);
        let standing = if at_ceiling { 1.0 } else { ends };
        self.standing += standing * seconds;
        self.history.push((at, standing));
    }
}

/// The control `qdisc`.
pub(super) fn evaluate(net: &Net, out: &mut Output) {
    const ID: &str = "control.qdisc";
    let queues = match &net.queues {
        Reading::Value(queues) => queues,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    let mut instances: Vec<Instance> = queues
        .iter()
        .filter(|queue| queue.is_root || queue.ceiling.is_some())
        .map(|queue| instance(net, queue))
        .collect();
    instances.sort_by(|a, b| {
        b.verdict.cmp(&a.verdict).then(b.value.number.total_cmp(&a.value.number)).then(a.name.cmp(&b.name))
    });
    let worst = instances.first();
    let value = worst.map_or(Quantity::ratio(0.0), |worst| worst.value);
    let verdict = worst.map_or(Verdict::Ok, |worst| worst.verdict);
    let mut cell = Cell::measured(ID, verdict, value);
    cell.history = queues
        .iter()
        .filter(|queue| queue.standing > 0.0)
        .max_by(|a, b| a.standing.total_cmp(&b.standing))
        .map(|queue| queue.history.clone())
        .unwrap_or_default();
    let sum = |of: fn(&Queue) -> f64| queues.iter().filter(|queue| queue.is_root).map(of).sum::<f64>();
    for (metric, value) in [("drops", sum(|queue| queue.drops)), ("overlimits", sum(|queue| queue.overlimits))] {
        let evidence = Evidence::new("@netlink/qdisc", metric, Quantity::rate(value));
        cell = cell.evidence(evidence.by_hand("tc -s qdisc"));
    }
    cell.instances = instances;
    out.cell(cell);
}

fn instance(net: &Net, queue: &Queue) -> Instance {
    let verdict = verdict(net, queue);
    let mut instance = Instance::new(name(net, queue), Quantity::ratio(queue.standing.min(1.0)), verdict)
        .detail("sent_bytes_per_s", Quantity::throughput(queue.through))
        .detail("drops_per_s", Quantity::rate(queue.drops))
        .detail("overlimits_per_s", Quantity::rate(queue.overlimits))
        .detail("backlog_bytes", Quantity::bytes(f64::from(queue.most_waiting)));
    if let (Some(ceiling), Some(share)) = (queue.ceiling, queue.utilization()) {
        instance = instance
            .detail("ceiling_bytes_per_s", Quantity::throughput(ceiling))
            .detail("ceiling_used", Quantity::ratio(share));
    }
    if let Some(delay) = queue.delay() {
        instance = instance.detail("queue_delay_s", Quantity::seconds(delay));
    }
    instance
}

/// `eth0 tbf 8001:`.
pub(super) fn name(net: &Net, queue: &Queue) -> String {
    format!("{} {}", net.interface_name(queue.interface), queue.label)
}

/// A shaper that holds packets back, or any queue that loses them. `fq` keeps packets on purpose (pacing), and what
/// stands in a queue at the moment of a sample is no wait in itself: without a ceiling only drops tell.
pub(super) fn verdict(net: &Net, queue: &Queue) -> Verdict {
    if queue.ceiling.is_some() && net.is_finding(queue.standing) {
        Verdict::Bottleneck
    } else if queue.drops > 0.0 || (queue.ceiling.is_some() && queue.standing > 0.0) {
        Verdict::Watch
    } else {
        Verdict::Ok
    }
}
