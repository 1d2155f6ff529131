//! Entries: what a line of the report is about, and their order.

use std::cmp::Ordering;
use std::ops::Range;

use super::collect::{Bucket, Collector, Context, First, NO_NODE};
use super::frame::{Frame, FrameId, Frames, cmp_text};
use super::groups::GroupLines;
use super::intern::Rows;
use super::keys::{Column, Columns, Key, Source, Weight};
use super::rbtree;

/// Weights of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// Sum of the periods.
    pub period: u64,
    /// Number of samples.
    pub samples: u64,
    /// Periods in the kernel, in programs, in the kernel and in programs of guests.
    pub by_level: [u64; 4],
}

impl Stat {
    fn add(&mut self, bucket: &Bucket, level: char) {
        self.period = self.period.saturating_add(bucket.period);
        self.samples += bucket.samples;
        let index = match level {
            'k' => 0,
            '.' => 1,
            'g' => 2,
            'u' => 3,
            _ => return,
        };
        self.by_level[index] = self.by_level[index].saturating_add(bucket.period);
    }
}

/// One line of the report.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Number of the context of its first sample.
    pub context: u32,
    /// Its place in the code, as of its first sample.
    pub place: FrameId,
    /// Weights of the samples taken there.
    pub own: Stat,
    /// With those of what was called from there; the same as `own` where that is not asked for.
    pub all: Stat,
    /// Length of its longest call chain.
    pub depth: u32,
    /// Whether a filter hides it.
    pub filtered: bool,
    /// Number of the thread of its first sample.
    pub thread: u32,
    first: First,
}

/// What entries are made of.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
pub struct Settings {
    /// Columns.
    pub columns: Columns,
    /// Whether callers get the weight of what they called.
    pub children: bool,
    /// Whether call chains begin with the outermost caller.
    pub caller_first: bool,
    /// Whether call chains are shown at all.
    pub chains: bool,
    /// `--symbol-filter`: a part of the names that are shown.
    pub symbol_filter: Option<String>,
    /// `--percentage relative`: shares are of what the filters leave.
    pub relative: bool,
    /// Of each event whether its samples have call chains.
    pub event_chains: Vec<bool>,
    /// Events that are shown together.
    pub groups: Vec<Range<usize>>,
    /// `--group-sort-idx`: the event of a group whose weights order the lines; 0 is the leader.
    pub group_sort: usize,
    /// Whether functions of one name are one, wherever they stand: files of different builds are compared. What no symbol
    /// covers is then one place of each file, the one with the lowest address.
    pub by_name: bool,
}

/// Sums over one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Samples, periods, and the periods of samples with call chains.
    pub all: Sums,
    /// The same of what no filter hides.
    pub shown: Sums,
}

/// Sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Number of samples.
    pub samples: u64,
    /// Sum of the periods.
    pub period: u64,
    /// Sum of the periods of samples that have call chains.
    pub chain_period: u64,
}

/// The entries of one event, first line first.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Numbers of its entries in [`Histograms::entries`].
    pub order: Vec<u32>,
    /// Its sums.
    pub totals: Totals,
}

/// Everything a report shows.
#[derive(Debug, Clone)]
pub struct Histograms {
    /// Places and texts.
    pub frames: Frames,
    /// What was asked for.
    pub settings: Settings,
    /// Entries of all events.
    pub entries: Vec<Entry>,
    /// One for each event.
    pub tables: Vec<Table>,
    pub(super) collector: Collector,
    /// Entry of each node of the stacks; empty where callers get nothing.
    pub(super) node_entries: Vec<u32>,
    /// Entry of each bucket.
    pub(super) bucket_entries: Vec<u32>,
    pub(super) lines: GroupLines,
}

impl Histograms {
    /// Entries of what was collected.
    pub fn new(mut collector: Collector, frames: Frames, settings: Settings) -> Self {
        collector.freeze();
        let mut made = Self {
            frames,
            settings,
            entries: Vec::new(),
            tables: Vec::new(),
            collector,
            node_entries: Vec::new(),
            bucket_entries: Vec::new(),
            lines: GroupLines::default(),
        };
        made.make_entries();
        made.filter_symbols();
        made.order();
        made
    }

    /// Finds the entry of every bucket and, where callers count, of every node, and adds up the weights.
    fn make_entries(&mut self) {
        let places = self.place_ids();
        let contexts = self.context_ids();
        let mut ids = Rows::new(3);
        let mut same = Rows::new(2);
        let mut lines: Vec<u32> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let (collector, frames, by_name) = (&self.collector, &self.frames, self.settings.by_name);
        let mut node_context: Vec<u32> = Vec::with_capacity(collector.nodes.len());
        for node in &collector.nodes {
            let context = if node.parent == NO_NODE { node.frame } else { node_context[node.parent as usize] };
            node_context.push(context);
        }
        let mut entry_of = |context: u32, place: FrameId, first: First, entries: &mut Vec<Entry>| {
            let Context { event, filtered, .. } = collector.context(context);
            let line = [contexts[context as usize].into(), places[place as usize].into()];
            let id = ids.id(&[event.into(), line[0], line[1]]);
            if lines.len() <= id as usize {
                lines.push(same.id(&line));
            }
            let fresh = Entry {
                context,
                place,
                own: Stat::default(),
                all: Stat::default(),
                depth: 0,
                filtered,
                thread: first.thread,
                first,
            };
            match entries.get_mut(id as usize) {
                None => entries.push(fresh),
                Some(old) => {
                    let face = if by_name { lower(frames, old.place, place) } else { None };
                    if first < old.first {
                        *old = Entry { own: old.own, all: old.all, ..fresh };
                    }
                    old.place = face.unwrap_or(old.place);
                }
            }
            id
        };
        for bucket in &collector.buckets {
            let context = node_context[bucket.end as usize];
            let id = entry_of(context, bucket.place, bucket.first, &mut entries);
            entries[id as usize].own.add(bucket, self.frames.get(bucket.place).level);
            self.bucket_entries.push(id);
        }
        if self.settings.children {
            for (index, node) in collector.nodes.iter().enumerate() {
                let root = node.parent == NO_NODE;
                let context = node_context[index];
                let first = First { step: super::intern::next_id(index + 1), ..node.first };
                let id = if root { NO_NODE } else { entry_of(context, node.frame, first, &mut entries) };
                self.node_entries.push(id);
            }
        }
        self.entries = entries;
        self.join_groups(&lines);
        self.accumulate();
        self.sum_up(&node_context);
    }

    /// Gives every caller of a sample its weight, once.
    fn accumulate(&mut self) {
        let collector = &self.collector;
        let mut seen: Vec<u32> = vec![u32::MAX; self.entries.len()];
        for (index, (bucket, &own)) in collector.buckets.iter().zip(&self.bucket_entries).enumerate() {
            let mark = super::intern::next_id(index);
            let entry = &mut self.entries[own as usize];
            entry.all.add(bucket, self.frames.get(bucket.place).level);
            seen[own as usize] = mark;
            let mut length = 0;
            let mut at = bucket.end;
            while let Some(node) = collector.nodes.get(at as usize).filter(|node| node.parent != NO_NODE) {
                length += 1;
                if let Some(&id) = self.node_entries.get(at as usize) {
                    let entry = &mut self.entries[id as usize];
                    entry.depth = entry.depth.max(length);
                    if seen[id as usize] != mark {
                        seen[id as usize] = mark;
                        entry.all.add(bucket, self.frames.get(node.frame).level);
                    }
                }
                at = node.parent;
            }
            let entry = &mut self.entries[own as usize];
            entry.depth = entry.depth.max(length);
        }
    }

    fn sum_up(&mut self, node_context: &[u32]) {
        let mut tables = vec![Table::default(); self.settings.event_chains.len()];
        for (bucket, &own) in self.collector.buckets.iter().zip(&self.bucket_entries) {
            let context = self.collector.context(node_context[bucket.end as usize]);
            let event = context.event as usize;
            let chains = self.settings.chains && self.settings.event_chains.get(event) == Some(&true);
            let Some(table) = tables.get_mut(event) else { continue };
            let add = |sums: &mut Sums| {
                sums.samples += bucket.samples;
                sums.period = sums.period.saturating_add(bucket.period);
                if chains {
                    sums.chain_period = sums.chain_period.saturating_add(bucket.period);
                }
            };
            add(&mut table.totals.all);
            if !self.entries[own as usize].filtered {
                add(&mut table.totals.shown);
            }
        }
        self.tables = tables;
    }

    /// Of every place a number that is the same for places that the keys do not tell apart.
    fn place_ids(&self) -> Vec<u32> {
        let keys: Vec<Key> = self.settings.columns.keys().filter(|key| key.spec().source == Source::Place).collect();
        let mut rows = Rows::new(keys.len());
        let mut symbols = Rows::new(4);
        let ids = (0..super::intern::next_id(self.frames.len())).map(|id| {
            let frame = self.frames.get(id);
            let row: Vec<u64> = keys.iter().map(|key| self.place_identity(*key, frame, &mut symbols)).collect();
            rows.id(&row)
        });
        ids.collect()
    }

    /// A number that is the same for places that a key does not tell apart.
    fn place_identity(&self, key: Key, frame: &Frame, symbols: &mut Rows) -> u64 {
        match key {
            Key::Dso => self.frames.dso_text(frame).into(),
            Key::Symbol if self.settings.by_name => frame.name.into(),
            Key::Symbol => {
                let inlined = if frame.inlined { frame.name.into() } else { u64::MAX };
                let row = if frame.has_symbol() {
                    [self.frames.dso_text(frame).into(), frame.symbol.0, frame.symbol.1, inlined]
                } else {
                    [u64::MAX, frame.address, 0, 0]
                };
                symbols.id(&row).into()
            }
            Key::SrcLine => frame.srcline.into(),
            Key::SrcFile => frame.srcfile.into(),
            Key::SymbolSize => symbol_size(frame),
            Key::DsoSize => frame.dso_size,
            _ => frame.address,
        }
    }

    fn context_ids(&self) -> Vec<u32> {
        let keys: Vec<Key> = self.settings.columns.sample_keys().collect();
        let mut rows = Rows::new(keys.len());
        let mut symbols = Rows::new(4);
        let ids = (0..super::intern::next_id(self.collector.contexts())).map(|id| {
            let context = self.collector.context(id);
            let mut row = Vec::with_capacity(keys.len());
            for (key, &value) in keys.iter().zip(context.values) {
                row.push(match key.place_key() {
                    Some(place) => match frame_of(&self.frames, value) {
                        Some(frame) => self.place_identity(place, frame, &mut symbols),
                        None => u64::MAX,
                    },
                    // What is shown beside it does not count.
                    None if matches!(key, Key::Field(_)) => value >> 32,
                    None => value,
                });
            }
            rows.id(&row)
        });
        ids.collect()
    }

    /// `--symbol-filter` hides what does not have the text in its name.
    fn filter_symbols(&mut self) {
        let Some(part) = &self.settings.symbol_filter else { return };
        let frames = &self.frames;
        for entry in &mut self.entries {
            let name = frames.text(frames.get(entry.place).name);
            entry.filtered |= !name.is_some_and(|name| name.contains(part.as_str()));
        }
        let mut shown: Vec<Sums> = vec![Sums::default(); self.tables.len()];
        for entry in self.entries.iter().filter(|entry| !entry.filtered) {
            let sums = &mut shown[self.collector.context(entry.context).event as usize];
            sums.period = sums.period.saturating_add(entry.own.period);
        }
        for (table, shown) in self.tables.iter_mut().zip(shown) {
            table.totals.shown.period = shown.period;
        }
    }

    fn order(&mut self) {
        for id in 0..super::intern::next_id(self.entries.len()) {
            let event = self.event_of(id);
            // Of a group's line only the entry that stands for it.
            let grouped = self.settings.groups.iter().any(|group| group.contains(&event));
            if grouped && !self.lines.lines.contains_key(&id) {
                continue;
            }
            if let Some(table) = self.tables.get_mut(event) {
                table.order.push(id);
            }
        }
        for event in 0..self.tables.len() {
            let mut order = std::mem::take(&mut self.tables[event].order);
            order.sort_unstable_by_key(|&id| self.entry(id).first);
            // Neither is a true order: addresses are compared by the sign of their difference, and callers with callees
            // only within a thread.
            order = rbtree::ordered(&order, |a, b| self.compare_kept(a, b));
            order = rbtree::ordered(&order, |a, b| self.compare(a, b));
            self.tables[event].order = order;
        }
    }

    /// The first sample of an entry.
    pub(super) fn first_of(&self, id: u32) -> impl Ord + use<> {
        self.entry(id).first
    }

    /// An entry.
    pub fn entry(&self, id: u32) -> &Entry {
        &self.entries[id as usize]
    }

    /// Its place.
    pub fn place(&self, id: u32) -> &Frame {
        self.frames.get(self.entry(id).place)
    }

    /// Its value of a key that comes from the sample.
    pub fn sample_value(&self, id: u32, key: Key) -> Option<u64> {
        let at = self.settings.columns.sample_keys().position(|other| other == key)?;
        self.context(id).values.get(at).copied()
    }

    /// A line's value of a weight's column, for the leader of its group.
    pub fn weight(&self, id: u32, weight: Weight) -> u64 {
        self.member_weight(id, 0, weight)
    }

    pub(super) fn entry_weight(&self, id: u32, weight: Weight) -> u64 {
        let entry = self.entry(id);
        match weight {
            Weight::Overhead | Weight::Period => entry.own.period,
            Weight::OverheadChildren => entry.all.period,
            Weight::Samples => entry.own.samples,
            Weight::OverheadSys => entry.own.by_level[0],
            Weight::OverheadUs => entry.own.by_level[1],
            Weight::OverheadGuestSys => entry.own.by_level[2],
            Weight::OverheadGuestUs => entry.own.by_level[3],
        }
    }

    /// The period that shares of an event are of.
    pub fn total(&self, event: usize) -> u64 {
        let totals = self.tables.get(event).map(|table| table.totals).unwrap_or_default();
        if self.settings.relative { totals.shown.period } else { totals.all.period }
    }

    /// The weight that `--percent-limit` and the threshold of call chains count of an entry.
    pub fn period(&self, id: u32) -> u64 {
        self.weight(id, if self.settings.children { Weight::OverheadChildren } else { Weight::Overhead })
    }

    /// Order of lines: the heaviest first, then what the keys say.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        self.by_columns(|column| match column {
            Column::Weight(weight) => self.compare_weights(a, b, *weight),
            Column::Key(key) => self.compare_keys(a, b, *key, true),
        })
    }

    /// The lines of a table in another order: that of `compare`, then what the keys say, then that of what looks the same.
    pub(super) fn ordered_by(&self, lines: &[u32], compare: impl Fn(u32, u32) -> Ordering) -> Vec<u32> {
        let mut order = lines.to_vec();
        order.sort_unstable_by_key(|&id| self.entry(id).first);
        order = rbtree::ordered(&order, |a, b| self.compare_kept(a, b));
        rbtree::ordered(&order, |a, b| compare(a, b).then_with(|| self.compare(a, b)))
    }

    /// Order of what looks the same.
    pub(super) fn compare_kept(&self, a: u32, b: u32) -> Ordering {
        self.by_columns(|column| match column {
            Column::Weight(_) => Ordering::Equal,
            Column::Key(key) => self.compare_keys(a, b, *key, false),
        })
    }

    pub(super) fn by_columns(&self, of: impl Fn(&Column) -> Ordering) -> Ordering {
        let columns = &self.settings.columns.sorted;
        columns.iter().map(of).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    fn compare_weights(&self, a: u32, b: u32, weight: Weight) -> Ordering {
        let settings = &self.settings;
        let order = |member| self.member_weight(b, member, weight).cmp(&self.member_weight(a, member, weight));
        let members = self.group(self.event_of(a)).len();
        if weight != Weight::OverheadChildren && (1..members).contains(&settings.group_sort) {
            // The leader then counts no more.
            let others = (1..members).filter(|member| *member != settings.group_sort);
            let mut orders = std::iter::once(settings.group_sort).chain(others).map(order);
            return orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        }
        let first = order(0);
        if first.is_ne() {
            return first;
        }
        if weight != Weight::OverheadChildren {
            return (1..members).map(order).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        }
        let (one, other) = (self.entry(a), self.entry(b));
        if one.thread != other.thread || !settings.chains {
            return Ordering::Equal;
        }
        // A caller stands above what it calls.
        if settings.caller_first { other.depth.cmp(&one.depth) } else { one.depth.cmp(&other.depth) }
    }

    /// As shown, or (for what looks the same) as kept.
    pub(super) fn compare_keys(&self, a: u32, b: u32, key: Key, shown: bool) -> Ordering {
        let (one, other) = (self.place(a), self.place(b));
        let shown = shown || self.settings.by_name;
        let value = |id| self.sample_value(id, key).unwrap_or(0);
        match key.spec().source {
            Source::Place => compare_places(&self.frames, one, other, key, shown),
            _ => match key.place_key() {
                Some(place) => match (frame_of(&self.frames, value(a)), frame_of(&self.frames, value(b))) {
                    (Some(one), Some(other)) => compare_places(&self.frames, one, other, place, shown),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                },
                None if key.is_text() => cmp_text(&self.frames, text_id(value(a)), text_id(value(b))),
                // In the order of the bytes; the larger one comes first.
                None if matches!(key, Key::Field(_)) => {
                    let of = |id| text_id(value(id) >> 32);
                    match self.settings.columns.field(key) {
                        Some(field) if field.event == self.event_of(a) => cmp_text(&self.frames, of(b), of(a)),
                        _ => Ordering::Equal,
                    }
                }
                // The sign of the difference, as perf looks at it.
                None if key.larger_first() => 0.cmp(&value(a).wrapping_sub(value(b)).cast_signed()),
                None => 0.cmp(&value(b).wrapping_sub(value(a)).cast_signed()),
            },
        }
    }
}

/// Of two places that no symbol covers the one in the first file by name, then the one with the lower address, by the sign
/// of the difference.
fn lower(frames: &Frames, one: FrameId, other: FrameId) -> Option<FrameId> {
    let (a, b) = (frames.get(one), frames.get(other));
    if a.has_symbol() || b.has_symbol() {
        return None;
    }
    let addresses = || b.address.wrapping_sub(a.address).cast_signed().cmp(&0);
    Some(if frames.cmp_dso(b, a).then_with(addresses).is_lt() { other } else { one })
}

/// The place that a value of a branch or memory key means.
fn frame_of(frames: &Frames, value: u64) -> Option<&Frame> {
    let id = u32::try_from(value).ok()?;
    ((id as usize) < frames.len()).then(|| frames.get(id))
}

/// The number of a text that a value of a key means.
fn text_id(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Bytes of the symbol; 0 without one.
pub fn symbol_size(frame: &Frame) -> u64 {
    if frame.has_symbol() { frame.symbol.1.saturating_sub(frame.symbol.0) } else { 0 }
}

fn compare_places(frames: &Frames, a: &Frame, b: &Frame, key: Key, shown: bool) -> Ordering {
    match key {
        Key::Dso => frames.cmp_dso(a, b),
        Key::Symbol if shown => frames.cmp_name(a, b),
        Key::Symbol => frames.cmp_symbol(a, b),
        Key::SrcLine => cmp_text(frames, a.srcline, b.srcline),
        Key::SrcFile => cmp_text(frames, a.srcfile, b.srcfile),
        Key::SymbolSize => symbol_size(b).cmp(&symbol_size(a)),
        Key::DsoSize => b.dso_size.cmp(&a.dso_size),
        // The sign of the difference, as perf looks at it.
        _ => 0.cmp(&b.address.wrapping_sub(a.address).cast_signed()),
    }
}

impl Columns {
    /// The keys whose values come with each sample, in the order of [`Context::values`].
    pub fn sample_keys(&self) -> impl Iterator<Item = Key> {
        self.keys().filter(|key| key.spec().source != Source::Place)
    }
}

impl Key {
    /// Of a key whose values are numbers of places: how those places compare.
    pub fn place_key(self) -> Option<Self> {
        match self {
            Self::DsoFrom | Self::DsoTo | Self::DsoDaddr => Some(Self::Dso),
            Self::SymbolFrom | Self::SymbolTo | Self::SymbolDaddr => Some(Self::Symbol),
            Self::AddrFrom | Self::AddrTo => Some(Self::Addr),
            _ => None,
        }
    }

    /// Whether of entries of equal weight the one with the larger value comes first.
    fn larger_first(self) -> bool {
        matches!(self, Self::LocalWeight | Self::Weight | Self::LocalInsLat | Self::InsLat)
    }

    /// Whether its values are numbers of texts.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Comm | Self::Parent | Self::Trace | Self::Cgroup | Self::Transaction)
    }
}
