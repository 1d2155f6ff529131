//! `perfuse trace` and `perfuse probe --live`: hits of an event as they come, or what they add up to.
//!
//! ```text
//! -e EVENT (tracepoint, probe, software event)   -> Source   -> Watched (rings)     -> lines
//! --live DEFINITION (function, place, USDT)      -> Source   -> LiveProgram (BPF)   -> tables, metrics
//! ```
//! Where programs are not allowed, the same numbers come from the rings, and it is said.

mod asked;
mod comms;
mod computed;
mod failure;
mod frame;
mod hits;
mod names;
mod serve;
mod source;
mod watched;

use super::Command;
use super::options::{Opt, Parsed, long_switch, long_value, switch, value};
use crate::console::Console;
use crate::signals::Interrupt;
pub(super) use asked::{Asked, OWN};
pub(super) use failure::Failure;
pub(super) use source::Source;

/// `perfuse trace`.
pub(crate) const COMMAND: Command = Command {
    name: "trace",
    usage: &["-e <event> [<options>]", "-e <event> --count|--sum <expr>|--hist <expr> [--by <expr>,...] [<options>]"],
    options: OPTIONS,
    runs: false,
    run,
};

const OPTIONS: &[Opt] = &[
    value('e', "event", "event"),
    value('p', "pid", "pid"),
    switch('q', "quiet"),
    long_value("by", "expr[,expr...]"),
    long_value("comm", "name"),
    long_switch("count"),
    long_value("filter", "condition"),
    long_value("for", "time"),
    long_value("hist", "expr"),
    long_switch("json"),
    long_value("max", "n"),
    long_value("openmetrics", "address"),
    long_value("rate", "n"),
    long_value("sum", "expr"),
];

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let asked = Asked::of(parsed)?;
    let sources = match source::of_events(parsed)? {
        Ok(sources) => sources,
        Err(failure) => return Ok(failure.say(console)),
    };
    go(&asked, &sources, console)
}

/// Watches the sources until it is over; the exit status.
pub(super) fn go(asked: &Asked, sources: &[Source], console: &Console) -> anyhow::Result<u8> {
    let interrupt = Interrupt::install()?;
    let outcome = if asked.computes() {
        computed::run(asked, sources, &interrupt, console)?
    } else {
        hits::run(asked, sources, &interrupt, console)?
    };
    Ok(match outcome {
        Ok(()) => 0,
        Err(failure) => failure.say(console),
    })
}
