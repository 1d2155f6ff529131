//! What is said where the kernel has no kprobes: what was tried instead, and what the kernel answered.

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::Root;
use perfuse_collect::bpf::try_fentry;
use perfuse_collect::perf::tracepoints::Tracefs;
use perfuse_collect::perf::{OpenFlags, PerfEvent};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};

use super::failure::{Failure, NOT_FOUND};
use super::kernel::with_types;

/// The failure with every door that was tried for the function.
pub(super) fn explain(path: &str, function: &str) -> Failure {
    let inner = |message: Msg| Arg::Msg(Box::new(message));
    let words = Msg::new("probe-no-kprobes").with("path", path);
    let words = words.with("fentry", inner(fentry(function))).with("ftrace", inner(ftrace()));
    Failure::new(NOT_FOUND, words).also(Msg::new("probe-no-kprobes-remedy"))
}

/// Whether a program at the entry of the function loads.
fn fentry(function: &str) -> Msg {
    match with_types(None, |types, _| try_fentry(types, function)) {
        Ok(Some(Ok(()))) => Msg::new("probe-try-loads").with("what", "fentry"),
        Ok(Some(Err(errno))) => Msg::new("probe-try-refused").with("what", "fentry").with("error", errno.to_string()),
        Ok(None) => Msg::new("probe-try-no-function").with("what", "fentry").with("name", function),
        Err(failure) => {
            let words = failure.words.into_iter().next().unwrap_or_else(|| Msg::new("probe-machine"));
            Msg::new("probe-try-missing").with("what", "fentry").with("why", Arg::Msg(Box::new(words)))
        }
    }
}

/// Whether the function tracer's event opens, which is the last door to the entry of a kernel function.
fn ftrace() -> Msg {
    let what = "ftrace:function";
    let id = match Tracefs::find(&Root::default()).and_then(|tracefs| tracefs.id("ftrace", "function")) {
        Ok(id) => id,
        Err(why) => {
            let why = super::super::words::denied_words(&why);
            return Msg::new("probe-try-missing").with("what", what).with("why", why);
        }
    };
    // The kernel allows this event only without the caller's own stack.
    let flags = flag::DISABLED | flag::EXCLUDE_CALLCHAIN_USER;
    let attr = EventAttr { kind: kind::TRACEPOINT, config: id, sample_period: 1, flags, ..EventAttr::default() };
    match PerfEvent::open(&attr, 0, -1, None, OpenFlags::default()) {
        Ok(_) => Msg::new("probe-try-loads").with("what", what),
        Err(error) => Msg::new("probe-try-refused").with("what", what).with("error", error.errno.to_string()),
    }
}
