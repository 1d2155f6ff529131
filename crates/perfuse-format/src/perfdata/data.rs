//! A whole file, opened: its header and its events, and the ways to its records.

use crate::perfdata::attr::{Endian, EventAttr, flag};
use crate::perfdata::decode_record::record as decode_other;
use crate::perfdata::error::{DecodeError, PerfDataError};
use crate::perfdata::event::{Event, Ids, Places};
use crate::perfdata::features::{Feature, Features};
use crate::perfdata::header::{FileHeader, Mode, Section};
use crate::perfdata::record::{RawRecord, Record, SampleId, kind};
use crate::perfdata::sample::Sample;
use crate::perfdata::sorted::Sorted;
use crate::perfdata::tracing::TracingData;
use crate::perfdata::user::{self, UserRecord};
use crate::perfdata::walk::{Records, Segment, Source};
use crate::perfdata::{compressed, decode, file, name, pipe, trailer};

/// A `perf.data`.
#[derive(Debug)]
pub struct PerfData<'a> {
    /// Its header.
    pub header: FileHeader,
    /// Its events, in the order in which they were opened.
    pub events: Vec<Event>,
    /// What the header tells beside them.
    pub features: Features,
    /// Formats of the tracepoints.
    pub tracing_data: Option<TracingData<'a>>,
    /// What of the header is not as it should be. Damage among the records is told by [`PerfData::records`].
    pub damage: Vec<PerfDataError>,
    /// What was compressed, if anything.
    pub compression: Option<Compression>,
    pub(crate) source: Source<'a>,
    ids: Ids,
    places: Vec<Places>,
    /// Places that are the same for all events.
    common: Option<Places>,
    /// Whether records are read in the order of the file, whatever their times.
    as_written: bool,
}

/// What was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compression {
    /// Records that held others.
    pub records: u64,
    /// Bytes in them.
    pub compressed: u64,
    /// Bytes of the records that came out.
    pub plain: u64,
}

impl<'a> PerfData<'a> {
    /// Opens a file: checks its magic, reads header, events and features, and decompresses what is compressed. The
    /// records themselves are read later.
    ///
    /// An error means that nothing can be read; what is wrong in places stands in [`PerfData::damage`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PerfDataError> {
        let data = Self::open(bytes, &[])?;
        match data.features.dir_format {
            // Version 0 is a single file beside a copy of the kernel.
            Some(version @ 1..) => {
                let found = format!("a directory's header, version {version}: its records are in other files");
                Err(PerfDataError::new(data.header.data.offset, "a recording in one file", found))
            }
            _ => Ok(data),
        }
    }

    /// The same for files that were put together: `ends` is where the records of each end.
    pub(crate) fn open(bytes: &'a [u8], ends: &[usize]) -> Result<Self, PerfDataError> {
        let header = FileHeader::parse(bytes)?;
        let mut data = Self {
            header,
            events: Vec::new(),
            features: Features::default(),
            tracing_data: None,
            damage: Vec::new(),
            compression: None,
            source: Source::new(bytes, header.endian),
            ids: Ids::default(),
            places: Vec::new(),
            common: None,
            as_written: false,
        };
        match header.mode {
            Mode::File => data.open_file(bytes, ends),
            Mode::Pipe => pipe::open(&mut data, bytes),
        }
        // A file whose end is missing does not tell whether it is compressed.
        if header.mode == Mode::Pipe || header.data.size == 0 || header.has_feature(Feature::Compressed.number()) {
            data.compression = compressed::expand(&mut data.source);
        }
        data.name_events();
        data.places = data.events.iter().map(|event| Places::of(&event.attr)).collect();
        data.common = data.places.first().filter(|first| data.places.iter().all(|places| places == *first)).copied();
        data.ids = Ids::of(&data.events);
        Ok(data)
    }

    fn open_file(&mut self, bytes: &'a [u8], ends: &[usize]) {
        let header = self.header;
        self.events = file::events(bytes, &header, &mut self.damage);
        let mut data = header.data;
        let length = bytes.len() as u64;
        if data.size == 0 {
            // The recording ended before the header could be written again: all that follows are records.
            data.size = length.saturating_sub(data.offset);
            let found = "0: the recording was not ended properly".to_owned();
            self.damage.push(PerfDataError::new(48, "the size of the records", found));
        } else {
            let sections = file::feature_sections(bytes, &header, &mut self.damage);
            self.take_features(bytes, &sections);
        }
        let clamp = |at: u64| usize::try_from(at.min(length)).unwrap_or_default();
        let segment = Segment { buffered: false, start: clamp(data.offset), end: clamp(data.end()), shown: 0 };
        if data.end() > length {
            let found = format!("{} bytes", length.saturating_sub(data.offset));
            self.source.damage = Some(PerfDataError::new(
                length,
                "the end of the records",
                format!("the end of the file after {found}"),
            ));
        }
        let mut start = segment.start;
        for &end in ends.iter().filter(|end| **end < segment.end) {
            let run = Segment { start: start.min(end), end, ..segment };
            self.source.segments.push(run);
            start = end;
        }
        self.source.segments.push(Segment { start, ..segment });
        // `perf stat record` tells unit and scale of its events among the records, of which there are few.
        if self.features.stat {
            pipe::event_updates(self);
        }
    }

    fn take_features(&mut self, bytes: &'a [u8], sections: &[(u32, Section)]) {
        self.features.present = (0..256).filter(|number| self.header.has_feature(*number)).collect();
        // Sections that overlap must not become more than the file.
        let mut left = bytes.len() as u64;
        for (number, section) in sections {
            left = left.saturating_sub(section.size);
            let found = if left == 0 { &[] } else { section.of(bytes) };
            if found.len() as u64 != section.size {
                let found = format!("{} bytes of {}", found.len(), section.size);
                let expected = Feature::from_number(*number).map_or("a feature", Feature::name);
                self.damage.push(PerfDataError::new(section.offset, expected, found));
            }
            self.take_feature(*number, *section, found);
        }
    }

    /// Takes one feature, whose bytes stand at `section`.
    pub(crate) fn take_feature(&mut self, number: u32, section: Section, bytes: &'a [u8]) {
        let Some(feature) = Feature::from_number(number) else {
            self.features.unknown.push((number, section));
            return;
        };
        if feature == Feature::TracingData {
            self.take_tracing_data(section.offset, bytes);
        } else if let Err(expected) = self.features.take(feature, bytes, self.header.endian) {
            let found = format!("{} bytes that are not whole", bytes.len());
            self.damage.push(PerfDataError::new(section.offset, expected, found));
        }
    }

    pub(crate) fn take_tracing_data(&mut self, offset: u64, bytes: &'a [u8]) {
        let (tracing_data, bad) = TracingData::parse(bytes);
        if let Some((at, expected)) = bad {
            let found = "something else, or the end".to_owned();
            self.damage.push(PerfDataError::new(offset.saturating_add(at as u64), expected, found));
        }
        self.tracing_data = Some(tracing_data);
    }

    /// Names: those of the header, in the order of the events; a tracepoint's from its format; or from the attr.
    fn name_events(&mut self) {
        let formats = self.tracing_data.as_ref().map(TracingData::names).unwrap_or_default();
        for (index, event) in self.events.iter_mut().enumerate() {
            if let Some(desc) = self.features.event_desc.get(index) {
                event.name.clone_from(&desc.name);
            }
            if event.name.is_empty() && event.attr.kind == crate::perfdata::attr::kind::TRACEPOINT {
                event.name = formats.get(&event.attr.config).cloned().unwrap_or_default();
            }
            if event.name.is_empty() {
                event.name = name::of(&event.attr);
            }
        }
    }

    /// Byte order of all numbers.
    pub fn endian(&self) -> Endian {
        self.header.endian
    }

    /// All records in the order of the file. Damage is the last item; all before it is good.
    pub fn records(&self) -> Records<'_> {
        self.source.records()
    }

    /// The same file, whose [`PerfData::sorted`] keeps to the order of the file (`--disable-order`).
    #[must_use]
    pub fn as_written(mut self) -> Self {
        self.as_written = true;
        self
    }

    /// All records in the order of time; see [`Sorted`]. Damage is the last item.
    pub fn sorted(&self) -> Sorted<'_> {
        Sorted::new(self)
    }

    /// Whether all records of the kernel tell their time, so that they can be put in order.
    pub(crate) fn has_times(&self) -> bool {
        !self.as_written && self.events.first().is_some_and(|event| event.attr.has(flag::SAMPLE_ID_ALL))
    }

    /// Index of the event of a record of the kernel, by the rule of perf: the only one; the one with its id; the first
    /// for records that perf made up (id 0) or that have no id.
    #[inline]
    pub fn event_of(&self, record: &RawRecord<'_>) -> Result<usize, DecodeError> {
        match self.events.len() {
            0 => return Err(DecodeError::NoEvents { offset: record.offset }),
            1 => return Ok(0),
            _ => {}
        }
        let Some(places) = self.places.first() else { return Ok(0) };
        match places.id(record, self.header.endian) {
            None | Some(0) => Ok(0),
            Some(id) => self.ids.find(id).ok_or(DecodeError::UnknownId { offset: record.offset, id }),
        }
    }

    /// Index of the event with this id.
    pub fn event_with_id(&self, id: u64) -> Option<usize> {
        self.ids.find(id)
    }

    /// The time of a record of the kernel, in nanoseconds, without decoding the rest.
    #[inline]
    pub fn time(&self, record: &RawRecord<'_>) -> Option<u64> {
        let places = match &self.common {
            Some(places) => places,
            None => self.places.get(self.event_of(record).ok()?)?,
        };
        places.time(record, self.header.endian)
    }

    /// Decodes a sample.
    pub fn decode_sample<'r>(&self, record: &RawRecord<'r>) -> Result<Sample<'r>, DecodeError> {
        let mut sample = Sample::default();
        self.decode_sample_into(record, &mut sample)?;
        Ok(sample)
    }

    /// Decodes a sample into `sample`: of what was in it nothing is left, but its memory is used again. After an error its
    /// content means nothing.
    pub fn decode_sample_into<'r>(&self, record: &RawRecord<'r>, sample: &mut Sample<'r>) -> Result<(), DecodeError> {
        if record.kind != kind::SAMPLE {
            return Err(DecodeError::NoSample { offset: record.offset, kind: record.kind });
        }
        let event = self.event_of(record)?;
        let attr = self.attr(event, record)?;
        decode::sample_into(record, event, attr, self.header.endian, sample)
            .map_err(|field| DecodeError::Short { offset: record.offset, field })
    }

    /// Decodes a record of the kernel that is no sample; `Ok(None)` for samples, records that perf itself made, and
    /// types that are not known.
    pub fn decode_record<'r>(&self, record: &RawRecord<'r>) -> Result<Option<Record<'r>>, DecodeError> {
        if record.kind == kind::SAMPLE || record.kind >= kind::HEADER_ATTR {
            return Ok(None);
        }
        let event = self.event_of(record).unwrap_or_default();
        let none = EventAttr::default();
        let attr = self.events.get(event).map_or(&none, |event| &event.attr);
        let trailer = self.places.get(event).map_or(0, |places| places.trailer);
        let body = record.body.get(..record.body.len().saturating_sub(trailer)).unwrap_or_default();
        decode_other(record, body, attr, self.header.endian)
            .map_err(|field| DecodeError::Short { offset: record.offset, field })
    }

    /// Decodes a record that perf itself made; `Ok(None)` for those of the kernel, and types that are not known.
    pub fn decode_user<'r>(&self, record: &RawRecord<'r>) -> Result<Option<UserRecord<'r>>, DecodeError> {
        user::decode(record, self.header.endian).map_err(|field| DecodeError::Short { offset: record.offset, field })
    }

    /// The trailer of a record of the kernel that is no sample: whose it is, when, and of which event. Empty where the
    /// file has no trailers.
    pub fn sample_id(&self, record: &RawRecord<'_>) -> SampleId {
        if record.kind == kind::SAMPLE || record.kind >= kind::HEADER_ATTR {
            return SampleId::default();
        }
        let event = self.event_of(record).unwrap_or_default();
        let attr = self.events.get(event).map(|event| &event.attr);
        attr.map(|attr| trailer::decode(record.body, attr, self.header.endian)).unwrap_or_default()
    }

    fn attr(&self, event: usize, record: &RawRecord<'_>) -> Result<&EventAttr, DecodeError> {
        let event = self.events.get(event);
        event.map(|event| &event.attr).ok_or(DecodeError::NoEvents { offset: record.offset })
    }
}
