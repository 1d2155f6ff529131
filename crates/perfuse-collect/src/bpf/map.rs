//! Maps: created from an object's definitions, read as whole tables.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::door::{Attr, Command, Errno, bpf, bpf_fd, lift_memlock};
use super::error::LoadError;
use super::object::{Global, MapSpec};
use super::types::{INT, Types};

/// `enum bpf_map_type` of `include/uapi/linux/bpf.h`, as far as it matters here.
pub(crate) mod kind {
    pub(crate) const ARRAY: u32 = 2;
    pub(crate) const PERF_EVENT_ARRAY: u32 = 4;
    pub(crate) const PERCPU_HASH: u32 = 5;
    pub(crate) const PERCPU_ARRAY: u32 = 6;
    pub(crate) const STACK_TRACE: u32 = 7;
    pub(crate) const LRU_PERCPU_HASH: u32 = 10;
    pub(crate) const RINGBUF: u32 = 27;
    /// Their values hang on inodes, tasks, sockets or cgroups, and need BTF.
    pub(crate) const LOCAL_STORAGE: [u32; 4] = [24, 28, 29, 32];
}

/// `BPF_F_RDONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;
/// Bytes of the table header: `perfuse_format::tasks::TABLE_HEADER`.
const HEADER: usize = perfuse_format::tasks::TABLE_HEADER;
/// Bytes that one batch may fetch; a larger map takes several.
const BATCH_BYTES: usize = 256 * 1024;
/// The largest value that a batch or lookup fetches for all CPUs together.
const MAX_VALUE: usize = 16 << 20;
/// `ENOTSUPP` of the kernel's inside, which has no name outside.
const ENOTSUPP: i32 = 524;

/// A map in the kernel.
#[derive(Debug)]
pub(crate) struct Map {
    fd: OwnedFd,
    spec: MapSpec,
    /// Possible CPUs: how many values a per-CPU map gives.
    cpus: usize,
}

/// The size of one entry in a table, padded as rows are.
fn padded(size: usize) -> usize {
    size.next_multiple_of(8)
}

impl Map {
    /// Creates a map.
    pub(crate) fn create(spec: &MapSpec, cpus: usize) -> Result<Self, LoadError> {
        let mut spec = spec.clone();
        if spec.kind == kind::PERF_EVENT_ARRAY && spec.max_entries == 0 {
            spec.max_entries = u32::try_from(cpus).unwrap_or(u32::MAX);
        }
        // Local storage must say of what type its keys and values are; any of their size will do.
        let mut types = Types::new();
        let value = types.bytes(spec.value_size);
        let types = if kind::LOCAL_STORAGE.contains(&spec.kind) { Some(types.load()?) } else { None };
        let create = || {
            let mut attr = Attr::new()
                .word(0, spec.kind)
                .word(4, spec.key_size)
                .word(8, spec.value_size)
                .word(12, spec.max_entries)
                .word(16, spec.flags)
                .name(28, &spec.name);
            if let Some(types) = &types {
                attr = attr.fd(48, types.as_fd()).word(52, INT).word(56, value);
            }
            // SAFETY: creating a map takes no pointer.
            unsafe { bpf_fd(Command::MapCreate, &mut attr) }
        };
        let fd = create().or_else(|errno| {
            if errno.0 != libc::EPERM {
                return Err(errno);
            }
            lift_memlock();
            create()
        });
        let fd = fd.map_err(|errno| LoadError::from_errno("BPF_MAP_CREATE", errno))?;
        Ok(Self { fd, spec, cpus: cpus.max(1) })
    }

    /// Creates the map behind a section of globals, filled with what they begin with.
    pub(crate) fn for_global(global: &Global, cpus: usize) -> Result<Self, LoadError> {
        let value_size = u32::try_from(global.bytes.len()).unwrap_or(u32::MAX);
        let spec = MapSpec {
            name: global.section.clone(),
            kind: kind::ARRAY,
            key_size: 4,
            value_size,
            max_entries: 1,
            flags: if global.read_only { RDONLY_PROG } else { 0 },
        };
        let map = Self::create(&spec, cpus)?;
        map.update(&0_u32.to_ne_bytes(), &global.bytes)
            .map_err(|errno| LoadError::from_errno("BPF_MAP_UPDATE_ELEM", errno))?;
        if global.read_only {
            // Frozen, its values are constants to the verifier, which then drops branches that they decide.
            let mut attr = Attr::new().fd(0, map.fd.as_fd());
            // SAFETY: freezing takes no pointer.
            unsafe { bpf(Command::MapFreeze, &mut attr) }
                .map_err(|errno| LoadError::from_errno("BPF_MAP_FREEZE", errno))?;
        }
        Ok(map)
    }

    /// The definition that it was made from.
    pub(crate) fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// Its descriptor as an immediate of an instruction.
    pub(crate) fn immediate(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Its descriptor.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn key_size(&self) -> usize {
        self.spec.key_size as usize
    }

    fn per_cpu(&self) -> bool {
        [kind::PERCPU_HASH, kind::PERCPU_ARRAY, kind::LRU_PERCPU_HASH].contains(&self.spec.kind)
    }

    fn is_array(&self) -> bool {
        [kind::ARRAY, kind::PERCPU_ARRAY].contains(&self.spec.kind)
    }

    /// Bytes that the kernel writes for one value.
    fn fetched(&self) -> usize {
        let value = self.spec.value_size as usize;
        if self.per_cpu() { padded(value).saturating_mul(self.cpus) } else { value }
    }

    /// Sets the value of a key.
    pub(crate) fn update(&self, key: &[u8], value: &[u8]) -> Result<(), Errno> {
        if key.len() != self.key_size() || value.len() != self.fetched() {
            return Err(Errno(libc::EINVAL));
        }
        let mut attr = Attr::new().fd(0, self.fd()).input(8, key).input(16, value).long(24, 0);
        // SAFETY: key and value have the sizes of this map, checked above.
        unsafe { bpf(Command::MapUpdate, &mut attr) }.map(drop)
    }

    /// The value of a key as the kernel gives it: of a per-CPU map, all CPUs one after the other.
    pub(crate) fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.fetched()];
        self.lookup_into(key, &mut value)?;
        Ok(value)
    }

    fn lookup_into(&self, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        if key.len() != self.key_size() || value.len() != self.fetched() || value.len() > MAX_VALUE {
            return Err(Errno(libc::EINVAL));
        }
        let mut attr = Attr::new().fd(0, self.fd()).input(8, key).output(16, value).long(24, 0);
        // SAFETY: key and value have the sizes of this map, checked above.
        unsafe { bpf(Command::MapLookup, &mut attr) }.map(drop)
    }

    /// The key after `key`, or the first one; nothing at the end.
    fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool, Errno> {
        if key.is_some_and(|key| key.len() != self.key_size()) || next.len() != self.key_size() {
            return Err(Errno(libc::EINVAL));
        }
        let attr = Attr::new().fd(0, self.fd());
        let attr = if let Some(key) = key { attr.input(8, key) } else { attr.long(8, 0) };
        let mut attr = attr.output(16, next);
        // SAFETY: both keys have the size of this map, checked above; none at all asks for the first.
        match unsafe { bpf(Command::MapNextKey, &mut attr) } {
            Ok(_) => Ok(true),
            Err(Errno(libc::ENOENT)) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Removes a key; whether it was there.
    pub(crate) fn delete(&self, key: &[u8]) -> Result<bool, Errno> {
        if key.len() != self.key_size() {
            return Err(Errno(libc::EINVAL));
        }
        let mut attr = Attr::new().fd(0, self.fd()).input(8, key);
        // SAFETY: the key has the size of this map, checked above.
        match unsafe { bpf(Command::MapDelete, &mut attr) } {
            Ok(_) => Ok(true),
            Err(Errno(libc::ENOENT)) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Gives every entry to `take`: its key, and its value as the kernel gives it (of a per-CPU map that of each CPU, one
    /// after the other).
    pub(crate) fn each(&self, mut take: impl FnMut(&[u8], &[u8])) -> Result<(), Errno> {
        let mut value = vec![0; self.fetched()];
        if self.is_array() {
            for index in 0..self.spec.max_entries {
                self.lookup_into(&index.to_ne_bytes(), &mut value)?;
                take(&index.to_ne_bytes(), &value);
            }
            return Ok(());
        }
        let mut key = vec![0; self.key_size()];
        let mut next = key.clone();
        let mut more = self.next_key(None, &mut next)?;
        // A key that is deleted under us makes the kernel begin anew: the bound ends that.
        for _ in 0..u64::from(self.spec.max_entries) * 2 {
            if !more {
                break;
            }
            std::mem::swap(&mut key, &mut next);
            match self.lookup_into(&key, &mut value) {
                Ok(()) => take(&key, &value),
                Err(Errno(libc::ENOENT)) => {}
                Err(errno) => return Err(errno),
            }
            more = self.next_key(Some(&key), &mut next)?;
        }
        Ok(())
    }

    /// All entries as a table: the header of `perfuse_format::tasks`, then rows of key and value.
    pub(crate) fn table(&self, lost: u64) -> Result<Vec<u8>, Errno> {
        match self.table_by(true, lost) {
            // Hash and array maps have batches since 5.6, per-CPU arrays since 5.13; older kernels answer with these.
            // No space: a bucket that grows faster than the room for it.
            Err(Errno(libc::EINVAL | ENOTSUPP | libc::EOPNOTSUPP | libc::EPERM | libc::ENOSPC)) => {
                self.table_by(false, lost)
            }
            other => other,
        }
    }

    /// As [`Map::table`], in batches or entry by entry.
    pub(crate) fn table_by(&self, batch: bool, lost: u64) -> Result<Vec<u8>, Errno> {
        let mut table = Table::new(self);
        if batch {
            self.batch(&mut table)?;
        } else {
            self.one_by_one(&mut table)?;
        }
        Ok(table.finish(lost))
    }

    /// Fetches all entries with as few calls as possible.
    fn batch(&self, table: &mut Table<'_>) -> Result<(), Errno> {
        let (key_size, fetched) = (self.key_size(), self.fetched());
        let entries = self.spec.max_entries as usize;
        let mut count = (BATCH_BYTES / (key_size + fetched).max(1)).clamp(1, entries.max(1));
        // A hash map hands out whole buckets; a handful of entries always fits one of them.
        count = count.max(entries.min(32));
        let (mut keys, mut values) = (vec![0_u8; key_size * count], vec![0_u8; fetched * count]);
        // Where to go on: a key of an array, a bucket number of a hash; never longer than the larger of both.
        let mut position = vec![0_u8; key_size.max(8)];
        let mut next = position.clone();
        let mut first = true;
        loop {
            let asked = count;
            let attr = if first { Attr::new().long(0, 0) } else { Attr::new().input(0, &position) };
            let mut attr = attr
                .output(8, &mut next)
                .output(16, &mut keys)
                .output(24, &mut values)
                .word(32, u32::try_from(asked).unwrap_or(u32::MAX))
                .fd(36, self.fd())
                .long(48, 0);
            // SAFETY: keys and values have room for `asked` entries of this map's sizes; positions hold a key.
            let result = unsafe { bpf(Command::MapLookupBatch, &mut attr) };
            let got = (attr.word_at(32) as usize).min(asked);
            match result {
                Err(Errno(libc::ENOSPC)) if count < entries.max(1) => {
                    // One bucket alone holds more than there is room for.
                    count = (count * 2).min(entries);
                    keys.resize(key_size * count, 0);
                    values.resize(fetched * count, 0);
                    continue;
                }
                Ok(_) | Err(Errno(libc::ENOENT)) => table.add(&keys, &values, got),
                Err(errno) => return Err(errno),
            }
            if result.is_err() || got == 0 || table.rows > entries.saturating_mul(2) {
                return Ok(());
            }
            std::mem::swap(&mut position, &mut next);
            first = false;
        }
    }

    /// Fetches entry by entry.
    fn one_by_one(&self, table: &mut Table<'_>) -> Result<(), Errno> {
        self.each(|key, value| table.add(key, value, 1))
    }
}

/// A table under construction.
struct Table<'m> {
    map: &'m Map,
    bytes: Vec<u8>,
    rows: usize,
}

impl<'m> Table<'m> {
    fn new(map: &'m Map) -> Self {
        Self { map, bytes: vec![0; HEADER], rows: 0 }
    }

    fn row_size(&self) -> usize {
        padded(self.map.key_size()) + padded(self.map.spec.value_size as usize)
    }

    /// Adds the first `count` entries of the buffers.
    fn add(&mut self, keys: &[u8], values: &[u8], count: usize) {
        let (key_size, value_size) = (self.map.key_size(), self.map.spec.value_size as usize);
        let pairs = keys.chunks_exact(key_size.max(1)).zip(values.chunks_exact(self.map.fetched().max(1)));
        self.bytes.reserve(count * self.row_size());
        for (key, value) in pairs.take(count) {
            self.bytes.extend_from_slice(key);
            self.pad();
            if self.map.per_cpu() {
                add_cpus(&mut self.bytes, value, padded(value_size));
            } else {
                self.bytes.extend_from_slice(value);
                self.pad();
            }
            self.rows += 1;
        }
    }

    fn pad(&mut self) {
        self.bytes.resize(padded(self.bytes.len()), 0);
    }

    fn finish(mut self, lost: u64) -> Vec<u8> {
        let header = header(self.row_size(), self.rows, lost);
        if let Some(place) = self.bytes.get_mut(..HEADER) {
            place.copy_from_slice(&header);
        }
        self.bytes
    }
}

/// The header of a table.
pub(crate) fn header(row_size: usize, rows: usize, lost: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[0..4].copy_from_slice(&u32::try_from(row_size).unwrap_or(u32::MAX).to_ne_bytes());
    header[4..8].copy_from_slice(&u32::try_from(rows).unwrap_or(u32::MAX).to_ne_bytes());
    header[8..16].copy_from_slice(&lost.to_ne_bytes());
    header
}

/// Appends the sum over all CPUs of a value that is `size` bytes of u64.
fn add_cpus(out: &mut Vec<u8>, value: &[u8], size: usize) {
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
    for at in (0..size).step_by(8) {
        let sum = value
            .chunks_exact(size)
            .fold(0_u64, |sum, of_cpu| sum.wrapping_add(of_cpu.get(at..at + 8).map_or(0, word)));
        out.extend_from_slice(&sum.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_cpus_are_added() {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        let mut out = Vec::new();
        add_cpus(&mut out, &words(&[1, 10, 2, u64::MAX, 3, 5]), 16);
        assert_eq!(out, words(&[6, 14]));
    }

    #[test]
    fn a_header_has_its_fields_in_order() {
        let header = header(24, 2, 7);
        assert_eq!(header[0..4], 24_u32.to_ne_bytes());
        assert_eq!(header[4..8], 2_u32.to_ne_bytes());
        assert_eq!(header[8..16], 7_u64.to_ne_bytes());
    }
}
