//! `diff`: tables beside those of real perf, byte for byte.

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

/// Recordings of two events, of programs that have something in common.
fn recordings(home: &Path) -> Option<()> {
    let programs = [
        ("perf.data.old", "ls / >/dev/null; cat /proc/self/maps >/dev/null"),
        ("perf.data", "ls -l / | sort >/dev/null; sleep 0.01"),
        ("third.data", "cat /proc/self/status | sort | head -1 >/dev/null"),
        // Of which there is nothing in the middle.
        ("gap.data", "cat /proc/self/maps >/dev/null; sleep 0.3; cat /proc/self/maps >/dev/null"),
    ];
    for (name, program) in programs {
        let line = ["record", "-q", "-e", "page-faults,minor-faults", "-c", "1", "-o", name, "sh", "-c", program];
        perf(home, &line).status.success().then_some(())?;
    }
    Some(())
}

#[test]
fn tables_are_those_of_perf() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    if recordings(here).is_none() {
        skip!("perf cannot record here");
    }
    for line in [
        "",
        "third.data",
        "-c delta -p",
        "-c wdiff:3,-1 -F -p",
        "-b -o 0 -p",
        "-b -c ratio",
        "-q -s sym",
        "-t ; -c ratio -p -F",
        "-t ; -c wdiff:1,1",
        "-s comm,dso",
        "-s symbol,dso",
        "-s pid,dso",
        "-s +comm -C sh",
        "-C ls,sort --percentage relative -s comm",
        "-d libc.so.6",
        "-S main,malloc,_int_malloc -p",
        "--time 10%-60%",
        "gap.data perf.data --time 20%-80%",
        "perf.data gap.data --time 20%-80%",
        "perf.data gap.data --time 20%-80% -c ratio -p -F",
        "perf.data.old perf.data third.data",
        "perf.data.old perf.data third.data -c ratio -o 2 -p -F",
        "perf.data.old perf.data third.data -c wdiff:2,1 -o 0 -b",
        "perf.data.old perf.data third.data -c delta -o 2 -t ,",
    ] {
        let words: Vec<&str> = std::iter::once("diff").chain(line.split(' ').filter(|word| !word.is_empty())).collect();
        let (expected, got) = (perf(here, &words), ours(here, &words));
        assert!(expected.status.success() && !expected.stdout.is_empty(), "{line}: {}", stderr(&expected));
        assert_eq!(got.status.code(), Some(0), "{line}: {}", stderr(&got));
        let (expected, got) = (stdout(&expected), stdout(&got));
        let differing = expected.lines().zip(got.lines()).find(|(theirs, mine)| theirs != mine);
        assert!(expected == got, "{line}: {differing:#?}\n{expected}\n{got}");
    }
}

#[test]
fn wrong_command_lines_end_as_with_perf() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    if recordings(here).is_none() {
        skip!("perf cannot record here");
    }
    for line in ["-o 2", "-c x", "-c wdiff:1", "-s nosuchkey", "nothing.data", "--percentage x"] {
        let words: Vec<&str> = std::iter::once("diff").chain(line.split(' ')).collect();
        let (expected, got) = (perf(here, &words), ours(here, &words));
        assert_eq!(got.status.code(), expected.status.code(), "{line}: {}\n{}", stderr(&got), stderr(&expected));
    }
    for line in ["-c cycles", "--stream", "--cycles-hist"] {
        let words: Vec<&str> = std::iter::once("diff").chain(line.split(' ')).collect();
        let got = ours(here, &words);
        assert_eq!(got.status.code(), Some(129), "{line}: {}", stderr(&got));
    }
}
