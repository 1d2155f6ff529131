//! Why an event could not be opened, and what would have to be different.

use std::path::Path;

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};
use perfuse_format::{Missing, Why};

use crate::bpf::door::Errno;
use crate::bpf::effective;

/// `CAP_SYS_ADMIN` of `include/uapi/linux/capability.h`.
const CAP_SYS_ADMIN: u32 = 21;
/// `CAP_PERFMON`, since Linux 5.8.
const CAP_PERFMON: u32 = 38;
/// Which events an ordinary user may open.
const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
/// The events that a `:P` or `:p` asks for need hardware that can say which instruction it was.
const PRECISE: u64 = 3 << flag::PRECISE_IP_SHIFT;

/// The refusal of `perf_event_open(2)`: the kernel's number and what it means for this event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("perf_event_open: {errno}")]
pub struct OpenError {
    /// What the kernel said.
    pub errno: Errno,
    /// What that means here.
    pub reason: Reason,
}

/// What an errno of `perf_event_open(2)` means for the event that was asked for (`man perf_event_open`, section
/// ERRORS, and `perf_event_open` in `kernel/events/core.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// ENOENT, EOPNOTSUPP or ENXIO for an event of the CPU: there is no such counter. In a guest, the hypervisor does
    /// not pass the performance monitoring unit on.
    NoHardware,
    /// ENOENT for another type: this kernel has no such event source, or the source no such event.
    NoEvent,
    /// EOPNOTSUPP: the source is there, but cannot do what was asked, such as samples of a counter without interrupt.
    NotSupported,
    /// EACCES or EPERM: `kernel.perf_event_paranoid` is this high (`None`: not readable) and the process has neither
    /// `CAP_PERFMON` nor `CAP_SYS_ADMIN`.
    NoPermission {
        /// `kernel.perf_event_paranoid`.
        paranoid: Option<i32>,
    },
    /// EACCES or EPERM although the process has the capability: a security module, a seccomp filter of a container,
    /// or another user's process.
    Forbidden,
    /// EMFILE or ENFILE: no more file descriptors.
    TooManyFiles,
    /// ENOSPC: all breakpoint registers, or the counters of the group, are in use.
    NoSpace,
    /// EBUSY: another event has the hardware for itself.
    Busy,
    /// E2BIG: the kernel is older than a field that was used.
    TooNew,
    /// EINVAL with an event that asks for precise addresses.
    NotPrecise,
    /// EINVAL: the kernel does not know this combination.
    Invalid,
    /// ESRCH: the task ended or was never there.
    NoTask,
    /// ENODEV: the CPU is not online, or the device does not count on it.
    NoCpu,
    /// ENOSYS: a kernel without `CONFIG_PERF_EVENTS`, or a filter of system calls that hides them.
    NoSystemCall,
    /// Any other number.
    Other,
}

impl OpenError {
    /// The meaning of `errno` for `attr`, with a look at the own rights where they are in question.
    pub(super) fn new(errno: Errno, attr: &EventAttr) -> Self {
        let rights = || {
            let status = std::fs::read("/proc/self/status").unwrap_or_default();
            (effective(&status), paranoid(Path::new(PARANOID)))
        };
        Self { errno, reason: reason(errno, attr, rights) }
    }

    /// As a reason for a missing value, for `source`.
    pub fn missing(&self, source: impl Into<std::borrow::Cow<'static, str>>) -> Missing {
        let why = match self.reason {
            Reason::NoHardware | Reason::NoEvent | Reason::NoCpu => Why::Absent,
            Reason::NotSupported | Reason::NotPrecise | Reason::Invalid | Reason::TooNew | Reason::NoSystemCall => {
                Why::Unsupported
            }
            Reason::NoPermission { .. } | Reason::Forbidden => Why::NoPermission,
            Reason::NoTask => Why::Gone,
            _ => Why::Other,
        };
        Missing::new(why, source).with_detail(self.errno.to_string())
    }

    /// Whether the event itself is what this system lacks, so that a counter is shown as `<not supported>` while the
    /// others go on: ENOENT, EOPNOTSUPP, ENXIO, ENOSYS and EINVAL, as in perf.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.errno.0, libc::ENOENT | libc::EOPNOTSUPP | libc::ENXIO | libc::ENOSYS | libc::EINVAL)
    }
}

/// The table of [`Reason`].
fn reason(errno: Errno, attr: &EventAttr, rights: impl FnOnce() -> (Option<u64>, Option<i32>)) -> Reason {
    let hardware = !matches!(attr.kind, kind::SOFTWARE | kind::TRACEPOINT | kind::BREAKPOINT);
    match errno.0 {
        libc::ENOENT | libc::EOPNOTSUPP | libc::ENXIO if hardware && attr.kind <= kind::RAW => Reason::NoHardware,
        libc::ENOENT | libc::ENXIO => Reason::NoEvent,
        libc::EOPNOTSUPP => Reason::NotSupported,
        libc::EACCES | libc::EPERM => {
            let (capabilities, paranoid) = rights();
            let has = |capability: u32| capabilities.is_some_and(|mask| mask >> capability & 1 != 0);
            if has(CAP_PERFMON) || has(CAP_SYS_ADMIN) { Reason::Forbidden } else { Reason::NoPermission { paranoid } }
        }
        libc::EMFILE | libc::ENFILE => Reason::TooManyFiles,
        libc::ENOSPC => Reason::NoSpace,
        libc::EBUSY => Reason::Busy,
        libc::E2BIG => Reason::TooNew,
        libc::EINVAL if attr.flags & PRECISE != 0 => Reason::NotPrecise,
        libc::EINVAL => Reason::Invalid,
        libc::ESRCH => Reason::NoTask,
        libc::ENODEV => Reason::NoCpu,
        libc::ENOSYS => Reason::NoSystemCall,
        _ => Reason::Other,
    }
}

/// The number in a file of `/proc/sys`.
fn paranoid(path: &Path) -> Option<i32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(errno: i32, kind: u32, flags: u64, capabilities: u64) -> Reason {
        let attr = EventAttr { kind, flags, ..EventAttr::default() };
        reason(Errno(errno), &attr, || (Some(capabilities), Some(2)))
    }

    #[test]
    fn the_same_errno_means_different_things_for_different_events() {
        assert_eq!(of(libc::ENOENT, kind::HARDWARE, 0, 0), Reason::NoHardware);
        assert_eq!(of(libc::EOPNOTSUPP, kind::RAW, 0, 0), Reason::NoHardware);
        assert_eq!(of(libc::ENOENT, kind::TRACEPOINT, 0, 0), Reason::NoEvent);
        assert_eq!(of(libc::ENOENT, 12, 0, 0), Reason::NoEvent);
        assert_eq!(of(libc::EINVAL, kind::HARDWARE, 0, 0), Reason::Invalid);
        assert_eq!(of(libc::EINVAL, kind::HARDWARE, 2 << flag::PRECISE_IP_SHIFT, 0), Reason::NotPrecise);
        assert_eq!(of(libc::EIO, kind::HARDWARE, 0, 0), Reason::Other);
    }

    #[test]
    fn a_refusal_in_spite_of_the_capability_is_someone_elses() {
        assert_eq!(of(libc::EACCES, kind::SOFTWARE, 0, 0), Reason::NoPermission { paranoid: Some(2) });
        assert_eq!(of(libc::EPERM, kind::SOFTWARE, 0, 1 << CAP_PERFMON), Reason::Forbidden);
        assert_eq!(of(libc::EPERM, kind::SOFTWARE, 0, 1 << CAP_SYS_ADMIN), Reason::Forbidden);
    }

    #[test]
    fn a_missing_counter_is_a_row_and_a_missing_right_is_not() {
        let error = |errno| OpenError { errno: Errno(errno), reason: Reason::Other };
        assert!(error(libc::ENOENT).is_unsupported() && error(libc::EINVAL).is_unsupported());
        assert!(!error(libc::EACCES).is_unsupported() && !error(libc::EMFILE).is_unsupported());
        let none = OpenError { errno: Errno(libc::ENOENT), reason: Reason::NoHardware };
        assert_eq!(none.missing("cycles").why, Why::Absent);
        assert!(none.to_string().contains("No such file"), "{none}");
    }
}
