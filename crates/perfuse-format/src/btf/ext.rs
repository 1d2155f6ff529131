//! `.BTF.ext` of a BPF object: which instructions depend on the layout of kernel types.
//!
//! ```text
//! header | func info | line info | CO-RE relocations:
//!                                  u32 record size, then per section
//!                                  { u32 section name, u32 count, count x record }
//! ```

use super::{bad, string_at, u32_at, usize_at};
use crate::parse::ParseError;

/// One instruction that depends on a kernel type: `struct bpf_core_relo` of `include/uapi/linux/bpf.h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreRelocation {
    /// Name of the ELF section that holds the instruction.
    pub section: String,
    /// Byte offset of the instruction in its section.
    pub instruction: u32,
    /// Id of the local root type.
    pub type_id: u32,
    /// Access string, such as `0:1:2`.
    pub access: String,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

/// Bytes of `struct bpf_core_relo`.
const RECORD: usize = 16;

/// The CO-RE relocations of a `.BTF.ext` section; `btf` is the `.BTF` section beside it.
pub fn relocations(ext: &[u8], btf: &[u8]) -> Result<Vec<CoreRelocation>, ParseError> {
    let magic = ext.get(..2).map(|field| u16::from_ne_bytes([field[0], field[1]]));
    if magic != Some(super::MAGIC) {
        return Err(bad(0, "BTF.ext of this byte order", ext));
    }
    let strings = strings(btf).ok_or_else(|| bad(0, "BTF beside BTF.ext", btf))?;
    let header = usize_at(ext, 4).ok_or_else(|| bad(4, "a header length", ext))?;
    if header < 32 {
        return Ok(Vec::new()); // a compiler before CO-RE
    }
    let part = || -> Option<&[u8]> {
        let start = header.checked_add(usize_at(ext, 24)?)?;
        ext.get(start..start.checked_add(usize_at(ext, 28)?)?)
    };
    let part = part().ok_or_else(|| bad(24, "relocations inside the section", ext))?;
    if part.is_empty() {
        return Ok(Vec::new());
    }
    let size = usize_at(part, 0).unwrap_or(0);
    if size < RECORD {
        return Err(bad(0, "a record size of 16 or more", part));
    }
    let mut found = Vec::new();
    let mut at = 4;
    while at < part.len() {
        let (Some(name), Some(count)) = (u32_at(part, at), usize_at(part, at + 4)) else {
            return Err(bad(at, "a section name and a count", part));
        };
        at += 8;
        let end = count.checked_mul(size).and_then(|bytes| bytes.checked_add(at)).filter(|end| *end <= part.len());
        let end = end.ok_or_else(|| bad(at, "as many records as counted", part))?;
        let section = String::from_utf8_lossy(string_at(strings, name)).into_owned();
        for record in part.get(at..end).unwrap_or_default().chunks_exact(size) {
            let field = |offset: usize| u32_at(record, offset).unwrap_or(0);
            found.push(CoreRelocation {
                section: section.clone(),
                instruction: field(0),
                type_id: field(4),
                access: String::from_utf8_lossy(string_at(strings, field(8))).into_owned(),
                kind: field(12),
            });
        }
        at = end;
    }
    Ok(found)
}

/// The string section of a BTF blob.
fn strings(btf: &[u8]) -> Option<&[u8]> {
    let start = usize_at(btf, 4)?.checked_add(usize_at(btf, 16)?)?;
    btf.get(start..start.checked_add(usize_at(btf, 20)?)?)
}
