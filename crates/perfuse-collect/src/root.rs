//! Where the files of the host are: `/`, or the directory below which another host's are seen (in a container
//! that mounts the host's root, and in tests).

use std::path::{Path, PathBuf};

/// The directory that stands for `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self(PathBuf::from("/"))
    }
}

impl Root {
    /// A root other than `/`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where the host's absolute `path` is found.
    pub fn join(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The directory itself.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Whether this is the running system itself: only then do calls that no file stands for (netlink, statvfs, BPF)
    /// speak of the same host.
    pub fn is_live(&self) -> bool {
        self.0 == Path::new("/")
    }
}
