//! Loads BPF programs, waits, and prints what they measured: every table, decoded.
//!
//! `bpf_tables [--hold] [--knob NAME=NUMBER]... [SECONDS] [PROGRAM]...`; with `--hold` it prints `ready` once all is attached and
//! ends when its standard input does, which is what a measurement of the overhead needs.

#![expect(clippy::disallowed_macros, reason = "a program for developers: printing is what it does")]

use std::fmt::Debug;
use std::io::Read as _;
use std::time::{Duration, Instant};

use perfuse_collect::bpf::{BpfSet, Options, Program, WHY};
use perfuse_format::bpf::{
    BlockHist, BlockProcess, ErrnoCount, FaultHist, FaultProcess, ForkHist, ForkProcess, FutexWait, FutexWaker,
    LockHist, LockWait, OffCpu, OomVictim, OpenFiles, OpenWait, Reclaim, RunqCgroup, RunqHist, RunqProcess, SkbDrop,
    Stack, Table, WaitTime, WakeTime, lost, parse,
};
use perfuse_format::tasks::TaskTable;
use perfuse_format::{RawSnapshot, Reading};

fn show<T: Table + Debug>(raw: &RawSnapshot) {
    match parse::<T>(raw) {
        Reading::Value(rows) => {
            println!("\n{} {} rows, lost {:?}", T::SOURCE, rows.len(), lost::<T>(raw));
            rows.iter().filter(|row| row.happened()).take(30).for_each(|row| println!("  {row:?}"));
        }
        Reading::Missing(missing) => println!("\n{} {missing:?}", T::SOURCE),
    }
}

fn main() {
    let mut options = Options { run_stats: true, ..Options::default() };
    let (mut programs, mut seconds, mut hold) = (Vec::new(), 2, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--hold" => hold = true,
            "--knob" => {
                let knob = arguments.next().unwrap_or_default();
                let Some((name, Ok(value))) = knob.split_once('=').map(|(name, value)| (name, value.parse())) else {
                    return eprintln!("--knob takes NAME=NUMBER");
                };
                options.knobs.insert(name.to_owned(), value);
            }
            other => match (other.parse(), Program::by_name(other)) {
                (Ok(number), _) => seconds = number,
                (_, Some(program)) => programs.push(program),
                _ => return eprintln!("no such program: {other}"),
            },
        }
    }
    if programs.is_empty() {
        programs.extend(WHY);
    }
    options.run_stats = !hold;
    let start = Instant::now();
    let (set, status) = BpfSet::load(&programs, &options);
    eprintln!("loaded in {:?}", start.elapsed());
    for status in status {
        eprintln!("{:10} {:40} {:?}", status.program.name(), status.hook, status.running);
    }
    if hold {
        println!("ready");
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let mut raw = RawSnapshot::default();
    let start = Instant::now();
    set.sweep_tasks(&mut raw);
    eprintln!("tasks in {:?}", start.elapsed());
    let start = Instant::now();
    set.sweep_files(&mut raw);
    eprintln!("files in {:?}", start.elapsed());
    let start = Instant::now();
    set.sweep_waits(&mut raw);
    eprintln!("waits in {:?}", start.elapsed());
    let start = Instant::now();
    set.read_into(&mut raw);
    eprintln!("tables in {:?}", start.elapsed());
    set.read_slow_into(&mut raw);
    if let Some(tasks) = TaskTable::from_raw(&raw).into_value() {
        println!("{:?}: {} processes, {} threads", tasks.source, tasks.processes.len(), tasks.threads.len());
    }
    show_all(&raw);
    for cost in set.costs() {
        println!("{cost:?}");
    }
}

fn show_all(raw: &RawSnapshot) {
    show::<OpenFiles>(raw);
    show::<RunqHist>(raw);
    show::<RunqProcess>(raw);
    show::<RunqCgroup>(raw);
    show::<OffCpu>(raw);
    show::<FaultHist>(raw);
    show::<FaultProcess>(raw);
    show::<BlockHist>(raw);
    show::<BlockProcess>(raw);
    show::<FutexWait>(raw);
    show::<FutexWaker>(raw);
    show::<LockHist>(raw);
    show::<LockWait>(raw);
    show::<ErrnoCount>(raw);
    show::<ForkHist>(raw);
    show::<ForkProcess>(raw);
    show::<SkbDrop>(raw);
    show::<Reclaim>(raw);
    show::<OomVictim>(raw);
    show::<OpenWait>(raw);
    show::<WaitTime>(raw);
    show::<WakeTime>(raw);
    show::<Stack>(raw);
}
