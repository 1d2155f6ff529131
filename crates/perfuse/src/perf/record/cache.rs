//! The cache of files by build id, `~/.debug`, as perf fills it: whoever reports later finds the very file that ran, even
//! if it was replaced meanwhile.
//!
//! ```text
//! ~/.debug/usr/lib/libc.so.6/BUILDID/elf             the file
//! ~/.debug/[kernel.kallsyms]/BUILDID/kallsyms        symbols of the kernel
//! ~/.debug/.build-id/BU/ILDID -> ../../usr/lib/libc.so.6/BUILDID
//! ```

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use perfuse_collect::Root;
use perfuse_format::perfdata::features::BuildId;

/// Keeps the files of a recording. What cannot be kept is not: the recording is complete without.
pub(super) fn keep(root: &Root, ids: &[BuildId]) {
    let directory = std::env::var_os("PERF_BUILDID_DIR").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME").filter(|home| !home.is_empty())?).join(".debug"));
    let Some(directory) = directory.or_else(home) else { return };
    for id in ids {
        let _ = one(root, &directory, id);
    }
}

fn one(root: &Root, directory: &Path, id: &BuildId) -> io::Result<()> {
    let hex = id.id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let Some((first, rest)) = hex.split_at_checked(2).filter(|(_, rest)| !rest.is_empty()) else { return Ok(()) };
    let link = directory.join(".build-id").join(first).join(rest);
    if link.exists() {
        return Ok(());
    }
    let (place, name, source) = match id.path.as_str() {
        path @ "[kernel.kallsyms]" => (path.to_owned(), "kallsyms", root.join("/proc/kallsyms")),
        path if path.starts_with('/') => {
            let source = std::fs::canonicalize(root.join(path))?;
            (source.display().to_string(), "elf", source)
        }
        // The vdso is in no file.
        _ => return Ok(()),
    };
    let place = format!("{}/{hex}", place.trim_start_matches('/'));
    let target = directory.join(&place);
    std::fs::create_dir_all(&target)?;
    let file = target.join(name);
    if !file.exists() {
        // A second name costs nothing; across file systems it takes a copy.
        if name != "elf" || std::fs::hard_link(&source, &file).is_err() {
            copy(&source, &file)?;
        }
    }
    std::fs::create_dir_all(directory.join(".build-id").join(first))?;
    std::os::unix::fs::symlink(format!("../../{place}"), &link)
}

/// Copies under another name first, so that nobody finds half a file.
fn copy(source: &Path, file: &Path) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    std::fs::copy(source, &temporary)?;
    std::fs::rename(&temporary, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_under_its_build_id() {
        let temporary = tempfile::tempdir().unwrap();
        let program = temporary.path().join("program");
        std::fs::write(&program, "code").unwrap();
        let cache = temporary.path().join("debug");
        let path = program.display().to_string();
        let id = BuildId { pid: -1, misc: 2, id: vec![0xab, 0xcd, 0xef], path };
        one(&Root::default(), &cache, &id).unwrap();
        one(&Root::default(), &cache, &id).unwrap();
        assert_eq!(std::fs::read(cache.join(".build-id/ab/cdef/elf")).unwrap(), b"code");
        let gone = BuildId { id: vec![1, 2, 3], path: "/no/such/file".to_owned(), ..id };
        assert!(one(&Root::default(), &cache, &gone).is_err());
    }
}
