//! Memory, storage capacity and file descriptors, with the controls that limit them.

mod backlog;
mod capacity;
mod controls;
mod dirty;
mod errors;
mod facts;
mod fds;
mod groups;
mod inotify;
mod saturation;
pub(crate) mod swap;
mod utilization;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::cell::Unit;
use crate::checklist::{Output, Slice};
use crate::run::Run;
use crate::threshold::Threshold;

use facts::Facts;

/// The group.
pub(crate) const SLICE: Slice = Slice { thresholds: THRESHOLDS, evaluate };

const THRESHOLDS: &[Threshold] = &[
    Threshold { key: "memory.low-headroom", default: 0.10, unit: Unit::Ratio },
    Threshold { key: "memory.pressure", default: 0.01, unit: Unit::SecondsPerSecond },
    Threshold { key: "memory.swap-rate", default: 1_048_576.0, unit: Unit::BytesPerSecond },
    Threshold { key: "memory.limit-hits", default: 1.0, unit: Unit::PerSecond },
    Threshold { key: "memory.swap-used", default: 0.80, unit: Unit::Ratio },
    Threshold { key: "memory.hugepages-used", default: 0.95, unit: Unit::Ratio },
    Threshold { key: "capacity.full", default: 0.90, unit: Unit::Ratio },
    Threshold { key: "capacity.fill-time", default: 3_600.0, unit: Unit::Seconds },
    Threshold { key: "capacity.dirty", default: 0.80, unit: Unit::Ratio },
    Threshold { key: "fds.high", default: 0.80, unit: Unit::Ratio },
    Threshold { key: "fds.inotify-high", default: 0.80, unit: Unit::Ratio },
];

fn evaluate(run: &Run, out: &mut Output) {
    let facts = Facts::new(run);
    utilization::evaluate(run, &facts, out);
    saturation::evaluate(run, &facts, out);
    errors::evaluate(run, &facts, out);
    controls::evaluate(run, &facts, out);
    capacity::evaluate(run, &facts, out);
    dirty::evaluate(run, &facts, out);
    fds::evaluate(run, &facts, out);
    inotify::evaluate(run, &facts, out);
}
