//! `perfuse why`: victims of this machine, and answers from recordings.

use std::process::{Child, Command, Stdio};

use perfuse_testkit::{gate, need};
use serde_json::Value;

use crate::{json, perfuse, run, stderr, stdout};

/// A shell that reads what another one writes ten times a second.
struct Pair {
    reader: Child,
    writer: Child,
}

impl Pair {
    fn start() -> Self {
        let script = "while :; do sleep 0.1; echo; done";
        let mut writer = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let pipe = writer.stdout.take().unwrap();
        let reader = Command::new("cat").stdin(pipe).stdout(Stdio::null()).spawn().unwrap();
        Self { reader, writer }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for child in [&mut self.reader, &mut self.writer] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The states add up to the whole.
fn check_time(time: &Value) {
    let total = time["total_s_per_s"].as_f64().unwrap();
    let states = time["states"].as_array().unwrap();
    let sum: f64 = states.iter().map(|state| state["s_per_s"].as_f64().unwrap()).sum();
    assert!((sum - total).abs() < 1e-6 * total.max(1.0), "{sum} of {total}: {time}");
    assert!(time["active_s_per_s"].as_f64().unwrap() <= total + 1e-9);
}

fn state(time: &Value, id: &str) -> f64 {
    let states = time["states"].as_array().unwrap();
    states.iter().filter(|state| state["id"] == id).map(|state| state["s_per_s"].as_f64().unwrap()).sum()
}

#[test]
fn a_reader_of_a_pipe_waits_for_its_writer() {
    need!(gate::root());
    let pair = Pair::start();
    let (reader, writer) = (pair.reader.id(), pair.writer.id());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.perfuse");
    let pid = reader.to_string();
    let live = perfuse(["why", "--json", "-d", "2s", "--pid", &pid, "--record"]).arg(&file).output().unwrap();
    let answer = json(&live);
    assert_eq!(answer["schema"], "perfuse.why/1");
    assert_eq!(answer["victim"]["pid"], reader);
    check_time(&answer["time"]);
    if answer["time"]["exact"] == false {
        perfuse_testkit::skip!("no BPF: {}", answer["capabilities"]);
    }
    assert!(state(&answer["time"], "local-ipc") > 0.8, "{}", answer["time"]);
    let servers = answer["servers"].as_array().unwrap();
    assert!(servers.iter().any(|server| server["process"]["pid"] == writer), "{servers:?}");
    for server in servers {
        check_time(&server["time"]);
    }

    let replayed = perfuse(["why", "--json", "--pid", &pid, "--replay"]).arg(&file).output().unwrap();
    assert_eq!(stdout(&live), stdout(&replayed));
    assert_eq!(live.status.code(), replayed.status.code());
    let page = directory.path().join("why.html");
    let mut korean = perfuse(["why", "--lang", "ko", "--pid", &pid, "--replay"]);
    let output = korean.arg(&file).arg("--html").arg(&page).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"ko\">") && page.contains("data:image/svg+xml;base64,"));
}

#[test]
fn a_command_is_run_and_its_children_are_it() {
    let output = run(["why", "--json", "--", "sh", "-c", "sleep 1; sleep 1; exit 3"]);
    let answer = json(&output);
    check_time(&answer["time"]);
    assert_eq!(answer["victim"]["name"], "sh");
    assert!(answer["pids"].as_array().unwrap().len() >= 2, "{}", answer["pids"]);
    assert!(stderr(&output).contains("sh ended after"), "{}", stderr(&output));
}

#[test]
fn who_is_not_there_is_said() {
    for (arguments, said) in [
        (["why", "-d", "300ms", "--pid", "4194305"], "4194305"),
        (["why", "-d", "300ms", "--unit", "no-such-unit"], "no-such-unit"),
        (["why", "-d", "300ms", "--cgroup", "/no/such"], "/no/such"),
        (["why", "-d", "300ms", "--", "/no/such/program"], "/no/such/program"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    let output = run(["why", "--pid", "1", "--port", "80"]);
    assert_eq!(output.status.code(), Some(2));
    let output = run(["why", "--replay", "/proc/self/status"]);
    assert!(stderr(&output).contains("not a perfuse recording"), "{}", stderr(&output));
}

#[test]
fn a_victim_that_dies_is_still_answered_for() {
    let mut victim = Command::new("sleep").arg("4").spawn().unwrap();
    let pid = victim.id().to_string();
    // Reaped at once, as its parent would: else it stays as a zombie.
    let reaper = std::thread::spawn(move || victim.wait());
    let output = run(["why", "--json", "-d", "6s", "--pid", &pid]);
    let _ = reaper.join();
    let answer = json(&output);
    check_time(&answer["time"]);
    assert!(answer["time"]["total_s_per_s"].as_f64().unwrap() <= 1.0);
}

#[test]
fn without_bpf_it_says_what_it_cannot_tell() {
    let output = run(["why", "--json", "--no-bpf", "-d", "1s", "--pid", &std::process::id().to_string()]);
    let answer = json(&output);
    assert_eq!(answer["time"]["exact"], false);
    check_time(&answer["time"]);
    assert!(!answer["cannot_tell"].as_array().unwrap().is_empty());
}
