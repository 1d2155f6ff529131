//! Disks, storage controllers and the interconnects, with the controls that limit them.

mod controller;
mod devices;
mod errors;
mod interconnect;
mod saturation;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod utilization;
mod waits;

use crate::cell::Unit;
use crate::checklist::{Output, Slice};
use crate::run::Run;
use crate::threshold::Threshold;

/// The group.
pub(crate) const SLICE: Slice = Slice { thresholds: THRESHOLDS, evaluate };

const fn threshold(key: &'static str, default: f64, unit: Unit) -> Threshold {
    Threshold { key, default, unit }
}

const THRESHOLDS: &[Threshold] = &[
    threshold("disk.busy", 0.90, Unit::Ratio),
    threshold("disk.latency-rise", 3.0, Unit::Count),
    threshold("disk.latency-rise-floor", 0.005, Unit::Seconds),
    threshold("disk.queue-share", 0.50, Unit::Ratio),
    threshold("io-throttle.near-limit", 0.80, Unit::Ratio),
    threshold("storage-controller.busy", 0.80, Unit::Ratio),
    threshold("memory-interconnect.low-ipc", 0.20, Unit::InstructionsPerCycle),
    threshold("memory-interconnect.busy-cpu", 0.20, Unit::Ratio),
    threshold("cpu-interconnect.remote-share", 0.30, Unit::Ratio),
    threshold("io-interconnect.swiotlb", 0.80, Unit::Ratio),
];

fn evaluate(run: &Run, out: &mut Output) {
    let devices = devices::Devices::of(run);
    let waiters = waits::waiters(run);
    let throttled = throttle::evaluate(run, &devices, &waiters, out);
    utilization::evaluate(run, &devices, out);
    saturation::evaluate(run, &devices, &waiters, &throttled, out);
    errors::evaluate(run, out);
    controller::evaluate(run, &devices, out);
    interconnect::evaluate(run, out);
}
