//! A recording in a directory (`record --threads`, `--kcore`): a file `data` with the header and the records of the main
//! thread, and `data.0`, `data.1`, … of records alone, one for each thread that wrote.
//!
//! ```text
//! data     | header | records 0 | features |
//! data.0                        | records 1 |              become
//! data.1                                    | records 2 |
//!
//! one file | header | records 0 | records 1 | records 2 | features |
//! ```
//!
//! Source: `tools/perf/util/data.c`, and `__perf_session__process_dir_events` of `tools/perf/util/session.c`.

use crate::perfdata::attr::Endian;
use crate::perfdata::data::PerfData;
use crate::perfdata::error::PerfDataError;
use crate::perfdata::header::{FileHeader, Mode, Section};

/// Where the header states the bytes of the records.
const DATA_SIZE: usize = 48;

/// The files of a directory, put together.
#[derive(Debug)]
pub struct Joined {
    bytes: Vec<u8>,
    /// Where the records of each file end. Each may be compressed for itself.
    ends: Vec<usize>,
    /// The records of `data` as its header states them.
    data: Section,
}

impl Joined {
    /// Puts them together: `data`, and the others in the order of their numbers.
    pub fn new(main: &[u8], parts: &[&[u8]]) -> Result<Self, PerfDataError> {
        let header = FileHeader::parse(main)?;
        if header.mode == Mode::Pipe {
            return Err(PerfDataError::new(8, "the header of a file", "that of a pipe in a directory"));
        }
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        // A recording that was not ended has no features, and all that follows are records.
        let ended = header.data.size > 0;
        let end = if ended { header.data.end() } else { number(main.len()) };
        let split = usize::try_from(end).unwrap_or(usize::MAX).min(main.len());
        let (before, features) = main.split_at(split);
        let more: usize = parts.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(main.len().saturating_add(more));
        bytes.extend_from_slice(before);
        let mut ends = vec![bytes.len()];
        for part in parts {
            bytes.extend_from_slice(part);
            ends.push(bytes.len());
        }
        let shift = number(more);
        if ended {
            let size = number(split).saturating_sub(header.data.offset).saturating_add(shift);
            put(&mut bytes, DATA_SIZE, size, header.endian);
        }
        let table = bytes.len();
        bytes.extend_from_slice(features);
        let count = (0..256).filter(|number| header.has_feature(*number)).count();
        for index in 0..count {
            let at = table + index * 16;
            let Some(offset) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
            let offset = match header.endian {
                Endian::Little => u64::from_le_bytes(*offset),
                Endian::Big => u64::from_be_bytes(*offset),
            };
            put(&mut bytes, at, offset.saturating_add(shift), header.endian);
        }
        Ok(Self { bytes, ends, data: header.data })
    }

    /// The files put together.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Opens it as [`PerfData::parse`] opens a file. Offsets of records are those of the files put together.
    pub fn parse(&self) -> Result<PerfData<'_>, PerfDataError> {
        let mut data = PerfData::open(&self.bytes, &self.ends)?;
        data.header.data = self.data;
        Ok(data)
    }
}

fn put(bytes: &mut [u8], at: usize, value: u64, endian: Endian) {
    let value = match endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    };
    if let Some(place) = bytes.get_mut(at..at + 8) {
        place.copy_from_slice(&value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perfdata::attr::{EventAttr, flag, sample_type};
    use crate::perfdata::event::Event;
    use crate::perfdata::features::{Feature, Features};
    use crate::perfdata::record::kind;
    use crate::perfdata::write::{Compressor, FileLayout, feature};

    const ENDIAN: Endian = Endian::Little;

    /// A sample at a time.
    fn sample(time: u64) -> Vec<u8> {
        let mut bytes = kind::SAMPLE.to_le_bytes().to_vec();
        bytes.extend([2, 0, 24, 0]);
        bytes.extend(7_u64.to_le_bytes());
        bytes.extend(time.to_le_bytes());
        bytes
    }

    fn main_file(records: &[u8], compressed: bool) -> Vec<u8> {
        let bits = sample_type::TID | sample_type::TIME;
        let attr = EventAttr { sample_type: bits, flags: flag::SAMPLE_ID_ALL, ..EventAttr::default() };
        let layout = FileLayout::new(&[Event { attr, ids: vec![1], ..Event::default() }], ENDIAN);
        let mut features = Features { hostname: Some("host".to_owned()), dir_format: Some(1), ..Features::default() };
        if compressed {
            features.compressed = Some(crate::perfdata::features::CompressedInfo::default());
        }
        let parts: Vec<(u32, Vec<u8>)> =
            Feature::ALL.iter().filter_map(|of| Some((of.number(), feature(&features, *of, ENDIAN)?))).collect();
        let size = records.len() as u64;
        let head = layout.head(size, parts.iter().map(|(number, _)| *number));
        [&head[..], records, &layout.tail(size, &parts)].concat()
    }

    fn times(joined: &Joined) -> Vec<u64> {
        let data = joined.parse().unwrap();
        assert_eq!(data.features.hostname.as_deref(), Some("host"));
        data.sorted().map(|record| data.time(&record.unwrap()).unwrap()).collect()
    }

    #[test]
    fn records_of_all_files_come_in_the_order_of_time() {
        let parts = [[sample(1), sample(5)].concat(), [sample(2), sample(3)].concat()];
        let main = main_file(&sample(4), false);
        let joined = Joined::new(&main, &[&parts[0], &parts[1]]).unwrap();
        assert_eq!(times(&joined), [1, 2, 3, 4, 5]);
        assert!(PerfData::parse(&main).is_err());
        // Without the end of the first file, its records and those of the others are still there.
        let mut cut = main.clone();
        put(&mut cut, DATA_SIZE, 0, ENDIAN);
        cut[72..104].fill(0);
        cut.truncate(main.len() - (main.len() - (main.windows(24).position(|w| w == sample(4)).unwrap() + 24)));
        let joined = Joined::new(&cut, &[&parts[0]]).unwrap();
        let data = joined.parse().unwrap();
        assert_eq!(data.records().flatten().count(), 3);
    }

    #[test]
    fn each_file_is_compressed_for_itself() {
        let pack = |records: &[u8]| {
            let mut out = Vec::new();
            Compressor::new().compress(records, ENDIAN, &mut out);
            out
        };
        let parts = [pack(&[sample(1), sample(5)].concat()), pack(&sample(2))];
        let main = main_file(&sample(4), true);
        let joined = Joined::new(&main, &[&parts[0], &parts[1]]).unwrap();
        assert_eq!(times(&joined), [1, 2, 4, 5]);
    }

    #[test]
    fn whatever_is_cut_or_wrong_is_no_harm() {
        let main = main_file(&sample(4), false);
        for length in 0..main.len() {
            if let Ok(joined) = Joined::new(&main[..length], &[&main]) {
                let _ = joined.parse().map(|data| data.records().count());
            }
        }
        for at in (0..main.len()).step_by(8) {
            let mut wrong = main.clone();
            put(&mut wrong, at, u64::MAX - 3, ENDIAN);
            if let Ok(joined) = Joined::new(&wrong, &[&sample(1)]) {
                let _ = joined.parse().map(|data| data.sorted().count());
            }
        }
    }
}
