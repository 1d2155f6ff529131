//! The output of a Nagios plug-in: one line with performance data after `|`, and the exit status.

use std::fmt::Write as _;

use perfuse_analyze::{Quantity, Severity, Unit};

use crate::i18n::Texts;
use crate::layout::clean;
use crate::report::{Cell, Report};
use crate::text::verdict_line;

/// What the plug-in answers; its number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing waits beyond the thresholds.
    Ok = 0,
    /// Something waits.
    Warning = 1,
    /// A hard error.
    Critical = 2,
    /// Too little was measurable.
    Unknown = 3,
}

impl State {
    /// The word at the start of the line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The exit status.
    pub fn exit_status(self) -> u8 {
        self as u8
    }
}

/// The state that a report amounts to. A host on which nothing waits is well, however busy.
pub fn state(report: &Report) -> State {
    match (report.worst(), report.healthy) {
        (Some(Severity::Error), _) => State::Critical,
        (Some(Severity::Bottleneck), _) => State::Warning,
        (_, None) => State::Unknown,
        _ => State::Ok,
    }
}

/// The lines of the plug-in: verdict and performance data, then one line a finding.
pub fn render(report: &Report, texts: &Texts) -> (String, State) {
    let state = state(report);
    let said = match report.findings.first().filter(|finding| finding.severity > Severity::Watch) {
        Some(first) => format!("{} {}", verdict_line(report, texts), first.summary),
        None => verdict_line(report, texts),
    };
    let mut out = format!("PERFUSE {}: {} |", state.word(), flat(&said));
    for cell in report.all() {
        out.push_str(&perfdata(cell).unwrap_or_default());
    }
    out.push('\n');
    for finding in &report.findings {
        let severity = texts.word(&format!("severity-{}", finding.severity.id()));
        let _ = writeln!(out, "{}. {severity}: {}", finding.rank, flat(&finding.summary));
    }
    (out, state)
}

/// Text without what ends the text part of a line.
fn flat(text: &str) -> String {
    clean(text).replace('|', "¦")
}

/// `'cpu.utilization'=97.1%;;;0;100` for a headline number.
fn perfdata(cell: &Cell) -> Option<String> {
    let Quantity { number, unit } = cell.value?.0;
    let (number, unit, range) = match unit {
        Unit::Ratio => (number * 100.0, "%", ";;;0;100"),
        Unit::Bytes => (number, "B", ";;;0"),
        Unit::Seconds => (number, "s", ";;;0"),
        _ => (number, "", ";;;0"),
    };
    let range = if unit == "%" && number > 100.0 { ";;;0" } else { range };
    // Six digits after the point are far below what any of these numbers means.
    let number = (number * 1e6).round() / 1e6 + 0.0;
    Some(format!(" '{}'={number}{unit}{range}", cell.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{checklist, context};
    use crate::{Lang, golden};

    #[test]
    fn the_lines_in_both_languages() {
        for lang in Lang::ALL {
            let texts = Texts::core(lang);
            let (text, state) = render(&Report::new(&checklist(true), &context(), &texts), &texts);
            assert_eq!(state, State::Critical);
            assert_eq!(text.lines().next().unwrap().matches('|').count(), 1);
            golden::check(&format!("nagios-{}.txt", lang.id()), &text);
        }
    }

    #[test]
    fn the_exit_status_follows_the_findings() {
        let texts = Texts::core(Lang::En);
        let mut checklist = checklist(false);
        let of = |checklist: &perfuse_analyze::Checklist| state(&Report::new(checklist, &context(), &texts));
        assert_eq!(of(&checklist).exit_status(), 0);
        checklist.healthy = None;
        assert_eq!(of(&checklist).exit_status(), 3);
        let mut sick = crate::fixture::checklist(true);
        assert_eq!(of(&sick).exit_status(), 2);
        sick.findings.retain(|finding| finding.severity == Severity::Bottleneck);
        assert_eq!(of(&sick).exit_status(), 1);
        sick.findings[0].severity = Severity::Watch;
        sick.healthy = Some(true);
        assert_eq!(of(&sick).exit_status(), 0);
    }

    #[test]
    fn text_cannot_end_the_text_part() {
        assert_eq!(flat("a|b\nc"), "a¦b\\nc");
    }
}
