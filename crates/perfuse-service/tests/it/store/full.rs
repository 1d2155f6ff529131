//! A disk that takes nothing more: monitoring goes on in memory, says so, and recovers.

use std::fs;
use std::process::Command;

use perfuse_service::store::{Kind, Retention, Store, StoreError, Written};
use perfuse_testkit::{gate, need, skip};

use super::{DAY, at, key, present, record, seconds, series};

/// A small tmpfs, unmounted at the end.
struct Small(tempfile::TempDir);

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_and_survived() {
    need!(gate::root());
    need!(gate::command("mount"));
    let small = Small(tempfile::tempdir().expect("a directory"));
    let mount = ["-t", "tmpfs", "-o", "size=3m", "tmpfs"];
    if !Command::new("mount").args(mount).arg(small.0.path()).status().is_ok_and(|status| status.success()) {
        skip!("a tmpfs cannot be mounted here");
    }
    let (mut store, _) = Store::open(&small.0.path().join("store"), Retention::default()).expect("opens");
    let [one] = series(&mut store);
    for second in 0..20 {
        assert_eq!(store.append(DAY + second, &[(one, second as f64)]), Written::Disk);
    }
    let ballast = small.0.path().join("ballast");
    // Until no byte is left, in ever smaller pieces.
    let mut filled = Vec::new();
    for piece in [1 << 20, 1 << 16, 1 << 12] {
        while fs::write(&ballast, {
            filled.resize(filled.len() + piece, 0_u8);
            &filled
        })
        .is_ok()
        {}
        filled.truncate(filled.len() - piece);
    }
    let mut second = 20;
    while store.append(DAY + second, &[(one, second as f64)]) == Written::Disk {
        second += 1;
        assert!(second < 5000, "the disk does not get full");
    }
    assert!(store.health().problem.is_some());
    for later in second + 1..second + 30 {
        assert_eq!(store.append(DAY + later, &[(one, later as f64)]), Written::Memory);
    }
    assert_eq!(store.put(&[record(Kind::Incident, "i-1", DAY * 1000, true)]).expect("waits"), Written::Memory);
    let large = vec![0_u8; 15 << 20];
    let incident = record(Kind::Incident, "i-2", DAY * 1000, true);
    assert_eq!(store.put_incident(&incident, &[("recording", &large[..1 << 20])]).expect("waits"), Written::Memory);
    let refused = store.put_incident(&record(Kind::Incident, "i-3", DAY * 1000, true), &[("recording", &large)]);
    assert!(matches!(refused, Err(StoreError::Full(_))), "memory is bounded");
    assert_eq!(store.health().waiting_ticks, 30);

    fs::remove_file(&ballast).expect("removes");
    store.maintain(at(DAY + second + 30)).expect("upkeep");
    assert_eq!(store.health().problem, None);
    let end = second + 30;
    assert_eq!(store.append(DAY + end, &[(one, end as f64)]), Written::Disk);
    assert_eq!(present(&seconds(&store.reader(), 0, DAY, DAY + end + 1)), usize::try_from(end + 1).expect("small"));
    let records = store.reader().records().expect("opens");
    assert!(records.get(Kind::Incident, "i-1").expect("reads").is_some());
    assert_eq!(records.capture("i-2", "recording").expect("reads").map(|bytes| bytes.len()), Some(1 << 20));
    assert_eq!(key(0).name(), "cpu");
}
