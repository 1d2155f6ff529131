//! From a recording to a flame graph: one command, against `samply import` and the pipeline of perf and inferno.

use std::path::PathBuf;

use anyhow::Result;

use super::limit::Limit;
use super::recordings::{self, CALL_CHAINS, MIB, Side};
use super::{Row, Settings};
use crate::tools;

/// A program that cargo may have installed: `cargo install --root target/bench NAME`.
fn peer(name: &str) -> Option<PathBuf> {
    let own = tools::target().join("bench/bin").join(name);
    tools::find(name).or_else(|| own.is_file().then_some(own))
}

/// CPU time and peak memory of drawing.
pub(super) fn flame(settings: &Settings) -> Result<Vec<Row>> {
    let file = CALL_CHAINS.file(settings)?;
    let mib = std::fs::metadata(&file)?.len() as f64 / MIB as f64;
    let limit = Limit::of(&file)?;
    let directory = recordings::directory()?;
    let place = |name: &str| directory.join(name).to_string_lossy().into_owned();
    let (path, picture, profile) = (file.to_string_lossy().into_owned(), place("flame.svg"), place("samply.json.gz"));
    let ours = Side::new(&settings.perfuse, &["flamegraph", "-o", &picture, &path]);

    let samply =
        peer("samply").map(|samply| Side::new(&samply, &["import", "--save-only", "--no-open", "-o", &profile, &path]));
    let perf = recordings::perf()?;
    let pipeline = peer("inferno-collapse-perf").zip(peer("inferno-flamegraph")).map(|(collapse, draw)| {
        let [perf, collapse, draw] = [&perf, &collapse, &draw].map(|program| program.to_string_lossy().into_owned());
        let line = "\"$1\" script -i \"$0\" | \"$2\" | \"$3\" > \"$4\"";
        Side::new(&PathBuf::from("/bin/sh"), &["-c", line, &path, &perf, &collapse, &draw, &place("inferno.svg")])
    });
    let what = format!("flamegraph, {mib:.0} MiB of call chains");
    let mut rows: Vec<Row> = limit.rows(&format!("{mib:.0} MiB of call chains")).into();
    let peers = [("samply import", samply, "at most 1"), ("perf script | inferno", pipeline, "at most 0.2")];
    for (name, theirs, target) in peers {
        let Some(theirs) = theirs else {
            let peer = format!("{name} is not here");
            rows.push(Row { what: what.clone(), ours: "-".to_owned(), peer, ratio: None, target });
            continue;
        };
        let sides = [ours.clone(), theirs];
        let [own, theirs] = recordings::by_turns(settings, &sides)?[..] else { continue };
        let more = limit.beside(mib, own.cpu_s);
        rows.extend(recordings::rows(&what, &more, own, (name, theirs), [target, "-"]));
    }
    Ok(rows)
}
