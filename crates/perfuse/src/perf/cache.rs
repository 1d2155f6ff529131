//! The cache of files by build id, `~/.debug`, as perf has it: whoever reports later finds the very file that ran, even
//! if it was replaced meanwhile, and the probes that programs carry.
//!
//! ```text
//! ~/.debug/usr/lib/libc.so.6/BUILDID/elf             the file
//! ~/.debug/usr/lib/libc.so.6/BUILDID/probes          its probes
//! ~/.debug/[kernel.kallsyms]/BUILDID/kallsyms        symbols of the kernel
//! ~/.debug/.build-id/BU/ILDID -> ../../usr/lib/libc.so.6/BUILDID
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use perfuse_format::FromBytes as _;
use perfuse_format::probecache::{CachedProbe, ProbeCache};

/// The cache of a user.
#[derive(Debug, Clone)]
pub(crate) struct Cache(PathBuf);

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Its build id, two hexadecimal digits a byte.
    pub(crate) id: String,
    /// Its path when it was kept: `/usr/bin/ls`, `[kernel.kallsyms]`.
    pub(crate) path: String,
}

/// What is kept of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A program or library.
    Elf,
    /// The kernel's own list of its symbols.
    Kallsyms,
}

impl Cache {
    /// That of whoever runs this: `$PERF_BUILDID_DIR`, or `.debug` at home. `None` without a home.
    pub(crate) fn of_user() -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("PERF_BUILDID_DIR").or_else(|| Some(set("HOME")?.join(".debug"))).map(Self)
    }

    /// Where the link of a build id is. `None` for what is no build id.
    fn link(&self, id: &str) -> Option<PathBuf> {
        let (first, rest) = id.split_at_checked(2).filter(|(_, rest)| !rest.is_empty())?;
        Some(self.0.join(".build-id").join(first).join(rest))
    }

    /// Whether a build is kept.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.link(id).is_some_and(|link| link.exists())
    }

    /// All files, by build id.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let is_hex = |name: &str| name.bytes().all(|byte| byte.is_ascii_hexdigit());
        for first in names(&self.0.join(".build-id")).into_iter().filter(|name| name.len() == 2 && is_hex(name)) {
            for rest in names(&self.0.join(".build-id").join(&first)).into_iter().filter(|name| is_hex(name)) {
                let id = format!("{first}{rest}");
                let target = self.link(&id).and_then(|link| fs::read_link(link).ok());
                entries.extend(target.and_then(|target| Some(Entry { path: origin(&target)?, id })));
            }
        }
        entries.sort_unstable();
        entries
    }

    /// Builds of one path.
    pub(crate) fn builds(&self, path: &Path) -> Vec<String> {
        let path = path.strip_prefix("/").unwrap_or(path);
        let is_id = |name: &String| name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        names(&self.0.join(path)).into_iter().filter(is_id).collect()
    }

    /// Keeps a file under `path` (which it has where it runs) and its build id. What is there already stays.
    pub(crate) fn add(&self, source: &Path, path: &str, id: &str, kept: Kept) -> io::Result<()> {
        let Some(link) = self.link(id) else { return Err(io::ErrorKind::InvalidInput.into()) };
        if link.exists() {
            return Ok(());
        }
        let place = format!("{}/{id}", path.trim_start_matches('/'));
        if Path::new(&place).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let target = self.0.join(&place);
        fs::create_dir_all(&target)?;
        let file = target.join(if kept == Kept::Elf { "elf" } else { "kallsyms" });
        if !file.exists() {
            // A second name costs nothing; across file systems it takes a copy.
            if kept != Kept::Elf || fs::hard_link(source, &file).is_err() {
                copy(source, &file)?;
            }
        }
        if kept == Kept::Elf {
            fs::write(target.join("probes"), carried(&file, path).to_text())?;
        }
        if let Some(parent) = link.parent() {
            fs::create_dir_all(parent)?;
        }
        // A link that leads nowhere is from a cache that was half removed.
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(format!("../../{place}"), &link)
    }

    /// Forgets a build. An error where it is not kept.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        let Some(link) = self.link(id) else { return Err(io::ErrorKind::InvalidInput.into()) };
        let target = fs::read_link(&link)?;
        fs::remove_file(&link)?;
        // Only what lies in the cache is removed with it.
        match target.strip_prefix("../..") {
            Ok(place) if place.components().all(|part| matches!(part, std::path::Component::Normal(_))) => {
                fs::remove_dir_all(self.0.join(place))
            }
            _ => Ok(()),
        }
    }

    /// The probes of all files, with the file that has them; in the order of the build ids.
    pub(crate) fn probes(&self) -> Vec<(Entry, CachedProbe)> {
        let mut probes = Vec::new();
        for entry in self.entries() {
            let Some(link) = self.link(&entry.id) else { continue };
            let Ok(bytes) = fs::read(link.join("probes")) else { continue };
            let cached = ProbeCache::from_bytes(&bytes).unwrap_or_default();
            probes.extend(cached.0.into_iter().map(|probe| (entry.clone(), probe)));
        }
        probes
    }
}

/// The probes that a program carries. One that stands in several places is one event.
fn carried(file: &Path, path: &str) -> ProbeCache {
    let probes = fs::File::open(file).ok().and_then(|file| perfuse_symbol::sdt_probes(file).ok()).unwrap_or_default();
    let mut cached: Vec<CachedProbe> = Vec::new();
    for probe in probes {
        let definition = probe.definition(path);
        match cached.iter_mut().find(|cached| cached.group == probe.group && cached.name == probe.name) {
            Some(cached) if cached.definitions.contains(&definition) => {}
            Some(cached) => cached.definitions.push(definition),
            None => cached.push(CachedProbe {
                sdt: true,
                group: probe.group,
                asked: probe.name.clone(),
                name: probe.name,
                definitions: vec![definition],
            }),
        }
    }
    for probe in &mut cached {
        probe.definitions.sort_unstable();
    }
    ProbeCache(cached)
}

/// `../../usr/bin/ls/ID` is `/usr/bin/ls`; what no file has keeps its brackets.
fn origin(target: &Path) -> Option<String> {
    let inside = target.strip_prefix("../..").ok()?.parent()?.to_str()?;
    Some(if inside.starts_with('[') { inside.to_owned() } else { format!("/{inside}") })
}

/// Names in a directory; none where it cannot be read.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Copies under another name first, so that nobody finds half a file.
fn copy(source: &Path, file: &Path) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    fs::copy(source, &temporary)?;
    fs::rename(&temporary, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_listed_and_forgotten() {
        let temporary = tempfile::tempdir().unwrap();
        let program = temporary.path().join("program");
        fs::write(&program, "code").unwrap();
        let cache = Cache(temporary.path().join("debug"));
        let path = program.display().to_string();
        cache.add(&program, &path, "abcdef", Kept::Elf).unwrap();
        cache.add(&program, &path, "abcdef", Kept::Elf).unwrap();
        assert_eq!(fs::read(cache.0.join(".build-id/ab/cdef/elf")).unwrap(), b"code");
        let entry = Entry { id: "abcdef".to_owned(), path: path.clone() };
        assert_eq!(cache.entries(), [entry]);
        assert_eq!(cache.builds(&program), ["abcdef"]);
        assert!(cache.has("abcdef") && !cache.has("abcd00"));
        cache.remove("abcdef").unwrap();
        assert!(cache.remove("abcdef").is_err() && cache.entries().is_empty() && program.exists());
        assert!(cache.add(Path::new("/no/such/file"), "/no/such/file", "010203", Kept::Elf).is_err());
        assert!(cache.add(&program, "/x/../../y", "010203", Kept::Elf).is_err());
        assert!(cache.add(&program, &path, "01", Kept::Elf).is_err());
    }

    #[test]
    fn nothing_outside_the_cache_is_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let cache = Cache(temporary.path().join("debug"));
        let other = temporary.path().join("other");
        fs::create_dir_all(&other).unwrap();
        fs::create_dir_all(cache.0.join(".build-id/ab")).unwrap();
        std::os::unix::fs::symlink(&other, cache.0.join(".build-id/ab/01")).unwrap();
        std::os::unix::fs::symlink("../../../other", cache.0.join(".build-id/ab/02")).unwrap();
        assert!(cache.remove("ab01").is_ok() && cache.remove("ab02").is_ok());
        assert!(other.exists());
    }
}
