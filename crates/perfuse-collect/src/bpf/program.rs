//! The programs of this version and their objects.

/// One object file: what is measured inside the kernel for one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Program {
    /// All threads of the host, by iterator.
    Tasks,
    /// Open files per process, by iterator.
    Files,
    /// Run-queue latency and off-CPU time.
    Sched,
    /// Page-fault latency.
    Faults,
    /// Block I/O queue and device latency.
    Block,
    /// Futex waits.
    Futex,
    /// Contention of kernel locks.
    Locks,
    /// System calls that fail for want of something, and fork latency.
    Errno,
    /// Packets that the kernel drops.
    Skb,
    /// Direct reclaim, compaction, OOM victims.
    Reclaim,
    /// All time asleep of threads of programs, with what it was for and who ended it.
    Waits,
}

/// Cheap enough to run all day.
pub const ALWAYS_ON: &[Program] = &[Program::Tasks, Program::Sched];

/// All of them: what the search for one cause needs beyond the checklist is where the time of each thread went.
pub const WHY: &[Program] = &[
    Program::Tasks,
    Program::Files,
    Program::Sched,
    Program::Faults,
    Program::Block,
    Program::Futex,
    Program::Locks,
    Program::Errno,
    Program::Skb,
    Program::Reclaim,
    Program::Waits,
];

/// What a checklist needs, for the length of one report: all but the last one.
pub const USE: &[Program] = match WHY.split_last() {
    Some((_, needed)) => needed,
    None => &[],
};

impl Program {
    /// Its name: that of the object file and of the capability `bpf/NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Files => "files",
            Self::Sched => "sched",
            Self::Faults => "faults",
            Self::Block => "block",
            Self::Futex => "futex",
            Self::Locks => "locks",
            Self::Errno => "errno",
            Self::Skb => "skb",
            Self::Reclaim => "reclaim",
            Self::Waits => "waits",
        }
    }

    /// The program of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        WHY.iter().copied().find(|program| program.name() == name)
    }

    /// Its object file; empty if this version has none.
    pub(crate) fn object(self) -> &'static [u8] {
        OBJECTS.iter().find(|(program, _)| *program == self).map_or(&[], |(_, object)| *object)
    }
}

/// The committed object of a source in `bpf/`.
macro_rules! object {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/", $name, ".bpf.o"))
    };
}

/// The committed objects.
const OBJECTS: &[(Program, &[u8])] = &[
    (Program::Tasks, object!("tasks")),
    (Program::Files, object!("files")),
    (Program::Sched, object!("sched")),
    (Program::Faults, object!("faults")),
    (Program::Block, object!("block")),
    (Program::Futex, object!("futex")),
    (Program::Locks, object!("locks")),
    (Program::Errno, object!("errno")),
    (Program::Skb, object!("skb")),
    (Program::Reclaim, object!("reclaim")),
    (Program::Waits, object!("waits")),
];
