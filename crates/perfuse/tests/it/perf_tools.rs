//! The smaller commands of perf beside the real ones: the same files, the same cache, the same events.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use perfuse_testkit::{gate, skip};

use crate::{perfuse, run, stderr, stdout};

/// A program that carries a probe with a counter of listeners and three arguments, of which uprobes fetch two.
const PROGRAM: &str = r#"
#include <stdio.h>
__attribute__((used, section(".probes"))) unsigned short tick_semaphore;
__attribute__((noinline)) void tick(int n, const char *s) {
  __asm__ volatile(
    "990: nop\n"
    ".pushsection .note.stapsdt,\"\",\"note\"\n"
    ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"
    "991: .asciz \"stapsdt\"\n992: .balign 4\n"
    "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte tick_semaphore\n"
    ".asciz \"perfuse_test\"\n.asciz \"tick\"\n.asciz \"-4@%0 8@%1 -4@$7\"\n994: .balign 4\n.popsection\n"
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
    ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n"
    :: "r"(n), "r"(s));
}
int main(void) { for (int i = 0; i < 5; i++) tick(i, "x"); return tick_semaphore ? 0 : 3; }
"#;

/// Compiles it; `None` without a compiler, or for another machine.
fn program(directory: &Path) -> Option<String> {
    let (source, program) = (directory.join("usdt.c"), directory.join("usdt"));
    std::fs::write(&source, PROGRAM).unwrap();
    let compiled = Command::new(gate::find_command("cc")?).args(["-O1", "-o"]).args([&program, &source]).output();
    compiled.ok().filter(|output| output.status.success())?;
    Some(program.to_str()?.to_owned())
}

/// The real one.
fn perf(home: &Path, arguments: &[&str]) -> Output {
    let perf = gate::find_command("perf").expect("the gate is open");
    Command::new(perf).args(arguments).env("HOME", home).stdin(Stdio::null()).output().expect("perf runs")
}

/// This one, at the same home.
fn ours(home: &Path, arguments: &[&str]) -> Output {
    perfuse(arguments).env("HOME", home).output().expect("the binary runs")
}

/// Every path below a directory, with where links lead and what the list of probes says.
fn tree(directory: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries.map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            if let Ok(target) = std::fs::read_link(&path) {
                all.push(format!("{name} -> {}", target.display()));
            } else if path.is_dir() {
                left.push(path);
            } else {
                let probes = name.ends_with("/probes").then(|| std::fs::read_to_string(&path).unwrap());
                all.push(format!("{name} {}", probes.unwrap_or_default()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn the_cache_is_that_of_perf() {
    let here = tempfile::tempdir().unwrap();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let Some(program) = program(here.path()) else { skip!("no compiler for such a program") };
    let (theirs, mine) = (here.path().join("theirs"), here.path().join("mine"));
    for line in [
        vec!["-v", "-a", &program],
        vec!["-a", &program],
        vec!["-l"],
        vec!["-v", "-u", &program],
        vec!["-v", "-r", &program],
        vec!["-l"],
        vec!["-a", &program],
        vec!["-v", "-p", &program],
        vec!["-a", "/no/such/file"],
        vec!["-a", &program],
        vec!["-M", "/no/such/file"],
        vec!["-l", "-P"],
        vec!["-l", "-a", &program],
        vec![],
        vec!["stray"],
        vec!["-P"],
        vec!["-l"],
    ] {
        let line: Vec<&str> = std::iter::once("buildid-cache").chain(line).collect();
        let (expected, got) = (perf(&theirs, &line), ours(&mine, &line));
        assert_eq!(got.status.code(), expected.status.code(), "{line:?}: {}", stderr(&got));
        if expected.status.code() == Some(0) {
            assert_eq!(stdout(&got), stdout(&expected), "{line:?}");
        }
        if line.contains(&"-v") {
            let text = stderr(&expected);
            let lines: Vec<&str> = text.lines().filter(|line| line.ends_with(": Ok")).collect();
            assert_eq!(stderr(&got).lines().collect::<Vec<_>>(), lines, "{line:?}");
        }
        assert_eq!(tree(&mine), tree(&theirs), "{line:?}");
    }
}

#[test]
fn each_reads_the_probes_of_the_other_and_they_can_be_recorded() {
    let here = tempfile::tempdir().unwrap();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let Some(program) = program(here.path()) else { skip!("no compiler for such a program") };
    let line = "  sdt_perfuse_test:tick                              [SDT event]\n";
    let (theirs, mine) = (here.path().join("theirs"), here.path().join("mine"));
    assert!(perf(&theirs, &["buildid-cache", "-a", &program]).status.success());
    assert!(ours(&mine, &["buildid-cache", "-a", &program]).status.success());
    for home in [&theirs, &mine] {
        for pattern in ["sdt", "sdt_perfuse_test:t*"] {
            let (expected, got) = (stdout(&perf(home, &["list", pattern])), stdout(&ours(home, &["list", pattern])));
            assert!(got.contains(line) && expected.contains(line), "{pattern}: {got}{expected}");
        }
    }
    let data = here.path().join("perf.data").display().to_string();
    let recorded = ours(&mine, &["record", "-e", "sdt_perfuse_test:tick", "-o", &data, &program]);
    if recorded.status.code() == Some(129) {
        skip!("the kernel makes no uprobe here: {}", stderr(&recorded));
    }
    assert!(recorded.status.success(), "the program heard nobody: {}", stderr(&recorded));
    let text = stdout(&ours(&mine, &["script", "-F", "event,trace", "-i", &data]));
    // Some hits may be dropped when the machine is busy.
    assert!(text.contains("sdt_perfuse_test:tick:") && text.contains("arg1=3 arg2="), "{text}");
    let left = std::fs::read_to_string("/sys/kernel/tracing/uprobe_events").unwrap_or_default();
    assert!(!left.contains(&program), "a probe stayed: {left}");
}

/// Recordings by perf of one event, of a group with a tracepoint, of a stream.
fn recordings(directory: &Path) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for (name, options) in [
        ("one.data", &["-F", "99"][..]),
        ("many.data", &["-e", "sched:sched_process_exec,cpu-clock", "-e", "{cs,faults}", "-c", "1000"]),
        ("named.data", &["-e", "faults,both{cs,page-faults}:S"]),
    ] {
        let file = directory.join(name).display().to_string();
        let line = [&["record", "-q", "-o", &file][..], options, &["sleep", "0.01"]].concat();
        if perf(directory, &line).status.success() {
            all.push(file);
        }
    }
    (all.len() > 1).then_some(all)
}

#[test]
fn events_and_build_ids_are_listed_as_by_perf() {
    let here = tempfile::tempdir().unwrap();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let Some(files) = recordings(here.path()) else { skip!("perf cannot record here") };
    for file in &files {
        for line in [
            "evlist",
            "evlist -v",
            "evlist -F",
            "evlist -g",
            "evlist --trace-fields",
            "evlist -gv",
            "evlist -vF",
            "evlist stray",
            "buildid-list",
            "buildid-list -H",
        ] {
            let words: Vec<&str> = line.split(' ').chain(["-i", file]).collect();
            let (expected, got) = (perf(here.path(), &words), ours(here.path(), &words));
            assert_eq!(got.status.code(), expected.status.code(), "{words:?}: {}", stderr(&got));
            if expected.status.success() {
                // Which file was mentioned first differs between runs where several have no build id.
                let sorted = |output: &Output| {
                    let mut lines: Vec<String> = stdout(output).lines().map(str::to_owned).collect();
                    if line == "buildid-list -H" {
                        lines.sort();
                    }
                    lines
                };
                assert_eq!(sorted(&got), sorted(&expected), "{words:?}");
            }
        }
    }
    let own = std::env::current_exe().unwrap().display().to_string();
    for words in [&["buildid-list", "-k"][..], &["buildid-list", "-m"], &["buildid-list", "-i", &own]] {
        assert_eq!(stdout(&ours(here.path(), words)), stdout(&perf(here.path(), words)), "{words:?}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let here = tempfile::tempdir().unwrap();
    let text = here.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    let text = text.to_str().unwrap();
    let output = ours(here.path(), &["buildid-cache", "-a", text]);
    assert!(stderr(&output).contains(text), "{}", stderr(&output));
    let output = ours(here.path(), &["buildid-cache", "-k", "/proc/kcore"]);
    assert_eq!(output.status.code(), Some(255), "{}", stderr(&output));
    for command in ["evlist", "buildid-list"] {
        let output = run([command, "-i", text]);
        assert_eq!(output.status.code(), Some(255), "{command}: {}", stderr(&output));
        assert!(stderr(&output).contains(text), "{command}: {}", stderr(&output));
    }
}

#[test]
fn json_is_that_of_perf() {
    let here = tempfile::tempdir().unwrap();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let Some(files) = recordings(here.path()) else { skip!("perf cannot record here") };
    let chains = here.path().join("chains.data").display().to_string();
    let line = ["record", "-q", "-g", "-o", &chains, "-e", "page-faults", "-c", "1", "sleep", "0.01"];
    let chains = perf(here.path(), &line).status.success().then_some(chains);
    let read = |name: &Path| std::fs::read_to_string(name).unwrap_or_default();
    for file in files.iter().chain(&chains) {
        let (theirs, mine) = (here.path().join("theirs.json"), here.path().join("mine.json"));
        let line = |to: &Path| {
            ["data", "convert", "-f", "-i", file, "--to-json"]
                .map(str::to_owned)
                .into_iter()
                .chain([to.display().to_string()])
                .collect::<Vec<String>>()
        };
        let words = line(&theirs);
        assert!(perf(here.path(), &words.iter().map(String::as_str).collect::<Vec<_>>()).status.success());
        let words = line(&mine);
        let got = ours(here.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(got.status.success(), "{}", stderr(&got));
        let (theirs, mine) = (read(&theirs), read(&mine));
        let differing = theirs.lines().zip(mine.lines()).find(|(theirs, mine)| theirs != mine);
        assert!(theirs == mine, "{file}: {differing:#?}");
        serde_json::from_str::<serde_json::Value>(&mine).unwrap();
        // A second time it is in the way.
        let again = ours(
            here.path(),
            &["data", "convert", "-i", file, "--to-json", here.path().join("mine.json").to_str().unwrap()],
        );
        assert_eq!(again.status.code(), Some(255));
    }
    for (words, status) in
        [(&["data"][..], 129), (&["data", "convert"], 255), (&["data", "convert", "--to-ctf", "x"], 255)]
    {
        assert_eq!(ours(here.path(), words).status.code(), Some(status), "{words:?}");
    }
}
