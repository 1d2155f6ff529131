//! `struct perf_event_attr`: what is measured, when a sample is taken and what stands in it.

/// Byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endian {
    /// Least significant byte first, as on x86-64 and most of aarch64.
    #[default]
    Little,
    /// Most significant byte first: s390x, older POWER.
    Big,
}

/// Values of `perf_event_attr.type` that are fixed; other PMUs have the number in `/sys/bus/event_source/devices/PMU/type`.
pub mod kind {
    /// Generalized hardware events.
    pub const HARDWARE: u32 = 0;
    /// Events that the kernel counts itself.
    pub const SOFTWARE: u32 = 1;
    /// Tracepoints; `config` is the event's id.
    pub const TRACEPOINT: u32 = 2;
    /// Caches; `config` is cache, operation and result.
    pub const HW_CACHE: u32 = 3;
    /// The CPU's own event codes.
    pub const RAW: u32 = 4;
    /// Hardware breakpoints.
    pub const BREAKPOINT: u32 = 5;
}

/// Bits of `sample_type`, in the order of `enum perf_event_sample_format`.
pub mod sample_type {
    /// Instruction pointer.
    pub const IP: u64 = 1 << 0;
    /// Process and thread.
    pub const TID: u64 = 1 << 1;
    /// Time in nanoseconds.
    pub const TIME: u64 = 1 << 2;
    /// Data address.
    pub const ADDR: u64 = 1 << 3;
    /// Values of the counter or of its group.
    pub const READ: u64 = 1 << 4;
    /// Call chain.
    pub const CALLCHAIN: u64 = 1 << 5;
    /// Id of the group's leader.
    pub const ID: u64 = 1 << 6;
    /// CPU.
    pub const CPU: u64 = 1 << 7;
    /// Events since the last sample.
    pub const PERIOD: u64 = 1 << 8;
    /// Id of the event.
    pub const STREAM_ID: u64 = 1 << 9;
    /// The tracepoint's record.
    pub const RAW: u64 = 1 << 10;
    /// Branches.
    pub const BRANCH_STACK: u64 = 1 << 11;
    /// User registers.
    pub const REGS_USER: u64 = 1 << 12;
    /// A copy of the user stack.
    pub const STACK_USER: u64 = 1 << 13;
    /// Cost of the sampled access.
    pub const WEIGHT: u64 = 1 << 14;
    /// Where the data came from.
    pub const DATA_SRC: u64 = 1 << 15;
    /// Id of the event, first in every record.
    pub const IDENTIFIER: u64 = 1 << 16;
    /// Transactional memory.
    pub const TRANSACTION: u64 = 1 << 17;
    /// Registers at the interrupt.
    pub const REGS_INTR: u64 = 1 << 18;
    /// Physical data address.
    pub const PHYS_ADDR: u64 = 1 << 19;
    /// AUX data.
    pub const AUX: u64 = 1 << 20;
    /// Cgroup id.
    pub const CGROUP: u64 = 1 << 21;
    /// Page size of the data address.
    pub const DATA_PAGE_SIZE: u64 = 1 << 22;
    /// Page size of the instruction pointer.
    pub const CODE_PAGE_SIZE: u64 = 1 << 23;
    /// Weight as a structure.
    pub const WEIGHT_STRUCT: u64 = 1 << 24;
}

/// Bits of `read_format`.
pub mod read_format {
    /// Time that the event was enabled.
    pub const TOTAL_TIME_ENABLED: u64 = 1 << 0;
    /// Time that the event really counted.
    pub const TOTAL_TIME_RUNNING: u64 = 1 << 1;
    /// Ids.
    pub const ID: u64 = 1 << 2;
    /// The whole group at once.
    pub const GROUP: u64 = 1 << 3;
    /// Samples lost.
    pub const LOST: u64 = 1 << 4;
}

/// Bits of `branch_sample_type` that change what a sample looks like.
pub mod branch {
    /// The index of the newest branch stands before the branches.
    pub const HW_INDEX: u64 = 1 << 17;
    /// A number with the counters of each branch stands behind the branches.
    pub const COUNTERS: u64 = 1 << 19;
}

/// Bits of the word of switches between `read_format` and `wakeup_events`, in the order of the C bit fields.
pub mod flag {
    /// Off until enabled.
    pub const DISABLED: u64 = 1 << 0;
    /// Children count too.
    pub const INHERIT: u64 = 1 << 1;
    /// Always on the PMU.
    pub const PINNED: u64 = 1 << 2;
    /// Alone on the PMU.
    pub const EXCLUSIVE: u64 = 1 << 3;
    /// Not in user space.
    pub const EXCLUDE_USER: u64 = 1 << 4;
    /// Not in the kernel.
    pub const EXCLUDE_KERNEL: u64 = 1 << 5;
    /// Not in the hypervisor.
    pub const EXCLUDE_HV: u64 = 1 << 6;
    /// Not when idle.
    pub const EXCLUDE_IDLE: u64 = 1 << 7;
    /// MMAP records.
    pub const MMAP: u64 = 1 << 8;
    /// COMM records.
    pub const COMM: u64 = 1 << 9;
    /// `sample_freq` instead of `sample_period`.
    pub const FREQ: u64 = 1 << 10;
    /// Counts per task are kept at a switch.
    pub const INHERIT_STAT: u64 = 1 << 11;
    /// Enabled by the next `execve`.
    pub const ENABLE_ON_EXEC: u64 = 1 << 12;
    /// FORK and EXIT records.
    pub const TASK: u64 = 1 << 13;
    /// Wake up by bytes instead of events.
    pub const WATERMARK: u64 = 1 << 14;
    /// The lower of the two bits of `precise_ip`.
    pub const PRECISE_IP_SHIFT: u32 = 15;
    /// MMAP records of data too.
    pub const MMAP_DATA: u64 = 1 << 17;
    /// The trailer of ids in records that are no samples.
    pub const SAMPLE_ID_ALL: u64 = 1 << 18;
    /// Not in the host.
    pub const EXCLUDE_HOST: u64 = 1 << 19;
    /// Not in guests.
    pub const EXCLUDE_GUEST: u64 = 1 << 20;
    /// No kernel call chains.
    pub const EXCLUDE_CALLCHAIN_KERNEL: u64 = 1 << 21;
    /// No user call chains.
    pub const EXCLUDE_CALLCHAIN_USER: u64 = 1 << 22;
    /// MMAP2 records.
    pub const MMAP2: u64 = 1 << 23;
    /// COMM records tell an `execve`.
    pub const COMM_EXEC: u64 = 1 << 24;
    /// `clockid` is set.
    pub const USE_CLOCKID: u64 = 1 << 25;
    /// SWITCH records.
    pub const CONTEXT_SWITCH: u64 = 1 << 26;
    /// The ring is written from its end.
    pub const WRITE_BACKWARD: u64 = 1 << 27;
    /// NAMESPACES records.
    pub const NAMESPACES: u64 = 1 << 28;
    /// KSYMBOL records.
    pub const KSYMBOL: u64 = 1 << 29;
    /// `BPF_EVENT` records.
    pub const BPF_EVENT: u64 = 1 << 30;
    /// The event's data go to the AUX area.
    pub const AUX_OUTPUT: u64 = 1 << 31;
    /// CGROUP records.
    pub const CGROUP: u64 = 1 << 32;
    /// `TEXT_POKE` records.
    pub const TEXT_POKE: u64 = 1 << 33;
    /// MMAP2 records have the build id.
    pub const BUILD_ID: u64 = 1 << 34;
    /// Only threads inherit.
    pub const INHERIT_THREAD: u64 = 1 << 35;
    /// Gone after `execve`.
    pub const REMOVE_ON_EXEC: u64 = 1 << 36;
    /// SIGTRAP at the event.
    pub const SIGTRAP: u64 = 1 << 37;
    /// The callchain of the user comes later, in a record of its own (6.19).
    pub const DEFER_CALLCHAIN: u64 = 1 << 38;
    /// Such records are written.
    pub const DEFER_OUTPUT: u64 = 1 << 39;
}

/// `struct perf_event_attr`. Fields that a file's older structure lacks are 0, as the kernel reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventAttr {
    /// `type`; see [`kind`].
    pub kind: u32,
    /// `size` as stored: bytes of the structure.
    pub size: u32,
    /// Which event of that type.
    pub config: u64,
    /// `sample_period`, or `sample_freq` with [`flag::FREQ`].
    pub sample_period: u64,
    /// Bits of [`sample_type`].
    pub sample_type: u64,
    /// Bits of [`read_format`].
    pub read_format: u64,
    /// Bits of [`flag`].
    pub flags: u64,
    /// `wakeup_events`, or `wakeup_watermark` with [`flag::WATERMARK`].
    pub wakeup: u32,
    /// `bp_type`.
    pub bp_type: u32,
    /// `config1`, `bp_addr`, `kprobe_func`, `uprobe_path`.
    pub config1: u64,
    /// `config2`, `bp_len`, `kprobe_addr`, `probe_offset`.
    pub config2: u64,
    /// Which branches.
    pub branch_sample_type: u64,
    /// Which user registers.
    pub sample_regs_user: u64,
    /// Bytes of the user stack.
    pub sample_stack_user: u32,
    /// Clock with [`flag::USE_CLOCKID`].
    pub clockid: i32,
    /// Which registers at the interrupt.
    pub sample_regs_intr: u64,
    /// AUX bytes before a wakeup.
    pub aux_watermark: u32,
    /// Most frames of a call chain.
    pub sample_max_stack: u16,
    /// AUX bytes in a sample.
    pub aux_sample_size: u32,
    /// What the AUX area shall do (`aux_action`): start paused, pause, resume.
    pub aux_action: u32,
    /// Data of the SIGTRAP.
    pub sig_data: u64,
    /// `config3`.
    pub config3: u64,
}

impl EventAttr {
    /// Whether a bit of [`flag`] is set.
    pub fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// Whether a bit of [`sample_type`] is set.
    pub fn samples(&self, bit: u64) -> bool {
        self.sample_type & bit != 0
    }

    /// `precise_ip`: 0 (any skid) to 3 (none).
    pub fn precise_ip(&self) -> u8 {
        u8::try_from(self.flags >> flag::PRECISE_IP_SHIFT & 3).unwrap_or_default()
    }
}
