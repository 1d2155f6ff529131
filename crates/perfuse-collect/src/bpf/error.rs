//! Why a program does not run: one honest reason each.

use perfuse_format::{Missing, Why};

use super::door::Errno;

/// Why a BPF program could not be loaded or attached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// EPERM or EACCES, and what is lacking.
    #[error("{call}: not permitted: {lacking}")]
    NotPermitted {
        /// What was tried.
        call: &'static str,
        /// The capabilities that this process lacks, or that it lacks none of the usual ones.
        lacking: String,
    },
    /// The kernel was built without `CONFIG_BPF_SYSCALL`, or a filter hides the call.
    #[error("this kernel has no bpf(2)")]
    NoBpf,
    /// The kernel does not describe its types.
    #[error("no BTF of the running kernel: {0}")]
    NoBtf(String),
    /// The kernel is too old or built without a feature that the program needs.
    #[error("{call}: {errno}")]
    Unsupported {
        /// What was tried.
        call: &'static str,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The tracepoint or iterator is not in this kernel.
    #[error("no {0} in this kernel")]
    HookMissing(String),
    /// A type or field that the program needs is not in this kernel.
    #[error("{0}")]
    Layout(String),
    /// The verifier refused the program.
    #[error("the verifier refused it ({errno}): {log}")]
    Refused {
        /// The kernel's answer.
        errno: Errno,
        /// The end of the verifier's log.
        log: String,
    },
    /// The object file is damaged, or uses what this loader does not know.
    #[error("object file: {0}")]
    Object(String),
    /// Anything else.
    #[error("{call}: {errno}")]
    Kernel {
        /// What was tried.
        call: &'static str,
        /// The kernel's answer.
        errno: Errno,
    },
}

impl LoadError {
    /// The reason behind an errno of `call`.
    pub(crate) fn from_errno(call: &'static str, errno: Errno) -> Self {
        match errno.0 {
            libc::EPERM | libc::EACCES => Self::NotPermitted { call, lacking: lacking_capabilities() },
            libc::ENOSYS => Self::NoBpf,
            libc::EINVAL | libc::EOPNOTSUPP | libc::E2BIG => Self::Unsupported { call, errno },
            _ => Self::Kernel { call, errno },
        }
    }

    /// The kind of reason.
    pub fn why(&self) -> Why {
        match self {
            Self::NotPermitted { .. } => Why::NoPermission,
            Self::NoBpf | Self::NoBtf(_) | Self::Unsupported { .. } | Self::Layout(_) | Self::Refused { .. } => {
                Why::Unsupported
            }
            Self::HookMissing(_) => Why::Absent,
            Self::Object(_) => Why::Malformed,
            Self::Kernel { .. } => Why::Other,
        }
    }

    /// The errno that stands for this reason in a snapshot, where only an errno has room.
    pub fn errno(&self) -> i32 {
        match self {
            Self::NotPermitted { .. } => libc::EPERM,
            Self::NoBpf | Self::NoBtf(_) | Self::Layout(_) | Self::Refused { .. } => libc::ENOSYS,
            Self::HookMissing(_) => libc::ENOENT,
            Self::Object(_) => libc::EBADMSG,
            Self::Unsupported { errno, .. } | Self::Kernel { errno, .. } => errno.0,
        }
    }

    /// As the reason of a missing reading.
    pub fn missing(&self) -> Missing {
        Missing::new(self.why(), "bpf").with_detail(self.to_string())
    }
}

/// The capabilities that loading programs needs and this process lacks, for people.
fn lacking_capabilities() -> String {
    lacking(&std::fs::read("/proc/self/status").unwrap_or_default())
}

/// The effective capabilities in the bytes of `/proc/PID/status`, a bit each.
pub fn effective(status: &[u8]) -> Option<u64> {
    let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"CapEff:"))?;
    perfuse_format::parse::hex(line.trim_ascii())
}

/// As [`lacking_capabilities`], from the bytes of `/proc/self/status`.
///
/// `CAP_BPF` (39) and `CAP_PERFMON` (38) exist since Linux 5.8; before, all needs `CAP_SYS_ADMIN` (21).
fn lacking(status: &[u8]) -> String {
    let Some(mask) = effective(status) else {
        return "CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN) may be lacking".to_owned();
    };
    let has = |bit: u32| mask >> bit & 1 != 0;
    if has(21) || (has(38) && has(39)) {
        return "the capabilities are there; a security policy (lockdown, seccomp, LSM) or the kernel's build forbids it"
            .to_owned();
    }
    let names = [(39, "CAP_BPF"), (38, "CAP_PERFMON")];
    let lacking: Vec<_> = names.iter().filter(|(bit, _)| !has(*bit)).map(|(_, name)| *name).collect();
    format!("lacks {} (or CAP_SYS_ADMIN)", lacking.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lacking_capabilities_are_named() {
        assert_eq!(
            lacking(b"Name:\tx\nCapEff:\t0000000000000000\n"),
            "lacks CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN)"
        );
        assert_eq!(lacking(b"CapEff:\t0000008000000000\n"), "lacks CAP_PERFMON (or CAP_SYS_ADMIN)");
        assert!(lacking(b"CapEff:\t000001fffeffffff\n").contains("security policy"));
        assert!(lacking(b"").contains("may be"));
    }

    #[test]
    fn every_refusal_has_its_kind() {
        let of = |errno: i32| LoadError::from_errno("bpf", Errno(errno)).why();
        assert_eq!(of(libc::EPERM), Why::NoPermission);
        assert_eq!(of(libc::ENOSYS), Why::Unsupported);
        assert_eq!(of(libc::EINVAL), Why::Unsupported);
        assert_eq!(of(libc::ENOMEM), Why::Other);
        assert_eq!(LoadError::HookMissing("tp_btf/x".into()).why(), Why::Absent);
        assert_eq!(LoadError::HookMissing("tp_btf/x".into()).errno(), libc::ENOENT);
    }
}
