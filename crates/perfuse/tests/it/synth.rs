//! Recordings that this machine cannot make, put together record by record; real perf is the judge of what they mean.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perfuse_format::perfdata::attr::Endian;
use perfuse_format::perfdata::features::EventDesc;
use perfuse_format::perfdata::write::{self, FileLayout, RecordEncoder};
use perfuse_format::perfdata::{Event, EventAttr, Feature, Features, Record, Sample, SampleId, TracingData};
use perfuse_testkit::gate;

use crate::{perfuse, stderr};

/// A recording in the making.
pub(crate) struct Synth {
    pub(crate) events: Vec<Event>,
    pub(crate) features: Features,
    records: Vec<u8>,
}

impl Synth {
    /// Of these events, of a machine like this one. Their ids are 100, 101, ...
    pub(crate) fn new(events: &[(&str, EventAttr)]) -> Self {
        let event = |(id, (name, attr)): (u64, &(&str, EventAttr))| Event {
            attr: *attr,
            ids: vec![id],
            name: (*name).to_owned(),
            ..Event::default()
        };
        let events: Vec<Event> = (100..).zip(events).map(event).collect();
        let described =
            |event: &Event| EventDesc { attr: event.attr, name: event.name.clone(), ids: event.ids.clone() };
        let features = Features {
            hostname: Some("made".to_owned()),
            os_release: Some("6.1.0".to_owned()),
            arch: Some(std::env::consts::ARCH.to_owned()),
            event_desc: events.iter().map(described).collect(),
            ..Features::default()
        };
        Self { events, features, records: Vec::new() }
    }

    /// Adds a record of the first event; `misc` holds the mode, and what the kind has besides.
    pub(crate) fn record(&mut self, record: &Record<'_>, misc: u16, id: &SampleId) {
        let encoder = RecordEncoder::new(&self.events[0].attr, Endian::Little);
        encoder.encode(record, misc, id, &mut self.records).expect("the record is short");
    }

    /// Adds a sample.
    pub(crate) fn sample(&mut self, sample: &Sample<'_>) {
        let attr = &self.events[sample.event].attr;
        write::encode_sample(sample, attr, Endian::Little, &mut self.records).expect("the sample is short");
    }

    /// The file.
    pub(crate) fn write(&self, path: &Path, tracing: Option<&TracingData<'_>>) -> PathBuf {
        let encode = |feature: Feature| match (feature, tracing) {
            (Feature::TracingData, Some(tracing)) => Some((feature.number(), tracing.to_bytes())),
            _ => Some((feature.number(), write::feature(&self.features, feature, Endian::Little)?)),
        };
        let features: Vec<_> = Feature::ALL.into_iter().filter_map(encode).collect();
        let layout = FileLayout::new(&self.events, Endian::Little);
        let size = self.records.len() as u64;
        let mut file = layout.head(size, features.iter().map(|(number, _)| *number));
        file.extend(&self.records);
        file.extend(layout.tail(size, &features));
        std::fs::write(path, file).expect("a file");
        path.to_owned()
    }
}

/// What perf prints of a file.
pub(crate) fn theirs(file: &Path, options: &[&str]) -> String {
    let perf = gate::find_command("perf").expect("the gate is open");
    let output = Command::new(perf).arg("script").args(options).arg("-i").arg(file).stdin(Stdio::null()).output();
    String::from_utf8_lossy(&output.expect("perf runs").stdout).into_owned()
}

/// What this program prints of it.
pub(crate) fn ours(file: &Path, options: &[&str]) -> String {
    let mut words = vec!["script"];
    words.extend(options);
    let output = perfuse(words).arg("-i").arg(file).output().expect("the binary runs");
    assert!(output.status.success(), "{options:?}: {}", stderr(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The first lines that differ, ours and theirs; `None` if all are the same.
pub(crate) fn difference(file: &Path, options: &[&str]) -> Option<String> {
    let (theirs, ours) = (theirs(file, options), ours(file, options));
    if theirs == ours {
        return None;
    }
    let differing = theirs.lines().zip(ours.lines()).enumerate().find(|(_, (theirs, ours))| theirs != ours);
    let (lines, own) = (theirs.lines().count(), ours.lines().count());
    Some(format!("{options:?}: {lines} lines of perf, {own} of ours; first that differs: {differing:#?}"))
}
