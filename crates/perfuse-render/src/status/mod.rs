//! The status of components and their incidents, as documents in one language: what `perfuse status` and
//! `perfuse incident` print, also as JSON. The daemon makes them; whoever asked lays them out.

mod nagios;
#[cfg(test)]
mod tests;
mod text;

use perfuse_analyze::status::{Level, Outcome, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use nagios::nagios;
pub use text::{incident, incidents, render, windows};

/// The schema of [`StatusReport`].
pub const SCHEMA: &str = "perfuse.status/1";
/// The schema of [`IncidentReport`].
pub const INCIDENT_SCHEMA: &str = "perfuse.incident/1";

/// All components at one moment. Times are milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Code of the language of the texts.
    pub language: String,
    /// Name of the host.
    pub host: String,
    /// The moment.
    pub time: u64,
    /// Since when the daemon has been running.
    pub begun: u64,
    /// The components, in the order of the configuration.
    pub components: Vec<Component>,
    /// Windows of maintenance that are open or still to come.
    pub maintenance: Vec<Window>,
    /// Incidents that are not over, the newest first.
    pub incidents: Vec<IncidentLine>,
    /// Troubles of the daemon itself.
    pub troubles: Vec<String>,
}

/// One component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Name in commands.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// The group on pages.
    pub group: Option<String>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Its state.
    pub state: State,
    /// Since when.
    pub since: u64,
    /// The component at the root of it, when that is another one.
    pub held_by: Option<String>,
    /// A check has failed, but the state stands.
    pub suspect: bool,
    /// It changes its mind all the time.
    pub flapping: bool,
    /// Whether it is ready; `None` when nothing tells.
    pub ready: Option<bool>,
    /// The part of the last 90 days, as far as they are known, in which it answered, 0 to 1.
    pub uptime: Option<f64>,
    /// The part of the error budget that is left, if it has an objective.
    pub budget_left: Option<f64>,
    /// Its checks, each instance for itself.
    pub checks: Vec<Check>,
}

/// One check of one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Name of the check.
    pub name: String,
    /// Its kind, as in the configuration.
    pub kind: String,
    /// The instance.
    pub instance: Option<String>,
    /// What is held to be true after hysteresis.
    pub level: Option<Level>,
    /// What the last run found.
    pub outcome: Option<Outcome>,
    /// Whether it says that it is ready.
    pub ready: Option<bool>,
    /// When the last run ended.
    pub at: Option<u64>,
    /// How long it took, in seconds.
    pub took: Option<f64>,
    /// What it said.
    pub message: Option<String>,
    /// The number that it is about.
    pub value: Option<f64>,
}

/// One window of maintenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Its number, when it was opened by hand.
    pub id: Option<u64>,
    /// Names of components; empty is all.
    pub components: Vec<String>,
    /// When it begins.
    pub start: u64,
    /// When it ends; `None` until somebody ends it.
    pub end: Option<u64>,
    /// Whether it is open now.
    pub open: bool,
    /// Why.
    pub reason: String,
}

/// One incident in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentLine {
    /// Its name in commands.
    pub id: String,
    /// The component.
    pub component: String,
    /// Time of the first failure.
    pub began: u64,
    /// When it was over.
    pub ended: Option<u64>,
    /// The worst state.
    pub worst: State,
    /// The first cause in a sentence.
    pub cause: Option<String>,
}

/// One incident in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentReport {
    /// Always [`INCIDENT_SCHEMA`].
    pub schema: String,
    /// Code of the language of the texts.
    pub language: String,
    /// The line of the list.
    #[serde(flatten)]
    pub line: IncidentLine,
    /// When the state changed.
    pub detected: u64,
    /// What happened, in order: when, and in words.
    pub timeline: Vec<(u64, String)>,
    /// Numbers before, during and after it.
    pub compared: Vec<Compared>,
    /// The answer of `perfuse why` at that time (`perfuse.why/1`), once it is there.
    pub why: Option<Value>,
    /// Names of the captures that the store has.
    pub captures: Vec<String>,
}

/// One number before, during and after an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Name of the series, with its labels.
    pub series: String,
    /// Its unit.
    pub unit: String,
    /// Before the first failure.
    pub before: Option<f64>,
    /// While it lasted.
    pub during: Option<f64>,
    /// After the recovery.
    pub after: Option<f64>,
}

/// The exit status of a state: 0 operational or in maintenance, 1 degraded, 2 an outage, 3 unknown. They are also those
/// of Nagios.
pub fn exit_status(state: State) -> u8 {
    match state {
        State::Operational | State::Maintenance => 0,
        State::Degraded => 1,
        State::PartialOutage | State::MajorOutage => 2,
        State::Unknown => 3,
    }
}

impl StatusReport {
    /// The state of all components together: the worst one counts. What is known to be bad counts more than what is not
    /// known, and that more than what is well; without any component nothing is known.
    pub fn state(&self) -> State {
        let rank = |state: &State| match state {
            State::Maintenance => 0,
            State::Operational => 1,
            State::Unknown => 2,
            State::Degraded => 3,
            State::PartialOutage => 4,
            State::MajorOutage => 5,
        };
        let states = self.components.iter().map(|component| component.state);
        states.max_by_key(rank).unwrap_or(State::Unknown)
    }

    /// A component by its name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// The report with this component alone, and with the incidents and windows that concern it.
    #[must_use]
    pub fn only(mut self, name: &str) -> Self {
        self.components.retain(|component| component.name == name);
        self.incidents.retain(|incident| incident.component == name);
        self.maintenance
            .retain(|window| window.components.is_empty() || window.components.iter().any(|one| one == name));
        self
    }
}

impl Check {
    /// `name`, or `name@instance`.
    pub fn full_name(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{}@{instance}", self.name),
            None => self.name.clone(),
        }
    }
}
