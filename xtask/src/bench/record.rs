//! `perf record` against real perf: CPU time and memory on the same load, what gets lost in a flood, sizes of files.

use std::path::Path;

use anyhow::{Context as _, Result};
use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::{PerfData, Record};

use super::measure::{Background, Use, median};
use super::recordings::{self, MIB, Side};
use super::{Row, Settings};

/// Rates of samples of the whole machine.
const RATES: &[(&str, &str)] = &[("99 Hz", "99"), ("4 kHz", "4000"), ("20 kHz", "20000")];

/// CPU time of recording, the measured workload left out.
pub(super) fn record(settings: &Settings) -> Result<Vec<Row>> {
    let perf = recordings::perf()?;
    let ours = recordings::link(settings)?;
    let out = recordings::directory()?.join("record.data");
    let out = out.to_string_lossy();
    let mut rows = Vec::new();
    for (what, rate) in RATES {
        let load = recordings::switches(&perf)?;
        let line = ["record", "-q", "-B", "-N", "-F", rate, "-a", "-g", "-o", &out, "--", "sleep", "3"];
        let sides = [Side::new(&ours, &line), Side::new(&perf, &line)];
        let used = recordings::by_turns(settings, &sides)?;
        drop(load);
        if let [own, theirs] = used[..] {
            let targets = ["at most 0.5", "at most 1"];
            rows.extend(recordings::rows(&format!("record, {what}, 3 s"), "", own, ("perf", theirs), targets));
        }
    }
    Ok(rows)
}

/// What came of a flood.
#[derive(Debug, Default, Clone, Copy)]
struct Caught {
    used: Use,
    samples: f64,
    lost: f64,
}

impl Caught {
    /// Counts a file: samples, and what the kernel says that it could not write.
    fn count(used: Use, file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file)?;
        let data = PerfData::parse(&bytes).with_context(|| file.display().to_string())?;
        let mut caught = Self { used, ..Self::default() };
        for raw in data.records() {
            let raw = raw?;
            if raw.kind == kind::SAMPLE {
                caught.samples += 1.0;
            } else if raw.kind == kind::LOST
                && let Ok(Some(Record::Lost { lost, .. })) = data.decode_record(&raw)
            {
                caught.lost += lost as f64;
            }
        }
        Ok(caught)
    }

    fn share(self) -> f64 {
        self.lost / (self.lost + self.samples).max(1.0)
    }
}

/// Every system call of processes that do nothing else: about a million events a second.
pub(super) fn flood(settings: &Settings) -> Result<Vec<Row>> {
    let perf = recordings::perf()?;
    let ours = recordings::link(settings)?;
    let file = recordings::directory()?.join("record.data");
    let out = file.to_string_lossy();
    let line = ["record", "-q", "-B", "-N", "-a", "-e", "raw_syscalls:*", "-o", &out, "--", "sleep", "3"];
    let sides = [Side::new(&ours, &line), Side::new(&perf, &line)];
    let mut caught: [Vec<Caught>; 2] = Default::default();
    let load = Background::start(&perf, &["bench", "syscall", "basic", "-l", "2000000000"])?;
    for _ in 0..settings.rounds.min(3) {
        for (side, caught) in sides.iter().zip(&mut caught) {
            caught.push(Caught::count(side.run()?, &file)?);
        }
    }
    drop(load);
    std::fs::remove_file(&file)?;
    let [own, theirs] = caught.map(|caught| {
        let of = |field: fn(&Caught) -> f64| median(caught.iter().map(field).collect());
        let used = Use {
            wall_s: of(|one| one.used.wall_s),
            cpu_s: of(|one| one.used.cpu_s),
            rss_bytes: of(|one| one.used.rss_bytes),
        };
        Caught { used, samples: of(|one| one.samples), lost: of(|one| one.lost) }
    });
    let what = "record, flood of system calls, 3 s";
    let millions = |caught: Caught| (caught.samples + caught.lost) / 3.0 / 1e6;
    let said = |caught: Caught| format!("{:.0}, {:.2}%", caught.lost, caught.share() * 100.0);
    let more = format!(", {:.2} M events/s", millions(own));
    let name = format!("perf, {:.2} M/s,", millions(theirs));
    let mut rows: Vec<Row> =
        recordings::rows(what, &more, own.used, (&name, theirs.used), ["at most 1", "below 1"]).into();
    rows.push(Row {
        what: format!("{what}, lost events"),
        ours: said(own),
        peer: format!("perf {}", said(theirs)),
        ratio: (theirs.lost > 0.0).then(|| own.share() / theirs.share()),
        target: "at most 1",
    });
    let each = |caught: Caught| caught.used.cpu_s / caught.samples.max(1.0) * 1e9;
    rows.push(Row {
        what: format!("{what}, CPU time of one event"),
        ours: format!("{:.0} ns", each(own)),
        peer: format!("perf {:.0} ns", each(theirs)),
        ratio: Some(each(own) / each(theirs)),
        target: "at most 1",
    });
    Ok(rows)
}

/// Stacks that are unwound while recording against stacks that are copied: the same program, the same rate.
pub(super) fn unwind(settings: &Settings) -> Result<Vec<Row>> {
    let perf = recordings::perf()?;
    let workload = recordings::workload()?;
    let workload = workload.to_string_lossy();
    let mut sizes = Vec::new();
    for (program, how) in [(recordings::link(settings)?, "unwind"), (perf, "dwarf")] {
        let file = recordings::directory()?.join(format!("{how}.data"));
        let out = file.to_string_lossy();
        let line = ["record", "-q", "-F", "999", "--call-graph", how, "-o", &out, "--", &workload, "5"];
        let used = Side::new(&program, &line).run()?;
        let caught = Caught::count(used, &file)?;
        sizes.push((std::fs::metadata(&file)?.len() as f64, caught));
        std::fs::remove_file(&file)?;
    }
    let [(own, of_own), (theirs, of_theirs)] = sizes[..] else { return Ok(Vec::new()) };
    let each = |bytes: f64, caught: Caught| bytes / caught.samples.max(1.0);
    let row = |what: &str, own: f64, theirs: f64, unit: &str, scale: f64| Row {
        what: format!("record --call-graph unwind, 5 s at 999 Hz, {what}"),
        ours: format!("{:.1} {unit}", own / scale),
        peer: format!("perf, dwarf: {:.1} {unit}", theirs / scale),
        ratio: Some(own / theirs),
        target: "at most 0.1",
    };
    Ok(vec![
        row("file", own, theirs, "MiB", MIB as f64),
        row("a sample", each(own, of_own), each(theirs, of_theirs), "bytes", 1.0),
    ])
}
