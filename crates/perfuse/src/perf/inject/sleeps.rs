//! `-s`: how long threads slept, shown where they went to sleep.
//!
//! ```text
//!   sched_switch      at 1 s, thread 7, with its call chain          is kept back
//!   sched_stat_sleep  at 4 s, of thread 7, which slept for 3 s       becomes the switch, at 4 s, with a period of 3 s
//! ```

use std::collections::BTreeMap;

use perfuse_analyze::Msg;
use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::write::encode_sample;
use perfuse_format::perfdata::{PerfData, RawRecord};
use perfuse_format::tracefs::{EventFormat, Field, Layout};

/// The status of perf where the events do not have what is needed: -EINVAL.
pub(super) const UNFIT: u8 = 234;
/// The field that tells whose sleep it was.
const PID: &str = "pid";

/// What an event is here.
enum Role {
    /// A thread stops running.
    Switch,
    /// A thread ends.
    Exit,
    /// The kernel tells how long a thread slept; the place of its number.
    Slept(Option<Field>),
    /// Something else.
    Other,
}

/// Switches that wait for the end of a sleep.
pub(super) struct Sleeps<'d> {
    data: &'d PerfData<'d>,
    roles: Vec<Role>,
    layout: Layout,
    /// The last switch of each thread.
    switches: BTreeMap<i32, RawRecord<'d>>,
}

impl<'d> Sleeps<'d> {
    /// For a recording of `sched:sched_switch` and `sched:sched_stat_*`; an error where it does not tell threads.
    pub(super) fn new(data: &'d PerfData<'d>) -> Result<Self, Msg> {
        let tracing = data.tracing_data.as_ref();
        let layout =
            tracing.map(|tracing| Layout { endian: tracing.endian, long_size: tracing.long_size }).unwrap_or_default();
        let formats: Vec<EventFormat> = tracing
            .iter()
            .flat_map(|tracing| tracing.formats())
            .filter_map(|(system, bytes)| EventFormat::parse(system, bytes).ok())
            .collect();
        let mut roles = Vec::new();
        for event in &data.events {
            roles.push(match event.name.as_str() {
                "sched:sched_switch" if !event.attr.samples(sample_type::TID) => {
                    return Err(Msg::new("inject-no-threads").with("event", event.name.as_str()));
                }
                "sched:sched_switch" => Role::Switch,
                "sched:sched_process_exit" => Role::Exit,
                name if name.starts_with("sched:sched_stat_") => {
                    let format = formats.iter().find(|format| format.id == event.attr.config);
                    Role::Slept(format.and_then(|format| format.field(PID)).cloned())
                }
                _ => Role::Other,
            });
        }
        Ok(Self { data, roles, layout, switches: BTreeMap::new() })
    }

    /// Whether a sample is one of those that are put together; what comes out is appended to `out`.
    pub(super) fn take(&mut self, raw: &RawRecord<'d>, out: &mut Vec<u8>) -> anyhow::Result<bool> {
        let Ok(event) = self.data.event_of(raw) else { return Ok(false) };
        let Some(role) = self.roles.get(event) else { return Ok(false) };
        if matches!(role, Role::Other) {
            return Ok(false);
        }
        let Ok(sample) = self.data.decode_sample(raw) else { return Ok(false) };
        match role {
            Role::Switch => drop(self.switches.insert(sample.tid, *raw)),
            Role::Exit => drop(self.switches.remove(&sample.tid)),
            Role::Slept(field) => {
                let pid = field.as_ref().map(|field| field.signed_number(self.layout, sample.raw.unwrap_or_default()));
                let pid = pid.and_then(|pid| i32::try_from(pid).ok());
                if let Some(switch) = pid.and_then(|pid| self.switches.get(&pid)) {
                    let mut merged = self.data.decode_sample(switch)?;
                    (merged.period, merged.time) = (sample.period, sample.time);
                    let attr = self.data.events.get(merged.event).map(|event| event.attr).unwrap_or_default();
                    encode_sample(&merged, &attr, self.data.endian(), out)?;
                }
            }
            Role::Other => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::user::UserRecord;
    use perfuse_format::perfdata::write::{pipe_header, pipe_tracing_data};
    use perfuse_format::perfdata::{Endian, EventAttr, EventFormats, Sample, TracingData};

    use super::*;

    const FIELDS: u64 =
        sample_type::IDENTIFIER | sample_type::TID | sample_type::TIME | sample_type::PERIOD | sample_type::RAW;

    fn attr(id: u64) -> EventAttr {
        EventAttr { kind: 2, config: id, sample_type: FIELDS, ..EventAttr::default() }
    }

    fn format(name: &str, id: u64) -> String {
        format!(
            "name: {name}\nID: {id}\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
             \tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: \"%d\", REC->pid\n"
        )
    }

    fn sample(id: u64, tid: i32, time: u64, period: u64, raw: &[u8; 12]) -> Vec<u8> {
        let sample = Sample { id, pid: tid, tid, time, period, raw: Some(raw), ..Sample::default() };
        let mut bytes = Vec::new();
        encode_sample(&sample, &attr(id), Endian::Little, &mut bytes).unwrap();
        bytes
    }

    fn recording(records: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = pipe_header(Endian::Little);
        for id in [1, 2, 3] {
            UserRecord::HeaderAttr { attr: attr(id), ids: vec![id] }.encode(Endian::Little, &mut bytes).unwrap();
        }
        let formats = [format("sched_switch", 1), format("sched_stat_sleep", 2), format("sched_process_exit", 3)];
        let formats = formats.iter().map(String::as_bytes).collect();
        let tracing = TracingData {
            version: "0.6".to_owned(),
            long_size: 8,
            page_size: 4096,
            systems: vec![EventFormats { system: "sched".to_owned(), formats }],
            ..TracingData::default()
        };
        pipe_tracing_data(&tracing.to_bytes(), Endian::Little, &mut bytes).unwrap();
        bytes.extend(records.concat());
        bytes
    }

    #[test]
    fn a_switch_comes_out_when_the_sleep_is_over_and_as_long_as_it_was() {
        let of = |pid: u8| [0, 0, 0, 0, 0, 0, 0, 0, pid, 0, 0, 0];
        let bytes = recording(&[
            sample(1, 7, 1000, 1, &of(7)),
            sample(1, 8, 1001, 1, &of(8)),
            // Nobody slept of whom no switch is known.
            sample(2, 9, 2000, 500, &of(6)),
            sample(3, 8, 2500, 1, &of(8)),
            sample(2, 9, 3000, 600, &of(8)),
            sample(2, 9, 4000, 3000, &of(7)),
        ]);
        let data = PerfData::parse(&bytes).unwrap();
        assert!(data.damage.is_empty(), "{:?}", data.damage);
        let mut sleeps = Sleeps::new(&data).unwrap();
        let mut out = Vec::new();
        let taken: Vec<bool> = data
            .records()
            .map(Result::unwrap)
            .filter(|raw| raw.kind == perfuse_format::perfdata::record::kind::SAMPLE)
            .map(|raw| sleeps.take(&raw, &mut out).unwrap())
            .collect();
        assert_eq!(taken, [true; 6]);
        assert_eq!(out, sample(1, 7, 4000, 3000, &of(7)));
    }

    #[test]
    fn switches_without_threads_are_refused() {
        let mut bytes = recording(&[]);
        // The fields of the first event's samples stand behind its type, size, config and period.
        let at = 16 + 8 + 24;
        let bits = FIELDS & !sample_type::TID;
        bytes[at..at + 8].copy_from_slice(&bits.to_le_bytes());
        assert!(Sleeps::new(&PerfData::parse(&bytes).unwrap()).is_err());
    }
}
