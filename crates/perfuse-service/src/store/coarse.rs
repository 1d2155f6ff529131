//! Minutes and ten minutes, made of the seconds of a file when it is complete.

use std::path::Path;

use super::shard::{self, CHUNK, SPAN, Step};
use super::summary::{self, Summary};
use super::{StoreError, Trouble, chunk, file};

/// Sums up every file of seconds but the one that begins at `current`, where that was not done yet.
pub(super) fn build(directory: &Path, current: i64, troubles: &mut Vec<Trouble>) -> Result<(), StoreError> {
    for (start, path) in shard::list(directory, Step::Second)? {
        if start == current {
            continue;
        }
        for step in [Step::Minute, Step::TenMinutes] {
            let target = step.path(directory, start);
            let slot = start.rem_euclid(step.span()) / SPAN;
            let done =
                target.exists() && file::read(&target).and_then(|file| shard::is_done(&file, slot)).unwrap_or(false);
            if done {
                continue;
            }
            // A damaged file of seconds is set aside at the next start; its neighbours do not wait for that.
            match one(&path, &target, step, slot, troubles) {
                Err(StoreError::Sqlite { file, error }) if file == path && file::is_damage(&error) => {
                    troubles.push(Trouble { file, why: error.to_string(), aside: None });
                }
                other => other?,
            }
        }
    }
    Ok(())
}

fn one(path: &Path, target: &Path, step: Step, slot: i64, troubles: &mut Vec<Trouble>) -> Result<(), StoreError> {
    let bad = |error| StoreError::Sqlite { file: path.to_owned(), error };
    let source = file::read(path).map_err(bad)?;
    let mut coarse = file::open_or_replace(target, &shard::LAYOUT, troubles)?;
    let error = |error| StoreError::Sqlite { file: target.to_owned(), error };
    let transaction = coarse.transaction().map_err(error)?;
    let width = usize::try_from(step.seconds()).unwrap_or(1);
    for (series, key) in shard::keys(&source).map_err(bad)? {
        let mut seconds = vec![f64::NAN; usize::try_from(SPAN).unwrap_or_default()];
        let chunks = seconds.chunks_mut(usize::try_from(CHUNK).unwrap_or(1));
        for (slot, place) in (0..).zip(chunks) {
            let Some(bytes) = shard::get(&source, slot, series).map_err(bad)? else { continue };
            match chunk::decode(&bytes) {
                Ok(values) => place.iter_mut().zip(values).for_each(|(place, value)| *place = value),
                Err(error) => troubles.push(Trouble { file: path.to_owned(), why: error.to_string(), aside: None }),
            }
        }
        let rows: Vec<Summary> = seconds.chunks(width).map(Summary::of).collect();
        // Never refused: six hours have 360 minutes.
        let bytes = summary::encode(&rows).unwrap_or_default();
        let number = shard::number(&transaction, &key).map_err(error)?;
        shard::put(&transaction, slot, number, &bytes).map_err(error)?;
    }
    transaction.execute("INSERT OR REPLACE INTO done (slot) VALUES (?1)", [slot]).map_err(error)?;
    transaction.commit().map_err(error)
}
