//! `@capabilities`: what this kernel and this user allow, one tab-separated line each, written by the collector.
//!
//! ```text
//! bpf<TAB>no<TAB>CAP_BPF and CAP_PERFMON are missing
//! psi<TAB>yes<TAB>
//! ```

use std::borrow::Cow;

use crate::parse::{FromBytes, ParseError, lines, text};
use crate::reading::{Missing, Reading, Why};

/// Whether something can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// It was tried and it works.
    Yes,
    /// It was tried and refused, or it is not there; the detail says which.
    No,
    /// It could not be tried, or the answer did not tell.
    Unknown,
}

impl State {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that the kernel may or may not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// Stable id; the ones of this version are the constants of [`id`].
    pub id: Cow<'static, str>,
    /// Whether it can be used.
    pub state: State,
    /// Which kind of reason stands behind `no` or `unknown`; `None` for `yes`.
    pub why: Option<Why>,
    /// What the kernel said: an errno, a missing file, the last line of the verifier. Technical, in English; empty
    /// for `yes` unless there is something to know (a version, a limit).
    pub detail: String,
}

/// Ids of the capabilities that this version probes.
pub mod id {
    /// The `bpf(2)` call answers: maps and programs can be loaded.
    pub const BPF: &str = "bpf";
    /// BTF of the running kernel, `/sys/kernel/btf/vmlinux`.
    pub const BTF: &str = "btf";
    /// Programs on raw tracepoints with typed arguments load.
    pub const TP_BTF: &str = "tp_btf";
    /// BPF iterators over tasks (Linux 5.8).
    pub const BPF_ITER: &str = "bpf_iter";
    /// `perf_event_open` with software events.
    pub const PERF_EVENT: &str = "perf_event";
    /// The hardware counters of the CPU (PMU).
    pub const PERF_EVENT_HW: &str = "perf_event_hw";
    /// Tracepoint formats and ids under tracefs.
    pub const TRACEFS: &str = "tracefs";
    /// Pressure stall information, `/proc/pressure`.
    pub const PSI: &str = "psi";
    /// Task delay accounting, `kernel.task_delayacct`.
    pub const DELAYACCT: &str = "delayacct";
    /// `/proc/schedstat` of a kernel with `CONFIG_SCHEDSTATS`.
    pub const SCHEDSTAT: &str = "schedstat";
    /// The kernel log, `/dev/kmsg`.
    pub const KMSG: &str = "kmsg";
    /// The taskstats family of generic netlink.
    pub const TASKSTATS: &str = "taskstats";
    /// The `NETLINK_SOCK_DIAG` protocol.
    pub const SOCK_DIAG: &str = "sock_diag";
    /// Reading `/proc/PID/io` and `/proc/PID/fd` of other users' processes.
    pub const PTRACE: &str = "ptrace";
    /// Kernel symbols with addresses, `/proc/kallsyms`.
    pub const KALLSYMS: &str = "kallsyms";
    /// The cgroup v2 hierarchy.
    pub const CGROUP2: &str = "cgroup2";
    /// Memory error counters, `/sys/devices/system/edac`.
    pub const EDAC: &str = "edac";
    /// Every id above, in the order of the report.
    pub const ALL: [&str; 17] = [
        BPF,
        BTF,
        TP_BTF,
        BPF_ITER,
        PERF_EVENT,
        PERF_EVENT_HW,
        TRACEFS,
        PSI,
        DELAYACCT,
        SCHEDSTAT,
        KMSG,
        TASKSTATS,
        SOCK_DIAG,
        PTRACE,
        KALLSYMS,
        CGROUP2,
        EDAC,
    ];
}

/// The kinds of reason that a capability can have, with their words in the file.
const REASONS: [(Why, &str); 10] = [
    (Why::NoPermission, "no-permission"),
    (Why::Unsupported, "unsupported"),
    (Why::Absent, "absent"),
    (Why::Malformed, "malformed"),
    (Why::TooEarly, "too-early"),
    (Why::Gone, "gone"),
    (Why::Disabled, "disabled"),
    (Why::NotSampled, "not-sampled"),
    (Why::Reset, "reset"),
    (Why::Other, "other"),
];

impl Capability {
    /// It works.
    pub fn yes(id: impl Into<Cow<'static, str>>) -> Self {
        Self { id: id.into(), state: State::Yes, why: None, detail: String::new() }
    }

    /// It does not, for the reason of `missing`.
    pub fn no(id: impl Into<Cow<'static, str>>, missing: &Missing) -> Self {
        Self { id: id.into(), state: State::No, why: Some(missing.why), detail: joined(missing) }
    }

    /// The attempt did not tell, for the reason of `missing`.
    pub fn unknown(id: impl Into<Cow<'static, str>>, missing: &Missing) -> Self {
        Self { id: id.into(), state: State::Unknown, why: Some(missing.why), detail: joined(missing) }
    }

    /// Whether it was tried and works.
    pub fn available(&self) -> bool {
        self.state == State::Yes
    }
}

/// Source and detail of a missing value in one line.
fn joined(missing: &Missing) -> String {
    if missing.detail.is_empty() {
        missing.source.to_string()
    } else {
        format!("{}: {}", missing.source, missing.detail)
    }
}

/// The lines of `@capabilities`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(pub Vec<Capability>);

impl Capabilities {
    /// The capability with this id, if the collector probed it.
    pub fn get(&self, id: &str) -> Option<&Capability> {
        self.0.iter().find(|capability| capability.id == id)
    }

    /// Nothing but a clear "yes" is a value; else the reason of the capability.
    pub fn reading(&self, id: &str) -> Reading<()> {
        match self.get(id) {
            Some(capability) if capability.available() => Reading::Value(()),
            Some(capability) => Reading::Missing(
                Missing::new(capability.why.unwrap_or(Why::Other), id.to_owned())
                    .with_detail(capability.detail.clone()),
            ),
            None => Reading::missing(Why::NotSampled, id.to_owned()),
        }
    }

    /// The lines that [`FromBytes`] reads back. Tabs and line ends inside a detail become blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let flat = |value: &str| value.replace(['\t', '\n', '\r'], " ");
        let mut out = String::new();
        for capability in &self.0 {
            let why = capability.why.and_then(|why| REASONS.iter().find(|(known, _)| *known == why));
            let fields = [
                flat(&capability.id),
                capability.state.word().to_owned(),
                why.map_or_else(String::new, |(_, word)| (*word).to_owned()),
                flat(&capability.detail),
            ];
            out.push_str(&fields.join("\t"));
            out.push('\n');
        }
        out.into_bytes()
    }
}

impl FromBytes for Capabilities {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Vec::new();
        for (number, line) in lines(bytes) {
            if line.is_empty() {
                continue;
            }
            let mut parts = line.splitn(4, |&byte| byte == b'\t');
            let bad = || ParseError::new(number, "id, state, reason, detail between tabs", line);
            let (Some(name), Some(state), Some(why), Some(detail)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return Err(bad());
            };
            let state = match state {
                b"yes" => State::Yes,
                b"no" => State::No,
                b"unknown" => State::Unknown,
                _ => return Err(bad()),
            };
            let why = match why {
                b"" => None,
                // A reason that a later version knows is still a reason.
                word => {
                    Some(REASONS.iter().find(|(_, known)| known.as_bytes() == word).map_or(Why::Other, |(why, _)| *why))
                }
            };
            let name = text(name);
            let known = id::ALL.iter().find(|known| **known == name);
            let name = known.map_or(Cow::Owned(name), |known| Cow::Borrowed(*known));
            all.push(Capability { id: name, state, why, detail: text(detail) });
        }
        Ok(Self(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let all = Capabilities(vec![
            Capability::yes(id::PSI),
            Capability::no(id::BPF, &Missing::new(Why::NoPermission, "bpf(2)").with_detail("CAP_BPF")),
            Capability::unknown(id::KMSG, &Missing::new(Why::Absent, "/dev/kmsg")),
        ]);
        assert_eq!(Capabilities::from_bytes(&all.to_bytes()), Ok(all.clone()));
        assert_eq!(all.0[1].detail, "bpf(2): CAP_BPF");
        assert_eq!(all.reading(id::PSI), Reading::Value(()));
        assert_eq!(all.reading(id::BPF).why_missing().map(|missing| missing.why), Some(Why::NoPermission));
        assert_eq!(all.reading("other").why_missing().map(|missing| missing.why), Some(Why::NotSampled));
    }

    #[test]
    fn every_reason_survives_and_a_detail_cannot_break_a_line() {
        let all: Vec<_> =
            REASONS.iter().map(|(why, word)| Capability::no(*word, &Missing::new(*why, "a\tb\nc"))).collect();
        let back = Capabilities::from_bytes(&Capabilities(all.clone()).to_bytes()).unwrap();
        assert_eq!(back.0.len(), all.len());
        for (left, right) in back.0.iter().zip(&all) {
            assert_eq!((&left.id, left.why), (&right.id, right.why));
            assert_eq!(left.detail, "a b c");
        }
    }

    #[test]
    fn odd_bytes_are_refused_with_their_line() {
        assert_eq!(Capabilities::from_bytes(b""), Ok(Capabilities::default()));
        assert_eq!(Capabilities::from_bytes(b"a\tyes\t\t\nb\tperhaps\t\t\n").unwrap_err().line, 2);
        assert_eq!(Capabilities::from_bytes(b"a\tyes\n").unwrap_err().line, 1);
        let newer = Capabilities::from_bytes(b"new\tno\tnew-reason\tx\n").unwrap();
        assert_eq!(newer.0[0].why, Some(Why::Other));
    }
}
