//! Hosts that look busy and on which nobody waits: whole runs, each of which must be called healthy.

use perfuse_format::RawSnapshot;

use crate::{Checklist, Finding, Run, Scope, Severity, Thresholds};

/// Seconds of each run.
const SECONDS: u64 = 10;
const CPUS: u64 = 4;

/// What a second of the host looks like; rates per second.
struct Load {
    /// Ticks of 10 ms in which each CPU is busy.
    busy: u64,
    /// Seconds per second, in microseconds, for which somebody waits: CPU, memory, I/O.
    pressure: [u64; 3],
    meminfo: &'static str,
    /// Lines of vmstat: name and growth.
    vmstat: &'static [(&'static str, u64)],
    /// Reads, milliseconds in which the device is busy, milliseconds that its requests took.
    disk: [u64; 3],
    processes: Vec<Process>,
}

/// A process with one thread on a CPU.
#[derive(Clone, Copy)]
struct Process {
    pid: u32,
    state: char,
    ticks: u64,
    /// Milliseconds for which it was runnable and did not run.
    waits: u64,
    nice: i32,
    policy: u32,
    read_bytes: u64,
}

const SLEEPER: Process = Process { pid: 7, state: 'S', ticks: 1, waits: 0, nice: 0, policy: 0, read_bytes: 0 };

const ROOMY: &str = "MemTotal: 16777216 kB\nMemFree: 9000000 kB\nMemAvailable: 14000000 kB\nBuffers: 9 kB\nCached: 4000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";

impl Default for Load {
    fn default() -> Self {
        Self {
            busy: 1,
            pressure: [200, 0, 300],
            meminfo: ROOMY,
            vmstat: &[("pgpgin", 5)],
            disk: [3, 2, 2],
            processes: vec![SLEEPER, Process { pid: 8, ..SLEEPER }],
        }
    }
}

fn put_host(raw: &mut RawSnapshot, load: &Load, n: u64) {
    raw.put("@host", "hostname h\nkernel 6.1\nmachine x86_64\npage_size 4096\nclock_ticks 100\ncpus 4\nself_pid 1\n");
    raw.put(
        "/proc/self/mountinfo",
        "25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n31 1 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    );
    let (busy, idle) = (load.busy * n, (100 - load.busy) * n);
    let mut stat = format!("cpu  {} 0 0 {}\n", busy * CPUS, idle * CPUS);
    stat.extend((0..CPUS).map(|cpu| format!("cpu{cpu} {busy} 0 0 {idle}\n")));
    raw.put("/proc/stat", stat + "procs_running 4\n");
    raw.put("/proc/meminfo", load.meminfo);
    let limits = "nr_dirty 20\nnr_writeback 0\nnr_dirty_threshold 400000\nnr_dirty_background_threshold 200000\n";
    let mut vmstat = format!("{limits}pgscan_direct 0\nallocstall_normal 0\npswpin 0\npswpout 0\noom_kill 0\n");
    vmstat.extend(load.vmstat.iter().map(|(name, rate)| format!("{name} {}\n", rate * n)));
    raw.put("/proc/vmstat", vmstat);
    let [reads, busy_ms, wait_ms] = load.disk.map(|rate| rate * n);
    raw.put(
        "/proc/diskstats",
        format!("259 0 nvme0n1 {reads} 0 {} {wait_ms} 0 0 0 0 0 {busy_ms} {wait_ms}\n", reads * 256),
    );
    raw.put(
        "/proc/net/snmp",
        format!(
            "Tcp: OutSegs RetransSegs\nTcp: {} {}\nUdp: InDatagrams RcvbufErrors\nUdp: {} 0\n",
            n * 9000,
            n * 2,
            n * 50
        ),
    );
    raw.put("/proc/net/netstat", format!("TcpExt: ListenOverflows ListenDrops TCPTimeouts\nTcpExt: 0 0 {}\n", n / 5));
    raw.put("/proc/net/dev", "Inter-| x\n face | y\n    lo: 6485 85 0 0 0 0 0 0 6485 85 0 0 0 0 0 0\n");
}

fn put_process(raw: &mut RawSnapshot, process: &Process, n: u64) {
    let Process { pid, state, ticks, waits, nice, policy, read_bytes } = *process;
    let line = format!(
        "{pid} (app{pid}) {state} 1 1 1 0 -1 4194304 0 0 0 0 {} 0 0 0 20 {nice} 1 0 7 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 {} 0 {policy} 0 0 0",
        ticks * n,
        u64::from(pid) % CPUS
    );
    raw.put(format!("/proc/{pid}/stat"), line);
    raw.put(format!("/proc/{pid}/schedstat"), format!("{} {} 9", ticks * n * 10_000_000, waits * n * 1_000_000));
    raw.put(
        format!("/proc/{pid}/io"),
        format!("read_bytes: {}\nwrite_bytes: 0\ncancelled_write_bytes: 0\n", read_bytes * n),
    );
    raw.put(format!("/proc/{pid}/cgroup"), "0::/\n");
}

/// The run, on a kernel with pressure information or on one without.
fn run(load: &Load, pressure: bool) -> Vec<RawSnapshot> {
    let at = |n: u64| {
        let mut raw = RawSnapshot { mono_ns: (1000 + n) * 1_000_000_000, ..RawSnapshot::default() };
        put_host(&mut raw, load, n);
        for (name, rate) in ["cpu", "memory", "io"].into_iter().zip(load.pressure) {
            let source = format!("/proc/pressure/{name}");
            if pressure {
                raw.put(source, format!("some avg10=0 total={}\nfull avg10=0 total=0\n", rate * n));
            } else {
                raw.put_errno(&source, 2);
            }
        }
        for process in &load.processes {
            put_process(&mut raw, process, n);
        }
        raw
    };
    (0..=SECONDS).map(at).collect()
}

fn build(load: &Load, pressure: bool) -> Checklist {
    let snapshots = run(load, pressure);
    Checklist::build(&Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap())
}

/// Asserts that the host is called healthy, by every rule and with either kind of kernel.
fn is_healthy(load: &Load) {
    for pressure in [true, false] {
        let checklist = build(load, pressure);
        let above = |finding: &&Finding| finding.severity > Severity::Watch;
        let serious: Vec<_> = checklist.findings.iter().filter(above).collect();
        assert!(serious.is_empty(), "pressure {pressure}: {serious:#?}");
        assert_eq!(checklist.healthy, Some(true), "pressure {pressure}");
    }
}

fn verdict(load: &Load, id: &str) -> crate::Verdict {
    build(load, true).cells.iter().find(|cell| cell.id == id).unwrap().verdict
}

#[test]
fn an_idle_host_is_healthy() {
    is_healthy(&Load::default());
    assert!(build(&Load::default(), true).findings.is_empty());
}

#[test]
fn busy_cpus_for_which_nobody_waits_are_healthy() {
    let load = |busy: u64, waits: u64| Load {
        busy,
        pressure: [waits * 1000, 0, 0],
        processes: (20..24).map(|pid| Process { pid, state: 'R', ticks: busy, waits, ..SLEEPER }).collect(),
        ..Load::default()
    };
    is_healthy(&load(90, 3));
    is_healthy(&load(100, 0));
    // The same CPUs, with everybody waiting for them half of the time.
    assert_eq!(build(&load(100, 900), true).healthy, Some(false));
}

#[test]
fn memory_full_of_page_cache_is_healthy() {
    // A backup has read every file once; the kernel makes room in the background.
    const FULL: &str = "MemTotal: 16777216 kB\nMemFree: 90000 kB\nMemAvailable: 14500000 kB\nBuffers: 200000 kB\nCached: 15000000 kB\nSwapTotal: 2000000 kB\nSwapFree: 1990000 kB\n";
    const BACKGROUND: &[(&str, u64)] =
        &[("pgscan_kswapd", 50_000), ("pgsteal_kswapd", 50_000), ("pgmajfault", 3), ("pgpgin", 200_000)];
    const SCARCE: &str =
        "MemTotal: 16777216 kB\nMemFree: 90000 kB\nMemAvailable: 200000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";
    const DIRECT: &[(&str, u64)] = &[("pgscan_direct", 50_000), ("allocstall_movable", 900)];
    let load = |meminfo, vmstat, pressure| Load {
        meminfo,
        vmstat,
        pressure: [200, pressure, 9_000],
        disk: [2000, 300, 500],
        processes: vec![Process { ticks: 30, read_bytes: 200_000_000, ..SLEEPER }],
        ..Load::default()
    };
    is_healthy(&load(FULL, BACKGROUND, 2_000));
    // The same with everybody looking for free pages himself, and waiting for it.
    assert_eq!(build(&load(SCARCE, DIRECT, 300_000), true).healthy, Some(false));
}

#[test]
fn a_nice_job_that_waits_behind_others_is_healthy() {
    let load = |nice: i32, policy: u32| {
        let mut processes: Vec<Process> =
            (20..24).map(|pid| Process { pid, state: 'R', ticks: 99, waits: 2, ..SLEEPER }).collect();
        processes.push(Process { pid: 30, state: 'R', ticks: 4, waits: 950, nice, policy, ..SLEEPER });
        Load { busy: 100, pressure: [950_000, 0, 0], processes, ..Load::default() }
    };
    is_healthy(&load(19, 0));
    is_healthy(&load(0, 5));
    assert_eq!(verdict(&load(19, 0), "cpu.saturation"), crate::Verdict::Watch, "it does wait, and that is shown");
    // The same job with the rights of the others.
    assert_eq!(build(&load(0, 0), true).healthy, Some(false));
}

#[test]
fn a_parallel_device_that_is_always_busy_and_never_slower_is_healthy() {
    // 20,000 reads a second of 0.2 ms each, of which four are under way at any time; they are waited for by nobody.
    let load = |state, pressure| Load {
        pressure: [200, 0, pressure],
        disk: [20_000, 1_000, 4_000],
        processes: vec![Process { pid: 40, state, ticks: 60, read_bytes: 2_600_000_000, ..SLEEPER }],
        ..Load::default()
    };
    is_healthy(&load('S', 30_000));
    assert_eq!(verdict(&load('S', 30_000), "disk.utilization"), crate::Verdict::Watch);
    // The same device, with its reader stalled for it.
    assert_eq!(build(&load('D', 700_000), true).healthy, Some(false));
}
