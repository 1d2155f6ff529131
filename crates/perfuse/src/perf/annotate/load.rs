//! From the recording to samples by function and place.

use std::ops::{ControlFlow, Range};

use perfuse_analyze::annotate::Annotations;
use perfuse_analyze::resolve::{Item, Resolver, Symbol, SymbolId};
use perfuse_format::perfdata::attr::{flag, sample_type};
use perfuse_format::perfdata::{PerfData, Sample};

use super::options::{Listing, Options};
use crate::console::Console;
use crate::perf::options::Parsed;
use crate::perf::recorded::{self, Passage, RecordedNames};

/// An event as the heads tell of it.
pub(crate) struct EventAbout {
    /// Its name, or those of its group.
    pub(crate) name: String,
    /// The events whose samples are shown together.
    pub(crate) members: Range<usize>,
    /// Samples a second, if they were asked for in that way.
    pub(crate) frequency: Option<u64>,
}

/// Samples that are looked at.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Only this function.
    pub(crate) symbol: Option<String>,
    /// Only these files, by name or path.
    pub(crate) dsos: Option<std::collections::BTreeSet<String>>,
    /// Only these CPUs.
    pub(crate) cpus: Option<std::collections::BTreeSet<u32>>,
}

/// A recording whose functions can be shown.
pub(crate) struct Loaded {
    pub(crate) annotations: Annotations,
    pub(crate) resolver: Resolver<RecordedNames>,
    pub(crate) events: Vec<EventAbout>,
    /// Names of functions with samples that the filter left out.
    pub(crate) others: Vec<String>,
}

impl Filter {
    pub(super) fn of(options: &Options) -> Self {
        Self { symbol: options.symbol.clone(), dsos: options.dsos.clone(), cpus: options.cpus.clone() }
    }

    fn passes(&self, sample: &Sample<'_>, symbol: Option<&Symbol>, dso: &str) -> bool {
        let has_cpu = sample.fields & sample_type::CPU != 0;
        let cpus = self.cpus.as_ref().is_none_or(|cpus| has_cpu && cpus.contains(&sample.cpu));
        let named = self.symbol.as_ref().is_none_or(|name| symbol.is_some_and(|symbol| symbol.name == *name));
        let base = dso.rsplit('/').next().unwrap_or(dso);
        let dsos = self.dsos.as_ref().is_none_or(|dsos| dsos.contains(dso) || dsos.contains(base));
        cpus && named && dsos
    }
}

impl Loaded {
    /// Reads all samples that pass.
    pub(crate) fn new(
        filter: &Filter,
        group: Option<bool>,
        data: &PerfData<'_>,
        mut passage: Option<Passage<'_>>,
        parsed: &Parsed,
        console: &Console,
    ) -> Self {
        let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(data));
        let mut resolver = Resolver::new(names, perfuse_analyze::resolve::Options::default());
        let mut annotations = Annotations::default();
        let mut others = std::collections::BTreeSet::new();
        let mut bad: Option<String> = None;
        let _: ControlFlow<()> = resolver.replay(data, |resolver, item| {
            match item {
                Item::Sample(_, sample) => {
                    let place = resolver.place(sample);
                    let frame = resolver.frame(place);
                    let symbol = frame.symbol.and_then(|symbol| resolver.symbol(symbol));
                    let dso = resolver.module(place).unwrap_or_default();
                    if filter.passes(sample, symbol, dso) {
                        annotations.add(resolver, place, sample.event, sample.period);
                    } else if filter.symbol.is_some() {
                        others.extend(frame.symbol);
                    }
                }
                Item::Raw(raw) => {
                    if let Some(passage) = &mut passage {
                        passage.at(&raw);
                    }
                }
                Item::Record(..) => {}
                Item::Bad(_, error) => {
                    bad.get_or_insert_with(|| error.to_string());
                }
                Item::Damage(damage) => console.complain(&damage.to_string()),
            }
            ControlFlow::Continue(())
        });
        if let Some(first) = bad {
            console.complain(&first);
        }
        let name = |id: &SymbolId| resolver.symbol(*id).map(|symbol| symbol.name.clone());
        let others = others.iter().filter_map(name).collect();
        Self { annotations, resolver, events: events(data, group), others }
    }

    /// Functions with samples of an event or its group, in perf's order, and their share of all in percent.
    pub(crate) fn functions(&self, event: &EventAbout) -> Vec<(SymbolId, f64)> {
        let names = |id: SymbolId| {
            let symbol = self.resolver.symbol(id);
            let dso = symbol.and_then(|symbol| self.resolver.session().dso_of(symbol.dso));
            let path = dso.map_or("", |dso| dso.path.as_str());
            let file = path.rsplit('/').next().unwrap_or(path).to_owned();
            (file, symbol.map(|symbol| symbol.name.clone()).unwrap_or_default())
        };
        let leader = event.members.start;
        let all = self.annotations.total(leader).period;
        let share = |id: SymbolId| {
            let function = self.annotations.functions.get(&id).and_then(|function| function.event(leader));
            function.map_or(0.0, |histogram| histogram.total.period as f64 * 100.0 / all.max(1) as f64)
        };
        let mut found: Vec<SymbolId> = self.annotations.order(leader, names);
        for member in event.members.clone().skip(1) {
            for id in self.annotations.order(member, names) {
                if !found.contains(&id) {
                    found.push(id);
                }
            }
        }
        found.into_iter().map(|id| (id, share(id))).collect()
    }

    /// The number of samples of all events.
    pub(super) fn is_empty(&self) -> bool {
        self.annotations.totals.iter().all(|total| total.samples == 0)
    }
}

/// The events that are shown, each with its group.
fn events(data: &PerfData<'_>, group: Option<bool>) -> Vec<EventAbout> {
    let count = data.events.len();
    let recorded = data.features.groups.iter().filter(|group| group.members > 1).map(|group| {
        let start = group.leader as usize;
        start..start.saturating_add(group.members as usize).min(count)
    });
    let mut groups: Vec<Range<usize>> = recorded.filter(|group| group.len() > 1).collect();
    match group {
        Some(false) => groups.clear(),
        Some(true) if groups.is_empty() && count > 1 => groups.push(0..count),
        _ => {}
    }
    let about = |index: usize| {
        let members = groups.iter().find(|group| group.start == index).cloned().unwrap_or(index..index + 1);
        let names = data.events.get(members.clone()).unwrap_or_default().iter().map(|event| event.name.as_str());
        let attr = data.events.get(index).map(|event| &event.attr);
        let frequency = attr.filter(|attr| attr.has(flag::FREQ)).map(|attr| attr.sample_period);
        let recorded = data.features.groups.iter().find(|group| group.leader as usize == index && group.members > 1);
        let names = names.collect::<Vec<_>>().join(", ");
        let name = match recorded.filter(|_| members.len() > 1) {
            Some(group) if matches!(group.name.as_str(), "" | "{anon_group}") => format!("anon group {{ {names} }}"),
            Some(group) => format!("{} {{ {names} }}", group.name),
            None => names,
        };
        EventAbout { name, members, frequency }
    };
    let is_member = |index: &usize| groups.iter().any(|group| group.start < *index && *index < group.end);
    (0..count).filter(|index| !is_member(index)).map(about).collect()
}

/// The listing of a function and everything around it, ready to be shown.
pub(crate) struct Opened {
    pub(crate) code: perfuse_analyze::annotate::Code,
    pub(crate) rows: Vec<perfuse_analyze::annotate::Row>,
    pub(crate) name: String,
    pub(crate) dso: String,
}

impl Loaded {
    /// Disassembles a function; the message tells why that cannot be.
    pub(crate) fn open(&mut self, id: SymbolId, listing: &Listing) -> Result<Opened, perfuse_analyze::Msg> {
        open(&mut self.resolver, id, listing)
    }
}

/// Disassembles a function that a resolver found; the message tells why that cannot be.
pub(crate) fn open(
    resolver: &mut Resolver<RecordedNames>,
    id: SymbolId,
    listing: &Listing,
) -> Result<Opened, perfuse_analyze::Msg> {
    let missing = || perfuse_analyze::Msg::new("perf-annotate-empty");
    let symbol = resolver.symbol(id).cloned().ok_or_else(missing)?;
    let dso = resolver.session().dso_of(symbol.dso).cloned().ok_or_else(missing)?;
    let names = resolver.names();
    let code = names.listing(symbol.dso, &dso, &symbol, listing)?;
    let mut text = |file: &str, line: u32| names.source_line(&listing.path(file), line);
    let source: Option<perfuse_analyze::annotate::SourceText<'_>> = if listing.source { Some(&mut text) } else { None };
    let rows = perfuse_analyze::annotate::rows(&code, listing.raw, source);
    Ok(Opened { code, rows, name: symbol.name, dso: dso.path })
}

/// The function with samples that has this name, in the file that a line shows; any file if it shows none.
pub(crate) fn find(
    annotations: &Annotations,
    resolver: &Resolver<RecordedNames>,
    symbol: &str,
    dso: &str,
) -> Option<SymbolId> {
    let is_it = |id: &SymbolId| {
        let found = resolver.symbol(*id).filter(|found| found.name == symbol);
        let file = found.and_then(|found| resolver.session().dso_of(found.dso));
        file.is_some_and(|file| dso.is_empty() || file.path == dso || file.path.ends_with(&format!("/{dso}")))
    };
    annotations.functions.keys().copied().find(is_it)
}
