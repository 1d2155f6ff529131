//! vmstat, mpstat.

use perfuse_format::Missing;
use perfuse_format::parse::KeyValues;
use perfuse_format::proc::meminfo::MemInfo;
use perfuse_format::proc::stat::{CpuTimes, ProcStat};

use super::{Finding, Row, Table, rate, share};
use crate::cell::Quantity;
use crate::message::Msg;
use crate::run::{Run, Span};

/// A CPU this busy, while the host's mean is far below, carries something alone.
const HOT: f64 = 0.90;

/// Difference of two readings of one CPU, column by column; nothing when a column went backwards.
fn between(before: &CpuTimes, after: &CpuTimes) -> Option<CpuTimes> {
    let grew = |before: u64, after: u64| after.checked_sub(before);
    Some(CpuTimes {
        user: grew(before.user, after.user)?,
        nice: grew(before.nice, after.nice)?,
        system: grew(before.system, after.system)?,
        // Idle and iowait are known to step back by a tick; that is no reset.
        idle: after.idle.saturating_sub(before.idle),
        iowait: after.iowait.saturating_sub(before.iowait),
        irq: grew(before.irq, after.irq)?,
        softirq: grew(before.softirq, after.softirq)?,
        steal: grew(before.steal, after.steal)?,
    })
}

/// Processes, paging and CPU in one line. Running and blocked are means over the samples, the rest is per second.
pub(super) fn vmstat(run: &Run) -> Result<Finding, Missing> {
    let span: Span<ProcStat> = run.span("/proc/stat").ok()?;
    let series = run.series::<ProcStat>("/proc/stat");
    // The first sample is taken while perfuse itself starts.
    let samples: Vec<&ProcStat> = series.iter().skip(1).filter_map(|(_, stat)| stat.value()).collect();
    let mean = |field: fn(&ProcStat) -> Option<u64>| {
        let values: Vec<f64> = samples.iter().filter_map(|stat| field(stat)).map(|count| count as f64).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let (running, blocked) = (mean(|stat| stat.running), mean(|stat| stat.blocked));
    let memory: Option<MemInfo> = run.last("/proc/meminfo").into_value();
    let bytes = |field: &str| memory.as_ref().and_then(|info| info.get(field)).map(|value| value as f64);
    let swapped = bytes("SwapTotal").zip(bytes("SwapFree")).map(|(total, free)| (total - free).max(0.0));
    let paging: Option<Span<KeyValues>> = run.span("/proc/vmstat").into_value();
    let page = run.host.page_size as f64;
    let per_second = |key: &str, unit: f64| {
        let span = paging.as_ref()?;
        Some(rate(span.first.get(key)?, span.last.get(key)?, span.seconds)? * unit)
    };
    let (swap_in, swap_out) = (per_second("pswpin", page), per_second("pswpout", page));
    let counter = |field: fn(&ProcStat) -> Option<u64>| {
        rate(field(&span.first)?, field(&span.last)?, span.seconds).map(Quantity::rate)
    };
    let mut values = vec![
        running.map(Quantity::count),
        blocked.map(Quantity::count),
        swapped.map(Quantity::bytes),
        bytes("MemFree").map(Quantity::bytes),
        swap_in.map(Quantity::throughput),
        swap_out.map(Quantity::throughput),
        per_second("pgpgin", 1024.0).map(Quantity::throughput),
        per_second("pgpgout", 1024.0).map(Quantity::throughput),
        counter(|stat| stat.interrupts),
        counter(|stat| stat.context_switches),
    ];
    values.extend(shares(between(&span.first.all, &span.last.all).as_ref(), &VMSTAT_CPU));
    let columns = vec!["r", "b", "swpd", "free", "si", "so", "bi", "bo", "in", "cs", "us", "sy", "id", "wa", "st"];
    let cpus = f64::from(run.host.cpus.max(1));
    let queued = running.unwrap_or(0.0) - cpus;
    let swapping = swap_out.unwrap_or(0.0) > 0.0;
    let reading = if queued > 0.5 {
        Msg::new("sixty-vmstat-queued")
            .with("running", Quantity::count(queued + cpus))
            .with("cpus", u64::from(run.host.cpus))
    } else if let Some(out) = swap_out.filter(|out| *out > 0.0) {
        Msg::new("sixty-vmstat-swapping").with("rate", Quantity::throughput(out))
    } else {
        Msg::new("sixty-vmstat-calm")
    };
    Ok(Finding::new(Table::one(columns, values), reading, queued > 0.5 || swapping))
}

type Part = fn(&CpuTimes) -> u64;

const VMSTAT_CPU: [Part; 5] = [
    |cpu| cpu.user + cpu.nice,
    |cpu| cpu.system + cpu.irq + cpu.softirq,
    |cpu| cpu.idle,
    |cpu| cpu.iowait,
    |cpu| cpu.steal,
];

const MPSTAT: [Part; 8] = [
    |cpu| cpu.user,
    |cpu| cpu.nice,
    |cpu| cpu.system,
    |cpu| cpu.iowait,
    |cpu| cpu.irq,
    |cpu| cpu.softirq,
    |cpu| cpu.steal,
    |cpu| cpu.idle,
];

fn shares(times: Option<&CpuTimes>, parts: &[Part]) -> Vec<Option<Quantity>> {
    let total = times.map_or(0.0, |times| times.total() as f64);
    parts.iter().map(|part| share(times.map_or(0.0, |times| part(times) as f64), total)).collect()
}

/// Each CPU, the busiest first.
pub(super) fn mpstat(run: &Run) -> Result<Finding, Missing> {
    let span: Span<ProcStat> = run.span("/proc/stat").ok()?;
    let busy = |times: &CpuTimes| times.busy() as f64 / (times.total() as f64).max(1.0);
    let mut cpus: Vec<(String, CpuTimes)> = Vec::new();
    for (number, after) in &span.last.cpus {
        // A CPU that came or went offline between the two samples has no difference.
        let times = span.first.cpus.get(number).and_then(|before| between(before, after));
        cpus.extend(times.filter(|times| times.total() > 0).map(|times| (number.to_string(), times)));
    }
    cpus.sort_by(|a, b| busy(&b.1).total_cmp(&busy(&a.1)));
    let all = between(&span.first.all, &span.last.all);
    let mut rows = vec![Row { name: "all".to_owned(), values: shares(all.as_ref(), &MPSTAT) }];
    rows.extend(cpus.iter().map(|(name, times)| Row { name: name.clone(), values: shares(Some(times), &MPSTAT) }));
    let columns = vec!["%usr", "%nice", "%sys", "%iowait", "%irq", "%soft", "%steal", "%idle"];
    let mean = all.as_ref().map_or(0.0, busy);
    let hottest = cpus.first().map(|(name, times)| (name.clone(), busy(times)));
    let hot = hottest.filter(|(_, share)| *share >= HOT && mean < HOT * 0.8);
    let remarkable = hot.is_some() || mean >= HOT;
    let reading = match hot {
        Some((cpu, share)) => Msg::new("sixty-mpstat-one")
            .with("cpu", cpu)
            .with("share", Quantity::ratio(share))
            .with("mean", Quantity::ratio(mean)),
        None => Msg::new("sixty-mpstat-even").with("mean", Quantity::ratio(mean)),
    };
    Ok(Finding::new(Table { columns, rows, ..Table::default() }.cut(), reading, remarkable))
}
