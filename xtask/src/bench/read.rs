//! `perf script` and `perf report` against real perf: the same file, the same options, by turns.

use anyhow::Result;

use super::limit::Limit;
use super::recordings::{self, CALL_CHAINS, DWARF_STACKS, MIB, Recording, Side, TRACEPOINTS};
use super::{Row, Settings};

/// What is asked of both: which recording, arguments, the wanted ratio of CPU time. perf expands inlined functions of DWARF
/// stacks unless told otherwise, and asks `addr2line` for them.
const READERS: &[(&Recording, &[&str], &str)] = &[
    (&CALL_CHAINS, &["script", "--no-inline"], "at most 0.1"),
    (&CALL_CHAINS, &["report", "--stdio"], "at most 0.05"),
    (&TRACEPOINTS, &["script"], "at most 0.1"),
    (&DWARF_STACKS, &["report", "--stdio", "--no-inline"], "at most 0.1"),
    (&DWARF_STACKS, &["script", "--no-inline"], "-"),
    (&DWARF_STACKS, &["report", "--stdio"], "at most 0.02"),
    (&DWARF_STACKS, &["script"], "at most 0.02"),
    (&DWARF_STACKS, &["script", "-F", "+srcline"], "at most 0.02"),
];

/// CPU time and peak memory of reading.
pub(super) fn read(settings: &Settings) -> Result<Vec<Row>> {
    let perf = recordings::perf()?;
    let ours = recordings::link(settings)?;
    let mut rows = Vec::new();
    let mut limit: Option<(&str, Limit)> = None;
    for (recording, arguments, target) in READERS {
        let file = recording.file(settings)?;
        let mib = std::fs::metadata(&file)?.len() as f64 / MIB as f64;
        let limit = match limit {
            Some((name, limit)) if name == recording.name => limit,
            _ => {
                let measured = Limit::of(&file)?;
                rows.extend(measured.rows(&format!("{mib:.0} MiB of {}", recording.name)));
                limit = Some((recording.name, measured));
                measured
            }
        };
        let path = file.to_string_lossy();
        let line = [*arguments, &["-i", &path]].concat();
        let sides = [Side::new(&ours, &line), Side::new(&perf, &line)];
        let [own, theirs] = recordings::by_turns(settings, &sides)?[..] else { continue };
        let what = format!("{}, {mib:.0} MiB of {}", arguments.join(" "), recording.name);
        let more = limit.beside(mib, own.cpu_s);
        rows.extend(recordings::rows(&what, &more, own, ("perf", theirs), [target, "at most 0.5"]));
    }
    Ok(rows)
}
