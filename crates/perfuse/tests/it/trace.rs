//! `trace`, `probe --live` and probes without kprobes, on the running kernel.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use perfuse_testkit::{gate, need, skip};
use serde_json::Value;

use crate::perf_probe::{Probed, can_probe};
use crate::{Running, perfuse, run, stderr, stdout};

const TRACING: &str = "/sys/kernel/tracing/events/sched/sched_process_exec/id";

fn can_trace() -> gate::Gate {
    gate::root()?;
    gate::exists(TRACING)
}

/// Runs a watcher, and beside it a command again and again until the watcher ends.
fn beside(mut watcher: Command, mut act: impl FnMut()) -> Output {
    let child = watcher.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = std::thread::spawn(move || child.wait_with_output().unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    while !ended.is_finished() && Instant::now() < until {
        act();
        std::thread::sleep(Duration::from_millis(20));
    }
    ended.join().unwrap()
}

fn exec_true() {
    // Its end is all that matters.
    let _ = Command::new("true").status();
}

/// Whether programs are refused: then the numbers come from the rings, which is another test's.
fn programs_are_refused(output: &Output) -> bool {
    stderr(output).contains("not permitted") || stderr(output).contains("bpf(2)")
}

#[test]
fn hits_of_a_tracepoint_are_shown_as_they_come() {
    need!(can_trace());
    let mut watcher = perfuse(["trace", "-e", "sched:sched_process_exec", "--filter", "filename ~ \"*/true\""]);
    watcher.args(["--max", "3", "--for", "20s", "--lang", "en"]);
    let output = beside(watcher, exec_true);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("TIME"), "{text}");
    assert_eq!(lines.len(), 4, "{text}");
    let column = lines[0].find("FIELDS").unwrap();
    for line in &lines[1..] {
        assert!(line[column..].starts_with("filename=") && line.contains("/true"), "{text}");
    }
    assert!(stderr(&output).contains("3 hits in"), "{}", stderr(&output));
}

#[test]
fn conditions_that_the_kernel_does_not_know_are_looked_at_here() {
    need!(can_trace());
    let mut watcher =
        perfuse(["trace", "-e", "sched:sched_process_exec", "--filter", "pid - old_pid < 1ms && comm == \"true\""]);
    watcher.args(["--max", "2", "--for", "20s", "--json", "-q"]);
    let output = beside(watcher, exec_true);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 2, "{text} {}", stderr(&output));
    assert!(text.lines().all(|line| line.contains("/true")), "{text}");
}

#[test]
fn hits_are_json_for_programs() {
    need!(can_trace());
    let mut watcher = perfuse(["trace", "-e", "sched:sched_process_exec", "--json", "-q", "--max", "2"]);
    watcher.args(["--for", "20s"]);
    let output = beside(watcher, exec_true);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 2, "{text} {}", stderr(&output));
    for line in text.lines() {
        let hit: Value = serde_json::from_str(line).unwrap();
        assert_eq!(hit["event"], "sched:sched_process_exec");
        assert!(hit["fields"]["filename"].as_str().is_some_and(|name| name.starts_with('/')), "{hit}");
        assert_eq!(hit["fields"]["pid"], hit["pid"]);
    }
}

#[test]
fn a_wrong_filter_has_a_caret_and_the_nearest_names() {
    need!(can_trace());
    let output = run(["trace", "-e", "sched:sched_process_exec", "--filter", "pid > 1 && filname == \"x\""]);
    assert_eq!(output.status.code(), Some(129));
    let text = stderr(&output);
    assert!(text.contains("             \\___ ") && text.contains("filename"), "{text}");
    let output = run(["trace", "-e", "sched:sched_process_exec", "--sum", "filename"]);
    assert_eq!(output.status.code(), Some(129));
    assert_eq!(run(["trace"]).status.code(), Some(129));
    assert_eq!(run(["trace", "-e", "cs", "--sum", "cpu", "--hist", "cpu"]).status.code(), Some(129));
}

#[test]
fn hits_are_counted_in_the_kernel_by_key() {
    need!(can_trace());
    let mut watcher = perfuse(["trace", "-e", "sched:sched_process_exec", "--by", "comm", "--json"]);
    watcher.args(["--filter", "filename ~ \"/*\" && comm == \"true\"", "--for", "1500ms"]);
    let output = beside(watcher, exec_true);
    if programs_are_refused(&output) {
        skip!("{}", stderr(&output));
    }
    let result: Value = serde_json::from_str(stdout(&output).trim()).unwrap();
    let rows = result["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{result}");
    assert_eq!(rows[0]["key"]["comm"], "true");
    assert!(rows[0]["count"].as_u64().unwrap() > 0);
    // The kernel measured the program.
    assert!(result["about"]["program_runs"].as_u64().unwrap() > 0, "{result}");
}

#[test]
fn functions_of_programs_are_watched_and_leave_nothing_behind() {
    need!(can_probe());
    let probed = Probed::new("live");
    let events = || std::fs::read_to_string("/sys/kernel/tracing/uprobe_events").unwrap();
    let act = || _ = Command::new(&probed.program).args(["a", "b"]).output();
    let live = |definition: &str, more: &[&str]| {
        let mut watcher = perfuse(["probe", "-x"]);
        watcher.arg(&probed.program).args(["--live", definition, "--lang", "en"]).args(more);
        beside(watcher, act)
    };
    let output = live("myfunc s:string n t->p->name:string", &["--max", "2", "--for", "20s"]);
    if programs_are_refused(&output) {
        skip!("{}", stderr(&output));
    }
    let text = stdout(&output);
    // The page of the constant text may not be in memory yet, and a program cannot wait for it.
    assert!(text.contains(" n=3 name=\"abc\"") && text.contains("s_string=\""), "{text} {}", stderr(&output));
    let output = live("leaf%return $retval:s64", &["--hist", "arg1", "--by", "comm", "--for", "1s"]);
    let text = stdout(&output);
    // leaf(3) is 6.
    assert!(text.contains("[4, 8)") && text.contains("MIN 6  MAX 6"), "{text} {}", stderr(&output));
    assert!(text.contains("in the kernel"), "{text}");
    if cfg!(target_arch = "x86_64") {
        // The counter of the tracepoint has to be raised for the second to be reached.
        let output = live("%mine:counted", &["--sum", "arg2", "--json", "--for", "1s"]);
        let result: Value = serde_json::from_str(stdout(&output).trim()).unwrap();
        assert_eq!(result["rows"][0]["min"], 99, "{result}");
    }
    assert!(!events().contains("mine"), "{}", events());
    let mut other = perfuse(["probe", "--live", "leaf", "--count", "--for", "1s", "--json", "-p", "1", "-x"]);
    let output = beside(
        {
            other.arg(&probed.program);
            other
        },
        act,
    );
    let result: Value = serde_json::from_str(stdout(&output).trim()).unwrap();
    assert_eq!(result["rows"].as_array().unwrap().len(), 0, "another process has no hits: {result}");
}

#[test]
fn options_of_live_need_it() {
    let output = run(["probe", "--hist", "x", "tcp_sendmsg"]);
    assert_eq!(output.status.code(), Some(129));
    assert!(stderr(&output).contains("--live"), "{}", stderr(&output));
    assert_eq!(run(["probe", "--via", "magic", "tcp_sendmsg"]).status.code(), Some(129));
}

#[test]
fn numbers_are_served_as_metrics() {
    need!(can_trace());
    let mut child =
        perfuse(["trace", "-e", "sched:sched_process_exec", "--openmetrics", "127.0.0.1:0", "--lang", "en"]);
    let child = child.args(["--hist", "pid", "--for", "20s"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = Running(child.spawn().unwrap());
    let mut line = String::new();
    let mut said = BufReader::new(child.0.stderr.take().unwrap());
    while !line.contains("http://") {
        line.clear();
        if said.read_line(&mut line).unwrap() == 0 {
            skip!("no programs and no samples: {line}");
        }
    }
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let until = Instant::now() + Duration::from_secs(10);
    let mut answer = String::new();
    // A loaded kernel may lose the first hits.
    while !answer.contains("perfuse_trace_value_bucket") && Instant::now() < until {
        exec_true();
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        answer.clear();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("# EOF\n"), "{answer}");
    }
    assert!(answer.contains("perfuse_trace_hits_total{event=\"sched:sched_process_exec\"}"), "{answer}");
    assert!(answer.contains("le=\"+Inf\""), "{answer}");
}

/// A probe that is kept in a file, removed with the test.
struct Stored(String);

impl Stored {
    fn add(definition: &str) -> Option<Self> {
        let group = format!("it{}", std::process::id());
        let output = run(["probe", "--via", "tp_btf", &format!("{group}:{definition}"), "--lang", "en"]);
        let added = output.status.code() == Some(0);
        assert!(added || stderr(&output).contains("- tp_btf"), "{}", stderr(&output));
        added.then_some(Self(group))
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        run(["probe", "-q", "-d", &format!("{}:*", self.0)]);
    }
}

#[test]
fn a_tracepoint_with_typed_arguments_is_an_event_as_any_other() {
    need!(can_trace());
    need!(gate::exists("/sys/kernel/btf/vmlinux"));
    let Some(stored) = Stored::add("it=sched_switch prev->comm:string next->pid next->mm->arg_start") else {
        skip!("the kernel takes no typed program");
    };
    let event = format!("{}:it", stored.0);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perf.data");
    let file = file.to_str().unwrap();
    let output = run(["record", "-q", "-o", file, "-e", &event, "--filter", "pid > 0", "-a", "sleep", "0.3"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&run(["script", "-i", file, "-F", "comm,event,trace"]));
    assert!(text.lines().count() > 0, "somebody was switched to");
    for line in text.lines() {
        assert!(line.contains(&format!("{event}:")) && line.contains(" comm=\"") && !line.contains("pid=0 "), "{line}");
    }
    // A task is switched away from under its own name.
    let own = text.lines().filter(|line| line.contains("sleep")).any(|line| line.contains("comm=\"sleep\""));
    assert!(own || !text.contains("sleep"), "{text}");
    if gate::command("perf").is_ok() {
        let fields = ["script", "-i", file, "-F", "event,trace"];
        let theirs = Command::new("perf").args(fields).output().unwrap();
        let (ours, theirs) = (stdout(&run(fields)), stdout(&theirs));
        let differs = ours.lines().zip(theirs.lines()).find(|(own, other)| own != other);
        assert!(differs.is_none() && ours.lines().count() == theirs.lines().count(), "{differs:?}");
    }
    let output = run(["stat", "-x", ",", "-a", "-e", &event, "-e", "cs", "sleep", "0.3"]);
    let text = stderr(&output);
    let count: u64 =
        text.lines().find(|line| line.contains(&event)).unwrap().split(',').next().unwrap().parse().unwrap();
    assert!(count > 0, "{text}");
    assert!(stdout(&run(["probe", "-l"])).contains(&event));
    let output = run(["trace", "-e", &event, "--count", "--by", "pid", "--for", "300ms", "--json"]);
    let result: Value = serde_json::from_str(stdout(&output).trim()).unwrap();
    assert!(result["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{result}");
    let removed = run(["probe", "-d", &event]);
    assert!(stderr(&removed).contains("Removed event"), "{}", stderr(&removed));
    assert!(!stdout(&run(["probe", "-l"])).contains(&event));
}

#[test]
fn arguments_that_a_tracepoint_does_not_have_are_named() {
    need!(can_trace());
    need!(gate::exists("/sys/kernel/btf/vmlinux"));
    let output = run(["probe", "--via", "tp_btf", "sched_switch nxt->pid", "--lang", "en"]);
    assert_eq!(output.status.code(), Some(254), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("`nxt` is no parameter") && text.contains("next"), "{text}");
}

#[test]
fn an_ordinary_user_is_told_what_is_lacking() {
    need!(gate::ordinary_user());
    let output = run(["trace", "-e", "sched:sched_switch", "--for", "100ms"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(!stderr(&output).is_empty());
}
