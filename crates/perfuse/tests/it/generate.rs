//! Files for other programs, looked at by those programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use perfuse_testkit::{gate, need};

use crate::{run, stderr, stdout};

fn both(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn prometheus_takes_the_alert_rules_in_both_languages() {
    need!(gate::command("promtool"));
    let directory = tempfile::tempdir().unwrap();
    for lang in ["en", "ko"] {
        let made = run(["--lang", lang, "generate", "alert-rules"]);
        assert!(made.status.success(), "{}", stderr(&made));
        let file = directory.path().join(format!("{lang}.yml"));
        fs::write(&file, &made.stdout).unwrap();
        let checked =
            Command::new(gate::find_command("promtool").unwrap()).args(["check", "rules"]).arg(&file).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", both(&checked));
        assert!(both(&checked).contains("66 rules found"), "{}", both(&checked));
    }
}

/// The rules fire on what `perfuse` exposes, with the host in the text.
#[test]
fn the_alert_rules_fire() {
    need!(gate::command("promtool"));
    let directory = tempfile::tempdir().unwrap();
    let made = run(["generate", "alert-rules"]);
    fs::write(directory.path().join("rules.yml"), &made.stdout).unwrap();
    let series = |labels: &str| format!("    - series: 'perfuse_{labels}'\n      values: '1x20'\n");
    let test = [
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n".to_owned(),
        series("build_info{instance=\"web1\"}"),
        series(
            "cell_verdict{instance=\"web1\",resource=\"cpu\",kind=\"saturation\",verdict=\"bottleneck\",perfuse_cell_verdict=\"bottleneck\"}",
        ),
        series("component_state{instance=\"web1\",component=\"shop\",perfuse_component_state=\"major_outage\"}"),
        "  alert_rule_test:\n".to_owned(),
        "  - { eval_time: 10m, alertname: PerfuseCpuErrors }\n".to_owned(),
        "  - eval_time: 10m\n    alertname: PerfuseCpuSaturation\n    exp_alerts:\n".to_owned(),
        "    - exp_labels: { severity: warning, cell: cpu.saturation, instance: web1, resource: cpu, kind: saturation, \
         verdict: bottleneck, perfuse_cell_verdict: bottleneck }\n"
            .to_owned(),
        "      exp_annotations:\n        summary: 'CPU saturation on web1: bottleneck or errors'\n".to_owned(),
        "        description: 'On the host, perfuse use --cell cpu.saturation shows it now, and perfuse explain \
         cpu.saturation says what to do. Who can change it: The administrator of the host.'\n"
            .to_owned(),
        "  - eval_time: 10m\n    alertname: PerfuseComponentOut\n    exp_alerts:\n".to_owned(),
        "    - exp_labels: { severity: critical, instance: web1, component: shop, perfuse_component_state: major_outage }\n"
            .to_owned(),
        "      exp_annotations:\n        summary: 'shop on web1: outage'\n".to_owned(),
        "        description: 'On the host, perfuse incident list shows what happened and why.'\n".to_owned(),
    ];
    let file = directory.path().join("test.yml");
    fs::write(&file, test.concat()).unwrap();
    let tested =
        Command::new(gate::find_command("promtool").unwrap()).args(["test", "rules"]).arg(&file).output().unwrap();
    assert!(tested.status.success(), "{}", both(&tested));
}

#[test]
fn the_dashboard_is_json_and_speaks_both_languages() {
    for (lang, title) in [("en", "Hosts by the USE method"), ("ko", "USE 방법으로 보는 호스트")] {
        let made = run(["--lang", lang, "generate", "grafana"]);
        let board: serde_json::Value = serde_json::from_str(&stdout(&made)).unwrap();
        assert_eq!(board["title"], title);
    }
    let wrong = run(["generate", "grafna"]);
    assert!(!wrong.status.success() && stderr(&wrong).contains("grafana"), "{}", stderr(&wrong));
}

/// The unit, with the binary of this build in place of the installed one.
fn unit(directory: &Path) -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/perfuse.service");
    let text = fs::read_to_string(source).unwrap().replace("/usr/bin/perfuse", env!("CARGO_BIN_EXE_perfuse"));
    let file = directory.join("perfuse.service");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn systemd_takes_the_unit_and_finds_it_hardened() {
    need!(gate::command("systemd-analyze"));
    let directory = tempfile::tempdir().unwrap();
    let file = unit(directory.path());
    let analyze = || Command::new(gate::find_command("systemd-analyze").unwrap());
    let verified = analyze().args(["verify", "--man=no", "--recursive-errors=no"]).arg(&file).output().unwrap();
    assert!(verified.status.success() && both(&verified).is_empty(), "{}", both(&verified));
    // From 0 (safe) to 100; a daemon without a unit of its own like this one is at 96.
    let secure =
        analyze().args(["security", "--no-pager", "--offline=yes", "--threshold=35"]).arg(&file).output().unwrap();
    assert!(secure.status.success(), "{}", both(&secure));
}

/// Cells and controls that could not be measured.
fn unmeasurable(output: &Output) -> BTreeSet<String> {
    let report: serde_json::Value = serde_json::from_str(&stdout(output)).unwrap();
    let all = ["cells", "controls"].into_iter().filter_map(|list| report[list].as_array()).flatten();
    all.filter(|cell| cell["verdict"] == "unmeasurable").map(|cell| cell["id"].to_string()).collect()
}

/// A command of another user with the capabilities of the unit.
fn as_service(arguments: &[&str]) -> Command {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(unit(directory.path())).unwrap();
    let names = text.lines().find_map(|line| line.strip_prefix("AmbientCapabilities=")).unwrap();
    let only = names.split(' ').fold("-all".to_owned(), |all, name| all + ",+" + name.trim_start_matches("CAP_"));
    let only = only.to_ascii_lowercase();
    let mut command = Command::new(gate::find_command("setpriv").unwrap());
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.args(["--bounding-set", &only, "--inh-caps", &only, "--ambient-caps", &only]);
    command.arg(env!("CARGO_BIN_EXE_perfuse")).args(arguments).stdin(std::process::Stdio::null());
    command
}

/// Whether another user can run the binary where it is.
fn as_service_gate() -> gate::Gate {
    gate::root()?;
    gate::command("setpriv")?;
    let output = as_service(&["--version"]).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err("needs a binary that other users can run".to_owned()) }
}

#[test]
fn the_capabilities_of_the_unit_make_up_for_root() {
    need!(as_service_gate());
    let arguments = ["use", "--json", "--quiet", "--duration", "1s"];
    let (service, root) = (unmeasurable(&as_service(&arguments).output().unwrap()), unmeasurable(&run(arguments)));
    assert_eq!(service.difference(&root).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn programs_of_checks_do_not_have_the_rights_of_the_service() {
    need!(as_service_gate());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perfuse.toml");
    let check = "kind = \"command\"\ncommand = [\"grep\", \"CapEff\", \"/proc/self/status\"]\n";
    fs::write(&file, format!("[[component]]\nname = \"rights\"\n[[component.check]]\n{check}")).unwrap();
    let path = file.to_str().unwrap();
    let output = as_service(&["serve", "--once", "--json", "--config", path]).output().unwrap();
    let text = stdout(&output);
    assert!(text.contains("CapEff:"), "{text} {}", stderr(&output));
    assert!(text.contains("0000000000000000"), "{text}");
}
