//! Where a program runs: parsed from the name of its section, and attached there.

use std::ffi::CString;
use std::io::Read as _;
use std::os::fd::{BorrowedFd, OwnedFd};

use perfuse_format::btf::{Btf, Kind};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};

use super::door::{Attr, Command, bpf_fd};
use super::error::LoadError;
use crate::perf::{OpenFlags, PerfEvent, cpus};

/// `enum bpf_prog_type` of `include/uapi/linux/bpf.h`.
mod prog_type {
    pub(super) const TRACEPOINT: u32 = 5;
    pub(super) const PERF_EVENT: u32 = 7;
    pub(super) const RAW_TRACEPOINT: u32 = 17;
    pub(super) const TRACING: u32 = 26;
}

/// `enum bpf_attach_type`.
mod attach_type {
    pub(super) const TRACE_RAW_TP: u32 = 23;
    pub(super) const TRACE_ITER: u32 = 28;
}

/// `enum perf_sw_ids` of `include/uapi/linux/perf_event.h`.
mod perf {
    pub(super) const PAGE_FAULTS_MIN: u64 = 5;
    pub(super) const PAGE_FAULTS_MAJ: u64 = 6;
}

/// Where a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hook {
    /// A tracepoint with typed arguments (Linux 5.5, needs BTF).
    TpBtf(String),
    /// A tracepoint with raw arguments (Linux 4.17).
    RawTp(String),
    /// A classic tracepoint: group and event (Linux 4.7, needs tracefs).
    Tracepoint(String, String),
    /// A software event, each occurrence on each CPU: its `perf_sw_ids` number.
    Software(String, u64),
    /// An iterator, run when it is read (Linux 5.8).
    Iter(String),
}

impl Hook {
    /// From the name of a section.
    pub(crate) fn parse(section: &str) -> Option<Self> {
        let (kind, rest) = section.split_once('/')?;
        Some(match kind {
            "tp_btf" => Self::TpBtf(rest.to_owned()),
            "raw_tp" | "raw_tracepoint" => Self::RawTp(rest.to_owned()),
            "tp" | "tracepoint" => {
                let (group, event) = rest.split_once('/')?;
                Self::Tracepoint(group.to_owned(), event.to_owned())
            }
            "perf_event" => match rest {
                "page_faults_min" => Self::Software(rest.to_owned(), perf::PAGE_FAULTS_MIN),
                "page_faults_maj" => Self::Software(rest.to_owned(), perf::PAGE_FAULTS_MAJ),
                _ => return None,
            },
            "iter" => Self::Iter(rest.to_owned()),
            _ => return None,
        })
    }

    /// As sections name it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::TpBtf(event) => format!("tp_btf/{event}"),
            Self::RawTp(event) => format!("raw_tp/{event}"),
            Self::Tracepoint(group, event) => format!("tp/{group}/{event}"),
            Self::Software(event, _) => format!("perf_event/{event}"),
            Self::Iter(what) => format!("iter/{what}"),
        }
    }

    /// `(program type, attach type)` for the load.
    pub(crate) fn types(&self) -> (u32, u32) {
        match self {
            Self::TpBtf(_) => (prog_type::TRACING, attach_type::TRACE_RAW_TP),
            Self::RawTp(_) => (prog_type::RAW_TRACEPOINT, 0),
            Self::Tracepoint(..) => (prog_type::TRACEPOINT, 0),
            Self::Software(..) => (prog_type::PERF_EVENT, 0),
            Self::Iter(_) => (prog_type::TRACING, attach_type::TRACE_ITER),
        }
    }

    /// The kernel type that the program's context is made of; 0 for hooks without.
    pub(crate) fn btf_id(&self, kernel: &Btf<'_>) -> Result<u32, LoadError> {
        let missing = || LoadError::HookMissing(self.name());
        match self {
            Self::TpBtf(event) => {
                let name = format!("btf_trace_{event}");
                kernel.find(&name, Kind::Typedef).map(|of| of.id()).ok_or_else(missing)
            }
            Self::Iter(what) => kernel.function(&format!("bpf_iter_{what}")).map(|of| of.id()).ok_or_else(missing),
            _ => Ok(0),
        }
    }

    /// Attaches a loaded program; it runs until the descriptors are closed.
    pub(crate) fn attach(&self, program: BorrowedFd<'_>) -> Result<Vec<OwnedFd>, LoadError> {
        match self {
            Self::TpBtf(_) => Ok(vec![raw_tracepoint(program, None, &self.name())?]),
            Self::RawTp(event) => Ok(vec![raw_tracepoint(program, Some(event), &self.name())?]),
            Self::Iter(_) => {
                let mut attr = Attr::new().fd(0, program).word(8, attach_type::TRACE_ITER).word(12, 0);
                // SAFETY: a link to an iterator takes no pointer.
                let link = unsafe { bpf_fd(Command::LinkCreate, &mut attr) };
                Ok(vec![link.map_err(|errno| LoadError::from_errno("BPF_LINK_CREATE", errno))?])
            }
            Self::Tracepoint(group, event) => {
                let id = tracefs::event_id(group, event)?;
                let attr = every_event(kind::TRACEPOINT, id);
                // The program runs on every CPU, whichever one the event was opened for.
                Ok(vec![on_event(&attr, 0, program)?])
            }
            Self::Software(_, config) => {
                let attr = every_event(kind::SOFTWARE, *config);
                online_cpus()?.into_iter().map(|cpu| on_event(&attr, cpu, program)).collect()
            }
        }
    }
}

/// Attaches to a raw tracepoint; a typed one knows its event already.
pub(crate) fn raw_tracepoint(program: BorrowedFd<'_>, event: Option<&str>, hook: &str) -> Result<OwnedFd, LoadError> {
    let name = CString::new(event.unwrap_or_default()).unwrap_or_default();
    let attr = Attr::new();
    let attr = if event.is_some() { attr.input(0, name.as_bytes_with_nul()) } else { attr.long(0, 0) };
    let mut attr = attr.fd(8, program);
    // SAFETY: the name ends with NUL, as the kernel reads it.
    let link = unsafe { bpf_fd(Command::RawTracepointOpen, &mut attr) };
    link.map_err(|errno| match errno.0 {
        libc::ENOENT => LoadError::HookMissing(hook.to_owned()),
        _ => LoadError::from_errno("BPF_RAW_TRACEPOINT_OPEN", errno),
    })
}

/// An event whose every occurrence is a sample.
fn every_event(kind: u32, config: u64) -> EventAttr {
    EventAttr { kind, config, sample_period: 1, flags: flag::DISABLED, ..EventAttr::default() }
}

/// Opens an event for all tasks on a CPU and runs the program on it.
fn on_event(attr: &EventAttr, cpu: i32, program: BorrowedFd<'_>) -> Result<OwnedFd, LoadError> {
    let event = PerfEvent::open(attr, -1, cpu, None, OpenFlags::NONE)
        .map_err(|error| LoadError::from_errno("perf_event_open", error.errno))?;
    event.set_bpf(program).map_err(|errno| LoadError::from_errno("PERF_EVENT_IOC_SET_BPF", errno))?;
    event.enable().map_err(|errno| LoadError::from_errno("PERF_EVENT_IOC_ENABLE", errno))?;
    Ok(event.into())
}

/// Runs an iterator to its end and appends what its program wrote.
pub(crate) fn iterate(link: BorrowedFd<'_>, out: &mut Vec<u8>) -> Result<(), LoadError> {
    let mut attr = Attr::new().fd(0, link).word(4, 0);
    // SAFETY: making an iterator takes no pointer.
    let fd = unsafe { bpf_fd(Command::IterCreate, &mut attr) };
    let fd = fd.map_err(|errno| LoadError::from_errno("BPF_ITER_CREATE", errno))?;
    let mut file = std::fs::File::from(fd);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => out.extend_from_slice(&buffer[..count]),
            // The kernel gives up the processor after a million objects and wants to be asked again.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => {}
            Err(error) => {
                let errno = super::door::Errno(error.raw_os_error().unwrap_or(libc::EIO));
                return Err(LoadError::from_errno("reading the iterator", errno));
            }
        }
    }
}

/// The CPUs that are online, from sysfs.
pub(crate) fn online_cpus() -> Result<Vec<i32>, LoadError> {
    let path = "/sys/devices/system/cpu/online";
    let bytes = std::fs::read(path).map_err(|error| LoadError::Object(format!("{path}: {error}")))?;
    cpus::parse_list(&bytes).ok_or_else(|| LoadError::Object(format!("{path}: not a list of CPUs")))
}

/// How many CPUs there can be: the number of values in a per-CPU map.
pub(crate) fn possible_cpus() -> Result<usize, LoadError> {
    let path = "/sys/devices/system/cpu/possible";
    let bytes = std::fs::read(path).map_err(|error| LoadError::Object(format!("{path}: {error}")))?;
    let list = cpus::parse_list(&bytes).ok_or_else(|| LoadError::Object(format!("{path}: not a list of CPUs")))?;
    Ok(list.last().map_or(1, |last| usize::try_from(*last).unwrap_or(0) + 1))
}

/// Whether this process can have a tracefs of its own, where none is mounted.
pub fn can_mount_tracefs() -> bool {
    tracefs::detached().is_ok()
}

/// Ids of classic tracepoints.
mod tracefs {
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags, openat};
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

    use super::super::error::LoadError;
    use perfuse_format::parse::{trim, unsigned};

    /// Where distributions mount it.
    const MOUNTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

    /// The number that `perf_event_open` knows the event by.
    pub(super) fn event_id(group: &str, event: &str) -> Result<u64, LoadError> {
        let inside = format!("events/{group}/{event}/id");
        let missing = || LoadError::HookMissing(format!("tp/{group}/{event}"));
        let mounted = MOUNTS.iter().find(|mount| Path::new(mount).join("events").exists());
        let bytes = if let Some(mount) = mounted {
            std::fs::read(Path::new(mount).join(&inside)).map_err(|error| match error.raw_os_error() {
                Some(libc::ENOENT) => missing(),
                errno => LoadError::from_errno("tracefs", super::super::door::Errno(errno.unwrap_or(libc::EIO))),
            })?
        } else {
            read_detached(&inside).map_err(|errno| match errno {
                rustix::io::Errno::NOENT => missing(),
                errno => LoadError::from_errno("tracefs", super::super::door::Errno(errno.raw_os_error())),
            })?
        };
        unsigned(trim(&bytes)).ok_or_else(missing)
    }

    /// A tracefs that is mounted nowhere: the mount lives as long as its descriptor, and the
    /// host's mount table stays as it is. Needs `CAP_SYS_ADMIN` and Linux 5.2.
    pub(super) fn detached() -> rustix::io::Result<OwnedFd> {
        let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(&context)?;
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
    }

    /// Reads a small file of a tracefs of our own.
    fn read_detached(inside: &str) -> rustix::io::Result<Vec<u8>> {
        let mount = detached()?;
        let file = openat(&mount, inside, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut buffer = [0_u8; 64];
        let count = rustix::io::read(&file, &mut buffer)?;
        Ok(buffer.get(..count).unwrap_or_default().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_name_hooks() {
        assert_eq!(Hook::parse("tp_btf/sched_switch"), Some(Hook::TpBtf("sched_switch".into())));
        assert_eq!(Hook::parse("raw_tp/x"), Some(Hook::RawTp("x".into())));
        assert_eq!(
            Hook::parse("tp/syscalls/sys_enter_futex"),
            Some(Hook::Tracepoint("syscalls".into(), "sys_enter_futex".into()))
        );
        assert_eq!(Hook::parse("perf_event/page_faults_maj"), Some(Hook::Software("page_faults_maj".into(), 6)));
        assert_eq!(Hook::parse("iter/task"), Some(Hook::Iter("task".into())));
        for odd in ["", "tp_btf", "tp/futex", "perf_event/cycles", "kprobe/x"] {
            assert_eq!(Hook::parse(odd), None, "{odd}");
        }
        for name in ["tp_btf/a", "raw_tp/b", "tp/c/d", "perf_event/page_faults_min", "iter/e"] {
            assert_eq!(Hook::parse(name).map(|hook| hook.name()).as_deref(), Some(name));
        }
    }
}
