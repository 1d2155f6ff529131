//! `--live`: probes that are there as long as they are watched.

use perfuse_analyze::Msg;
use perfuse_collect::bpf::LiveHook;
use perfuse_format::live::Method;
use perfuse_format::probe::{Definition, Target, TraceProbe, is_event_name};

use super::super::live::{Asked, OWN, Source, go};
use super::super::options::{Parsed, UsageError};
use super::add::{self, Resolved};
use super::failure::{Failure, INVALID, NOT_FOUND, Outcome, TOO_MANY};
use super::point::Point;
use super::request::{Action, Request, Where};
use super::typed::{self, NotTyped};
use crate::console::Console;

/// Most places that are watched at once: each has a program of its own.
const MOST: usize = 256;

/// Refuses options that only mean something with `--live`.
pub(super) fn refuse(parsed: &Parsed) -> Result<(), UsageError> {
    match OWN.iter().find(|option| parsed.last(option).is_some()) {
        Some(option) => Err(UsageError(Msg::new("probe-only-live").with("option", format!("--{option}")))),
        None => Ok(()),
    }
}

pub(super) fn run(parsed: &Parsed, request: &Request, console: &Console) -> anyhow::Result<u8> {
    if request.action != Action::Add {
        let words = Msg::new("probe-two-commands").with("first", "--live");
        return Err(UsageError(words.with("second", "--list, --del, --funcs, --line, --vars, --definition")).into());
    }
    let asked = Asked::of(parsed)?;
    match sources(request, console) {
        Ok(sources) => go(&asked, &sources, console),
        Err(failure) => {
            failure.say(console);
            Ok(failure.status)
        }
    }
}

fn sources(request: &Request, console: &Console) -> Outcome<Vec<Source>> {
    let definitions = add::parse(request)?;
    let mut notes = Vec::new();
    let mut sources = Vec::new();
    let typed = match request.via {
        Some(via) => via != Method::Kprobe,
        None => !typed::has_kprobes(),
    };
    if request.place == Where::Kernel && typed {
        for definition in &definitions {
            let found = typed::find(definition, request.via).map_err(|why| match why {
                NotTyped::Failed(failure) => *failure,
                NotTyped::Unknown => {
                    Failure::new(NOT_FOUND, Msg::new("probe-typed-place")).at(definition, definition.place_at)
                }
            })?;
            notes.extend(found.notes);
            let source = Source::typed(found.probe, found.hook);
            sources.push(source.map_err(|why| Failure { status: NOT_FOUND, place: None, words: why.into_words() })?);
        }
    } else {
        let resolved = add::resolve(request, definitions, &mut notes)?;
        for Resolved { definition, points } in &resolved {
            for point in points {
                sources.push(source(definition, point)?);
            }
        }
    }
    if !request.quiet {
        for note in notes.iter().filter(|note| request.verbose || !add::is_detail(note)) {
            console.note(note);
        }
    }
    if sources.len() > MOST {
        let words = Msg::new("probe-live-one").with("count", sources.len().to_string());
        return Err(Failure::new(TOO_MANY, words.with("most", MOST.to_string())));
    }
    Ok(sources)
}

fn source(definition: &Definition, point: &Point) -> Outcome<Source> {
    let group = definition.group.clone().unwrap_or_else(|| point.group.clone());
    let event = point.base(definition);
    // The name stands in no file here, but in texts that others read.
    let event: String = event.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if !is_event_name(&group) || !is_event_name(&event) {
        let words = Msg::new("probe-bad-event").with("name", format!("{group}:{event}"));
        return Err(Failure::new(INVALID, words).at(definition, definition.place_at));
    }
    let ret = point.ret;
    let hook = match &point.target {
        Target::File { path, offset, counter } => {
            LiveHook::Uprobe { path: path.clone(), offset: *offset, counter: *counter, ret }
        }
        Target::Symbol { module, symbol, offset } => {
            let symbol = module.as_ref().map_or_else(|| symbol.clone(), |module| format!("{module}:{symbol}"));
            LiveHook::Kprobe { symbol: Some(symbol), offset: *offset, ret }
        }
        Target::Address(address) => LiveHook::Kprobe { symbol: None, offset: *address, ret },
    };
    let probe = TraceProbe {
        ret,
        active: None,
        group,
        event,
        target: point.target.clone(),
        arguments: point.arguments.clone(),
    };
    Ok(Source::probe(probe, hook, true))
}
