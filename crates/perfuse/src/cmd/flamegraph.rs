//! `perfuse flamegraph`: a profile as a picture.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Args as _;
use perfuse_analyze::Msg;
use perfuse_analyze::flame::{FlameGraph, Options, count_samples};
use perfuse_render::flame::{FlameOptions, Scheme, render};

use crate::cli::{FlamegraphArgs, nearest};
use crate::cmd::profiles::recording::Recording;
use crate::cmd::profiles::{self, Loaded};
use crate::cmd::usehost::write_file;
use crate::console::{self, Console};
use crate::perf;

/// Draws and writes.
pub(crate) fn run(args: &FlamegraphArgs, console: &Console) -> anyhow::Result<u8> {
    let Some(source) = source(args, console)? else { return Ok(crate::FAILED) };
    let mut now = profiles::load(source.name(), &args.profile, false, console)?;
    let event = profiles::first_event(&now.profile, console);
    let options = Options { base: args.base.into(), reverse: args.reverse, inlined: !args.profile.no_inline };
    count(args, &mut now);
    let graph = if let Some(file) = &args.diff {
        let mut before = profiles::load(Some(file), &args.profile, false, console)?;
        count(args, &mut before);
        let same = event_of(&now, event, &before, console)?;
        FlameGraph::compare(&now.profile, event, (&before.profile, same), options, args.normalize)
    } else {
        FlameGraph::build(&now.profile, event, options)
    };
    let picture = render(&graph, &look(args), console.texts);
    if args.output == Path::new("-") {
        console::print(&picture)?;
    } else {
        write_file(&args.output, picture.as_bytes())?;
        let file = args.output.display().to_string();
        console.note(&Msg::new("note-flamegraph").with("file", file).with("samples", graph.samples));
    }
    Ok(0)
}

/// Where the profile comes from.
enum Source {
    /// A file as it was named, or the one that is read without a name.
    Named(Option<String>),
    /// One that was recorded just now.
    Recorded(Recording),
}

impl Source {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => name.as_deref(),
            Self::Recorded(recording) => Some(recording.file()),
        }
    }
}

/// The file that the words name, or a recording with them as options. `None` if the recording failed, which has been said.
fn source(args: &FlamegraphArgs, console: &Console) -> anyhow::Result<Option<Source>> {
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-") && word != "-";
    if let Some(unknown) = args.what.iter().find_map(unknown_option) {
        bail!("{}", unknown_words(&unknown, console));
    }
    match args.what.as_slice() {
        [] if args.command.is_empty() => Ok(Some(Source::Named(None))),
        [file] if args.command.is_empty() && !is_option(file) => {
            let name = file.to_str().ok_or_else(|| anyhow!("{}", file.display()))?;
            Ok(Some(Source::Named(Some(name.to_owned()))))
        }
        [first, ..] if !is_option(first) => {
            let words: Vec<_> = args.what.iter().map(|word| word.to_string_lossy()).collect();
            bail!("{}", console.texts.text(&Msg::new("error-one-file").with("words", words.join(" "))));
        }
        options => {
            let recorded = Recording::make(options, &args.command, args.profile.off_cpu.is_some(), console.texts)?;
            Ok(recorded.map(Source::Recorded))
        }
    }
}

/// The name of an option that neither we nor `record` have.
fn unknown_option(word: &OsString) -> Option<String> {
    let word = word.to_string_lossy();
    let name = word.strip_prefix("--")?.split('=').next()?;
    let plain = name.strip_prefix("no-").unwrap_or(name);
    let known = record_options().any(|long| long.starts_with(name) || long.starts_with(plain));
    (!known).then(|| format!("--{name}"))
}

fn record_options() -> impl Iterator<Item = &'static str> {
    let record = perf::COMMANDS.iter().find(|command| command.name == "record");
    record.into_iter().flat_map(|record| record.options).filter_map(|option| option.long)
}

fn unknown_words(name: &str, console: &Console) -> String {
    let table = FlamegraphArgs::augment_args(clap::Command::new("flamegraph"));
    let own = table.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
    let names: Vec<String> = own.chain(record_options().map(str::to_owned)).map(|name| format!("--{name}")).collect();
    let near = nearest(name, names.iter().map(String::as_str)).join(", ");
    let message = console.texts.text(&Msg::new("usage-unknown-option").with("name", name));
    format!("{message} {}", console.texts.text(&Msg::new("usage-nearest").with("names", near)))
}

fn count(args: &FlamegraphArgs, loaded: &mut Loaded) {
    if args.samples {
        count_samples(&mut loaded.profile);
    }
}

/// The event of the same name in the earlier profile.
fn event_of(now: &Loaded, event: u32, before: &Loaded, console: &Console) -> anyhow::Result<u32> {
    let Some(wanted) = now.profile.events.get(event as usize) else { return Ok(0) };
    let found = profiles::event(&before.profile, &wanted.name, console)?;
    let other = before.profile.events.get(found as usize);
    if other.is_some_and(|other| other.unit != wanted.unit) {
        bail!("{}", console.texts.text(&Msg::new("error-other-unit").with("event", wanted.name.as_str())));
    }
    Ok(found)
}

fn look(args: &FlamegraphArgs) -> FlameOptions {
    let plain = FlameOptions::default();
    let scheme = match args.colors {
        Some(colors) => colors.into(),
        None if args.diff.is_some() => Scheme::Difference,
        None if args.profile.off_cpu.is_some() => Scheme::OffCpu,
        None => Scheme::OnCpu,
    };
    FlameOptions {
        title: args.title.clone(),
        width: args.width,
        min_width: args.min_width,
        font: args.font.clone().unwrap_or(plain.font),
        scheme,
        icicle: args.icicle,
        normalized: args.normalize,
    }
}
