//! Sections of ELF files that are compressed (`SHF_COMPRESSED`), and the xz file of `.gnu_debugdata`.

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use crate::elf::{ElfError, Layout};

/// The most bytes that one section may unpack to: more than the largest debug information known (some GiB in web
/// browsers), and a bound to files that are made to fill the memory.
const MOST: u64 = 4 << 30;

/// A compressed stream does not shrink below this share of what it unpacks to in real files (zlib reaches 1:1032).
const BEST_RATIO: u64 = 1100;

fn damaged(error: &dyn std::fmt::Display) -> ElfError {
    ElfError::Compressed(error.to_string())
}

/// A compressed section, taken apart.
struct Packed<'a> {
    /// `ELFCOMPRESS_ZLIB` (1) or `ELFCOMPRESS_ZSTD` (2).
    kind: u32,
    /// Bytes when unpacked, as stated; what the packed ones cannot hold has been refused.
    size: usize,
    bytes: &'a [u8],
}

impl<'a> Packed<'a> {
    /// Reads the `Elf64_Chdr` or `Elf32_Chdr`: type, size when unpacked, alignment.
    fn parse(layout: Layout, bytes: &'a [u8]) -> Result<Self, ElfError> {
        let (kind, size) = (layout.word(bytes, 0), layout.address(bytes, 8, 4));
        let packed = bytes.get(if layout.wide { 24 } else { 12 }..).unwrap_or_default();
        let lie = || damaged(&format!("{} bytes cannot hold {size}", packed.len()));
        if size > MOST || size > (packed.len() as u64).saturating_mul(BEST_RATIO) && kind == 1 {
            return Err(lie());
        }
        Ok(Self { kind, size: usize::try_from(size).map_err(|_| lie())?, bytes: packed })
    }

    /// Unpacks a zlib stream into a place of the stated size; returns how many bytes it had.
    fn inflate(&self, out: &mut [u8]) -> Result<usize, ElfError> {
        let mut stream = flate2::Decompress::new(true);
        stream.decompress(self.bytes, out, flate2::FlushDecompress::Finish).map_err(|error| damaged(&error))?;
        Ok(usize::try_from(stream.total_out()).unwrap_or(out.len()))
    }

    fn unpack(&self) -> Result<Vec<u8>, ElfError> {
        match self.kind {
            1 => {
                let mut out = vec![0; self.size];
                let length = self.inflate(&mut out)?;
                out.truncate(length);
                Ok(out)
            }
            2 => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(self.bytes).map_err(|error| damaged(&error))?;
                let mut out = Vec::new();
                decoder.take(self.size as u64).read_to_end(&mut out).map_err(|error| damaged(&error))?;
                Ok(out)
            }
            other => Err(damaged(&format!("kind {other} is neither zlib nor zstd"))),
        }
    }
}

/// The bytes of a section that begins with a compression header.
pub(crate) fn section(layout: Layout, bytes: &[u8]) -> Result<Vec<u8>, ElfError> {
    Packed::parse(layout, bytes)?.unpack()
}

/// The same to be shared, without a second copy of what may be large.
pub(crate) fn shared(layout: Layout, bytes: &[u8]) -> Result<Arc<[u8]>, ElfError> {
    let packed = Packed::parse(layout, bytes)?;
    if packed.kind != 1 {
        return packed.unpack().map(Arc::from);
    }
    let mut out: Arc<[u8]> = std::iter::repeat_n(0, packed.size).collect();
    let length = Arc::get_mut(&mut out).map_or(Ok(0), |out| packed.inflate(out))?;
    Ok(if length == out.len() { out } else { out.get(..length).unwrap_or_default().into() })
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
        assert_eq!(with(999).unwrap(), [7; 999], "no more than the header states");
        assert_eq!(with(2000).unwrap(), [7; 1000], "no more than there is");
        assert!(with(1 << 40).is_err());
        assert!(section(WIDE, &[9; 40]).is_err());
        assert!(section(WIDE, b"").is_err());
        assert!(xz(b"no xz").is_err());
    }
}
