//! The numbers of every second that are kept: the cells of the checklist, threads, connections, and the processes that use
//! most.
//!
//! The name of a number ends with its unit, so that whoever draws it knows how to write it: [`unit_of`]. How many there are
//! is bounded, and so are the names: process ids never stand in them.

use std::collections::BTreeMap;

use perfuse_format::netlink::sockdiag::{TcpSocket, TcpSockets, state};

use crate::cell::{Cell, Unit, Verdict};
use crate::checklist::Checklist;
use crate::run::Run;
use crate::table;

/// Parts of a cell that are kept.
const INSTANCES: usize = 5;
/// Processes that are kept, by what they use.
const PROCESSES: usize = 10;
/// Ports with listeners that are kept.
const PORTS: usize = 20;
/// Seconds on CPU per second below which a process is not kept.
const LEAST_CPU: f64 = 0.01;

/// A number of one second.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its name, such as `perfuse_cell_ratio`.
    pub name: String,
    /// Labels, such as `cell` and `cpu.saturation`.
    pub labels: Vec<(&'static str, String)>,
    /// The value; always finite.
    pub value: f64,
}

/// The end of a name for a unit.
fn suffix(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "ratio",
        Unit::SecondsPerSecond => "seconds_per_second",
        Unit::PerSecond => "per_second",
        Unit::Bytes => "bytes",
        Unit::BytesPerSecond => "bytes_per_second",
        Unit::Seconds => "seconds",
        Unit::Count => "count",
        Unit::Celsius => "celsius",
        Unit::InstructionsPerCycle => "ipc",
    }
}

/// The unit of a number by its name; `None` for a name of somebody else.
pub fn unit_of(name: &str) -> Option<Unit> {
    // The longer ends stand before those that they end with.
    const ALL: [Unit; 9] = [
        Unit::SecondsPerSecond,
        Unit::BytesPerSecond,
        Unit::PerSecond,
        Unit::Bytes,
        Unit::Seconds,
        Unit::Ratio,
        Unit::Count,
        Unit::Celsius,
        Unit::InstructionsPerCycle,
    ];
    ALL.into_iter().find(|unit| name.strip_suffix(suffix(*unit)).is_some_and(|rest| rest.ends_with('_')))
}

/// Collects numbers.
#[derive(Default)]
struct Numbers(Vec<Number>);

impl Numbers {
    fn put(&mut self, name: &str, unit: Unit, labels: &[(&'static str, &str)], value: f64) {
        if value.is_finite() {
            let labels = labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
            self.0.push(Number { name: format!("perfuse_{name}_{}", suffix(unit)), labels, value });
        }
    }
}

/// The numbers of one second, from a run of that second and its checklist. A cell that takes longer to measure, or that a
/// second measures in another way, is as in `full`, the checklist over the last seconds. In a fixed order.
pub fn of_second(run: &Run, checklist: &Checklist, full: &Checklist) -> Vec<Number> {
    let mut numbers = Numbers::default();
    let of = |cells: &[Cell], seconds: &[Cell], numbers: &mut Numbers| {
        for cell in cells {
            let unit = |cell: &Cell| cell.value.map(|value| value.unit);
            let quick = seconds.iter().find(|quick| quick.id == cell.id && unit(quick) == unit(cell));
            of_cell(quick.unwrap_or(cell), numbers);
        }
    };
    of(&full.cells, &checklist.cells, &mut numbers);
    of(&full.controls, &checklist.controls, &mut numbers);
    threads(run, &mut numbers);
    processes(run, &mut numbers);
    numbers.0
}

/// The numbers that come every few seconds only: connections and their queues. In a fixed order.
pub fn of_connections(run: &Run) -> Vec<Number> {
    let mut numbers = Numbers::default();
    connections(run, &mut numbers);
    numbers.0
}

/// The headline of a cell, its verdict, and the worst of its parts where these are hardware.
fn of_cell(cell: &Cell, numbers: &mut Numbers) {
    let Some(value) = cell.value else { return };
    numbers.put("cell", value.unit, &[("cell", cell.id)], value.number);
    let verdict = match cell.verdict {
        Verdict::NotApplicable | Verdict::Unmeasurable => return,
        Verdict::Ok => 0.0,
        Verdict::Watch => 1.0,
        Verdict::Bottleneck => 2.0,
        Verdict::Error => 3.0,
    };
    numbers.put("verdict", Unit::Count, &[("cell", cell.id)], verdict);
    let physical = table::cell(cell.id).is_some_and(|spec| spec.resource.is_physical());
    let devices = cell.instances.iter().filter(|one| physical && !one.name.contains(['(', ' ']));
    for instance in devices.take(INSTANCES) {
        let labels = [("cell", cell.id), ("instance", instance.name.as_str())];
        numbers.put("cell", instance.value.unit, &labels, instance.value.number);
    }
}

/// Threads by state at the last sample; of a host of which only processes are known, processes.
fn threads(run: &Run, numbers: &mut Numbers) {
    let Some(tasks) = run.tasks.value() else { return };
    let mut by_state: BTreeMap<&str, f64> =
        ["running", "sleeping", "blocked", "stopped", "zombie"].into_iter().map(|state| (state, 0.0)).collect();
    for used in tasks.threads.values().filter(|used| !used.ended && !used.task.kernel_thread) {
        let state = match used.task.state {
            'R' => "running",
            'D' => "blocked",
            'T' | 't' => "stopped",
            'Z' | 'X' => "zombie",
            _ => "sleeping",
        };
        *by_state.entry(state).or_default() += 1.0;
    }
    for (state, count) in by_state {
        numbers.put("threads", Unit::Count, &[("state", state)], count);
    }
    let alive = tasks.processes.values().filter(|used| !used.ended && !used.task.kernel_thread).count();
    numbers.put("processes", Unit::Count, &[], alive as f64);
}

/// CPU and memory of the processes that use most of either, added up by name.
fn processes(run: &Run, numbers: &mut Numbers) {
    let Some(tasks) = run.tasks.value() else { return };
    let mut by_name: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for used in tasks.processes.values().filter(|used| !used.task.kernel_thread) {
        let sum = by_name.entry(used.task.comm.as_str()).or_default();
        sum.0 += used.cpu;
        if !used.ended {
            sum.1 += used.task.rss_pages as f64 * run.host.page_size as f64;
        }
    }
    let mut most = |name: &str, unit: Unit, value: fn(&(f64, f64)) -> f64, least: f64| {
        let mut sorted: Vec<(&str, f64)> = by_name.iter().map(|(comm, sums)| (*comm, value(sums))).collect();
        sorted.retain(|(_, value)| *value >= least);
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        for (comm, value) in sorted.into_iter().take(PROCESSES) {
            numbers.put(name, unit, &[("process", comm)], value);
        }
    };
    most("process_cpu", Unit::SecondsPerSecond, |sums| sums.0, LEAST_CPU);
    most("process_memory", Unit::Bytes, |sums| sums.1, 1.0);
}

/// Connections by port and state, and the queues of those who listen and of what they have accepted.
fn connections(run: &Run, numbers: &mut Numbers) {
    let listeners = run.last::<TcpSockets>("@netlink/listen").into_value().unwrap_or_default();
    let mut ports: BTreeMap<u16, (f64, f64)> = BTreeMap::new();
    for socket in listeners.0.iter().filter(|socket| socket.state == state::LISTEN) {
        let sum = ports.entry(socket.local.port()).or_default();
        sum.0 += f64::from(socket.receive_queue);
        sum.1 += f64::from(socket.send_queue);
    }
    let Some(all) = run.last::<TcpSockets>("@netlink/tcp").into_value() else { return };
    let mut states: BTreeMap<(u16, &str), f64> = BTreeMap::new();
    let mut queues: BTreeMap<u16, (f64, f64)> = BTreeMap::new();
    for socket in &all.0 {
        let port = socket.local.port();
        if ports.contains_key(&port) {
            *states.entry((port, word(socket))).or_default() += 1.0;
            let sum = queues.entry(port).or_default();
            sum.0 += f64::from(socket.receive_queue);
            sum.1 += f64::from(socket.send_queue);
        }
    }
    for (port, (waiting, backlog)) in ports.into_iter().take(PORTS) {
        let name = port.to_string();
        let labels = [("port", name.as_str())];
        numbers.put("accept_queue", Unit::Count, &labels, waiting);
        numbers.put("accept_queue_max", Unit::Count, &labels, backlog);
        for ((_, state), count) in states.range((port, "")..).take_while(|((of, _), _)| *of == port) {
            numbers.put("tcp", Unit::Count, &[("port", name.as_str()), ("state", state)], *count);
        }
        if let Some((receive, send)) = queues.get(&port) {
            numbers.put("receive_queue", Unit::Bytes, &labels, *receive);
            numbers.put("send_queue", Unit::Bytes, &labels, *send);
        }
    }
}

/// The state of a connection as `ss(8)` and the kernel's names have it (`include/net/tcp_states.h`).
fn word(socket: &TcpSocket) -> &'static str {
    match socket.state {
        1 => "ESTABLISHED",
        2 => "SYN_SENT",
        3 | 12 => "SYN_RECV",
        4 => "FIN_WAIT1",
        5 => "FIN_WAIT2",
        6 => "TIME_WAIT",
        7 => "CLOSE",
        8 => "CLOSE_WAIT",
        9 => "LAST_ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{run, second, stat};

    #[test]
    fn the_unit_stands_at_the_end_of_the_name() {
        for (name, unit) in [
            ("perfuse_cell_ratio", Some(Unit::Ratio)),
            ("perfuse_cell_seconds_per_second", Some(Unit::SecondsPerSecond)),
            ("perfuse_cell_per_second", Some(Unit::PerSecond)),
            ("check_seconds", Some(Unit::Seconds)),
            ("perfuse_disk_bytes_per_second", Some(Unit::BytesPerSecond)),
            ("redis_clients", None),
            ("discount", None),
        ] {
            assert_eq!(unit_of(name), unit, "{name}");
        }
    }

    #[test]
    fn cells_threads_and_processes_become_numbers() {
        let mut snapshots = vec![second(100), second(110)];
        for (index, snapshot) in snapshots.iter_mut().enumerate() {
            snapshot.put("/proc/stat", format!("cpu  {0} 0 0 {0}\ncpu0 {0} 0 0 {0}\n", 1000 * index));
            for (pid, comm) in [(10, "client"), (20, "server"), (21, "server")] {
                snapshot.put(format!("/proc/{pid}/stat"), stat(pid, comm, 300 * index as u64, 0));
            }
        }
        let run = run(&snapshots);
        let checklist = Checklist::build(&run);
        let numbers = of_second(&run, &checklist, &checklist);
        let find = |name: &str, label: &str| {
            let of = |number: &&Number| number.name == name && number.labels.iter().any(|(_, value)| value == label);
            numbers.iter().find(of).map(|number| number.value)
        };
        assert!(find("perfuse_cell_ratio", "cpu.utilization").is_some(), "{numbers:?}");
        let cpu = find("perfuse_process_cpu_seconds_per_second", "server").expect("two servers");
        assert!((cpu - 0.6).abs() < 0.01, "{cpu}");
        assert!(numbers.iter().all(|number| unit_of(&number.name).is_some()));
        assert!(of_connections(&run).is_empty(), "nothing is known of them here");
    }

    #[test]
    fn a_second_stands_for_a_cell_only_where_it_measures_the_same() {
        let list = |value: crate::Quantity| Checklist {
            cells: vec![Cell::measured("cpu.saturation", Verdict::Ok, value)],
            controls: Vec::new(),
            findings: Vec::new(),
            healthy: None,
        };
        let snapshots = [second(100)];
        let run = run(&snapshots);
        let full = list(crate::Quantity::wait(0.5));
        let value = |quick: &Checklist| of_second(&run, quick, &full)[0].value;
        assert!((value(&list(crate::Quantity::wait(0.25))) - 0.25).abs() < 1e-12);
        assert!((value(&list(crate::Quantity::count(9.0))) - 0.5).abs() < 1e-12, "another unit");
    }
}
