//! `perf inject`: a recording written once more, with what it lacks.

mod build_ids;
mod jit;
mod sleeps;
mod target;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdout};
use std::ops::ControlFlow;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_analyze::resolve::{Item, NoNames, Options, Resolver};
use perfuse_format::perfdata::record::{Record, kind};
use perfuse_format::perfdata::{PerfData, RawRecord};

use super::options::{Opt, Parsed, UsageError, long_optional, long_switch, long_value, switch, value};
use super::recorded::{Input, Passage};
use super::{Command, FAILED};
use crate::console::Console;
use build_ids::{BuildIds, Which};
use jit::Jit;
use sleeps::Sleeps;
use target::Target;

/// `perf inject`.
pub(crate) const COMMAND: Command =
    Command { name: "inject", usage: &["[<options>]"], options: OPTIONS, runs: false, run };

const OPTIONS: &[Opt] = &[
    switch('b', "build-ids"),
    switch('f', "force"),
    value('i', "input", "file"),
    switch('j', "jit"),
    value('k', "vmlinux", "file"),
    value('o', "output", "file"),
    switch('s', "sched-stat"),
    switch('v', "verbose"),
    long_switch("buildid-all"),
    long_optional("guest-data", "opts"),
    long_value("guestmount", "directory"),
    long_switch("ignore-vmlinux"),
    long_optional("itrace", "opts"),
    long_value("kallsyms", "file"),
    long_value("known-build-ids", "buildid path[,...]"),
    long_switch("strip"),
    long_optional("vm-time-correlation", "opts"),
];

/// What is asked for and not there, with the message that tells why.
const REFUSED: &[(&str, &str)] = &[
    ("itrace", "inject-no-itrace"),
    ("strip", "inject-no-itrace"),
    ("vm-time-correlation", "inject-no-guest"),
    ("guest-data", "inject-no-guest"),
    ("guestmount", "inject-no-guest"),
];

/// The name of standard input and output.
const STREAM: &str = "-";

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    if let Some(word) = parsed.rest.first() {
        return Err(UsageError(Msg::new("cache-word").with("word", word.to_string_lossy().into_owned())).into());
    }
    if let Some((_, why)) = REFUSED.iter().find(|(option, _)| parsed.on(option)) {
        console.complain(&console.texts.word(why));
        return Ok(FAILED);
    }
    let known = known(parsed)?;
    let all = parsed.on("buildid-all");
    let ids = all || parsed.on("build-ids");
    let input = Input::open(Some(parsed.text("input").as_deref().unwrap_or(STREAM)))?;
    // Build ids stand before what they are needed for, which only the order of time tells.
    let jit = parsed.on("jit");
    let data = input.recording(!ids && !jit && !parsed.on("sched-stat"), console)?;
    let sleeps = match (parsed.on("sched-stat") && !ids).then(|| Sleeps::new(&data)).transpose() {
        Ok(sleeps) => sleeps,
        Err(why) => {
            console.complain(&console.texts.text(&why));
            return Ok(sleeps::UNFIT);
        }
    };
    let jit = match jit.then(|| Jit::new(&data)).transpose() {
        Ok(jit) => jit,
        Err(why) => {
            console.complain(&console.texts.text(&why));
            return Ok(FAILED);
        }
    };
    let which = match (all, ids) {
        (true, _) => Which::Mapped,
        (false, true) => Which::Hit,
        (false, false) => Which::None,
    };
    let name = parsed.text("output").unwrap_or_else(|| STREAM.to_owned());
    if name == STREAM && stdout().is_terminal() {
        console.complain(&console.texts.word("inject-terminal"));
        return Ok(FAILED);
    }
    let target = Target::create(&data, &name)?;
    let ids = BuildIds::new(&data, which, known);
    let work = Work { data: &data, ids, sleeps, jit, target, waiting: None };
    work.run(Passage::new(&input), console)
}

/// The build ids of `--known-build-ids`, by path: pairs between commas, or a file with a pair in each line.
fn known(parsed: &Parsed) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let Some(text) = parsed.text("known-build-ids") else { return Ok(BTreeMap::new()) };
    let list = match text.strip_prefix("file://") {
        Some(file) => std::fs::read_to_string(file).with_context(|| file.to_owned())?,
        None => text,
    };
    let pairs = list.split([',', '\n']).map(str::trim).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let wrong = || UsageError::value("known-build-ids", pair, Msg::new("inject-known"));
        let (id, path) = pair.split_once(' ').ok_or_else(wrong)?;
        Ok((path.trim().to_owned(), hex(id).ok_or_else(wrong)?))
    };
    pairs.map(pair).collect::<Result<_, UsageError>>().map_err(Into::into)
}

/// The bytes of a build id in hexadecimal digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || text.len() > 40 {
        return None;
    }
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// From the one recording to the other.
struct Work<'d> {
    data: &'d PerfData<'d>,
    ids: BuildIds,
    sleeps: Option<Sleeps<'d>>,
    jit: Option<Jit>,
    target: Target<'d>,
    /// A sample that is written as soon as what stands before it is known.
    waiting: Option<RawRecord<'d>>,
}

impl<'d> Work<'d> {
    fn run(mut self, mut passage: Passage<'_>, console: &Console) -> anyhow::Result<u8> {
        let mut resolver = Resolver::new(NoNames, Options { symbols: false, ..Options::default() });
        let mut damage = None;
        let data = self.data;
        let ended = resolver.replay(data, |resolver, item| {
            let done = match item {
                Item::Damage(found) => {
                    damage = Some(found);
                    Ok(())
                }
                Item::Raw(raw) => {
                    passage.at(&raw);
                    self.record(raw)
                }
                Item::Sample(_, sample) => {
                    self.ids.sample(resolver.session(), sample);
                    Ok(())
                }
                Item::Record(_, Some(Record::Mmap(mmap))) => {
                    self.ids.mapping(resolver.session(), mmap);
                    Ok(())
                }
                Item::Record(..) | Item::Bad(..) => Ok(()),
            };
            done.map_or_else(ControlFlow::Break, ControlFlow::Continue)
        });
        if let ControlFlow::Break(error) = ended {
            return Err(error);
        }
        self.flush()?;
        self.compiled(u64::MAX)?;
        for problem in self.jit.iter().flat_map(|jit| &jit.problems) {
            console.complain(&console.texts.text(problem));
        }
        if let Some(damage) = damage {
            console.complain(&damage.to_string());
        }
        let cut = self.target.finish(&self.ids.found)?;
        if !cut.is_empty() {
            console.note(&Msg::new("inject-cut").with("features", cut.join(", ")));
        }
        Ok(0)
    }

    /// Writes a record, or keeps it back until it is known which build ids stand before it.
    fn record(&mut self, raw: RawRecord<'d>) -> anyhow::Result<()> {
        self.flush()?;
        if self.jit.is_some() {
            if let Some(time) = self.data.time(&raw).filter(|time| raw.kind < kind::HEADER_ATTR && *time != u64::MAX) {
                self.compiled(time)?;
            }
            if self.is_replaced(&raw) {
                return Ok(());
            }
        }
        if raw.kind != kind::SAMPLE {
            return self.target.record(&raw);
        }
        if let Some(sleeps) = &mut self.sleeps {
            let mut bytes = Vec::new();
            if sleeps.take(&raw, &mut bytes)? {
                return self.target.bytes(&bytes);
            }
        }
        self.waiting = Some(raw);
        Ok(())
    }

    /// Writes the mappings of compiled code up to a time.
    fn compiled(&mut self, time: u64) -> anyhow::Result<()> {
        let Some(jit) = &mut self.jit else { return Ok(()) };
        let mut bytes = Vec::new();
        jit.until(time, &mut bytes);
        self.target.bytes(&bytes)
    }

    /// Whether a record is a mapping for which those of compiled code stand.
    fn is_replaced(&mut self, raw: &RawRecord<'d>) -> bool {
        if !matches!(raw.kind, kind::MMAP | kind::MMAP2) {
            return false;
        }
        match (self.data.decode_record(raw), &mut self.jit) {
            (Ok(Some(Record::Mmap(mmap))), Some(jit)) => jit.mapping(&mmap),
            _ => false,
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let fresh = std::mem::take(&mut self.ids.fresh);
        self.target.build_ids(&fresh)?;
        match self.waiting.take() {
            Some(raw) => self.target.record(&raw),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_ids_are_pairs_of_hexadecimal_digits() {
        assert_eq!(hex("00ff"), Some(vec![0, 255]));
        for wrong in ["", "0", "0g", &"0".repeat(42)] {
            assert_eq!(hex(wrong), None, "{wrong}");
        }
    }
}
