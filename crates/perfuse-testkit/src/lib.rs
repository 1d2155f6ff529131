//! What live tests share: a test that needs more of its host than it finds is skipped aloud, never silently passed.
//!
//! ```
//! # fn live() {
//! perfuse_testkit::need!(perfuse_testkit::gate::root());
//! perfuse_testkit::need!(perfuse_testkit::gate::command("tmux"));
//! if !std::path::Path::new("/proc/pressure/cpu").exists() {
//!     perfuse_testkit::skip!("the kernel has no PSI");
//! }
//! # }
//! ```
//!
//! Each skip prints `SKIPPED live test NAME: REASON` past the test harness' output capture, and is appended to
//! the file that the environment variable `PERFUSE_SKIP_LOG` names, so that `cargo xtask test` can count them.
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

pub mod gate;

/// The environment variable that names the file to which skips are appended.
pub const SKIP_LOG: &str = "PERFUSE_SKIP_LOG";

/// Ends the calling test as skipped; takes the reason as `format!` does.
///
/// The test must return `()`.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        $crate::report_skip($crate::test_name!(), &::std::format!($($reason)+));
        return;
    }};
}

/// Skips the calling test unless the gate (`Result<(), String>`) is open; the error is the reason.
#[macro_export]
macro_rules! need {
    ($gate:expr) => {
        if let ::std::result::Result::Err(reason) = $gate {
            $crate::skip!("{reason}");
        }
    };
}

/// The path of the enclosing function.
#[macro_export]
macro_rules! test_name {
    () => {{
        // A function item's type name is the only name of the place that the language gives.
        fn here() {}
        ::std::any::type_name_of_val(&here).trim_end_matches("::here")
    }};
}

/// Prints one skip and appends it to the skip log. Called by [`skip!`].
pub fn report_skip(test: &str, reason: &str) {
    let reason = reason.replace(['\n', '\t'], " ");
    // Not eprintln!: the harness would keep that back for a test that passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED live test {test}: {reason}");
    if let Some(path) = std::env::var_os(SKIP_LOG)
        && let Err(error) = append(Path::new(&path), test, &reason)
    {
        panic!("cannot note the skip of {test} in {}: {error}", path.display());
    }
}

/// One write per line with `O_APPEND`: the lines of test binaries that run side by side stay whole.
fn append(log: &Path, test: &str, reason: &str) -> std::io::Result<()> {
    let line = format!("{test}\t{reason}\n");
    OpenOptions::new().create(true).append(true).open(log)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_name_is_that_of_the_test() {
        assert_eq!(crate::test_name!(), "perfuse_testkit::tests::the_name_is_that_of_the_test");
    }

    #[test]
    fn skips_are_appended_a_line_each() {
        let log = std::env::temp_dir().join(format!("perfuse-skip-{}", std::process::id()));
        crate::append(&log, "a::b", "needs root").unwrap();
        crate::append(&log, "a::c", "needs tmux").unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        assert_eq!(text, "a::b\tneeds root\na::c\tneeds tmux\n");
    }

    #[test]
    fn an_open_gate_lets_the_test_go_on() {
        fn guarded(reached: &std::cell::Cell<bool>) {
            need!(Ok::<(), String>(()));
            reached.set(true);
        }
        let reached = std::cell::Cell::new(false);
        guarded(&reached);
        assert!(reached.get());
    }
}
