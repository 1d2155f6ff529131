//! Who has which file mapped where, as far as unwinding needs it.

use std::collections::BTreeMap;

use crate::unwind::CfiId;
use perfuse_format::perfdata::record::kind;

/// The part of a mapping that unwinding needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Map {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) pgoff: u64,
    pub(crate) file: usize,
}

/// What is known of a mapped file.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) path: String,
    pub(crate) cfi: Cfi,
}

/// What is known of a file's call frame information.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cfi {
    /// Nobody has looked yet.
    Unopened,
    /// There is none.
    Without,
    /// The unwinder has it.
    With(CfiId),
}

/// The mappings of all processes.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    /// Sorted by address.
    pub(crate) processes: BTreeMap<i32, Vec<Map>>,
    pub(crate) images: Vec<Image>,
    known: BTreeMap<String, usize>,
}

impl Maps {
    /// Takes note of a record.
    pub(crate) fn note(&mut self, record: &[u8]) {
        let Some((head, body)) = record.split_first_chunk::<8>() else { return };
        match u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) {
            kind::MMAP2 if head[4] & 7 == 2 => self.map(body, 64),
            kind::MMAP if head[4] & 7 == 2 => self.map(body, 32),
            kind::FORK => {
                let (Some(pid), Some(parent)) = (i32_at(body, 0), i32_at(body, 4)) else { return };
                if pid != parent
                    && let Some(maps) = self.processes.get(&parent).cloned()
                {
                    self.processes.insert(pid, maps);
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, body: &[u8], path: usize) {
        let numbers = (i32_at(body, 0), u64_at(body, 8), u64_at(body, 16), u64_at(body, 24));
        let (Some(pid), Some(start), Some(length), Some(pgoff)) = numbers else { return };
        let Some(path) = body.get(path..).and_then(|rest| rest.split(|&byte| byte == 0).next()) else { return };
        let path = String::from_utf8_lossy(path).into_owned();
        let images = &mut self.images;
        let file = *self.known.entry(path).or_insert_with_key(|path| {
            images.push(Image { path: path.clone(), cfi: Cfi::Unopened });
            images.len() - 1
        });
        let end = start.saturating_add(length);
        let maps = self.processes.entry(pid).or_default();
        // What was there before is no longer.
        maps.retain(|map| map.end <= start || map.start >= end);
        let at = maps.partition_point(|map| map.start < start);
        maps.insert(at, Map { start, end, pgoff, file });
    }
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

pub(crate) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes))
}
