//! Where everything stands in a file.

use crate::perfdata::attr::Endian;
use crate::perfdata::event::Event;
use crate::perfdata::header::{FILE_HEADER_SIZE, MAGIC, Section};
use crate::perfdata::write::put::Put;

/// The layout of a file whose events are known: ids, then attrs, then records, then features.
#[derive(Debug, Clone)]
pub struct FileLayout {
    endian: Endian,
    /// Ids and attrs, as they stand behind the header.
    middle: Vec<u8>,
    attr_size: u64,
    attrs: Section,
}

impl FileLayout {
    /// A layout for these events; of each counts the attr and the ids.
    pub fn new(events: &[Event], endian: Endian) -> Self {
        let size = events.iter().map(|event| event.attr.needed_size()).max().unwrap_or(128);
        let mut middle = Vec::new();
        let mut put = Put::new(&mut middle, endian);
        put.u64s(events.iter().flat_map(|event| event.ids.iter().copied()));
        let attrs = FILE_HEADER_SIZE + put.out.len() as u64;
        let mut ids = FILE_HEADER_SIZE;
        for event in events {
            let bytes = event.attr.to_bytes(size, endian);
            put.bytes(&bytes);
            let length = event.ids.len() as u64 * 8;
            put.u64(ids);
            put.u64(length);
            ids += length;
        }
        let attr_size = u64::from(size) + 16;
        let attrs = Section { offset: attrs, size: attr_size * events.len() as u64 };
        Self { endian, middle, attr_size, attrs }
    }

    /// Where the records begin: bytes from the beginning of the file.
    pub fn data_offset(&self) -> u64 {
        self.attrs.end()
    }

    /// All that stands before the records. `data_size` is 0 while it is not known; `features` are the numbers of those
    /// that [`FileLayout::tail`] has.
    pub fn head(&self, data_size: u64, features: impl IntoIterator<Item = u32>) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.data_offset()).unwrap_or_default());
        let mut put = Put::new(&mut out, self.endian);
        put.u64(u64::from_le_bytes(*MAGIC));
        put.u64(FILE_HEADER_SIZE);
        put.u64(self.attr_size);
        let data = Section { offset: self.data_offset(), size: data_size };
        for section in [self.attrs, data, Section::default()] {
            put.u64(section.offset);
            put.u64(section.size);
        }
        let mut words = [0_u64; 4];
        for number in features {
            if let Some(word) = words.get_mut(number as usize / 64) {
                *word |= 1 << (number % 64);
            }
        }
        put.u64s(words);
        put.bytes(&self.middle);
        out
    }

    /// All that stands behind `data_size` bytes of records: where each feature is, and the features. Their numbers must
    /// ascend.
    pub fn tail(&self, data_size: u64, features: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = Put::new(&mut out, self.endian);
        let mut at = self.data_offset() + data_size + features.len() as u64 * 16;
        for (_, bytes) in features {
            put.u64(at);
            put.u64(bytes.len() as u64);
            at += bytes.len() as u64;
        }
        for (_, bytes) in features {
            put.bytes(bytes);
        }
        out
    }
}
