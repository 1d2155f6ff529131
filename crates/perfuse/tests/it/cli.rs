//! Usage, help, languages and exit status.

use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::{perfuse, run, stderr, stdout};

#[test]
fn wrong_usage_is_status_2_with_the_nearest_names() {
    let cases: [(&[&str], &str); 6] = [
        (&["explian"], "explain"),
        (&["use", "--jsno"], "--json"),
        (&["use", "--cell", "cpu.satur"], "cpu.saturation"),
        (&["use", "--duration", "soon"], "500ms"),
        (&["use", "--set", "finding.min-wiat=1"], "finding.min-wait"),
        (&["use", "--json", "--nagios"], "--nagios"),
    ];
    for (arguments, expected) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn help_is_in_the_language_of_the_environment() {
    let korean = perfuse(["use", "--help"]).env("LANG", "ko_KR.UTF-8").output().unwrap();
    assert!(korean.status.success() && stdout(&korean).contains("사용법"));
    let english = run(["use", "--help"]);
    assert!(stdout(&english).contains("Usage: perfuse use"));
    let chosen = perfuse(["--lang", "en", "use", "--help"]).env("LANG", "ko_KR.UTF-8").output().unwrap();
    assert_eq!(chosen.stdout, english.stdout);
}

#[test]
fn no_argument_shows_the_help_and_is_status_2() {
    let output = run([""; 0]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("perfuse use"));
}

#[test]
fn through_a_link_named_perf_it_is_the_same_program() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("perf");
    symlink(env!("CARGO_BIN_EXE_perfuse"), &link).unwrap();
    let version = Command::new(&link).arg("--version").output().unwrap();
    // Scripts look for the two words that perf's own version begins with.
    let number = stdout(&run(["--version"])).split_whitespace().last().unwrap().to_owned();
    assert_eq!(stdout(&version), format!("perf version {number} (perfuse)\n"));
    let unknown = Command::new(&link).args(["--lang", "en", "kvm"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1), "as perf");
    assert!(
        stderr(&unknown).contains("There is no command `kvm`")
            && stderr(&unknown).contains("use, why, explain, cheatsheet")
    );
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let mut child = perfuse(["cheatsheet"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(complaints, "");
}

#[test]
fn thresholds_are_printed_and_a_wrong_file_is_named_with_its_line() {
    let printed = run(["use", "--thresholds", "--set", "finding.min-wait=0.25"]);
    assert!(printed.status.success() && stdout(&printed).contains("finding.min-wait"));
    assert!(stdout(&printed).contains("0.25"), "{}", stdout(&printed));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.toml");
    std::fs::write(&file, "[finding]\nmin-wiat = 1\n").unwrap();
    let wrong = perfuse(["use", "--thresholds", "--config"]).arg(&file).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).contains("t.toml: 2: ") && stderr(&wrong).contains("finding.min-wait"),
        "{}",
        stderr(&wrong)
    );
    let absent = run(["use", "--config", "/nonexistent/t.toml"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(stderr(&absent).contains("/nonexistent/t.toml"));
}

#[test]
fn explanations_exist_for_cells_and_terms_in_both_languages() {
    for lang in ["en", "ko"] {
        for what in ["cpu.saturation", "cpu-quota", "bottleneck", "load average", "%util"] {
            let output = run(["explain", "--lang", lang, what]);
            assert!(output.status.success(), "{lang} {what}: {}", stderr(&output));
            assert!(stdout(&output).len() > 200);
        }
    }
    let unknown = run(["explain", "cpu.saturatoin"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("cpu.saturation"));
}

#[test]
fn generated_pages_and_completions_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let output = perfuse(["__generate"]).arg(directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    for file in [
        "man/man1/perfuse.1",
        "man/man1/perfuse-use.1",
        "man/ko/man1/perfuse-use.1",
        "completions/perfuse.bash",
        "completions/_perfuse",
        "completions/perfuse.fish",
    ] {
        let text =
            std::fs::read_to_string(directory.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains("perfuse"), "{file}");
        // The completion of bash calls that of `generate` perfuse__generate.
        let offered = [" __generate", "'__generate", "\"__generate"].iter().any(|word| text.contains(word));
        assert!(!offered, "{file} offers the hidden command");
    }
    let korean = std::fs::read_to_string(directory.path().join("man/ko/man1/perfuse-use.1")).unwrap();
    assert!(korean.contains("체크리스트"));
}
