//! `perf c2c report`: the lines that are fought over, and by whom.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, stdin, stdout};
use std::ops::ControlFlow;

use perfuse_analyze::Msg;
use perfuse_analyze::c2c::{Collector, Display, Options, Part, Row, Shared};
use perfuse_analyze::resolve::{self, Item, Resolver};
use perfuse_format::perfdata::features::MemTopology;
use perfuse_format::perfdata::{CpuMode, PerfData};
use perfuse_format::sys::cpulist::CpuList;
use perfuse_render::perf::c2c::{C2c, CodePlace};
use perfuse_render::perf::script::dso_name;

use super::chains::Chains;
use super::screen;
use crate::console::{self, Console};
use crate::perf::options::{Parsed, UsageError};
use crate::perf::recorded::{self, Input, Passage, RecordedNames};

/// perf's rows where nothing is said.
const GROUPING: &str = "iaddr";

pub(super) fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    if let Some(word) = parsed.rest.first() {
        return Err(UsageError(Msg::new("cache-word").with("word", word.to_string_lossy().into_owned())).into());
    }
    if parsed.on("stitch-lbr") {
        return Err(UsageError(Msg::new("c2c-no-stitch")).into());
    }
    let input = Input::open(parsed.text("input").as_deref())?;
    let data = input.recording(false, console)?;
    let display = display(parsed, &data)?;
    let grouping = parsed.text("coalesce").unwrap_or_else(|| GROUPING.to_owned());
    let parts = parts(&grouping)?;
    let options = Options { display, parts: parts.clone(), all: parsed.on("show-all") };
    let (shared, places, chains) = collect(&input, &data, options, parsed, console)?;
    let nodes: Vec<BTreeSet<u32>> = match data.features.numa.as_slice() {
        // A machine that tells no nodes has one.
        [] => vec![shared.lines.iter().flat_map(|line| line.places.cpus.iter().copied()).collect()],
        nodes => nodes.iter().map(|node| CpuList::parse(&node.cpus).iter().flat_map(CpuList::iter).collect()).collect(),
    };
    let events: Vec<&str> = data.events.iter().map(|event| event.name.as_str()).collect();
    let shown = C2c {
        shared: &shared,
        places: &places,
        events: &events,
        display,
        parts: &parts,
        grouping: &grouping,
        nodes: &nodes,
        node_info: parsed.count("node-info").min(2),
        full_symbols: parsed.on("full-symbols"),
        no_source: parsed.on("no-source"),
        chains: &chains,
    };
    if parsed.on("stats") {
        console::print(&shown.statistics())?;
        return Ok(0);
    }
    if !parsed.on("stdio") && stdout().is_terminal() && stdin().is_terminal() {
        return screen::run(&shown, console);
    }
    console::print(&(shown.statistics() + &shown.tables()))?;
    if shared.total.not_understood == shared.total.records && shared.total.records > 0 {
        console.note(&Msg::new("c2c-no-accesses"));
    }
    Ok(0)
}

/// Which loads count: on Arm those from peers, since it tells nothing of modified lines.
fn display(parsed: &Parsed, data: &PerfData<'_>) -> Result<Display, UsageError> {
    let arm = matches!(recorded::arch(data), "arm64" | "aarch64");
    Ok(match parsed.text("display").as_deref() {
        None if arm => Display::Peer,
        None | Some("tot") => Display::Total,
        Some("lcl") => Display::Local,
        Some("rmt") => Display::Remote,
        Some("peer") => Display::Peer,
        Some(other) => return Err(UsageError::value("display", other, Msg::new("c2c-display"))),
    })
}

/// In what rows differ.
fn parts(grouping: &str) -> Result<Vec<Part>, UsageError> {
    let mut parts = Vec::new();
    for word in grouping.split(',') {
        let part = match word {
            "pid" => Part::Pid,
            "tid" => Part::Tid,
            "iaddr" => Part::Code,
            "dso" => Part::Dso,
            // It always is.
            "offset" => continue,
            _ => return Err(UsageError::value("coalesce", grouping, Msg::new("c2c-coalesce"))),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    Ok(parts)
}

/// What was counted, the places of the rows of each line, and the call chains of rows by their numbers.
type Collected = (Shared, Vec<Vec<CodePlace>>, BTreeMap<u64, String>);

fn collect(
    input: &Input,
    data: &PerfData<'_>,
    options: Options,
    parsed: &Parsed,
    console: &Console,
) -> Result<Collected, UsageError> {
    let mut chains = Chains::new(parsed, data)?;
    let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(data));
    let mut resolver = Resolver::new(names, resolve::Options::default());
    let mut collector = Collector::new(options);
    let mut passage = Passage::new(input);
    let topology = data.features.mem_topology.as_ref();
    let _: ControlFlow<()> = resolver.replay(data, |resolver, item| {
        match item {
            Item::Raw(raw) => passage.at(&raw),
            Item::Sample(_, sample) => {
                let node = topology.and_then(|topology| node_of(topology, sample.phys_addr));
                let place = collector.sample(resolver, sample, node);
                if let (Some(chains), Some(event)) = (&mut chains, data.events.get(sample.event)) {
                    chains.sample(resolver, &event.attr, sample, place);
                }
            }
            Item::Bad(_, error) => console.complain(&error.to_string()),
            Item::Damage(damage) => console.complain(&damage.to_string()),
            Item::Record(..) => {}
        }
        ControlFlow::Continue(())
    });
    let shared = collector.finish();
    let place = |row: &Row, resolver: &mut Resolver<RecordedNames>| code_place(row, resolver);
    let places = shared.lines.iter().map(|line| line.rows.iter().map(|row| place(row, &mut resolver)).collect());
    let places = places.collect();
    Ok((shared, places, chains.map(Chains::texts).unwrap_or_default()))
}

/// The node of a physical address.
fn node_of(topology: &MemTopology, address: u64) -> Option<u64> {
    let block = address.checked_div(topology.block_size).filter(|_| address != 0)?;
    let word = usize::try_from(block / 64).ok()?;
    let has = |set: &Vec<u64>| set.get(word).is_some_and(|bits| bits >> (block % 64) & 1 == 1);
    topology.nodes.iter().find(|node| has(&node.set)).map(|node| node.node)
}

/// The place of a row's code, in words.
fn code_place(row: &Row, resolver: &mut Resolver<RecordedNames>) -> CodePlace {
    let source = resolver.source(row.place);
    let frame = resolver.frame(row.place);
    let symbol = resolver.function(row.place).map(str::to_owned);
    let dso = frame.dso.and_then(|dso| resolver.session().dso_of(dso)).map(|dso| {
        let path = dso_name(dso);
        if path.starts_with('[') { path } else { path.rsplit('/').next().unwrap_or(&path).to_owned() }
    });
    let source = match (source, &symbol, &dso) {
        (Some((path, line)), ..) => format!("{}:{line}", path.rsplit('/').next().unwrap_or(&path)),
        (None, Some(symbol), _) => format!("{symbol}+{}", frame.offset),
        (None, None, Some(dso)) => format!("{dso}[{:x}]", frame.address),
        (None, None, None) => "??:0".to_owned(),
    };
    CodePlace {
        address: frame.address,
        kernel: row.mode == CpuMode::Kernel,
        comm: resolver.comm_name(row.comm).to_owned(),
        symbol,
        dso,
        source,
    }
}
