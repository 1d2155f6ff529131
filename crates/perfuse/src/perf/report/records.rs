//! What `perf report` shows of the records themselves: `-D`, `--stats`, `--tasks`, `--mmaps`, `-T`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;

use perfuse_analyze::resolve::time::TimeRanges;
use perfuse_analyze::resolve::{Item, Resolver};
use perfuse_analyze::session::family::Family;
use perfuse_format::perfdata::PerfData;
use perfuse_format::perfdata::record::{Record, kind};
use perfuse_render::perf::report_threads::ThreadCounts;
use perfuse_render::perf::script::Dump;
use perfuse_render::perf::{report_stats, report_tasks};

use crate::console::Console;
use crate::perf::options::Parsed;
use crate::perf::recorded::{self, RecordedNames};

/// Bytes that are collected before they are written.
const CHUNK: usize = 1 << 17;

/// How many records of each kind, and samples of each event. Damage ends the count; it is told of elsewhere.
pub(super) fn stats(data: &PerfData<'_>) -> String {
    let mut kinds = BTreeMap::new();
    let mut samples = vec![0_u64; data.events.len()];
    for record in data.records().map_while(Result::ok) {
        *kinds.entry(record.kind).or_insert(0_u64) += 1;
        if record.kind == kind::SAMPLE
            && let Some(count) = data.event_of(&record).ok().and_then(|event| samples.get_mut(event))
        {
            *count += 1;
        }
    }
    report_stats::text(&kinds, &super::events(data, &[]), &samples)
}

/// `-D`: every record as bytes and in words, then how many there are of each kind; `time` as of `--time`.
pub(super) fn dump(
    time: Option<&str>,
    data: &PerfData<'_>,
    name: &str,
    parsed: &Parsed,
    console: &Console,
) -> anyhow::Result<()> {
    let times = match time {
        Some(text) => TimeRanges::parse(text, data.features.sample_time.unwrap_or_default())?,
        None => TimeRanges::default(),
    };
    let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(data));
    let mut resolver = Resolver::new(names, perfuse_analyze::resolve::Options::default());
    let mut dump = Dump::new(data, name, recorded::arch(data)).for_report();
    let mut out = Vec::with_capacity(CHUNK * 2);
    let mut stdout = std::io::stdout().lock();
    let ended = resolver.replay(data, |resolver, item| {
        match item {
            Item::Raw(raw) => dump.record(resolver, &raw, &mut out),
            Item::Sample(_, sample) if times.has(sample.time) => {
                crate::perf::script::dump_place(resolver, sample, &mut out);
            }
            Item::Sample(..) | Item::Record(..) => {}
            Item::Bad(_, error) => console.complain(&error.to_string()),
            Item::Damage(damage) => console.complain(&damage.to_string()),
        }
        if out.len() >= CHUNK {
            if let Err(error) = stdout.write_all(&out) {
                return ControlFlow::Break(error);
            }
            out.clear();
        }
        ControlFlow::Continue(())
    });
    if let ControlFlow::Break(error) = ended {
        return Err(error.into());
    }
    out.extend_from_slice(stats(data).as_bytes());
    stdout.write_all(&out)?;
    Ok(stdout.flush()?)
}

/// `--tasks`, `--mmaps`: `None` if a thread's parent is unknown.
pub(super) fn tasks(data: &PerfData<'_>, with_mappings: bool) -> Option<String> {
    let mut family = Family::new(with_mappings);
    for raw in data.sorted().map_while(Result::ok) {
        let tells = matches!(raw.kind, kind::COMM | kind::FORK | kind::EXIT)
            || with_mappings && matches!(raw.kind, kind::MMAP | kind::MMAP2);
        if tells && let Ok(Some(record)) = data.decode_record(&raw) {
            family.apply(raw.misc, &record);
        }
    }
    report_tasks::text(&family)
}

/// `-T`: the counts of threads.
pub(super) fn threads(data: &PerfData<'_>, raw: bool) -> String {
    let mut counts = ThreadCounts::default();
    for record in data.sorted().map_while(Result::ok).filter(|record| record.kind == kind::READ) {
        if let Ok(Some(Record::Read { pid, tid, values })) = data.decode_record(&record)
            && let Ok(event) = data.event_of(&record)
            && let Some(first) = values.values.first()
        {
            counts.add((pid, tid), event, first.value);
        }
    }
    let names: Vec<&str> = data.events.iter().map(|event| event.name.as_str()).collect();
    if raw { counts.raw(&names) } else { counts.table(&names) }
}
