//! The files of a recording go into the cache of files by build id.

use std::io;

use perfuse_collect::Root;
use perfuse_format::perfdata::features::BuildId;

use crate::perf::cache::{Cache, Kept};

/// Keeps the files of a recording. What cannot be kept is not: the recording is complete without.
pub(super) fn keep(root: &Root, ids: &[BuildId]) {
    let Some(cache) = Cache::of_user() else { return };
    for id in ids {
        let _ = one(root, &cache, id);
    }
}

fn one(root: &Root, cache: &Cache, id: &BuildId) -> io::Result<()> {
    let hex = perfuse_symbol::build_id_text(&id.id);
    if cache.has(&hex) {
        return Ok(());
    }
    match id.path.as_str() {
        path @ "[kernel.kallsyms]" => cache.add(&root.join("/proc/kallsyms"), path, &hex, Kept::Kallsyms),
        path if path.starts_with('/') => {
            let source = std::fs::canonicalize(root.join(path))?;
            cache.add(&source, &source.display().to_string(), &hex, Kept::Elf)
        }
        // The vdso is in no file.
        _ => Ok(()),
    }
}
