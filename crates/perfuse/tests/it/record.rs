//! `perf record`: what the kernel is asked for, and that real perf reads what was written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use perfuse_testkit::{gate, need, skip};

use crate::{perfuse, run, stderr, stdout};

/// A program that runs a moment, makes files and ends with status 7.
const BURN: &str = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; ls /usr/bin >/dev/null; exit 7";

/// Runs `record` into a file of the directory.
fn record(directory: &Path, arguments: &[&str]) -> (PathBuf, Output) {
    let file = directory.join("perf.data");
    let output = perfuse(["record", "-o"]).arg(&file).args(arguments).env("HOME", directory).output().unwrap();
    (file, output)
}

/// What perf says of records that the kernel had no room for, which a busy machine has.
const BUSY: [&str; 3] = ["Warning:", "Processed ", "Check IO/CPU overload!"];

/// What real perf makes of a file; a complaint of it is a failure, other than that libtraceevent finds no plugins, or that
/// the kernel lost records.
fn perf(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("perf").args(arguments).arg("-i").arg(file).output().unwrap();
    let complaints = stderr(&output);
    let known = |line: &str| line.contains("libtraceevent") || line.contains("expected type");
    let serious = |line: &&str| !known(line) && !BUSY.iter().any(|word| line.starts_with(word)) && !line.is_empty();
    assert!(output.status.success(), "{complaints}");
    assert_eq!(complaints.lines().find(serious), None, "{arguments:?}");
    stdout(&output)
}

/// Number of samples, as the last line says.
fn samples(output: &Output) -> usize {
    let text = stderr(output);
    let count = text.rsplit_once(" samples)").and_then(|(before, _)| before.rsplit_once('(')).map(|(_, count)| count);
    count.map_or(0, |count| count.parse().unwrap())
}

fn may_watch_everything() -> gate::Gate {
    gate::command("perf")?;
    gate::root()
}

#[test]
fn the_status_is_that_of_the_command_and_perf_reads_the_file() {
    need!(gate::command("perf"));
    need!(gate::root());
    let directory = tempfile::tempdir().unwrap();
    for kind in [&["-e", "cpu-clock"][..], &["-e", "cpu-clock", "-g"], &["-e", "cpu-clock", "--call-graph", "dwarf"]] {
        let arguments = [kind, &["-F", "999", "--", "sh", "-c", BURN]].concat();
        let (file, output) = record(directory.path(), &arguments);
        assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
        assert!(samples(&output) > 10, "{}", stderr(&output));
        let script = perf(&["script", "-F", "comm,event"], &file);
        assert_eq!(script.lines().filter(|line| line.contains("cpu-clock")).count(), samples(&output), "{kind:?}");
        let report = perf(&["report", "--stdio"], &file);
        assert!(report.contains("libc") || report.contains("dash") || report.contains("sh "), "{report}");
        let header = perf(&["report", "--header-only"], &file);
        assert!(header.contains("# cmdline : ") && header.contains("# nrcpus online : "), "{header}");
        perf(&["buildid-list"], &file);
    }
    assert!(directory.path().join("perf.data.old").exists());
}

#[test]
fn whole_systems_groups_and_tracepoints_are_read_by_perf() {
    need!(may_watch_everything());
    need!(gate::exists("/sys/kernel/tracing/events/sched/sched_switch"));
    let directory = tempfile::tempdir().unwrap();
    let kinds: [&[&str]; 6] = [
        &["-e", "cpu-clock", "-F", "999", "-ag"],
        &["-e", "sched:sched_switch", "-a"],
        &["-e", "{cs,faults}:S", "-a"],
        &["-e", "cs", "-e", "faults", "-c", "1", "-a", "-z"],
        &["-e", "sched:sched_switch", "--filter", "prev_pid != 0", "--exclude-perf", "-a", "-g"],
        &["-e", "cpu-clock/max-stack=2/", "-e", "cs/max-stack=5/", "-F99", "-a", "-g"],
    ];
    for kind in kinds {
        let (file, output) = record(directory.path(), &[kind, &["--", "sh", "-c", BURN]].concat());
        assert_eq!(output.status.code(), Some(7), "{kind:?}: {}", stderr(&output));
        let script = perf(&["script", "-F", "comm,event"], &file);
        assert!(script.lines().any(|line| line.contains(':')), "{kind:?}");
        perf(&["report", "--stdio"], &file);
    }
}

#[test]
fn stacks_unwound_while_recording_are_small_and_as_deep() {
    need!(gate::command("perf"));
    need!(gate::root());
    let directory = tempfile::tempdir().unwrap();
    // The shell calls itself for each bracket; its code has no frame pointers in most distributions.
    let burn = "f() { if [ $1 -gt 0 ]; then f $(($1-1)); fi; }; i=0; while [ $i -lt 6000 ]; do f 20; i=$((i+1)); done";
    let mut kinds = ["unwind", "dwarf"].map(|mode| {
        let arguments = ["-e", "cpu-clock:u", "-F", "999", "--call-graph", mode, "--", "sh", "-c", burn];
        let (file, output) = record(directory.path(), &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let count = samples(&output);
        if count < 10 {
            return (count, 0, 0.0);
        }
        let script = perf(&["script", "-F", "ip,sym", "--no-inline"], &file);
        let frames = script.lines().filter(|line| !line.trim().is_empty()).count();
        (count, std::fs::metadata(&file).unwrap().len() / count as u64, frames as f64 / count as f64)
    });
    let [(ours, small, deep), (theirs, large, depth)] = std::mem::take(&mut kinds);
    if ours < 10 || theirs < 10 {
        skip!("too few samples on this machine");
    }
    // Of the file's fixed part, each sample bears its share; a copy of the stack has 8 KiB.
    assert!(small * 4 < large, "{small} bytes a sample, {large} with stacks");
    assert!(deep > depth * 0.7 && deep > 3.0, "{deep} frames a sample, {depth} as perf unwinds");
}

#[test]
fn a_pipe_is_read_by_perf() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let mut ours = perfuse(["record", "-e", "cs", "-c", "1", "-a", "-o", "-", "--", "sh", "-c", BURN]);
    let output = ours.output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let file = directory.path().join("pipe.data");
    std::fs::write(&file, &output.stdout).unwrap();
    let script = perf(&["script", "-F", "comm,event"], &file);
    assert_eq!(script.lines().filter(|line| line.contains("cs")).count(), samples(&output));
}

#[test]
fn what_ran_before_is_told_as_perf_tells_it() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let mut watched = Command::new("sleep").arg("100").spawn().unwrap();
    let pid = watched.id().to_string();
    // Its mappings are complete once it sleeps.
    while !std::fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default().contains("sleep") {
        std::thread::yield_now();
    }
    let arguments = ["-e", "cpu-clock", "-p", &pid, "--", "true"];
    let (ours, output) = record(directory.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let theirs = directory.path().join("theirs.data");
    let status = Command::new("perf").arg("record").arg("-o").arg(&theirs).args(arguments).output().unwrap().status;
    watched.kill().unwrap();
    watched.wait().unwrap();
    assert!(status.success());
    // FORK is not told of a single process by perf, and offsets differ with it.
    let records = |file: &Path| -> Vec<String> {
        let text = perf(&["script", "-D"], file);
        let told = text.lines().filter(|line| line.contains("PERF_RECORD_MMAP") || line.contains("PERF_RECORD_COMM"));
        let told = told.filter_map(|line| line.split_once("]: ").map(|(_, record)| record.to_owned()));
        told.filter(|record| !record.contains("perf-exec") && !record.contains("COMM exec")).collect()
    };
    assert_eq!(records(&ours), records(&theirs));
}

/// The `perf_event_open` calls that ask for an event of the recording, without what differs from run to run.
fn asked(program: &[&str], arguments: &[&str], directory: &Path) -> Vec<String> {
    let trace = directory.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-v", "-e", "trace=perf_event_open", "-o"]).arg(&trace).args(program).arg("record");
    strace.arg("-o").arg(directory.join("traced.data")).args(arguments).env("HOME", directory);
    strace.output().unwrap();
    let text = std::fs::read_to_string(&trace).unwrap();
    let calls = text.lines().filter(|line| line.contains("perf_event_open(") && !line.contains("read_format=0,"));
    let one = |line: &str| {
        let call = line.split_once("perf_event_open(").unwrap().1;
        let (attr, rest) = call.split_once("}, ").unwrap();
        let (places, result) = rest.split_once(") = ").unwrap();
        let mut places: Vec<&str> = places.split(", ").collect();
        if places[0].parse::<i32>().is_ok_and(|pid| pid > 0) {
            places[0] = "PID";
        }
        if places[2] != "-1" {
            places[2] = "LEADER";
        }
        let result = result.split(' ').nth(1).unwrap_or("opened");
        format!("{attr} | {} | {result}", places.join(", "))
    };
    calls.map(one).collect()
}

#[test]
fn the_kernel_is_asked_for_what_perf_asks_for() {
    need!(may_watch_everything());
    need!(gate::command("strace"));
    let directory = tempfile::tempdir().unwrap();
    let own = env!("CARGO_BIN_EXE_perfuse");
    let lines: [&[&str]; 26] = [
        &["-F", "99", "true"],
        &["-F", "99", "-p", "self", "true"],
        &["-F", "99", "-p", "self", "-g", "--", "true"],
        &["-F", "99", "-p", "self", "--call-graph", "dwarf", "true"],
        &["-F", "99", "-ag", "--", "true"],
        &["-F", "99", "-e", "cpu-clock", "-ag", "--", "true"],
        &["-F", "99", "-a", "--call-graph", "dwarf", "true"],
        &["-e", "cycles:k", "-a", "--", "true"],
        &["-e", "cycles:up", "-a", "--", "true"],
        &["-e", "context-switches", "-a", "--", "true"],
        &["-e", "context-switches", "-c", "1", "-a", "--", "true"],
        &["-e", "context-switches", "-ag", "-T", "--", "true"],
        &["-e", "minor-faults", "-c", "1", "-ag", "--", "true"],
        &["-F99", "-e", "cpu-clock", "-e", "cs", "-a", "-g", "--", "true"],
        &["-F99", "-e", "cpu-clock/max-stack=2/", "-e", "cs/max-stack=5/", "-a", "-g", "--", "true"],
        &["-e", "{cs,faults}:S", "-a", "--", "true"],
        &["-s", "-n", "-d", "-R", "-i", "true"],
        &["--per-thread", "true"],
        &["-D", "10", "-k", "mono", "true"],
        &["--all-user", "-e", "cs:k", "--sample-cpu", "--phys-data", "true"],
        &["-e", "cs/call-graph=fp,period=10,name=x/", "--namespaces", "--all-cgroups", "true"],
        &["-e", "faults/call-graph=dwarf,stack-size=4096/", "--overwrite", "true"],
        &["-e", "cpu-clock", "--user-regs=ip,sp", "--weight", "--transaction", "--sample-identifier", "true"],
        &["-e", "{cs,faults}:W", "--code-page-size", "--data-page-size", "--running-time", "-a", "true"],
        &["-e", "cs", "--buildid-mmap", "--switch-events", "--no-bpf-event", "--user-callchains", "-g", "true"],
        &["-e", "cs", "-e", "faults", "--group", "--no-buffering", "--kernel-callchains", "-ga", "true"],
    ];
    let me = std::process::id().to_string();
    for line in lines {
        let line: Vec<&str> = line.iter().map(|word| if *word == "self" { me.as_str() } else { word }).collect();
        let theirs = asked(&["perf"], &line, directory.path());
        if theirs.is_empty() {
            skip!("strace shows no calls");
        }
        // Threads of the test itself come and go; of many equal calls, the different ones are compared.
        let mut ours = asked(&[own], &line, directory.path());
        let mut theirs = theirs;
        for calls in [&mut ours, &mut theirs] {
            calls.dedup();
            if line.contains(&"-p") {
                calls.sort();
                calls.dedup();
            }
        }
        assert_eq!(ours, theirs, "{line:?}");
    }
}

#[test]
fn a_signal_ends_the_recording_in_order() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perf.data");
    let mut command = perfuse(["record", "-e", "cs", "-a", "-o"]);
    let mut child = command.arg(&file).env("HOME", directory.path()).spawn().unwrap();
    while std::fs::metadata(&file).map_or(0, |data| data.len()) < 1000 {
        std::thread::yield_now();
    }
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    perf(&["report", "--stdio", "--stats"], &file);
}

#[test]
fn files_in_a_row_are_each_complete() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["-e", "cs", "-c", "1", "-a", "--switch-output=100K", "--", "sh", "-c", BURN];
    let (file, output) = record(directory.path(), &arguments);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let parts: Vec<PathBuf> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("perf.data."))
        .collect();
    assert!(!parts.is_empty() && !file.exists());
    for part in parts {
        perf(&["report", "--stdio", "--header-only"], &part);
    }
}

#[test]
fn a_full_disk_leaves_what_was_written_readable() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let small = directory.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        skip!("needs to mount a tmpfs");
    }
    let file = small.join("perf.data");
    let burn = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); (:); done";
    let arguments = ["-e", "faults", "-c", "1", "-g", "-a", "--", "sh", "-c", burn];
    let output = perfuse(["record", "-o"]).arg(&file).args(arguments).env("HOME", directory.path()).output().unwrap();
    let text = stderr(&output);
    let script = perf(&["script", "-F", "comm,event"], &file);
    let header = perf(&["report", "--header-only"], &file);
    Command::new("umount").arg(&small).status().unwrap();
    assert_eq!(output.status.code(), Some(255), "{text}");
    assert!(text.contains("perf.data: No space left on device"), "{text}");
    assert!(script.contains("faults") && header.contains("# cmdline"), "{header}");
}

#[test]
fn what_does_not_do_is_said_with_the_status_of_perf() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.data");
    let file = path.to_str().unwrap();
    let lines: [(&[&str], i32, &str); 12] = [
        (&["-F", "99", "-c", "100", "true"], 234, "contradict"),
        (&["-F", "999999999", "--strict-freq", "true"], 234, "perf_event_max_sample_rate"),
        (&["-c", "10k", "true"], 129, "whole number"),
        (&["--call-graph", "bogus", "true"], 129, "dwarf"),
        (&["--call-graph", "dwarf,70000", "true"], 129, "65,528"),
        (&["-e", "cycels", "true"], 129, "cycles"),
        (&["--filter", "x == 0", "-e", "sched:sched_switch", "true"], 129, "--filter"),
        (&["-e", "cs", "--filter", "x == 0", "true"], 129, "--filter"),
        (&["-e", "sched:sched_switch", "--filter", "nosuch == 0", "-a", "true"], 255, "nosuch == 0"),
        (&["-G", "group", "-e", "cs", "-a", "true"], 129, "-G"),
        (&["-p", "99999999", "true"], 244, "99999999"),
        (&["-C", "9999", "true"], 237, "9999"),
    ];
    for (line, status, word) in lines {
        let output = run([&["record", "-o", file], line].concat());
        assert_eq!(output.status.code(), Some(status), "{line:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{line:?}: {}", stderr(&output));
    }
    let output = run(["record", "-o", "/no/such/directory/x", "-e", "cs", "true"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).contains("/no/such/directory/x"), "{}", stderr(&output));
    let output = run(["record", "-o", file, "-e", "cs", "/no/such/program"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).contains("/no/such/program"), "{}", stderr(&output));
    let output = run(["record", "-o", file, "-q", "-e", "cs", "true"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}
