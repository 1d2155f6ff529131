//! Killed at any moment: a child writes and says what was acknowledged; it is killed, and the store is looked at.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use perfuse_service::store::{Kind, Reader, Retention, SeriesId, Store, Written};

use super::{DAY, key, record};

const WHERE: &str = "PERFUSE_TEST_STORE";
const FROM: &str = "PERFUSE_TEST_FROM";
const SERIES: usize = 20;

/// What the child does: a tick is a second of its own clock, each as fast as it can, with upkeep and an incident now and then.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(WHERE) else { return };
    let from: i64 = std::env::var(FROM).expect("set with it").parse().expect("a number");
    let (mut store, troubles) = Store::open(Path::new(&directory), Retention::default()).expect("opens");
    assert_eq!(troubles, []);
    let series: Vec<SeriesId> = (0..SERIES).map(|number| store.series(&key(number)).expect("a series")).collect();
    let mut out = std::io::stdout().lock();
    for tick in from.. {
        let values: Vec<(SeriesId, f64)> = series.iter().map(|&series| (series, (tick - DAY) as f64)).collect();
        assert_eq!(store.append(tick, &values), Written::Disk);
        writeln!(out, "\ntick {tick}").expect("writes");
        if tick % 50 == 0 {
            let incident = record(Kind::Incident, &format!("i-{tick}"), tick * 1000, true);
            let written = store.put_incident(&incident, &[("recording", &vec![7; 20_000])]).expect("writes");
            assert_eq!(written, Written::Disk);
            writeln!(out, "\nincident {tick}").expect("writes");
        }
        if tick % 75 == 0 {
            store.put(&[record(Kind::Alert, &format!("a-{tick}"), tick * 1000, true)]).expect("writes");
            writeln!(out, "\nalert {tick}").expect("writes");
        }
        store.maintain(super::at(tick)).expect("upkeep");
    }
}

/// A number that looks random, the same in every run.
fn scramble(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let rounds: u64 = std::env::var("PERFUSE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let (mut incidents, mut alerts, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
    let mut from = DAY;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "store::crash::child", "--nocapture", "--test-threads", "1"])
            .env(WHERE, directory.path())
            .env(FROM, from.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<String>>());
        let end = Instant::now() + Duration::from_millis(100 + scramble(round) % 500);
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        child.kill().expect("kills");
        child.wait().expect("waits");
        let mut last = None;
        for line in reader.join().expect("reads") {
            // The last line may be cut.
            let Some((word, tick)) = line.split_once(' ') else { continue };
            let Some(tick) = tick.parse::<i64>().ok().filter(|tick| *tick >= from) else { continue };
            match word {
                "tick" => last = Some(tick),
                "incident" => incidents.push(tick),
                "alert" => alerts.push(tick),
                _ => {}
            }
        }
        if let Some(last) = last {
            ranges.push(from..last);
            // Far enough to be in other stretches and files, so that upkeep is killed as well.
            from = last + 1 + i64::try_from(scramble(round + 1000) % 9000).expect("small");
        }
        check(&Reader::new(directory.path()), &incidents, &alerts, &ranges);
    }
    println!("{} ranges, {} incidents, {} alerts", ranges.len(), incidents.len(), alerts.len());
    assert!(!ranges.is_empty(), "no child came as far as to write");
}

/// All that was acknowledged is there; a cut line may hide an acknowledgement, never make one up.
fn check(reader: &Reader, incidents: &[i64], alerts: &[i64], ranges: &[std::ops::Range<i64>]) {
    let records = reader.records();
    if let Ok(records) = &records {
        for tick in incidents {
            let id = format!("i-{tick}");
            assert!(records.get(Kind::Incident, &id).expect("reads").is_some(), "incident {id} is lost");
            assert_eq!(records.capture(&id, "recording").expect("reads"), Some(vec![7; 20_000]));
        }
        for tick in alerts {
            let id = format!("a-{tick}");
            assert!(records.get(Kind::Alert, &id).expect("reads").is_some(), "alert {id} is lost");
        }
    } else {
        assert!(incidents.is_empty() && alerts.is_empty());
    }
    for range in ranges {
        for number in [0, SERIES - 1] {
            let answer = reader.seconds(&key(number), range.start, range.end).expect("reads");
            assert_eq!(answer.troubles, []);
            for (tick, value) in range.clone().zip(&answer.steps) {
                assert!(*value == (tick - DAY) as f64, "second {tick} of series {number} is {value}");
            }
        }
    }
}
