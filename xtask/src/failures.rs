//! The tests that failed, said again at the end: the log above it is thousands of lines long.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// How much of what a failed test printed is said again, in lines; all of it stands in the log.
const LINES: usize = 12;

/// How long the output is listened to after cargo ended: a process that a test left behind may hold it open.
const GRACE: Duration = Duration::from_secs(2);

/// Runs `cargo test`, whose output passes through, and keeps in `failures` what the failed tests said.
///
/// # Errors
///
/// That it cannot be run or that a test failed.
pub(crate) fn watched(command: &mut Command, failures: &mut Failures) -> Result<()> {
    let shown = tools::shown(command);
    println!("$ {shown}");
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("cannot run {shown}"))?;
    let (sender, lines) = mpsc::channel();
    pass(child.stdout.take(), std::io::stdout(), Said::Out, sender.clone());
    pass(child.stderr.take(), std::io::stderr(), Said::Error, sender);
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(GRACE / 4) {
            Ok(Said::Out(line)) => failures.line(&line),
            Ok(Said::Error(line)) => failures.crashes.extend(crash(&line)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if ended.is_some_and(|ended| ended.elapsed() > GRACE) => break,
            Err(RecvTimeoutError::Timeout) => ended = ended.or(child.try_wait()?.map(|_| Instant::now())),
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{shown} failed: {status}");
    }
    Ok(())
}

/// A line of the standard output, or of the standard error.
enum Said {
    Out(String),
    Error(String),
}

/// Copies a stream line by line, and hands each line on, until the stream ends or nobody listens any more.
fn pass(
    from: Option<impl Read + Send + 'static>,
    mut to: impl Write + Send + 'static,
    said: fn(String) -> Said,
    lines: mpsc::Sender<Said>,
) {
    let Some(from) = from else { return };
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            // Whoever reads our output may be gone: the tests go on all the same.
            let _ = to.write_all(&line).and_then(|()| to.flush());
            if lines.send(said(String::from_utf8_lossy(&line).trim_end().to_owned())).is_err() {
                break;
            }
            line.clear();
        }
    });
}

/// What cargo says when a test program ended without a result of its own, by a signal for example.
fn crash(line: &str) -> Option<String> {
    let said = line.trim_start();
    said.starts_with("process didn't exit successfully")
        .then(|| said.to_owned())
        .filter(|said| said.contains("(signal"))
}

/// Where in the output of a test program we are.
#[derive(Default)]
enum Part {
    #[default]
    Running,
    /// Behind the first `failures:`, where the output of each failed test follows.
    Outputs,
}

/// The failed tests of all test programs, read from what libtest prints.
#[derive(Default)]
pub(crate) struct Failures {
    part: Part,
    /// Name of the test and what it printed.
    tests: Vec<(String, Vec<String>)>,
    crashes: Vec<String>,
}

impl Failures {
    /// The next line of the output.
    ///
    /// ```text
    /// failures:
    ///
    /// ---- name::of::the_test stdout ----
    /// thread 'name::of::the_test' panicked at file.rs:1:2:
    ///
    /// failures:
    ///     name::of::the_test
    /// ```
    fn line(&mut self, line: &str) {
        let heading = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----"));
        match (&self.part, heading) {
            (Part::Running, _) if line == "failures:" => self.part = Part::Outputs,
            (Part::Running, _) => {}
            (Part::Outputs, Some(name)) => self.tests.push((name.to_owned(), Vec::new())),
            (Part::Outputs, None) if line == "failures:" || line.starts_with("test result:") => {
                self.part = Part::Running;
            }
            (Part::Outputs, None) => {
                if let Some((_, said)) = self.tests.last_mut()
                    && !line.is_empty()
                {
                    said.push(line.to_owned());
                }
            }
        }
    }

    /// The failed tests with the end of what each one printed; nothing where none failed.
    pub(crate) fn summary(&self) -> String {
        let mut summary = String::new();
        for (name, said) in &self.tests {
            let _ = writeln!(summary, "FAILED {name}");
            // What a panic says is what matters most; without one it is the end of the output.
            let panic = said.iter().position(|line| line.contains("panicked at"));
            let from = panic.unwrap_or_else(|| said.len().saturating_sub(LINES));
            for line in said.iter().skip(from).take(LINES) {
                let _ = writeln!(summary, "    {line}");
            }
            if let Some(left) = said.len().checked_sub(from + LINES).filter(|left| *left > 0) {
                let _ = writeln!(summary, "    … and {left} lines more, above");
            }
        }
        for crash in &self.crashes {
            let _ = writeln!(summary, "FAILED {crash}");
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::{Failures, crash};

    fn read(text: &str) -> Failures {
        let mut failures = Failures::default();
        text.lines().for_each(|line| failures.line(line));
        failures
    }

    #[test]
    fn the_failed_tests_are_named_with_what_their_panics_say() {
        let failures = read(
            "running 3 tests\ntest a ... ok\ntest b::c ... FAILED\ntest d ... FAILED\n\nfailures:\n\n\
             ---- b::c stdout ----\nbegun\n\nthread 'b::c' panicked at x.rs:1:2:\nassertion failed: 1 == 2\n\n\
             ---- d stdout ----\nError: no such file\n\n\nfailures:\n    b::c\n    d\n\n\
             test result: FAILED. 1 passed; 2 failed\n\nrunning 1 test\ntest e ... ok\ntest result: ok.\n",
        );
        assert_eq!(
            failures.summary(),
            "FAILED b::c\n    thread 'b::c' panicked at x.rs:1:2:\n    assertion failed: 1 == 2\n\
             FAILED d\n    Error: no such file\n"
        );
    }

    #[test]
    fn a_long_output_is_cut_and_says_so() {
        let long = (0..30).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
        let text = format!("failures:\n---- a stdout ----\nthread 'a' panicked at x.rs:1:2:\n{long}failures:\n");
        let summary = read(&text).summary();
        assert!(summary.starts_with("FAILED a\n    thread 'a' panicked"), "{summary}");
        assert!(summary.ends_with("    line 10\n    … and 19 lines more, above\n"), "{summary}");
    }

    #[test]
    fn without_a_failure_there_is_nothing_to_say() {
        assert_eq!(read("running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed\n").summary(), "");
    }

    #[test]
    fn a_program_that_died_by_a_signal_is_a_failure() {
        let died = "  process didn't exit successfully: `target/debug/deps/it-1` (signal: 6, SIGABRT: abort)";
        assert_eq!(crash(died).as_deref(), Some(died.trim_start()));
        assert_eq!(crash("  process didn't exit successfully: `target/debug/deps/it-1` (exit status: 101)"), None);
    }
}
