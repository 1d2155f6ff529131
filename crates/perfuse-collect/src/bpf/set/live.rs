//! The loader on the running kernel, with `selftest.bpf.c`: a little of each thing, with known answers.

use std::path::Path;

use perfuse_format::btf::Kind;
use perfuse_format::tasks::{table_lost, table_rows};

use super::super::kernel::{KERNEL_BTF, KernelBtf};
use super::super::probe::probe;
use super::*;

const SELFTEST: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/selftest.bpf.o"));

/// Why programs cannot be loaded here, if so.
fn closed() -> Option<String> {
    probe().into_iter().find(|one| !one.available()).map(|one| format!("{}: {}", one.id, one.detail))
}

/// The self-test under the name of a program that reads an iterator.
fn selftest(options: &Options) -> (BpfSet, Vec<ProgramStatus>) {
    BpfSet::load_objects(&[(Program::Tasks, SELFTEST)], options)
}

fn of<'s>(status: &'s [ProgramStatus], function: &str) -> &'s Reading<()> {
    &status.iter().find(|one| one.function == function).unwrap_or_else(|| panic!("{status:?}")).running
}

/// Rows of a table as words.
fn rows(raw: &RawSnapshot, source: &str) -> Vec<Vec<u64>> {
    let bytes = raw.bytes(source).into_value().unwrap();
    let words = |row: &[u8]| row.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
    table_rows(bytes, 8).unwrap().map(words).collect()
}

/// Runs the iterator program; `answers` by index.
fn ask(set: &BpfSet) -> (RawSnapshot, Vec<u64>) {
    let mut raw = RawSnapshot::default();
    assert!(set.sweep_tasks(&mut raw));
    set.read_into(&mut raw);
    let answers = rows(&raw, "@bpf/answers").into_iter().map(|row| row[1]).collect();
    (raw, answers)
}

#[test]
fn relocations_calls_and_knobs_give_known_answers() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let mut options = Options::default();
    options.knobs.insert("knob".into(), 21);
    options.knobs.insert("small_knob".into(), 3);
    options.knobs.insert("watched_pid".into(), std::process::id().into());
    options.knobs.insert("knob_of_nobody".into(), 1);
    let (set, status) = selftest(&options);
    assert_eq!(of(&status, "ask"), &Reading::Value(()));
    let (raw, answers) = ask(&set);
    assert_eq!(answers[0], 21, "the knob");
    assert_eq!(answers[1], 2 * (21 * 2 + 3), "a function that calls another");
    assert_eq!((answers[2], answers[9], answers[7]), (100, 100, 100), "what no kernel has");
    assert_eq!(answers[3], 2, "BPF_MAP_TYPE_ARRAY");
    let bytes = KernelBtf::open(Path::new(KERNEL_BTF)).unwrap();
    let kernel = Btf::parse(bytes.bytes()).unwrap();
    let task = kernel.find("task_struct", Kind::Struct).unwrap();
    assert_eq!(answers[4], u64::from(task.byte_size().unwrap()));
    assert_eq!((answers[6], answers[8]), (std::process::id().into(), std::process::id().into()), "also read as a u64");
    assert_eq!(rows(&raw, "@bpf/cpus"), [[0, 0, 0], [1, 10, 3]], "added over CPUs");
    assert_eq!(table_lost(raw.bytes("@bpf/answers").into_value().unwrap()), Some(7));
    assert!(!raw.has("@bpf/w_hidden") && !raw.has("@bpf/w_task"));
}

#[test]
fn each_failure_has_its_own_reason_and_spoils_only_its_table() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let (set, status) = selftest(&Options::default());
    let reason = |function: &str| of(&status, function).why_missing().unwrap().clone();
    assert_eq!(reason("without_hook").why, Why::Absent);
    assert!(reason("without_hook").detail.contains("tp_btf/event_of_no_kernel"));
    assert_eq!(reason("refused").why, Why::Unsupported);
    assert!(reason("refused").detail.contains("verifier"), "{}", reason("refused").detail);
    assert!(reason("refused").detail.contains("scalar"), "the log's end: {}", reason("refused").detail);
    assert!(reason("without_member").detail.contains("task_struct.member_of_no_kernel is not in this kernel"));
    for function in ["ask", "raw", "fault", "storage"] {
        assert_eq!(of(&status, function), &Reading::Value(()), "{function}");
    }
    let (raw, _) = ask(&set);
    assert_eq!(raw.bytes("@bpf/spoiled").why_missing().map(|missing| missing.why), Some(Why::Unsupported));
}

#[test]
fn a_large_map_is_read_whole_in_batches_and_one_by_one() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let (set, _) = selftest(&Options::default());
    let map = &set.maps["numbers"];
    let wanted: BTreeSet<(u64, u64)> = (0..15_000_u32).map(|n| (u64::from(n), u64::from(n) * 3)).collect();
    for n in 0..15_000_u32 {
        map.update(&n.to_ne_bytes(), &(u64::from(n) * 3).to_ne_bytes()).unwrap();
    }
    for batch in [true, false] {
        let mut raw = RawSnapshot::default();
        raw.put("@bpf/numbers", map.table_by(batch, 9).unwrap());
        let found = rows(&raw, "@bpf/numbers");
        assert_eq!(found.len(), 15_000);
        assert_eq!(found.into_iter().map(|row| (row[0], row[1])).collect::<BTreeSet<_>>(), wanted);
        assert_eq!(table_lost(raw.bytes("@bpf/numbers").into_value().unwrap()), Some(9));
    }
}

/// Touches pages that no allocator has used before: a minor fault each.
fn touch_new_pages(pages: usize) {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
    let length = pages * rustix::param::page_size();
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new private mapping that only this function knows; each touched byte lies inside it.
    unsafe {
        let start = mmap_anonymous(std::ptr::null_mut(), length, protection, MapFlags::PRIVATE).unwrap();
        madvise(start, length, Advice::LinuxNoHugepage).unwrap();
        for at in (0..length).step_by(rustix::param::page_size()) {
            start.cast::<u8>().add(at).write_volatile(1);
        }
        munmap(start, length).unwrap();
    }
}

#[test]
fn a_program_counts_page_faults_on_every_cpu_and_tells_its_cost() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let (mut set, _) = selftest(&Options { run_stats: true, ..Options::default() });
    touch_new_pages(500);
    let (raw, _) = ask(&set);
    let counted = rows(&raw, "@bpf/cpu_hash")[0][1];
    assert!(counted >= 500, "{counted} faults");
    let cost = set.costs().into_iter().find(|cost| cost.function == "fault").unwrap();
    assert!(cost.runs >= 500 && cost.run_time_ns > 0, "{cost:?}");
    set.detach(Program::Tasks, "too dear");
    assert!(set.is_empty() && set.costs().is_empty());
    let mut raw = RawSnapshot::default();
    set.read_into(&mut raw);
    assert!(!raw.has("@bpf/cpu_hash"));
    assert_eq!(of(set.status(), "fault").why_missing().unwrap().detail, "too dear");
}

#[test]
fn callbacks_link() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let (set, status) = selftest(&Options::default());
    if let Some(missing) = of(&status, "callback").why_missing() {
        perfuse_testkit::skip!("no bpf_loop before Linux 5.17: {}", missing.detail);
    }
    // An exec by anybody makes the program answer; one that fails does not count, so start something that is there.
    let mut child = spawn("/proc/self/exe");
    let _ = child.wait();
    let (_, answers) = ask(&set);
    assert_eq!(answers[5], 45, "0 + 1 + .. + 9 by a callback");
}

#[expect(clippy::disallowed_methods, reason = "the test needs one exec")]
fn spawn(path: &str) -> std::process::Child {
    let mut command = std::process::Command::new(path);
    command.arg("--list").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn another_size_of_a_map_and_another_btf_can_be_asked_for() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let mut options = Options::default();
    options.max_entries.insert("numbers".into(), 2);
    let (set, _) = selftest(&options);
    let map = &set.maps["numbers"];
    let full = (0..10_u32).find_map(|n| map.update(&n.to_ne_bytes(), &[0; 8]).err());
    assert!(full.is_some(), "ten entries in a map of two");
    let (set, status) = selftest(&Options { btf: "/nonexistent".into(), ..Options::default() });
    assert!(set.is_empty());
    assert!(status[0].running.why_missing().unwrap().detail.contains("no BTF"));
}

#[test]
fn every_committed_program_runs_or_says_why() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let (set, status) = BpfSet::load(super::super::program::USE, &Options::default());
    for one in &status {
        // The kernel must not refuse what we wrote; it may lack a hook.
        if let Some(missing) = one.running.why_missing() {
            assert_eq!(missing.why, Why::Absent, "{one:?}");
        }
    }
    let mut raw = RawSnapshot::default();
    assert!(set.sweep_tasks(&mut raw) && set.sweep_files(&mut raw));
    set.read_slow_into(&mut raw);
    let tasks = perfuse_format::tasks::TaskTable::from_raw(&raw).into_value().unwrap();
    assert!(tasks.processes.contains_key(&std::process::id()));
    if raw.has(DROP_REASONS) {
        let names = String::from_utf8_lossy(raw.bytes(DROP_REASONS).into_value().unwrap()).into_owned();
        assert!(names.lines().any(|line| line.ends_with("NO_SOCKET")), "{names}");
    }
}

#[test]
fn the_level_of_our_pid_namespace_is_told() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let bytes = KernelBtf::open(Path::new(KERNEL_BTF)).unwrap();
    let kernel = Btf::parse(bytes.bytes()).unwrap();
    let level = super::super::level::ask(&kernel).unwrap();
    // As many ids as levels, in a /proc that the first namespace mounted; fewer in one of our own.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap().split_whitespace().count();
    assert!(level + 1 >= ids as u64, "level {level}, {ids} ids");
    assert_eq!(pid_level(&kernel), level);
}

#[test]
fn pids_are_those_that_we_see() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    let (set, _) = BpfSet::load(&[Program::Tasks, Program::Sched], &Options::default());
    let mut raw = RawSnapshot::default();
    for _ in 0..50 {
        std::thread::sleep(std::time::Duration::from_millis(2));
        raw = RawSnapshot::default();
        set.read_into(&mut raw);
    }
    assert!(set.sweep_tasks(&mut raw));
    let me = std::process::id();
    let waits = perfuse_format::bpf::parse::<perfuse_format::bpf::RunqProcess>(&raw).into_value().unwrap();
    assert!(waits.iter().any(|row| row.pid == me), "{waits:?}");
    let tasks = perfuse_format::tasks::TaskTable::from_raw(&raw).into_value().unwrap();
    assert!(tasks.processes.contains_key(&me));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a pid namespace needs a process of its own")]
fn pids_are_those_that_we_see_in_a_namespace() {
    if let Some(reason) = closed() {
        perfuse_testkit::skip!("{reason}");
    }
    perfuse_testkit::need!(perfuse_testkit::gate::command("unshare"));
    let inside = |arguments: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc"]).args(arguments).output()
    };
    if !inside(&["true"]).is_ok_and(|output| output.status.success()) {
        perfuse_testkit::skip!("no pid namespace of our own");
    }
    let me = std::env::current_exe().unwrap();
    for test in ["pids_are_those_that_we_see", "the_level_of_our_pid_namespace_is_told"] {
        let name = format!("bpf::set::live::{test}");
        let output = inside(&[me.to_str().unwrap(), "--exact", &name]).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}
