//! The event of the function tracer (`ftrace:function`), limited to one function: what is left of the entry of a kernel
//! function where nothing else can be attached. It tells the function and its caller, and no arguments.
//!
//! What the kernel asks of it (`perf_trace_event_perm` and `ftrace_function_set_filter` in its `kernel/trace`): samples have
//! no user stack and no call chain of user space, and a filter is names of functions alone. The filter belongs to the
//! descriptor: an event that a child inherits would count every function there is.

use std::ffi::CString;

use perfuse_format::event::TraceDenied;
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};
use thiserror::Error;

use super::error::OpenError;
use super::event::{OpenFlags, PerfEvent};
use super::tracepoints::Tracefs;
use crate::bpf::door::Errno;
use crate::root::Root;

/// Why a function cannot be traced.
#[derive(Debug, Error)]
pub enum FunctionDenied {
    /// The event's number cannot be read.
    #[error("{0}")]
    Tracefs(#[from] TraceDenied),
    /// The kernel does not open the event.
    #[error("{0}")]
    Open(OpenError),
    /// The function tracer has no such function: it does not exist, is inlined everywhere, or must not be traced.
    #[error("the function tracer does not know {0}")]
    Unknown(String),
    /// The kernel does not take the function for another reason.
    #[error("{0}")]
    Filter(Errno),
}

/// The number of the event.
pub fn function_event(root: &Root) -> Result<u64, TraceDenied> {
    Tracefs::find(root)?.id("ftrace", "function")
}

/// The attributes of the event that counts; samples need a period and what they are to hold.
pub fn function_attr(id: u64) -> EventAttr {
    let flags = flag::DISABLED | flag::EXCLUDE_CALLCHAIN_USER;
    EventAttr { kind: kind::TRACEPOINT, config: id, flags, ..EventAttr::default() }
}

/// The filter that leaves one function.
pub fn function_filter(function: &str) -> String {
    format!("ip == {function}")
}

/// Opens the event for a thread (0 for the own process, -1 for everyone) on a CPU (-1 for any), limited to a function. It
/// does not count before it is enabled.
pub fn open_function(root: &Root, function: &str, thread: i32, cpu: i32) -> Result<PerfEvent, FunctionDenied> {
    let attr = function_attr(function_event(root)?);
    let event = PerfEvent::open(&attr, thread, cpu, None, OpenFlags::NONE).map_err(FunctionDenied::Open)?;
    let unknown = || FunctionDenied::Unknown(function.to_owned());
    // A pattern would be taken for all functions that match.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte);
    if function.is_empty() || !function.bytes().all(plain) {
        return Err(unknown());
    }
    let filter = CString::new(function_filter(function)).map_err(|_| unknown())?;
    match event.set_filter(&filter) {
        Ok(()) => Ok(event),
        Err(Errno(libc::EINVAL)) => Err(unknown()),
        Err(errno) => Err(FunctionDenied::Filter(errno)),
    }
}

#[cfg(test)]
mod tests {
    use perfuse_testkit::skip;

    use super::*;

    #[test]
    fn the_event_counts_a_function_or_the_kernel_says_why_not() {
        let root = Root::default();
        let event = match open_function(&root, "vfs_read", 0, -1) {
            Ok(event) => event,
            Err(why) => skip!("ftrace:function: {why}"),
        };
        event.enable().unwrap();
        drop(std::fs::read("/proc/self/stat").unwrap());
        assert!(event.read().unwrap().values[0].value > 0);
        for name in ["no_such_function_anywhere", "vfs_*", ""] {
            let denied = open_function(&root, name, 0, -1);
            assert!(matches!(denied, Err(FunctionDenied::Unknown(_))), "{name}: {denied:?}");
        }
    }
}
