//! pprof's `profile.proto`, gzipped: <https://github.com/google/pprof/blob/main/proto/profile.proto>. The few messages
//! are encoded here: a field is its number and wire type, then a varint or a length and that many bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use perfuse_analyze::flame::frame_name;
use perfuse_analyze::profile::{NodeId, Profile, WeightUnit};

use super::{ProfileInfo, base_name, span};

/// A message while it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        loop {
            let low = value.to_le_bytes()[0] & 0x7f;
            value >>= 7;
            if value == 0 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    /// A number; 0 is what a field has that is not there.
    fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u32, inner: &Self) {
        self.bytes(field, &inner.0);
    }

    /// Numbers of a repeated field, packed.
    fn packed(&mut self, field: u32, values: impl Iterator<Item = u64>) {
        let mut inner = Self::default();
        values.for_each(|value| inner.varint(value));
        self.message(field, &inner);
    }
}

/// Texts are named by their index; index 0 is the empty text.
#[derive(Default)]
struct Strings {
    ids: BTreeMap<String, u64>,
    all: Vec<String>,
}

impl Strings {
    fn id(&mut self, text: &str) -> u64 {
        if self.all.is_empty() {
            self.all.push(String::new());
            self.ids.insert(String::new(), 0);
        }
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.all.len() as u64;
        self.all.push(text.to_owned());
        self.ids.insert(text.to_owned(), id);
        id
    }
}

/// Name of the value that says how many samples there were.
const SAMPLES: &str = "samples";

/// The largest value of a sample: they are signed.
const LARGEST: u64 = i64::MAX as u64;

/// Writes the parts of `Profile`; numbers of fields are those of the schema.
struct Writer<'a> {
    profile: &'a Profile,
    /// Whether the number of samples is a value of its own. Folded stacks have no other.
    counted: bool,
    strings: Strings,
    out: Message,
    /// Number and largest address of each module, by the text of its path.
    mappings: BTreeMap<u32, (u64, u64)>,
    /// By name and the text of the file.
    functions: BTreeMap<(Cow<'a, str>, u32), u64>,
    /// By its frames, innermost first: the inlined ones and the one that they are part of.
    locations: BTreeMap<Vec<u32>, u64>,
}

/// The file.
pub fn render(profile: &Profile, info: &ProfileInfo) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer {
        profile,
        counted: !profile.events.iter().any(|event| event.name == SAMPLES),
        strings: Strings::default(),
        out: Message::default(),
        mappings: BTreeMap::new(),
        functions: BTreeMap::new(),
        locations: BTreeMap::new(),
    };
    writer.types();
    writer.samples();
    writer.write_mappings();
    let (first, last) = span(profile);
    writer.out.number(9, info.started.unwrap_or(0).min(LARGEST));
    writer.out.number(10, (last - first).min(LARGEST));
    if !info.title.is_empty() {
        let comment = writer.strings.id(&info.title);
        writer.out.number(13, comment);
    }
    let Writer { strings, mut out, .. } = writer;
    for text in &strings.all {
        out.bytes(6, text.as_bytes());
    }
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&out.0)?;
    zipped.finish()
}

impl<'a> Writer<'a> {
    /// The kinds of value of a sample: how many there were, then the weight of each event.
    fn types(&mut self) {
        let mut all = Vec::new();
        if self.counted {
            all.push((SAMPLES.to_owned(), "count"));
        }
        for event in &self.profile.events {
            let clock = matches!(event.name.split(':').next(), Some("cpu-clock" | "task-clock"));
            all.push(match event.unit {
                WeightUnit::Nanoseconds if clock => ("cpu".to_owned(), "nanoseconds"),
                WeightUnit::Nanoseconds => (event.name.clone(), "nanoseconds"),
                WeightUnit::Count => (event.name.clone(), "count"),
            });
        }
        let mut last = 0;
        for (index, (name, unit)) in all.iter().enumerate() {
            let mut kind = Message::default();
            let (name, unit) = (self.strings.id(name), self.strings.id(unit));
            kind.number(1, name);
            kind.number(2, unit);
            self.out.message(1, &kind);
            if index == usize::from(self.counted) {
                // What lies between two samples, and what pprof shows first.
                self.out.message(11, &kind);
                last = name;
            }
        }
        let period = self.profile.samples.iter().filter(|sample| sample.event == 0).map(|sample| sample.weight).max();
        self.out.number(12, period.unwrap_or(0).min(LARGEST));
        self.out.number(14, last);
    }

    /// Samples of one thread with one stack are one.
    fn samples(&mut self) {
        let (profile, counted) = (self.profile, usize::from(self.counted));
        let mut order: Vec<_> = profile.samples.iter().collect();
        order.sort_by_key(|sample| (sample.thread, sample.node));
        for same in order.chunk_by(|a, b| (a.thread, a.node) == (b.thread, b.node)) {
            let Some(first) = same.first() else { continue };
            let mut values = vec![0_u64; profile.events.len() + counted];
            for sample in same {
                let event = values.get_mut(sample.event as usize + counted);
                if let Some(value) = event {
                    *value = value.saturating_add(sample.weight);
                }
            }
            if let Some(count) = values.first_mut().filter(|_| self.counted) {
                *count = same.len() as u64;
            }
            let locations = self.stack(first.node);
            let mut message = Message::default();
            message.packed(1, locations.into_iter());
            message.packed(2, values.into_iter().map(|value| value.min(LARGEST)));
            if let Some(thread) = profile.threads().get(first.thread as usize).filter(|thread| thread.tid != 0) {
                let (key, comm) = (self.strings.id("thread"), self.strings.id(&thread.comm));
                let mut label = Message::default();
                label.number(1, key);
                label.number(2, comm);
                message.message(3, &label);
                for (key, number) in [("pid", thread.pid), ("tid", thread.tid)] {
                    let mut label = Message::default();
                    label.number(1, self.strings.id(key));
                    // Negative numbers are those of 64 bits.
                    label.number(3, i64::from(number).cast_unsigned());
                    message.message(3, &label);
                }
            }
            self.out.message(2, &message);
        }
    }

    /// Numbers of the locations of a stack, innermost first.
    fn stack(&mut self, node: Option<NodeId>) -> Vec<u64> {
        let profile = self.profile;
        let mut locations = Vec::new();
        let mut group = Vec::new();
        let mut at = node;
        while let Some(found) = at.and_then(|id| profile.nodes().get(id.0 as usize)) {
            let inlined = profile.frames().get(found.frame.0 as usize).is_some_and(|frame| frame.inlined);
            group.push(found.frame.0);
            if !inlined {
                locations.push(self.location(std::mem::take(&mut group)));
            }
            at = found.parent;
        }
        if !group.is_empty() {
            locations.push(self.location(group));
        }
        locations
    }

    fn location(&mut self, frames: Vec<u32>) -> u64 {
        if let Some(id) = self.locations.get(&frames) {
            return *id;
        }
        let id = self.locations.len() as u64 + 1;
        let mut message = Message::default();
        message.number(1, id);
        let physical = frames.last().and_then(|frame| self.profile.frames().get(*frame as usize));
        if let Some(frame) = physical {
            let next = self.mappings.len() as u64 + 1;
            let mapping = self.mappings.entry(frame.module.0).or_insert((next, 0));
            mapping.1 = mapping.1.max(frame.address);
            message.number(2, mapping.0);
            message.number(3, frame.address);
        }
        for frame in &frames {
            let Some(frame) = self.profile.frames().get(*frame as usize) else { continue };
            let file = frame.source.map_or(u32::MAX, |(file, _)| file.0);
            let mut line = Message::default();
            line.number(1, self.function(frame_name(self.profile, frame), file));
            line.number(2, frame.source.map_or(0, |(_, line)| u64::from(line)));
            message.message(4, &line);
        }
        self.out.message(4, &message);
        self.locations.insert(frames, id);
        id
    }

    fn function(&mut self, name: Cow<'a, str>, file: u32) -> u64 {
        let next = self.functions.len() as u64 + 1;
        let key = (name, file);
        if let Some(id) = self.functions.get(&key) {
            return *id;
        }
        let path = self.profile.texts().get(file as usize).map_or("", String::as_str);
        let (name, path) = (self.strings.id(&key.0), self.strings.id(path));
        self.functions.insert(key, next);
        let mut message = Message::default();
        message.number(1, next);
        message.number(2, name);
        message.number(3, name);
        message.number(4, path);
        self.out.message(5, &message);
        next
    }

    /// One mapping for each module. Addresses are those in the file, so that all of them begin at 0.
    fn write_mappings(&mut self) {
        let text = |module: u32| self.profile.texts().get(module as usize).map_or("", String::as_str);
        // The first is taken for the program itself: one that a thread is named after (names have 15 letters).
        let comms: Vec<&str> = self.profile.threads().iter().map(|thread| thread.comm.as_str()).collect();
        let named = |module: u32| {
            let name = base_name(text(module));
            comms.iter().any(|comm| *comm == name || (comm.len() == 15 && name.starts_with(comm)))
        };
        let mut mappings: Vec<(u32, (u64, u64))> = std::mem::take(&mut self.mappings).into_iter().collect();
        mappings.sort_by_key(|(module, _)| !named(*module));
        for (module, (id, largest)) in mappings {
            let path = text(module);
            // pprof takes a mapping without a name for one that it has to find symbols for.
            let path = self.strings.id(if base_name(path).is_empty() { "[unknown]" } else { path });
            let mut message = Message::default();
            message.number(1, id);
            message.number(3, largest.saturating_add(1));
            message.number(5, path);
            for has in 7..=10 {
                message.number(has, 1);
            }
            self.out.message(3, &message);
        }
    }
}
