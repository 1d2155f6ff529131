//! What is told before the samples: the ids, the kernel, the threads and their mappings.

use perfuse_collect::bpf::loaded_programs;
use perfuse_collect::perf::record::{Recording, WriteError};
use perfuse_collect::perf::synth::{Emitter, Kernel, Tasks, What, groups, programs};
use perfuse_collect::perf::tasks;
use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::features::BpfProgram;
use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::user::{CpuSet, IdEntry, UserRecord};

use super::plan::Plan;
use super::target::Whom;
use super::writer::Writer;

/// Bytes of records that are collected before they are written.
const PIECE: usize = 256 * 1024;

/// What of a kernel record's trailer the first event asks for, in bytes: perf's own records have one of zeros.
pub(super) fn trailer(recording: &Recording) -> usize {
    let bits = sample_type::TID
        | sample_type::TIME
        | sample_type::ID
        | sample_type::STREAM_ID
        | sample_type::CPU
        | sample_type::IDENTIFIER;
    let first = recording.events.first().map_or(0, |event| event.attr.sample_type);
    (first & bits).count_ones() as usize * 8
}

/// What was found when the state was written.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The kernel as it was read.
    pub(super) kernel: Kernel,
    /// Whom of the targets nobody may look into.
    pub(super) denied: Vec<i32>,
    /// Whose mappings took too long.
    pub(super) slow: Vec<i32>,
    /// BPF programs, and their types by number, for the header.
    pub(super) programs: Vec<BpfProgram>,
    pub(super) types: Vec<(u32, Vec<u8>)>,
}

/// Writes the state.
pub(super) fn write(plan: &Plan, recording: &Recording, writer: &mut Writer) -> Result<State, WriteError> {
    let all_bits = |number: i32| i64::from(number).cast_unsigned();
    let ids = recording.ids();
    let target = plan.whom.places(&plan.root, plan.per_thread, None);
    let entries: Vec<IdEntry> = ids
        .iter()
        .map(|id| {
            let idx = target.cpus.iter().position(|cpu| *cpu == id.cpu).unwrap_or(0) as u64;
            IdEntry { id: id.id, idx, cpu: all_bits(id.cpu), tid: all_bits(id.thread) }
        })
        .collect();
    for piece in entries.chunks(IdEntry::MOST) {
        writer.user(&UserRecord::IdIndex(piece.to_vec()))?;
    }
    let kernel = Kernel::read(&plan.root);
    let mut out = Emitter::new(trailer(recording));
    kernel.emit(&mut out);
    writer.records(&mut out.bytes)?;
    maps_of_recording(plan, &ids, writer)?;
    let mut state = State { kernel, ..State::default() };
    if !plan.options.no_bpf_event {
        let (loaded, types) = loaded_programs();
        programs(&plan.root, &loaded, true, &mut out);
        let kept = loaded.into_iter().filter(|program| !program.functions.is_empty());
        state.programs = kept.map(|of| BpfProgram { arrays: of.arrays, info: of.info, data: of.data }).collect();
        state.types = types.into_iter().collect();
    }
    if plan.options.cgroups && plan.synth.cgroups {
        groups(&plan.root, &mut out);
    }
    writer.records(&mut out.bytes)?;
    (state.denied, state.slow) = running(plan, recording, writer)?;
    Ok(state)
}

/// The threads and CPUs that are watched.
fn maps_of_recording(
    plan: &Plan,
    ids: &[perfuse_collect::perf::record::Id],
    writer: &mut Writer,
) -> Result<(), WriteError> {
    let mut threads: Vec<i32> = ids.iter().map(|id| id.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    let mut cpus: Vec<i32> = ids.iter().map(|id| id.cpu).collect();
    cpus.sort_unstable();
    cpus.dedup();
    let names: Vec<(u64, String)> = threads
        .iter()
        .map(|tid| {
            let name = if *tid > 0 { tasks::comm(&plan.root, *tid) } else { None };
            (i64::from(*tid).cast_unsigned(), name.unwrap_or_default())
        })
        .collect();
    writer.user(&UserRecord::ThreadMap(names.iter().map(|(tid, name)| (*tid, name.as_bytes())).collect()))?;
    let cpus = cpus.iter().filter_map(|cpu| u32::try_from(*cpu).ok()).collect();
    writer.user(&UserRecord::CpuMap(CpuSet { any: false, cpus }))
}

/// Threads with names and mappings; those of the targets whose mappings may not be read, and those that took too long.
fn running(plan: &Plan, recording: &Recording, writer: &mut Writer) -> Result<(Vec<i32>, Vec<i32>), WriteError> {
    let what = What {
        tasks: plan.synth.tasks,
        maps: plan.synth.maps,
        data: plan.options.addresses,
        namespaces: plan.options.namespaces,
        limit: plan.extra.map_limit,
    };
    if !what.tasks {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut out = Emitter::new(trailer(recording));
    // Without /proc there is nothing to tell; the kernel itself tells what comes.
    let Ok(mut tasks) = Tasks::new(&plan.root, what) else { return Ok((Vec::new(), Vec::new())) };
    match &plan.whom {
        Whom::Cpus(_) => {
            tasks.all(&mut out, |bytes| if bytes.len() >= PIECE { writer.records(bytes) } else { Ok(()) })?;
        }
        Whom::Processes(pids) | Whom::User(pids) => {
            for pid in pids {
                tasks.process(*pid, &mut out);
            }
        }
        Whom::Threads(tids) => {
            for tid in tids {
                tasks.single(*tid, &mut out);
            }
        }
        Whom::Command => {}
    }
    writer.records(&mut out.bytes)?;
    Ok((if plan.whom.is_cpus() { Vec::new() } else { tasks.denied }, tasks.slow))
}

/// The name that perf gives its child until it becomes the command.
pub(super) fn child(pid: i32, recording: &Recording, writer: &mut Writer) -> Result<(), WriteError> {
    let mut out = Emitter::new(trailer(recording));
    out.begin(kind::COMM, 0);
    out.i32(pid);
    out.i32(pid);
    out.text(b"perf-exec");
    out.end();
    writer.records(&mut out.bytes)
}
