//! `perf report` beside the real one, on recordings made by the real one.
//!
//! The program that is recorded is compiled for the test, with frame pointers and a known call graph: `top_a` calls `leaf`
//! nine times as often as `top_b` does, `rec` calls itself.

use std::path::Path;
use std::process::Command;

use perfuse_testkit::skip;

use crate::{run, stdout};

const PROGRAM: &str = r"
#include <stdlib.h>
#include <sys/mman.h>
volatile unsigned long x;
#define F __attribute__((noinline, noclone)) void
F leaf(unsigned n) { for (unsigned i = 0; i < n; i++) x += i * i; }
F top_a(int n) { leaf(n * 9); x++; }
F top_b(int n) { leaf(n); x++; }
F rec(int d, int n) { if (d == 0) leaf(n); else rec(d - 1, n); x++; }
F mem(void) {
  char *p = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 1 << 20; i += 4096) p[i] = 1;
  munmap(p, 1 << 20);
}
int main(void) {
  for (int i = 0; i < 150; i++) { top_a(30000); top_b(30000); rec(i % 7, 30000); mem(); }
}
";

/// Whether a program is there.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A recording in `dir` with these options; `None` where there is no perf, no compiler, or nobody may record.
fn record(dir: &Path, name: &str, options: &[&str]) -> Option<String> {
    let (source, program) = (dir.join("work.c"), dir.join("work"));
    if !program.exists() {
        std::fs::write(&source, PROGRAM).unwrap();
        let compiled = Command::new("cc")
            .args(["-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-o"])
            .args([&program, &source])
            .status();
        compiled.ok().filter(std::process::ExitStatus::success)?;
    }
    let file = dir.join(name);
    let recorded = Command::new("perf").args(["record", "-q", "-o"]).arg(&file).args(options).arg(&program).output();
    recorded.ok().filter(|output| output.status.success())?;
    Some(file.to_str().unwrap().to_owned())
}

/// What is compared: the tips at the end are each program's own.
fn without_tip(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("# (Tip") && !line.starts_with("# (Cannot"));
    // perf prints memory that nobody set behind what a threshold leaves out.
    lines.map(|line| line.replace("[...] (inlined)", "[...]") + "\n").collect()
}

/// Runs both with the same options on the same file and compares.
fn compare(file: &str, options: &str) {
    let words = || options.split_whitespace();
    let theirs = Command::new("perf").args(["report", "--stdio", "-i", file]).args(words()).output().unwrap();
    let mut line = vec!["report", "--stdio", "-i", file];
    line.extend(words());
    let ours = run(&line);
    let theirs = without_tip(&String::from_utf8_lossy(&theirs.stdout));
    let ours_text = without_tip(&stdout(&ours));
    let differing = theirs.lines().zip(ours_text.lines()).position(|(one, other)| one != other);
    let around = |text: &str| -> String {
        let from = differing.unwrap_or(0).saturating_sub(2);
        text.lines().skip(from).take(8).collect::<Vec<_>>().join("\n")
    };
    assert!(theirs == ours_text, "{options}\nperf:\n{}\nperfuse:\n{}", around(&theirs), around(&ours_text));
    assert!(theirs.len() > 100, "{options}: perf has nothing to say: {theirs}");
}

#[test]
fn tables_and_call_trees_are_those_of_perf() {
    let dir = tempfile::tempdir().unwrap();
    if !has("perf") || !has("cc") {
        skip!("no perf or no compiler");
    }
    let Some(file) = record(dir.path(), "fp.data", &["-F", "997", "-g"]) else { skip!("perf cannot record here") };
    for options in [
        "",
        "--no-children -n",
        "-n -g folded",
        "-g callee",
        "-g flat",
        "-g fractal,0.5,callee --no-children",
        "-g graph,0.5,caller,3",
        "-g folded,count",
        "-g none",
        "-s cpu,comm",
        "-s symbol",
        "-p leaf -x",
        "-F sample,period,comm --no-children",
        "-F overhead_sys,overhead_us,sym",
        "-t ; -g folded",
        "-w 10,8,5,12,20",
        "--percent-limit 3",
        "-d work",
        "-S leaf,mem --no-children",
        "--symbol-filter pa --percentage relative",
        "-U",
        "--max-stack 3",
        "--stdio-color always",
        "--stats",
        "--tasks",
        "--mmaps",
        "-D",
        "-s pid",
        "--hierarchy",
        "--hierarchy -n -s {comm,dso},sym -g callee",
        "--hierarchy --percent-limit 20 -g none",
        "--disable-order",
        "--percent-type global-hits",
    ] {
        compare(&file, options);
    }
}

#[test]
fn counts_of_threads_are_those_of_perf() {
    let dir = tempfile::tempdir().unwrap();
    if !has("perf") || !has("cc") {
        skip!("no perf or no compiler");
    }
    let Some(file) = record(dir.path(), "stat.data", &["-s", "-T"]) else { skip!("perf cannot record here") };
    for options in ["-T", "-T --pretty raw", "-D"] {
        compare(&file, options);
    }
}

#[test]
fn several_events_and_groups_are_those_of_perf() {
    let dir = tempfile::tempdir().unwrap();
    if !has("perf") || !has("cc") {
        skip!("no perf or no compiler");
    }
    let Some(two) = record(dir.path(), "two.data", &["-g", "-e", "cpu-clock", "-e", "page-faults"]) else {
        skip!("perf cannot record here")
    };
    compare(&two, "");
    compare(&two, "--no-children -n");
    let Some(group) = record(dir.path(), "group.data", &["-e", "{cpu-clock,page-faults}"]) else {
        skip!("perf cannot record groups here")
    };
    for options in ["", "-n -s sym", "--no-group", "--group-sort-idx 1", "--hierarchy"] {
        compare(&group, options);
    }
}

#[test]
fn fields_of_tracepoints_are_keys_as_in_perf() {
    let dir = tempfile::tempdir().unwrap();
    if !has("perf") || !has("cc") {
        skip!("no perf or no compiler");
    }
    let events = ["-e", "sched:sched_process_exit,sched:sched_process_exec,raw_syscalls:sys_enter"];
    let Some(file) = record(dir.path(), "trace.data", &events) else { skip!("perf cannot record tracepoints here") };
    for options in [
        "",
        "--raw-trace",
        "-s comm,id",
        "-s filename,pid",
        "-s sched_process_exit.prio/raw",
        "-s %3.*",
        "-s trace_fields",
        "--hierarchy -s comm,id,trace",
        "--switch-on sched:sched_process_exec",
    ] {
        compare(&file, options);
    }
}

/// Neither a file that ends too early nor one with absurd numbers ends in anything but a report or an error.
#[test]
fn damaged_recordings_end_in_words() {
    let dir = tempfile::tempdir().unwrap();
    if !has("perf") || !has("cc") {
        skip!("no perf or no compiler");
    }
    let Some(file) = record(dir.path(), "whole.data", &["-g", "-F", "499"]) else { skip!("perf cannot record here") };
    let whole = std::fs::read(&file).unwrap();
    let damaged = dir.path().join("damaged.data");
    let options: [&[&str]; 4] = [&[], &["--hierarchy"], &["-D"], &["--mmaps"]];
    for step in 0..24 {
        let at = whole.len() * step / 24;
        let mut bytes = whole.clone();
        if step % 2 == 0 {
            bytes.truncate(at);
        } else {
            // Lengths of records and of call chains among them.
            for word in bytes[at & !7..].chunks_exact_mut(8).step_by(61) {
                word.copy_from_slice(&u64::MAX.to_le_bytes());
            }
        }
        std::fs::write(&damaged, &bytes).unwrap();
        let mut line = vec!["report", "--stdio", "-i", damaged.to_str().unwrap()];
        line.extend(options[step / 2 % 4]);
        let output = run(&line);
        let told = crate::stderr(&output);
        assert!(matches!(output.status.code(), Some(0 | 255)) && !told.contains("panicked"), "{line:?} {step}: {told}");
    }
}

/// What is not there, or makes no sense, is said.
#[test]
fn what_is_not_there_is_refused() {
    for option in ["--branch-history", "--total-cycles", "--stitch-lbr", "--show-ref-call-graph"] {
        let output = run(["report", "--stdio", option]);
        assert_eq!(output.status.code(), Some(129), "{option}");
        assert!(crate::stderr(&output).contains(option), "{}", crate::stderr(&output));
    }
    for line in [["--percent-type", "some"], ["--prefix-strip", "2"], ["--pretty", "very"], ["--samples", "x"]] {
        assert_eq!(run(["report", "--stdio", line[0], line[1]]).status.code(), Some(129), "{line:?}");
    }
    let both = run(["report", "--stdio", "--hierarchy", "-F", "comm"]);
    assert_eq!(both.status.code(), Some(129), "{}", crate::stderr(&both));
}

#[test]
fn the_one_liners_run_verbatim() {
    let dir = tempfile::tempdir().unwrap();
    if !has("perf") || !has("cc") {
        skip!("no perf or no compiler");
    }
    if record(dir.path(), "perf.data", &["-g"]).is_none() {
        skip!("perf cannot record here");
    }
    // Without a terminal the first two are as text too, as with perf.
    for line in ["report", "report -n", "report --stdio", "report --stdio -n -g folded"] {
        let output = crate::perfuse(line.split(' ')).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success() && stdout(&output).contains("] leaf"), "{line}: {}", crate::stderr(&output));
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.data");
    let output = run(["report", "--stdio", "-i", none.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(255));
    assert!(crate::stderr(&output).contains("none.data"), "{}", crate::stderr(&output));
    let wrong = run(["report", "-s", "nosuch", "-i", none.to_str().unwrap()]);
    assert_ne!(wrong.status.code(), Some(0));
    std::fs::write(&none, b"PERFILE2 and then nothing that anybody could read").unwrap();
    let output = run(["report", "--stdio", "-i", none.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(255), "{}", crate::stderr(&output));
}
