//! `perf top` beside the real one: what burns the CPU leads in both, in the same columns.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use perfuse_testkit::{gate, skip};

use crate::{perfuse, run, stderr};

/// A program that spends its time in one function.
struct Burning(Child);

impl Drop for Burning {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn burn(dir: &Path) -> Option<Burning> {
    let (source, program) = (dir.join("burn.c"), dir.join("burner"));
    let text = "volatile unsigned long x;\n\
                __attribute__((noinline)) void hot_function(void) { for (;;) x += x * x; }\n\
                int main(void) { hot_function(); return 0; }\n";
    std::fs::write(&source, text).unwrap();
    let compiled = Command::new("cc").args(["-O1", "-fno-omit-frame-pointer", "-o"]).args([&program, &source]).status();
    compiled.ok().filter(std::process::ExitStatus::success)?;
    Command::new(program).stdout(Stdio::null()).spawn().ok().map(Burning)
}

/// What a command prints until it has printed a line with `wanted`, or for half a minute.
fn watch(mut command: Command, wanted: &str) -> String {
    use std::io::{BufRead as _, BufReader};
    // perf takes the end of standard input for a key.
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Burning(child);
    let _keyboard = child.0.stdin.take();
    let lines = BufReader::new(child.0.stdout.take().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    let mut text = String::new();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while let Ok(line) = told.recv_timeout(end.saturating_duration_since(std::time::Instant::now())) {
        text.push_str(&line);
        text.push('\n');
        if line.contains(wanted) {
            break;
        }
    }
    text
}

/// The words of the first line of the last table: its share left out, which no two runs have in common.
fn leader(text: &str) -> Option<Vec<String>> {
    let line = text.lines().rev().find(|line| line.contains("hot_function"))?;
    Some(line.split_whitespace().skip(1).map(str::to_owned).collect())
}

#[test]
fn the_hottest_function_leads_as_in_perf() {
    for program in ["perf", "cc"] {
        if let Err(why) = gate::command(program) {
            skip!("{why}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(burning) = burn(dir.path()) else {
        skip!("needs cc");
    };
    let pid = burning.0.id().to_string();
    let options = ["top", "--stdio", "-F", "199", "-d", "1", "-p", &pid];
    let mut perf = Command::new("perf");
    perf.args(options);
    let ours = watch(perfuse(options), "hot_function");
    let Some(our_leader) = leader(&ours) else {
        let told = run(["record", "-q", "-o", "/dev/null", "-p", &pid, "sleep", "0"]);
        assert!(!told.status.success(), "no line of the function: {ours}");
        skip!("needs leave to record: {}", stderr(&told));
    };
    let theirs = watch(perf, "hot_function");
    match leader(&theirs) {
        Some(their_leader) => assert_eq!(our_leader, their_leader, "{ours}\n{theirs}"),
        // perf 6.1 drops all samples where it cannot keep up with a busy machine.
        None => assert_eq!(our_leader, ["burner", "[.]", "hot_function"]),
    }
    let head = |text: &str| text.lines().find(|line| line.contains("PerfTop:")).map(str::to_owned);
    let words = |text: &str| {
        let line = head(text).unwrap_or_default();
        let letters = line.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        letters.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words(&ours)[..7], ["PerfTop", "irqs", "sec", "kernel", "exact", "lost", "drop"]);
    let named =
        watch(perfuse(["top", "--stdio", "-F", "199", "-d", "1", "-g", "-ns", "comm,dso", "-p", &pid]), "burner");
    assert!(named.lines().any(|line| line.contains("burner") && line.contains('%')), "{named}");
}

#[test]
fn wrong_lines_are_refused() {
    let status = |line: &str| run(["top"].into_iter().chain(line.split_whitespace())).status.code();
    assert_eq!(status("-d 0"), Some(129));
    assert_eq!(status("--no-such-option"), Some(129));
    assert_eq!(status("ls"), Some(129));
    assert_eq!(status("-e no:such"), Some(129));
    let gone = run(["top", "-p", "999999999"]);
    assert!(!gone.status.success() && !stderr(&gone).is_empty());
}
