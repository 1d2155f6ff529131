//! From a recording to text and to the files of other viewers.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use perfuse_analyze::flame::{FlameGraph, Options as FlameChoice};
use perfuse_analyze::profile::{
    Frame, FrameKind, NodeId, Profile, ProfileEvent, ProfileSample, ProfileThread, WeightUnit,
};
use perfuse_analyze::resolve::profile::ProfileBuilder;
use perfuse_analyze::resolve::{Code, Found, Inline, Instruction, Item, Names, Options, Resolver};
use perfuse_analyze::session::{Dso, DsoId};
use perfuse_format::perfdata::PerfData;
use perfuse_render::export::{self, ProfileInfo};
use perfuse_render::flame::FlameOptions;
use perfuse_render::perf::header::{self, About};
use perfuse_render::perf::script::{Dump, Layout, Printer, Style, Traces, fields};
use perfuse_render::{Lang, Texts};

/// A function in every 64 bytes, some of them inlined, with code of its own number.
struct Made;

impl Names for Made {
    fn find(&mut self, _: DsoId, _: &Dso, address: u64) -> Option<Found> {
        let start = address & !63;
        let index = u32::try_from(start >> 6 & 0xff).ok()?;
        (address & 0x100 == 0).then_some(Found { index, start, end: start.saturating_add(64) })
    }

    fn name(&mut self, _: DsoId, _: &Dso, index: u32) -> String {
        format!("f{index}<\"&>")
    }

    fn inlines(&mut self, _: DsoId, _: &Dso, address: u64, _: Found) -> Vec<Inline> {
        let name = |name: Option<&str>| Inline { name: name.map(str::to_owned), source: Some(("a/b.c".to_owned(), 7)) };
        if address & 64 == 0 { Vec::new() } else { vec![name(Some("inner")), name(None)] }
    }

    fn source(&mut self, _: DsoId, _: &Dso, address: u64) -> Option<(String, u32)> {
        (address & 1 == 0).then(|| ("a/b.c".to_owned(), u32::try_from(address & 0xff).unwrap_or(0)))
    }

    fn code(&mut self, _: DsoId, _: &Dso, address: u64, most: usize) -> Option<Code> {
        let bytes = address.to_le_bytes().iter().copied().cycle().take(most.min(1 << 16)).collect();
        Some(Code { bytes, wide: address & 2 == 0 })
    }

    fn instruction(&self, bytes: &[u8], wide: bool) -> Option<Instruction> {
        let found = perfuse_symbol::insn::x86(bytes, wide)?;
        assert!((1..=perfuse_symbol::insn::LONGEST).contains(&found.length) && found.length <= bytes.len());
        Some(Instruction { length: found.length, branch: found.branch })
    }

    fn source_text(&mut self, _: &str, line: u32) -> Option<String> {
        (line & 1 == 1).then(|| "int a;".to_owned())
    }
}

/// The first byte chooses what is printed, the rest is the recording: all lines of `perf script`, its dump, its header, and
/// the profile of it in every form.
pub fn script(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let Ok(data) = PerfData::parse(bytes) else { return };
    let on = |bit: u32| choice >> bit & 1 == 1;
    let mut layout = Layout::default();
    if on(0) {
        // Fields of branches exclude each other: the first that is chosen wins.
        let all: Vec<String> = fields::names()
            .filter(|name| !on(1) || !name.ends_with("brstack"))
            .map(|name| format!("+{name}"))
            .collect();
        layout.choose(&all.join(",")).expect("all fields together are possible");
    }
    let style = Style {
        nanoseconds: on(2),
        call_chains: !on(3),
        full_source_path: on(4),
        narrow: on(5),
        native: on(6),
        max_blocks: u32::from(on(7)),
        arch: "x86_64".to_owned(),
        wall: Some((i128::from(*choice), 3600)),
        ..Style::default()
    };
    let events = data.events.iter().map(|event| (event.name.as_str(), &event.attr));
    let mut printer = Printer::new(events, &layout, style);
    let mut traces = Traces::new(&data);
    let mut dump = Dump::new(&data, "perf.data", "x86_64");
    let mut builder = ProfileBuilder::new(true);
    for event in &data.events {
        builder.event(&event.name, &event.attr);
    }
    let mut out = Vec::new();
    let about = About { changed: 1, utc_offset: 0, full: true, only: false };
    out.extend_from_slice(header::text(&data, about).as_bytes());
    let mut resolver = Resolver::new(Made, Options::default());
    let _: ControlFlow<()> = resolver.replay(&data, |resolver, item| {
        match item {
            Item::Raw(raw) => dump.record(resolver, &raw, &mut out),
            Item::Sample(_, sample) => {
                printer.sample(resolver, sample, &mut out, |resolver, out| {
                    traces.print(resolver, sample.event, sample.raw.unwrap_or_default(), out);
                });
                if let Some(event) = data.events.get(sample.event) {
                    builder.add(resolver, u32::try_from(sample.event).unwrap_or(0), &event.attr, sample);
                }
            }
            Item::Record(raw, record) => printer.record(resolver, &data, &raw, record, &mut out),
            Item::Bad(..) | Item::Damage(_) => {}
        }
        out.clear();
        ControlFlow::Continue(())
    });
    forms(&builder.finish());
}

/// Any profile that the interface can make, in every form. `data` is a row of eight bytes for each sample.
pub fn exports(data: &[u8]) {
    let mut profile = Profile::default();
    for (name, unit) in [("a", WeightUnit::Count), ("b\u{202e}<&>\"", WeightUnit::Nanoseconds)] {
        profile.events.push(ProfileEvent { name: name.to_owned(), unit });
    }
    let mut nodes: Vec<NodeId> = Vec::new();
    for row in data.chunks_exact(8) {
        let name = String::from_utf8_lossy(&row[..3]).into_owned();
        let (function, module) = (profile.add_text(&name), profile.add_text(&name[..name.len().min(0)]));
        let kind = [FrameKind::User, FrameKind::Kernel, FrameKind::Jit, FrameKind::Unknown][usize::from(row[3] & 3)];
        let source = (row[3] & 4 != 0).then_some((function, u32::from(row[4])));
        let address = u64::from(row[5]) << (row[6] & 63);
        let frame = profile.add_frame(Frame { function, module, source, kind, inlined: row[3] & 8 != 0, address });
        let parent = nodes.get(usize::from(row[4])).copied();
        let node = profile.add_node(parent, frame);
        nodes.push(node);
        let thread = profile.add_thread(&ProfileThread { pid: i32::from(row[5]), tid: i32::from(row[6]), comm: name });
        let weight = if row[7] == 255 { u64::MAX } else { u64::from(row[7]) };
        let node = (row[3] & 16 == 0).then_some(node);
        let time = u64::from(row[6]) << (row[7] & 63);
        profile.samples.push(ProfileSample { event: u32::from(row[3] >> 7), thread, node, time, cpu: None, weight });
    }
    forms(&profile);
}

fn forms(profile: &Profile) {
    static TEXTS: OnceLock<Texts> = OnceLock::new();
    let info = ProfileInfo { title: "fuzz".to_owned(), started: Some(1) };
    let json = [
        export::firefox::render(profile, &info),
        export::speedscope::render(profile, &info),
        export::profile_json::render(profile, &info),
    ];
    for written in json {
        let bytes = written.expect("a profile can be written");
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&bytes);
        assert!(read.is_ok(), "{read:?}");
    }
    assert!(export::pprof::render(profile, &info).is_ok());
    let graph = FlameGraph::build(profile, 0, FlameChoice::default());
    let folded = export::folded::render(&graph, true);
    assert!(folded.lines().all(|line| line.rsplit_once(' ').is_some_and(|(_, weight)| weight.parse::<u64>().is_ok())));
    let texts = TEXTS.get_or_init(|| Texts::new(Lang::Ko));
    let picture = perfuse_render::flame::render(&graph, &FlameOptions::default(), texts);
    assert!(picture.starts_with('<') && picture.trim_end().ends_with("</svg>"));
}
