//! `block.bpf.c` against `/proc/diskstats`.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{BlockHist, BlockOp, BlockProcess, BlockStage, between};
use perfuse_testkit::skip;
use rustix::fs::{Advice, fadvise, major, minor};

use crate::support::{live, me};

/// Completed reads, sectors read, milliseconds reading, and the same of writes.
#[derive(Debug, Clone, Copy)]
struct Disk([u64; 6]);

/// The line of the whole disk behind a device number.
fn disk(major: u32, minor: u32) -> Option<Disk> {
    let stats = std::fs::read_to_string("/proc/diskstats").ok()?;
    let line = stats.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|fields| {
        fields.first().and_then(|field| field.parse().ok()) == Some(major)
            && fields.get(1).and_then(|field| field.parse().ok()) == Some(minor)
    })?;
    let number = |index: usize| line.get(index).and_then(|field| field.parse().ok());
    Some(Disk([number(3)?, number(5)?, number(6)?, number(7)?, number(9)?, number(10)?]))
}

fn grown(first: Disk, last: Disk) -> [u64; 6] {
    std::array::from_fn(|index| last.0[index] - first.0[index])
}

#[test]
fn requests_bytes_and_time_are_those_of_diskstats() {
    let live = live!(&[Program::Block]);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("data");
    let dev = directory.path().metadata().unwrap().dev();
    let (major, minor) = (major(dev), minor(dev));
    if disk(major, minor).is_none() {
        skip!("{} is on no whole disk", directory.path().display());
    }
    let counters = || disk(major, minor).unwrap();
    let outer_first = counters();
    let first = live.snapshot();
    let inner_first = counters();
    for round in 0..8_u8 {
        std::fs::write(&path, vec![round; 2 << 20]).unwrap();
        let file = File::open(&path).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        let mut back = vec![0; 2 << 20];
        file.read_exact_at(&mut back, 0).unwrap();
        assert_eq!(back[1 << 20], round);
    }
    let inner_last = counters();
    let last = live.snapshot();
    let outer_last = counters();
    let (inner, outer) = (grown(inner_first, inner_last), grown(outer_first, outer_last));

    let rows: Vec<BlockProcess> = between(&first, &last).into_value().unwrap();
    let on_disk = || rows.iter().filter(|row| (row.major, row.minor) == (major, minor));
    let sum = |field: fn(&BlockProcess) -> u64| on_disk().map(field).sum::<u64>();
    let measured =
        [(0, sum(|row| row.reads)), (1, sum(|row| row.read_bytes) / 512), (4, sum(|row| row.write_bytes) / 512)];
    for (index, measured) in measured {
        assert!((inner[index]..=outer[index]).contains(&measured), "{measured} of {inner:?} {outer:?}: {rows:?}");
    }
    // diskstats counts a write for each sync too, which has no data and is never issued: the flush is.
    assert!((8..=outer[3]).contains(&sum(|row| row.writes)), "{inner:?} {outer:?}: {rows:?}");
    assert!(inner[1] + inner[4] > 0, "the workload reached the disk");

    // Queue and device together are the time that diskstats counts, in milliseconds and rounded at each reading.
    let hists: Vec<BlockHist> = between(&first, &last).into_value().unwrap();
    let of = |op, stage| {
        let matching =
            hists.iter().filter(move |row| (row.major, row.minor, row.op, row.stage) == (major, minor, op, stage));
        matching.map(|row| (row.hist.count, row.hist.sum_ns)).fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
    };
    let (queue, device) = (of(BlockOp::Read, BlockStage::Queue), of(BlockOp::Read, BlockStage::Device));
    assert_eq!((queue.0, device.0), (sum(|row| row.reads), sum(|row| row.reads)));
    let ms = (queue.1 + device.1) / 1_000_000;
    // The driver may take some microseconds from the completion that we see to the one that is accounted.
    let slack = 3 + outer[2] / 10;
    assert!(ms + slack >= inner[2] && ms <= outer[2] + slack, "{ms} ms of {inner:?} {outer:?}");
    let mine = on_disk().find(|row| row.pid == me()).expect("this process read and synced");
    assert!(mine.read_bytes >= 8 * (2 << 20), "nothing of what was dropped from memory came from elsewhere: {mine:?}");
    assert!(mine.max_ns <= mine.queue_ns + mine.device_ns);
}
