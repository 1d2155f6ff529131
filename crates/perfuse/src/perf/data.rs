//! `perf data convert`: a recording as JSON.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_analyze::resolve::{self, Item, Resolver};
use perfuse_render::perf::json::JsonSamples;

use super::options::{Opt, Parsed, UsageError, long_switch, long_value, switch, value};
use super::recorded::{self, Input, Passage, RecordedNames};
use super::{Command, FAILED};
use crate::console::{self, Console};

/// `perf data`.
pub(crate) const COMMAND: Command =
    Command { name: "data", usage: &["convert [<options>]"], options: OPTIONS, runs: false, run };

const OPTIONS: &[Opt] = &[
    switch('f', "force"),
    value('i', "input", "file"),
    switch('v', "verbose"),
    long_switch("all"),
    long_value("to-ctf", "directory"),
    long_value("to-json", "file"),
    long_switch("tod"),
];

/// Text is written out from this many bytes on.
const MUCH: usize = 1 << 16;

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    if parsed.rest.len() != 1 || parsed.rest.first().is_none_or(|word| word != "convert") {
        return Err(UsageError(Msg::new("data-which")).into());
    }
    let refused = |id: &str| {
        console.complain(&console.texts.word(id));
        Ok(FAILED)
    };
    let Some(name) = parsed.text("to-json") else {
        return refused(if parsed.last("to-ctf").is_some() { "data-ctf" } else { "data-to" });
    };
    if parsed.last("to-ctf").is_some() {
        return refused("data-both");
    }
    for (option, id) in [("all", "data-all"), ("tod", "data-tod")] {
        if parsed.on(option) {
            return refused(id);
        }
    }
    if name != "-" && !parsed.on("force") && std::fs::symlink_metadata(&name).is_ok() {
        console.complain(&console.texts.text(&Msg::new("data-exists").with("path", name)));
        return Ok(FAILED);
    }
    let input = Input::open(parsed.text("input").as_deref())?;
    let data = input.recording(false, console)?;
    let file =
        |name: &str| -> io::Result<File> { OpenOptions::new().write(true).create(true).truncate(true).open(name) };
    let mut out: Box<dyn Write> = match name.as_str() {
        "-" => Box::new(io::stdout().lock()),
        name => Box::new(BufWriter::new(file(name).with_context(|| name.to_owned())?)),
    };
    let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(&data));
    let mut resolver = Resolver::new(names, resolve::Options { inlines: false, ..resolve::Options::default() });
    let (mut text, mut written, mut samples) = (String::new(), 0, 0_u64);
    let mut json = JsonSamples::begin(&data, input.changed.unwrap_or_default(), &mut text);
    let mut passage = Passage::new(&input);
    let ended = resolver.replay(&data, |resolver, item| {
        match item {
            Item::Raw(raw) => passage.at(&raw),
            Item::Sample(_, sample) => {
                samples += 1;
                json.sample(resolver, sample, &mut text);
            }
            Item::Bad(_, error) => console.complain(&error.to_string()),
            Item::Damage(damage) => console.complain(&damage.to_string()),
            Item::Record(..) => {}
        }
        if text.len() < MUCH {
            return ControlFlow::Continue(());
        }
        written += text.len();
        let result = out.write_all(text.as_bytes());
        text.clear();
        result.map_or_else(ControlFlow::Break, ControlFlow::Continue)
    });
    let failed = || name.clone();
    if let ControlFlow::Break(error) = ended {
        return Err(error).with_context(failed);
    }
    json.end(&mut text);
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).with_context(failed)?;
    let mebibytes = (written + text.len()) as f64 / 1024.0 / 1024.0;
    console::say(&format!("[ perf data convert: Converted '{}' into JSON data '{name}' ]\n", input.name));
    console::say(&format!("[ perf data convert: Converted and wrote {mebibytes:.3} MB ({samples} samples) ]\n"));
    Ok(0)
}
