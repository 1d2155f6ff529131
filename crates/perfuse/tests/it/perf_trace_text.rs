//! The text of tracepoints: records of every tracepoint that this kernel has, also of those that it cannot fire here, made
//! up from their formats and printed by perf and by this program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use perfuse_format::perfdata::attr::{Endian, flag, kind, sample_type as has};
use perfuse_format::perfdata::{EventAttr, EventFormats, Sample, TracingData};
use perfuse_format::tracefs::{EventFormat, Shape};
use perfuse_testkit::gate;

use crate::synth::{Synth, ours, theirs};

const EVENTS: &str = "/sys/kernel/tracing/events";
/// Bytes behind the fields of a record, for strings and arrays of any length.
const BEHIND: usize = 24;

/// The formats of a system, as the kernel tells them.
fn formats(directory: &Path) -> Vec<Vec<u8>> {
    let mut events: Vec<PathBuf> = std::fs::read_dir(directory)
        .map(|entries| entries.flatten().map(|entry| entry.path().join("format")).collect())
        .unwrap_or_default();
    events.sort();
    events.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// What perf does not do right: sizes of a dump beyond the record are read from behind it, `%c` of a condition and bitmaps
/// (`%*pbl`) are not understood. Here a dump ends with the record, and the others are what the kernel prints.
fn is_wrong_in_perf(format: &EventFormat, variant: usize) -> bool {
    let has = |part: &str| format.print_fmt.contains(part);
    variant > 1 && has("__print_hex") || has("? '") || has("%*pb")
}

/// A record: fields of small numbers, of large ones, of none; arrays and strings where the format has them.
fn record(format: &EventFormat, variant: usize) -> Vec<u8> {
    let fields = || format.common.iter().chain(&format.fields);
    let end = fields().map(|field| field.offset + field.size).max().unwrap_or(8);
    let mut bytes = vec![0; end];
    let mut noise = format.id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for (index, field) in fields().enumerate() {
        let place = field.offset..field.offset + field.size;
        let value = match variant {
            0 => 0,
            1 => index as u64 + 1,
            _ => {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                // Addresses of the kernel would be functions of the running one. perf cuts `%zu` to 32 bits.
                noise >> if format.print_fmt.contains("%z") { 33 } else { 20 }
            }
        };
        match field.shape {
            Shape::DataLoc => {
                bytes[place].copy_from_slice(&((16_u32 << 16) | u32::try_from(end).unwrap()).to_le_bytes());
            }
            Shape::RelLoc => {
                let behind = u32::try_from(end - field.offset - field.size).unwrap();
                bytes[place].copy_from_slice(&((16_u32 << 16) | behind).to_le_bytes());
            }
            Shape::Array(_) => {
                for (at, byte) in bytes[place].iter_mut().enumerate() {
                    *byte = if field.is_text() {
                        *b"text\0\0\0\0".get(at).unwrap_or(&0)
                    } else {
                        value.to_le_bytes()[at % 8]
                    };
                }
            }
            Shape::Number | Shape::Pointer => {
                let size = field.size.min(8);
                bytes[place][..size].copy_from_slice(&value.to_le_bytes()[..size]);
            }
        }
    }
    bytes[..2].copy_from_slice(&u16::try_from(format.id).unwrap().to_le_bytes());
    bytes.extend(b"abc/def\0\x01\x02\x03\x04\x05\x06\x07\x08"[..16].iter().chain(&[0; BEHIND - 16]));
    bytes
}

/// A file with some records of each tracepoint of a system.
fn file(directory: &Path, system: &str, texts: &[Vec<u8>]) -> PathBuf {
    let parsed: Vec<EventFormat> = texts.iter().filter_map(|text| EventFormat::parse(system, text).ok()).collect();
    let names: Vec<String> = parsed.iter().map(|format| format!("{system}:{}", format.name)).collect();
    let attr = |format: &EventFormat| EventAttr {
        kind: kind::TRACEPOINT,
        config: format.id,
        sample_period: 1,
        sample_type: has::IDENTIFIER | has::TID | has::TIME | has::CPU | has::RAW,
        flags: flag::SAMPLE_ID_ALL,
        ..EventAttr::default()
    };
    let events: Vec<(&str, EventAttr)> =
        names.iter().zip(&parsed).map(|(name, format)| (name.as_str(), attr(format))).collect();
    let mut synth = Synth::new(&events);
    let mut time = 1_000_000_000;
    for (event, format) in parsed.iter().enumerate() {
        for variant in (0..4).filter(|variant| !is_wrong_in_perf(format, *variant)) {
            time += 1000;
            let raw = record(format, variant);
            let id = 100 + event as u64;
            synth.sample(&Sample { event, id, pid: 7, tid: 7, time, raw: Some(&raw), ..Sample::default() });
        }
    }
    let tracing = TracingData {
        version: "0.6".to_owned(),
        endian: Endian::Little,
        long_size: 8,
        page_size: 4096,
        header_page: HEADER_PAGE,
        systems: vec![EventFormats { system: system.to_owned(), formats: texts.iter().map(Vec::as_slice).collect() }],
        ..TracingData::default()
    };
    synth.write(&directory.join(format!("{system}.data")), Some(&tracing))
}

/// Head of the pages of a trace: perf looks for its sizes.
const HEADER_PAGE: &[u8] = b"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\
    \tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n\
    \tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\
    \tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";

/// Lines that differ where perf decodes a record at all, by their tracepoint.
fn differences(file: &Path) -> BTreeMap<String, String> {
    let options = ["-F", "event,trace"];
    let (theirs, ours) = (theirs(file, &options), ours(file, &options));
    let name = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let mut found = BTreeMap::new();
    if theirs.lines().count() != ours.lines().count() {
        let counts = format!("{} lines of perf, {} of ours", theirs.lines().count(), ours.lines().count());
        found.insert(file.display().to_string(), counts);
        return found;
    }
    for (theirs, ours) in theirs.lines().zip(ours.lines()) {
        if theirs != ours && !theirs.contains("[FAILED TO PARSE]") {
            found.entry(name(theirs)).or_insert_with(|| format!("\n  perf {theirs}\n  ours {ours}"));
        }
    }
    found
}

#[test]
fn every_tracepoint_of_this_kernel_reads_as_in_perf() {
    if let Err(reason) = gate::command("perf") {
        perfuse_testkit::skip!("{reason}");
    }
    let Ok(systems) = std::fs::read_dir(EVENTS) else {
        perfuse_testkit::skip!("{EVENTS} cannot be read");
    };
    let directory = tempfile::tempdir().expect("a directory");
    let mut all = BTreeMap::new();
    for system in systems.flatten() {
        let name = system.file_name().to_string_lossy().into_owned();
        let texts = formats(&system.path());
        if texts.is_empty() || name == "ftrace" {
            continue;
        }
        all.extend(differences(&file(directory.path(), &name, &texts)));
    }
    let shown: Vec<String> = all.iter().map(|(name, lines)| format!("{name} {lines}")).collect();
    assert!(all.is_empty(), "{} tracepoints differ:\n{}", all.len(), shown.join("\n"));
}
