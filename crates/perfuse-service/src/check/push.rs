//! Reports that are sent here: heartbeats of jobs, pipelines and instances.

use perfuse_analyze::status::{Observation, Outcome};

use crate::config::check::Push;

/// What a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It went well.
    Passed,
    /// It went wrong.
    Failed,
    /// It went well and waits to be deployed: up, and not ready.
    Waiting,
}

impl Report {
    /// The report of a word: `passed`, `failed` or `waiting`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "passed" => Some(Self::Passed),
            "failed" => Some(Self::Failed),
            "waiting" => Some(Self::Waiting),
            _ => None,
        }
    }

    /// The observation that it is, at a time in milliseconds since 1970.
    pub fn observation(self, time: u64, component: &str, check: &str, instance: Option<&str>) -> Observation {
        Observation {
            time,
            component: component.to_owned(),
            check: check.to_owned(),
            instance: instance.map(str::to_owned),
            outcome: if self == Self::Failed { Outcome::Fail } else { Outcome::Pass },
            ready: Some(self == Self::Passed),
        }
    }
}

/// Whether a token is the one that a check wants. The time does not tell how much of it was right.
pub fn may(check: &Push, token: &str) -> bool {
    let (wanted, given) = (check.token.reveal().as_bytes(), token.as_bytes());
    let differ = wanted.iter().zip(given).fold(0_u8, |differ, (one, other)| differ | (one ^ other));
    wanted.len() == given.len() && differ == 0 && !wanted.is_empty()
}
