//! The tracing data: what tracefs said of the tracepoints when the recording began, copied whole into the file.
//!
//! ```text
//! 17 08 44 "tracing" "0.6\0"   byte order u8   bytes of a long u8   page size u32
//! "header_page\0"  u64 size, text
//! "header_event\0" u64 size, text
//! u32 count:   u64 size, text                        formats of ftrace itself
//! u32 systems: name\0, u32 count: u64 size, text     formats of events
//! u32 size, text                                     /proc/kallsyms
//! u32 size, text                                     printk_formats
//! u64 size, text                                     saved_cmdlines (from 0.6)
//! ```
//!
//! Source: `tools/perf/util/trace-event-read.c`, `trace-event-info.c`.

use std::collections::BTreeMap;

use crate::perfdata::attr::Endian;
use crate::perfdata::cursor::Cursor;

/// The formats of one system's events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFormats<'a> {
    /// Name of the system, such as `sched`.
    pub system: String,
    /// The text of each `format` file.
    pub formats: Vec<&'a [u8]>,
}

/// The tracing data, in parts. The parts after damage are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TracingData<'a> {
    /// Version of the layout: `0.5` or `0.6`.
    pub version: String,
    /// Byte order of the traced machine.
    pub endian: Endian,
    /// Bytes of a `long` of its kernel.
    pub long_size: u8,
    /// Bytes of a page.
    pub page_size: u32,
    /// `events/header_page`.
    pub header_page: &'a [u8],
    /// `events/header_event`.
    pub header_event: &'a [u8],
    /// Formats of the events of ftrace itself.
    pub ftrace: Vec<&'a [u8]>,
    /// Formats of all other events, by system.
    pub systems: Vec<EventFormats<'a>>,
    /// `/proc/kallsyms`; perf leaves it empty.
    pub kallsyms: &'a [u8],
    /// `printk_formats`: address and text of the strings of `trace_printk` and `%s`.
    pub printk_formats: &'a [u8],
    /// `saved_cmdlines`: pid and name.
    pub saved_cmdlines: &'a [u8],
}

/// The first bytes.
pub(crate) const TRACING_MAGIC: &[u8; 10] = b"\x17\x08\x44tracing";

impl<'a> TracingData<'a> {
    /// Splits the bytes into their parts. The second value tells what the first part that is not whole should be, and
    /// where in `bytes`.
    pub fn parse(bytes: &'a [u8]) -> (Self, Option<(usize, &'static str)>) {
        let mut data = Self::default();
        let mut at = Cursor::new(bytes, Endian::Little);
        let outcome = data.fill(&mut at);
        (data, outcome.err())
    }

    fn fill(&mut self, at: &mut Cursor<'a>) -> Result<(), (usize, &'static str)> {
        let begin = at.at();
        if at.bytes(10) != Some(TRACING_MAGIC) {
            return Err((begin, "the magic of tracing data"));
        }
        let mut place = at.at();
        self.head(at).ok_or((place, "version, byte order and sizes of tracing data"))?;
        place = at.at();
        self.header_page = named(at, b"header_page").ok_or((place, "header_page"))?;
        place = at.at();
        self.header_event = named(at, b"header_event").ok_or((place, "header_event"))?;
        place = at.at();
        self.ftrace = formats(at).ok_or((place, "the formats of ftrace"))?;
        place = at.at();
        let systems = at.u32().ok_or((place, "the number of systems"))?;
        for _ in 0..systems {
            place = at.at();
            self.systems.push(system(at).ok_or((place, "a system and the formats of its events"))?);
        }
        place = at.at();
        self.kallsyms = sized(at).ok_or((place, "the symbols of the kernel"))?;
        place = at.at();
        self.printk_formats = sized(at).ok_or((place, "the formats of printk"))?;
        if self.version.as_str() >= "0.6" {
            place = at.at();
            let size = at.u64().ok_or((place, "the names of threads"))?;
            self.saved_cmdlines = at.bytes_u64(size).ok_or((place, "the names of threads"))?;
        }
        Ok(())
    }

    fn head(&mut self, at: &mut Cursor<'a>) -> Option<()> {
        self.version = String::from_utf8_lossy(at.c_string()?).into_owned();
        self.endian = if at.u8()? == 0 { Endian::Little } else { Endian::Big };
        self.long_size = at.u8()?;
        *at = at.with_endian(self.endian);
        self.page_size = at.u32()?;
        Some(())
    }

    /// All formats of events with their system.
    pub fn formats(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        self.systems.iter().flat_map(|system| system.formats.iter().map(|format| (system.system.as_str(), *format)))
    }

    /// System and name of each tracepoint, by its id.
    pub(crate) fn names(&self) -> BTreeMap<u64, String> {
        self.formats().filter_map(|(system, format)| name(system, format)).collect()
    }
}

/// Id and name of a format, which stand in its first lines.
fn name(system: &str, format: &[u8]) -> Option<(u64, String)> {
    let line = |key: &str| {
        let lines = format.split(|byte| *byte == b'\n');
        lines.take(4).find_map(|line| line.strip_prefix(key.as_bytes()))
    };
    let id = str::from_utf8(line("ID: ")?).ok()?.trim().parse().ok()?;
    Some((id, format!("{system}:{}", String::from_utf8_lossy(line("name: ")?))))
}

fn named<'a>(at: &mut Cursor<'a>, name: &[u8]) -> Option<&'a [u8]> {
    if at.c_string()? != name {
        return None;
    }
    let size = at.u64()?;
    at.bytes_u64(size)
}

fn formats<'a>(at: &mut Cursor<'a>) -> Option<Vec<&'a [u8]>> {
    let count = at.u32()?;
    at.list(u64::from(count), 8, |at| {
        let size = at.u64()?;
        at.bytes_u64(size)
    })
}

fn system<'a>(at: &mut Cursor<'a>) -> Option<EventFormats<'a>> {
    Some(EventFormats { system: String::from_utf8_lossy(at.c_string()?).into_owned(), formats: formats(at)? })
}

fn sized<'a>(at: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let size = at.u32()?;
    at.bytes_u64(u64::from(size))
}
