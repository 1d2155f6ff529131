//! `tasks.bpf.c` and `files.bpf.c` against `/proc/PID`.

use std::collections::BTreeMap;
use std::fs::File;

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{OpenFiles, parse};
use perfuse_format::tasks::{Task, TaskSource, TaskTable};
use perfuse_format::{RawSnapshot, Reading};

use crate::support::{Live, live, me};

/// All processes as `/proc` shows them.
fn from_proc() -> BTreeMap<u32, Task> {
    let mut raw = RawSnapshot::default();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            for file in ["stat", "io"] {
                if let Ok(bytes) = std::fs::read(format!("/proc/{name}/{file}")) {
                    raw.put(format!("/proc/{name}/{file}"), bytes);
                }
            }
        }
    }
    TaskTable::from_raw(&raw).into_value().unwrap().processes
}

fn from_bpf(live: &Live) -> TaskTable {
    let mut raw = RawSnapshot::default();
    assert!(live.set.sweep_tasks(&mut raw));
    match TaskTable::from_raw(&raw) {
        Reading::Value(table) => table,
        Reading::Missing(missing) => panic!("{missing:?}"),
    }
}

#[test]
fn every_process_is_what_proc_says() {
    let live = live!(&[Program::Tasks]);
    let before = from_proc();
    let table = from_bpf(&live);
    let after = from_proc();
    assert_eq!(table.source, TaskSource::BpfIterator);
    let mut compared = 0;
    for (pid, first) in &before {
        // Same process, and nothing that may change on its own has changed.
        let Some(last) = after.get(pid).filter(|last| last.start_ns == first.start_ns) else { continue };
        let Some(task) = table.processes.get(pid) else {
            // Some hosts wall a process off from root too; their kernel leaves it out of the iteration as well.
            assert!(std::fs::read_link(format!("/proc/{pid}/ns/pid")).is_err(), "{pid} is missing: {first:?}");
            continue;
        };
        let context = format!("{first:?}\n{task:?}\n{last:?}");
        let tick = 10_000_000;
        assert_eq!(task.start_ns / tick, first.start_ns / tick, "{context}");
        assert_eq!(task.kernel_thread, first.kernel_thread, "{context}");
        if first.comm == last.comm && first.ppid == last.ppid {
            assert_eq!((task.ppid, task.nice, task.policy), (first.ppid, first.nice, first.policy), "{context}");
            // /proc shows kernel workers with what they work on.
            assert!(first.kernel_thread || task.comm == first.comm, "{context}");
        }
        // The running one counts its current time slice up to the last tick only; the two clocks of /proc are ticks.
        let slack = 3 * tick;
        assert!(task.cpu_ns() + slack >= first.cpu_ns() && task.cpu_ns() <= last.cpu_ns() + slack, "{context}");
        assert!((first.minor_faults..=last.minor_faults).contains(&task.minor_faults), "{context}");
        assert!((first.major_faults..=last.major_faults).contains(&task.major_faults), "{context}");
        if let (Some(low), Some(high)) = (first.read_bytes, last.read_bytes) {
            assert!((low..=high).contains(&task.read_bytes.unwrap()), "{context}");
        }
        if first.rss_pages == last.rss_pages {
            assert_eq!(task.rss_pages, first.rss_pages, "{context}");
        }
        compared += 1;
    }
    assert!(compared > 3, "only {compared} processes lived through the test");
    assert!(table.processes.contains_key(&me()));
}

#[test]
fn threads_are_those_of_this_process() {
    let live = live!(&[Program::Tasks]);
    let table = from_bpf(&live);
    let mine: Vec<u32> = table.threads.values().filter(|task| task.pid == me()).map(|task| task.tid).collect();
    let listed = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let mut listed: Vec<u32> = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    listed.sort_unstable();
    assert_eq!(mine, listed);
    let process = &table.processes[&me()];
    let switches = |kind: &str| -> u64 {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let status = tasks.filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok());
        let number = |text: String| -> Option<u64> {
            text.lines().find_map(|line| line.strip_prefix(kind))?.trim().parse().ok()
        };
        status.filter_map(number).sum()
    };
    // The sum of the process holds the threads of earlier tests too, which have ended.
    assert!(process.voluntary_switches.unwrap() + 5 >= switches("voluntary_ctxt_switches:"));
    assert_eq!(usize::try_from(process.threads).unwrap(), mine.len());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:")).unwrap();
    let allowed: u32 = allowed.chars().filter_map(|digit| digit.to_digit(16)).map(u32::count_ones).sum();
    assert_eq!(process.allowed_cpus, Some(allowed));
}

#[test]
fn open_files_are_counted() {
    let live = live!(&[Program::Files]);
    let files: Vec<File> = (0..300).map(|_| File::open("/dev/null").unwrap()).collect();
    let mut raw = RawSnapshot::default();
    assert!(live.set.sweep_files(&mut raw));
    // The one that lists them is one more, and so was the one that read the iterator.
    let listed = std::fs::read_dir("/proc/self/fd").unwrap().count();
    drop(files);
    let rows = parse::<OpenFiles>(&raw).into_value().unwrap();
    let row = rows.iter().find(|row| row.pid == me()).unwrap();
    assert_eq!(row.open, listed as u64);
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let values = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let bound = |index| values.split_whitespace().nth(index).unwrap().parse().unwrap_or(u64::MAX);
    assert_eq!((row.soft_limit, row.hard_limit), (bound(0), bound(1)));
}
