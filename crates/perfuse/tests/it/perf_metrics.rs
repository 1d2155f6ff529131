//! Events and metrics out of tables of a CPU's maker, with tables that are made up here: `list`, `stat -e`, `stat -M`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::{perfuse, stderr, stdout};

/// Metrics over events that every kernel counts, and events of CPUs.
const TABLE: &str = r#"[
    {"EventName": "made.up_event", "EventCode": "0x51", "UMask": "0x01", "BriefDescription": "Something of a CPU"},
    {"MetricName": "faults_each", "MetricExpr": "d_ratio(page\\-faults, page\\-faults)", "MetricGroup": "memory;all_soft",
     "ScaleUnit": "100%", "BriefDescription": "Always everything"},
    {"MetricName": "twice", "MetricExpr": "2 * faults_each if task\\-clock > 0 else 7", "MetricGroup": "all_soft"},
    {"MetricName": "nothing", "MetricExpr": "page\\-faults / (page\\-faults - page\\-faults)"},
    {"MetricName": "of_cpu", "MetricExpr": "made.up_event / duration_time", "MetricGroup": "all_soft"},
    {"MetricName": "unknown_constant", "MetricExpr": "page\\-faults * #nosuch"}
]"#;

fn with_table(table: &Path, line: &str) -> Output {
    let mut command = perfuse(line.split(' '));
    command.env("PERFUSE_PMU_EVENTS", table).env("LC_ALL", "C").stdin(Stdio::null());
    command.output().unwrap()
}

fn table() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("made-up.json"), TABLE).unwrap();
    directory
}

/// Whether software events can be counted.
fn counts() -> Result<(), String> {
    let output = perfuse(["stat", "-x,", "-e", "faults", "true"]).output().map_err(|error| error.to_string())?;
    if stderr(&output).contains("<not") { Err("needs software events".to_owned()) } else { Ok(()) }
}

#[test]
fn metrics_are_computed_from_counts() {
    perfuse_testkit::need!(counts());
    let table = table();
    let output = with_table(table.path(), "stat -M faults_each,twice true");
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {text}"));
    assert!(line("%  faults_each").contains("#    100.0 %  faults_each"), "{text}");
    assert!(line("twice").contains("#     2.00 twice"), "{text}");
    assert!(!text.contains("cycles"), "metrics are in the place of the usual events: {text}");

    let nothing = stderr(&with_table(table.path(), "stat -M nothing true"));
    assert!(nothing.contains("#      nan nothing"), "{nothing}");
    let fields = stderr(&with_table(table.path(), "stat -x, -M faults_each true"));
    assert!(fields.contains(",100.0,%  faults_each"), "{fields}");
    let only = stderr(&with_table(table.path(), "stat --metric-only -M faults_each true"));
    assert!(only.contains("%  faults_each") && only.contains("100.0"), "{only}");
    let json = stderr(&with_table(table.path(), "stat -j -M faults_each,nothing true"));
    assert!(json.lines().filter(|line| !line.is_empty()).all(|line| line.starts_with('{')), "{json}");
}

#[test]
fn groups_of_metrics_leave_out_what_cannot_be_counted() {
    perfuse_testkit::need!(counts());
    let table = table();
    for line in
        ["stat -M all_soft true", "stat --metric-no-group -M all_soft true", "stat --metric-no-merge -M all_soft true"]
    {
        let text = stderr(&with_table(table.path(), line));
        assert!(text.contains("faults_each") && text.contains("twice"), "{text}");
        let counted = text.contains("made.up_event") && text.contains('#');
        assert!(counted || text.contains("Metric of_cpu is left out"), "{text}");
    }
    let constant = stderr(&with_table(table.path(), "stat -M unknown_constant true"));
    assert!(constant.contains("#nosuch is not known") && constant.contains("task-clock"), "{constant}");
}

#[test]
fn unknown_metrics_have_near_names() {
    let table = table();
    let output = with_table(table.path(), "stat -M fault_each true");
    assert_eq!(output.status.code(), Some(129));
    assert!(stderr(&output).contains("Nearest: faults_each"), "{}", stderr(&output));
    let empty = tempfile::tempdir().unwrap();
    let without = stderr(&with_table(empty.path(), "stat -M tlb true"));
    assert!(without.contains("no table of them was found"), "{without}");
}

#[test]
fn lists_tell_of_metrics_and_where_they_are_from() {
    let table = table();
    let list = |line: &str| with_table(table.path(), line);
    let metrics = stdout(&list("list metric"));
    assert!(metrics.starts_with("\nMetrics:\n\n  faults_each\n       [Always everything]\n  nothing\n"), "{metrics}");
    let detailed = stdout(&list("list --details metric"));
    assert!(detailed.contains(r"[d_ratio(page\-faults, page\-faults)]"), "{detailed}");
    let groups = stdout(&list("list metricgroup"));
    assert_eq!(groups, "\nMetric Groups:\n\nNo_group\nall_soft\nmemory\n");
    assert_eq!(stdout(&list("list --raw-dump metric")), "faults_each nothing of_cpu twice unknown_constant\n");
    let json: serde_json::Value = serde_json::from_str(&stdout(&list("list -j metric"))).unwrap();
    assert_eq!(json[0]["MetricGroup"], "memory;all_soft");
    let source = stderr(&list("list --lang en"));
    assert!(source.contains(&*table.path().to_string_lossy()), "{source}");
    let event = list("list made.up");
    assert!(
        stdout(&event).contains("made up:\n  made.up_event") || stderr(&event).contains("1 events of the CPU maker's"),
        "{}{}",
        stdout(&event),
        stderr(&event)
    );
}

#[test]
fn events_of_tables_are_counted_or_their_pmu_is_missed() {
    let table = table();
    let output = with_table(table.path(), "stat -e made.up_event true");
    let text = stderr(&output);
    if output.status.success() {
        assert!(text.contains("made.up_event"), "{text}");
    } else {
        assert!(text.contains("no PMU `cpu`"), "{text}");
    }
    let near = stderr(&with_table(table.path(), "stat -e made.up_evnet true"));
    assert!(near.contains("Nearest: made.up_event"), "{near}");
    let korean = stderr(&with_table(table.path(), "--lang ko stat -e made.up_evnet true"));
    assert!(korean.contains("이벤트가 없습니다") && korean.contains("made.up_event"), "{korean}");
}

#[test]
fn broken_tables_are_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("bad.json"), "[\n{").unwrap();
    let text = stderr(&with_table(directory.path(), "list"));
    assert!(text.contains("bad.json") && text.contains("line 2"), "{text}");
}

/// The real perf, if there is one that lists metrics.
#[test]
fn metrics_are_listed_as_perf_lists_them() {
    let Some(real) = perfuse_testkit::gate::find_command("perf") else {
        perfuse_testkit::skip!("needs the program perf")
    };
    let of_perf = |what: &str| Command::new(&real).args(["list", "--details", what]).output().map(|out| stdout(&out));
    let (Ok(metrics), Ok(groups)) =
        (of_perf("metric"), Command::new(&real).args(["list"]).output().map(|out| stdout(&out)))
    else {
        perfuse_testkit::skip!("needs a perf that works")
    };
    let Some(body) = metrics.strip_prefix("\nMetrics:\n\n").filter(|body| !body.is_empty()) else {
        perfuse_testkit::skip!("needs a perf that knows metrics of this CPU")
    };
    let Some((_, groups)) = groups.split_once("\nMetric Groups:\n\n") else {
        perfuse_testkit::skip!("needs a perf that lists groups")
    };
    // perf's own list, made a table: of the listing of groups each metric's groups, of the details its formula.
    let mut of_metric = std::collections::BTreeMap::<String, Vec<String>>::new();
    let mut group = String::new();
    for line in groups.lines() {
        match line.strip_prefix("  ") {
            None => line.trim_end_matches(':').clone_into(&mut group),
            Some(name) if !name.starts_with(' ') => of_metric.entry(name.to_owned()).or_default().push(group.clone()),
            Some(_) => {}
        }
    }
    let lines: Vec<&str> = body.lines().collect();
    let bare = |text: &str| text.trim().trim_start_matches('[').trim_end_matches(']').to_owned();
    let table: Vec<_> = lines
        .chunks(3)
        .filter_map(|lines| {
            let [name, about, formula] = lines else { return None };
            let groups = of_metric.get(name.trim()).map(|groups| groups.join(";")).unwrap_or_default();
            Some(serde_json::json!({
                "MetricName": name.trim(), "BriefDescription": bare(about), "MetricExpr": bare(formula), "MetricGroup": groups,
            }))
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("metrics.json"), serde_json::to_string(&table).unwrap()).unwrap();
    assert_eq!(stdout(&with_table(directory.path(), "list --details metric")), metrics);
    let ours = stdout(&with_table(directory.path(), "list"));
    assert_eq!(ours.split_once("\nMetric Groups:\n\n").map(|(_, groups)| groups), Some(groups));
}
