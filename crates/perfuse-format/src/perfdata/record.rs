//! The records that are no samples: what processes, mappings and the measurement itself did.

use crate::perfdata::sample::{CpuMode, ReadValues};

/// `type` of a record (`enum perf_event_type`); from 64 on, what `perf` itself writes.
pub mod kind {
    /// Executable mapping.
    pub const MMAP: u32 = 1;
    /// Records lost in a ring.
    pub const LOST: u32 = 2;
    /// New name of a thread.
    pub const COMM: u32 = 3;
    /// End of a thread.
    pub const EXIT: u32 = 4;
    /// The kernel sampled too often and pauses.
    pub const THROTTLE: u32 = 5;
    /// It goes on.
    pub const UNTHROTTLE: u32 = 6;
    /// A new thread.
    pub const FORK: u32 = 7;
    /// Values of a counter.
    pub const READ: u32 = 8;
    /// A sample.
    pub const SAMPLE: u32 = 9;
    /// Mapping with its file.
    pub const MMAP2: u32 = 10;
    /// Data in the AUX area.
    pub const AUX: u32 = 11;
    /// Start of instruction tracing.
    pub const ITRACE_START: u32 = 12;
    /// Samples lost.
    pub const LOST_SAMPLES: u32 = 13;
    /// Context switch.
    pub const SWITCH: u32 = 14;
    /// The same, of a whole CPU.
    pub const SWITCH_CPU_WIDE: u32 = 15;
    /// Namespaces of a process.
    pub const NAMESPACES: u32 = 16;
    /// A kernel symbol that came or went.
    pub const KSYMBOL: u32 = 17;
    /// A BPF program that came or went.
    pub const BPF_EVENT: u32 = 18;
    /// A cgroup's id and path.
    pub const CGROUP: u32 = 19;
    /// Changed kernel code.
    pub const TEXT_POKE: u32 = 20;
    /// Hardware id of AUX output.
    pub const AUX_OUTPUT_HW_ID: u32 = 21;
    /// `perf`: an event's attr, in pipe mode.
    pub const HEADER_ATTR: u32 = 64;
    /// `perf`: obsolete.
    pub const HEADER_EVENT_TYPE: u32 = 65;
    /// `perf`: tracepoint formats, in pipe mode.
    pub const HEADER_TRACING_DATA: u32 = 66;
    /// `perf`: build id of a file.
    pub const HEADER_BUILD_ID: u32 = 67;
    /// `perf`: all records before it can be put in order.
    pub const FINISHED_ROUND: u32 = 68;
    /// `perf`: event, CPU and thread of each id.
    pub const ID_INDEX: u32 = 69;
    /// `perf`: kind of AUX data.
    pub const AUXTRACE_INFO: u32 = 70;
    /// `perf`: AUX data.
    pub const AUXTRACE: u32 = 71;
    /// `perf`: error in AUX data.
    pub const AUXTRACE_ERROR: u32 = 72;
    /// `perf`: threads that were recorded.
    pub const THREAD_MAP: u32 = 73;
    /// `perf`: CPUs that were recorded.
    pub const CPU_MAP: u32 = 74;
    /// `perf`: how stat was called.
    pub const STAT_CONFIG: u32 = 75;
    /// `perf`: counts.
    pub const STAT: u32 = 76;
    /// `perf`: end of a round of counts.
    pub const STAT_ROUND: u32 = 77;
    /// `perf`: unit, scale and name of an event.
    pub const EVENT_UPDATE: u32 = 78;
    /// `perf`: how to turn the TSC into time.
    pub const TIME_CONV: u32 = 79;
    /// `perf`: a feature, in pipe mode.
    pub const HEADER_FEATURE: u32 = 80;
    /// `perf`: records, compressed.
    pub const COMPRESSED: u32 = 81;
    /// `perf`: what was running before is known.
    pub const FINISHED_INIT: u32 = 82;
    /// `perf`: records, compressed and padded (6.16 and later).
    pub const COMPRESSED2: u32 = 83;
}

/// One record as it stands in the data.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    /// See [`kind`].
    pub kind: u32,
    /// Depends on the kind; its lowest bits are the [`CpuMode`].
    pub misc: u16,
    /// Where the record stands, as `perf script -D` has it: bytes from the beginning of the file, in a pipe from behind
    /// its header of 16 bytes. For one that was compressed, where the record stands in which it was.
    pub offset: u64,
    /// What follows the header of eight bytes.
    pub body: &'a [u8],
}

/// The trailer of a record that is no sample, with `sample_id_all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleId {
    /// Process and thread.
    pub pid_tid: Option<(i32, i32)>,
    /// Nanoseconds.
    pub time: Option<u64>,
    /// Id of the event.
    pub id: Option<u64>,
    /// Id of the stream.
    pub stream_id: Option<u64>,
    /// CPU.
    pub cpu: Option<u32>,
}

/// MMAP or MMAP2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mmap<'a> {
    /// Process; -1 for the kernel.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// First address.
    pub start: u64,
    /// Bytes.
    pub len: u64,
    /// Offset in the file, in bytes.
    pub pgoff: u64,
    /// Device, major and minor; 0 for MMAP.
    pub device: (u32, u32),
    /// Inode and its generation; 0 for MMAP.
    pub inode: (u64, u64),
    /// Build id, instead of device and inode.
    pub build_id: Option<&'a [u8]>,
    /// `PROT_*`; for MMAP what its misc says.
    pub prot: u32,
    /// `MAP_*`.
    pub flags: u32,
    /// File, or `[heap]`, `//anon`, `[kernel.kallsyms]_text` …
    pub path: &'a [u8],
    /// In what the CPU was: tells kernel from user mappings.
    pub mode: CpuMode,
    /// Whether it is MMAP2.
    pub is_mmap2: bool,
}

/// FORK or EXIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Task {
    /// Process.
    pub pid: i32,
    /// Its parent process.
    pub ppid: i32,
    /// Thread.
    pub tid: i32,
    /// The thread that made it.
    pub ptid: i32,
    /// Nanoseconds.
    pub time: u64,
}

/// A record that is no sample, decoded.
#[derive(Debug, Clone, PartialEq)]
pub enum Record<'a> {
    /// A mapping.
    Mmap(Mmap<'a>),
    /// A thread's new name; `exec` if it came with `execve`.
    Comm {
        /// Process.
        pid: i32,
        /// Thread.
        tid: i32,
        /// The name.
        comm: &'a [u8],
        /// Whether a new program began.
        exec: bool,
    },
    /// A new thread or process.
    Fork(Task),
    /// The end of a thread.
    Exit(Task),
    /// Records lost.
    Lost {
        /// Id of the event.
        id: u64,
        /// How many.
        lost: u64,
    },
    /// Samples lost.
    LostSamples {
        /// How many.
        lost: u64,
    },
    /// Throttled, or no longer.
    Throttle {
        /// Nanoseconds.
        time: u64,
        /// Id of the event.
        id: u64,
        /// Id of the stream.
        stream_id: u64,
        /// Whether it goes on.
        ended: bool,
    },
    /// Counter values at the end of a thread.
    Read {
        /// Process.
        pid: i32,
        /// Thread.
        tid: i32,
        /// The values.
        values: ReadValues,
    },
    /// AUX data were written.
    Aux {
        /// Offset.
        offset: u64,
        /// Bytes.
        size: u64,
        /// Truncated, overwritten, partial, collision.
        flags: u64,
    },
    /// Instruction tracing begins.
    ItraceStart {
        /// Process.
        pid: i32,
        /// Thread.
        tid: i32,
    },
    /// A switch of the thread that it stands behind; with the other one where a whole CPU is watched.
    Switch {
        /// Whether away from the thread.
        out: bool,
        /// Whether it was still runnable.
        preempted: bool,
        /// Next (on the way out) or previous process and thread.
        other: Option<(i32, i32)>,
    },
    /// Namespaces: device and inode of each, in the order of `NET_NS_INDEX` and the following.
    Namespaces {
        /// Process.
        pid: i32,
        /// Thread.
        tid: i32,
        /// Device and inode.
        links: Vec<(u64, u64)>,
    },
    /// A symbol of the kernel.
    Ksymbol {
        /// Its address.
        addr: u64,
        /// Its bytes.
        len: u32,
        /// `PERF_RECORD_KSYMBOL_TYPE_*`: 1 BPF, 2 out of line.
        ksym_type: u16,
        /// Whether it went.
        unregister: bool,
        /// Its name.
        name: &'a [u8],
    },
    /// A BPF program.
    BpfEvent {
        /// 1 loaded, 2 unloaded.
        event_type: u16,
        /// Flags.
        flags: u16,
        /// Its id.
        id: u32,
        /// Its tag.
        tag: [u8; 8],
    },
    /// A cgroup.
    Cgroup {
        /// Its id.
        id: u64,
        /// Its path.
        path: &'a [u8],
    },
    /// Kernel code that was changed.
    TextPoke {
        /// Where.
        addr: u64,
        /// The bytes before.
        old: &'a [u8],
        /// The bytes after.
        new: &'a [u8],
    },
    /// Hardware id of AUX output.
    AuxOutputHwId {
        /// The id.
        hw_id: u64,
    },
}
