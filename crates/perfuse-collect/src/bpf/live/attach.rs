//! What kind of program a hook wants, and how it is attached there.

use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};

use perfuse_format::btf::{Btf, Kind};
use perfuse_format::live::{Hooked, Method};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};

use super::super::error::LoadError;
use super::super::hook::{online_cpus, raw_tracepoint};
use super::super::kernel::{KERNEL_BTF, KernelBtf};
use super::code::Context;
use super::{LiveError, LiveHook};
use crate::perf::{Errno, OpenFlags, PerfEvent};

/// `enum bpf_prog_type` of `include/uapi/linux/bpf.h`.
mod program {
    pub(super) const KPROBE: u32 = 2;
    pub(super) const TRACEPOINT: u32 = 5;
    pub(super) const PERF_EVENT: u32 = 7;
    pub(super) const TRACING: u32 = 26;
}

/// `enum bpf_attach_type`.
mod kind_of_attach {
    pub(super) const RAW_TRACEPOINT: u32 = 23;
    pub(super) const FENTRY: u32 = 24;
    pub(super) const FEXIT: u32 = 25;
}

/// What kind of program a hook wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// What its context is.
    pub(super) context: Context,
    /// Program type and attach type.
    pub(super) types: (u32, u32),
    /// What it is attached to, in the kernel's types.
    pub(super) btf_id: u32,
    /// What it gives back. 0 keeps the event from everybody else who looks at it, so that events which others may have
    /// get 1.
    pub(super) result: i32,
}

impl Form {
    pub(super) fn of(hook: &LiveHook) -> Result<Self, LiveError> {
        let plain = |context, kind, result| Self { context, types: (kind, 0), btf_id: 0, result };
        Ok(match hook {
            LiveHook::Tracepoint { .. } => plain(Context::Record, program::TRACEPOINT, 1),
            LiveHook::ProbeEvent { user, .. } => plain(Context::Registers { user: *user }, program::KPROBE, 1),
            LiveHook::Uprobe { .. } => plain(Context::Registers { user: true }, program::KPROBE, 0),
            LiveHook::Kprobe { .. } => plain(Context::Registers { user: false }, program::KPROBE, 0),
            LiveHook::Samples(_) => plain(Context::Sample, program::PERF_EVENT, 0),
            LiveHook::Typed(hooked) if hooked.method == Method::Kprobe => {
                plain(Context::Registers { user: false }, program::KPROBE, 0)
            }
            LiveHook::Typed(hooked) if hooked.method == Method::Ftrace => return Err(no_program()),
            LiveHook::Typed(hooked) => Self::typed(hooked)?,
        })
    }

    /// By the kernel's types: their number, and how many arguments there are.
    fn typed(hooked: &Hooked) -> Result<Self, LiveError> {
        let bytes = KernelBtf::open(KERNEL_BTF.as_ref())?;
        let btf = Btf::parse(bytes.bytes()).map_err(|error| LoadError::NoBtf(error.to_string()))?;
        let missing = || LoadError::HookMissing(format!("{}/{}", hooked.method.name(), hooked.name));
        let typedef = format!("btf_trace_{}", hooked.name);
        let (of, first, kind, address) = match hooked.method {
            Method::TpBtf => (btf.find(&typedef, Kind::Typedef), 1, kind_of_attach::RAW_TRACEPOINT, false),
            Method::Fexit => (btf.function(&hooked.name), 0, kind_of_attach::FEXIT, true),
            Method::Fentry | Method::Kprobe | Method::Ftrace => {
                (btf.function(&hooked.name), 0, kind_of_attach::FENTRY, true)
            }
        };
        let of = of.ok_or_else(missing)?;
        let prototype = match hooked.method {
            // A typedef of a pointer to a function whose first argument is not passed to programs.
            Method::TpBtf => of.target().and_then(|pointer| pointer.target()),
            _ => of.target(),
        };
        let prototype = prototype.filter(|of| of.kind() == Kind::FuncProto).ok_or_else(missing)?;
        let count = prototype.parameters().count().saturating_sub(first);
        let context = Context::Arguments { count, address };
        Ok(Self { context, types: (program::TRACING, kind), btf_id: of.id(), result: 0 })
    }
}

/// The event of the function tracer is none that programs can be attached to (`perf_event_set_bpf_prog` of the kernel).
fn no_program() -> LiveError {
    LiveError::Absent("ftrace:function runs no programs".to_owned())
}

/// What keeps a program attached.
#[derive(Debug)]
pub(super) struct Attached {
    _events: Vec<PerfEvent>,
    _link: Option<OwnedFd>,
}

impl Attached {
    pub(super) fn new(hook: &LiveHook, pids: &[u32], program: BorrowedFd<'_>) -> Result<Self, LiveError> {
        if let LiveHook::Typed(hooked) = hook
            && hooked.method != Method::Kprobe
        {
            let name = format!("{}/{}", hooked.method.name(), hooked.name);
            return Ok(Self { _events: Vec::new(), _link: Some(raw_tracepoint(program, None, &name)?) });
        }
        // The names must live until the events are open.
        let text = |text: &str| CString::new(text).map_err(|_| LiveError::Absent(text.to_owned()));
        let (attr, shared, _kept) = match hook {
            LiveHook::Tracepoint { id } | LiveHook::ProbeEvent { id, .. } => {
                (EventAttr { kind: kind::TRACEPOINT, config: *id, ..EventAttr::default() }, true, None)
            }
            LiveHook::Uprobe { path, offset, counter, ret } => {
                let path = text(path)?;
                let config = u64::from(*ret) | counter.unwrap_or(0) << 32;
                let config1 = path.as_ptr().expose_provenance() as u64;
                let attr =
                    EventAttr { kind: unit("uprobe")?, config, config1, config2: *offset, ..EventAttr::default() };
                (attr, false, Some(path))
            }
            LiveHook::Kprobe { symbol, offset, ret } => kprobe(symbol.as_deref(), *offset, *ret)?,
            LiveHook::Typed(hooked) => kprobe(Some(&hooked.name), 0, false)?,
            LiveHook::Samples(attr) => (**attr, false, None),
        };
        let samples = matches!(hook, LiveHook::Samples(_));
        let attr = EventAttr { flags: attr.flags | flag::DISABLED, ..attr };
        let mut events = Vec::new();
        for (pid, cpu) in places(samples, pids)? {
            let event = match PerfEvent::open(&attr, pid, cpu, None, OpenFlags::NONE) {
                Ok(event) => event,
                // Whoever is gone has no hits.
                Err(error) if error.errno == Errno(libc::ESRCH) && !events.is_empty() => continue,
                Err(error) => return Err(LiveError::Open(error)),
            };
            // The programs of a tracepoint are those of all its events.
            if !shared || events.is_empty() {
                let set = event.set_bpf(program);
                set.map_err(|errno| LoadError::from_errno("PERF_EVENT_IOC_SET_BPF", errno))?;
            }
            events.push(event);
        }
        for event in &events {
            event.enable().map_err(|errno| LoadError::from_errno("PERF_EVENT_IOC_ENABLE", errno))?;
        }
        Ok(Self { _events: events, _link: None })
    }
}

type Opened = (EventAttr, bool, Option<CString>);

fn kprobe(symbol: Option<&str>, offset: u64, ret: bool) -> Result<Opened, LiveError> {
    let kind = unit("kprobe")?;
    let name = symbol.map(CString::new).transpose().map_err(|_| LiveError::Absent("kprobe".to_owned()))?;
    let config1 = name.as_ref().map_or(0, |name| name.as_ptr().expose_provenance() as u64);
    Ok((EventAttr { kind, config: ret.into(), config1, config2: offset, ..EventAttr::default() }, false, name))
}

/// Processes and CPUs for which the event is opened: a program of a tracepoint or probe runs wherever it happens, whatever
/// CPU its event is for.
fn places(samples: bool, pids: &[u32]) -> Result<Vec<(i32, i32)>, LiveError> {
    if !pids.is_empty() {
        return Ok(pids.iter().filter_map(|pid| Some((i32::try_from(*pid).ok()?, -1))).collect());
    }
    if samples {
        return Ok(online_cpus()?.into_iter().map(|cpu| (-1, cpu)).collect());
    }
    Ok(vec![(-1, 0)])
}

/// The number of a unit of the kernel that makes probes (`perf_event_attr.type`).
fn unit(name: &str) -> Result<u32, LiveError> {
    let path = format!("/sys/bus/event_source/devices/{name}/type");
    let bytes = std::fs::read(&path).map_err(|error| LiveError::Absent(format!("{path}: {error}")))?;
    let number = perfuse_format::parse::unsigned(bytes.trim_ascii()).and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| LiveError::Absent(format!("{path}: no number")))
}
