//! iostat, and sar for interfaces and TCP.

use perfuse_format::Missing;
use perfuse_format::proc::diskstats::{DiskStats, DiskWork};
use perfuse_format::proc::net::counters::Mib;
use perfuse_format::proc::net::dev::{LinkCounters, NetDev};

use super::{Finding, Row, Table, rate};
use crate::cell::Quantity;
use crate::message::Msg;
use crate::run::{Run, Span};

/// A mean wait above this makes a disk worth a look.
const SLOW_MS: f64 = 20.0;
/// Retransmitted segments above this share of the sent ones make the network worth a look.
const LOSSY: f64 = 0.01;

/// Each device that did anything, the busiest first.
pub(super) fn iostat(run: &Run) -> Result<Finding, Missing> {
    let span: Span<DiskStats> = run.span("/proc/diskstats").ok()?;
    let seconds = span.seconds;
    let mut worked: Vec<(&str, DiskWork)> = Vec::new();
    for disk in &span.last.0 {
        let work = span.first.by_number(disk.major, disk.minor).and_then(|before| DiskWork::between(before, disk));
        worked.extend(work.filter(|work| work.requests() + work.flushes > 0).map(|work| (disk.name.as_str(), work)));
    }
    worked.sort_by(|a, b| b.1.busy_ms.cmp(&a.1.busy_ms).then(a.0.cmp(b.0)));
    let wait = |milliseconds: u64, requests: u64| {
        (requests > 0).then(|| Quantity::seconds(milliseconds as f64 / 1e3 / requests as f64))
    };
    let row = |(name, work): &(&str, DiskWork)| Row {
        name: (*name).to_owned(),
        values: vec![
            Some(Quantity::rate(work.reads as f64 / seconds)),
            Some(Quantity::throughput(work.read_bytes as f64 / seconds)),
            wait(work.read_ms, work.reads),
            Some(Quantity::rate(work.writes as f64 / seconds)),
            Some(Quantity::throughput(work.write_bytes as f64 / seconds)),
            wait(work.write_ms, work.writes),
            Some(Quantity::count(work.queue_ms as f64 / 1e3 / seconds)),
            Some(Quantity::ratio((work.busy_ms as f64 / 1e3 / seconds).min(1.0))),
        ],
    };
    let columns = vec!["r/s", "rd/s", "r_await", "w/s", "wr/s", "w_await", "aqu-sz", "%util"];
    let table = Table { columns, rows: worked.iter().map(row).collect(), ..Table::default() }.cut();
    let Some((name, busiest)) = worked.first() else {
        return Ok(Finding::new(table, Msg::new("sixty-iostat-idle"), false));
    };
    let slow = busiest.mean_ms().unwrap_or(0.0);
    let reading = Msg::new(if slow > SLOW_MS { "sixty-iostat-slow" } else { "sixty-iostat-fast" })
        .with("device", *name)
        .with("wait", Quantity::seconds(slow / 1e3))
        .with("busy", Quantity::ratio((busiest.busy_ms as f64 / 1e3 / seconds).min(1.0)));
    Ok(Finding::new(table, reading, slow > SLOW_MS))
}

/// Each interface that carried anything, the one with most bytes first.
pub(super) fn interfaces(run: &Run) -> Result<Finding, Missing> {
    let span: Span<NetDev> = run.span("/proc/net/dev").ok()?;
    let mut moved: Vec<(&str, [Option<f64>; 6])> = Vec::new();
    for (name, after) in &span.last.0 {
        let Some(before) = span.first.0.get(name) else { continue };
        let per_second = |field: fn(&LinkCounters) -> u64| rate(field(before), field(after), span.seconds);
        let rates = [
            per_second(|link| link.rx_packets),
            per_second(|link| link.tx_packets),
            per_second(|link| link.rx_bytes),
            per_second(|link| link.tx_bytes),
            per_second(|link| link.rx_dropped.saturating_add(link.rx_missed)),
            per_second(|link| link.tx_dropped),
        ];
        if rates.iter().flatten().any(|rate| *rate > 0.0) {
            moved.push((name, rates));
        }
    }
    let bytes = |rates: &[Option<f64>; 6]| rates[2].unwrap_or(0.0) + rates[3].unwrap_or(0.0);
    moved.sort_by(|a, b| bytes(&b.1).total_cmp(&bytes(&a.1)).then(a.0.cmp(b.0)));
    let row = |(name, rates): &(&str, [Option<f64>; 6])| Row {
        name: (*name).to_owned(),
        values: rates
            .iter()
            .enumerate()
            .map(|(index, rate)| rate.map(if (2..4).contains(&index) { Quantity::throughput } else { Quantity::rate }))
            .collect(),
    };
    let columns = vec!["rxpck/s", "txpck/s", "rx/s", "tx/s", "rxdrop/s", "txdrop/s"];
    let table = Table { columns, rows: moved.iter().map(row).collect(), ..Table::default() }.cut();
    let dropping = moved.iter().find(|(_, rates)| rates[4].unwrap_or(0.0) + rates[5].unwrap_or(0.0) > 0.0);
    let (reading, remarkable) = match (dropping, moved.first()) {
        (Some((name, rates)), _) => {
            let drops = Quantity::rate(rates[4].unwrap_or(0.0) + rates[5].unwrap_or(0.0));
            (Msg::new("sixty-dev-drops").with("interface", *name).with("drops", drops), true)
        }
        (None, Some((name, rates))) => {
            let moved = Quantity::throughput(bytes(rates));
            (Msg::new("sixty-dev-busiest").with("interface", *name).with("rate", moved), false)
        }
        (None, None) => (Msg::new("sixty-dev-idle"), false),
    };
    Ok(Finding::new(table, reading, remarkable))
}

/// Connections made and accepted, segments, and what had to be sent again.
pub(super) fn tcp(run: &Run) -> Result<Finding, Missing> {
    let span: Span<Mib> = run.span("/proc/net/snmp").ok()?;
    let per_second = |name: &str| rate(span.first.get("Tcp", name)?, span.last.get("Tcp", name)?, span.seconds);
    let names = ["ActiveOpens", "PassiveOpens", "InSegs", "OutSegs", "RetransSegs", "AttemptFails", "EstabResets"];
    let rates: Vec<Option<f64>> = names.iter().map(|name| per_second(name)).collect();
    let columns = vec!["active/s", "passive/s", "iseg/s", "oseg/s", "retrans/s", "atmptf/s", "estres/s"];
    let table = Table::one(columns, rates.iter().map(|rate| rate.map(Quantity::rate)).collect());
    let again = per_second("RetransSegs").unwrap_or(0.0);
    let sent = per_second("OutSegs").unwrap_or(0.0).max(1e-9);
    let lossy = again / sent > LOSSY && again > 0.5;
    let reading = if again > 0.0 {
        Msg::new(if lossy { "sixty-tcp-lossy" } else { "sixty-tcp-some" })
            .with("rate", Quantity::rate(again))
            .with("share", Quantity::ratio(again / sent))
    } else {
        Msg::new("sixty-tcp-clean")
    };
    Ok(Finding::new(table, reading, lossy))
}
