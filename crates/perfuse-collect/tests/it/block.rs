//! `block.bpf.c` against `/proc/diskstats`.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{BlockHist, BlockOp, BlockProcess, BlockStage, between};
use perfuse_testkit::skip;
use rustix::fs::{Advice, fadvise, major, minor};

use crate::support::{Live, live, me};

/// Completed reads, sectors read, milliseconds reading, and the same of writes.
#[derive(Debug, Clone, Copy)]
struct Disk([u64; 6]);

/// The numbers after the name in the line of the whole disk behind a device number, read at once.
fn line(major: u32, minor: u32) -> Option<Vec<u64>> {
    let stats = std::fs::read_to_string("/proc/diskstats").ok()?;
    let line = stats.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|fields| {
        fields.first().and_then(|field| field.parse().ok()) == Some(major)
            && fields.get(1).and_then(|field| field.parse().ok()) == Some(minor)
    })?;
    line.get(3..)?.iter().map(|number| number.parse().ok()).collect()
}

fn disk(major: u32, minor: u32) -> Option<Disk> {
    let line = line(major, minor)?;
    let number = |index: usize| line.get(index).copied();
    Some(Disk([number(0)?, number(2)?, number(3)?, number(4)?, number(6)?, number(7)?]))
}

/// Waits until no request is in flight, so that none is left which was issued before the program watched.
fn drained(major: u32, minor: u32) -> bool {
    let in_flight = || line(major, minor).and_then(|line| line.get(8).copied());
    (0..10_000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        in_flight() == Some(0)
    })
}

fn grown(first: Disk, last: Disk) -> [u64; 6] {
    std::array::from_fn(|index| last.0[index] - first.0[index])
}

/// What the program and diskstats saw of the same workload.
struct Watched {
    rows: Vec<BlockProcess>,
    hists: Vec<BlockHist>,
    /// Between the two snapshots: happened for certain.
    inner: [u64; 6],
    /// Around them: all that can have happened.
    outer: [u64; 6],
}

impl Watched {
    fn sum(&self, field: fn(&BlockProcess) -> u64) -> u64 {
        self.rows.iter().map(field).sum()
    }

    /// Reads, sectors read and sectors written, each with its place in diskstats.
    fn measured(&self) -> [(usize, u64); 3] {
        [
            (0, self.sum(|row| row.reads)),
            (1, self.sum(|row| row.read_bytes) / 512),
            (4, self.sum(|row| row.write_bytes) / 512),
        ]
    }
}

/// Writes and reads 16 MiB of a file, past the page cache.
fn watch(live: &Live, path: &Path, (major, minor): (u32, u32)) -> Watched {
    let counters = || disk(major, minor).unwrap();
    let outer_first = counters();
    let first = live.snapshot();
    let inner_first = counters();
    for round in 0..8_u8 {
        std::fs::write(path, vec![round; 2 << 20]).unwrap();
        let file = File::open(path).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        let mut back = vec![0; 2 << 20];
        file.read_exact_at(&mut back, 0).unwrap();
        assert_eq!(back[1 << 20], round);
    }
    let inner_last = counters();
    let last = live.snapshot();
    let outer_last = counters();
    let mut rows: Vec<BlockProcess> = between(&first, &last).into_value().unwrap();
    rows.retain(|row| (row.major, row.minor) == (major, minor));
    let mut hists: Vec<BlockHist> = between(&first, &last).into_value().unwrap();
    hists.retain(|row| (row.major, row.minor) == (major, minor));
    Watched { rows, hists, inner: grown(inner_first, inner_last), outer: grown(outer_first, outer_last) }
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
    // While other CPUs are busy the kernel now and then completes a request without saying so: perf misses the same ones.
    // So never more than diskstats, and, in one of some rounds, all of it.
    let mut whole = None;
    for _ in 0..20 {
        if !drained(major, minor) {
            skip!("other writers kept the disk busy for ten seconds");
        }
        let watched = watch(&live, &path, (major, minor));
        for (index, measured) in watched.measured() {
            assert!(measured <= watched.outer[index], "{measured} of {:?}: {:?}", watched.outer, watched.rows);
        }
        if watched.measured().iter().all(|&(index, measured)| watched.inner[index] <= measured) {
            whole = Some(watched);
            break;
        }
    }
    let watched = whole.expect("a round of which every request is seen");
    let (inner, outer) = (watched.inner, watched.outer);
    // diskstats counts a write for each sync too, which has no data and is never issued: the flush is.
    assert!((8..=outer[3]).contains(&watched.sum(|row| row.writes)), "{inner:?} {outer:?}: {:?}", watched.rows);
    assert!(inner[1] + inner[4] > 0, "the workload reached the disk");

    // Queue and device together are the time that diskstats counts, in milliseconds and rounded at each reading.
    let of = |op, stage| {
        let matching = watched.hists.iter().filter(move |row| (row.op, row.stage) == (op, stage));
        matching.map(|row| (row.hist.count, row.hist.sum_ns)).fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
    };
    let (queue, device) = (of(BlockOp::Read, BlockStage::Queue), of(BlockOp::Read, BlockStage::Device));
    assert_eq!((queue.0, device.0), (watched.sum(|row| row.reads), watched.sum(|row| row.reads)));
    let ms = (queue.1 + device.1) / 1_000_000;
    // The driver may take some microseconds from the completion that we see to the one that is accounted.
    let slack = 3 + outer[2] / 10;
    assert!(ms + slack >= inner[2] && ms <= outer[2] + slack, "{ms} ms of {inner:?} {outer:?}");
    let mine = watched.rows.iter().find(|row| row.pid == me()).expect("this process read and synced");
    assert!(mine.read_bytes >= 8 * (2 << 20), "nothing of what was dropped from memory came from elsewhere: {mine:?}");
    assert!(mine.max_ns <= mine.queue_ns + mine.device_ns);
}
