//! Recording and replay.

use std::fs;
use std::path::Path;

use crate::{json, perfuse, run, stderr, stdout};

/// Records two seconds into `file` and gives the report that was printed live.
fn record(file: &Path) -> std::process::Output {
    let output =
        perfuse(["use", "--json", "--duration", "2s", "--interval", "500ms", "--record"]).arg(file).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    output
}

#[test]
fn a_replay_gives_the_live_report_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.perfuse");
    let live = record(&file);
    let replayed = perfuse(["use", "--json", "--replay"]).arg(&file).output().unwrap();
    assert_eq!(live.status.code(), replayed.status.code());
    assert_eq!(stdout(&live), stdout(&replayed));
    let text = || perfuse(["use", "--replay"]).arg(&file).output().unwrap().stdout;
    let korean = || perfuse(["use", "--lang", "ko", "--replay"]).arg(&file).output().unwrap().stdout;
    assert_eq!(text(), text());
    assert_eq!(korean(), korean());
    assert_ne!(text(), korean());
}

#[test]
fn a_damaged_recording_is_read_up_to_the_damage() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.perfuse");
    record(&file);
    let bytes = fs::read(&file).unwrap();
    let cut = directory.path().join("cut.perfuse");
    fs::write(&cut, &bytes[..bytes.len() - 10]).unwrap();
    let output = perfuse(["use", "--json", "--replay"]).arg(&cut).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)));
    assert!(stderr(&output).contains("damaged at byte"), "{}", stderr(&output));
    assert_eq!(json(&output)["cells"].as_array().unwrap().len(), 42);
    fs::write(&cut, &bytes[..40]).unwrap();
    let output = perfuse(["use", "--replay"]).arg(&cut).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no whole sample"), "{}", stderr(&output));
}

#[test]
fn other_files_are_refused_by_name() {
    let output = run(["use", "--replay", "/proc/self/status"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/proc/self/status") && stderr(&output).contains("not a perfuse recording"));
    let output = run(["use", "--replay", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/nonexistent"));
}
