//! The binary as its users meet it.
#![forbid(unsafe_code)]

mod cli;
mod disk;
mod flame;
mod generate;
mod incident;
mod live;
mod perf_annotate;
mod perf_c2c;
mod perf_diff;
mod perf_events;
mod perf_inject;
mod perf_made;
mod perf_metrics;
mod perf_probe;
mod perf_report;
mod perf_script;
mod perf_stat;
mod perf_tools;
mod perf_top;
mod perf_trace_text;
mod perfdata;
mod record;
mod record_extra;
mod replay;
mod serve;
mod serve_apps;
mod synth;
mod trace;
mod watch;
mod why;
mod zoo;

use std::ffi::OsStr;
use std::process::{Child, Command, Output, Stdio};

/// The binary, without the language and colour settings of whoever runs the tests.
fn perfuse<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perfuse"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "COLUMNS", "XDG_CONFIG_HOME"] {
        command.env_remove(name);
    }
    // Recording fills a cache below it.
    command.env("HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/home"));
    command
}

/// Runs it to its end.
fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    perfuse(arguments).output().expect("the binary runs")
}

/// What it printed.
fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("results are UTF-8")
}

/// What it complained about.
fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("complaints are UTF-8")
}

/// The JSON that it printed.
fn json(output: &Output) -> serde_json::Value {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{}", stderr(output)))
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
