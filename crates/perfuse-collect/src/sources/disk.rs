//! What the rules of disks, storage controllers and interconnects read.

mod pmu;
mod topology;
mod wchan;

use super::{Cadence, CgroupFile, Collector, Group, ProcessFile, Source};

pub(super) const GROUP: Group =
    Group { files: FILES, cgroup_files: CGROUP_FILES, process_files: PROCESS_FILES, collectors };

const fn slow(path: &'static str) -> Source {
    Source { path, cadence: Cadence::Slow }
}

const FILES: &[Source] = &[
    Source { path: "/proc/diskstats", cadence: Cadence::Every },
    Source { path: "/proc/pressure/io", cadence: Cadence::Every },
    slow("/proc/mdstat"),
    slow("/sys/block/*/queue/rotational"),
    slow("/sys/block/*/queue/nr_requests"),
    slow("/sys/block/*/queue/scheduler"),
    slow("/sys/block/*/size"),
    slow("/sys/block/*/loop/backing_file"),
    slow("/sys/block/*/device/ioerr_cnt"),
    slow("/sys/block/*/device/state"),
    slow("/sys/fs/ext4/*/errors_count"),
    slow("/sys/fs/btrfs/*/devinfo/*/error_stats"),
    slow("/sys/bus/pci/devices/*/class"),
    slow("/sys/bus/pci/devices/*/current_link_speed"),
    slow("/sys/bus/pci/devices/*/current_link_width"),
    slow("/sys/bus/pci/devices/*/max_link_speed"),
    slow("/sys/bus/pci/devices/*/max_link_width"),
    slow("/sys/bus/pci/devices/*/aer_dev_correctable"),
    slow("/sys/bus/pci/devices/*/aer_dev_nonfatal"),
    slow("/sys/bus/pci/devices/*/aer_dev_fatal"),
    slow("/sys/kernel/debug/swiotlb/io_tlb_nslabs"),
    slow("/sys/kernel/debug/swiotlb/io_tlb_used"),
    slow("/sys/devices/system/node/node*/numastat"),
    slow("/sys/devices/system/edac/mc/mc*/ce_count"),
    slow("/sys/devices/system/edac/mc/mc*/ue_count"),
    slow("/sys/fs/resctrl/mon_data/*/mbm_total_bytes"),
    slow("/sys/fs/resctrl/mon_data/*/mbm_local_bytes"),
    // Only the names of the directories are wanted: which PMUs the kernel offers.
    Source { path: "/sys/bus/event_source/devices/*/type", cadence: Cadence::Once },
    slow("/sys/bus/event_source/devices/uncore_imc*/events/cas_count_read.scale"),
    slow("/sys/bus/event_source/devices/uncore_imc*/events/cas_count_write.scale"),
];

const fn v1(file: &'static str, cadence: Cadence) -> CgroupFile {
    CgroupFile { v1: Some("blkio"), file, cadence }
}

const fn v2(file: &'static str, cadence: Cadence) -> CgroupFile {
    CgroupFile { v1: None, file, cadence }
}

const CGROUP_FILES: &[CgroupFile] = &[
    v2("io.stat", Cadence::Every),
    v2("io.pressure", Cadence::Every),
    v2("io.max", Cadence::Slow),
    v1("blkio.throttle.io_service_bytes", Cadence::Every),
    v1("blkio.throttle.io_serviced", Cadence::Every),
    v1("blkio.throttle.read_bps_device", Cadence::Slow),
    v1("blkio.throttle.write_bps_device", Cadence::Slow),
    v1("blkio.throttle.read_iops_device", Cadence::Slow),
    v1("blkio.throttle.write_iops_device", Cadence::Slow),
];

const PROCESS_FILES: &[ProcessFile] = &[];

fn collectors() -> Vec<Box<dyn Collector>> {
    vec![Box::new(topology::Topology), Box::new(wchan::WaitChannels), Box::<pmu::Pmu>::default()]
}
