//! Where the time of some processes went, as lines.

use perfuse_analyze::why::{Breakdown, Family, State};
use serde::Serialize;

use crate::i18n::Texts;
use crate::report::Entity;

/// What our own programs took: no state of the program, but of the time that it has.
const OWN: &str = "own-overhead";

/// The time of some processes, split into states that add up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Time {
    /// Seconds of threads per second.
    pub total_s_per_s: f64,
    /// Without the states in which there is nothing to do.
    pub active_s_per_s: f64,
    /// Whether the time asleep was measured in the kernel, or is what samples and delay accounting say.
    pub exact: bool,
    /// What our own programs took of it.
    pub own_s_per_s: f64,
    /// The states that any time went to, in a fixed order. What our own programs took is one of them, `own-overhead`.
    pub states: Vec<StateLine>,
    /// The same by what is waited for, without the idle states: they add up to `active_s_per_s`.
    pub resources: Vec<ResourceLine>,
}

/// Time by what it was spent on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceLine {
    /// Stable id.
    pub id: &'static str,
    /// Its name in words.
    pub title: String,
    /// As of a state.
    pub family: &'static str,
    /// Seconds of threads per second.
    pub s_per_s: f64,
    /// Share of the time that is not idle; 0..1.
    pub ratio: f64,
}

/// One state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateLine {
    /// Stable id.
    pub id: &'static str,
    /// Its name in words.
    pub title: String,
    /// `running`, `waiting`, `peer`, `idle` or `unknown`.
    pub family: &'static str,
    /// Seconds of threads per second.
    pub s_per_s: f64,
    /// Share of the whole time; 0..1.
    pub ratio: f64,
    /// Functions of the kernel in which it was spent, the first one first.
    pub places: Vec<Place>,
    /// Processes that ended the waits.
    pub wakers: Vec<Waker>,
}

/// Time at one place of the kernel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// Function.
    pub function: String,
    /// Seconds of threads per second.
    pub s_per_s: f64,
}

/// Time until one process ended it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waker {
    /// Who.
    pub process: Entity,
    /// Seconds of threads per second.
    pub s_per_s: f64,
}

/// What each state is spent on, in the order of showing.
const RESOURCES: &[(&str, &[State])] = &[
    ("work", &[State::User, State::System]),
    (OWN, &[]),
    ("cpu", &[State::Runnable, State::Throttled, State::Affinity]),
    ("memory", &[State::Reclaim, State::SwapIn, State::PageFault]),
    ("disk", &[State::BlockIo, State::DirtyLimit, State::FileServer]),
    ("lock", &[State::UserLock, State::KernelLock, State::FileLock]),
    ("network", &[State::Send, State::Connect, State::Receive]),
    ("process", &[State::LocalIpc, State::Child]),
    ("stopped", &[State::Stopped]),
    ("unknown", &[State::Other, State::Unexplained]),
];

impl Time {
    pub(super) fn new(breakdown: &Breakdown, texts: &Texts) -> Self {
        let total = breakdown.total.max(f64::MIN_POSITIVE);
        let line = |(state, share): (&State, &perfuse_analyze::why::Share)| {
            let own = if *state == State::System { breakdown.own } else { 0.0 };
            let seconds = share.seconds - own;
            StateLine {
                id: state.id(),
                title: texts.word(&format!("why-state-{}", state.id())),
                family: state.family().id(),
                s_per_s: seconds,
                ratio: seconds / total,
                places: share.places.iter().map(|(name, s)| Place { function: name.clone(), s_per_s: *s }).collect(),
                wakers: share
                    .wakers
                    .iter()
                    .map(|(entity, s)| Waker { process: Entity::new(entity, texts), s_per_s: *s })
                    .collect(),
            }
        };
        let mut states: Vec<StateLine> = breakdown.states.iter().map(line).collect();
        if breakdown.own > 0.0 {
            let after = states.iter().position(|line| line.id == State::System.id()).map_or(states.len(), |at| at + 1);
            let own = StateLine {
                id: OWN,
                title: texts.word("why-state-own-overhead"),
                family: Family::Running.id(),
                s_per_s: breakdown.own,
                ratio: breakdown.own / total,
                places: Vec::new(),
                wakers: Vec::new(),
            };
            states.insert(after, own);
        }
        Self {
            total_s_per_s: breakdown.total,
            active_s_per_s: breakdown.active(),
            exact: breakdown.exact,
            own_s_per_s: breakdown.own,
            resources: resources(breakdown, texts),
            states,
        }
    }
}

fn resources(breakdown: &Breakdown, texts: &Texts) -> Vec<ResourceLine> {
    let active = breakdown.active().max(f64::MIN_POSITIVE);
    let line = |(id, states): &(&'static str, &[State])| {
        let sum: f64 = states.iter().map(|state| breakdown.of(*state)).sum();
        let seconds = match *id {
            OWN => breakdown.own,
            "work" => sum - breakdown.own,
            _ => sum,
        };
        ResourceLine {
            id,
            title: texts.word(&format!("why-resource-{id}")),
            family: states.first().map_or(Family::Running, |state| state.family()).id(),
            s_per_s: seconds,
            ratio: seconds / active,
        }
    };
    RESOURCES.iter().map(line).filter(|line| line.s_per_s > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    #[test]
    fn every_state_that_is_not_idle_belongs_to_one_resource() {
        for state in State::ALL {
            let of = RESOURCES.iter().filter(|(_, states)| states.contains(state)).count();
            assert_eq!(of, usize::from(state.family() != Family::Idle), "{state:?}");
        }
    }

    #[test]
    fn lines_add_up_with_our_own_as_one_of_them() {
        let mut breakdown = Breakdown { total: 4.0, own: 0.25, ..Breakdown::default() };
        for (state, seconds) in [(State::System, 1.0), (State::BlockIo, 0.5), (State::Sleep, 2.0), (State::Other, 0.5)]
        {
            breakdown.states.insert(state, perfuse_analyze::why::Share { seconds, ..Default::default() });
        }
        let time = Time::new(&breakdown, &Texts::new(Lang::En));
        let states: f64 = time.states.iter().map(|line| line.s_per_s).sum();
        let resources: f64 = time.resources.iter().map(|line| line.s_per_s).sum();
        assert!((states - 4.0).abs() < 1e-9 && (resources - 2.0).abs() < 1e-9, "{time:?}");
        assert_eq!(time.states.iter().find(|line| line.id == OWN).map(|line| line.s_per_s), Some(0.25));
        assert_eq!(time.states.iter().find(|line| line.id == "on-cpu-system").map(|line| line.s_per_s), Some(0.75));
    }
}
