//! The live tests that could not run here, counted by reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// A summary of the skip log (lines `test<TAB>reason`), most frequent reason first.
pub(crate) fn summary(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (test, reason) in text.lines().filter_map(|line| line.split_once('\t')) {
        by_reason.entry(reason).or_default().push(test);
    }
    let total: usize = by_reason.values().map(Vec::len).sum();
    let mut reasons: Vec<_> = by_reason.into_iter().collect();
    reasons.sort_by_key(|(_, tests)| std::cmp::Reverse(tests.len()));
    let mut summary = format!("live tests skipped: {total}\n");
    for (reason, tests) in reasons {
        let _ = writeln!(summary, "  {:>3}  {reason}", tests.len());
        for test in tests {
            let _ = writeln!(summary, "         {test}");
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    #[test]
    fn reasons_are_counted_and_sorted() {
        let log = std::env::temp_dir().join(format!("perfuse-skips-{}", std::process::id()));
        std::fs::write(&log, "a\tneeds tmux\nb\tneeds root\nc\tneeds root\n").unwrap();
        let summary = super::summary(&log);
        std::fs::remove_file(&log).unwrap();
        let expected =
            "live tests skipped: 3\n    2  needs root\n         b\n         c\n    1  needs tmux\n         a\n";
        assert_eq!(summary, expected);
    }

    #[test]
    fn no_log_is_no_skip() {
        assert_eq!(super::summary(std::path::Path::new("/no/such/log")), "live tests skipped: 0\n");
    }
}
