//! `perfuse why`: victims of this machine, and answers from recordings.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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

/// A server that answers each request after some time.
fn answering(answer: &'static str, after: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut text = Vec::new();
            let mut byte = [0];
            while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|long| long == 1) {
                text.push(byte[0]);
            }
            std::thread::sleep(after);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn whoever_answers_a_url_is_the_victim() {
    need!(gate::root());
    let port = answering(OK, Duration::from_millis(250));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.perfuse");
    let url = format!("http://127.0.0.1:{port}/");
    let live = perfuse(["why", "--json", "-d", "2s", "--url", &url, "--record"]).arg(&file).output().unwrap();
    let answer = json(&live);
    let probe = &answer["probe"];
    assert_eq!(answer["victim"]["pid"], std::process::id(), "{}", answer["victim"]);
    assert!(probe["requests"].as_u64().unwrap() >= 2 && probe["local"] == true, "{probe}");
    assert!(probe["statuses"]["200"].as_u64().unwrap() >= 2, "{probe}");
    let median = |of: &Value| of["median_s"].as_f64().unwrap();
    assert!(median(&probe["total"]) >= 0.25, "{probe}");
    let phase = |id: &str| probe["phases"].as_array().unwrap().iter().find(|phase| phase["id"] == id).cloned();
    assert!(median(&phase("first-byte").unwrap()) >= 0.25 && phase("tls").is_none(), "{probe}");
    let shares: f64 = probe["phases"].as_array().unwrap().iter().map(|phase| phase["ratio"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-6, "{probe}");
    check_time(&answer["time"]);

    // What was asked is part of the recording.
    let replayed = perfuse(["why", "--json", "--replay"]).arg(&file).output().unwrap();
    assert_eq!(stdout(&live), stdout(&replayed));
    let korean = perfuse(["why", "--lang", "ko", "--replay"]).arg(&file).output().unwrap();
    assert!(stdout(&korean).contains("첫 바이트 기다림"), "{}", stdout(&korean));
}

#[test]
fn requests_that_fail_are_the_answer() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let round = answering("HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n", Duration::ZERO);
    for (port, scheme, failure) in [(closed, "http", "refused"), (round, "http", "redirects"), (round, "https", "tls")]
    {
        let url = format!("{scheme}://127.0.0.1:{port}/");
        let begin = Instant::now();
        let output = run(["why", "--json", "--no-bpf", "-d", "1s", "--url", &url]);
        assert!(begin.elapsed() < Duration::from_secs(60), "bounded");
        let answer = json(&output);
        let failures = answer["probe"]["failures"].as_array().unwrap();
        // Whatever a server that knows no TLS says to a hello, the encryption is what fails.
        let known = |id: &Value| id == failure || (failure == "tls" && (id == "timed-out" || id == "reset"));
        assert!(failures.iter().any(|one| known(&one["id"])), "{}", answer["probe"]);
        assert_eq!(answer["findings"][0]["id"], "why.failing-url", "{}", answer["findings"]);
        assert_eq!(output.status.code(), Some(1));
    }
    for (url, said) in [("ftp://a/", "http://"), ("http://a b/", "host"), ("http://a:99999/", "port")] {
        let output = run(["why", "--url", url]);
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(stderr(&output).contains(url) && stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_command_that_fails_or_ends_at_once_is_answered_for() {
    for (line, status) in [("true", 0), ("exit 7", 7), ("kill -9 $$", 9)] {
        let output = run(["why", "--json", "--no-bpf", "--", "sh", "-c", line]);
        let answer = json(&output);
        check_time(&answer["time"]);
        assert!(matches!(output.status.code(), Some(0..=2)), "{line}: {}", stderr(&output));
        // Its status is told; ours is that of the answer.
        let said = stderr(&output).contains(&status.to_string());
        assert!(status == 0 || said, "{line}: {}", stderr(&output));
    }
}

#[test]
fn a_damaged_recording_is_answered_for_up_to_the_damage() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    let output = perfuse(["why", "--json", "--no-bpf", "-d", "2s", "--record"]).arg(&whole).output().unwrap();
    json(&output);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = directory.path().join("cut");
    std::fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    let output = perfuse(["why", "--json", "--replay"]).arg(&cut).output().unwrap();
    check_time(&json(&output)["time"]);
    assert!(stderr(&output).contains("damaged at byte"), "{}", stderr(&output));
    let mut turned = bytes.clone();
    let middle = turned.len() / 8;
    turned[middle] ^= 0xff;
    std::fs::write(&cut, &turned).unwrap();
    let output = perfuse(["why", "--replay"]).arg(&cut).output().unwrap();
    assert!(stderr(&output).contains("at byte"), "{}", stderr(&output));
    std::fs::write(&cut, &bytes[..20]).unwrap();
    let output = perfuse(["why", "--replay"]).arg(&cut).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn an_interrupted_look_answers_with_what_it_has() {
    let child = perfuse(["why", "--json", "--no-bpf", "-d", "60s", "--pid", &std::process::id().to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let answer = json(&output);
    check_time(&answer["time"]);
    assert!(answer["duration_s"].as_f64().unwrap() < 50.0);
    assert_eq!(answer["victim"]["pid"], std::process::id());
}

#[test]
fn a_process_with_thousands_of_threads_is_split_like_any_other() {
    const MANY: usize = 5000;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let stopped = std::sync::Arc::new(std::sync::Mutex::new(stopped));
    let mut threads = Vec::new();
    for _ in 0..MANY {
        let stopped = std::sync::Arc::clone(&stopped);
        let builder = std::thread::Builder::new().stack_size(64 << 10);
        match builder.spawn(move || drop(stopped.lock().map(|receiver| receiver.recv()))) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                drop(stop);
                perfuse_testkit::skip!("no {MANY} threads here: {error}");
            }
        }
    }
    let output = run(["why", "--json", "-d", "2s", "--pid", &std::process::id().to_string()]);
    drop(stop);
    for thread in threads {
        thread.join().unwrap();
    }
    let answer = json(&output);
    check_time(&answer["time"]);
    let total = answer["time"]["total_s_per_s"].as_f64().unwrap();
    // As an ordinary user the threads of others are not seen one by one.
    assert!(total > MANY as f64 * 0.9 || answer["time"]["exact"] == false, "{total}");
}

#[test]
fn without_any_right_the_open_sources_answer() {
    need!(gate::root());
    need!(gate::command("setpriv"));
    // Copied to where the user may execute it.
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("perfuse");
    std::fs::copy(env!("CARGO_BIN_EXE_perfuse"), &program).unwrap();
    for path in [directory.path(), &program] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];
    let output = Command::new("setpriv")
        .args(nobody)
        .arg(&program)
        .args(["why", "--json", "--lang", "en", "-d", "1s", "--pid", "1"])
        .output()
        .unwrap();
    let answer = json(&output);
    check_time(&answer["time"]);
    assert_eq!(answer["time"]["exact"], false);
    let open = answer["cannot_tell"].as_array().unwrap();
    assert!(open.iter().any(|line| line.as_str().unwrap().contains("CAP_BPF")), "{open:?}");
    let findings = answer["findings"].as_array().unwrap();
    assert!(findings.iter().all(|one| one["confidence"].as_f64().unwrap() < 1.0), "{findings:?}");
}

#[test]
fn pids_are_those_of_the_own_namespace() {
    need!(gate::root());
    need!(gate::command("unshare"));
    // The program in the container is its pid 1; what it asks for there is a child of a small number.
    let script = "sleep 30 & sleep 0.2; \"$0\" why --json --lang en -d 1s --pid $!; kill $!";
    let output = Command::new("unshare")
        .args(["-pf", "--mount-proc", "sh", "-c", script, env!("CARGO_BIN_EXE_perfuse")])
        .output()
        .unwrap();
    if output.stdout.is_empty() && stderr(&output).contains("unshare") {
        perfuse_testkit::skip!("no pid namespace: {}", stderr(&output));
    }
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    check_time(&answer["time"]);
    assert_eq!(answer["victim"]["name"], "sleep", "{}", answer["victim"]);
    assert!(answer["victim"]["pid"].as_u64().unwrap() < 20);
}
