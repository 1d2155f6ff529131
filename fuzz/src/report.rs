//! The whole way of `perf report`: sort keys and a recording in, text out.
//!
//! The first byte has switches, up to the first end of line stand sort keys, and behind it the recording.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use perfuse_analyze::hist::{
    ChainOptions, ColumnOptions, Columns, Feed, FeedOptions, Histograms, Mode, Settings, Style, TraceEvent,
};
use perfuse_analyze::resolve::{Found, Item, Names, Options, Resolver};
use perfuse_analyze::session::family::Family;
use perfuse_analyze::session::{Dso, DsoId};
use perfuse_format::perfdata::attr::{kind, sample_type};
use perfuse_format::perfdata::{PerfData, record};
use perfuse_format::tracefs::{self, EventFormat};
use perfuse_render::perf::report::{Layout, ReportEvent, ReportOptions};
use perfuse_render::perf::report_tasks;
use perfuse_render::perf::script::{Dump, Traces};

/// A function every 64 bytes of every file.
struct Everywhere;

impl Names for Everywhere {
    fn find(&mut self, _: DsoId, _: &Dso, address: u64) -> Option<Found> {
        let start = address & !63;
        let index = u32::try_from(start >> 6 & 0xffff).unwrap_or(0);
        (address & 0x1000 == 0).then(|| Found { index, start, end: start.saturating_add(64) })
    }

    fn name(&mut self, _: DsoId, _: &Dso, index: u32) -> String {
        format!("f{index}")
    }
}

/// Makes a report of the input.
pub fn report(input: &[u8]) {
    let Some((&switches, rest)) = input.split_first() else { return };
    let on = |bit: u8| switches >> bit & 1 == 1;
    let Some(end) = rest.iter().take(200).position(|&byte| byte == b'\n') else { return };
    let (sort, bytes) = (String::from_utf8_lossy(&rest[..end]), &rest[end + 1..]);
    let Ok(data) = PerfData::parse(bytes) else { return };
    records(&data);
    let mode = match switches >> 6 {
        0 => Mode::Normal,
        1 => Mode::Branch,
        2 => Mode::Memory,
        _ => Mode::Tracepoint,
    };
    let events = trace_events(&data);
    let children = on(0) && matches!(mode, Mode::Normal | Mode::Tracepoint);
    let wanted = ColumnOptions {
        sort: (!sort.is_empty()).then_some(&*sort),
        mode,
        children,
        samples: on(1),
        events: &events,
        raw_trace: on(2),
        ..ColumnOptions::default()
    };
    let Ok(columns) = Columns::new(&wanted) else { return };
    let options = FeedOptions { mode, chains: true, caller_first: on(3), by_address: on(4), ..FeedOptions::default() };
    let mut feed = Feed::new(options, &columns);
    let mut resolver = Resolver::new(Everywhere, Options::default());
    let (mut traces, mut trace) = (Traces::new(&data).with_raw(on(2)), Vec::new());
    let _: ControlFlow<()> = resolver.replay(&data, |resolver, item| {
        match item {
            Item::Sample(_, sample) => {
                if let Some(event) = data.events.get(sample.event) {
                    feed.sample(
                        resolver,
                        &event.attr,
                        sample,
                        &mut |resolver: &mut Resolver<Everywhere>, sample, text| {
                            trace.clear();
                            traces.print(resolver, sample.event, sample.raw.unwrap_or_default(), &mut trace);
                            text.push_str(&String::from_utf8_lossy(&trace));
                        },
                    );
                }
            }
            Item::Record(_, Some(record)) => feed.record(record),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    let mut columns = columns;
    columns.fields = std::mem::take(&mut feed.fields);
    let settings = Settings {
        columns,
        children,
        caller_first: on(3),
        chains: mode != Mode::Branch,
        symbol_filter: None,
        relative: false,
        event_chains: data.events.iter().map(|event| event.attr.samples(sample_type::CALLCHAIN)).collect(),
        groups: if on(5) && data.events.len() > 1 { vec![0..data.events.len()] } else { Vec::new() },
        group_sort: usize::from(on(5)),
        by_name: on(4),
    };
    let hists = Histograms::new(feed.collector, feed.frames, settings);
    let names: Vec<ReportEvent> =
        data.events.iter().map(|event| ReportEvent { name: event.name.clone(), several: false }).collect();
    let threads = BTreeMap::new();
    for (style, hierarchy) in [(Style::Graph, false), (Style::Folded, true)] {
        let chain = ChainOptions { style, ..ChainOptions::default() };
        let options = ReportOptions { chain, hierarchy, skip_empty: true, ..ReportOptions::default() };
        let mut out = String::new();
        Layout::new(&hists, &options, &threads).report(&names, 0, "", &mut out);
    }
}

/// What is shown of the records themselves.
fn records(data: &PerfData<'_>) {
    let mut family = Family::new(true);
    let mut dump = Dump::new(data, "fuzz", "x86_64").for_report();
    let mut out = Vec::new();
    let mut resolver = Resolver::new(Everywhere, Options::default());
    for raw in data.sorted().map_while(Result::ok) {
        out.clear();
        dump.record(&mut resolver, &raw, &mut out);
        if raw.kind != record::kind::SAMPLE
            && let Ok(Some(record)) = data.decode_record(&raw)
        {
            family.apply(raw.misc, &record);
        }
    }
    report_tasks::text(&family);
}

fn trace_events(data: &PerfData<'_>) -> Vec<TraceEvent> {
    let tracing = data.tracing_data.as_ref();
    let layout = tracing.map(|it| tracefs::Layout { endian: it.endian, long_size: it.long_size });
    let formats = tracing.into_iter().flat_map(|tracing| tracing.formats());
    let formats: Vec<EventFormat> =
        formats.filter_map(|(system, bytes)| EventFormat::parse(system, bytes).ok()).collect();
    let event = |event: &perfuse_format::perfdata::Event| TraceEvent {
        name: event.name.clone(),
        format: (event.attr.kind == kind::TRACEPOINT)
            .then(|| formats.iter().find(|format| format.id == event.attr.config).cloned())
            .flatten(),
        layout: layout.unwrap_or_default(),
    };
    data.events.iter().map(event).collect()
}
