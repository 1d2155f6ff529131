//! Recordings for the repository: only of right answers, and as small as the same answer allows.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use perfuse_format::raw::RawSnapshot;
use perfuse_format::replay::{Decoder, Encoder};
use serde_json::{Value, json};

use super::judge::Judged;
use super::run;
use super::score::{Said, mark};

/// Numbers of snapshots that are tried, the smallest first: the first one, the last one, and some between them.
const ENOUGH: [usize; 4] = [2, 3, 4, 5];

/// Larger ones do not go into the repository, in bytes.
const LARGEST: usize = 200 << 10;

/// All of them together take no more, in bytes.
const MOST: usize = 9_500_000;

/// Of the right answers one for each case: the one at medium intensity, if there is one.
fn chosen(judged: &[Judged]) -> Vec<&Judged> {
    let mut chosen: BTreeMap<&str, &Judged> = BTreeMap::new();
    for one in judged.iter().filter(|one| one.kept.counts && one.marks.first && one.marks.culprit) {
        let rank = |one: &Judged| (one.kept.level.0 != 2, one.kept.level);
        let best = chosen.entry(&one.kept.name).or_insert(one);
        if rank(one) < rank(best) {
            *best = one;
        }
    }
    chosen.into_values().collect()
}

/// Takes away what stands in `directory` of a case.
fn forget(directory: &Path, case: &str) -> Result<()> {
    for path in std::fs::read_dir(directory)?.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let level = name.strip_prefix(case).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        if level.starts_with(|letter: char| letter.is_ascii_digit()) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Puts one right answer to each case into `directory`, instead of what stood there of the same case.
pub(crate) fn store(judged: &[Judged], perfuse: &Path, directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let (mut count, mut bytes) = (0_u32, 0_usize);
    for one in chosen(judged) {
        let name = one.kept.files.file_name().context("a recording without a name")?.to_owned();
        let target = directory.join(&name);
        forget(directory, &one.kept.name)?;
        let size = match slim(one, perfuse, &target) {
            Ok(size) => size,
            Err(error) => {
                println!("{:<24} NOT STORED: {error:#}", name.to_string_lossy());
                forget(directory, &one.kept.name)?;
                continue;
            }
        };
        println!("{:<24} {:>7} bytes", name.to_string_lossy(), size);
        if size > LARGEST || bytes + size > MOST {
            println!("{:<24} too large for the repository", name.to_string_lossy());
            std::fs::remove_file(target.with_extension("fault"))?;
            continue;
        }
        let truth = json!({
            "case": one.kept.name, "family": one.kept.family.id(), "pid": one.kept.pid,
            "truth": one.kept.truth.to_json(),
        });
        let text = serde_json::to_string_pretty::<Value>(&truth)? + "\n";
        std::fs::write(target.with_extension("truth.json"), text)?;
        count += 1;
        bytes += size;
    }
    println!("{count} recordings, {bytes} bytes");
    Ok(())
}

/// Writes the recording with as few snapshots as give the same answer; its size.
fn slim(one: &Judged, perfuse: &Path, target: &Path) -> Result<usize> {
    let path = one.kept.files.with_extension("fault");
    let whole = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let snapshots: Vec<RawSnapshot> = Decoder::new(&whole)?.collect::<Result<_, _>>()?;
    let file = target.with_extension("fault");
    for count in ENOUGH.into_iter().filter(|count| *count < snapshots.len()).chain([snapshots.len()]) {
        let mut bytes = Encoder::header("perfuse zoo");
        let mut encoder = Encoder::new();
        for snapshot in spread(&snapshots, count) {
            bytes.extend(encoder.snapshot(snapshot.clone()));
        }
        std::fs::write(&file, &bytes)?;
        let said = Said::all(&run::replay(perfuse, one.kept.pid, target)?);
        let marks = mark(&said, &one.kept.truth);
        let same = said.first().map(|said| &said.id) == one.said.as_ref().map(|said| &said.id);
        if marks.first && marks.culprit && same {
            return Ok(bytes.len());
        }
    }
    bail!("the whole recording does not give the answer that it gave")
}

/// The first one, the last one, and evenly spread ones between them.
fn spread<T>(all: &[T], count: usize) -> impl Iterator<Item = &T> {
    let last = all.len().saturating_sub(1);
    (0..count).filter_map(move |index| all.get(index * last / count.saturating_sub(1).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_are_always_kept() {
        let of = |count| spread(&[0, 1, 2, 3, 4, 5, 6], count).copied().collect::<Vec<_>>();
        assert_eq!(of(2), [0, 6]);
        assert_eq!(of(3), [0, 3, 6]);
        assert_eq!(of(5), [0, 1, 3, 4, 6]);
        assert_eq!(of(7), [0, 1, 2, 3, 4, 5, 6]);
    }
}
