//! The fields of tracepoints, printed by the formats that the recording carries.

use std::cell::RefCell;
use std::collections::BTreeMap;

use perfuse_analyze::resolve::{Names, Resolver};
use perfuse_format::perfdata::attr::kind;
use perfuse_format::perfdata::{CpuMode, PerfData};
use perfuse_format::tracefs::{EventFormat, Layout, Printer, Resolve};

/// Printers of the tracepoints of a recording.
#[derive(Debug)]
pub struct Traces {
    /// By event; `None` for what is no tracepoint or has no format.
    printers: Vec<Option<Printer>>,
    names: Known,
    /// Whether fields are printed plainly, one after the other.
    raw: bool,
}

/// Names of kernel addresses that were asked for before.
#[derive(Debug, Default)]
struct Known {
    functions: BTreeMap<u64, Option<(String, u64)>>,
    constants: BTreeMap<u64, String>,
    /// Addresses that were asked for and that nobody has looked up yet.
    missing: RefCell<Vec<u64>>,
}

impl Resolve for Known {
    fn symbol(&self, address: u64) -> Option<(&str, u64)> {
        if let Some(known) = self.functions.get(&address) {
            return known.as_ref().map(|(name, start)| (name.as_str(), *start));
        }
        self.missing.borrow_mut().push(address);
        None
    }

    fn constant(&self, address: u64) -> Option<&str> {
        self.constants.get(&address).map(String::as_str)
    }
}

impl Traces {
    /// Of all events of a recording.
    pub fn new(data: &PerfData<'_>) -> Self {
        let Some(tracing) = &data.tracing_data else {
            return Self { printers: Vec::new(), names: Known::default(), raw: false };
        };
        let layout = Layout { endian: tracing.endian, long_size: tracing.long_size };
        let wanted =
            |id: u64| data.events.iter().any(|event| event.attr.kind == kind::TRACEPOINT && event.attr.config == id);
        let formats = tracing.formats().filter_map(|(system, bytes)| EventFormat::parse(system, bytes).ok());
        let by_id: BTreeMap<u64, Printer> = formats
            .filter(|format| wanted(format.id))
            .map(|format| (format.id, Printer::new(&format, layout)))
            .collect();
        let of = |attr: &perfuse_format::perfdata::EventAttr| {
            (attr.kind == kind::TRACEPOINT).then(|| by_id.get(&attr.config).cloned()).flatten()
        };
        let printers = data.events.iter().map(|event| of(&event.attr)).collect();
        let names = Known { constants: constants(tracing.printk_formats), ..Known::default() };
        Self { printers, names, raw: false }
    }

    /// Without the format of the event (`--raw-trace`).
    #[must_use]
    pub fn with_raw(mut self, raw: bool) -> Self {
        self.raw = raw;
        self
    }

    /// Appends the fields of a record of an event.
    pub fn print<N: Names>(&mut self, resolver: &mut Resolver<N>, event: usize, record: &[u8], out: &mut Vec<u8>) {
        let Some(printer) = self.printers.get(event).and_then(Option::as_ref) else { return };
        if self.raw {
            return printer.print_fields(record, out);
        }
        let begin = out.len();
        printer.print(record, &self.names, out);
        let missing = std::mem::take(self.names.missing.get_mut());
        if missing.is_empty() {
            return;
        }
        for address in missing {
            let frame = resolver.at(0, CpuMode::Kernel, address);
            let start = address.wrapping_sub(resolver.frame(frame).offset);
            let found = resolver.function(frame).map(|name| (name.to_owned(), start));
            self.names.functions.insert(address, found);
        }
        out.truncate(begin);
        printer.print(record, &self.names, out);
    }
}

/// `0xffffffff81a0b2c0 : "text"`, a line each.
fn constants(text: &[u8]) -> BTreeMap<u64, String> {
    let text = String::from_utf8_lossy(text);
    let line = |line: &str| {
        let (address, rest) = line.split_once(':')?;
        let address = u64::from_str_radix(address.trim().trim_start_matches("0x"), 16).ok()?;
        let rest = rest.trim();
        let quoted = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(rest);
        Some((address, quoted.strip_suffix("\\n").unwrap_or(quoted).to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_strings_stand_behind_their_addresses() {
        let known = constants(b"0xffffffff81a0b2c0 : \"rcu_sched\"\n0x10 : \"CPU%d\\n\"\nnonsense\n");
        assert_eq!(known.get(&0xffff_ffff_81a0_b2c0).map(String::as_str), Some("rcu_sched"));
        assert_eq!((known.get(&0x10).map(String::as_str), known.len()), (Some("CPU%d"), 2));
    }
}
