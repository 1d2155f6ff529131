//! Sections of ELF files that are compressed (`SHF_COMPRESSED`), and the xz file of `.gnu_debugdata`.

use std::io::{Cursor, Read, Write};

use crate::elf::{ElfError, Layout};

/// The most bytes that one section may unpack to: more than the largest debug information known (some GiB in web
/// browsers), and a bound to files that are made to fill the memory.
const MOST: u64 = 4 << 30;

/// A compressed stream does not shrink below this share of what it unpacks to in real files (zlib reaches 1:1032).
const BEST_RATIO: u64 = 1100;

fn damaged(error: &dyn std::fmt::Display) -> ElfError {
    ElfError::Compressed(error.to_string())
}

/// A section with its `Elf64_Chdr` or `Elf32_Chdr`: type, size when unpacked, alignment.
pub(crate) fn section(layout: Layout, bytes: &[u8]) -> Result<Vec<u8>, ElfError> {
    let (kind, size) = (layout.word(bytes, 0), layout.address(bytes, 8, 4));
    let packed = bytes.get(if layout.wide { 24 } else { 12 }..).unwrap_or_default();
    if size > MOST || size > (packed.len() as u64).saturating_mul(BEST_RATIO) && kind == 1 {
        return Err(damaged(&format!("{} bytes cannot hold {size}", packed.len())));
    }
    let mut out = Vec::new();
    match kind {
        1 => {
            flate2::read::ZlibDecoder::new(packed).take(size).read_to_end(&mut out).map_err(|error| damaged(&error))?
        }
        2 => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(packed).map_err(|error| damaged(&error))?;
            decoder.take(size).read_to_end(&mut out).map_err(|error| damaged(&error))?
        }
        other => return Err(damaged(&format!("kind {other} is neither zlib nor zstd"))),
    };
    Ok(out)
}

/// The ELF file inside `.gnu_debugdata`: the symbols that distributions leave in stripped files.
pub(crate) fn xz(bytes: &[u8]) -> Result<Vec<u8>, ElfError> {
    let mut out = Bounded(Vec::new());
    lzma_rs::xz_decompress(&mut Cursor::new(bytes), &mut out).map_err(|error| damaged(&format!("{error:?}")))?;
    Ok(out.0)
}

/// Takes up to 256 MiB: such symbol tables have a few.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > 256 << 20 {
            return Err(std::io::Error::other("unpacks to more than 256 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Layout = Layout { wide: true, little: true };

    #[test]
    fn zlib_is_unpacked_and_lies_are_not_believed() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[7; 1000]).unwrap();
        let packed = encoder.finish().unwrap();
        let with = |size: u64| {
            let head = [&1u64.to_le_bytes()[..], &size.to_le_bytes(), &1u64.to_le_bytes()].concat();
            section(WIDE, &[&head[..], &packed].concat())
        };
        assert_eq!(with(1000).unwrap(), [7; 1000]);
        assert!(with(1 << 40).is_err());
        assert!(section(WIDE, &[9; 40]).is_err());
        assert!(section(WIDE, b"").is_err());
        assert!(xz(b"no xz").is_err());
    }
}
