//! `perf record`: options that few recordings need, with real perf as the judge.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use perfuse_testkit::{gate, need, skip};

use crate::{Running, perfuse, run, stderr, stdout};

fn may_watch_everything() -> gate::Gate {
    gate::command("perf")?;
    gate::root()
}

/// What perf's script shows of the records whose line has one of these words.
fn records(file: &Path, words: &[&str]) -> Vec<String> {
    let output = Command::new("perf").args(["script", "-D", "-i"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let told = text.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    told.filter_map(|line| line.split_once("]: ").map(|(_, record)| record.to_owned())).collect()
}

/// The same recording by us and by perf.
fn both(directory: &Path, arguments: &[&str]) -> [PathBuf; 2] {
    let files = ["ours", "theirs"].map(|name| directory.join(name));
    let ours = perfuse(["record", "-o"]).arg(&files[0]).args(arguments).env("HOME", directory).output().unwrap();
    assert!(ours.status.success(), "{}", stderr(&ours));
    let theirs = Command::new("perf").args(["record", "-o"]).arg(&files[1]).args(arguments).output().unwrap();
    assert!(theirs.status.success(), "{}", stderr(&theirs));
    files
}

#[test]
fn groups_that_were_there_are_told_as_perf_tells_them() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["-e", "cpu-clock", "-a", "--all-cgroups", "--", "true"];
    let [ours, theirs] = both(directory.path(), &arguments).map(|file| records(&file, &["PERF_RECORD_CGROUP"]));
    if ours != theirs {
        // Other tests make groups and remove them.
        let [ours, theirs] = both(directory.path(), &arguments).map(|file| records(&file, &["PERF_RECORD_CGROUP"]));
        let common = ours.iter().filter(|group| theirs.contains(group)).count();
        assert!(common > 0 || theirs.is_empty(), "{ours:?}\n{theirs:?}");
    }
}

#[test]
fn programs_that_were_loaded_are_told_as_perf_tells_them() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let mut measuring = perfuse(["use", "--duration", "60"]);
    let _running = Running(measuring.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let words = ["PERF_RECORD_KSYMBOL", "PERF_RECORD_BPF_EVENT"];
    let infos = |file: &Path| {
        let output = Command::new("perf").args(["report", "--header-only", "-I", "-i"]).arg(file).output();
        let text = stdout(&output.unwrap());
        text.lines().filter(|line| line.contains("bpf_prog_info")).map(str::to_owned).collect::<Vec<_>>()
    };
    // The verifier needs a moment for each program, and programs come and go while we look: those that perf finds before us
    // and after us were there when we looked.
    let mut before: Option<[Vec<String>; 2]> = None;
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        let [ours, theirs] = both(directory.path(), &["-e", "cpu-clock", "-a", "--", "true"])
            .map(|file| [records(&file, &words), infos(&file)]);
        let stayed = |kind: usize| {
            let before = before.as_ref().map_or(&[][..], |before| &before[kind]);
            theirs[kind].iter().filter(|one| before.contains(one)).collect::<Vec<_>>()
        };
        for kind in [0, 1] {
            let missed: Vec<_> = stayed(kind).into_iter().filter(|one| !ours[kind].contains(one)).collect();
            assert!(missed.is_empty(), "{missed:#?} of {:#?}", ours[kind]);
        }
        if [0, 1].iter().all(|kind| !stayed(*kind).is_empty()) {
            return;
        }
        before = Some(theirs);
    }
    skip!("no BPF program stayed loaded");
}

#[test]
fn a_recording_is_controlled_through_fifos() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let [commands, acks, file] = ["commands", "acks", "perf.data"].map(|name| directory.path().join(name));
    for fifo in [&commands, &acks] {
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
        rustix::fs::mknodat(rustix::fs::CWD, fifo, kind, mode, 0).unwrap();
    }
    let both_ways = |path: &Path| std::fs::File::options().read(true).write(true).open(path).unwrap();
    let (mut tell, mut listen) = (both_ways(&commands), both_ways(&acks));
    let control = format!("fifo:{},{}", commands.display(), acks.display());
    let mut command = perfuse(["record", "-D", "-1", "-e", "cpu-clock", "-e", "{cs,faults}", "-a", "--control"]);
    let child = command.arg(control).arg("-o").arg(&file).env("HOME", directory.path()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let mut ask = |order: &str| {
        tell.write_all(format!("{order}\n").as_bytes()).unwrap();
        let mut answer = [0; 5];
        std::io::Read::read_exact(&mut listen, &mut answer).unwrap();
        assert_eq!(answer, *b"ack\n\0", "{order}");
    };
    for order in ["ping", "evlist -g", "enable nosuch", "enable", "disable cs", "stop"] {
        ask(order);
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stderr(&output);
    let said = ["Events disabled", "cpu-clock", "{cs,faults}", "can't find 'nosuch' event", "Events enabled"];
    for word in said.iter().chain(&["Event cs disabled"]) {
        assert!(text.contains(word), "{word}: {text}");
    }
    let read = Command::new("perf").args(["script", "-i"]).arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", stderr(&read));
}

#[test]
fn what_needs_what_is_not_there_is_refused_and_not_passed_over() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.data");
    let file = path.to_str().unwrap();
    let lines: [(&[&str], i32, &str); 11] = [
        (&["-S"], 234, "AUX"),
        (&["--aux-sample"], 234, "AUX"),
        (&["--kcore"], 234, "--kcore"),
        (&["--clang-path", "x"], 234, "BPF"),
        (&["-I?"], 129, "BP SP IP FLAGS"),
        (&["--user-regs=AX,nosuch"], 129, "nosuch"),
        (&["--affinity", "nosuch"], 129, "node"),
        (&["-D", "20-10"], 129, "10-20,30-40"),
        (&["--control", "nosuch"], 129, "fifo:"),
        (&["--control", "fifo:/no/such/fifo"], 129, "/no/such/fifo"),
        (&["-r", "1000"], 255, "1000"),
    ];
    for (line, status, word) in lines {
        // Names of registers are those of x86-64.
        if word.contains("FLAGS") && !cfg!(target_arch = "x86_64") {
            continue;
        }
        let output = run([&["record", "-o", file], line, &["-e", "cs", "true"]].concat());
        assert_eq!(output.status.code(), Some(status), "{line:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{line:?}: {}", stderr(&output));
    }
    for line in [&["--affinity", "cpu"][..], &["--mmap-flush", "64K"], &["--proc-map-timeout", "9999"], &["-r", "1"]] {
        let output = run([&["record", "-o", file], line, &["-e", "cs", "-c", "1", "-a", "ls"]].concat());
        assert!(output.status.success(), "{line:?}: {}", stderr(&output));
        let read = Command::new("perf").args(["script", "-i", file]).output().unwrap();
        assert!(read.status.success() && !read.stdout.is_empty(), "{line:?}: {}", stderr(&read));
    }
}

#[test]
fn directories_of_perf_are_read_as_perf_reads_them() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    for kind in [&["--threads"][..], &["--threads", "-z"]] {
        let path = directory.path().join(format!("dir{}", kind.len()));
        let mut command = Command::new("perf");
        command.arg("record").args(kind).args(["-e", "cpu-clock", "-F", "999", "-ag", "-o"]).arg(&path);
        let recorded = command.args(["--", "sh", "-c", "ls -R /usr/share >/dev/null"]).output().unwrap();
        if !recorded.status.success() || !path.is_dir() {
            skip!("this perf does not write directories: {}", stderr(&recorded));
        }
        // Of what else runs here perf does not know all mappings.
        let arguments = ["script", "--comms", "ls,sh", "-F", "comm,tid,cpu,time,event,ip", "-i"];
        let theirs = Command::new("perf").args(arguments).arg(&path).output().unwrap();
        let ours = perfuse(arguments).arg(&path).output().unwrap();
        assert!(ours.status.success(), "{}", stderr(&ours));
        let [ours, theirs] =
            [&ours, &theirs].map(|output| stdout(output).lines().map(str::to_owned).collect::<Vec<_>>());
        assert!(ours.len() > 10 && ours.len() == theirs.len(), "{} {}", ours.len(), theirs.len());
        let different = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!(different, None, "{kind:?}");
    }
}

#[test]
fn waits_are_summed_up_where_they_happen_and_perf_reads_them() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perf.data");
    let output = perfuse(["record", "--off-cpu", "-e", "cpu-clock", "-g", "-o"])
        .arg(&file)
        .args(["--", "sh", "-c", "sleep 0.3; sleep 0.2; exit 3"])
        .env("HOME", directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let read = Command::new("perf").args(["script", "-F", "comm,event,period", "-i"]).arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", stderr(&read));
    let text = stdout(&read);
    let waits = text.lines().filter(|line| line.contains("sleep") && line.contains("offcpu-time"));
    let waited: u64 = waits.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum();
    // A busy machine wakes the sleepers later, never earlier.
    assert!(waited >= 490_000_000, "{waited}: {text}");
}

#[test]
fn a_program_that_was_built_anew_is_not_taken_for_the_recorded_one() {
    need!(gate::root());
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    let [source, program, file] = ["x.c", "x", "perf.data"].map(|name| directory.path().join(name));
    let build = |function: &str| {
        let text = format!("int {function}(int n) {{ volatile int i; for (i = 0; i < n; i++); return i; }}\n");
        std::fs::write(&source, format!("{text}int main(void) {{ return {function}(90000000) & 1; }}\n")).unwrap();
        let built = Command::new("cc").arg("-Wl,--build-id").arg("-o").arg(&program).arg(&source).status().unwrap();
        assert!(built.success());
    };
    build("before");
    let mut command = perfuse(["record", "-N", "-e", "cpu-clock:u", "-o"]);
    let output = command.arg(&file).arg(&program).env("HOME", directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    build("after");
    for reader in [&["script"][..], &["report", "--stdio"]] {
        let output = perfuse(reader).arg("-i").arg(&file).env("HOME", directory.path()).output().unwrap();
        assert!(stderr(&output).contains("another build"), "{reader:?}: {}", stderr(&output));
        assert!(!stdout(&output).contains("after"), "{reader:?}");
    }
}

#[test]
fn ranges_of_time_switch_the_events_on_and_off() {
    need!(may_watch_everything());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perf.data");
    let mut command = perfuse(["record", "-D", "10-20,30-40", "-e", "cs", "-a", "-o"]);
    let output = command.arg(&file).args(["--", "sleep", "1"]).env("HOME", directory.path()).output().unwrap();
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    let said: Vec<&str> = text.lines().filter(|line| line.starts_with("Events ")).collect();
    let [on, off] = ["Events enabled", "Events disabled"];
    assert_eq!(said, [off, on, off, on, off], "{text}");
}
