//! Programs on the running kernel, against the same computation outside of it.

use perfuse_format::live::{Aggregation, Expr, Hit, HitValues, KeyPart, Row, Scope, bucket};
use perfuse_format::probe::TraceProbe;
use perfuse_format::tracefs::EventFormat;
use perfuse_testkit::skip;

use super::*;
use crate::perf::tracepoints::Tracefs;
use crate::root::Root;

/// A system call that does nothing but take its arguments: their 64 bits are the fields.
const EVENT: (&str, &str) = ("syscalls", "sys_enter_getpriority");

fn call(which: i64, who: i64) {
    // SAFETY: the call takes two numbers, and refuses those that it does not know.
    unsafe { libc::syscall(libc::SYS_getpriority, which, who) };
}

/// The event for this process; `None` where programs or tracepoints are not to be had.
fn plan(filter: Option<&str>) -> Option<LivePlan> {
    let tracefs = Tracefs::find(&Root::default()).ok()?;
    let id = tracefs.id(EVENT.0, EVENT.1).ok()?;
    let format = EventFormat::parse(EVENT.0, &tracefs.format(EVENT.0, EVENT.1).ok()?).ok()?;
    let scope = Scope::of_format(&format);
    let filter = filter.map(|text| Expr::parse(text, &scope).unwrap());
    Some(LivePlan { hook: LiveHook::Tracepoint { id }, scope, filter, pids: vec![std::process::id()] })
}

fn aggregation(plan: &LivePlan, value: &str, by: &str, parts: Option<u32>) -> Aggregation {
    let value = (!value.is_empty()).then(|| Expr::parse(value, &plan.scope).unwrap());
    let by = if by.is_empty() { Vec::new() } else { Expr::parse_list(by, &plan.scope).unwrap() };
    Aggregation { value, by, parts }
}

/// The record of a hit, as the ring would have it.
fn raw(which: i64, who: i64) -> Vec<u8> {
    let mut raw = vec![0; 16];
    raw.extend([which, who].map(i64::to_ne_bytes).concat());
    raw
}

/// What the kernel adds up for some calls, and what is right. A loaded kernel may lose hits: then they are made again.
fn both(
    value: &str,
    by: &str,
    parts: Option<u32>,
    filter: Option<&str>,
    calls: &[(i64, i64)],
) -> Option<(Vec<Row>, Vec<Row>)> {
    let plan = plan(filter)?;
    let what = aggregation(&plan, value, by, parts);
    let mut expected: Vec<Row> = Vec::new();
    let comm = std::fs::read("/proc/thread-self/comm").unwrap();
    for (which, who) in calls {
        let raw = raw(*which, *who);
        let (pid, tid) = (std::process::id().cast_signed(), rustix::thread::gettid().as_raw_nonzero().get());
        let hit = Hit::Sample { id: 0, pid, tid, time: 0, cpu: 0, ip: 0, address: 0, period: 1, raw: &raw };
        let values = HitValues { scope: &plan.scope, hit, comm: comm.trim_ascii_end(), uid: 0 };
        if plan.filter.as_ref().is_some_and(|filter| filter.number(&values) == 0) {
            continue;
        }
        let row = what.row(&values);
        match expected.iter_mut().find(|one| one.key == row.key && one.bucket == row.bucket) {
            Some(one) => one.cell.add(&row.cell, what.is_signed()),
            None => expected.push(row),
        }
    }
    if what.value.is_none() {
        for row in &mut expected {
            row.cell = Cell { count: row.cell.count, ..Cell::default() };
        }
    }
    let mut found = Vec::new();
    for _ in 0..4 {
        let program = match LiveProgram::aggregate(&plan, &what, false) {
            Ok(program) => program,
            Err(LiveError::Load(LoadError::NotPermitted { .. })) => return None,
            Err(error) => panic!("{value} {by} {filter:?}: {error}"),
        };
        for (which, who) in calls {
            call(*which, *who);
        }
        found = program.rows().unwrap();
        assert_eq!(program.lost(), 0);
        if found.len() == expected.len() && count(&found) == count(&expected) {
            break;
        }
    }
    found.sort_by(|a, b| (&a.key, a.bucket).cmp(&(&b.key, b.bucket)));
    expected.sort_by(|a, b| (&a.key, a.bucket).cmp(&(&b.key, b.bucket)));
    Some((found, expected))
}

fn count(rows: &[Row]) -> u64 {
    rows.iter().map(|row| row.cell.count).sum()
}

const CALLS: [(i64, i64); 9] =
    [(0, 0), (9, 1), (9, -1), (7, 2), (7, 3), (5, i64::MAX), (5, i64::MIN), (0, 1 << 40), (11, 4097)];

#[test]
fn sums_and_histograms_are_those_of_the_same_hits_outside() {
    for (value, by, parts) in [
        ("", "", None),
        ("who", "", None),
        ("who", "which", None),
        ("who", "", Some(0)),
        ("who", "", Some(3)),
        ("who - which", "which", Some(0)),
        ("", "which & 1, comm", None),
        ("which", "pid, tid", Some(2)),
    ] {
        let Some((found, expected)) = both(value, by, parts, None, &CALLS) else {
            skip!("no programs or no tracepoints of system calls");
        };
        assert_eq!(found, expected, "{value} by {by} {parts:?}");
    }
}

#[test]
fn operators_compute_as_outside() {
    for value in [
        "who + which * 3 - 1",
        "who / 3",
        "who % 3",
        "0 - which / 2",
        "(0 - which) / 2",
        "(0 - which) % 4",
        "(0 - which) / (1 - which)",
        "which / (which - which)",
        "which % (which - which)",
        "who & 0xff | which << 2 ^ 5",
        "who >> 3",
        "(0 - which) >> 1",
        "(which > 5) + (who < 0) * 2 + (which <= 7 && who != 1) * 4 + (who >= 3 || !which) * 8",
        "~which + -which",
        "which == 9 && who == 0xffffffffffffffff",
    ] {
        let Some((found, expected)) = both(value, "which, who", None, None, &CALLS) else {
            skip!("no programs or no tracepoints of system calls");
        };
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn filters_let_through_what_they_should() {
    let comm = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    let comm = comm.trim_end();
    let start = &comm[..comm.len().min(5)];
    for filter in [
        "which == 9".to_owned(),
        "who > 2 && which != 7".to_owned(),
        format!("comm == \"{comm}\" && which == 7"),
        format!("comm ~ \"{start}*\""),
        "comm != \"somebody\" && which == 5".to_owned(),
        "comm == \"somebody-who-is-not-here-and-is-too-long\" || which == 0".to_owned(),
        "comm == \"\" || which == 11".to_owned(),
    ] {
        let Some((found, expected)) = both("which", "who", None, Some(&filter), &CALLS) else {
            skip!("no programs or no tracepoints of system calls");
        };
        assert_eq!(found, expected, "{filter}");
    }
    let plan = plan(Some("comm ~ \"*x*\"")).unwrap();
    let error = LiveProgram::aggregate(&plan, &Aggregation::default(), false).unwrap_err();
    assert!(matches!(error, LiveError::Pattern(_)), "{error}");
}

#[test]
fn intervals_are_kept_apart() {
    let Some(plan) = plan(None) else { skip!("no tracepoints of system calls") };
    let what = aggregation(&plan, "who", "which", Some(3));
    let Ok(mut program) = LiveProgram::aggregate(&plan, &what, true) else { skip!("no programs") };
    for interval in 1..4 {
        for _ in 0..interval {
            call(9, interval * 100);
        }
        let rows = program.turn().unwrap();
        // Hits may be lost under load, and none may come twice.
        assert!(rows.len() <= 1, "{rows:?}");
        for row in rows {
            assert_eq!(row.key, [KeyPart::Unsigned(9)]);
            assert_eq!(row.bucket, bucket(interval * 100, true, 3));
            assert!(row.cell.count <= interval.cast_unsigned() && row.cell.max == interval * 100);
        }
    }
    assert!(program.turn().unwrap().is_empty());
    assert_eq!(program.cost(), None, "nobody asked for it");
    program.glance();
    if program.cost().is_none() {
        skip!("the kernel does not measure programs");
    }
    for _ in 0..1000 {
        call(9, 100);
    }
    let cost = program.cost().unwrap();
    assert!(cost.runs > 0 && cost.nanoseconds > 0, "{cost:?}");
}

/// The probed function; its arguments are in the registers of the calling convention.
#[inline(never)]
extern "C" fn probed(number: u64, text: *const u8) -> u64 {
    std::hint::black_box(text);
    std::hint::black_box(number) * 2
}

/// Where the code of [`probed`] is in the file of this program.
fn place() -> Option<(String, u64)> {
    let address = probed as *const () as usize as u64;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap_or(0));
        let offset = u64::from_str_radix(words.nth(1)?, 16).ok()?;
        let path = words.nth(2)?;
        (from..to).contains(&address).then(|| (path.to_owned(), address - from + offset))
    })
}

fn probe(ret: bool, arguments: &str) -> Option<LivePlan> {
    let (path, offset) = place()?;
    let probe = TraceProbe::parse(&format!("p:probe/f {path}:{offset:#x} {arguments}")).unwrap();
    let hook = LiveHook::Uprobe { path, offset, counter: None, ret };
    let scope = Scope::of_arguments(&probe.arguments);
    Some(LivePlan { hook, scope, filter: None, pids: vec![std::process::id()] })
}

#[test]
fn functions_of_programs_tell_arguments_memory_and_results() {
    let entry = "number=$arg1:u64 low=$arg1:s8 name=+0($arg2):string first=+1($arg2):u8 bits=$arg1:b4@4/64";
    for (ret, arguments, value, by) in
        [(false, entry, "number", "name, low, first, bits"), (true, "result=$retval:u64", "result", "comm")]
    {
        let Some(plan) = probe(ret, arguments) else { skip!("no maps of this process") };
        let what = aggregation(&plan, value, by, None);
        let program = match LiveProgram::aggregate(&plan, &what, false) {
            Ok(program) => program,
            Err(LiveError::Load(LoadError::NotPermitted { .. }) | LiveError::Open(_) | LiveError::Absent(_)) => {
                skip!("no programs, or no probes of programs");
            }
            Err(error) => panic!("{error}"),
        };
        for _ in 0..3 {
            probed(0x1fe, c"hello".as_ptr().cast());
        }
        let rows = program.rows().unwrap();
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert!((1..=3).contains(&row.cell.count));
        let each = if ret { 0x3fc } else { 0x1fe };
        assert_eq!((row.cell.min, row.cell.max), (each, each));
        if !ret {
            let text = KeyPart::Text("hello".to_owned());
            let (low, first, bits) = (KeyPart::Number(-2), KeyPart::Number(101), KeyPart::Number(15));
            assert_eq!(row.key, [text, low, first, bits]);
        }
    }
}

#[test]
fn what_no_program_can_fetch_is_named() {
    let Some(plan) = probe(false, "x=@jiffies y=%nosuch") else { skip!("no maps of this process") };
    for (name, fetch) in [("x", "@jiffies"), ("y", "%nosuch")] {
        let what = aggregation(&plan, name, "", None);
        let error = LiveProgram::aggregate(&plan, &what, false).unwrap_err();
        assert!(matches!(&error, LiveError::Fetch(text) if text == fetch), "{error}");
    }
}
