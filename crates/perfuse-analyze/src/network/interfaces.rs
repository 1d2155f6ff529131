//! What each interface carried over a run, and how much it could.

use std::collections::BTreeMap;

use perfuse_format::netlink::link::{Link, Links};
use perfuse_format::parse::Text;
use perfuse_format::proc::net::{LinkCounters, NetDev};
use perfuse_format::sys::net::{NetDevice, NetDevices};
use perfuse_format::{Delta, RawSnapshot, Reading, Why, delta};

use super::queues::Queue;
use crate::run::Run;

/// Where the most that an interface can carry is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaximumFrom {
    /// The speed of the link.
    Speed,
    /// A rate that someone set on its queueing discipline.
    Shaper,
}

/// One interface over the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    pub(super) loopback: bool,
    /// The device behind it.
    pub(super) device: NetDevice,
    /// Seconds in which it was seen.
    pub(super) seconds: f64,
    /// What its counters grew by in that time.
    pub(super) grown: LinkCounters,
    /// Carrier changes in that time.
    pub(super) carrier_changes: u64,
    /// Largest rate of either direction in one interval, in bytes a second.
    pub(super) peak: f64,
    /// Bytes a second per interval: `(seconds since the start, received, sent)`.
    pub(super) history: Vec<(f64, f64, f64)>,
    /// The most that it can receive and send, in bytes a second.
    pub(super) maximum: (Option<f64>, Option<f64>),
    /// Where the maximum comes from.
    pub(super) from: Option<MaximumFrom>,
    /// Only one direction at a time.
    pub(super) half_duplex: bool,
}

impl Interface {
    /// A counter per second.
    pub(super) fn rate(&self, count: u64) -> f64 {
        if self.seconds > 0.0 { count as f64 / self.seconds } else { 0.0 }
    }

    /// Bytes received per second.
    pub(super) fn received(&self) -> f64 {
        self.rate(self.grown.rx_bytes)
    }

    /// Bytes sent per second.
    pub(super) fn sent(&self) -> f64 {
        self.rate(self.grown.tx_bytes)
    }

    /// Packets in both directions.
    pub(super) fn packets(&self) -> u64 {
        self.grown.rx_packets.saturating_add(self.grown.tx_packets)
    }

    /// Bad packets and packets that could not be sent.
    pub(super) fn errors(&self) -> u64 {
        self.grown.rx_errors.saturating_add(self.grown.tx_errors)
    }

    /// Packets lost for want of room in the card or the driver. `rx_dropped` is not among them: packets of a
    /// protocol that nobody asked for count there too.
    pub(super) fn overruns(&self) -> u64 {
        [self.grown.rx_missed, self.grown.rx_fifo, self.grown.tx_dropped, self.grown.tx_fifo]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Share of the maximum; `None` where no maximum is known.
    pub(super) fn utilization(&self) -> Option<f64> {
        let share = |rate: f64, most: Option<f64>| most.filter(|most| *most > 0.0).map(|most| rate / most);
        let (receive, send) = (share(self.received(), self.maximum.0), share(self.sent(), self.maximum.1));
        match (receive, send) {
            (Some(receive), Some(send)) if self.half_duplex => Some(receive + send),
            (Some(receive), Some(send)) => Some(receive.max(send)),
            (one, other) => one.or(other),
        }
    }
}

/// Adds up the differences of neighbouring snapshots.
pub(super) fn over(run: &Run, queues: &[Queue]) -> Reading<Vec<Interface>> {
    let samples: Vec<(u64, Vec<Link>)> =
        run.snapshots.iter().filter_map(|raw| Some((raw.mono_ns, links(raw).into_value()?))).collect();
    let Some((start, _)) = samples.first() else {
        let last = run.snapshots.last();
        return last.map_or_else(
            || Reading::missing(Why::NotSampled, "@netlink/link"),
            |raw| links(raw).and_then(|_| Reading::missing(Why::TooEarly, "@netlink/link")),
        );
    };
    if samples.len() < 2 {
        return Reading::missing(Why::TooEarly, "/proc/net/dev");
    }
    let start = run.snapshots.first().map_or(*start, |raw| raw.mono_ns);
    let mut all: BTreeMap<String, Interface> = BTreeMap::new();
    for pair in samples.windows(2) {
        let seconds = pair[1].0.saturating_sub(pair[0].0) as f64 / 1e9;
        if seconds <= 0.0 {
            continue;
        }
        let at = pair[1].0.saturating_sub(start) as f64 / 1e9;
        for link in &pair[1].1 {
            // An interface that was made anew under an old name has another index.
            let before = pair[0].1.iter().find(|before| before.name == link.name && before.index == link.index);
            if let Some(before) = before {
                all.entry(link.name.clone()).or_default().step(before, link, seconds, at);
            }
        }
    }
    let devices = run.last::<NetDevices>("@net/devices").into_value().unwrap_or_default();
    let mut interfaces: Vec<Interface> = all.into_values().collect();
    for interface in &mut interfaces {
        interface.device = devices.0.get(&interface.name).cloned().unwrap_or_default();
        interface.find_maximum(run, queues);
    }
    Reading::Value(interfaces)
}

/// Interfaces by netlink, else from `/proc/net/dev`.
fn links(raw: &RawSnapshot) -> Reading<Vec<Link>> {
    let narrow = || {
        raw.get::<NetDev>("/proc/net/dev").map(|dev| {
            let link = |(name, counters)| {
                let flags = if name == "lo" { 8 } else { 0 };
                Link { name, counters, flags, ..Link::default() }
            };
            dev.0.into_iter().map(link).collect()
        })
    };
    raw.get::<Links>("@netlink/link").map(|links| links.0).or_else(narrow)
}

impl Interface {
    fn step(&mut self, before: &Link, after: &Link, seconds: f64, at: f64) {
        self.name.clone_from(&after.name);
        self.index = after.index;
        self.loopback = after.is_loopback();
        // A reset makes the whole interval unknown for this interface.
        let Some(grown) = grown(before.counters, after.counters) else { return };
        let (received, sent) = (grown.rx_bytes as f64 / seconds, grown.tx_bytes as f64 / seconds);
        self.seconds += seconds;
        self.peak = self.peak.max(received).max(sent);
        self.history.push((at, received, sent));
        self.grown = added(self.grown, grown);
        if let (Some(before), Some(after)) = (before.carrier_changes, after.carrier_changes) {
            self.carrier_changes += delta(before.into(), after.into()).grew().unwrap_or(0);
        }
    }

    fn find_maximum(&mut self, run: &Run, queues: &[Queue]) {
        let path = |file: &str| format!("/sys/class/net/{}/{file}", self.name);
        self.half_duplex = run.last::<Text>(&path("duplex")).into_value().is_some_and(|text| text.0 == "half");
        // The speed that a virtual interface shows is made up (veth says 10 Gbit/s, tun 10 Mbit/s), and a
        // paravirtual one has what its hypervisor gives it. Only a real link has a maximum; bonds add theirs up.
        let made_up =
            self.device.is_virtual() || matches!(self.device.driver.as_str(), "virtio_net" | "vif" | "hv_netvsc");
        let speed = run.last::<Text>(&path("speed")).into_value().and_then(|text| text.0.parse::<i64>().ok());
        let megabits = speed.filter(|megabits| *megabits > 0 && *megabits < i64::from(u32::MAX) && !made_up);
        let speed = megabits.map(|megabits| megabits as f64 * 125_000.0);
        // Below the root every class has a share of it: the root's own limit is what all together can have.
        let roots = queues.iter().filter(|queue| queue.interface == self.index && queue.is_top && self.index != 0);
        let shaped = roots.filter_map(|queue| queue.ceiling).reduce(|sum, rate| sum + rate);
        let send = match (speed, shaped) {
            (Some(speed), Some(shaped)) => Some(speed.min(shaped)),
            (one, other) => one.or(other),
        };
        self.maximum = (speed, send);
        self.from = match (speed, shaped) {
            (_, Some(_)) if send == shaped => Some(MaximumFrom::Shaper),
            (Some(_), _) => Some(MaximumFrom::Speed),
            _ => None,
        };
    }
}

/// Every counter of an interface, to do the same with each.
fn each(counters: &mut LinkCounters) -> [&mut u64; 15] {
    [
        &mut counters.rx_bytes,
        &mut counters.rx_packets,
        &mut counters.rx_errors,
        &mut counters.rx_dropped,
        &mut counters.rx_fifo,
        &mut counters.rx_crc,
        &mut counters.rx_frame,
        &mut counters.rx_missed,
        &mut counters.tx_bytes,
        &mut counters.tx_packets,
        &mut counters.tx_errors,
        &mut counters.tx_dropped,
        &mut counters.tx_fifo,
        &mut counters.collisions,
        &mut counters.tx_carrier,
    ]
}

fn grown(mut before: LinkCounters, mut after: LinkCounters) -> Option<LinkCounters> {
    for (value, before) in each(&mut after).into_iter().zip(each(&mut before)) {
        match delta(*before, *value) {
            Delta::Grew(by) => *value = by,
            Delta::Reset => return None,
        }
    }
    Some(after)
}

fn added(mut sum: LinkCounters, mut more: LinkCounters) -> LinkCounters {
    for (value, more) in each(&mut sum).into_iter().zip(each(&mut more)) {
        *value = value.saturating_add(*more);
    }
    sum
}
