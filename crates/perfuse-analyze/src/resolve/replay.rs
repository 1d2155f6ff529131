//! A whole recording, from its first record to its last.
//!
//! A sample of a group (`{cycles,faults}:S`) holds the counts of all its members. It becomes a sample of each member that
//! has counted since the last one, with the difference as its period:
//!
//! ```text
//!   sample  leader 1000  member 5          -> leader 1000, member 5
//!   sample  leader 2100  member 5          -> leader 1100
//! ```

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use perfuse_format::perfdata::attr::{read_format, sample_type};

use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::{CpuMode, DecodeError, PerfData, PerfDataError, RawRecord, Record, Sample};

use super::{Names, Resolver};

/// One step of a recording.
#[derive(Debug)]
pub enum Item<'v, 'a> {
    /// A record, before anything is made of it.
    Raw(RawRecord<'a>),
    /// A sample, with the record that it stands in.
    Sample(RawRecord<'a>, &'v Sample<'a>),
    /// Another record. The session has already taken note of it. `None` for what perf itself wrote.
    Record(RawRecord<'a>, Option<&'v Record<'a>>),
    /// A record that could not be decoded.
    Bad(RawRecord<'a>, DecodeError),
    /// The records end before their time.
    Damage(PerfDataError),
}

impl<N: Names> Resolver<N> {
    /// Notes what the header of a file tells of build ids, and whether any event copies stacks: without, inlined functions
    /// are shown nowhere unless asked for everywhere, and no debug information is opened for them.
    pub fn take_header(&mut self, data: &PerfData<'_>) {
        let copies = data.events.iter().any(|event| event.attr.sample_type & sample_type::STACK_USER != 0);
        self.options.inlines &= copies || self.options.inlines_everywhere;
        for known in &data.features.build_ids {
            self.set_build_id(&known.path, known.mode() == CpuMode::Kernel, &known.id);
        }
    }

    /// Goes through all records in the order of time, until `visit` breaks off.
    pub fn replay<'d, B>(
        &mut self,
        data: &'d PerfData<'d>,
        mut visit: impl FnMut(&mut Self, Item<'_, 'd>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.take_header(data);
        let mut counts = Counts::default();
        // One for all: it is large, and moving it would cost more than decoding it.
        let mut sample = Sample::default();
        for raw in data.sorted() {
            let raw = match raw {
                Ok(raw) => raw,
                Err(damage) => {
                    visit(self, Item::Damage(damage))?;
                    continue;
                }
            };
            visit(self, Item::Raw(raw))?;
            if raw.kind == kind::SAMPLE {
                match data.decode_sample_into(&raw, &mut sample) {
                    Ok(()) => {
                        if sample.fields & sample_type::READ == 0 {
                            visit(self, Item::Sample(raw, &sample))?;
                            continue;
                        }
                        for (event, id, period) in counts.members(data, &sample) {
                            (sample.event, sample.id, sample.period) = (event, id, period);
                            visit(self, Item::Sample(raw, &sample))?;
                        }
                    }
                    Err(error) => visit(self, Item::Bad(raw, error))?,
                }
                continue;
            }
            match data.decode_record(&raw) {
                Ok(record) => {
                    if let Some(record) = &record {
                        self.apply(raw.misc, record);
                    }
                    visit(self, Item::Record(raw, record.as_ref()))?;
                }
                Err(error) => visit(self, Item::Bad(raw, error))?,
            }
        }
        ControlFlow::Continue(())
    }
}

/// The last counts of each event, by its id.
#[derive(Debug, Default)]
struct Counts(BTreeMap<u64, u64>);

impl Counts {
    /// Event, id and period of each sample that a sample with counts stands for.
    fn members(&mut self, data: &PerfData<'_>, sample: &Sample<'_>) -> Vec<(usize, u64, u64)> {
        let Some(read) = &sample.read else { return Vec::new() };
        let attr = data.events.get(sample.event).map(|event| event.attr).unwrap_or_default();
        // A count that stands alone is of the sample's own event, and tells no id.
        let alone = attr.read_format & read_format::GROUP == 0;
        let mut members = Vec::new();
        for value in &read.values {
            let id = value.id.unwrap_or(if alone { sample.id } else { 0 });
            let Some(event) = data.event_with_id(id) else { continue };
            let before = self.0.insert(id, value.value).unwrap_or(0);
            let period = value.value.wrapping_sub(before);
            if period > 0 {
                members.push((event, id, period));
            }
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::sample::{ReadValue, ReadValues};

    use super::super::{NoNames, Options};
    use super::*;

    /// An empty file with two events, with ids 7 and 8.
    fn two_events() -> Vec<u8> {
        let mut bytes = b"PERFILE2".to_vec();
        let mut put = |numbers: &[u64]| bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        // Header, then the ids at 104, then two attrs of 64 bytes with the places of their ids.
        put(&[104, 80, 120, 160, 280, 0, 0, 0, 0, 0, 0, 0, 7, 8]);
        for place in [104, 112] {
            put(&[64 << 32 | 1, 0, 0, 1 << 6, 1 << 3, 0, 0, 0, place, 8]);
        }
        bytes
    }

    #[test]
    fn without_copied_stacks_inlined_functions_are_only_looked_up_if_wanted_everywhere() {
        let bytes = two_events();
        let data = PerfData::parse(&bytes).unwrap();
        for everywhere in [false, true] {
            let wants = Options { inlines_everywhere: everywhere, ..Options::default() };
            let mut resolver = Resolver::new(NoNames, wants);
            resolver.take_header(&data);
            assert_eq!(resolver.options.inlines, everywhere);
        }
    }

    #[test]
    fn a_sample_of_a_group_is_one_of_each_member_that_counted() {
        let bytes = two_events();
        let data = PerfData::parse(&bytes).unwrap();
        assert_eq!(data.events.len(), 2, "{:?}", data.damage);
        let value = |id, value| ReadValue { value, id: Some(id), lost: None };
        let sample = |leader, member| Sample {
            fields: sample_type::READ,
            read: Some(ReadValues { values: vec![value(7, leader), value(8, member)], ..ReadValues::default() }),
            ..Sample::default()
        };
        let mut counts = Counts::default();
        assert_eq!(counts.members(&data, &sample(1000, 5)), [(0, 7, 1000), (1, 8, 5)]);
        assert_eq!(counts.members(&data, &sample(2100, 5)), [(0, 7, 1100)]);
        assert_eq!(counts.members(&data, &Sample::default()), []);
    }
}
