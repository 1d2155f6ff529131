//! The layout of `perf c2c report --stdio`.

mod table;
pub mod tui;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perfuse_analyze::c2c::{Counts, Display, Line, Part, Places, Row, Shared};
use perfuse_analyze::hist::Key;

use super::report::Layout;
use table::{Column, amid_dashes, headers, row};

/// The place of a row's code, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodePlace {
    /// Function; `None` where no symbol covers it.
    pub symbol: Option<String>,
    /// What is shown without one: the address in the file, or of the kernel.
    pub address: u64,
    /// Whether the kernel ran.
    pub kernel: bool,
    /// File, as it is shown; `None` where none is mapped.
    pub dso: Option<String>,
    /// Source file and line.
    pub source: String,
    /// Name of the thread.
    pub comm: String,
}

/// All that is shown.
#[derive(Debug, Clone, Copy)]
pub struct C2c<'a> {
    /// The result.
    pub shared: &'a Shared,
    /// Places of the rows of each line.
    pub places: &'a [Vec<CodePlace>],
    /// Names of the events.
    pub events: &'a [&'a str],
    /// The loads that count.
    pub display: Display,
    /// In what rows differ.
    pub parts: &'a [Part],
    /// `-c` as it was given.
    pub grouping: &'a str,
    /// CPUs of each node.
    pub nodes: &'a [BTreeSet<u32>],
    /// `-N`, once or more.
    pub node_info: usize,
    /// `--full-symbols`.
    pub full_symbols: bool,
    /// `--no-source`.
    pub no_source: bool,
    /// `-g`: the call chains of rows as text, by [`Row::number`]; empty without.
    pub chains: &'a BTreeMap<u64, String>,
}

/// The call chains of what was collected by row: of histograms whose lines differ in the CPU, which stands for the number of
/// the row.
pub fn chain_texts(layout: &Layout<'_>) -> BTreeMap<u64, String> {
    let hists = layout.hists;
    let numbers = (0_u32..).take(hists.entries.len());
    let text = |id: u32| {
        let mut text = String::new();
        layout.chains(id, &mut text);
        Some((hists.sample_value(id, Key::Cpu)?, text))
    };
    numbers.filter_map(text).collect()
}

/// Most characters of functions and source lines.
const SYMBOL_WIDTH: usize = 30;
/// Width of an address that has no symbol, and of a file that is not known.
const ADDRESS: usize = 16;
const BAR: &str = "=================================================\n";

fn title(text: &str, out: &mut String) {
    let _ = write!(out, "{BAR}{text}\n{BAR}");
}

fn lines(counts: &[(&str, u64)], out: &mut String) {
    for (name, count) in counts {
        let _ = writeln!(out, "  {name:<34}: {count:>10}");
    }
}

impl C2c<'_> {
    /// The counts of all accesses and of those to shared lines, and what was asked for.
    pub fn statistics(&self) -> String {
        let mut text = String::new();
        title("            Trace Event Information              ", &mut text);
        all_counts(&self.shared.total, &mut text);
        text.push('\n');
        title("    Global Shared Cache Line Event Information   ", &mut text);
        shared_counts(self.shared, &mut text);
        text.push('\n');
        title("                 c2c details                     ", &mut text);
        for (index, event) in self.events.iter().enumerate() {
            let _ = writeln!(text, "{:<36}: {event}", if index == 0 { "  Events" } else { "" });
        }
        let sorted = match self.display {
            Display::Total => "Total HITMs",
            Display::Local => "Local HITMs",
            Display::Remote => "Remote HITMs",
            Display::Peer => "Peer Snoop",
        };
        let _ = writeln!(text, "  Cachelines sort on                : {sorted}");
        let _ = writeln!(text, "  Cacheline data grouping           : offset,{}", self.grouping);
        text
    }

    /// The table of lines, and of each line its rows.
    pub fn tables(&self) -> String {
        let mut text = String::from("\n");
        title("           Shared Data Cache Line Table          ", &mut text);
        let (head, rows) = self.line_table();
        let _ = write!(text, "#\n{head}{rows}\n");
        title("      Shared Cache Line Distribution Pareto      ", &mut text);
        text.push_str("#\n");
        for (index, line) in self.shared.lines.iter().enumerate() {
            let (head, rows) = self.row_table(index, true);
            text.push_str(&if index == 0 { head } else { "\n".to_owned() });
            self.summary(index, line, &mut text);
            text.push_str(&rows);
        }
        text
    }

    /// The headers of the table of lines, and a line of text for each.
    fn line_table(&self) -> (String, String) {
        let columns = self.line_columns();
        let mut rows = String::new();
        for (index, line) in self.shared.lines.iter().enumerate() {
            row(&columns, &self.line_cells(index, line), &mut rows);
        }
        (headers(&columns), rows)
    }

    /// The headers of the rows of a line, and a line of text for each, with their call chains if they are wanted.
    fn row_table(&self, index: usize, with_chains: bool) -> (String, String) {
        let places = self.places.get(index).map(Vec::as_slice).unwrap_or_default();
        let columns = self.row_columns(places);
        let mut rows = String::new();
        if let Some(line) = self.shared.lines.get(index) {
            for (one, place) in line.rows.iter().zip(places).filter(|(row, _)| row.shown) {
                row(&columns, &self.row_cells(line, one, place, &columns), &mut rows);
                if with_chains {
                    rows.push_str(self.chains.get(&u64::from(one.number)).map_or("", String::as_str));
                }
            }
        }
        (headers(&columns), rows)
    }

    fn summary(&self, index: usize, line: &Line, text: &mut String) {
        let dashes = format!("  {}\n", "-".repeat(70));
        text.push_str(&dashes);
        let (remote, local) = self.fought(&line.counts);
        let counts = [remote, local, line.counts.store_l1, line.counts.store_l1_miss, line.counts.store_unknown];
        let _ = write!(text, "  {index:>5}");
        for count in counts {
            let _ = write!(text, "  {count:>7}");
        }
        let _ = write!(text, "  {:>18}\n{dashes}", hex(line.address));
    }

    /// Remote and local loads of the kind that counts.
    fn fought(&self, counts: &Counts) -> (u64, u64) {
        match self.display {
            Display::Peer => (counts.remote_peer, counts.local_peer),
            _ => (counts.remote_hitm, counts.local_hitm),
        }
    }

    fn line_columns(&self) -> Vec<Column> {
        let node = node_width(self.shared.lines.iter().map(|line| &line.places));
        let percent = match self.display {
            Display::Total => ("Tot", "Hitm"),
            Display::Local => ("Lcl", "Hitm"),
            Display::Remote => ("Rmt", "Hitm"),
            Display::Peer => ("Peer", "Snoop"),
        };
        let peer = self.display == Display::Peer;
        let fought = if peer { "------- Load Peer -------" } else { "------- Load Hitm -------" };
        let mut columns = vec![
            Column::low("Index", 5),
            Column::both(&amid_dashes("Cacheline", 18 + node + 6 + 4), "Address", 2, 18),
            Column::low("Node", node),
            Column::low("PA cnt", 6),
            Column::both(percent.0, percent.1, 0, 7),
            Column::both(fought, "Total", 2, 7),
            Column::low(if peer { "Local" } else { "LclHitm" }, 7),
            Column::low(if peer { "Remote" } else { "RmtHitm" }, 7),
            Column::both("Total", "records", 0, 7),
            Column::both("Total", "Loads", 0, 7),
            Column::both("Total", "Stores", 0, 7),
            Column::both("--------- Stores --------", "L1Hit", 2, 7),
            Column::low("L1Miss", 7),
            Column::low("N/A", 7),
            Column::both("----- Core Load Hit -----", "FB", 2, 7),
            Column::low("L1", 7),
            Column::low("L2", 7),
            Column::both("- LLC Load Hit --", "LclHit", 1, 8),
            Column::low("LclHitm", 7),
            Column::both("- RMT Load Hit --", "RmtHit", 1, 8),
            Column::low("RmtHitm", 7),
        ];
        columns.extend([Column::both("--- Load Dram ----", "Lcl", 1, 8), Column::low("Rmt", 8)]);
        columns
    }

    fn line_cells(&self, index: usize, line: &Line) -> Vec<String> {
        let counts = &line.counts;
        let (remote, local) = self.fought(counts);
        let node = node_width(self.shared.lines.iter().map(|line| &line.places));
        let mut cells = vec![
            format!("{index:>5}"),
            format!("{:>18}", hex(line.address)),
            format!("{:>node$}", memory_nodes(&line.places)),
            format!("{:>6}", line.places.addresses),
            percent(self.display.of(counts), self.display.of(&self.shared.total)),
        ];
        for count in [
            remote + local,
            local,
            remote,
            counts.known(),
            counts.known_loads(),
            counts.stores,
            counts.store_l1,
            counts.store_l1_miss,
            counts.store_unknown,
            counts.load_fill_buffer,
            counts.load_l1,
            counts.load_l2,
        ] {
            cells.push(format!("{count:>7}"));
        }
        for (count, width) in [
            (counts.load_llc, 8),
            (counts.local_hitm, 7),
            (counts.remote_hit, 8),
            (counts.remote_hitm, 7),
            (counts.local_dram, 8),
            (counts.remote_dram, 8),
        ] {
            cells.push(format!("{count:>width$}"));
        }
        cells
    }

    fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Whether source lines are shown.
    fn has_source(&self) -> bool {
        self.has(Part::Code) && !self.no_source
    }

    fn row_columns(&self, places: &[CodePlace]) -> Vec<Column> {
        let peer = self.display == Display::Peer;
        let node = node_width(self.shared.lines.iter().flat_map(|line| &line.rows).map(|row| &row.places));
        let cycles = "---------- cycles ----------";
        let fought = if peer { ("-- Peer Snoop --", "Rmt", "Lcl") } else { ("----- HITM -----", "RmtHitm", "LclHitm") };
        let mut columns = vec![
            Column::low("Num", 5),
            Column::both(fought.0, fought.1, 1, 7),
            Column::low(fought.2, 7),
            Column::both("------- Store Refs ------", "L1 Hit", 2, 7),
            Column::low("L1 Miss", 7),
            Column::low("N/A", 7),
            Column::both(&amid_dashes("Data address", 18 + node + 6 + 4), "Offset", 2, 18),
            Column::low("Node", node),
            Column::low("PA cnt", 6),
        ];
        if self.has(Part::Pid) {
            columns.push(Column::low("Pid", 7));
        }
        if self.has(Part::Tid) {
            let widest = places.iter().map(|place| place.comm.chars().count()).max().unwrap_or(0);
            columns.push(Column::low("Tid", widest + 8));
        }
        if self.has(Part::Code) {
            columns.push(Column::low("Code address", 18));
        }
        let kind = if peer { "peer" } else { "hitm" };
        columns.extend([
            Column::both(cycles, &format!("rmt {kind}"), 2, 8),
            Column::low(&format!("lcl {kind}"), 8),
            Column::low("load", 8),
            Column::both("Total", "records", 0, 7),
            Column::both("cpu", "cnt", 0, 8),
        ]);
        let most = if self.full_symbols { usize::MAX } else { SYMBOL_WIDTH };
        let unknown = places.iter().any(|place| place.symbol.is_none());
        if self.has(Part::Code) {
            let width = |place: &CodePlace| place.symbol.as_ref().map_or(ADDRESS + 6, |name| name.len() + 4);
            columns.push(Column::low("Symbol", places.iter().map(width).max().unwrap_or(0).min(most)));
        }
        if self.has(Part::Code) || self.has(Part::Dso) {
            let width = |place: &CodePlace| place.dso.as_ref().map_or(0, String::len);
            let widest = places.iter().map(width).max().unwrap_or(0).max(if unknown { ADDRESS } else { 0 });
            columns.push(Column::both("Shared", "Object", 0, widest));
        }
        if self.has_source() {
            let widest = places.iter().map(|place| place.source.len()).max().unwrap_or(0).max("Source:Line".len());
            columns.push(Column::low("Source:Line", widest.min(most)));
        }
        columns.push(Column::low(
            match (self.node_info, peer) {
                (0, _) => "Node",
                (1, true) => "Node{cpus %peers %stores}",
                (1, false) => "Node{cpus %hitms %stores}",
                _ => "Node{cpu list}",
            },
            4,
        ));
        columns
    }

    fn row_cells(&self, line: &Line, row: &Row, place: &CodePlace, columns: &[Column]) -> Vec<String> {
        let (counts, all) = (&row.counts, &line.counts);
        let (remote, local) = self.fought(counts);
        let (all_remote, all_local) = self.fought(all);
        let width = |name: &str| columns.iter().find(|column| column.below == name).map_or(0, |column| column.width);
        let mut cells = vec![
            " ".repeat(5),
            percent(remote, all_remote),
            percent(local, all_local),
            percent(counts.store_l1, all.store_l1),
            percent(counts.store_l1_miss, all.store_l1_miss),
            percent(counts.store_unknown, all.store_unknown),
            format!("{:>18}", hex(row.offset)),
            format!("{:>width$}", memory_nodes(&row.places), width = width("Node")),
            format!("{:>6}", row.places.addresses),
        ];
        if self.has(Part::Pid) {
            cells.push(format!("{:>7}", row.pid));
        }
        if self.has(Part::Tid) {
            cells.push(format!("{:>7}:{}", row.tid, place.comm));
        }
        if self.has(Part::Code) {
            cells.push(format!("{:>18}", hex(row.ip)));
        }
        let cycles = &row.cycles;
        let (remote, local) = match self.display {
            Display::Peer => (cycles.remote_peer, cycles.local_peer),
            _ => (cycles.remote_hitm, cycles.local_hitm),
        };
        cells.extend([remote, local, cycles.load].map(|mean| format!("{:>8.0}", mean.value())));
        cells.push(format!("{:>7}", counts.known()));
        cells.push(format!("{:>8}", row.places.cpus.len()));
        if self.has(Part::Code) {
            let level = if place.kernel { "[k] " } else { "[.] " };
            let most = width("Symbol").saturating_sub(level.len());
            cells.push(match &place.symbol {
                Some(name) => format!("{level}{}", cut(name, most)),
                None => format!("{level}{}{:016x}", if place.address == 0 { "" } else { "0x" }, place.address),
            });
        }
        if self.has(Part::Code) || self.has(Part::Dso) {
            cells.push(place.dso.clone().unwrap_or_else(|| "[unknown]".to_owned()));
        }
        if self.has_source() {
            cells.push(cut(&place.source, width("Source:Line")).to_owned());
        }
        cells.push(self.node_cell(row));
        cells
    }

    /// The nodes whose CPUs made the accesses.
    fn node_cell(&self, row: &Row) -> String {
        let mut text = String::new();
        let mut first = true;
        for (node, cpus) in self.nodes.iter().enumerate() {
            let own: BTreeSet<u32> = cpus.intersection(&row.places.cpus).copied().collect();
            if own.is_empty() {
                if self.node_info == 1 {
                    text.push_str(&" ".repeat(21));
                }
                continue;
            }
            if !first {
                text.push(' ');
            }
            first = false;
            let _ = match self.node_info {
                0 => write!(text, "{node:>2}"),
                1 => {
                    let mut counts = Counts::default();
                    for cpu in &own {
                        counts += row.by_cpu.get(cpu).copied().unwrap_or_default();
                    }
                    let share = |part: u64, all: u64| match all {
                        0 => format!("{:>6}", "n/a"),
                        _ => format!("{:>5.1}%", part as f64 * 100.0 / all as f64),
                    };
                    let fought = share(self.display.of(&counts), self.display.of(&row.counts));
                    let stores = share(counts.stores, row.counts.stores);
                    write!(text, "{node:>2}{{{:>2} {fought} {stores}}}", own.len())
                }
                _ => write!(text, "{node:>2}{{{}}}", list(own.iter().map(|cpu| u64::from(*cpu)))),
            };
        }
        text
    }
}

fn all_counts(counts: &Counts, text: &mut String) {
    lines(
        &[
            ("Total records", counts.records),
            ("Locked Load/Store Operations", counts.locked),
            ("Load Operations", counts.loads),
            ("Loads - uncacheable", counts.load_uncached),
            ("Loads - IO", counts.load_io),
            ("Loads - Miss", counts.load_miss),
            ("Loads - no mapping", counts.load_no_address),
            ("Load Fill Buffer Hit", counts.load_fill_buffer),
            ("Load L1D hit", counts.load_l1),
            ("Load L2D hit", counts.load_l2),
            ("Load LLC hit", counts.load_llc + counts.local_hitm),
            ("Load Local HITM", counts.local_hitm),
            ("Load Remote HITM", counts.remote_hitm),
            ("Load Remote HIT", counts.remote_hit),
            ("Load Local DRAM", counts.local_dram),
            ("Load Remote DRAM", counts.remote_dram),
            ("Load MESI State Exclusive", counts.load_exclusive),
            ("Load MESI State Shared", counts.load_shared),
            ("Load LLC Misses", counts.llc_misses()),
            ("Load access blocked by data", counts.blocked_by_data),
            ("Load access blocked by address", counts.blocked_by_address),
            ("Load HIT Local Peer", counts.local_peer),
            ("Load HIT Remote Peer", counts.remote_peer),
        ],
        text,
    );
    for (name, count) in [
        ("LLC Misses to Local DRAM", counts.local_dram),
        ("LLC Misses to Remote DRAM", counts.remote_dram),
        ("LLC Misses to Remote cache (HIT)", counts.remote_hit),
        ("LLC Misses to Remote cache (HITM)", counts.remote_hitm),
    ] {
        let misses = counts.llc_misses();
        // Nothing of nothing is no number: C prints its sign, too.
        let share =
            if misses == 0 { "-nan".to_owned() } else { format!("{:.1}", count as f64 / misses as f64 * 100.0) };
        let _ = writeln!(text, "  {name:<34}: {share:>10}%");
    }
    lines(
        &[
            ("Store Operations", counts.stores),
            ("Store - uncacheable", counts.store_uncached),
            ("Store - no mapping", counts.store_no_address),
            ("Store L1D Hit", counts.store_l1),
            ("Store L1D Miss", counts.store_l1_miss),
            ("Store No available memory level", counts.store_unknown),
            ("No Page Map Rejects", counts.no_mapping),
            ("Unable to parse data source", counts.not_understood),
        ],
        text,
    );
}

fn shared_counts(shared: &Shared, text: &mut String) {
    let counts = &shared.shared;
    lines(
        &[
            ("Total Shared Cache Lines", shared.shared_lines),
            ("Load HITs on shared lines", counts.loads),
            ("Fill Buffer Hits on shared lines", counts.load_fill_buffer),
            ("L1D hits on shared lines", counts.load_l1),
            ("L2D hits on shared lines", counts.load_l2),
            ("LLC hits on shared lines", counts.load_llc + counts.local_hitm),
            ("Load hits on peer cache or nodes", counts.peer()),
            ("Locked Access on shared lines", counts.locked),
            ("Blocked Access on shared lines", counts.blocked_by_data + counts.blocked_by_address),
            ("Store HITs on shared lines", counts.stores),
            ("Store L1D hits on shared lines", counts.store_l1),
            ("Store No available memory level", counts.store_unknown),
            ("Total Merged records", counts.hitm() + counts.stores),
        ],
        text,
    );
}

fn node_width<'p>(places: impl Iterator<Item = &'p Places>) -> usize {
    places.map(|places| memory_nodes(places).len()).max().unwrap_or(0).max(4)
}

/// Nodes of the memory.
fn memory_nodes(places: &Places) -> String {
    if places.memory.is_empty() { "N/A".to_owned() } else { list(places.memory.iter().copied()) }
}

/// `0-2,5`.
fn list(numbers: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let one = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(one).collect::<Vec<_>>().join(",")
}

/// With its prefix, zero too.
fn hex(number: u64) -> String {
    format!("{number:#x}")
}

fn percent(part: u64, all: u64) -> String {
    let share = if all == 0 { 0.0 } else { part as f64 * 100.0 / all as f64 };
    format!("{:>7}", format!("{share:.2}%"))
}

/// At most so many bytes, at the end of a character.
fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_listed_as_ranges() {
        assert_eq!(list([0, 1, 2, 5, 7, 8].into_iter()), "0-2,5,7-8");
        assert_eq!(list(std::iter::empty()), "");
        assert_eq!((percent(1, 3), percent(0, 0)), (" 33.33%".to_owned(), "  0.00%".to_owned()));
        assert_eq!(cut("ab가", 3), "ab");
    }
}
