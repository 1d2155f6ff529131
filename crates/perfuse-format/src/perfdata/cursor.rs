//! Reading numbers, bytes and strings one after the other, in either byte order, never behind the end.

use crate::perfdata::attr::Endian;

/// A place in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    endian: Endian,
}

/// The number at `at`; `None` where less than four bytes stand.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u32> {
    let chunk = bytes.get(at..)?.first_chunk::<4>()?;
    Some(match endian {
        Endian::Little => u32::from_le_bytes(*chunk),
        Endian::Big => u32::from_be_bytes(*chunk),
    })
}

/// The number at `at`; `None` where less than eight bytes stand.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk::<8>()?;
    Some(match endian {
        Endian::Little => u64::from_le_bytes(*chunk),
        Endian::Big => u64::from_be_bytes(*chunk),
    })
}

/// The bytes up to the first NUL, or all.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    &bytes[..end]
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], endian: Endian) -> Self {
        Self { bytes, at: 0, endian }
    }

    /// The same place, with numbers of another byte order from here on.
    pub(crate) fn with_endian(self, endian: Endian) -> Self {
        Self { endian, ..self }
    }

    pub(crate) fn endian(&self) -> Endian {
        self.endian
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        let chunk = self.bytes(2)?.first_chunk::<2>()?;
        Some(match self.endian {
            Endian::Little => u16::from_le_bytes(*chunk),
            Endian::Big => u16::from_be_bytes(*chunk),
        })
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        let number = u32_at(self.bytes, self.at, self.endian)?;
        self.at += 4;
        Some(number)
    }

    #[inline]
    pub(crate) fn i32(&mut self) -> Option<i32> {
        Some(self.u32()?.cast_signed())
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Option<u64> {
        let number = u64_at(self.bytes, self.at, self.endian)?;
        self.at += 8;
        Some(number)
    }

    #[inline]
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(bytes)
    }

    /// As many bytes as a number of the file says.
    #[inline]
    pub(crate) fn bytes_u64(&mut self, length: u64) -> Option<&'a [u8]> {
        self.bytes(usize::try_from(length).ok()?)
    }

    /// A string of the headers: 32 bits of length, then that many bytes, of which the first NUL ends the text.
    pub(crate) fn string(&mut self) -> Option<String> {
        let length = self.u32()?;
        let bytes = self.bytes_u64(u64::from(length))?;
        Some(String::from_utf8_lossy(until_nul(bytes)).into_owned())
    }

    /// The bytes before the next NUL, which is skipped.
    pub(crate) fn c_string(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| byte == 0)?;
        self.at += end + 1;
        rest.get(..end)
    }

    /// `count` things of at least `least` bytes each, read by `one`; no memory is taken for more than can be there.
    pub(crate) fn list<T>(
        &mut self,
        count: u64,
        least: usize,
        mut one: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = usize::try_from(count).ok()?;
        if count > self.left() / least.max(1) {
            return None;
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(one(self)?);
        }
        Some(list)
    }
}
