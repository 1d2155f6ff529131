//! Recordings of incidents, replayed by the commands.

use perfuse_analyze::app::{AppFact, AppKind, AppWhat};
use perfuse_format::RawSnapshot;
use perfuse_format::replay::Encoder;
use perfuse_service::incident::recorded::Circumstances;

use crate::{json, perfuse, stderr};

/// A host of one process, for ten seconds, and what its database says.
fn recording() -> Vec<u8> {
    let what = AppWhat::Blocked {
        holder: "4711 app@shop".to_owned(),
        holder_pid: Some(4711),
        doing: "idle in transaction".to_owned(),
        statement: "UPDATE stock SET n = $1".to_owned(),
        waiting: 12,
        longest: 42.0,
        object: "stock".to_owned(),
        waiters: vec!["4712 app@shop".to_owned()],
    };
    let fact = AppFact {
        source: "postgresql".to_owned(),
        kind: AppKind::PostgreSql,
        component: Some("db".to_owned()),
        pid: None,
        what,
    };
    let circumstances = Circumstances {
        component: "shop".to_owned(),
        needs: vec!["db".to_owned()],
        facts: vec![fact],
        ..Circumstances::default()
    };
    let mut bytes = Encoder::header("test");
    let mut encoder = Encoder::new();
    for second in 0..=10_u64 {
        let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
        raw.put("@host", "page_size 4096\nclock_ticks 100\ncpus 2\nself_pid 1\n");
        raw.put("/proc/stat", format!("cpu  {0} 0 0 {0}\ncpu0 {0} 0 0 {0}\n", 100 * second));
        raw.put(
            "/proc/7/stat",
            "7 (till) S 1 7 7 0 -1 4194304 0 0 0 0 5 0 0 0 20 0 1 0 4000 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0",
        );
        if second % 10 == 0 {
            raw.put("/proc/self/mountinfo", "");
        }
        if second == 10 {
            raw.put(Circumstances::SOURCE, circumstances.to_bytes());
        }
        bytes.extend(encoder.snapshot(raw));
    }
    bytes
}

#[test]
fn a_recording_of_an_incident_is_answered_for_its_component_with_what_applications_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("why.perfuse");
    std::fs::write(&file, recording()).unwrap();
    let output = perfuse(["why", "--json", "--lang", "en", "--replay"]).arg(&file).output().unwrap();
    let answer = json(&output);
    let first = &answer["findings"][0];
    assert_eq!((first["id"].as_str(), output.status.code()), (Some("app.blocked-session"), Some(1)), "{answer:#}");
    assert!(first["summary"].as_str().unwrap().contains("12 sessions of postgresql wait for 4711 app@shop"));
    // Another victim than the component may be asked about.
    let output = perfuse(["why", "--json", "--pid", "7", "--replay"]).arg(&file).output().unwrap();
    assert_eq!(json(&output)["victim"]["pid"], 7);
    // The checklist of the host comes from the same file.
    let output = perfuse(["use", "--json", "--replay"]).arg(&file).output().unwrap();
    assert_eq!(json(&output)["schema"], "perfuse.use/1", "{}", stderr(&output));
}
