//! Decoding of each feature.

use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::cursor::{Cursor, until_nul};
use crate::perfdata::features::{
    AuxIndex, BpfProgram, BuildId, Cache, ClockData, CompressedInfo, CpuCounts, CpuPlace, CpuTopology, EventDesc,
    Feature, Features, Group, MemNode, MemTopology, NumaNode,
};

/// Bytes of a build id at most, and of the field that holds it with its size.
const BUILD_ID: usize = 20;
/// `misc` of a build id: its size is told.
const BUILD_ID_SIZE: u16 = 1 << 15;

/// Sets what the bytes of `feature` tell; `None` where they are not whole.
pub(crate) fn take(features: &mut Features, feature: Feature, bytes: &[u8], endian: Endian) -> Option<()> {
    let at = &mut Cursor::new(bytes, endian);
    match feature {
        // Has parts that borrow from the file.
        Feature::TracingData => {}
        Feature::BuildId => features.build_ids.extend(build_ids(at)?),
        Feature::Hostname => features.hostname = Some(at.string()?),
        Feature::OsRelease => features.os_release = Some(at.string()?),
        Feature::Version => features.version = Some(at.string()?),
        Feature::Arch => features.arch = Some(at.string()?),
        Feature::NrCpus => features.cpus = Some(CpuCounts { available: at.u32()?, online: at.u32()? }),
        Feature::CpuDesc => features.cpu_desc = Some(at.string()?),
        Feature::CpuId => features.cpu_id = Some(at.string()?),
        Feature::TotalMem => features.total_mem_kib = Some(at.u64()?),
        Feature::Cmdline => features.cmdline = strings(at)?,
        Feature::EventDesc => features.event_desc = event_desc(at, endian)?,
        Feature::CpuTopology => {
            let cpus = features.cpus.map(|cpus| cpus.available);
            features.cpu_topology = Some(cpu_topology(at, cpus)?);
        }
        Feature::NumaTopology => features.numa = counted(at, 24, numa_node)?,
        Feature::BranchStack => features.branch_stack = true,
        Feature::PmuMappings => features.pmu_mappings = counted(at, 8, |at| Some((at.u32()?, at.string()?)))?,
        Feature::GroupDesc => features.groups = counted(at, 12, group)?,
        Feature::Auxtrace => features.auxtrace.extend(auxtrace(at)?),
        Feature::Stat => features.stat = true,
        Feature::Cache => {
            at.u32()?;
            features.caches = counted(at, 28, cache)?;
        }
        Feature::SampleTime => features.sample_time = Some((at.u64()?, at.u64()?)),
        Feature::MemTopology => features.mem_topology = Some(mem_topology(at)?),
        Feature::ClockId => features.clockid_res_ns = Some(at.u64()?),
        Feature::DirFormat => features.dir_format = Some(at.u64()?),
        Feature::BpfProgInfo => features.bpf_programs = counted(at, 16, bpf_program)?,
        Feature::BpfBtf => features.bpf_btf = counted(at, 8, bpf_btf)?,
        Feature::Compressed => {
            let [version, kind, level, ratio, mmap_len] = [at.u32()?, at.u32()?, at.u32()?, at.u32()?, at.u32()?];
            features.compressed = Some(CompressedInfo { version, kind, level, ratio, mmap_len });
        }
        Feature::CpuPmuCaps => features.cpu_pmu_caps = pairs(at)?,
        Feature::ClockData => {
            at.u32()?;
            features.clock_data = Some(ClockData { clockid: at.u32()?, wall_ns: at.u64()?, clock_ns: at.u64()? });
        }
        Feature::HybridTopology => features.hybrid = pairs(at)?,
        Feature::PmuCaps => {
            features.pmu_caps = counted(at, 8, |at| {
                let caps = pairs(at)?;
                Some((at.string()?, caps))
            })?;
        }
    }
    Some(())
}

/// A count of 32 bits and that many entries of at least `least` bytes.
fn counted<'a, T>(at: &mut Cursor<'a>, least: usize, one: impl FnMut(&mut Cursor<'a>) -> Option<T>) -> Option<Vec<T>> {
    let count = at.u32()?;
    at.list(u64::from(count), least, one)
}

fn strings(at: &mut Cursor<'_>) -> Option<Vec<String>> {
    counted(at, 4, Cursor::string)
}

fn pairs(at: &mut Cursor<'_>) -> Option<Vec<(String, String)>> {
    counted(at, 8, |at| Some((at.string()?, at.string()?)))
}

/// A row of records, each with the header of one.
fn build_ids(at: &mut Cursor<'_>) -> Option<Vec<BuildId>> {
    let mut ids = Vec::new();
    while at.left() > 0 {
        let (_kind, misc, size) = (at.u32()?, at.u16()?, at.u16()?);
        let body = at.bytes(usize::from(size).checked_sub(8)?)?;
        ids.push(build_id(body, misc, at.endian())?);
    }
    Some(ids)
}

/// What stands behind the header of a record of a build id.
pub(crate) fn build_id(body: &[u8], misc: u16, endian: Endian) -> Option<BuildId> {
    let at = &mut Cursor::new(body, endian);
    let pid = at.i32()?;
    let id = at.bytes(BUILD_ID)?;
    let size = usize::from(at.u8()?);
    at.bytes(3)?;
    let size = if misc & BUILD_ID_SIZE == 0 { BUILD_ID } else { size.min(BUILD_ID) };
    let path = String::from_utf8_lossy(until_nul(at.rest())).into_owned();
    Some(BuildId { pid, misc, id: id.get(..size)?.to_vec(), path })
}

fn event_desc(at: &mut Cursor<'_>, endian: Endian) -> Option<Vec<EventDesc>> {
    let (count, size) = (at.u32()?, at.u32()?);
    at.list(u64::from(count), (size as usize).saturating_add(8), |at| {
        let attr = EventAttr::from_bytes(at.bytes_u64(u64::from(size))?, endian)?;
        let ids = at.u32()?;
        let name = at.string()?;
        Some(EventDesc { attr, name, ids: at.list(u64::from(ids), 8, Cursor::u64)? })
    })
}

/// Lists of packages and of cores; core and package of each CPU; then, where there are dies, their list and the die of
/// each CPU. How many CPUs there are is in another feature; old files have none of this.
fn cpu_topology(at: &mut Cursor<'_>, cpus: Option<u32>) -> Option<CpuTopology> {
    let mut topology = CpuTopology { packages: strings(at)?, cores: strings(at)?, ..CpuTopology::default() };
    let Some(cpus) = cpus.map(u64::from).filter(|cpus| at.left() as u64 / 8 >= *cpus) else {
        return Some(topology);
    };
    topology.cpus = at.list(cpus, 8, |at| Some(CpuPlace { core: at.i32()?, package: at.i32()?, die: None }))?;
    if at.left() == 0 {
        return Some(topology);
    }
    topology.dies = strings(at)?;
    for cpu in &mut topology.cpus {
        cpu.die = Some(at.i32()?);
    }
    Some(topology)
}

fn numa_node(at: &mut Cursor<'_>) -> Option<NumaNode> {
    Some(NumaNode { node: at.u32()?, total_kib: at.u64()?, free_kib: at.u64()?, cpus: at.string()? })
}

fn group(at: &mut Cursor<'_>) -> Option<Group> {
    Some(Group { name: at.string()?, leader: at.u32()?, members: at.u32()? })
}

fn auxtrace(at: &mut Cursor<'_>) -> Option<Vec<AuxIndex>> {
    let count = at.u64()?;
    at.list(count, 16, |at| Some(AuxIndex { offset: at.u64()?, size: at.u64()? }))
}

fn cache(at: &mut Cursor<'_>) -> Option<Cache> {
    Some(Cache {
        level: at.u32()?,
        line_size: at.u32()?,
        sets: at.u32()?,
        ways: at.u32()?,
        kind: at.string()?,
        size: at.string()?,
        cpus: at.string()?,
    })
}

fn mem_topology(at: &mut Cursor<'_>) -> Option<MemTopology> {
    let (_version, block_size, nodes) = (at.u64()?, at.u64()?, at.u64()?);
    let nodes = at.list(nodes, 24, |at| {
        let (node, bits, _bits_again) = (at.u64()?, at.u64()?, at.u64()?);
        Some(MemNode { node, bits, set: at.list(bits.div_ceil(64), 8, Cursor::u64)? })
    })?;
    Some(MemTopology { block_size, nodes })
}

fn bpf_program(at: &mut Cursor<'_>) -> Option<BpfProgram> {
    let (info, data, arrays) = (at.u32()?, at.u32()?, at.u64()?);
    Some(BpfProgram {
        arrays,
        info: at.bytes_u64(u64::from(info))?.to_vec(),
        data: at.bytes_u64(u64::from(data))?.to_vec(),
    })
}

fn bpf_btf(at: &mut Cursor<'_>) -> Option<(u32, Vec<u8>)> {
    let (id, size) = (at.u32()?, at.u32()?);
    Some((id, at.bytes_u64(u64::from(size))?.to_vec()))
}
