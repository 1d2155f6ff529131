//! The steps against two snapshots of small hosts.

use perfuse_format::RawSnapshot;
use perfuse_format::sys::host::Host;

use super::*;
use crate::{Scope, Thresholds, Unit};

const NET_HEAD: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
";
const TCP_HEAD: &str = "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n";

fn snapshot(second: u64) -> RawSnapshot {
    let mut raw = RawSnapshot {
        mono_ns: second * 1_000_000_000,
        real_ns: (1_000_000 + second) * 1_000_000_000,
        ..RawSnapshot::default()
    };
    let host = Host { cpus: 2, page_size: 4096, clock_ticks: 100, ..Host::default() };
    raw.put("@host", host.to_bytes());
    raw.put("/proc/loadavg", "3.50 2.00 1.00 4/300 1234\n");
    raw.put("/proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 50 kB\nCached: 200 kB\nSwapTotal: 100 kB\nSwapFree: 60 kB\n");
    raw.put("/proc/vmstat", format!("pswpin 0\npswpout {}\npgpgin {}\npgpgout 0\n", second * 10, second * 4));
    // Per second: CPU 0 is busy all the time, CPU 1 is idle.
    let busy = second * 100;
    raw.put(
        "/proc/stat",
        format!(
            "cpu {busy} 0 0 {busy} 0 0 0 0 0 0\ncpu0 {busy} 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 {busy} 0 0 0 0 0 0\nintr {} 1\nctxt {}\nbtime 1000\nprocesses 5\nprocs_running 5\nprocs_blocked 1\nsoftirq 0\n",
            second * 50,
            second * 200
        ),
    );
    raw.put(
        "/proc/diskstats",
        format!(
            " 254 0 vda {0} 0 {1} {2} 0 0 0 0 0 {3} {2} 0 0 0 0 0 0\n 7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n",
            second * 10,
            second * 80,
            second * 500,
            second * 900
        ),
    );
    raw.put(
        "/proc/net/dev",
        format!(
            "{NET_HEAD}  eth0: {0} {1} 0 0 0 0 0 0 {0} {1} 0 {1} 0 0 0 0\n    lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
            second * 1000,
            second * 10
        ),
    );
    raw.put(
        "/proc/net/snmp",
        format!("{TCP_HEAD}Tcp: 1 200 120000 -1 {0} 0 0 0 3 {0} {1} {0} 0 0 0\n", second * 5, second * 100),
    );
    raw.put("@kmsg", "6,1,1000000,-;booted\n");
    let stat = |pid: u32, name: &str, state: char, user: u64, rss: u64| {
        format!(
            "{pid} ({name}) {state} 1 1 1 0 -1 0 0 0 0 0 {user} 0 0 0 20 0 1 0 5 0 {rss} 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
        )
    };
    raw.put("/proc/10/stat", stat(10, "hot one", 'R', second * 100, 5));
    raw.put("/proc/11/stat", stat(11, "big", 'S', 0, 90));
    raw.put("/proc/12/stat", stat(12, "dead", 'Z', 0, 0));
    raw
}

fn report(snapshots: &[RawSnapshot]) -> SixtyReport {
    SixtyReport::build(&Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap())
}

fn step<'a>(report: &'a SixtyReport, id: &str) -> &'a Step {
    report.steps.iter().find(|step| step.id == id).unwrap()
}

fn number(step: &Step, row: usize, column: &str) -> f64 {
    let table = step.table.value().unwrap();
    let at = table.columns.iter().position(|name| *name == column).unwrap();
    table.rows[row].values[at].unwrap().number
}

#[test]
fn ten_commands_in_their_order_with_their_numbers() {
    let report = report(&[snapshot(1), snapshot(2), snapshot(3)]);
    let ids: Vec<_> = report.steps.iter().map(|step| step.id).collect();
    assert_eq!(ids, ["uptime", "dmesg", "vmstat", "mpstat", "pidstat", "iostat", "free", "sar-dev", "sar-tcp", "top"]);
    let close = |id: &str, row: usize, column: &str, expected: f64| {
        let got = number(step(&report, id), row, column);
        assert!((got - expected).abs() < 1e-9, "{id} {column}: {got}");
    };
    close("uptime", 0, "load1", 3.5);
    close("uptime", 0, "up", 999_003.0);
    close("vmstat", 0, "r", 5.0);
    close("vmstat", 0, "so", 10.0 * 4096.0);
    close("vmstat", 0, "bi", 4.0 * 1024.0);
    close("vmstat", 0, "cs", 200.0);
    close("vmstat", 0, "us", 0.5);
    close("mpstat", 0, "%usr", 0.5);
    close("mpstat", 1, "%usr", 1.0);
    close("mpstat", 2, "%idle", 1.0);
    close("pidstat", 0, "%CPU", 1.0);
    close("iostat", 0, "r/s", 10.0);
    close("iostat", 0, "r_await", 0.05);
    close("iostat", 0, "%util", 0.9);
    close("free", 0, "available", 400.0 * 1024.0);
    close("free", 0, "swap used", 40.0 * 1024.0);
    close("sar-dev", 0, "rx/s", 1000.0);
    close("sar-tcp", 0, "retrans/s", 5.0);
    close("top", 0, "RES", 90.0 * 4096.0);
}

#[test]
fn what_is_remarkable_is_said() {
    let report = report(&[snapshot(1), snapshot(3)]);
    let said: Vec<_> =
        report.steps.iter().filter(|step| step.remarkable).map(|step| step.reading.id.as_str()).collect();
    assert_eq!(
        said,
        [
            "sixty-uptime-rising",
            "sixty-vmstat-queued",
            "sixty-mpstat-one",
            "sixty-iostat-slow",
            "sixty-dev-drops",
            "sixty-tcp-lossy",
            "sixty-top-states"
        ]
    );
    assert_eq!(step(&report, "dmesg").reading.id, "sixty-dmesg-quiet");
    assert_eq!(step(&report, "dmesg").table.value().unwrap().lines, ["[    1.000000] booted"]);
}

#[test]
fn a_run_with_nothing_in_it_says_so_ten_times() {
    let report = report(&[RawSnapshot::default()]);
    assert_eq!(report.steps.len(), 10);
    for step in &report.steps {
        assert!(step.table.value().is_none(), "{}", step.id);
        assert!(step.reading.id.starts_with("missing-"), "{}", step.id);
    }
}

#[test]
fn every_row_has_a_value_for_every_column() {
    for step in report(&[snapshot(1), snapshot(2)]).steps {
        let table = step.table.ok().unwrap();
        assert!(table.rows.iter().all(|row| row.values.len() == table.columns.len()), "{}", step.id);
    }
    assert_eq!(share(1.0, 0.0), None);
    assert_eq!(share(1.0, 4.0).unwrap().unit, Unit::Ratio);
}
