//! `disk.utilization`: how busy the devices are. Never more than `watch`: busy is not waiting.

use perfuse_format::Reading;

use crate::cell::{Cell, Evidence, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Quantity, Unit};

use super::devices::{Device, Devices};
use super::waits;

const ID: &str = "disk.utilization";

pub(super) fn evaluate(run: &Run, devices: &Reading<Devices>, out: &mut Output) {
    out.cell(match devices {
        Reading::Value(devices) if devices.all.is_empty() => Cell::not_applicable(ID, Msg::new("disk-no-device")),
        Reading::Value(devices) => measured(run, devices),
        Reading::Missing(missing) => Cell::unmeasurable(ID, missing),
    });
}

/// A device without parallelism that is busy nearly all the time has no room left; one with it may have.
fn verdict(run: &Run, device: &Device) -> Verdict {
    let full = device.busy() >= run.threshold("disk.busy");
    if full && !device.is_parallel() && !device.is_virtual { Verdict::Watch } else { Verdict::Ok }
}

fn measured(run: &Run, devices: &Devices) -> Cell {
    let mut sorted: Vec<&Device> = devices.all.iter().collect();
    sorted.sort_by(|a, b| b.busy().total_cmp(&a.busy()).then(a.name.cmp(&b.name)));
    let worst = sorted.first().copied();
    let verdicts = sorted.iter().map(|device| verdict(run, device)).max().unwrap_or(Verdict::Ok);
    let busiest = worst.map_or(0.0, Device::busy);
    let mut cell = Cell::measured(ID, verdicts, Quantity::ratio(busiest));
    cell.instances =
        sorted.iter().map(|device| device.instance(Quantity::ratio(device.busy()), verdict(run, device))).collect();
    if let Some(device) = worst {
        cell.evidence = evidence(device);
        cell.history = device.busy_history();
        if device.is_parallel() && device.busy() >= run.threshold("disk.busy") {
            cell.note = Some(Msg::new("disk-utilization-parallel").with("device", device.name.as_str()));
        }
    }
    cell.culprits = waits::users(run, None).iter().take(5).map(waits::User::entity).collect();
    cell
}

fn evidence(device: &Device) -> Vec<Evidence> {
    let per_second = |sum: u64| device.per_second(sum as f64);
    let number = |metric: &str, value: Quantity, command: &'static str| {
        Evidence::new("/proc/diskstats", format!("{} {metric}", device.name), value).by_hand(command)
    };
    let bytes = |sum: u64| Quantity::new(per_second(sum), Unit::BytesPerSecond);
    vec![
        number("io_ticks", Quantity::ratio(device.busy()), "iostat -xz 1   # %util"),
        number("reads", Quantity::rate(per_second(device.work.reads)), "iostat -xz 1   # r/s"),
        number("writes", Quantity::rate(per_second(device.work.writes)), "iostat -xz 1   # w/s"),
        number("sectors read", bytes(device.work.read_bytes), "iostat -xz 1   # rkB/s"),
        number("sectors written", bytes(device.work.write_bytes), "iostat -xz 1   # wkB/s"),
    ]
}
