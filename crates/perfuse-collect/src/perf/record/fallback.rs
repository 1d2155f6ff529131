//! What is tried when the kernel refuses an event, in the order of perf: less precise addresses, fields that older kernels
//! do not know, the clock instead of a counter that is missing, user space alone instead of both.

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind, read_format, sample_type};

use super::config::{CPU_CLOCK, Planned};
use crate::perf::{OpenError, Reason};

/// What had to be changed so that an event could be opened. Nothing of this is kept secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The CPU's cycles cannot be counted here; time is sampled instead.
    NoCycles {
        /// The event that was asked for.
        wanted: String,
        /// The one that is used.
        used: String,
    },
    /// Without privilege only user space may be sampled.
    UserOnly {
        /// The event as it is now.
        used: String,
        /// `kernel.perf_event_paranoid`.
        paranoid: Option<i32>,
    },
    /// The kernel is too old for a part of the attribute.
    Older {
        /// The event.
        event: String,
        /// What is left out.
        without: &'static str,
    },
    /// The members of a weak group do not go together; each is counted for itself.
    BrokenUp {
        /// The leader's name.
        leader: String,
    },
    /// A thread that was to be watched ended before its event could be opened.
    ThreadGone {
        /// The thread.
        tid: i32,
    },
}

/// What is left out on kernels that do not know it, newest first: name, whether the attribute has it, how it goes.
type Part = (&'static str, fn(&EventAttr) -> bool, fn(&mut EventAttr));

const PARTS: &[Part] = &[
    (
        "read_format LOST (Linux 6.0)",
        |a| a.read_format & read_format::LOST != 0,
        |a| a.read_format &= !read_format::LOST,
    ),
    ("MMAP2 build ids (5.12)", |a| a.has(flag::BUILD_ID), |a| a.flags &= !flag::BUILD_ID),
    (
        "the parts of weights (5.12)",
        |a| a.samples(sample_type::WEIGHT_STRUCT),
        |a| a.sample_type = a.sample_type & !sample_type::WEIGHT_STRUCT | sample_type::WEIGHT,
    ),
    (
        "code page size (5.11)",
        |a| a.samples(sample_type::CODE_PAGE_SIZE),
        |a| a.sample_type &= !sample_type::CODE_PAGE_SIZE,
    ),
    (
        "data page size (5.11)",
        |a| a.samples(sample_type::DATA_PAGE_SIZE),
        |a| a.sample_type &= !sample_type::DATA_PAGE_SIZE,
    ),
    (
        "cgroup records (5.7)",
        |a| a.has(flag::CGROUP),
        |a| {
            a.flags &= !flag::CGROUP;
            a.sample_type &= !sample_type::CGROUP;
        },
    ),
    ("BPF events (5.1)", |a| a.has(flag::BPF_EVENT), |a| a.flags &= !flag::BPF_EVENT),
    ("kernel symbols (5.1)", |a| a.has(flag::KSYMBOL), |a| a.flags &= !flag::KSYMBOL),
    (
        "exclude_guest",
        |a| a.has(flag::EXCLUDE_GUEST | flag::EXCLUDE_HOST),
        |a| {
            a.flags &= !(flag::EXCLUDE_GUEST | flag::EXCLUDE_HOST);
        },
    ),
];

/// Breaks up the weak group of a refused event, as perf does where the PMU does not take its members together. Index of
/// the leader, from which on all events are to be opened again; `None` where the event is not in a weak group.
pub(super) fn break_up(events: &mut [Planned], at: usize, error: &OpenError) -> Option<usize> {
    let refused = events.get(at).filter(|event| event.weak && event.leader != at)?;
    if !matches!(error.errno.0, libc::EINVAL | libc::EBADF) {
        return None;
    }
    let leader = refused.leader;
    let starts = events.get(leader)?.attr.flags & (flag::DISABLED | flag::ENABLE_ON_EXEC);
    for (own, event) in events.iter_mut().enumerate().filter(|(_, event)| event.leader == leader) {
        event.leader = own;
        event.weak = false;
        // Nobody leads it any more that would start it.
        event.attr.flags |= starts;
        event.attr.read_format &= !read_format::GROUP;
    }
    Some(leader)
}

/// What a refusal leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Try again, with less precise addresses: nothing to be told.
    Quietly,
    /// Try again, and tell what was changed.
    Noticed(Notice),
    /// Nothing is left to try.
    GiveUp,
}

/// Changes a refused event so that it may be accepted.
pub(super) fn next(event: &mut Planned, error: &OpenError) -> Step {
    let precise = event.attr.precise_ip();
    if event.precise_max {
        // As long as the hardware refuses, less; then back to what it was for the event that replaces it.
        if precise > 0 && !is_final(error) {
            event.attr.flags -= 1 << flag::PRECISE_IP_SHIFT;
            return Step::Quietly;
        }
        if precise == 0 {
            event.attr.flags |= 3 << flag::PRECISE_IP_SHIFT;
        }
    }
    if error.errno.0 == libc::EINVAL
        && let Some((without, _, remove)) = PARTS.iter().find(|(_, has, _)| has(&event.attr))
    {
        remove(&mut event.attr);
        return Step::Noticed(Notice::Older { event: event.name.clone(), without });
    }
    let is_cycles = event.attr.kind == kind::HARDWARE && event.attr.config == 0;
    if is_cycles && matches!(error.errno.0, libc::ENOENT | libc::ENXIO | libc::ENODEV) {
        event.attr.kind = kind::SOFTWARE;
        event.attr.config = CPU_CLOCK;
        let wanted = std::mem::replace(&mut event.name, format!("cpu-clock{}", modifiers(&event.attr)));
        return Step::Noticed(Notice::NoCycles { wanted, used: event.name.clone() });
    }
    if let Reason::NoPermission { paranoid } = error.reason
        && paranoid.is_none_or(|paranoid| paranoid > 1)
        && event.attr.flags & (flag::EXCLUDE_KERNEL | flag::EXCLUDE_USER) == 0
        && event.attr.kind != kind::TRACEPOINT
    {
        event.attr.flags |= flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV;
        event.name.push_str(if event.name.contains(':') { "u" } else { ":u" });
        return Step::Noticed(Notice::UserOnly { used: event.name.clone(), paranoid });
    }
    Step::GiveUp
}

/// Refusals that have nothing to do with precision.
fn is_final(error: &OpenError) -> bool {
    matches!(error.errno.0, libc::EMFILE | libc::ENFILE | libc::EACCES | libc::EPERM | libc::ESRCH)
}

/// The letters behind an event's name that its attribute stands for, with their colon: `:ppp`, `:u`, `:HG`.
pub fn modifiers(attr: &EventAttr) -> String {
    let mut text = String::new();
    let mut exclude_guest_is_usual = false;
    let sides = [(flag::EXCLUDE_KERNEL, 'k'), (flag::EXCLUDE_USER, 'u'), (flag::EXCLUDE_HV, 'h')];
    if sides.iter().any(|(bit, _)| attr.has(*bit)) {
        text.extend(sides.iter().filter(|(bit, _)| !attr.has(*bit)).map(|(_, letter)| letter));
        exclude_guest_is_usual = true;
    }
    if attr.precise_ip() > 0 {
        text.push_str(&"ppp"[..usize::from(attr.precise_ip())]);
        exclude_guest_is_usual = true;
    }
    if attr.has(flag::EXCLUDE_HOST) || attr.has(flag::EXCLUDE_GUEST) == exclude_guest_is_usual {
        text.extend(
            [(flag::EXCLUDE_HOST, 'H'), (flag::EXCLUDE_GUEST, 'G')]
                .iter()
                .filter(|(bit, _)| !attr.has(*bit))
                .map(|(_, letter)| letter),
        );
    }
    if text.is_empty() { text } else { format!(":{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::Errno;

    fn refused(errno: i32) -> OpenError {
        OpenError { errno: Errno(errno), reason: Reason::Other }
    }

    #[test]
    fn cycles_become_the_clock_after_all_precisions() {
        let attr = EventAttr { kind: kind::HARDWARE, flags: 3 << flag::PRECISE_IP_SHIFT, ..EventAttr::default() };
        let mut event = Planned { name: "cycles:P".to_owned(), attr, precise_max: true, ..Planned::default() };
        for precise in [2, 1, 0] {
            assert_eq!(next(&mut event, &refused(libc::ENOENT)), Step::Quietly);
            assert_eq!(event.attr.precise_ip(), precise);
        }
        let notice = next(&mut event, &refused(libc::ENOENT));
        assert_eq!(
            notice,
            Step::Noticed(Notice::NoCycles { wanted: "cycles:P".to_owned(), used: "cpu-clock:ppp".to_owned() })
        );
        assert_eq!((event.attr.kind, event.attr.config, event.attr.precise_ip()), (kind::SOFTWARE, CPU_CLOCK, 3));
    }

    #[test]
    fn a_weak_group_falls_apart_and_others_do_not() {
        let member = |leader: usize, weak: bool, flags: u64| Planned {
            leader,
            weak,
            attr: EventAttr { flags, read_format: read_format::GROUP, ..EventAttr::default() },
            ..Planned::default()
        };
        let group = |weak| vec![member(0, false, 0), member(1, weak, flag::DISABLED), member(1, weak, 0)];
        let mut events = group(true);
        assert_eq!(break_up(&mut events, 2, &refused(libc::EACCES)), None);
        assert_eq!(break_up(&mut events, 1, &refused(libc::EINVAL)), None);
        assert_eq!(break_up(&mut events, 2, &refused(libc::EINVAL)), Some(1));
        assert_eq!((events[2].leader, events[2].attr.flags, events[2].attr.read_format), (2, flag::DISABLED, 0));
        assert_eq!(break_up(&mut events, 2, &refused(libc::EINVAL)), None);
        assert_eq!(break_up(&mut group(false), 2, &refused(libc::EINVAL)), None);
    }

    #[test]
    fn what_an_old_kernel_lacks_goes_one_by_one() {
        let attr = EventAttr { flags: flag::KSYMBOL, read_format: read_format::LOST, ..EventAttr::default() };
        let mut event = Planned { attr: EventAttr { kind: kind::SOFTWARE, config: 1, ..attr }, ..Planned::default() };
        assert!(matches!(next(&mut event, &refused(libc::EINVAL)), Step::Noticed(Notice::Older { .. })));
        assert_eq!(event.attr.read_format, 0);
        assert!(next(&mut event, &refused(libc::EINVAL)) != Step::GiveUp);
        assert_eq!(event.attr.flags, 0);
        assert_eq!(next(&mut event, &refused(libc::EINVAL)), Step::GiveUp);
    }

    #[test]
    fn without_privilege_user_space_remains() {
        let error = OpenError { errno: Errno(libc::EACCES), reason: Reason::NoPermission { paranoid: Some(2) } };
        let mut event = Planned { name: "cs".to_owned(), ..Planned::default() };
        event.attr.kind = kind::SOFTWARE;
        assert!(matches!(next(&mut event, &error), Step::Noticed(Notice::UserOnly { .. })));
        assert_eq!(event.name, "cs:u");
        assert_eq!(next(&mut event, &error), Step::GiveUp);
    }

    #[test]
    fn names_show_what_is_unusual() {
        let with = |flags: u64| modifiers(&EventAttr { flags, ..EventAttr::default() });
        assert_eq!(with(flag::EXCLUDE_GUEST), "");
        assert_eq!(with(0), ":HG");
        assert_eq!(with(3 << flag::PRECISE_IP_SHIFT), ":ppp");
        assert_eq!(with(flag::EXCLUDE_USER | flag::EXCLUDE_HV), ":k");
        assert_eq!(with(flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV | flag::EXCLUDE_GUEST), ":uH");
    }
}
