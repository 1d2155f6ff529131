//! `perf script` against real perf: the same recording, the same options, the same bytes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perfuse_testkit::gate;

use crate::{perfuse, stderr, stdout};

/// A name, options of `perf record`, and whether it writes to standard output.
type Recording = (&'static str, &'static [&'static str], bool);

const CHAINS: Recording = ("chains", &["-F", "997", "-g"], false);
const RECORDINGS: &[Recording] = &[
    CHAINS,
    ("copied stacks", &["-F", "499", "--call-graph", "dwarf"], false),
    ("group", &["-e", "{cpu-clock,page-faults}:S"], false),
    ("faults", &["-e", "page-faults", "-c", "1", "-d"], false),
    ("compressed", &["-z", "-F", "997", "-g"], false),
    ("pipe", &["-F", "997", "-g", "-o", "-"], true),
    ("registers", &["-F", "499", "--intr-regs=ax,bx,ip", "--user-regs=ax,sp"], false),
    ("memory", &["-F", "499", "-d", "-W", "--phys-data"], false),
    ("switches", &["-F", "499", "--switch-events", "--namespaces"], false),
];
const TRACEPOINTS: Recording = ("tracepoints", &["-a", "-e", "sched:*", "-e", "raw_syscalls:*"], false);

/// Records a short run of dd. `None` if that is not possible here.
fn record(directory: &Path, (name, options, piped): Recording) -> Option<PathBuf> {
    let file = directory.join(format!("{}.data", name.replace(' ', "-")));
    let mut command = Command::new(gate::find_command("perf")?);
    command.args(["record", "-q"]).args(options).stdin(Stdio::null()).stderr(Stdio::null());
    if piped {
        command.stdout(std::fs::File::create(&file).ok()?);
    } else {
        command.arg("-o").arg(&file).stdout(Stdio::null());
    }
    let status = command.args(["--", "dd", "if=/dev/zero", "of=/dev/null", "bs=64k", "count=4000", "status=none"]);
    (status.status().ok()?.success() && std::fs::metadata(&file).ok()?.len() > 1000).then_some(file)
}

fn theirs(file: &Path, options: &[&str]) -> String {
    let perf = gate::find_command("perf").expect("the gate is open");
    let output = Command::new(perf).arg("script").args(options).arg("-i").arg(file).stdin(Stdio::null()).output();
    String::from_utf8_lossy(&output.expect("perf runs").stdout).into_owned()
}

fn ours(file: &Path, options: &[&str]) -> String {
    let mut words = vec!["script"];
    words.extend(options);
    let output = perfuse(words).arg("-i").arg(file).output().expect("the binary runs");
    assert!(output.status.success(), "{options:?}: {}", stderr(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both outputs must be the same; shows the first lines that differ.
fn compare(what: &str, file: &Path, options: &[&str]) {
    let (theirs, ours) = (theirs(file, options), ours(file, options));
    if theirs == ours {
        return;
    }
    let differing = theirs.lines().zip(ours.lines()).enumerate().find(|(_, (theirs, ours))| theirs != ours);
    panic!(
        "{what} {options:?}: {} lines of perf, {} of ours; first that differs: {differing:#?}",
        theirs.lines().count(),
        ours.lines().count()
    );
}

/// A directory, or the reason why nothing can be compared.
fn recorded(recording: Recording) -> Result<(tempfile::TempDir, PathBuf), String> {
    gate::command("perf")?;
    gate::command("dd")?;
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = record(directory.path(), recording);
    file.map(|file| (directory, file)).ok_or_else(|| format!("perf record {:?} does not work here", recording.1))
}

#[test]
fn every_kind_of_recording_reads_as_in_perf() {
    for recording in RECORDINGS {
        let (_directory, file) = match recorded(*recording) {
            Ok(recorded) => recorded,
            Err(reason) => {
                eprintln!("{}: {reason}", recording.0);
                continue;
            }
        };
        compare(recording.0, &file, &[]);
        compare(recording.0, &file, &["--header-only", "-I"]);
        compare(recording.0, &file, &["-D"]);
    }
}

#[test]
fn tracepoints_read_as_in_perf() {
    let (_directory, file) = match recorded(TRACEPOINTS) {
        Ok(recorded) => recorded,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    compare("tracepoints", &file, &[]);
    compare("tracepoints", &file, &["-F", "time,event,trace"]);
    compare("tracepoints", &file, &["--header", "-F", "comm,pid,tid,cpu,time,event,ip,sym,dso"]);
    let (on, off) = ("sched:sched_wakeup", "sched:sched_switch");
    compare("tracepoints", &file, &["--switch-on", on]);
    compare("tracepoints", &file, &["--switch-off", off]);
    compare("tracepoints", &file, &["--switch-on", on, "--switch-off", off]);
    compare("tracepoints", &file, &["--switch-on", on, "--switch-off", off, "--show-on-off-events"]);
    // The same by the option that kernels before 4.1 had for it.
    assert_eq!(ours(&file, &["-f", "time,event,trace"]), ours(&file, &["-F", "time,event,trace"]));
}

#[test]
fn options_choose_what_they_choose_in_perf() {
    let (_directory, file) = match recorded(CHAINS) {
        Ok(recorded) => recorded,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let options: &[&[&str]] = &[
        &["--header"],
        &["--header", "-F", "comm,pid,tid,time,event,ip,sym,dso"],
        &["-F", "comm,time,period"],
        &["-F", "-ip"],
        &["-F", "+flags,+misc,-time"],
        &["-F", "pid,ip,sym,symoff"],
        &["-G"],
        &["--ns", "--reltime"],
        &["--deltatime"],
        &["--max-stack", "2"],
        &["--time", "10%/2"],
        &["--time", "0%-10%"],
        &["--comms", "dd"],
        &["-c", "nobody"],
        &["--dsos", "[kernel.kallsyms]"],
        &["--show-mmap-events", "--show-task-events"],
        &["--show-round-events", "--show-task-events"],
        &["--dump-unsorted-raw-trace"],
        &["-F", "+insn,+insnlen", "-G"],
        &["-F", "+callindent,+ipc,+synth"],
        &["-F", "+srccode", "-G"],
        &["-L"],
        &["-d"],
        &["--stop-bt", "vfs_read,vfs_write,do_syscall_64"],
        &["--show-kernel-path"],
        &["-S", "vfs_read"],
        &["-S", "0", "--addr-range", "2000000000"],
    ];
    for options in options {
        compare("chains", &file, options);
    }
    let old = ours(&file, &["-f", "comm,pid,tid,time,event,ip,sym,dso"]);
    assert_eq!(old, ours(&file, &["-F", "comm,pid,tid,time,event,ip,sym,dso"]));
}

#[test]
fn each_event_has_a_file_of_its_own_if_that_is_wanted() {
    let recording = ("two-events", &["-e", "sched:sched_switch,sched:sched_wakeup", "-a"][..], false);
    let (directory, file) = match recorded(recording) {
        Ok(recorded) => recorded,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let dumps = || -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(directory.path()).expect("the directory").flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "dump"));
        let mut all: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).expect("a dump"))).collect();
        all.sort();
        all
    };
    let options = ["--per-event-dump", "-F", "comm,time,event,trace"];
    let told = theirs(&file, &options);
    let expected = dumps();
    assert!(expected.len() >= 2, "{told}");
    for (path, _) in &expected {
        std::fs::remove_file(path).expect("a dump");
    }
    // The sizes that perf tells lack what it has not written yet.
    let counts = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.rsplit(" MB ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(counts(&ours(&file, &options)), counts(&told));
    assert!(dumps() == expected, "the dumps differ");
}

#[test]
fn what_is_not_there_is_refused_with_the_reason() {
    let options: &[&[&str]] = &[
        &["--dlfilter", "a.so"],
        &["--list-dlfilters"],
        &["--insn-trace"],
        &["--call-trace"],
        &["--call-ret-trace"],
        &["--graph-function", "main"],
        &["--xed"],
        &["--itrace"],
        &["--guestmount", "/"],
        &["--guest-code"],
        &["--stitch-lbr"],
        &["-g", "python"],
        &["-F", "metric"],
    ];
    for words in options {
        let output = perfuse(["script"].iter().chain(*words)).output().expect("the binary runs");
        let refused = output.status.code() == Some(129) && stderr(&output).contains("error: ");
        assert!(refused, "{words:?}: {}", stderr(&output));
    }
}

#[test]
fn a_wrong_line_is_refused_as_in_perf() {
    let refused = |words: &[&str]| perfuse(words).output().expect("the binary runs");
    for fields in ["help", "comm,-ip", "zz:comm", "sw:trace", "metric"] {
        assert_eq!(refused(&["script", "-F", fields]).status.code(), Some(129), "{fields}");
    }
    let missing = refused(&["script", "-i", "/nonexistent/perf.data"]);
    assert_eq!(missing.status.code(), Some(255));
    assert!(stderr(&missing).contains("failed to open /nonexistent/perf.data"), "{}", stderr(&missing));
    assert_eq!(refused(&["script", "rwtop"]).status.code(), Some(129));
    let list = refused(&["script", "-l"]);
    assert!(list.status.success() && stdout(&list).contains("no scripts"));
}

#[test]
fn damaged_files_end_with_a_place_and_keep_what_is_before() {
    let (directory, file) = match recorded(CHAINS) {
        Ok(recorded) => recorded,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let whole = std::fs::read(&file).expect("the recording");
    let all = ours(&file, &["-F", "time"]);
    let cut = directory.path().join("cut.data");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("a file");
    let output = perfuse(["script", "-F", "time", "-i"]).arg(&cut).output().expect("the binary runs");
    assert!(all.starts_with(&stdout(&output)), "{}", stdout(&output));
    assert!(stderr(&output).contains("offset 0x"), "{}", stderr(&output));
    for bytes in [&b""[..], b"PERFILE2", b"not a recording at all"] {
        std::fs::write(&cut, bytes).expect("a file");
        let output = perfuse(["script", "-i"]).arg(&cut).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(255), "{}", stderr(&output));
    }
}
