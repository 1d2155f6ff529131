//! Which samples are shown.

use std::collections::BTreeSet;

use anyhow::anyhow;
use perfuse_analyze::Msg;
use perfuse_analyze::resolve::{FrameId, Resolver};
use perfuse_format::perfdata::{PerfData, Sample};
use perfuse_render::perf::script::dso_name;

use crate::console::{self, Console};
use crate::perf::options::{Parsed, UsageError};
use crate::perf::recorded::RecordedNames;

/// What a sample must be like.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    comms: Option<BTreeSet<String>>,
    pids: Option<BTreeSet<i32>>,
    tids: Option<BTreeSet<i32>>,
    cpus: Option<BTreeSet<u32>>,
    dsos: Option<BTreeSet<String>>,
    symbols: Option<Symbols>,
    /// Names of the events that begin and end a stretch of samples.
    switches: (Option<String>, Option<String>),
    pub(super) time: Option<String>,
}

/// Functions, by name or by address.
#[derive(Debug, Clone, Default)]
struct Symbols {
    names: BTreeSet<String>,
    addresses: Vec<u64>,
    /// Bytes from each address on; 0 for the address alone.
    range: u64,
}

impl Wanted {
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        let range = parsed.number("addr-range")?.unwrap_or(0);
        let symbols = parsed.words("symbols").map(|names| {
            let address = |name: &String| u64::from_str_radix(name.trim().trim_start_matches("0x"), 16).ok();
            Symbols { addresses: names.iter().filter_map(address).collect(), names, range }
        });
        Ok(Self {
            comms: parsed.words("comms"),
            pids: parsed.numbers("pid")?,
            tids: parsed.numbers("tid")?,
            cpus: parsed.cpus("cpu")?,
            dsos: parsed.words("dsos"),
            symbols,
            switches: (parsed.text("switch-on"), parsed.text("switch-off")),
            time: parsed.text("time"),
        })
    }

    /// Whether a record of a CPU is wanted; one that does not tell its CPU is.
    pub(super) fn has_cpu(&self, cpu: Option<u32>) -> bool {
        let cpu = cpu.filter(|cpu| *cpu != u32::MAX);
        self.cpus.as_ref().is_none_or(|cpus| cpu.is_none_or(|cpu| cpus.contains(&cpu)))
    }

    /// Whether a sample is wanted, by who ran and where.
    pub(super) fn has(&self, resolver: &mut Resolver<RecordedNames>, sample: &Sample<'_>) -> bool {
        let lacks = |set: &Option<BTreeSet<i32>>, number: i32| set.as_ref().is_some_and(|set| !set.contains(&number));
        if lacks(&self.pids, sample.pid) || lacks(&self.tids, sample.tid) {
            return false;
        }
        if let Some(comms) = &self.comms {
            let comm = resolver.comm(sample.tid);
            if !comms.contains(resolver.comm_name(comm)) {
                return false;
            }
        }
        if self.dsos.is_none() && self.symbols.is_none() {
            return true;
        }
        let place = resolver.place(sample);
        self.dsos.as_ref().is_none_or(|dsos| in_dsos(resolver, place, dsos))
            && self.symbols.as_ref().is_none_or(|symbols| symbols.have(resolver, place, sample.ip))
    }
}

impl Symbols {
    fn have(&self, resolver: &Resolver<RecordedNames>, place: FrameId, ip: u64) -> bool {
        let at = |from: u64| from == ip || ip.checked_sub(from).is_some_and(|into| into < self.range);
        resolver.function(place).is_some_and(|name| self.names.contains(name))
            || resolver.frame(place).dso.is_some() && self.addresses.iter().any(|from| at(*from))
    }
}

/// By the whole path, or by the last part of it.
fn in_dsos(resolver: &Resolver<RecordedNames>, place: FrameId, dsos: &BTreeSet<String>) -> bool {
    let dso = resolver.frame(place).dso.and_then(|dso| resolver.session().dso_of(dso));
    dso.is_some_and(|dso| {
        let name = dso_name(dso);
        let short = name.rsplit('/').next().unwrap_or(&name);
        dsos.contains(&name) || dsos.contains(short) || dsos.contains(&dso.path)
    })
}

/// Events that begin and end what is shown: `--switch-on`, `--switch-off`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Switches {
    on: Option<usize>,
    off: Option<usize>,
    hidden: bool,
    /// Whether these samples themselves are shown.
    shown: bool,
}

impl Switches {
    /// The events of a recording. `None` if it has none of such a name, which has been said.
    pub(super) fn of(wanted: &Wanted, shown: bool, data: &PerfData<'_>, console: &Console) -> Option<Self> {
        let find = |which: &str, name: &Option<String>| -> anyhow::Result<Option<usize>> {
            let Some(name) = name else { return Ok(None) };
            let found = data.events.iter().position(|event| event.name == *name);
            let names: Vec<&str> = data.events.iter().map(|event| event.name.as_str()).collect();
            let message = Msg::new("script-no-switch").with("option", which).with("event", name.as_str());
            let message = message.with("names", names.join(" "));
            found.map(Some).ok_or_else(|| anyhow!(console.texts.text(&message)))
        };
        let (on, off) = &wanted.switches;
        match (find("--switch-on", on), find("--switch-off", off)) {
            (Ok(on), Ok(off)) => Some(Self { on, off, hidden: on.is_some(), shown }),
            (Err(error), _) | (_, Err(error)) => {
                console::say(&format!("{error}\n"));
                None
            }
        }
    }

    /// Whether a sample of this event is shown.
    pub(super) fn shows(&mut self, event: usize) -> bool {
        if self.on.is_some() && self.hidden {
            if self.on != Some(event) {
                return false;
            }
            self.hidden = false;
            return self.shown;
        }
        if self.off == Some(event) && !self.hidden {
            self.hidden = true;
            return self.shown;
        }
        // Without an event that begins it again perf goes on after the one that ends it.
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_shown_between_two_events() {
        let shown = |mut switches: Switches| -> Vec<bool> {
            [1, 0, 1, 2, 1, 0, 1].iter().map(|event| switches.shows(*event)).collect()
        };
        let both = Switches { on: Some(0), off: Some(2), hidden: true, shown: false };
        assert_eq!(shown(both), [false, false, true, false, false, false, true]);
        assert_eq!(shown(Switches { shown: true, ..both }), [false, true, true, true, false, true, true]);
        let none = Switches::default();
        assert!(shown(none).iter().all(|one| *one));
    }
}
