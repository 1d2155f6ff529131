//! What a run came to.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Whether it did what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It did.
    Works,
    /// It ran, and a part of what it shows is missing.
    Degraded(String),
    /// It did not.
    Fails(String),
}

/// The end of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    /// Exit status, as a shell has it.
    pub(super) status: Option<i32>,
}

impl Outcome {
    /// Of what the script left of a one-liner.
    pub(super) fn read(directory: &Path, id: &str) -> Result<Self> {
        let text = |kind: &str| -> Result<String> {
            let file = directory.join(format!("{id}.{kind}"));
            let bytes = fs::read(&file).with_context(|| format!("{} was not left", file.display()))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (said, errors) = (text("out")?, text("err")?);
        Ok(judged(text("status")?.trim().parse().ok(), &format!("{said}\n{errors}"), &errors))
    }

    /// Whether it runs, be it with less than all.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.verdict, Verdict::Fails(_))
    }
}

/// By exit status (130 is Ctrl-C) and by what is missing in the text.
fn judged(status: Option<i32>, said: &str, errors: &str) -> Outcome {
    let missing = said.lines().filter(|line| line.contains("<not supported>")).count();
    let verdict = match status {
        Some(0 | 130) if missing > 0 => Verdict::Degraded(format!("{missing} rows are not supported")),
        Some(0 | 130) => Verdict::Works,
        _ => Verdict::Fails(reason(if errors.trim().is_empty() { said } else { errors })),
    };
    Outcome { verdict, status }
}

/// The first line that says something of a failure, after the words that it ends (`error:`).
fn reason(errors: &str) -> String {
    let mut lines = errors.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let mut said = lines.next().unwrap_or("no word").to_owned();
    while said.ends_with(':') {
        let Some(line) = lines.next() else { break };
        // What it is about may stand in a line of its own, above a mark at the place that is wrong.
        let line = lines.next_if(|next| next.starts_with("\\___ ")).unwrap_or(line);
        said = format!("{said} {}", line.trim_start_matches("\\___ ").trim_start_matches("- "));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_status_and_text() {
        assert_eq!(judged(Some(0), "fine", "").verdict, Verdict::Works);
        assert_eq!(judged(Some(130), "fine", "").verdict, Verdict::Works);
        let rows = judged(Some(0), "<not supported> cycles\n<not supported> branches\n", "").verdict;
        assert_eq!(rows, Verdict::Degraded("2 rows are not supported".to_owned()));
        assert_eq!(judged(Some(255), "", "\n no such event\nmore").verdict, Verdict::Fails("no such event".to_owned()));
        assert_eq!(judged(Some(129), "", "error:\nx").verdict, Verdict::Fails("error: x".to_owned()));
        let marked = "error: \n  f a\n    \\___ nothing can be had. Tried:\n  - x: refused\n  - y: refused\n";
        let said = "error: nothing can be had. Tried: x: refused".to_owned();
        assert_eq!(judged(Some(254), "", marked).verdict, Verdict::Fails(said));
        assert_eq!(judged(Some(1), "all is in the text", " ").verdict, Verdict::Fails("all is in the text".to_owned()));
        assert_eq!(judged(None, "", "").verdict, Verdict::Fails("no word".to_owned()));
    }
}
