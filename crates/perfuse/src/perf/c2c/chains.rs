//! `-g`: the call chains of the accesses, by row.
//!
//! They are a report of their own: each cache line is an event in it, and the CPU stands for the number of a row.

use std::collections::BTreeMap;

use perfuse_analyze::hist::{ChainOptions, ColumnOptions, Columns, Feed, FeedOptions, Histograms, Settings, Style};
use perfuse_analyze::resolve::Resolver;
use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::{EventAttr, PerfData, Sample};
use perfuse_render::perf::c2c::chain_texts;
use perfuse_render::perf::report::{Layout, ReportOptions};

use crate::perf::options::{Parsed, UsageError};
use crate::perf::recorded::RecordedNames;
use crate::perf::report;

/// Call chains that grow.
pub(super) struct Chains {
    feed: Feed,
    columns: Columns,
    chain: ChainOptions,
    caller_first: bool,
    /// How many lines there are.
    lines: usize,
}

impl Chains {
    /// Nothing yet; `None` where there are no call chains, or none are wanted.
    pub(super) fn new(parsed: &Parsed, data: &PerfData<'_>) -> Result<Option<Self>, UsageError> {
        let (chain, caller_first) = report::chain_options(parsed)?;
        let any = data.events.iter().any(|event| event.attr.samples(sample_type::CALLCHAIN));
        if !any || chain.style == Style::None {
            return Ok(None);
        }
        // `-g` alone is `-g graph,0.5,caller`; without it the innermost caller comes first.
        let alone = parsed.last("call-graph").is_some_and(|given| given.value.is_none());
        let caller_first = caller_first.unwrap_or(alone);
        let wanted = ColumnOptions { sort: Some("cpu"), ..ColumnOptions::default() };
        // The key is one that is known.
        let Ok(columns) = Columns::new(&wanted) else { return Ok(None) };
        let options = FeedOptions { chains: true, caller_first, chain_key: chain.key, ..FeedOptions::default() };
        Ok(Some(Self { feed: Feed::new(options, &columns), columns, chain, caller_first, lines: 0 }))
    }

    /// Takes a sample of a row of a line.
    pub(super) fn sample(
        &mut self,
        resolver: &mut Resolver<RecordedNames>,
        attr: &EventAttr,
        sample: &Sample<'_>,
        (line, row): (u32, u32),
    ) {
        let mut own = sample.clone();
        own.event = line as usize;
        own.cpu = row;
        own.fields |= sample_type::CPU;
        self.lines = self.lines.max(own.event + 1);
        self.feed.sample(resolver, attr, &own, &mut |_, _, _| {});
    }

    /// The text of each row.
    pub(super) fn texts(self) -> BTreeMap<u64, String> {
        let settings = Settings {
            columns: self.columns,
            children: false,
            caller_first: self.caller_first,
            chains: true,
            symbol_filter: None,
            relative: false,
            event_chains: vec![true; self.lines],
            groups: Vec::new(),
            group_sort: 0,
            by_name: false,
        };
        let hists = Histograms::new(self.feed.collector, self.feed.frames, settings);
        let options = ReportOptions { chain: self.chain, ..ReportOptions::default() };
        chain_texts(&Layout::new(&hists, &options, &BTreeMap::new()))
    }
}
