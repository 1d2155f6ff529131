//! The tracing filesystem: which tracepoints there are, their ids and formats.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use perfuse_format::event::TraceDenied;

use super::pmu::read_text;
use crate::root::Root;

/// Where tracefs is: by itself, or (before Linux 4.1, and by habit) inside debugfs.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Largest file read here: a format has a few kilobytes, `printk_formats` may have some hundred.
const LARGEST: u64 = 1 << 26;

/// A mounted tracefs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracefs {
    directory: PathBuf,
}

impl Tracefs {
    /// Looks in the usual places, then where the mount table says.
    pub fn find(root: &Root) -> Result<Self, TraceDenied> {
        let mut denied = TraceDenied::NotMounted;
        let usual = PLACES.iter().map(|place| root.join(place));
        for directory in usual.chain(mounted(root)) {
            match fs::read_dir(directory.join("events")) {
                Ok(_) => return Ok(Self { directory }),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    denied = TraceDenied::Permission(directory.join("events").display().to_string());
                }
                Err(_) => {}
            }
        }
        Err(denied)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names of all systems, in the order of the directory.
    pub fn systems(&self) -> Result<Vec<String>, TraceDenied> {
        directories(&self.directory.join("events"))
    }

    /// Names of the tracepoints of one system, in the order of the directory. A system of probes is there only while
    /// it has one.
    pub fn tracepoints(&self, system: &str) -> Result<Vec<String>, TraceDenied> {
        directories(&self.inside(&[system])?)
    }

    /// The id of one tracepoint.
    pub fn id(&self, system: &str, name: &str) -> Result<u64, TraceDenied> {
        let path = self.inside(&[system, name])?.join("id");
        let text = read_text(&path).map_err(|error| denied(&path, &error))?;
        text.parse()
            .map_err(|_| TraceDenied::Other { path: path.display().to_string(), error: format!("`{text}` is no id") })
    }

    /// The `format` file of one tracepoint.
    pub fn format(&self, system: &str, name: &str) -> Result<Vec<u8>, TraceDenied> {
        read(&self.inside(&[system, name])?.join("format"))
    }

    /// A file directly below the mount point or below `events`, such as `events/header_page`, `printk_formats` or
    /// `saved_cmdlines`.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, TraceDenied> {
        read(&self.directory.join(name))
    }

    /// A path below `events`; names from a command line must not lead out of it.
    fn inside(&self, names: &[&str]) -> Result<PathBuf, TraceDenied> {
        let mut path = self.directory.join("events");
        path.extend(names);
        let odd = |name: &&str| name.is_empty() || name.starts_with('.') || name.contains('/');
        if names.iter().any(odd) { Err(TraceDenied::NotFound(path.display().to_string())) } else { Ok(path) }
    }
}

/// Mount points of type tracefs.
fn mounted(root: &Root) -> Vec<PathBuf> {
    let mounts = fs::read_to_string(root.join("/proc/mounts")).unwrap_or_default();
    let points = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        (kind == "tracefs").then(|| root.join(&point.replace("\\040", " ")))
    });
    points.collect()
}

fn denied(path: &Path, error: &io::Error) -> TraceDenied {
    let path = path.display().to_string();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TraceDenied::NotFound(path),
        io::ErrorKind::PermissionDenied => TraceDenied::Permission(path),
        _ => TraceDenied::Other { path, error: error.to_string() },
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TraceDenied> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| denied(path, &error))?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| denied(path, &error))?;
    Ok(bytes)
}

/// Names of the directories in a directory.
fn directories(path: &Path) -> Result<Vec<String>, TraceDenied> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| denied(path, &error))? {
        let entry = entry.map_err(|error| denied(path, &error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}
