//! `perf annotate` beside the real one, which takes its text from objdump.

use std::path::Path;
use std::process::Command;

use perfuse_testkit::{gate, skip};

use crate::{perfuse, run, stderr, stdout};

const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
struct item { long key; double weight; char name[16]; };
static struct item items[512];
volatile long sink;
__attribute__((noinline)) long hash(const char *text) {
  long value = 5381;
  while (*text)
    value = value * 33 + *text++;
  return value;
}
__attribute__((noinline)) double weigh(struct item *all, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) {
    if (all[i].key % 7 == 3)
      sum += all[i].weight * 1.5;
    else
      sum -= all[i].weight;
  }
  return sum;
}
int main(void) {
  for (int r = 0; r < 2500; r++) {
    for (int i = 0; i < 512; i++) {
      snprintf(items[i].name, sizeof items[i].name, "i%d-%d", i, r);
      items[i].key = hash(items[i].name);
      items[i].weight = i * 0.25;
    }
    for (int k = 0; k < 30; k++) sink += weigh(items, 512);
  }
  return 0;
}
"#;

/// A recording in `dir` with these options; `None` where it cannot be had.
fn record(dir: &Path, name: &str, options: &[&str]) -> Option<String> {
    let (source, program) = (dir.join("burn.c"), dir.join("burn"));
    if !program.exists() {
        std::fs::write(&source, PROGRAM).unwrap();
        let compiled = Command::new("cc").args(["-O1", "-g", "-o"]).args([&program, &source]).status();
        compiled.ok().filter(std::process::ExitStatus::success)?;
    }
    let file = dir.join(name);
    let recorded = Command::new("perf").args(["record", "-q", "-o"]).arg(&file).args(options).arg(&program).output();
    recorded.ok().filter(|output| output.status.success())?;
    Some(file.to_str().unwrap().to_owned())
}

/// What both print: perf, then ours.
fn both(file: &str, options: &str) -> [String; 2] {
    let options: Vec<&str> = options.split_whitespace().collect();
    let perf = Command::new("perf").arg("annotate").args(&options).args(["-i", file]).output().unwrap();
    let ours = run(["annotate"].into_iter().chain(options.iter().copied()).chain(["-i", file]));
    assert_eq!(ours.status.code(), perf.status.code(), "{options:?}: {}", stderr(&ours));
    [String::from_utf8(perf.stdout).unwrap(), stdout(&ours)]
}

/// The lines with an address: what stands before it, the address, and the instruction.
fn code(text: &str) -> Vec<(String, String, String)> {
    let line = |line: &str| {
        let (share, rest) = line.split_once(" : ")?;
        let (address, instruction) = rest.split_once(':')?;
        let address = address.trim();
        let is_address = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_code = is_address && share.trim().starts_with(|c: char| c.is_ascii_digit());
        is_code.then(|| (share.trim().to_owned(), address.to_owned(), instruction.trim_end().to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn listings_are_those_of_perf() {
    for program in ["perf", "cc", "objdump"] {
        if let Err(why) = gate::command(program) {
            skip!("{why}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = record(dir.path(), "one.data", &["-F", "997"]) else {
        skip!("needs leave to record");
    };
    // Functions of a program that is compiled here: every byte.
    for options in [
        "--stdio weigh",
        "--stdio -l hash",
        "--stdio -l -P -s weigh",
        "--stdio -n --no-source hash",
        "--stdio --show-total-period --asm-raw weigh",
        "--stdio --percent-type global-period hash",
        "--stdio2 hash",
        "--stdio2 -n weigh",
    ] {
        let [perf, ours] = both(&file, options);
        assert!(perf.lines().count() > 20, "{options}: {perf}");
        assert_eq!(ours, perf, "{options}");
    }
    // All functions, those of libc too: the same addresses with the same percentages, and nearly the same text.
    let [perf, ours] = both(&file, "--stdio --no-source");
    let (perf, ours) = (code(&perf), code(&ours));
    let place = |(share, address, _): &(String, String, String)| (share.clone(), address.clone());
    assert_eq!(ours.iter().map(place).collect::<Vec<_>>(), perf.iter().map(place).collect::<Vec<_>>());
    let same = perf.iter().zip(&ours).filter(|(perf, ours)| perf == ours).count();
    assert!(same * 100 >= perf.len() * 98, "{same} of {} instructions are written as perf writes them", perf.len());
}

#[test]
fn several_events_stand_side_by_side() {
    for program in ["perf", "cc", "objdump"] {
        if let Err(why) = gate::command(program) {
            skip!("{why}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(file) = record(dir.path(), "two.data", &["-F", "997", "-e", "cpu-clock,task-clock"]) else {
        skip!("needs leave to record");
    };
    for options in ["--stdio --group hash", "--stdio weigh", "--stdio2 --group hash"] {
        let [perf, ours] = both(&file, options);
        assert_eq!(ours, perf, "{options}");
    }
}

#[test]
fn what_cannot_be_shown_is_said() {
    let refused = |line: &str| run(["annotate"].into_iter().chain(line.split_whitespace())).status.code();
    assert_eq!(refused("--percent-type x"), Some(129));
    assert_eq!(refused("--no-such-option"), Some(129));
    assert_eq!(refused("-i /nonexistent"), Some(255));
    let dir = tempfile::tempdir().unwrap();
    if gate::command("cc").is_err() || gate::command("perf").is_err() {
        skip!("needs cc and perf");
    }
    let Some(file) = record(dir.path(), "one.data", &["-F", "997"]) else {
        skip!("needs leave to record");
    };
    let near = run(["annotate", "--stdio", "-i", &file, "weig"]);
    assert!(stderr(&near).contains("weigh"), "{}", stderr(&near));
    // Another build in its place, without a copy in the cache.
    std::fs::write(dir.path().join("burn.c"), PROGRAM.replace("5381", "5382")).unwrap();
    let (source, program) = (dir.path().join("burn.c"), dir.path().join("burn"));
    let compiled = Command::new("cc").args(["-O1", "-o"]).args([&program, &source]).status().unwrap();
    assert!(compiled.success());
    let empty = dir.path().join("home");
    let other = perfuse(["annotate", "--stdio", "-i", &file]).env("HOME", &empty).output().unwrap();
    assert!(!stdout(&other).contains("<weigh>"), "{}", stdout(&other));
}
