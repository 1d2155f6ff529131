//! Where the new recording goes: a file with a header of its own, or a stream.

use std::os::fd::AsFd as _;
use std::path::Path;

use perfuse_collect::perf::record::Output;
use perfuse_format::perfdata::features::{AuxIndex, BuildId, Feature, Features};
use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::user::UserRecord;
use perfuse_format::perfdata::write::{
    FileLayout, build_id_record, feature, pipe_feature, pipe_header, pipe_tracing_data,
};
use perfuse_format::perfdata::{Endian, Mode, PerfData, RawRecord};

use super::STREAM;

/// Bytes that are written at once.
const MUCH: usize = 1 << 18;

/// The new recording.
pub(super) struct Target<'d> {
    data: &'d PerfData<'d>,
    output: Output,
    waiting: Vec<u8>,
    /// Of a file.
    layout: Option<FileLayout>,
    /// Where AUX data went.
    aux: Vec<AuxIndex>,
    /// Features that no stream has room for.
    cut: Vec<&'static str>,
}

impl<'d> Target<'d> {
    /// Begins it. A recording that came as a stream stays one, and so does all that goes to standard output.
    pub(super) fn create(data: &'d PerfData<'d>, name: &str) -> anyhow::Result<Self> {
        let is_stream = name == STREAM;
        let output =
            if is_stream { Output::pipe(std::io::stdout().as_fd())? } else { Output::create(Path::new(name))? };
        let layout =
            (!is_stream && data.header.mode == Mode::File).then(|| FileLayout::new(&data.events, data.endian()));
        let mut target = Self { data, output, waiting: Vec::new(), layout, aux: Vec::new(), cut: Vec::new() };
        match &target.layout {
            Some(layout) => target.waiting = layout.head(0, []),
            None => target.waiting = pipe_header(data.endian()),
        }
        if target.layout.is_none() && data.header.mode == Mode::File {
            target.describe();
        }
        Ok(target)
    }

    /// What a stream tells before its records.
    fn describe(&mut self) {
        let endian = self.data.endian();
        for event in &self.data.events {
            let record = UserRecord::HeaderAttr { attr: event.attr, ids: event.ids.clone() };
            if record.encode(endian, &mut self.waiting).is_err() {
                self.cut.push("HEADER_ATTR");
            }
        }
        for number in Feature::ALL {
            // Build ids are records, and what is not compressed or in several files any more is not said to be.
            if matches!(number, Feature::BuildId | Feature::Compressed | Feature::DirFormat | Feature::Auxtrace) {
                continue;
            }
            let Some(bytes) = feature(&self.data.features, number, endian) else { continue };
            if pipe_feature(number, &bytes, endian, &mut self.waiting).is_err() {
                self.cut.push(number.name());
            }
        }
        if let Some(tracing) = &self.data.tracing_data
            && pipe_tracing_data(&tracing.to_bytes(), endian, &mut self.waiting).is_err()
        {
            self.cut.push(Feature::TracingData.name());
        }
        for known in &self.data.features.build_ids {
            let _ = build_id_record(known, endian, &mut self.waiting);
        }
    }

    /// Appends a record as it is, with what stands behind it.
    pub(super) fn record(&mut self, raw: &RawRecord<'_>) -> anyhow::Result<()> {
        let size = u16::try_from(raw.body.len() + 8).unwrap_or(u16::MAX);
        let at = self.output.written() + self.waiting.len() as u64;
        let behind = match raw.kind {
            kind::AUXTRACE | kind::HEADER_TRACING_DATA => self.data.behind(raw),
            _ => &[],
        };
        if raw.kind == kind::AUXTRACE {
            self.aux.push(AuxIndex { offset: at, size: u64::from(size) });
        }
        match self.data.endian() {
            Endian::Little => {
                self.waiting.extend(raw.kind.to_le_bytes());
                self.waiting.extend(raw.misc.to_le_bytes());
                self.waiting.extend(size.to_le_bytes());
            }
            Endian::Big => {
                self.waiting.extend(raw.kind.to_be_bytes());
                self.waiting.extend(raw.misc.to_be_bytes());
                self.waiting.extend(size.to_be_bytes());
            }
        }
        self.waiting.extend(raw.body);
        self.waiting.extend(behind);
        self.written_out(MUCH)
    }

    /// Appends whole records.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.waiting.extend(bytes);
        self.written_out(MUCH)
    }

    /// Appends build ids as records.
    pub(super) fn build_ids(&mut self, ids: &[BuildId]) -> anyhow::Result<()> {
        for id in ids {
            build_id_record(id, self.data.endian(), &mut self.waiting)?;
        }
        self.written_out(MUCH)
    }

    fn written_out(&mut self, from: usize) -> anyhow::Result<()> {
        if self.waiting.len() >= from {
            self.output.write(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// Ends it: of a file the features, then the header once more. Gives the names of what had no room.
    pub(super) fn finish(mut self, ids: &[BuildId]) -> anyhow::Result<Vec<&'static str>> {
        self.written_out(1)?;
        let Some(layout) = &self.layout else { return Ok(self.cut) };
        let size = self.output.written().saturating_sub(layout.data_offset());
        let parts = self.features(ids);
        self.output.write_whole(&layout.tail(size, &parts))?;
        self.output.write_at(&layout.head(size, parts.iter().map(|(number, _)| *number)), 0)?;
        Ok(self.cut)
    }

    /// The features of the recording, but for those that tell how it was written.
    fn features(&self, ids: &[BuildId]) -> Vec<(u32, Vec<u8>)> {
        let endian = self.data.endian();
        let own = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
        let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        let new = Features {
            cmdline: std::iter::once(own).chain(words).collect(),
            build_ids: ids.to_vec(),
            auxtrace: self.aux.clone(),
            ..Features::default()
        };
        let written_anew = [Feature::BuildId, Feature::Cmdline, Feature::Auxtrace];
        let gone = [Feature::Compressed, Feature::DirFormat];
        let mut parts: Vec<(u32, Vec<u8>)> = Vec::new();
        for (number, bytes) in self.data.feature_bytes() {
            let known = Feature::from_number(number);
            if !known.is_some_and(|known| written_anew.contains(&known) || gone.contains(&known)) {
                parts.push((number, bytes.to_vec()));
            }
        }
        parts
            .extend(written_anew.into_iter().filter_map(|known| Some((known.number(), feature(&new, known, endian)?))));
        parts.sort_by_key(|(number, _)| *number);
        parts
    }
}
