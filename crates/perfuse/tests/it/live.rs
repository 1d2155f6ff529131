//! The checklist of the machine that runs the tests.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use perfuse_testkit::{gate, need};

use crate::{json, perfuse, run, stderr, stdout};

/// Every cell and control is there, and what could not be read says why, how to enable it and who could know.
fn check_is_whole(output: &Output) {
    let report = json(output);
    let expected = match report["healthy"].as_bool() {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    };
    assert_eq!(output.status.code(), Some(expected), "{}", stderr(output));
    assert_eq!(report["schema"], "perfuse.use/1");
    assert_eq!(report["cells"].as_array().unwrap().len(), 42);
    assert_eq!(report["controls"].as_array().unwrap().len(), 20);
    for cell in report["cells"].as_array().unwrap().iter().chain(report["controls"].as_array().unwrap()) {
        let filled = |key: &str| cell[key].as_str().is_some_and(|text| !text.is_empty());
        match cell["verdict"].as_str().unwrap() {
            "unmeasurable" => {
                assert!(filled("reason") && filled("enable") && filled("who_could_know"), "{cell}");
                assert!(cell["value"].is_null(), "{cell}");
            }
            "not_applicable" => assert!(filled("reason"), "{cell}"),
            // What did not happen has no latency: nothing was forked, say.
            "ok" if cell["value"].is_null() => assert!(filled("note"), "{cell}"),
            "ok" | "watch" | "bottleneck" | "error" => assert!(cell["value"]["number"].is_number(), "{cell}"),
            other => panic!("verdict {other}"),
        }
        assert!(filled("by_hand"), "{cell}");
    }
}

#[test]
fn every_cell_is_filled_in_with_and_without_bpf() {
    check_is_whole(&run(["use", "--json", "--duration", "2s"]));
    check_is_whole(&run(["use", "--json", "--duration", "1s", "--no-bpf"]));
}

#[test]
fn every_cell_is_filled_in_for_an_ordinary_user() {
    need!(gate::root());
    // The binary may stand where nobody else may look.
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("perfuse");
    std::fs::copy(env!("CARGO_BIN_EXE_perfuse"), &copy).unwrap();
    open_to_all(directory.path());
    let output = Command::new(&copy)
        .args(["use", "--json", "--duration", "1s"])
        .env("HOME", "/nonexistent")
        .env_remove("LANG")
        .stdin(Stdio::null())
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    check_is_whole(&output);
    let report = json(&output);
    let bpf = report["capabilities"].as_array().unwrap().iter().find(|capability| capability["id"] == "bpf").unwrap();
    assert_eq!(bpf["available"], false);
    assert!(bpf["enable"].as_str().is_some_and(|text| !text.is_empty()), "{bpf}");
}

fn open_to_all(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_host_without_anything_is_unmeasurable_and_no_crash() {
    let directory = tempfile::tempdir().unwrap();
    let output = perfuse(["use", "--json", "--duration", "200ms", "--interval", "100ms", "--root"])
        .arg(directory.path())
        .output()
        .unwrap();
    check_is_whole(&output);
    let report = json(&output);
    assert!(report["healthy"].is_null());
    let measured = report["cells"].as_array().unwrap().iter().filter(|cell| !cell["value"].is_null());
    assert_eq!(measured.map(|cell| cell["id"].clone()).collect::<Vec<_>>(), Vec::<serde_json::Value>::new());
}

#[test]
fn ctrl_c_ends_with_the_report_of_what_was_seen() {
    let child =
        perfuse(["use", "--json", "--duration", "60s"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    check_is_whole(&output);
    assert!(json(&output)["duration_s"].as_f64().unwrap() < 30.0);
    assert!(stderr(&output).contains("interrupted"));
}

#[test]
fn narrowing_to_what_is_not_there_is_an_error() {
    for (arguments, name) in [
        (["--pid", "4194999"], "4194999"),
        (["--cgroup", "/no/such"], "/no/such"),
        (["--unit", "no-such"], "no-such.service"),
    ] {
        let output = run(["use", "--duration", "100ms"].iter().chain(&arguments));
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
    }
    let own = std::process::id().to_string();
    let output = run(["use", "--json", "--duration", "1s", "--pid", &own]);
    check_is_whole(&output);
}

#[test]
fn exporters_have_their_forms() {
    let metrics = run(["use", "--openmetrics", "--duration", "1s"]);
    assert!(stdout(&metrics).ends_with("# EOF\n"));
    assert!(stdout(&metrics).contains("perfuse_cell_verdict{"));
    let nagios = run(["use", "--nagios", "--duration", "1s"]);
    assert!(matches!(nagios.status.code(), Some(0..=3)));
    // The first line is the status with its performance data; what follows is Nagios' long output.
    assert!(stdout(&nagios).lines().next().is_some_and(|line| line.contains(" | ")), "{}", stdout(&nagios));
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("a.html");
    let output = perfuse(["use", "--duration", "1s", "--html"]).arg(&page).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", stderr(&output));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("cpu.saturation"));
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "the page must be self-contained");
}

#[test]
fn the_first_sixty_seconds_take_less_than_ten() {
    let output = run(["use", "--sixty", "--duration", "2s"]);
    assert!(output.status.success(), "{}", stderr(&output));
    for command in ["uptime", "vmstat", "mpstat", "iostat", "free", "sar"] {
        assert!(stdout(&output).contains(command), "{command}");
    }
}
