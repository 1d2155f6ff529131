//! The text of one cell of the report: a key's value or a weight, padded and cut as perf does it.

use std::fmt::Write as _;

use perfuse_analyze::hist::entries::symbol_size;
use perfuse_analyze::hist::{Frame, Frames, Histograms, Key, Weight};

use super::report::Layout;
use super::script::memory;

/// Digits of an address.
const ADDRESS: usize = 16;

/// Pads a text to `width` columns and cuts what is longer.
fn padded(text: &str, width: usize) -> String {
    let cut = cut(text, width);
    format!("{cut}{}", " ".repeat(width.saturating_sub(cut.len())))
}

/// perf counts bytes; a character that would be cut in the middle is left out.
fn cut(text: &str, width: usize) -> &str {
    let mut end = text.len().min(width);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A signed number with at least `digits` digits.
fn digits(number: i64, width: usize, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{:>width$}", format!("{sign}{:0digits$}", number.unsigned_abs()))
}

/// The number behind a value that may be negative: CPU -1, socket -1.
fn signed(value: Option<u64>) -> i64 {
    value.map_or(-1, u64::cast_signed)
}

impl Layout<'_> {
    /// Bytes that the value of a key takes at least; `None` where values do not count.
    pub(super) fn value_width(&self, id: u32, key: Key) -> usize {
        let hists = self.hists;
        let place = hists.place(id);
        let text = |id: Option<u64>| text_of(hists, id).map_or(0, str::len);
        match key {
            Key::Pid => self.thread_name(id).len() + 8,
            Key::Dso => self.dso_width(place),
            Key::Symbol => self.symbol_width(place),
            // By the last name of the thread, not the one that is shown.
            Key::Comm => {
                let last = self.names.get(&hists.entry(id).thread.cast_signed());
                last.map_or_else(|| text(hists.sample_value(id, key)), String::len)
            }
            // perf makes the text when it compares two lines: of the only one it does not know the width.
            Key::Trace if hists.tables.get(hists.event_of(id)).is_some_and(|table| table.order.len() == 1) => 0,
            Key::Parent | Key::Trace => text(hists.sample_value(id, key)),
            Key::Cgroup => self.cell_text(id, key, 0).len(),
            Key::Cpu => 3,
            Key::Socket | Key::Locked | Key::CodePageSize => 6,
            Key::LocalWeight | Key::Weight | Key::Snoop => 12,
            Key::Time => {
                if self.options.nanoseconds {
                    16
                } else {
                    12
                }
            }
            Key::SrcLine => hists.frames.text(place.srcline).map_or(0, str::len),
            Key::SrcFile => hists.frames.text(place.srcfile).map_or(0, str::len),
            Key::Addr | Key::AddrFrom | Key::AddrTo => ADDRESS + 2,
            Key::CgroupId => 20,
            Key::Tlb | Key::PhysDaddr | Key::DataPageSize => 22,
            Key::Mem => 24,
            Key::Blocked => 10,
            Key::DsoFrom | Key::DsoTo | Key::DsoDaddr => {
                self.other_place(id, key).map_or(0, |place| self.dso_width(place))
            }
            Key::SymbolFrom | Key::SymbolTo | Key::SymbolDaddr => {
                self.other_place(id, key).map_or(0, |place| self.symbol_width(place))
            }
            _ => 0,
        }
    }

    fn dso_width(&self, place: &Frame) -> usize {
        let options = self.options;
        let unresolved =
            !place.has_symbol() && options.separator.is_none() && options.widths.is_empty() && !options.dsos_chosen;
        let name = self.hists.frames.text(self.hists.frames.dso_text(place)).map_or(0, str::len);
        if unresolved { name.max(ADDRESS) } else { name }
    }

    fn symbol_width(&self, place: &Frame) -> usize {
        match self.hists.frames.text(place.name) {
            // `[k] `, and with -v the address and where the symbols are from.
            Some(name) => name.len() + 4 + if self.options.verbose { ADDRESS + 2 + 3 } else { 0 },
            None => ADDRESS + 4 + 2,
        }
    }

    fn thread_name(&self, id: u32) -> &str {
        let tid = self.hists.sample_value(id, Key::Pid).and_then(|tid| i32::try_from(tid.cast_signed()).ok());
        tid.and_then(|tid| self.names.get(&tid)).map_or("", String::as_str)
    }

    /// The place that the value of a branch or memory key means.
    fn other_place(&self, id: u32, key: Key) -> Option<&Frame> {
        let frame = u32::try_from(self.hists.sample_value(id, key)?).ok()?;
        ((frame as usize) < self.hists.frames.len()).then(|| self.hists.frames.get(frame))
    }

    /// The text of a key's value in a column of `width`.
    pub(super) fn cell_text(&self, id: u32, key: Key, width: usize) -> String {
        let hists = self.hists;
        let place = hists.place(id);
        let value = || hists.sample_value(id, key);
        let text = |missing: &'static str| text_of(hists, value()).unwrap_or(missing);
        let srcline = |text: u32| cut(hists.frames.text(text).unwrap_or(""), width.max(1)).to_owned();
        match key {
            Key::Comm => padded(text(""), width),
            Key::Pid => {
                let name = width.max(7).saturating_sub(8);
                format!("{:>7}:{}", signed(value()), padded(self.thread_name(id), name))
            }
            Key::Dso => self.dso_cell(place, width),
            Key::Symbol => self.symbol_cell(place, width),
            Key::Parent => padded(text("[other]"), width),
            Key::Cpu => digits(signed(value()), width, width),
            Key::Socket => digits(signed(value()), width, width.saturating_sub(3)),
            Key::SrcLine => srcline(place.srcline),
            Key::SrcFile => srcline(place.srcfile),
            Key::LocalWeight | Key::Weight | Key::LocalInsLat | Key::InsLat => {
                format!("{:<width$}", value().unwrap_or(0))
            }
            Key::Transaction => format!("{:<width$}", text("")),
            Key::Trace => cut(text("N/A"), width).to_owned(),
            Key::SymbolSize if place.has_symbol() => format!("{:>width$}", symbol_size(place)),
            // The size of a mapping is not kept: only the source of the places may know it.
            Key::DsoSize if place.dso.is_some() && place.dso_size > 0 => format!("{:>width$}", place.dso_size),
            Key::SymbolSize | Key::DsoSize => format!("{:>width$}", "unknown"),
            Key::Cgroup => text("N/A").to_owned(),
            Key::CgroupId => match value() {
                Some(value) => format!("{}/0x{:x}", value >> 48, value & 0xffff_ffff_ffff),
                None => "N/A".to_owned(),
            },
            Key::IpcNull => format!("{:<width$}", "-      -"),
            Key::Time => cut(&self.time(value().unwrap_or(0)), width).to_owned(),
            Key::CodePageSize | Key::DataPageSize => format!("{:<width$}", page_size(value().unwrap_or(0))),
            Key::Addr => format!("{:<width$}", zero_or_hex(place.address)),
            Key::Field(_) => {
                let shown = text_of(hists, value().map(|value| value & u64::from(u32::MAX))).unwrap_or("");
                format!("{:>width$}", cut(shown, width))
            }
            _ => self.branch_cell(id, key, width),
        }
    }

    fn branch_cell(&self, id: u32, key: Key, width: usize) -> String {
        let value = self.hists.sample_value(id, key);
        let place = self.other_place(id, key);
        let yes_no = |yes: &'static str, no: &'static str| match value {
            Some(1) => yes,
            Some(0) => no,
            _ => "N/A",
        };
        match (key, place) {
            (Key::DsoFrom | Key::DsoTo | Key::DsoDaddr, Some(place)) => self.dso_cell(place, width),
            (Key::SymbolFrom | Key::SymbolTo | Key::SymbolDaddr, Some(place)) => self.symbol_cell(place, width),
            (Key::AddrFrom | Key::AddrTo, Some(place)) => format!("{:<width$}", zero_or_hex(place.address)),
            (Key::Mispredict, _) => padded(yes_no("Y", "N"), width),
            (Key::Abort, _) => format!("{:<width$}", yes_no("A", ".")),
            (Key::InTx, _) => format!("{:<width$}", yes_no("T", ".")),
            (Key::Cycles, _) => match value {
                Some(0) => format!("{:<width$}", "-"),
                Some(cycles) => format!("{cycles:<width$}"),
                None => "N/A".to_owned(),
            },
            (Key::Mem, _) => padded(&value.map_or_else(|| "N/A".to_owned(), memory::level), width),
            (Key::Snoop, _) => padded(&value.map_or_else(|| "N/A".to_owned(), memory::snoop), width),
            (Key::Tlb, _) => padded(&value.map_or_else(|| "N/A".to_owned(), memory::tlb), width),
            (Key::Locked, _) => padded(value.map_or("N/A", memory::locked), width),
            (Key::Blocked, _) => padded(&value.map_or_else(|| "N/A".to_owned(), memory::blocked), width),
            (Key::PhysDaddr, _) => {
                let address = value.unwrap_or(0);
                let prefix = if address == 0 { "" } else { "0x" };
                let level = self.hists.place(id).level;
                padded(&format!("[{level}] {prefix}{address:016x}"), width)
            }
            (_, None) => padded("N/A", width),
            (_, Some(_)) => String::new(),
        }
    }

    fn dso_cell(&self, place: &Frame, width: usize) -> String {
        padded(self.hists.frames.text(self.hists.frames.dso_text(place)).unwrap_or("[unknown]"), width)
    }

    fn symbol_cell(&self, place: &Frame, width: usize) -> String {
        let mut text = String::new();
        if self.options.verbose {
            let _ = write!(text, "{:<width$} {} ", zero_or_hex(place.address), place.origin, width = ADDRESS + 2);
        }
        let _ = write!(text, "[{}] ", place.level);
        let Some(name) = self.hists.frames.text(place.name) else {
            // perf's `%#.16llx` has no prefix for zero.
            let prefix = if place.address == 0 { "" } else { "0x" };
            let _ = write!(text, "{prefix}{:016x}", place.address);
            return text;
        };
        text.push_str(cut(name, width.saturating_sub(text.len())));
        if place.inlined {
            text.push_str(" (inlined)");
        }
        text
    }

    /// Seconds of a nanosecond clock.
    fn time(&self, nanoseconds: u64) -> String {
        let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        if self.options.nanoseconds { format!("{seconds}.{rest:09}") } else { format!("{seconds}.{:06}", rest / 1000) }
    }

    /// The text of a weight, for each event of the group; a share in a colour of its size.
    pub(super) fn weight_cell(&self, id: u32, weight: Weight) -> String {
        let group = self.hists.group(self.hists.event_of(id));
        group.clone().map(|event| self.member_cell(id, event, event - group.start, weight)).collect()
    }

    fn member_cell(&self, id: u32, event: usize, member: usize, weight: Weight) -> String {
        self.value_cell(self.hists.member_weight(id, member, weight), event, weight)
    }

    /// The text of an event's weight.
    pub(super) fn value_cell(&self, value: u64, event: usize, weight: Weight) -> String {
        let bare = self.options.separator.is_some();
        let width = self.member_width(weight);
        if matches!(weight, Weight::Samples | Weight::Period) {
            return format!(" {value:>width$}", width = if bare { 1 } else { width - 1 });
        }
        if weight == Weight::OverheadChildren && !self.hists.settings.children {
            return format!(" {:>width$}", "N/A", width = width - 1);
        }
        let share = percent(value, self.hists.total(event));
        self.colored(share, &format!(" {share:>width$.2}%", width = if bare { 1 } else { width - 2 }))
    }

    /// A text in the colour of a share.
    pub(super) fn colored(&self, share: f64, text: &str) -> String {
        // perf's MIN_RED and MIN_GREEN, in percent.
        match share {
            _ if !self.options.color => text.to_owned(),
            _ if share >= 5.0 => format!("\u{1b}[31m{text}\u{1b}[m"),
            _ if share > 0.5 => format!("\u{1b}[32m{text}\u{1b}[m"),
            _ => text.to_owned(),
        }
    }
}

/// A share in percent.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn text_of(hists: &Histograms, value: Option<u64>) -> Option<&str> {
    hists.frames.text(u32::try_from(value?).ok()?)
}

/// `4K`, `2M`; perf knows no other sizes than powers of two with a letter.
fn page_size(bytes: u64) -> String {
    if bytes == 0 {
        return "N/A".to_owned();
    }
    let units = ["B", "K", "M", "G", "T"];
    let unit = ((bytes.ilog2() / 10) as usize).min(units.len() - 1);
    format!("{}{}", bytes >> (10 * unit), units[unit])
}

/// A number as `%#llx` writes it: zero has no prefix.
fn zero_or_hex(number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{number:#x}") }
}

/// How a place is called in a call chain.
pub(super) fn chain_name(frames: &Frames, place: &Frame, with_source: bool) -> String {
    let Some(name) = frames.text(place.name) else { return zero_or_hex(place.address) };
    let inlined = if place.inlined { " (inlined)" } else { "" };
    match frames.text(place.srcline).filter(|_| with_source) {
        Some(source) => format!("{name} {source}{inlined}"),
        None => format!("{name}{inlined}"),
    }
}
