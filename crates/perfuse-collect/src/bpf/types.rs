//! The few types of our own that the kernel wants to be told: of local storage, and of functions that are passed.

use std::os::fd::OwnedFd;

use super::door::{Attr, Command, bpf_fd};
use super::error::LoadError;

/// Type ids of every blob made here: `int` comes first.
pub(super) const INT: u32 = 1;

/// A BTF blob under construction.
#[derive(Debug)]
pub(super) struct Types {
    records: Vec<u32>,
    strings: Vec<u8>,
    count: u32,
}

/// `BTF_KIND_*` in the place where a record has it.
mod kind {
    pub(super) const INT: u32 = 1 << 24;
    pub(super) const ARRAY: u32 = 3 << 24;
    pub(super) const FUNC: u32 = 12 << 24;
    pub(super) const FUNC_PROTO: u32 = 13 << 24;
}

impl Types {
    /// A blob with a signed 32-bit `int`.
    pub(super) fn new() -> Self {
        let mut types = Self { records: Vec::new(), strings: vec![0], count: 0 };
        types.add("int", kind::INT, 4, &[32 | (1 << 24)]);
        types
    }

    /// Adds a record with what its kind needs behind it; its type id.
    fn add(&mut self, name: &str, info: u32, word: u32, extra: &[u32]) -> u32 {
        let at = if name.is_empty() { 0 } else { u32::try_from(self.strings.len()).unwrap_or(0) };
        if !name.is_empty() {
            self.strings.extend(name.bytes().filter(|byte| *byte != 0));
            self.strings.push(0);
        }
        self.records.extend([at, info, word]);
        self.records.extend(extra);
        self.count += 1;
        self.count
    }

    /// `char[size]`.
    pub(super) fn bytes(&mut self, size: u32) -> u32 {
        let byte = self.add("char", kind::INT, 1, &[8]);
        self.add("", kind::ARRAY, 0, &[byte, INT, size])
    }

    /// `int (void)`, the prototype of [`Types::function`].
    pub(super) fn prototype(&mut self) -> u32 {
        self.add("", kind::FUNC_PROTO, INT, &[])
    }

    /// A function, static or global.
    pub(super) fn function(&mut self, name: &str, prototype: u32, global: bool) -> u32 {
        self.add(name, kind::FUNC | u32::from(global), prototype, &[])
    }

    /// The blob.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Magic (u16), version and flags (bytes), then five words.
        let mut blob = Vec::from(0xeb9f_u16.to_ne_bytes());
        blob.extend([1, 0]);
        let length = u32::try_from(self.records.len() * 4).unwrap_or(0);
        for word in [24, 0, length, length, u32::try_from(self.strings.len()).unwrap_or(0)] {
            blob.extend(word.to_ne_bytes());
        }
        blob.extend(self.records.iter().flat_map(|word| word.to_ne_bytes()));
        blob.extend(&self.strings);
        blob
    }

    /// Hands it to the kernel (Linux 4.18).
    pub(super) fn load(&self) -> Result<OwnedFd, LoadError> {
        let blob = self.to_bytes();
        let mut attr = Attr::new().input(0, &blob).word(16, u32::try_from(blob.len()).unwrap_or(0));
        // SAFETY: the blob is as long as its size field says.
        let loaded = unsafe { bpf_fd(Command::BtfLoad, &mut attr) };
        loaded.map_err(|errno| LoadError::from_errno("BPF_BTF_LOAD", errno))
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::btf::{Btf, Kind};

    use super::*;

    #[test]
    fn our_own_reader_reads_it() {
        let mut types = Types::new();
        let array = types.bytes(24);
        let prototype = types.prototype();
        let function = types.function("callback", prototype, false);
        let blob = types.to_bytes();
        let btf = Btf::parse(&blob).unwrap();
        assert_eq!(btf.by_id(INT).unwrap().byte_size(), Some(4));
        assert_eq!(btf.by_id(array).unwrap().byte_size(), Some(24));
        assert_eq!(btf.function("callback").unwrap().id(), function);
        assert_eq!(btf.by_id(function).unwrap().target().unwrap().kind(), Kind::FuncProto);
    }
}
