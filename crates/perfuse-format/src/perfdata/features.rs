//! The features: what the header tells of host, events and recording beside the records.
//!
//! Source: `tools/perf/util/header.c`. Each stands in a section of its own behind the records; in a pipe in a
//! `HEADER_FEATURE` record.

use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::sample::CpuMode;

/// Numbers of the features (`enum` in `tools/perf/util/header.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the fields of `Features` tell what each holds")]
pub enum Feature {
    TracingData = 1,
    BuildId,
    Hostname,
    OsRelease,
    Version,
    Arch,
    NrCpus,
    CpuDesc,
    CpuId,
    TotalMem,
    Cmdline,
    EventDesc,
    CpuTopology,
    NumaTopology,
    BranchStack,
    PmuMappings,
    GroupDesc,
    Auxtrace,
    Stat,
    Cache,
    SampleTime,
    MemTopology,
    ClockId,
    DirFormat,
    BpfProgInfo,
    BpfBtf,
    Compressed,
    CpuPmuCaps,
    ClockData,
    HybridTopology,
    PmuCaps,
}

impl Feature {
    /// All of them, by number.
    pub const ALL: [Self; 31] = [
        Self::TracingData,
        Self::BuildId,
        Self::Hostname,
        Self::OsRelease,
        Self::Version,
        Self::Arch,
        Self::NrCpus,
        Self::CpuDesc,
        Self::CpuId,
        Self::TotalMem,
        Self::Cmdline,
        Self::EventDesc,
        Self::CpuTopology,
        Self::NumaTopology,
        Self::BranchStack,
        Self::PmuMappings,
        Self::GroupDesc,
        Self::Auxtrace,
        Self::Stat,
        Self::Cache,
        Self::SampleTime,
        Self::MemTopology,
        Self::ClockId,
        Self::DirFormat,
        Self::BpfProgInfo,
        Self::BpfBtf,
        Self::Compressed,
        Self::CpuPmuCaps,
        Self::ClockData,
        Self::HybridTopology,
        Self::PmuCaps,
    ];

    /// The feature with this number; `None` for one that is not known.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
    }

    /// Its number.
    pub fn number(self) -> u32 {
        u32::from(self as u8)
    }

    /// Its name, as `perf script --header` has it in `missing features`.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 31] = [
            "TRACING_DATA",
            "BUILD_ID",
            "HOSTNAME",
            "OSRELEASE",
            "VERSION",
            "ARCH",
            "NRCPUS",
            "CPUDESC",
            "CPUID",
            "TOTAL_MEM",
            "CMDLINE",
            "EVENT_DESC",
            "CPU_TOPOLOGY",
            "NUMA_TOPOLOGY",
            "BRANCH_STACK",
            "PMU_MAPPINGS",
            "GROUP_DESC",
            "AUXTRACE",
            "STAT",
            "CACHE",
            "SAMPLE_TIME",
            "MEM_TOPOLOGY",
            "CLOCKID",
            "DIR_FORMAT",
            "BPF_PROG_INFO",
            "BPF_BTF",
            "COMPRESSED",
            "CPU_PMU_CAPS",
            "CLOCK_DATA",
            "HYBRID_TOPOLOGY",
            "PMU_CAPS",
        ];
        NAMES.get(self as usize - 1).copied().unwrap_or_default()
    }
}

/// All that the features tell. What is not in the file, or not whole there, is empty or `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Features {
    /// Name of the host.
    pub hostname: Option<String>,
    /// Release of its kernel.
    pub os_release: Option<String>,
    /// Version of the perf that recorded.
    pub version: Option<String>,
    /// Machine, as `uname -m` has it.
    pub arch: Option<String>,
    /// CPUs that the host could have, and those that were online.
    pub cpus: Option<CpuCounts>,
    /// Model of the CPU, as `/proc/cpuinfo` has it.
    pub cpu_desc: Option<String>,
    /// Vendor, family, model and stepping.
    pub cpu_id: Option<String>,
    /// Memory in KiB.
    pub total_mem_kib: Option<u64>,
    /// The command that recorded, in its words.
    pub cmdline: Vec<String>,
    /// The events with their names.
    pub event_desc: Vec<EventDesc>,
    /// Which CPUs belong together.
    pub cpu_topology: Option<CpuTopology>,
    /// NUMA nodes.
    pub numa: Vec<NumaNode>,
    /// Whether branches were recorded.
    pub branch_stack: bool,
    /// `type` and name of each PMU.
    pub pmu_mappings: Vec<(u32, String)>,
    /// Groups of more than one event.
    pub groups: Vec<Group>,
    /// Where AUX data stand.
    pub auxtrace: Vec<AuxIndex>,
    /// Whether the file was written by `perf stat record`.
    pub stat: bool,
    /// Caches of the CPUs.
    pub caches: Vec<Cache>,
    /// Times of the first and the last sample, in nanoseconds.
    pub sample_time: Option<(u64, u64)>,
    /// Which memory belongs to which node.
    pub mem_topology: Option<MemTopology>,
    /// Resolution of the clock of `-k`, in nanoseconds.
    pub clockid_res_ns: Option<u64>,
    /// Version of the layout, where the recording is a directory.
    pub dir_format: Option<u64>,
    /// BPF programs.
    pub bpf_programs: Vec<BpfProgram>,
    /// Types of BPF programs: id and `.BTF` bytes.
    pub bpf_btf: Vec<(u32, Vec<u8>)>,
    /// How records are compressed.
    pub compressed: Option<CompressedInfo>,
    /// Abilities of the CPU's PMU: name and value.
    pub cpu_pmu_caps: Vec<(String, String)>,
    /// The clock of `-k` beside the time of day.
    pub clock_data: Option<ClockData>,
    /// PMU and CPUs of each kind of core.
    pub hybrid: Vec<(String, String)>,
    /// PMU, and name and value of each of its abilities.
    pub pmu_caps: Vec<(String, Vec<(String, String)>)>,
    /// Build ids of the files in which samples lie.
    pub build_ids: Vec<BuildId>,
    /// Features that are there, by number, those included that are not understood.
    pub present: Vec<u32>,
    /// Features whose number nobody here knows: number and the place of their bytes in the file.
    pub unknown: Vec<(u32, super::Section)>,
}

/// Numbers of CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuCounts {
    /// That there could be.
    pub available: u32,
    /// That ran.
    pub online: u32,
}

/// An event as the header describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventDesc {
    /// Its attr.
    pub attr: EventAttr,
    /// Its name.
    pub name: String,
    /// Its ids.
    pub ids: Vec<u64>,
}

/// Which CPUs belong together. Lists are those of sysfs, such as `0-3,8`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuTopology {
    /// CPUs of each package.
    pub packages: Vec<String>,
    /// CPUs of each die; empty where the kernel has none.
    pub dies: Vec<String>,
    /// CPUs of each core.
    pub cores: Vec<String>,
    /// Core, package and die of each CPU; -1 for one that is offline. Without dies the last is `None`.
    pub cpus: Vec<CpuPlace>,
}

/// Where a CPU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuPlace {
    /// `core_id`.
    pub core: i32,
    /// `physical_package_id`.
    pub package: i32,
    /// `die_id`.
    pub die: Option<i32>,
}

/// A NUMA node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumaNode {
    /// Its number.
    pub node: u32,
    /// Its memory in KiB.
    pub total_kib: u64,
    /// What of it was free, in KiB.
    pub free_kib: u64,
    /// Its CPUs, such as `0-3`.
    pub cpus: String,
}

/// A group of events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Its name; `{anon_group}` without one.
    pub name: String,
    /// Index of its leader among the events.
    pub leader: u32,
    /// How many events it has, the leader included.
    pub members: u32,
}

/// Where a piece of AUX data is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuxIndex {
    /// Offset of the AUXTRACE record.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// A cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cache {
    /// 1 to 4.
    pub level: u32,
    /// Bytes of a line.
    pub line_size: u32,
    /// Sets.
    pub sets: u32,
    /// Ways.
    pub ways: u32,
    /// `Data`, `Instruction`, `Unified`.
    pub kind: String,
    /// Its size, such as `32K`.
    pub size: String,
    /// CPUs that share it.
    pub cpus: String,
}

/// Memory of the nodes in blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemTopology {
    /// Bytes of a block.
    pub block_size: u64,
    /// Node, how many bits its set has, and the set of its blocks.
    pub nodes: Vec<MemNode>,
}

/// The blocks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemNode {
    /// The node.
    pub node: u64,
    /// Bits of the set.
    pub bits: u64,
    /// The set: bit `n % 64` of word `n / 64` is block `n`.
    pub set: Vec<u64>,
}

/// A BPF program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BpfProgram {
    /// Which arrays stand in `data` (`PERF_BPIL_*`).
    pub arrays: u64,
    /// `struct bpf_prog_info` as the kernel gave it, in the byte order of the file.
    pub info: Vec<u8>,
    /// The arrays that it points to; its pointers are offsets into them.
    pub data: Vec<u8>,
}

/// How records are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompressedInfo {
    /// Version of the layout.
    pub version: u32,
    /// 1 for zstd.
    pub kind: u32,
    /// Level.
    pub level: u32,
    /// How many times smaller.
    pub ratio: u32,
    /// Bytes of a ring, which is the most that one record becomes.
    pub mmap_len: u32,
}

/// The same moment by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockData {
    /// Number of the clock (`CLOCK_*`).
    pub clockid: u32,
    /// Time of day, in nanoseconds since 1970.
    pub wall_ns: u64,
    /// That clock, in nanoseconds.
    pub clock_ns: u64,
}

/// Build id of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildId {
    /// The process that mapped it; -1 for the kernel's.
    pub pid: i32,
    /// `misc`: which mode the code runs in, and whether the size is told.
    pub misc: u16,
    /// The build id: 20 bytes where no size is told.
    pub id: Vec<u8>,
    /// Path of the file.
    pub path: String,
}

impl BuildId {
    /// Where its code runs.
    pub fn mode(&self) -> CpuMode {
        CpuMode::of(self.misc)
    }
}

impl Features {
    /// Whether a feature is there.
    pub fn has(&self, feature: Feature) -> bool {
        self.present.contains(&feature.number())
    }

    /// Takes the bytes of one feature. What it should have been, if they are not whole.
    pub(crate) fn take(&mut self, feature: Feature, bytes: &[u8], endian: Endian) -> Result<(), &'static str> {
        super::feature::take(self, feature, bytes, endian).ok_or(feature.name())
    }
}
