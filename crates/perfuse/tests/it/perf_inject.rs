//! `inject`: what it writes is read by real perf, and says what real perf's own says.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use perfuse_testkit::{gate, skip};

use crate::{perfuse, stderr, stdout};

/// The real one.
fn perf(home: &Path, arguments: &[&str]) -> Output {
    let perf = gate::find_command("perf").expect("the gate is open");
    Command::new(perf).args(arguments).current_dir(home).env("HOME", home).stdin(Stdio::null()).output().unwrap()
}

/// This one, at the same place.
fn ours(home: &Path, arguments: &[&str]) -> Output {
    perfuse(arguments).current_dir(home).env("HOME", home).output().expect("the binary runs")
}

/// What it printed, line by line in alphabetical order.
fn sorted(output: &Output) -> Vec<String> {
    let mut lines: Vec<String> = stdout(output).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A recording by perf that tells no build ids; `None` where perf cannot.
fn recording(home: &Path, name: &str, options: &[&str]) -> Option<()> {
    let line = [&["record", "-q", "-B", "-o", name][..], options, &["sh", "-c", "ls / >/dev/null; sleep 0.02"]];
    perf(home, &line.concat()).status.success().then_some(())
}

#[test]
fn build_ids_are_those_that_perf_injects_and_perf_reads_them() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let all = [
        recording(here, "one.data", &["-e", "page-faults", "-c", "1"]),
        recording(here, "two.data", &["-e", "sched:sched_process_exec,page-faults", "-c", "1"]),
        recording(here, "z.data", &["-z", "-e", "page-faults", "-c", "1"]),
    ];
    if all.iter().any(Option::is_none) {
        skip!("perf cannot record here");
    }
    for (name, lines) in [("one.data", &["-b"][..]), ("two.data", &["-b", "--buildid-all", "-v"]), ("z.data", &["-b"])]
    {
        for options in lines.iter().copied() {
            let theirs = perf(here, &["inject", options, "-i", name, "-o", "theirs.data"]);
            assert!(theirs.status.success(), "{}", stderr(&theirs));
            let mine = ours(here, &["inject", options, "-i", name, "-o", "mine.data"]);
            assert!(mine.status.success(), "{name} {options}: {}", stderr(&mine));
            let list = |file| sorted(&perf(here, &["buildid-list", "-i", file]));
            let (expected, got) = (list("theirs.data"), list("mine.data"));
            // perf cannot read the build ids of the kernel and the vdso from files.
            let readable = |line: &&String| !line.contains('[');
            let (expected, got): (Vec<_>, Vec<_>) =
                (expected.iter().filter(readable).collect(), got.iter().filter(readable).collect());
            if options == "-b" {
                assert!(got.iter().any(|line| line.contains("/libc") && !line.starts_with(' ')), "{name}: {got:?}");
            }
            // Of compressed records perf 6.1 finds the files, and no build ids.
            if options == "-b" && name != "z.data" {
                assert_eq!(got, expected, "{name} {options}");
            }
            let script = |file| perf(here, &["script", "-i", file, "-F", "comm,tid,time,event,ip,sym,dso"]);
            let (before, after) = (script(name), script("mine.data"));
            assert!(before.status.success() && !before.stdout.is_empty());
            assert_eq!(stdout(&after), stdout(&before), "{name} {options}");
            assert_eq!(stderr(&after), "", "{name} {options}");
            let header = |file| {
                let text = stdout(&perf(here, &["report", "--header-only", "-i", file]));
                let told = |line: &&str| {
                    ![
                        "captured on",
                        "cmdline",
                        "data offset",
                        "data size",
                        "feat offset",
                        "missing features",
                        "compressed :",
                    ]
                    .iter()
                    .any(|part| line.contains(part))
                };
                text.lines().filter(told).map(str::to_owned).collect::<Vec<String>>()
            };
            assert_eq!(header("mine.data"), header(name), "{name} {options}");
            // And this one reads perf's.
            let again = |file| ours(here, &["script", "-i", file, "-F", "comm,tid,time,event,ip,sym,dso"]);
            assert_eq!(stdout(&again("theirs.data")), stdout(&again(name)), "{name} {options}");
        }
    }
}

#[test]
fn streams_go_through() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    if recording(here, "one.data", &["-e", "page-faults", "-c", "1"]).is_none() {
        skip!("perf cannot record here");
    }
    let piped = perf(here, &["record", "-q", "-B", "-e", "page-faults", "-c", "1", "-o", "-", "ls", "/"]);
    std::fs::write(here.join("pipe.data"), &piped.stdout).unwrap();
    for name in ["one.data", "pipe.data"] {
        let mut inject = perfuse(["inject", "-b", "-i", name]);
        let mut inject = inject.current_dir(here).env("HOME", here).stdout(Stdio::piped()).spawn().unwrap();
        let output = Command::new(gate::find_command("perf").expect("the gate is open"))
            .args(["script", "-i", "-", "-F", "comm,tid,event,ip,sym,dso"])
            .current_dir(here)
            .env("HOME", here)
            .stdin(inject.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(inject.wait().unwrap().success(), "{name}");
        let expected = perf(here, &["script", "-i", name, "-F", "comm,tid,event,ip,sym,dso"]);
        assert!(!expected.stdout.is_empty(), "{name}: {}", stderr(&expected));
        assert_eq!(stdout(&output), stdout(&expected), "{name}: {}", stderr(&output));
    }
}

#[test]
fn known_build_ids_win_and_the_rest_is_refused() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    if recording(here, "one.data", &["-e", "page-faults", "-c", "1"]).is_none() {
        skip!("perf cannot record here");
    }
    let files = sorted(&perf(here, &["inject", "-b", "-i", "one.data", "-o", "x.data"]));
    assert!(files.is_empty());
    let list = stdout(&perf(here, &["buildid-list", "-i", "x.data"]));
    let path = list.split_whitespace().find(|word| word.starts_with('/')).expect("a file is hit");
    let id = "0123456789abcdef0123456789abcdef01234567";
    let line = ["inject", "-b", "-i", "one.data", "-o", "y.data", "--known-build-ids", &format!("{id} {path}")];
    assert!(ours(here, &line).status.success());
    let list = stdout(&perf(here, &["buildid-list", "-i", "y.data"]));
    assert!(list.contains(&format!("{id} {path}")), "{list}");
    for (options, status) in [
        (&["--itrace=i100", "-i", "one.data", "-o", "z.data"][..], 255),
        (&["--jit", "-i", "one.data", "-o", "z.data"], 255),
        (&["stray"], 129),
        (&["-b", "-i", "one.data", "-o", "z.data", "--known-build-ids", "xyz /bin/ls"], 129),
        (&["-b", "-i", "nothing.data", "-o", "z.data"], 255),
    ] {
        let line: Vec<&str> = std::iter::once("inject").chain(options.iter().copied()).collect();
        let output = ours(here, &line);
        assert_eq!(output.status.code(), Some(status), "{options:?}: {}", stderr(&output));
        assert!(!here.join("z.data").exists(), "{options:?}");
    }
}

/// A compiler: writes one function as machine code, tells of it in a dump, and runs it.
const COMPILER: &str = r#"
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}
int main(int argc, char **argv) {
  unsigned char code[] = {0xb9, 0, 0, 0, 0x10, 0xff, 0xc9, 0x75, 0xfc, 0xc3};
  char name[256];
  snprintf(name, sizeof name, "%s/jit-%d.dump", argv[1], getpid());
  int fd = open(name, O_CREAT | O_RDWR, 0600);
  void *mark = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  unsigned char *place = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(place, code, sizeof code);
  uint32_t head[] = {0x4a695444, 1, 40, 62, 0, getpid()};
  uint64_t times[] = {now(), 0};
  write(fd, head, sizeof head);
  write(fd, times, sizeof times);
  uint32_t record[] = {0, 16 + 40 + 9 + sizeof code};
  uint32_t who[] = {getpid(), getpid()};
  uint64_t at[] = {now()}, where[] = {(uint64_t)place, (uint64_t)place, sizeof code, 1};
  write(fd, record, sizeof record);
  write(fd, at, sizeof at);
  write(fd, who, sizeof who);
  write(fd, where, sizeof where);
  write(fd, "hot_loop", 9);
  write(fd, code, sizeof code);
  for (int i = 0; i < 2; i++) ((void (*)(void))place)();
  return mark == MAP_FAILED;
}
"#;

#[test]
fn compiled_code_has_names_as_by_perf() {
    if cfg!(not(target_arch = "x86_64")) {
        skip!("the code is that of an x86-64");
    }
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let Some(compiler) = gate::find_command("cc") else { skip!("no compiler") };
    std::fs::write(here.join("jit.c"), COMPILER).unwrap();
    let status = Command::new(compiler).args(["-O1", "-w", "-o", "jit", "jit.c"]).current_dir(here).status();
    if !status.is_ok_and(|status| status.success()) {
        skip!("no compiler for such a program");
    }
    let line = ["record", "-q", "-k", "mono", "-e", "cpu-clock", "-F", "999", "-o", "jit.data", "./jit", "."];
    if !perf(here, &line).status.success() {
        skip!("perf cannot record here");
    }
    let functions = |file| {
        let text = stdout(&perf(here, &["script", "-i", file, "-F", "ip,sym"]));
        text.lines().filter(|line| line.contains("hot_loop")).map(str::to_owned).collect::<Vec<String>>()
    };
    assert!(perf(here, &["inject", "-j", "-i", "jit.data", "-o", "theirs.data"]).status.success());
    let expected = functions("theirs.data");
    let mine = ours(here, &["inject", "-j", "-i", "jit.data", "-o", "mine.data"]);
    assert!(mine.status.success(), "{}", stderr(&mine));
    assert!(!expected.is_empty(), "perf names the function");
    assert_eq!(functions("mine.data"), expected);
    let own = stdout(&ours(here, &["script", "-i", "mine.data", "-F", "ip,sym"]));
    assert_eq!(own.lines().filter(|line| line.contains("hot_loop")).count(), expected.len());
}
