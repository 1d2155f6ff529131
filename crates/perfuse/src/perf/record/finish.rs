//! The header: what describes the recording, written when its records are.

use std::path::Path;

use perfuse_collect::perf::record::{Recording, WriteError, build_id, host, tracing};
use perfuse_collect::perf::synth::Kernel;
use perfuse_collect::perf::tracepoints::Tracefs;
use perfuse_format::perfdata::Event;
use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::features::{BuildId, ClockData, CompressedInfo, EventDesc, Feature, Features, Group};
use perfuse_format::perfdata::user::UserRecord;
use perfuse_format::perfdata::write::{
    Compressor, build_id_record, feature, pipe_feature, pipe_header, pipe_tracing_data,
};
use perfuse_symbol::live::stored;

use super::plan::Plan;
use super::probes;
use super::writer::{ENDIAN, Writer};

/// `PERF_RECORD_MISC_KERNEL` and `_USER`.
const KERNEL: u16 = 1;
const USER: u16 = 2;
/// `PERF_RECORD_MISC_BUILD_ID_SIZE`.
const SIZED: u16 = 1 << 15;

/// The events as they stand in the file.
pub(super) fn events(plan: &Plan, recording: &Recording) -> Vec<Event> {
    let ids = recording.ids();
    let one = |(at, event): (usize, &perfuse_collect::perf::record::Planned)| Event {
        attr: if plan.unwind { stored(&event.attr_in_file()) } else { event.attr_in_file() },
        ids: ids.iter().filter(|id| id.event == at).map(|id| id.id).collect(),
        name: event.name.clone(),
        ..Event::default()
    };
    recording.events.iter().enumerate().map(one).collect()
}

/// Where in a trailer of so many bytes the id stands.
pub(super) fn trailer_id(bits: u64, trailer: usize) -> Option<usize> {
    if bits & sample_type::IDENTIFIER != 0 {
        return trailer.checked_sub(8);
    }
    let before = (bits & (sample_type::TID | sample_type::TIME)).count_ones() as usize * 8;
    (bits & sample_type::ID != 0).then_some(before)
}

/// What is known from the beginning: host, command, events.
pub(super) fn describe(plan: &Plan, recording: &Recording, clock: Option<ClockData>) -> Features {
    let mut features = Features::default();
    host::describe(&plan.root, &mut features);
    features.version = Some(format!("perfuse {}", env!("CARGO_PKG_VERSION")));
    let own = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    features.cmdline = std::iter::once(own).chain(words).collect();
    let describe = |event: Event| EventDesc { attr: event.attr, name: event.name, ids: event.ids };
    features.event_desc = events(plan, recording).into_iter().map(describe).collect();
    let all = &recording.events;
    features.branch_stack = all.iter().any(|event| event.attr.samples(sample_type::BRANCH_STACK));
    for (at, event) in all.iter().enumerate().filter(|(at, event)| event.leader == *at) {
        let members = all.iter().filter(|other| other.leader == at).count();
        if members > 1 {
            let index = u32::try_from(at).unwrap_or(u32::MAX);
            let members = u32::try_from(members).unwrap_or(u32::MAX);
            let name = event.group.clone().unwrap_or_else(|| "{anon_group}".to_owned());
            features.groups.push(Group { name, leader: index, members });
        }
    }
    if let Some(clock) = clock {
        features.clockid_res_ns = Some(1);
        features.clock_data = Some(clock);
    }
    features.present = [Feature::BpfProgInfo, Feature::BpfBtf, Feature::PmuCaps].map(Feature::number).to_vec();
    features
}

/// Formats of the tracepoints that are recorded; `None` without any.
pub(super) fn tracing_data(plan: &Plan, recording: &Recording) -> anyhow::Result<Option<Vec<u8>>> {
    let wanted: Vec<(String, String)> = recording.events.iter().filter_map(|event| event.tracepoint.clone()).collect();
    let own = probes::formats(recording);
    if wanted.is_empty() && own.is_empty() {
        return Ok(None);
    }
    let tracefs = Tracefs::find(&plan.root)?;
    let data = tracing::data(tracefs.directory(), &wanted, &own);
    data.map(Some).map_err(|(path, error)| anyhow::anyhow!("{}: {error}", path.display()))
}

/// The beginning of a pipe: it has no place to come back to.
pub(super) fn begin_pipe(writer: &mut Writer, features: &Features, tracing: Option<&[u8]>) -> Result<(), WriteError> {
    let mut bytes = pipe_header(ENDIAN);
    for event in &features.event_desc {
        let record = UserRecord::HeaderAttr { attr: event.attr, ids: event.ids.clone() };
        // An event with more ids than fit into a record cannot go through a pipe; ID_INDEX tells of them.
        let _ = record.encode(ENDIAN, &mut bytes);
    }
    for number in Feature::ALL {
        if let Some(content) = feature(features, number, ENDIAN) {
            let _ = pipe_feature(number, &content, ENDIAN, &mut bytes);
        }
    }
    if let Some(tracing) = tracing {
        let _ = pipe_tracing_data(tracing, ENDIAN, &mut bytes);
    }
    writer.output.write(&bytes)
}

/// The end of a file: features behind the records, and the header once more. On a full disk the last records make room.
pub(super) fn end_file(writer: &mut Writer, features: &Features, tracing: Option<&[u8]>) -> Result<(), WriteError> {
    let mut parts: Vec<(u32, Vec<u8>)> = Vec::new();
    parts.extend(tracing.map(|bytes| (Feature::TracingData.number(), bytes.to_vec())));
    for number in Feature::ALL {
        parts.extend(feature(features, number, ENDIAN).map(|bytes| (number.number(), bytes)));
    }
    let mut size = writer.data_size();
    let mut outcome = writer.output.write_whole(&writer.layout.tail(size, &parts));
    if outcome.is_err() && writer.output.make_room() > 0 {
        size = writer.data_size();
        outcome = writer.output.write_whole(&writer.layout.tail(size, &parts));
    }
    if outcome.is_err() {
        parts.clear();
    }
    let head = writer.layout.head(size, parts.iter().map(|(number, _)| *number));
    writer.output.write_at(&head, 0)?;
    outcome
}

/// The end of a pipe: the build ids, which are only known now.
pub(super) fn end_pipe(writer: &mut Writer, ids: &[BuildId]) -> Result<(), WriteError> {
    let mut bytes = Vec::new();
    for id in ids {
        let _ = build_id_record(id, ENDIAN, &mut bytes);
    }
    writer.output.write(&bytes)
}

/// Build ids of the files whose code was hit.
pub(super) fn build_ids(plan: &Plan, writer: &Writer, kernel: &Kernel) -> Vec<BuildId> {
    let mut ids = Vec::new();
    for (pid, file) in writer.tally.files(plan.build_ids_all) {
        let path = String::from_utf8_lossy(file).into_owned();
        let (id, misc, path) = if path.starts_with("[kernel.kallsyms]") {
            (host::kernel_build_id(&plan.root, None), KERNEL, "[kernel.kallsyms]".to_owned())
        } else if let Some(module) = kernel.modules.iter().find(|module| module.path == path) {
            (host::kernel_build_id(&plan.root, Some(&module.name)), KERNEL, path)
        } else if path == "[vdso]" {
            (build_id::of_vdso(), USER, path)
        } else if path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/dev/") {
            (build_id::of_file(&in_process(plan, pid, &path)), USER, path)
        } else {
            continue;
        };
        // -1 stands for the host, as opposed to a guest.
        ids.extend(id.map(|id| BuildId { pid: -1, misc: misc | SIZED, id, path }));
    }
    ids
}

/// The file as the process sees it, where that is another root; the plain path where the process is gone.
fn in_process(plan: &Plan, pid: i32, path: &str) -> std::path::PathBuf {
    let own = plan.root.join(path);
    if own.exists() {
        return own;
    }
    let seen = plan.root.join(&format!("/proc/{pid}/root{path}"));
    if Path::new(&seen).exists() { seen } else { own }
}

/// How records were compressed.
pub(super) fn compressed(compressor: &Compressor, level: u32, ring: usize) -> CompressedInfo {
    let mmap_len = u32::try_from(ring.max(Compressor::PIECE)).unwrap_or(u32::MAX);
    CompressedInfo { version: 1, kind: 1, level, ratio: compressor.ratio(), mmap_len }
}
