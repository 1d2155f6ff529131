//! The door through which files come in.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Where the files of the host come from.
pub trait Files {
    /// An open file.
    type File: Read + Seek;
    /// Opens the file at an absolute path of the host.
    fn open(&self, path: &str) -> io::Result<Self::File>;

    /// The bytes of a file, for as long as the program runs and without reading them ahead; `None` where that cannot be
    /// had. Of debug information, which may be larger than everything else, only what is looked at is then in memory.
    fn map(&self, path: &str) -> Option<&'static [u8]> {
        let _ = path;
        None
    }
}

/// The files of the running host, or of another one whose root is mounted at a directory.
#[derive(Debug, Clone)]
pub struct HostFiles(pub PathBuf);

impl Files for HostFiles {
    type File = File;

    /// Only regular files: a recording may name a pipe or a device, and opening those could wait forever.
    fn open(&self, path: &str) -> io::Result<File> {
        let path = self.0.join(path.trim_start_matches('/'));
        if !std::fs::metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        File::open(path)
    }
}

/// An open file, or bytes that stand for one (the vdso, an unpacked section).
#[derive(Debug)]
pub(crate) enum Source<F> {
    File(F),
    Bytes(Cursor<Vec<u8>>),
}

impl<F: Read> Read for Source<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Bytes(bytes) => bytes.read(buffer),
        }
    }
}

impl<F: Seek> Seek for Source<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Bytes(bytes) => bytes.seek(to),
        }
    }
}

/// A whole file, up to `most` bytes: files of `/proc` and `/sys`, which do not tell their length.
pub(crate) fn read<F: Files>(files: &F, path: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files.open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The vdso that the kernel maps into this process: the same in every process of this boot with the same word size.
pub(crate) fn own_vdso<F: Files>(files: &F) -> Option<Vec<u8>> {
    use perfuse_format::FromBytes as _;
    let maps = read(files, "/proc/self/maps", 16 << 20).ok()?;
    let maps = perfuse_format::proc::maps::Maps::from_bytes(&maps).ok()?;
    let vdso = maps.0.iter().find(|mapping| mapping.path == "[vdso]")?;
    let length = vdso.end.checked_sub(vdso.start).filter(|length| *length < 1 << 20)?;
    let mut memory = files.open("/proc/self/mem").ok()?;
    memory.seek(SeekFrom::Start(vdso.start)).ok()?;
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    memory.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
