//! Parts of a file as they stand in it, for those who write a file once more.

use crate::perfdata::data::PerfData;
use crate::perfdata::file;
use crate::perfdata::header::{FileHeader, Mode};
use crate::perfdata::record::RawRecord;
use crate::perfdata::walk::step;

/// Bytes of the header of a record.
const HEADER: usize = 8;

impl PerfData<'_> {
    /// Number and bytes of each feature, by number, also of those that are not known. Empty for a pipe, whose features are
    /// records, and for a recording that was not ended properly.
    pub fn feature_bytes(&self) -> Vec<(u32, &[u8])> {
        if self.header.mode == Mode::Pipe || self.header.data.size == 0 {
            return Vec::new();
        }
        let bytes = self.source.file;
        // That of a directory tells the records of its first file only: the bytes tell those of all.
        let Ok(header) = FileHeader::parse(bytes) else { return Vec::new() };
        let sections = file::feature_sections(bytes, &header, &mut Vec::new());
        sections.into_iter().map(|(number, section)| (number, section.of(bytes))).collect()
    }

    /// What stands behind a record of this file without counting in its size: tracing data, and AUX data. Empty for all
    /// other records.
    pub fn behind(&self, record: &RawRecord<'_>) -> &[u8] {
        let source = &self.source;
        let found = usize::try_from(record.offset.saturating_add(source.base)).ok().and_then(|at| {
            let (same, next) = step(source.file, at, source.file.len(), source.endian)?.ok()?;
            let end = at.checked_add(HEADER)?.checked_add(same.body.len())?;
            let is_same = same.kind == record.kind && same.body.len() == record.body.len();
            if is_same { source.file.get(end..next) } else { None }
        });
        found.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::perfdata::record::kind;
    use crate::perfdata::tests::recordings::{DWARF, PIPE_TRACEPOINT, TRACEPOINTS, ZSTD};
    use crate::perfdata::{Feature, PerfData};

    #[test]
    fn features_are_given_as_they_stand_there() {
        for bytes in [TRACEPOINTS, DWARF, ZSTD] {
            let data = PerfData::parse(bytes).unwrap();
            let features = data.feature_bytes();
            let numbers: Vec<u32> = features.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, data.features.present);
            let (_, hostname) = features.iter().find(|(number, _)| *number == Feature::Hostname.number()).unwrap();
            assert!(hostname.windows(2).any(|pair| pair == b"vm"), "{hostname:?}");
        }
        assert!(PerfData::parse(PIPE_TRACEPOINT).unwrap().feature_bytes().is_empty());
    }

    #[test]
    fn tracing_data_stands_behind_its_record_and_nothing_behind_others() {
        let data = PerfData::parse(PIPE_TRACEPOINT).unwrap();
        let mut found = 0;
        for record in data.records() {
            let record = record.unwrap();
            let behind = data.behind(&record);
            if record.kind == kind::HEADER_TRACING_DATA {
                assert!(behind.starts_with(b"\x17\x08\x44tracing"), "{:?}", behind.get(..16));
                found += 1;
            } else {
                assert!(behind.is_empty(), "type {}", record.kind);
            }
        }
        assert_eq!(found, 1);
    }
}
