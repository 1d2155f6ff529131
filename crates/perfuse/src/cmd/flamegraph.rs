//! `perfuse flamegraph`: a profile as a picture.

use std::path::Path;

use anyhow::bail;
use perfuse_analyze::Msg;
use perfuse_analyze::flame::{FlameGraph, Options, count_samples};
use perfuse_render::flame::{FlameOptions, Scheme, render};

use crate::cli::FlamegraphArgs;
use crate::cmd::profiles::{self, Loaded};
use crate::cmd::usehost::write_file;
use crate::console::{self, Console};

/// Draws and writes.
pub(crate) fn run(args: &FlamegraphArgs, console: &Console) -> anyhow::Result<u8> {
    let mut now = profiles::load(args.file.as_deref(), &args.profile, false, console)?;
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
