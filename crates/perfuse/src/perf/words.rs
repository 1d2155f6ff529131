//! What is said when an event cannot be understood or opened, to every command of perf.

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::perf::{OpenError, Reason};
use perfuse_format::event::EventError;

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
        .with("place", format!("\n  {}\n{:column$}\\___ {}\n", error.text, "", error.problem))
        .with("hint", Arg::Msg(Box::new(hint)))
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
