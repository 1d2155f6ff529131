//! The bytes of each feature.

use crate::perfdata::attr::Endian;
use crate::perfdata::features::{BuildId, CpuTopology, EventDesc, Feature, Features, MemTopology};
use crate::perfdata::record::kind;
use crate::perfdata::tracing::{TRACING_MAGIC, TracingData};
use crate::perfdata::write::TooLong;
use crate::perfdata::write::put::Put;

/// The bytes of one feature; `None` if `features` has nothing of it and does not say either that it is present (perf
/// writes empty lists of BPF programs). Those of the tracing data are
/// [`TracingData::to_bytes`].
pub fn feature(features: &Features, feature: Feature, endian: Endian) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let put = &mut Put::new(&mut out, endian);
    let empty = features.has(feature);
    match feature {
        Feature::TracingData => return None,
        Feature::Hostname => put.string(features.hostname.as_deref()?),
        Feature::OsRelease => put.string(features.os_release.as_deref()?),
        Feature::Version => put.string(features.version.as_deref()?),
        Feature::Arch => put.string(features.arch.as_deref()?),
        Feature::CpuDesc => put.string(features.cpu_desc.as_deref()?),
        Feature::CpuId => put.string(features.cpu_id.as_deref()?),
        Feature::NrCpus => {
            let cpus = features.cpus?;
            put.u32(cpus.available);
            put.u32(cpus.online);
        }
        Feature::TotalMem => put.u64(features.total_mem_kib?),
        Feature::Cmdline => strings(put, some(&features.cmdline, empty)?),
        Feature::EventDesc => event_desc(put, some(&features.event_desc, empty)?),
        Feature::CpuTopology => cpu_topology(put, features.cpu_topology.as_ref()?),
        Feature::BuildId => build_ids(put, some(&features.build_ids, empty)?),
        Feature::NumaTopology | Feature::PmuMappings | Feature::GroupDesc | Feature::Cache | Feature::MemTopology => {
            of_host(put, features, feature)?;
        }
        Feature::CpuPmuCaps | Feature::HybridTopology | Feature::PmuCaps => of_pmus(put, features, feature)?,
        _ => of_recording(put, features, feature)?,
    }
    Some(out)
}

fn some<T>(list: &[T], empty: bool) -> Option<&[T]> {
    (empty || !list.is_empty()).then_some(list)
}

fn strings(put: &mut Put<'_>, strings: &[String]) {
    put.count(strings.len());
    for text in strings {
        put.string(text);
    }
}

fn pairs(put: &mut Put<'_>, pairs: &[(String, String)]) {
    put.count(pairs.len());
    for (name, value) in pairs {
        put.string(name);
        put.string(value);
    }
}

/// Memory, PMUs, groups and caches.
fn of_host(put: &mut Put<'_>, features: &Features, feature: Feature) -> Option<()> {
    let empty = features.has(feature);
    match feature {
        Feature::NumaTopology => {
            let nodes = some(&features.numa, empty)?;
            put.count(nodes.len());
            for node in nodes {
                put.u32(node.node);
                put.u64(node.total_kib);
                put.u64(node.free_kib);
                put.string(&node.cpus);
            }
        }
        Feature::PmuMappings => {
            let mappings = some(&features.pmu_mappings, empty)?;
            put.count(mappings.len());
            for (number, name) in mappings {
                put.u32(*number);
                put.string(name);
            }
        }
        Feature::GroupDesc => {
            let groups = some(&features.groups, empty)?;
            put.count(groups.len());
            for group in groups {
                put.string(&group.name);
                put.u32(group.leader);
                put.u32(group.members);
            }
        }
        Feature::Cache => {
            let caches = some(&features.caches, empty)?;
            put.u32(1);
            put.count(caches.len());
            for cache in caches {
                put.u32s([cache.level, cache.line_size, cache.sets, cache.ways]);
                for text in [&cache.kind, &cache.size, &cache.cpus] {
                    put.string(text);
                }
            }
        }
        _ => mem_topology(put, features.mem_topology.as_ref()?),
    }
    Some(())
}

fn of_pmus(put: &mut Put<'_>, features: &Features, feature: Feature) -> Option<()> {
    let empty = features.has(feature);
    match feature {
        Feature::CpuPmuCaps => {
            some(&features.cpu_pmu_caps, empty)?;
            pairs(put, &features.cpu_pmu_caps);
        }
        Feature::HybridTopology => {
            some(&features.hybrid, empty)?;
            pairs(put, &features.hybrid);
        }
        _ => {
            let pmus = some(&features.pmu_caps, empty)?;
            put.count(pmus.len());
            for (name, caps) in pmus {
                pairs(put, caps);
                put.string(name);
            }
        }
    }
    Some(())
}

/// What is known of the recording itself.
fn of_recording(put: &mut Put<'_>, features: &Features, feature: Feature) -> Option<()> {
    let empty = features.has(feature);
    match feature {
        Feature::BranchStack => features.branch_stack.then_some(())?,
        Feature::Stat => features.stat.then_some(())?,
        Feature::Auxtrace => {
            let index = some(&features.auxtrace, empty)?;
            put.u64(index.len() as u64);
            for entry in index {
                put.u64(entry.offset);
                put.u64(entry.size);
            }
        }
        Feature::SampleTime => {
            let (first, last) = features.sample_time?;
            put.u64(first);
            put.u64(last);
        }
        Feature::ClockId => put.u64(features.clockid_res_ns?),
        Feature::DirFormat => put.u64(features.dir_format?),
        Feature::BpfProgInfo => {
            let programs = some(&features.bpf_programs, empty)?;
            put.count(programs.len());
            for program in programs {
                put.count(program.info.len());
                put.count(program.data.len());
                put.u64(program.arrays);
                put.bytes(&program.info);
                put.bytes(&program.data);
            }
        }
        Feature::BpfBtf => {
            let types = some(&features.bpf_btf, empty)?;
            put.count(types.len());
            for (id, bytes) in types {
                put.u32(*id);
                put.count(bytes.len());
                put.bytes(bytes);
            }
        }
        Feature::Compressed => {
            let of = features.compressed?;
            put.u32s([of.version, of.kind, of.level, of.ratio, of.mmap_len]);
        }
        Feature::ClockData => {
            let data = features.clock_data?;
            put.u32(1);
            put.u32(data.clockid);
            put.u64(data.wall_ns);
            put.u64(data.clock_ns);
        }
        _ => return None,
    }
    Some(())
}

fn event_desc(put: &mut Put<'_>, events: &[EventDesc]) {
    let size = events.iter().map(|event| event.attr.needed_size()).max().unwrap_or_default();
    put.count(events.len());
    put.u32(size);
    for event in events {
        let bytes = event.attr.to_bytes(size, put.endian);
        put.bytes(&bytes);
        put.count(event.ids.len());
        put.string(&event.name);
        put.u64s(event.ids.iter().copied());
    }
}

fn cpu_topology(put: &mut Put<'_>, topology: &CpuTopology) {
    strings(put, &topology.packages);
    strings(put, &topology.cores);
    for cpu in &topology.cpus {
        put.i32(cpu.core);
        put.i32(cpu.package);
    }
    if topology.dies.is_empty() {
        return;
    }
    strings(put, &topology.dies);
    put.i32s(topology.cpus.iter().map(|cpu| cpu.die.unwrap_or(-1)));
}

fn mem_topology(put: &mut Put<'_>, topology: &MemTopology) {
    put.u64(1);
    put.u64(topology.block_size);
    put.u64(topology.nodes.len() as u64);
    for node in &topology.nodes {
        put.u64(node.node);
        put.u64(node.bits);
        put.u64(node.bits);
        put.u64s(node.set.iter().copied());
    }
}

fn build_ids(put: &mut Put<'_>, ids: &[BuildId]) {
    for id in ids {
        // A path that is too long for a record is none that a kernel has.
        let _ = put.record(0, id.misc, |put| put_build_id(put, id));
    }
}

/// What stands behind the header of a record of a build id.
pub(crate) fn put_build_id(put: &mut Put<'_>, build_id: &BuildId) {
    /// Bytes of a build id at most.
    const MOST: usize = 20;
    let id = build_id.id.get(..MOST).unwrap_or(&build_id.id);
    put.i32(build_id.pid);
    put.bytes(id);
    put.zeros(MOST - id.len());
    put.u8(u8::try_from(id.len()).unwrap_or_default());
    put.zeros(3);
    let path = build_id.path.as_bytes();
    put.bytes(path);
    put.zeros((path.len() + 1).next_multiple_of(64) - path.len());
}

/// Appends a build id as a record, for a pipe.
pub fn build_id_record(build_id: &BuildId, endian: Endian, out: &mut Vec<u8>) -> Result<(), TooLong> {
    Put::new(out, endian).record(kind::HEADER_BUILD_ID, build_id.misc, |put| put_build_id(put, build_id))
}

impl TracingData<'_> {
    /// The bytes of the feature.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = TRACING_MAGIC.to_vec();
        let put = &mut Put::new(&mut out, self.endian);
        put.bytes(self.version.as_bytes());
        put.u8(0);
        put.u8(u8::from(self.endian == Endian::Big));
        put.u8(self.long_size);
        put.u32(self.page_size);
        for (name, text) in [("header_page", self.header_page), ("header_event", self.header_event)] {
            put.bytes(name.as_bytes());
            put.u8(0);
            put.u64(text.len() as u64);
            put.bytes(text);
        }
        let formats = |put: &mut Put<'_>, formats: &[&[u8]]| {
            put.count(formats.len());
            for format in formats {
                put.u64(format.len() as u64);
                put.bytes(format);
            }
        };
        formats(put, &self.ftrace);
        put.count(self.systems.len());
        for system in &self.systems {
            put.bytes(system.system.as_bytes());
            put.u8(0);
            formats(put, &system.formats);
        }
        for text in [self.kallsyms, self.printk_formats] {
            put.count(text.len());
            put.bytes(text);
        }
        if self.version.as_str() >= "0.6" {
            put.u64(self.saved_cmdlines.len() as u64);
            put.bytes(self.saved_cmdlines);
        }
        out
    }
}
