//! The files of every cgroup, in whatever hierarchies are mounted.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use perfuse_format::cgroup::{Hierarchies, Hierarchy};
use perfuse_format::{RawSnapshot, Reading};

use crate::kept::Kept;
use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::{Cadence, CgroupFile};

/// More cgroups than this are not sampled; a host with more names the cut in `@cgroups`.
const MOST_GROUPS: usize = 4096;

/// Directories below each other; systemd nests to about 8.
const DEEPEST: usize = 32;

/// One file of one cgroup.
#[derive(Debug)]
struct Entry {
    name: String,
    path: PathBuf,
    cadence: Cadence,
    kept: Kept,
    /// Asked once and not there: the controller is not enabled for this cgroup. Asked again at slow ticks.
    absent: bool,
}

/// One directory, with the number of subdirectories it had when it was last listed.
#[derive(Debug)]
struct Group {
    links: u64,
    files: Vec<Entry>,
}

/// All cgroups.
#[derive(Debug)]
pub(crate) struct Cgroups {
    wanted: Vec<CgroupFile>,
    /// Mount points with the files that are wanted from their groups.
    hierarchies: Vec<(String, Vec<CgroupFile>)>,
    groups: BTreeMap<String, Group>,
    /// The walk stopped at the limit.
    cut: bool,
}

impl Cgroups {
    pub(crate) fn new(wanted: impl Iterator<Item = CgroupFile>) -> Self {
        let mut unique: Vec<CgroupFile> = Vec::new();
        for file in wanted {
            match unique.iter_mut().find(|known| known.file == file.file && known.v1 == file.v1) {
                Some(known) if file.cadence == Cadence::Every => known.cadence = Cadence::Every,
                Some(_) => {}
                None => unique.push(file),
            }
        }
        Self { wanted: unique, hierarchies: Vec::new(), groups: BTreeMap::new(), cut: false }
    }

    pub(crate) fn sample(
        &mut self,
        root: &Root,
        tick: Tick,
        spare: usize,
        buffer: &mut Vec<u8>,
        out: &mut RawSnapshot,
    ) {
        if tick.first || self.hierarchies.is_empty() {
            self.mounts(out);
        }
        self.walk(root);
        let mut open = 0;
        for group in self.groups.values_mut() {
            for entry in &mut group.files {
                if !tick.is_due(entry.cadence) || (entry.absent && !tick.slow) {
                    continue;
                }
                match entry.kept.read(&entry.path, buffer) {
                    Ok(bytes) => {
                        entry.absent = false;
                        out.put(entry.name.clone(), bytes);
                    }
                    // Not there in this group (the root has no limits; a controller may be off): nothing to say of it.
                    Err(libc::ENOENT) => entry.absent = true,
                    Err(errno) => out.put_errno(entry.name.clone(), errno),
                }
                open += 1;
                if entry.cadence != Cadence::Every || open > spare {
                    entry.kept.close();
                }
            }
        }
        out.put("@cgroups", format!("groups {}\ncut {}\n", self.groups.len(), u8::from(self.cut)));
    }

    /// Learns from the mount table of this snapshot which hierarchies there are and what to read in each.
    fn mounts(&mut self, out: &RawSnapshot) {
        let Reading::Value(found) = Hierarchies::from_raw(out) else { return };
        for hierarchy in found.0 {
            let serves = |file: &CgroupFile| match (file.v1, &hierarchy.controllers) {
                (None, None) => true,
                (Some(controller), Some(controllers)) => controllers.iter().any(|name| name == controller),
                _ => false,
            };
            let files: Vec<CgroupFile> = self.wanted.iter().copied().filter(serves).collect();
            let Hierarchy { mount_point, .. } = hierarchy;
            if !files.is_empty() && !self.hierarchies.iter().any(|(known, _)| *known == mount_point) {
                self.hierarchies.push((mount_point, files));
            }
        }
    }

    /// Finds new groups and drops those that are gone. A directory is listed again only when its link count, which
    /// kernfs keeps as the number of subdirectories plus 2, has changed.
    fn walk(&mut self, root: &Root) {
        let mut seen = BTreeSet::new();
        self.cut = false;
        for (mount, files) in self.hierarchies.clone() {
            let mut pending = vec![(mount, 0_usize)];
            while let Some((group, depth)) = pending.pop() {
                if seen.len() >= MOST_GROUPS || depth > DEEPEST {
                    self.cut = true;
                    break;
                }
                let path = root.join(&group);
                let Ok(metadata) = std::fs::metadata(&path) else { continue };
                let changed = self.groups.get(&group).is_none_or(|known| known.links != metadata.nlink());
                if changed {
                    let subdirectories = subdirectories(&path);
                    pending.extend(subdirectories.iter().map(|name| (format!("{group}/{name}"), depth + 1)));
                } else if metadata.nlink() > 2 {
                    let below = format!("{group}/");
                    let children = self.groups.range(below.clone()..).map(|(name, _)| name);
                    let children = children.take_while(|name| name.starts_with(&below));
                    pending.extend(
                        children
                            .filter(|name| !name[below.len()..].contains('/'))
                            .map(|name| (name.clone(), depth + 1)),
                    );
                }
                let entry = self.groups.entry(group.clone()).or_insert_with(|| new_group(root, &group, &files));
                entry.links = metadata.nlink();
                seen.insert(group);
            }
        }
        self.groups.retain(|group, _| seen.contains(group));
    }

    /// Files that are open now.
    pub(crate) fn open_count(&self) -> usize {
        self.groups.values().flat_map(|group| &group.files).filter(|entry| entry.kept.is_open()).count()
    }
}

fn new_group(root: &Root, group: &str, files: &[CgroupFile]) -> Group {
    let files = files.iter().map(|file| {
        let name = format!("{group}/{}", file.file);
        Entry { path: root.join(&name), name, cadence: file.cadence, kept: Kept::default(), absent: false }
    });
    Group { links: 0, files: files.collect() }
}

fn subdirectories(path: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn groups_are_found_while_they_live_in_each_hierarchy() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        write(directory.path(), "cg/cpu/a/cpu.stat", "nr_throttled 1\n");
        write(directory.path(), "cg/two/b/cpu.stat", "nr_throttled 2\n");
        write(directory.path(), "cg/two/b/cpu.max", "max 100000\n");
        let mounts = "30 1 0:26 / /cg/cpu rw - cgroup cgroup rw,cpu\n31 1 0:27 / /cg/two rw - cgroup2 cgroup2 rw\n";
        let wanted = [
            CgroupFile { v1: Some("cpu"), file: "cpu.stat", cadence: Cadence::Every },
            CgroupFile { v1: None, file: "cpu.stat", cadence: Cadence::Every },
            CgroupFile { v1: None, file: "cpu.max", cadence: Cadence::Slow },
        ];
        let mut cgroups = Cgroups::new(wanted.into_iter());
        let mut sample = |tick: Tick| {
            let mut out = RawSnapshot::default();
            out.put("/proc/self/mountinfo", mounts);
            cgroups.sample(&root, tick, 100, &mut Vec::new(), &mut out);
            out.sources.keys().filter(|name| name.starts_with("/cg")).cloned().collect::<Vec<_>>()
        };
        let slow = Tick { first: true, slow: true };
        assert_eq!(sample(slow), ["/cg/cpu/a/cpu.stat", "/cg/two/b/cpu.max", "/cg/two/b/cpu.stat"]);
        write(directory.path(), "cg/two/c/cpu.stat", "nr_throttled 3\n");
        std::fs::remove_dir_all(directory.path().join("cg/cpu/a")).unwrap();
        assert_eq!(sample(Tick { first: false, slow: false }), ["/cg/two/b/cpu.stat", "/cg/two/c/cpu.stat"]);
    }
}
