//! Files: written, created, read, opened.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Chance, Meter, Words, burn, for_ever};

/// What direct I/O wants its buffers and places to be a multiple of.
const ALIGN: usize = 4096;

/// A buffer for direct I/O.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(len: usize) -> Self {
        let bytes = vec![7_u8; len + ALIGN];
        let start = bytes.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { bytes, start, len }
    }

    fn get(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    fn get_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

fn direct(path: &Path, mib: u64, seed: u64) -> Result<File> {
    let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits())?;
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() < mib << 20 {
        // Written and not only reserved: reading or overwriting it later is then just that.
        let block = vec![u8::try_from(seed % 251)?; 1 << 20];
        for _ in 0..mib {
            file.write_all(&block)?;
        }
        file.sync_all()?;
    }
    Ok(OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?)
}

/// A file that is written block by block past the page cache.
pub(super) struct Direct {
    file: File,
    buffer: Aligned,
    places: u64,
    next: u64,
}

impl Direct {
    /// Of `mib`, in blocks of `size`.
    pub(super) fn open(path: &Path, mib: u64, size: usize) -> Result<Self> {
        let places = (mib << 20) / size as u64;
        Ok(Self { file: direct(path, mib, 1)?, buffer: Aligned::new(size), places, next: 0 })
    }

    /// The next block.
    pub(super) fn write(&mut self) -> Result<()> {
        self.next = (self.next + 1) % self.places;
        Ok(self.file.write_all_at(self.buffer.get(), self.next * self.buffer.len as u64)?)
    }
}

/// Writes (or, with `read=1`, reads) `size` bytes of `path` past the page cache every `period_us`.
pub(super) fn store(words: &Words) -> Result<()> {
    let size = usize::try_from(words.number("size", 4096)?)?;
    let (mib, read) = (words.number("mib", 16)?, words.number("read", 0)? == 1);
    let sync = words.number("sync", 0)? == 1;
    let path = PathBuf::from(words.text("path")?);
    let mut meter = Meter::new();
    for thread in 0..words.number("threads", 1)? {
        let file = direct(&path, mib, thread)?;
        let mut buffer = Aligned::new(size);
        let mut chance = Chance::new(thread + 1);
        let places = (mib << 20) / size as u64;
        meter.every(words.micros("period_us", 10_000)?, move || {
            let place = chance.below(places) * size as u64;
            if read {
                file.read_exact_at(buffer.get_mut(), place)?;
            } else {
                file.write_all_at(buffer.get(), place)?;
            }
            if sync {
                file.sync_data()?;
            }
            Ok(())
        });
    }
    meter.tell()
}

/// Writes (or reads) large blocks past the page cache, `threads` at a time, for ever.
pub(super) fn pour(words: &Words) -> Result<()> {
    let size = usize::try_from(words.number("size", 1 << 20)?)?;
    let (mib, read) = (words.number("mib", 64)?, words.number("read", 0)? == 1);
    let path = PathBuf::from(words.text("path")?);
    for thread in 0..words.number("threads", 4)? {
        let file = direct(&path, mib, thread)?;
        std::thread::spawn(move || -> Result<()> {
            let mut buffer = Aligned::new(size);
            let places = (mib << 20) / size as u64;
            for block in thread * 7.. {
                let place = (block % places) * size as u64;
                if read {
                    file.read_exact_at(buffer.get_mut(), place)?;
                } else {
                    file.write_all_at(buffer.get(), place)?;
                }
            }
            Ok(())
        });
    }
    for_ever()
}

/// Writes a new file of `size` bytes in `path` every `period_us`, without the page cache having the last word, and takes
/// away the one of some operations ago.
pub(super) fn create(words: &Words) -> Result<()> {
    let directory = PathBuf::from(words.text("path")?);
    let block = vec![1_u8; usize::try_from(words.number("size", 64 << 10)?)?];
    let buffered = words.number("buffered", 0)? == 1;
    let keep = words.number("keep", 8)?;
    let mut count = 0_u64;
    let mut meter = Meter::new();
    meter.every(words.micros("period_us", 20_000)?, move || {
        count += 1;
        let old = directory.join(format!("order-{}", count.saturating_sub(keep)));
        // Was never written where there was no room for it.
        let _ = std::fs::remove_file(old);
        let mut file = File::create(directory.join(format!("order-{count}")))?;
        file.write_all(&block)?;
        if !buffered {
            file.sync_data()?;
        }
        Ok(())
    });
    meter.tell()
}

/// Fills the filesystem of `path` and keeps it full.
pub(super) fn fill(words: &Words) -> Result<()> {
    let mut file = File::create(words.text("path")?)?;
    let mut block = vec![3_u8; 1 << 20];
    loop {
        if file.write_all(&block).is_err() {
            // What is given back by others is taken at once, in smaller pieces.
            if block.len() > 4096 {
                block.truncate(block.len() / 2);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Reads `size` bytes at a time at places of a file of `mib` through the page cache every `period_us`; without a pause and
/// in order if that is 0.
pub(super) fn read(words: &Words) -> Result<()> {
    let (mib, size) = (words.number("mib", 64)?, words.number("size", 64 << 10)?);
    let path = PathBuf::from(words.text("path")?);
    if std::fs::metadata(&path).map_or(0, |metadata| metadata.len()) < mib << 20 {
        let mut file = File::create(&path)?;
        let block = vec![5_u8; 1 << 20];
        for _ in 0..mib {
            file.write_all(&block)?;
        }
        file.sync_all()?;
    }
    let mut buffer = vec![0_u8; usize::try_from(size)?];
    let period = words.micros("period_us", 10_000)?;
    if period.is_zero() {
        loop {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(0))?;
            let mut blocks = 0_u64;
            while file.read(&mut buffer)? > 0 {
                blocks += 1;
                // About a quarter of a CPU at most: it is the cache that is to be full.
                if blocks.is_multiple_of(16) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }
    let mut meter = Meter::new();
    for thread in 0..words.number("threads", 1)? {
        let file = File::open(&path)?;
        let mut buffer = buffer.clone();
        let mut chance = Chance::new(thread + 11);
        let reads = words.number("reads", 4)?;
        meter.every(period, move || {
            for _ in 0..reads {
                let place = chance.below((mib << 20) / size) * size;
                file.read_exact_at(&mut buffer, place)?;
            }
            Ok(())
        });
    }
    meter.tell()
}

/// Opens `files` more files every `period_us`, holds them while it computes, and closes them.
pub(super) fn open(words: &Words) -> Result<()> {
    let (files, work) = (words.number("files", 40)?, words.micros("work_us", 500)?);
    let mut meter = Meter::new();
    meter.every(words.micros("period_us", 10_000)?, move || {
        let start = Instant::now();
        let opened: Result<Vec<File>, _> = (0..files).map(|_| File::open("/proc/self/comm")).collect();
        let opened = opened?;
        burn(work.saturating_sub(start.elapsed()));
        drop(opened);
        Ok(())
    });
    meter.tell()
}

/// Makes empty files in `path` until there is no inode left, and goes on trying.
pub(super) fn litter(words: &Words) -> Result<()> {
    let directory = PathBuf::from(words.text("path")?);
    for count in 0_u64.. {
        if File::create(directory.join(format!("mail-{count}"))).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    Ok(())
}
