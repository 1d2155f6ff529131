//! The files of the tables: single ones, and patterns that are expanded again at every slow tick.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use perfuse_format::RawSnapshot;

use crate::kept::Kept;
use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::{Cadence, Source};

/// The most files that one pattern may expand to; `/sys` of the largest machines stays below.
const MOST_MATCHES: usize = 8192;

/// One table entry with the files that it stands for now.
#[derive(Debug)]
struct Entry {
    source: Source,
    files: BTreeMap<String, (PathBuf, Kept)>,
}

/// All files of the tables.
#[derive(Debug)]
pub(crate) struct Files {
    entries: Vec<Entry>,
}

impl Files {
    pub(crate) fn new(sources: impl Iterator<Item = Source>) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for source in sources {
            // Two groups may need the same file; the more frequent cadence serves both.
            if let Some(known) = entries.iter_mut().find(|entry| entry.source.path == source.path) {
                if source.cadence == Cadence::Every || known.source.cadence == Cadence::Once {
                    known.source.cadence = source.cadence;
                }
                continue;
            }
            entries.push(Entry { source, files: BTreeMap::new() });
        }
        Self { entries }
    }

    pub(crate) fn sample(&mut self, root: &Root, tick: Tick, buffer: &mut Vec<u8>, out: &mut RawSnapshot) {
        for entry in &mut self.entries {
            if !tick.is_due(entry.source.cadence) {
                continue;
            }
            if tick.slow || entry.files.is_empty() {
                entry.expand(root);
            }
            // What is read now and then is not worth an open file.
            let keep = entry.source.cadence == Cadence::Every;
            for (name, (path, kept)) in &mut entry.files {
                match kept.read(path, buffer) {
                    Ok(bytes) => out.put(name.clone(), bytes),
                    Err(errno) => out.put_errno(name.clone(), errno),
                }
                if !keep {
                    kept.close();
                }
            }
        }
    }

    /// Files that are open now.
    pub(crate) fn open_count(&self) -> usize {
        self.entries.iter().flat_map(|entry| entry.files.values()).filter(|(_, kept)| kept.is_open()).count()
    }
}

impl Entry {
    /// Finds the files of the pattern; those that were known stay open, those that are gone are dropped.
    fn expand(&mut self, root: &Root) {
        let path = self.source.path;
        if !path.contains('*') {
            self.files.entry(path.to_owned()).or_insert_with(|| (root.join(path), Kept::default()));
            return;
        }
        let mut known = std::mem::take(&mut self.files);
        for name in matches(root, path) {
            let kept = known.remove(&name).unwrap_or_else(|| (root.join(&name), Kept::default()));
            self.files.insert(name, kept);
        }
    }
}

/// The paths below `root` that match `pattern`, in order; components with `*` are listed, others taken as they are.
pub(crate) fn matches(root: &Root, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let components: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    for (index, component) in components.iter().enumerate() {
        let last = index + 1 == components.len();
        let mut next = Vec::new();
        for base in &found {
            if component.contains('*') {
                let names = list(&root.join(base));
                next.extend(names.iter().filter(|name| is_match(component, name)).map(|name| format!("{base}/{name}")));
            } else {
                next.push(format!("{base}/{component}"));
            }
        }
        if last || !component.contains('*') {
            next.retain(|path| !last || !pattern.contains('*') || root.join(path).exists());
        }
        next.truncate(MOST_MATCHES);
        found = next;
    }
    found
}

/// Names in a directory, in order; none where it cannot be read.
pub(crate) fn list(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Whether `name` matches a component in which `*` stands for anything.
fn is_match(component: &str, name: &str) -> bool {
    let mut parts = component.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_within_a_component() {
        assert!(is_match("cpu*", "cpu12"));
        assert!(is_match("*", "x"));
        assert!(is_match("mc*_count", "mc0_ce_count"));
        assert!(!is_match("cpu*x", "cpu12"));
        assert!(!is_match("cpu", "cpu1"));
    }

    #[test]
    fn patterns_list_only_what_exists() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a1/f", "a2/f", "a3/g"] {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "1\n").unwrap();
        }
        let root = Root::at(directory.path());
        assert_eq!(matches(&root, "/a*/f"), ["/a1/f", "/a2/f"]);
        assert_eq!(matches(&root, "/b*/f"), [""; 0]);
    }

    #[test]
    fn files_come_and_go_at_slow_ticks() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(directory.path().join(name), "1\n").unwrap();
        write("f1");
        let root = Root::at(directory.path());
        let sources =
            [Source { path: "/f*", cadence: Cadence::Every }, Source { path: "/none", cadence: Cadence::Every }];
        let mut files = Files::new(sources.into_iter());
        let mut sample = |slow: bool| {
            let mut out = RawSnapshot::default();
            files.sample(&root, Tick { first: false, slow }, &mut Vec::new(), &mut out);
            out.sources.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(sample(true), ["/f1", "/none"]);
        write("f2");
        std::fs::remove_file(directory.path().join("f1")).unwrap();
        assert_eq!(sample(true), ["/f2", "/none"]);
    }
}
