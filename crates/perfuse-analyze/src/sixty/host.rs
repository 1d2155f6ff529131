//! uptime, dmesg, free.

use perfuse_format::parse::{fields, fraction};
use perfuse_format::proc::kmsg::Kmsg;
use perfuse_format::proc::meminfo::MemInfo;
use perfuse_format::proc::stat::ProcStat;
use perfuse_format::{FromBytes, Missing, ParseError, Why};

use super::{Finding, Table};
use crate::cell::Quantity;
use crate::kernel_log;
use crate::message::Msg;
use crate::run::Run;

/// Lines of the kernel log that are shown.
const LINES: usize = 10;
/// Below this share of memory available, the host is nearly full.
const LITTLE: f64 = 0.05;

/// `/proc/loadavg`: three averages, then running/all tasks and the last pid.
struct LoadAverage([f64; 3]);

impl FromBytes for LoadAverage {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut parts = fields(bytes).map(fraction);
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
            (Some(one), Some(five), Some(fifteen)) => Ok(Self([one, five, fifteen])),
            _ => Err(ParseError::new(1, "three averages", bytes)),
        }
    }
}

/// Load averages: only their trend is of use, as they also count tasks in uninterruptible sleep.
pub(super) fn uptime(run: &Run) -> Result<Finding, Missing> {
    let LoadAverage([one, five, fifteen]) = run.last("/proc/loadavg").ok()?;
    let boot = run.last::<ProcStat>("/proc/stat").into_value().and_then(|stat| stat.boot_time_s);
    let now = run.snapshots.last().map_or(0, |snapshot| snapshot.real_ns / 1_000_000_000);
    let up = boot.filter(|boot| *boot <= now && now > 0).map(|boot| Quantity::seconds((now - boot) as f64));
    let load = |value: f64| Some(Quantity::count((value * 100.0).round() / 100.0));
    let table = Table::one(vec!["up", "load1", "load5", "load15"], vec![up, load(one), load(five), load(fifteen)]);
    let trend = match (one, fifteen) {
        (one, fifteen) if one > fifteen * 1.5 && one - fifteen > 0.5 => "sixty-uptime-rising",
        (one, fifteen) if fifteen > one * 1.5 && fifteen - one > 0.5 => "sixty-uptime-falling",
        _ => "sixty-uptime-steady",
    };
    let cpus = f64::from(run.host.cpus.max(1));
    let reading = Msg::new(trend).with("load", Quantity::count(one)).with("cpus", u64::from(run.host.cpus));
    Ok(Finding::new(table, reading, one > cpus && trend == "sixty-uptime-rising"))
}

/// The last lines of the kernel log, and whether any of it says that something broke.
pub(super) fn dmesg(run: &Run) -> Result<Finding, Missing> {
    let events = kernel_log::logged(run).ok()?;
    let mut records = Vec::new();
    for snapshot in run.snapshots.iter().filter(|snapshot| snapshot.has("@kmsg")) {
        if let Some(Kmsg(new)) = snapshot.get::<Kmsg>("@kmsg").into_value() {
            records.extend(new);
        }
    }
    records.sort_by_key(|record| record.sequence);
    records.dedup_by_key(|record| record.sequence);
    let tail = records.iter().skip(records.len().saturating_sub(LINES));
    let line = |record: &perfuse_format::proc::kmsg::Record| {
        let (seconds, micros) = (record.time_us / 1_000_000, record.time_us % 1_000_000);
        format!("[{seconds:5}.{micros:06}] {}", record.text)
    };
    let table = Table { lines: tail.map(line).collect(), ..Table::default() };
    let reading = match events.len() as u64 {
        0 => Msg::new("sixty-dmesg-quiet"),
        count => Msg::new("sixty-dmesg-events").with("count", count),
    };
    Ok(Finding::new(table, reading, !events.is_empty()))
}

/// What is free, and what could be freed.
pub(super) fn free(run: &Run) -> Result<Finding, Missing> {
    let info: MemInfo = run.last("/proc/meminfo").ok()?;
    let total = info.reading("MemTotal").ok()?;
    let free = info.get("MemFree");
    let cached = ["Buffers", "Cached", "SReclaimable"].iter().filter_map(|field| info.get(field)).sum::<u64>();
    let available = info.get("MemAvailable");
    let swap = match (info.get("SwapTotal"), info.get("SwapFree")) {
        (Some(total), Some(free)) => Some((total, total.saturating_sub(free))),
        _ => None,
    };
    let bytes = |value: Option<u64>| value.map(|value| Quantity::bytes(value as f64));
    let used = available.map(|available| total.saturating_sub(available));
    let table = Table::one(
        vec!["total", "used", "free", "buff/cache", "available", "swap total", "swap used"],
        vec![
            bytes(Some(total)),
            bytes(used),
            bytes(free),
            bytes(Some(cached)),
            bytes(available),
            bytes(swap.map(|(total, _)| total)),
            bytes(swap.map(|(_, used)| used)),
        ],
    );
    let available = available.ok_or_else(|| Missing::new(Why::Absent, "/proc/meminfo: MemAvailable"))?;
    let part = available as f64 / total.max(1) as f64;
    let id = if part < LITTLE { "sixty-free-little" } else { "sixty-free-enough" };
    let reading =
        Msg::new(id).with("available", Quantity::bytes(available as f64)).with("share", Quantity::ratio(part));
    Ok(Finding::new(table, reading, part < LITTLE))
}
