//! What somebody is told, before it has words.

use perfuse_analyze::status::State;
use serde::{Deserialize, Serialize};

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The state of the component, and whether it changes all the time.
    State,
    /// Its error budget.
    Budget,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It can wait for the morning.
    Warning,
    /// Someone is to be woken.
    Critical,
}

impl Severity {
    /// The name in JSON and in labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Which one of a case this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The first.
    Firing,
    /// It became worse, or its cause is known now.
    Update,
    /// It lasts.
    Repeat,
    /// It is over.
    Resolved,
    /// A sign of life for a receiver that forgets what it does not hear again; it is not kept over a restart.
    Refresh,
}

impl Phase {
    /// The name in JSON and in templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Update => "update",
            Self::Repeat => "repeat",
            Self::Resolved => "resolved",
            Self::Refresh => "refresh",
        }
    }
}

/// A component by its name and by its titles in English and Korean.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named {
    /// Name of the configuration.
    pub name: String,
    /// Title in English.
    pub title: String,
    /// Title in Korean.
    pub title_ko: String,
}

/// One notice for one receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for all notices of one case.
    pub key: String,
    /// Counts the notices of the case for this receiver, from 1.
    pub number: u32,
    /// Which one it is.
    pub phase: Phase,
    /// What it is about.
    pub subject: Subject,
    /// The component.
    pub component: Named,
    /// Its state; of a case that is over: what it is now. `Unknown` then means that nobody watches it any more.
    pub state: State,
    /// The worst that it was.
    pub worst: Severity,
    /// When it began, in milliseconds since 1970 in UTC.
    pub began: u64,
    /// The time of the notice, likewise.
    pub at: u64,
    /// When it was over, likewise.
    pub ended: Option<u64>,
    /// It changes its state all the time.
    pub flapping: bool,
    /// Which pairs of windows the error budget burns too fast in.
    pub burning: [bool; 3],
    /// Components that do not work because of it.
    pub affected: Vec<Named>,
    /// The first cause in a sentence: English and Korean.
    pub cause: Option<(String, String)>,
    /// The incident in the store.
    pub incident: Option<String>,
}
