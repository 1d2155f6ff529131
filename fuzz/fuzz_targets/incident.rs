//! What a recording of an incident carries beside the host, and what it makes of an answer.
#![no_main]
use perfuse_analyze::{Run, Scope, Thresholds};
use perfuse_format::RawSnapshot;
use perfuse_service::incident::{answer, recorded};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = recorded::load(data);
    let Some(circumstances) = recorded::Circumstances::from_bytes(data) else { return };
    let again = recorded::Circumstances::from_bytes(&circumstances.to_bytes());
    assert!(again.is_some());
    let snapshots = [0, 10].map(|second: u64| {
        let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
        raw.put("/proc/7/stat", "7 (a) S 1 7 7 0 -1 4194304 0 0 0 0 5 0 0 0 20 0 1 0 4000 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0");
        raw
    });
    let mut run = Run::new(&snapshots, Thresholds::default(), Scope::default()).expect("two snapshots");
    let (answer, _) = answer::answer(&mut run, &circumstances);
    assert!(answer.causes.iter().all(|cause| cause.share.is_finite() && cause.explained.is_finite()));
});
