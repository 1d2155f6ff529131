//! The code of the running kernel from `/proc/kcore`, an ELF core file whose segments are the kernel's address space
//! (`fs/proc/kcore.c`). It takes `CAP_SYS_RAWIO`, and a kernel that has it (`CONFIG_PROC_KCORE`) and is not locked down.

use std::io;

use crate::disasm::Isa;
use crate::elf::{EM_AARCH64, EM_X86_64, Elf, ElfError};
use crate::files::Files;

/// Where it is.
pub const PATH: &str = "/proc/kcore";

/// Why the kernel's code cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KcoreError {
    /// The kernel was built without it.
    #[error("this kernel has no {PATH} (CONFIG_PROC_KCORE)")]
    Absent,
    /// Not this user, or not while the kernel is locked down.
    #[error("{PATH} may not be read: {0}")]
    Refused(io::Error),
    /// It is not what it should be.
    #[error("{PATH}: {0}")]
    Damaged(#[from] ElfError),
    /// No segment holds the address.
    #[error("{PATH} has no segment for address {0:#x}")]
    Outside(u64),
    /// Of a machine whose code is not known here.
    #[error("{PATH}: machine {0} is not known here")]
    Machine(u16),
}

/// The bytes of a function of the running kernel, at most `most`, and their instruction set.
pub fn read<F: Files>(files: &F, address: u64, most: usize) -> Result<(Isa, Vec<u8>), KcoreError> {
    let file = files.open(PATH).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KcoreError::Absent,
        _ => KcoreError::Refused(error),
    })?;
    let mut elf = Elf::open(file).map_err(|error| match error {
        ElfError::Io(error) => KcoreError::Refused(error),
        other => KcoreError::Damaged(other),
    })?;
    let isa = match elf.machine {
        EM_X86_64 => Isa::X86Wide,
        EM_AARCH64 => Isa::Aarch64,
        other => return Err(KcoreError::Machine(other)),
    };
    let segment = elf.segment_of(address).copied().ok_or(KcoreError::Outside(address))?;
    let into = address - segment.address;
    let left = segment.file_size.saturating_sub(into).min(most as u64);
    let offset = segment.offset.checked_add(into).ok_or(KcoreError::Outside(address))?;
    if left == 0 {
        return Err(KcoreError::Outside(address));
    }
    Ok((isa, elf.read("kernel code", offset, left)?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    struct One(Option<Vec<u8>>);

    impl Files for One {
        type File = Cursor<Vec<u8>>;

        fn open(&self, path: &str) -> io::Result<Self::File> {
            assert_eq!(path, PATH);
            self.0.clone().map(Cursor::new).ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }

    /// An ELF core with one segment: four bytes of code at 0xffffffff81000000.
    fn core() -> Vec<u8> {
        let mut file = vec![0_u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&62_u16.to_le_bytes());
        file[32] = 64;
        (file[54], file[56]) = (56, 1);
        file.extend(1_u32.to_le_bytes());
        file.extend(5_u32.to_le_bytes());
        for value in [120_u64, 0xffff_ffff_8100_0000, 0, 4, 4, 4096] {
            file.extend(value.to_le_bytes());
        }
        file.extend(b"\x90\xc3\xcc\xcc");
        file
    }

    #[test]
    fn code_is_found_by_its_address() {
        let files = One(Some(core()));
        let at = |address| read(&files, address, 16);
        assert_eq!(at(0xffff_ffff_8100_0001).unwrap(), (Isa::X86Wide, b"\xc3\xcc\xcc".to_vec()));
        assert!(matches!(at(0xffff_ffff_8100_0004), Err(KcoreError::Outside(_))));
        assert!(matches!(read(&One(None), 0, 1), Err(KcoreError::Absent)));
        let mut short = core();
        short.truncate(122);
        assert!(matches!(read(&One(Some(short)), 0xffff_ffff_8100_0000, 16), Err(KcoreError::Damaged(_))));
        assert!(matches!(read(&One(Some(b"no".to_vec())), 0, 1), Err(KcoreError::Damaged(_))));
    }
}
