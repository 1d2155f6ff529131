//! Probes that tracefs cannot hold, in files of their own: one a probe, in a directory that is gone at the next boot, as
//! probes of tracefs are.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use perfuse_format::live::StoredProbe;
use perfuse_format::parse::FromBytes as _;
use perfuse_format::probe::is_event_name;

/// Largest file that is read: a definition has some hundred bytes.
const LARGEST: u64 = 1 << 16;
/// Most probes that are read.
const MOST: usize = 4_096;
/// The first number of these events; each has the next lower one. The kernel counts its own from the other end.
const FIRST_ID: u16 = 64_999;

/// The directory of these files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProbes {
    directory: PathBuf,
}

impl StoredProbes {
    /// Of this directory, which need not exist.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Of whoever runs this: `/run/perfuse/probes` for root, else below `$XDG_RUNTIME_DIR`, which is an argument.
    pub fn of_user(runtime: Option<&Path>) -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            return Some(Self::at("/run/perfuse/probes"));
        }
        runtime.map(|runtime| Self::at(runtime.join("perfuse/probes")))
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// All that can be read, in the order of their names. What is no probe of ours is left out.
    pub fn all(&self) -> Vec<StoredProbe> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).take(MOST).collect();
        names.sort();
        names.iter().filter_map(|path| read(path).ok()).collect()
    }

    /// A number that no other probe here has.
    pub fn free_id(&self) -> Option<u16> {
        let taken: Vec<u16> = self.all().iter().map(|probe| probe.id).collect();
        (FIRST_ID - u16::try_from(MOST).unwrap_or(0)..=FIRST_ID).rev().find(|id| !taken.contains(id))
    }

    fn path(&self, group: &str, event: &str) -> io::Result<PathBuf> {
        if is_event_name(group) && is_event_name(event) {
            return Ok(self.directory.join(format!("{group}:{event}")));
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "no name of an event"))
    }

    /// Keeps a probe; one of the same name is replaced. The file is there whole or not at all.
    pub fn put(&self, probe: &StoredProbe) -> io::Result<()> {
        let path = self.path(&probe.probe.group, &probe.probe.event)?;
        fs::create_dir_all(&self.directory)?;
        let new = self.directory.join(format!(".new-{}", std::process::id()));
        let written = fs::File::create(&new).and_then(|mut file| file.write_all(probe.to_text().as_bytes()));
        let put = written.and_then(|()| fs::rename(&new, &path));
        if put.is_err() {
            let _ = fs::remove_file(&new);
        }
        put
    }

    /// Removes a probe.
    pub fn remove(&self, group: &str, event: &str) -> io::Result<()> {
        fs::remove_file(self.path(group, event)?)
    }
}

fn read(path: &Path) -> io::Result<StoredProbe> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    StoredProbe::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use perfuse_format::live::{Hooked, Method};
    use perfuse_format::probe::TraceProbe;

    use super::*;

    #[test]
    fn probes_are_kept_listed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = StoredProbes::at(dir.path().join("probes"));
        assert!(store.all().is_empty());
        let mut probe = StoredProbe {
            id: store.free_id().unwrap(),
            hook: Hooked { method: Method::TpBtf, name: "f".to_owned() },
            probe: TraceProbe::parse("p:probe/f f+0 a=$arg1:s32").unwrap(),
            given: "f a".to_owned(),
        };
        assert_eq!(probe.id, 64_999);
        store.put(&probe).unwrap();
        assert_eq!(store.all(), [probe.clone()]);
        assert_eq!(store.free_id(), Some(64_998));
        fs::write(store.directory().join("odd"), "no probe").unwrap();
        assert_eq!(store.all().len(), 1);
        store.remove("probe", "f").unwrap();
        assert!(store.all().is_empty() && store.remove("probe", "f").is_err());
        probe.probe.event = "../f".to_owned();
        assert!(store.put(&probe).is_err());
    }
}
