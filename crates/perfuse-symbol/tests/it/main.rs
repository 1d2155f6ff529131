//! Recordings of the real `perf`, named here and there.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "these tests compare with other programs, and so run them")]

mod assembler;
mod debug_files;
mod differential;
mod hostile;
mod probe;
mod resolve;

use std::path::Path;
use std::process::{Command, Stdio};

/// What a program prints; it must succeed.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("the program runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether perf can record here: it is missing on many machines, and forbidden in many containers.
fn can_record(directory: &Path) -> bool {
    let file = directory.join("probe.data");
    let recorded = Command::new("perf")
        .args(["record", "-q", "-o"])
        .arg(&file)
        .args(["--", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    recorded.is_ok_and(|status| status.success()) && file.is_file()
}
