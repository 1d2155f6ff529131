//! What is said when an event cannot be understood or opened, to every command of perf.

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::perf::{OpenError, Reason};
use perfuse_format::event::{EventError, Expected, Problem, TermsOf, TraceDenied};

/// A mistake in `-e`: the text, a caret under the place, what is wrong, and what could have been meant.
pub(crate) fn event_words(error: &EventError) -> Msg {
    let column = 2 + error.text.get(..error.at).unwrap_or_default().chars().count();
    let near = error.nearest(3);
    let hint = if near.is_empty() {
        Msg::new("perf-event-list")
    } else {
        Msg::new("perf-event-nearest").with("names", near.join(", "))
    };
    Msg::new("perf-event-error")
        .with("place", format!("\n  {}\n{:column$}\\___ ", error.text, ""))
        .with("problem", problem_words(&error.problem))
        .with("hint", inner(hint))
}

fn inner(message: Msg) -> Arg {
    Arg::Msg(Box::new(message))
}

/// What is wrong with an event.
pub(crate) fn problem_words(problem: &Problem) -> Arg {
    let words = Msg::new(match problem {
        Problem::Expected { .. } => "perf-event-expected",
        Problem::UnknownEvent { .. } => "perf-event-unknown",
        Problem::UnknownTracepoint { .. } => "perf-event-tracepoint",
        Problem::UnknownPmu { .. } => "perf-event-pmu",
        Problem::UnknownTerm { .. } => "perf-event-term",
        Problem::NoPmu { .. } => "perf-event-no-pmu",
        Problem::BadValue { .. } => "perf-event-value",
        Problem::TooLarge { .. } => "perf-event-too-large",
        Problem::NotInStat { .. } => "perf-event-not-in-stat",
        Problem::NotForTracepoint { .. } => "perf-event-not-for-tracepoint",
        Problem::UnknownModifier { .. } => "perf-event-modifier",
        Problem::RepeatedModifier { .. } => "perf-event-repeated",
        Problem::TooPrecise => "perf-event-too-precise",
        Problem::BadAccess { .. } => "perf-event-access",
        Problem::Number => "perf-event-number",
        Problem::TooMany { .. } => "perf-event-too-many",
        Problem::BadAlias { .. } => "perf-event-alias",
    });
    inner(match problem {
        Problem::Expected { expected } => words.with("expected", expected_words(*expected)),
        Problem::UnknownEvent { name } | Problem::UnknownPmu { name } => words.with("name", name.as_str()),
        Problem::UnknownTracepoint { system, name, why } => {
            words.with("name", format!("{system}:{name}")).with("why", denied_words(why))
        }
        Problem::UnknownTerm { term, of } => {
            let of = match of {
                TermsOf::Pmu(name) => Msg::new("perf-event-of-pmu").with("name", name.as_str()),
                TermsOf::General => Msg::new("perf-event-of-general"),
                TermsOf::Tracepoint => Msg::new("perf-event-of-tracepoint"),
            };
            words.with("term", term.as_str()).with("of", inner(of))
        }
        Problem::NoPmu { event, pmu } => words.with("event", event.as_str()).with("pmu", pmu.as_str()),
        Problem::BadValue { term, expected } => {
            words.with("term", term.as_str()).with("expected", expected_words(*expected))
        }
        Problem::TooLarge { term, max } => words.with("term", term.as_str()).with("max", max.to_string()),
        Problem::NotInStat { term } | Problem::NotForTracepoint { term } => words.with("term", term.as_str()),
        Problem::UnknownModifier { letter } | Problem::RepeatedModifier { letter } => {
            words.with("letter", letter.to_string())
        }
        Problem::TooPrecise | Problem::Number => words,
        Problem::BadAccess { access } => words.with("access", access.as_str()),
        Problem::TooMany { max } => words.with("max", max.to_string()),
        Problem::BadAlias { event, terms } => words.with("event", event.as_str()).with("terms", terms.as_str()),
    })
}

/// What belongs at a place.
fn expected_words(expected: Expected) -> Arg {
    inner(Msg::new(match expected {
        Expected::CommaOrEnd => "perf-expected-comma-or-end",
        Expected::NoNesting => "perf-expected-no-nesting",
        Expected::CommaOrBrace => "perf-expected-comma-or-brace",
        Expected::ClosingSlash => "perf-expected-closing-slash",
        Expected::Event => "perf-expected-event",
        Expected::Slash => "perf-expected-slash",
        Expected::TracepointName => "perf-expected-tracepoint-name",
        Expected::Address => "perf-expected-address",
        Expected::Length => "perf-expected-length",
        Expected::Term => "perf-expected-term",
        Expected::Value => "perf-expected-value",
        Expected::ClosingQuote => "perf-expected-closing-quote",
        Expected::Number => "perf-expected-number",
        Expected::Switch => "perf-expected-switch",
        Expected::Name => "perf-expected-name",
        Expected::Branches => "perf-expected-branches",
        Expected::CallGraph => "perf-expected-call-graph",
        Expected::Nothing => "perf-expected-nothing",
        Expected::Word => "perf-expected-word",
    }))
}

/// Why tracepoints cannot be looked at.
pub(crate) fn denied_words(why: &TraceDenied) -> Arg {
    inner(match why {
        TraceDenied::NotMounted => Msg::new("perf-tracefs-not-mounted"),
        TraceDenied::NotFound(path) => Msg::new("perf-tracefs-not-found").with("path", path.as_str()),
        TraceDenied::Permission(path) => Msg::new("perf-tracefs-permission").with("path", path.as_str()),
        TraceDenied::Other { path, error } => {
            Msg::new("perf-tracefs-other").with("path", path.as_str()).with("error", error.as_str())
        }
    })
}

/// Why `events` (names, for people) could not be opened, and what would have to change. `virtualization` is the
/// hypervisor of `perfuse_collect::host::hypervisor`; empty on bare metal or where that cannot be told.
pub(crate) fn refusal_words(error: &OpenError, events: &str, virtualization: &str) -> Msg {
    let id = match error.reason {
        Reason::NoHardware if virtualization.is_empty() => "perf-open-no-hardware",
        Reason::NoHardware => "perf-open-no-hardware-guest",
        Reason::NoEvent => "perf-open-no-event",
        Reason::NotSupported => "perf-open-not-supported",
        Reason::NoPermission { paranoid: Some(_) } => "perf-open-no-permission",
        Reason::NoPermission { paranoid: None } => "perf-open-no-permission-unknown",
        Reason::Forbidden => "perf-open-forbidden",
        Reason::TooManyFiles => "perf-open-files",
        Reason::NoSpace => "perf-open-space",
        Reason::Busy => "perf-open-busy",
        Reason::TooNew => "perf-open-too-new",
        Reason::NotPrecise => "perf-open-not-precise",
        Reason::Invalid => "perf-open-invalid",
        Reason::NoTask => "perf-open-no-task",
        Reason::NoCpu => "perf-open-no-cpu",
        Reason::NoSystemCall => "perf-open-no-call",
        _ => "perf-open-other",
    };
    let words = Msg::new(id).with("events", events);
    match error.reason {
        Reason::NoHardware => words.with("virtualization", virtualization),
        Reason::NoPermission { paranoid: Some(paranoid) } => words.with("paranoid", paranoid.to_string()),
        _ => words.with("error", error.errno.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use perfuse_collect::perf::Errno;
    use perfuse_format::event::{Mode, Offered, parse};
    use perfuse_render::{Lang, Texts};

    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let error = parse("cs,fautls", &Offered::default(), Mode::Stat).unwrap_err();
        let text = Texts::new(Lang::En).text(&event_words(&error));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1].find("fautls"), lines[2].find('\\'), "{text}");
        assert!(text.contains("faults"), "{text}");
    }

    #[test]
    fn mistakes_are_said_in_the_language() {
        let of = |text: &str, lang| {
            let error = parse(text, &Offered::default(), Mode::Stat).unwrap_err();
            Texts::new(lang).text(&event_words(&error))
        };
        for text in [
            "",
            "cs,",
            "{cs",
            "{cs,{cs}}",
            "cs/period=1",
            "sched:",
            "mem:x",
            "mem:1/y",
            "cs/,/",
            "cs/period=/",
            "cs/name='x/",
            "nosuch",
            "nosuch:event",
            "nosuch//",
            "cs/umask=1/",
            "cs/period=x/",
            "cs/freq=1/",
            "cs:z",
            "cs:uu",
            "cs:pppp",
            "mem:1:rr",
            "r11111111111111111",
            "cs/percore=2/",
            "cs/name/",
        ] {
            for lang in [Lang::En, Lang::Ko] {
                let said = of(text, lang);
                assert!(!said.contains("perf-event") && !said.contains("perf-expected"), "{text}: {said}");
                let korean = said.chars().filter(|letter| ('가'..='힣').contains(letter)).count();
                assert_eq!(korean > 10, lang == Lang::Ko, "{text}: {said}");
            }
        }
    }

    #[test]
    fn every_reason_has_words_in_both_languages() {
        let reasons = [
            Reason::NoHardware,
            Reason::NoEvent,
            Reason::NotSupported,
            Reason::NoPermission { paranoid: Some(3) },
            Reason::NoPermission { paranoid: None },
            Reason::Forbidden,
            Reason::TooManyFiles,
            Reason::NoSpace,
            Reason::Busy,
            Reason::TooNew,
            Reason::NotPrecise,
            Reason::Invalid,
            Reason::NoTask,
            Reason::NoCpu,
            Reason::NoSystemCall,
            Reason::Other,
        ];
        for lang in [Lang::En, Lang::Ko] {
            let texts = Texts::new(lang);
            for reason in reasons {
                for virtualization in ["", "kvm"] {
                    let error = OpenError { errno: Errno(1), reason };
                    let text = texts.text(&refusal_words(&error, "cycles", virtualization));
                    assert!(text.contains("cycles") && !text.contains("perf-open"), "{reason:?}: {text}");
                }
            }
        }
    }
}
