//! The untouched bytes of one host at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::parse::{FromBytes, read};
use crate::reading::{Missing, Reading, Why};

/// What reading one source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// The bytes, as the kernel gave them. Snapshots that are kept in several places share them.
    Bytes(Arc<Vec<u8>>),
    /// The kernel's refusal, an errno of Linux.
    Errno(i32),
}

/// Everything that was read at one moment, by source.
///
/// A source is an absolute path of a file (`/proc/stat`, `/sys/fs/cgroup/a/cpu.stat`), or a name that starts
/// with `@` for what is no file: `@host`, `@tasks`, `@statvfs`, `@netlink/qdisc`, `@bpf/runq`. Files that
/// a slow cadence leaves out of this snapshot are simply not in the map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawSnapshot {
    /// `CLOCK_MONOTONIC` in nanoseconds: the time base of every rate.
    pub mono_ns: u64,
    /// `CLOCK_REALTIME` in nanoseconds since 1970: only for showing.
    pub real_ns: u64,
    /// Sources in the order of their names.
    pub sources: BTreeMap<String, Raw>,
}

impl RawSnapshot {
    /// The bytes of `source`, or why there are none.
    pub fn bytes(&self, source: &str) -> Reading<&[u8]> {
        match self.sources.get(source) {
            Some(Raw::Bytes(bytes)) => Reading::Value(bytes),
            Some(Raw::Errno(errno)) => Reading::Missing(Missing::from_errno(*errno, source.to_owned())),
            None => Reading::Missing(Missing::new(Why::NotSampled, source.to_owned())),
        }
    }

    /// The parsed value of `source`.
    pub fn get<T: FromBytes>(&self, source: &str) -> Reading<T> {
        self.bytes(source).and_then(|bytes| read(bytes, source))
    }

    /// Whether this snapshot tried to read `source`.
    pub fn has(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    /// The sources whose name starts with `prefix`, in order: `(rest of the name, raw)`.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Raw)> {
        self.sources
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(move |(name, raw)| (&name[prefix.len()..], raw))
    }

    /// Puts the bytes of a source in; for collectors and tests.
    pub fn put(&mut self, source: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.sources.insert(source.into(), Raw::Bytes(Arc::new(bytes.into())));
    }

    /// Puts a refusal in.
    pub fn put_errno(&mut self, source: impl Into<String>, errno: i32) {
        self.sources.insert(source.into(), Raw::Errno(errno));
    }
}
