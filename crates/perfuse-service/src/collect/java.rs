//! Where a Java virtual machine of this host keeps its counters.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use perfuse_format::hsperf::HsPerf;
use perfuse_format::parse::FromBytes as _;

/// Bytes of the file that are read at most; it has 32 KiB unless somebody asked for more.
const MOST: u64 = 1024 * 1024;
/// Directories of users that are looked into at most.
const DIRECTORIES: usize = 100;

/// Why there are no counters.
#[derive(Debug)]
pub(super) enum NoCounters {
    /// There is no file: no Java, or it was told to keep none.
    None,
    /// There is one that cannot be read.
    Unreadable(String),
}

/// The counters of a process. They lie in the temporary directory that the process sees, under the number that it has
/// there: in a container both are others than here.
pub(super) fn counters(pid: u32) -> Result<HsPerf, NoCounters> {
    let inside = inside(pid);
    let owner = fs::metadata(format!("/proc/{pid}")).map(|process| process.uid()).ok();
    let mut problem = NoCounters::None;
    for path in candidates(&PathBuf::from(format!("/proc/{pid}/root/tmp")), &inside) {
        let read = open(&path, owner).and_then(read);
        match read.map(|bytes| HsPerf::from_bytes(&bytes)) {
            Ok(Ok(counters)) => return Ok(counters),
            Ok(Err(error)) => problem = NoCounters::Unreadable(format!("{}: {error}", path.display())),
            Err(error) => problem = NoCounters::Unreadable(format!("{}: {error}", path.display())),
        }
    }
    Err(problem)
}

/// Number of the process in its own namespace: the last of `NSpid`.
fn inside(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let last = line.and_then(|line| line.split_ascii_whitespace().last());
    last.map_or_else(|| pid.to_string(), str::to_owned)
}

/// Files of that number in the directories of all users.
fn candidates(tmp: &Path, inside: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(tmp) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"hsperfdata_"))
        .take(DIRECTORIES)
        .map(|entry| entry.path().join(inside))
        .filter(|path| fs::symlink_metadata(path).is_ok())
        .collect()
}

/// Opens a file of the process' own user. Anybody may make files in a temporary directory, also links and pipes.
fn open(path: &Path, owner: Option<u32>) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || owner.is_some_and(|owner| owner != metadata.uid()) {
        return Err(io::Error::other("not a file of the process' user"));
    }
    Ok(file)
}

fn read(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
