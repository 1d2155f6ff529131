//! Events against real perf: the list, the grammar, and tracepoints as text.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use perfuse_collect::Root;
use perfuse_collect::perf::pmu::HostEvents;
use perfuse_format::event::{EventSpec, Mode, parse};
use perfuse_format::perfdata::PerfData;
use perfuse_format::perfdata::attr::flag;
use perfuse_format::tracefs::{EventFormat, Layout, NoNames, Printer};
use perfuse_testkit::{gate, need};

use crate::{run, stderr, stdout};

fn perf(arguments: &[&str]) -> std::process::Output {
    Command::new("perf").args(arguments).output().expect("perf runs")
}

#[test]
fn the_list_is_that_of_perf() {
    need!(gate::command("perf"));
    need!(gate::root());
    need!(gate::exists("/sys/kernel/tracing/events"));
    for words in [
        &["sw"][..],
        &["hw", "sw"],
        &["hw"],
        &["cache"],
        &["sched:*"],
        &["sched:*wak*", "sw"],
        &["irq_vec*:*_exit"],
        &["--raw-dump", "sw", "sched:sched_wa*"],
        &["--no-desc", "sw"],
        &["nosuchthing"],
        &["faults"],
    ] {
        let line = [&["list"], words].concat();
        let (theirs, ours) = (perf(&line), run(&line));
        assert_eq!(stdout(&ours), stdout(&theirs), "{words:?}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{words:?}");
    }
}

#[test]
fn what_is_not_listed_is_told_beside_the_list() {
    let all = run(["list"]);
    assert!(all.status.success() && stdout(&all).contains("  rNNN   "), "{}", stderr(&all));
    assert!(stderr(&all).contains("/sys/bus/event_source/devices"));
    // Either cycles are counted, or it is said why not.
    let hardware = run(["list", "hw"]);
    assert_eq!(stdout(&hardware).contains("cpu-cycles OR cycles"), !stderr(&hardware).contains("not listed"));
    let raw = run(["list", "--raw-dump", "hw"]);
    assert_eq!(stderr(&raw), "", "shells read the names alone");
    assert!(stderr(&run(["list", "nosuchthing"])).contains("nosuchthing"));
    let events = crate::json(&run(["list", "--json", "sw"]));
    assert_eq!(events[3]["EventAlias"], "cs");
    assert_eq!(run(["list", "--nosuch"]).status.code(), Some(129));
}

/// What `perf stat -vv` says that it asks the kernel for, event by event.
fn asked_by_perf(event: &str) -> Vec<BTreeMap<String, u64>> {
    let output = perf(&["stat", "-vv", "-e", event, "true"]);
    let mut events: Vec<BTreeMap<String, u64>> = Vec::new();
    for line in stderr(&output).lines() {
        if line == "perf_event_attr:" {
            events.push(BTreeMap::new());
        }
        let Some((name, value)) = line.trim().rsplit_once("  ") else { continue };
        let value = match value.trim().strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => value.trim().parse().ok(),
        };
        if let (Some(event), Some(value)) = (events.last_mut(), value) {
            event.insert(name.trim().to_owned(), value);
        }
    }
    events
}

/// The same of an event of the grammar, as far as the grammar decides it.
fn asked_by_us(event: &EventSpec) -> BTreeMap<String, u64> {
    let attr = &event.attr;
    let bit = |of: u64| u64::from(attr.has(of));
    let all = [
        ("type", u64::from(attr.kind)),
        ("config", attr.config),
        ("pinned", bit(flag::PINNED)),
        ("exclusive", bit(flag::EXCLUSIVE)),
        ("exclude_user", bit(flag::EXCLUDE_USER)),
        ("exclude_kernel", bit(flag::EXCLUDE_KERNEL)),
        ("exclude_hv", bit(flag::EXCLUDE_HV)),
        ("exclude_idle", bit(flag::EXCLUDE_IDLE)),
        ("precise_ip", u64::from(attr.precise_ip())),
        ("exclude_host", bit(flag::EXCLUDE_HOST)),
        ("exclude_guest", bit(flag::EXCLUDE_GUEST)),
        ("bp_type", u64::from(attr.bp_type)),
        ("{ bp_addr, config1 }", attr.config1),
        ("{ bp_len, config2 }", attr.config2),
    ];
    all.into_iter().filter(|(_, value)| *value != 0).map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn the_grammar_asks_for_what_perf_asks_for() {
    need!(gate::command("perf"));
    need!(gate::root());
    need!(gate::exists("/sys/kernel/tracing/events"));
    let host = HostEvents::new(&Root::default());
    // None of them makes perf try again with other switches: each is opened, or refused for good.
    for text in [
        "cs",
        "cs:u",
        "cs:k",
        "cs:uk",
        "cs:up",
        "cs:ppp",
        "cs:H",
        "cs:G",
        "cs:GH",
        "cs:uH",
        "cs:pH",
        "cs:D",
        "cs:e",
        "cs:I",
        "cs:P",
        "cs:S",
        "cs:W",
        "faults",
        "1:3",
        "1:3:u",
        "cs/config=4/",
        "cs/r3c/u",
        "duration_time:u",
        "{cs:u,faults}:kH",
        "{cs:u,faults}:D",
        "both{cs,faults}:u",
        "sched:sched_switch",
        "sched:sched_switch:u",
        "mem:0x1000",
        "mem:0x1000:x",
        "mem:0x1000/8:rw:u",
        "mem:0x1000:k",
    ] {
        let theirs = asked_by_perf(text);
        let events = parse(text, &host, Mode::Stat).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(events.len(), theirs.len(), "{text}");
        for (event, theirs) in events.iter().zip(&theirs) {
            let ours = asked_by_us(event);
            let named = |name: &String| ours.contains_key(name) || name.starts_with("exclu") || name == "pinned";
            let theirs: BTreeMap<_, _> = theirs.clone().into_iter().filter(|(name, _)| named(name)).collect();
            assert_eq!(ours, theirs, "{text}");
        }
    }
}

/// Records tracepoints for a moment; false when perf may not.
fn record(events: &str, to: &Path) -> bool {
    let path = to.to_str().expect("a temporary path is UTF-8");
    let script = "for i in 1 2 3 4 5; do cat /proc/self/status > /dev/null; sleep 0.02; done";
    perf(&["record", "-q", "-o", path, "-m", "512", "-a", "-e", events, "sh", "-c", script]).status.success()
}

#[test]
fn records_of_tracepoints_are_printed_as_perf_prints_them() {
    need!(gate::command("perf"));
    need!(gate::root());
    need!(gate::exists("/sys/kernel/tracing/events"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perf.data");
    // Systems whose formats name no function of the kernel: the names are another crate's.
    let events = "sched:*,task:*,signal:*,irq:*,syscalls:sys_*_openat,syscalls:sys_*_read,raw_syscalls:*,timer:itimer*";
    need!(if record(events, &file) { Ok(()) } else { Err("perf cannot record here".to_owned()) });
    let theirs = perf(&["script", "-i", file.to_str().unwrap(), "-F", "trace"]);

    let bytes = std::fs::read(&file).unwrap();
    let data = PerfData::parse(&bytes).unwrap();
    let tracing = data.tracing_data.as_ref().unwrap();
    let layout = Layout { endian: tracing.endian, long_size: tracing.long_size };
    let mut printers = BTreeMap::new();
    for system in &tracing.systems {
        for format in &system.formats {
            let format = EventFormat::parse(&system.system, format).unwrap();
            let printer = Printer::new(&format, layout);
            assert!(printer.understood(), "{}:{}", format.system, format.name);
            printers.insert(format.id, printer);
        }
    }
    let mut ours = Vec::new();
    for record in data.sorted() {
        let record = record.unwrap();
        let Some(raw) = data.decode_sample(&record).ok().and_then(|sample| sample.raw) else { continue };
        printers[&layout.number(raw, 0, 2)].print(raw, &NoNames, &mut ours);
        ours.push(b'\n');
    }
    let ours = String::from_utf8_lossy(&ours);
    let theirs = String::from_utf8_lossy(&theirs.stdout);
    let mut lines = 0;
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs.trim_start());
        lines += 1;
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
    assert!(lines > 20, "{lines}");
}
