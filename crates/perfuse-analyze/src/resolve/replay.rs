//! A whole recording, from its first record to its last.

use std::ops::ControlFlow;

use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::{CpuMode, DecodeError, PerfData, PerfDataError, RawRecord, Record, Sample};

use super::{Names, Resolver};

/// One step of a recording.
#[derive(Debug)]
pub enum Item<'v, 'a> {
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
    /// Notes what the header of a file tells of build ids.
    pub fn take_header(&mut self, data: &PerfData<'_>) {
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
        for raw in data.sorted() {
            let raw = match raw {
                Ok(raw) => raw,
                Err(damage) => {
                    visit(self, Item::Damage(damage))?;
                    continue;
                }
            };
            if raw.kind == kind::SAMPLE {
                match data.decode_sample(&raw) {
                    Ok(sample) => visit(self, Item::Sample(raw, &sample))?,
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
