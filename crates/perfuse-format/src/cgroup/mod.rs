//! The control groups of one snapshot, in whatever hierarchies are mounted (v1, v2, or both).
//!
//! The sampler puts the files of each cgroup into the snapshot under their real path
//! (`/sys/fs/cgroup/unified/a/cpu.stat`). [`Hierarchies`] learns from `/proc/self/mountinfo` where each
//! hierarchy is mounted; [`Hierarchies::groups`] then lists the cgroups below it.

pub mod io;

use std::collections::BTreeSet;

use crate::parse::FromBytes;
use crate::proc::mountinfo::MountInfo;
use crate::raw::RawSnapshot;
use crate::reading::Reading;

/// One mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where it is mounted, without a final slash.
    pub mount_point: String,
    /// Directory of the hierarchy that is its root here (not `/` in a container).
    pub root: String,
    /// `None` for v2; the controllers of a v1 hierarchy otherwise.
    pub controllers: Option<Vec<String>>,
}

/// All mounted hierarchies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchies(pub Vec<Hierarchy>);

/// How cgroups are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// No cgroup filesystem at all.
    None,
    /// Only v1.
    V1,
    /// Only v2.
    V2,
    /// Both side by side.
    Hybrid,
}

impl Hierarchies {
    /// The hierarchies that a mount table shows.
    pub fn from_mounts(mounts: &MountInfo) -> Self {
        let mut hierarchies = Vec::new();
        for mount in &mounts.0 {
            let controllers = match mount.fs_type.as_str() {
                "cgroup2" => None,
                "cgroup" => Some(
                    mount
                        .super_options
                        .split(',')
                        .filter(|option| !matches!(*option, "rw" | "ro" | "xattr" | "clone_children" | "noprefix"))
                        .map(str::to_owned)
                        .collect(),
                ),
                _ => continue,
            };
            let mount_point = mount.mount_point.trim_end_matches('/').to_owned();
            let hierarchy = Hierarchy { mount_point, root: mount.root.clone(), controllers };
            // The same hierarchy can be mounted twice; the first one is enough.
            if !hierarchies.iter().any(|known: &Hierarchy| known.controllers == hierarchy.controllers) {
                hierarchies.push(hierarchy);
            }
        }
        Self(hierarchies)
    }

    /// The hierarchies of the host of a snapshot.
    pub fn from_raw(raw: &RawSnapshot) -> Reading<Self> {
        raw.get::<MountInfo>("/proc/self/mountinfo").map(|mounts| Self::from_mounts(&mounts))
    }

    /// The v2 hierarchy.
    pub fn v2(&self) -> Option<&Hierarchy> {
        self.0.iter().find(|hierarchy| hierarchy.controllers.is_none())
    }

    /// The v1 hierarchy with `controller`.
    pub fn v1(&self, controller: &str) -> Option<&Hierarchy> {
        self.0.iter().find(|hierarchy| {
            hierarchy.controllers.as_ref().is_some_and(|controllers| controllers.iter().any(|c| c == controller))
        })
    }

    /// How they are mounted.
    pub fn layout(&self) -> Layout {
        let v1 = self.0.iter().any(|hierarchy| hierarchy.controllers.is_some());
        match (v1, self.v2().is_some()) {
            (false, false) => Layout::None,
            (true, false) => Layout::V1,
            (false, true) => Layout::V2,
            (true, true) => Layout::Hybrid,
        }
    }
}

impl Hierarchy {
    /// The paths of the cgroups below this mount for which the snapshot has any file, `/` first, in order.
    pub fn groups(&self, raw: &RawSnapshot) -> Vec<String> {
        let prefix = format!("{}/", self.mount_point);
        let mut groups = BTreeSet::new();
        for (rest, _) in raw.under(&prefix) {
            match rest.rfind('/') {
                Some(slash) => groups.insert(format!("/{}", &rest[..slash])),
                None => groups.insert("/".to_owned()),
            };
        }
        groups.into_iter().collect()
    }

    /// The source name of `file` in `group` (`/` or `/a/b`).
    pub fn path(&self, group: &str, file: &str) -> String {
        let group = group.trim_end_matches('/');
        format!("{}{group}/{file}", self.mount_point)
    }

    /// The parsed `file` of `group`.
    pub fn get<T: FromBytes>(&self, raw: &RawSnapshot, group: &str, file: &str) -> Reading<T> {
        raw.get(&self.path(group, file))
    }
}

/// `group` and its ancestors, nearest first, `/` last.
pub fn ancestors(group: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(group);
    std::iter::from_fn(move || {
        let current = next?;
        next = match current.rfind('/') {
            _ if current == "/" => None,
            Some(0) => Some("/"),
            Some(slash) => Some(&current[..slash]),
            None => None,
        };
        Some(current)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"30 1 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n31 1 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn both_versions_side_by_side() {
        let found = Hierarchies::from_mounts(&MountInfo::from_bytes(MOUNTS).unwrap());
        assert_eq!(found.layout(), Layout::Hybrid);
        assert_eq!(found.v1("cpuacct").unwrap().mount_point, "/sys/fs/cgroup/cpu");
        assert!(found.v1("memory").is_none());
        assert_eq!(Hierarchies::default().layout(), Layout::None);
    }

    #[test]
    fn groups_are_found_by_their_files() {
        let mut raw = RawSnapshot::default();
        raw.put("/proc/self/mountinfo", MOUNTS);
        raw.put("/sys/fs/cgroup/unified/cgroup.stat", "");
        raw.put("/sys/fs/cgroup/unified/a/b/cpu.stat", "usage_usec 5\n");
        let hierarchies = Hierarchies::from_raw(&raw).into_value().unwrap();
        let v2 = hierarchies.v2().unwrap();
        assert_eq!(v2.groups(&raw), ["/", "/a/b"]);
        assert_eq!(v2.path("/", "cpu.stat"), "/sys/fs/cgroup/unified/cpu.stat");
        assert_eq!(
            v2.get::<crate::parse::KeyValues>(&raw, "/a/b", "cpu.stat").into_value().unwrap().get("usage_usec"),
            Some(5)
        );
    }

    #[test]
    fn ancestors_end_at_the_root() {
        assert_eq!(ancestors("/a/b").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!(ancestors("/").collect::<Vec<_>>(), ["/"]);
    }
}
