//! Cgroups whose tasks are counted.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::root::Root;

/// The hierarchy that perf events go by: the `perf_event` controller of version 1 where it is mounted, else version 2.
pub fn hierarchy(root: &Root) -> Option<PathBuf> {
    let mounts = std::fs::read_to_string(root.join("/proc/self/mounts")).ok()?;
    let mut unified = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(point), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let point = point.replace("\\040", " ");
        match kind {
            "cgroup" if options.split(',').any(|option| option == "perf_event") => return Some(point.into()),
            "cgroup2" => unified = unified.or(Some(point)),
            _ => {}
        }
    }
    unified.map(PathBuf::from)
}

/// Names of all cgroups below the hierarchy, the root (which has none) first; those that cannot be looked into are left
/// out.
pub fn names(root: &Root) -> Vec<String> {
    let Some(top) = hierarchy(root).map(|path| root.join(&path.to_string_lossy())) else { return Vec::new() };
    let (mut names, mut waiting) = (vec![String::new()], vec![(String::new(), top)]);
    while let Some((name, path)) = waiting.pop() {
        let entries = std::fs::read_dir(&path).into_iter().flatten().filter_map(Result::ok);
        for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            let Ok(own) = entry.file_name().into_string() else { continue };
            let full = if name.is_empty() { own } else { format!("{name}/{own}") };
            names.push(full.clone());
            waiting.push((full, entry.path()));
        }
    }
    names.sort_unstable();
    names
}

/// Opens the directory of a cgroup for `perf_event_open`; the error is of the path that is given with it.
pub fn open(root: &Root, name: &str) -> Result<File, (PathBuf, io::Error)> {
    let none = || (PathBuf::from("/sys/fs/cgroup"), io::Error::from(io::ErrorKind::NotFound));
    let path = hierarchy(root).ok_or_else(none)?.join(name.trim_start_matches('/'));
    let directory = File::open(root.join(&path.to_string_lossy())).map_err(|error| (path.clone(), error))?;
    match directory.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(directory),
        Ok(_) => Err((path, io::Error::from(io::ErrorKind::NotADirectory))),
        Err(error) => Err((path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(mounts: &str) -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("proc/self")).unwrap();
        std::fs::write(directory.path().join("proc/self/mounts"), mounts).unwrap();
        let root = Root::at(directory.path());
        (directory, root)
    }

    #[test]
    fn version_1_with_the_controller_comes_before_version_2() {
        let both = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\nx /sys/fs/cgroup/perf cgroup rw,perf_event 0 0\n";
        assert_eq!(hierarchy(&root(both).1), Some("/sys/fs/cgroup/perf".into()));
        let two = "x /cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        assert_eq!(hierarchy(&root(two).1), Some("/sys/fs/cgroup".into()));
        assert_eq!(hierarchy(&root("tmpfs / tmpfs rw 0 0\n").1), None);
    }

    #[test]
    fn a_cgroup_that_is_not_there_is_named() {
        let (directory, root) = root("cgroup2 /cg cgroup2 rw 0 0\n");
        std::fs::create_dir_all(directory.path().join("cg/a")).unwrap();
        std::fs::write(directory.path().join("cg/file"), "").unwrap();
        std::fs::create_dir_all(directory.path().join("cg/a/inner")).unwrap();
        assert_eq!(names(&root), ["", "a", "a/inner"]);
        assert!(open(&root, "a").is_ok() && open(&root, "/a").is_ok());
        assert_eq!(open(&root, "b").unwrap_err().0, PathBuf::from("/cg/b"));
        assert_eq!(open(&root, "file").unwrap_err().1.kind(), io::ErrorKind::NotADirectory);
    }
}
