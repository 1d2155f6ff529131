//! Status: what the users of a service see, from the observations of its checks.
//!
//! [`Engine`] takes one [`Observation`] after another, each with its time, and says in which [`State`] every component
//! is. Between the two stand a [`track`] for every check and instance (N failures to leave, M successes to return), the
//! dependencies of the [`plan`] (one root outage, not ten), the windows of [`maintenance`], and the two accounts of
//! [`slo`] and [`uptime`]. No data is unknown and never down.
//!
//! ```text
//! observations -> track (hysteresis, flapping) -> check -> component -> maintenance, held by -> state, events
//!             \-> slo (good and bad)                                                     \-> uptime a day
//! ```
//!
//! Everything that must outlive a restart or a new configuration stands in [`Memory`], which can be serialized.

pub mod engine;
pub mod maintenance;
pub mod plan;
pub mod slo;
mod sum;
#[cfg(test)]
mod tests;
pub mod track;
pub mod uptime;

use serde::{Deserialize, Serialize};

pub use engine::{Engine, Memory, View};
pub use maintenance::{AdHoc, Planned, When};
pub use plan::{CheckPlan, ComponentPlan, Impact, Plan, PlanError, SloPlan};
pub use slo::{Burn, Pair, SloView};
pub use track::{Level, Track};
pub use uptime::Day;

/// State of a component, in the words of status pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All that is known is well.
    Operational,
    /// Nothing is known: no observation yet, or none for too long.
    Unknown,
    /// It answers, but slowly, or a minority of its instances fails.
    Degraded,
    /// Part of it does not answer.
    PartialOutage,
    /// It does not answer.
    MajorOutage,
    /// Work is under way; nothing of it counts.
    Maintenance,
}

impl State {
    /// The name in JSON and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::PartialOutage => "partial_outage",
            Self::MajorOutage => "major_outage",
            Self::Maintenance => "maintenance",
        }
    }

    /// Whether users are hurt: degraded or an outage.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Degraded | Self::PartialOutage | Self::MajorOutage)
    }
}

/// What one run of a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All conditions hold.
    Pass,
    /// It answers, but a condition of being well does not hold: it is slow, or warns.
    Slow,
    /// It does not answer, or answers wrongly.
    Fail,
    /// The check could not be made (no permission, no address family): this says nothing about the component.
    NoData,
}

/// One run of one check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Observation {
    /// When it ended: milliseconds since 1970 in UTC.
    pub time: u64,
    /// The component of the plan.
    pub component: String,
    /// The check of that component.
    pub check: String,
    /// The instance, when the component has several.
    pub instance: Option<String>,
    /// What was found.
    pub outcome: Outcome,
    /// Whether it says that it is ready; `None` when it does not speak of that. A thing may be up and not ready.
    pub ready: Option<bool>,
}

/// Something that happened, in the order in which it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since 1970 in UTC.
    pub time: u64,
    /// The component.
    pub component: String,
    /// What happened to it.
    pub what: What,
}

/// What happened to a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum What {
    /// The first observation that failed while all was well. What was recorded before it is to be kept from now on:
    /// when the state changes, three failures later, it would be gone.
    FirstFailure {
        /// The check that failed.
        check: String,
        /// Its instance.
        instance: Option<String>,
    },
    /// All checks have recovered, or fell silent before the state changed: what was kept can go.
    Cleared,
    /// The state changed.
    Changed {
        /// The state before.
        from: State,
        /// The state now.
        to: State,
        /// The component at the root of it, when that is another one.
        held_by: Option<String>,
    },
    /// The state stayed, but the component at its root is another one now, or none.
    Held {
        /// The component at the root.
        by: Option<String>,
    },
    /// It began, or ceased, to change its mind all the time.
    Flapping {
        /// Whether it flaps now.
        now: bool,
    },
    /// Its readiness changed; `None` when nothing tells.
    Ready {
        /// Whether it is ready now.
        now: Option<bool>,
    },
    /// The error budget began, or ceased, to burn too fast.
    Burning {
        /// Which of the pairs of windows of [`slo::PAIRS`].
        pair: usize,
        /// Whether it burns now.
        now: bool,
    },
}
