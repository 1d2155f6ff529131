//! Incidents: what happened to a component, why, and whether it helped.
//!
//! The document is JSON in the store. Its causes are those of `perfuse why`, in the same form.

pub mod answer;
mod compare;
mod desk;
pub mod patterns;
pub mod recorded;
mod subject;

use perfuse_analyze::app::AppTable;
use perfuse_analyze::status::{Event, State};
use serde::{Deserialize, Serialize};

/// Numbers of an incident are shown as they are kept: medians.
pub use perfuse_render::status::Compared;

pub use desk::{AFTER, Incidents, Keep, LOOK, Options};
pub use subject::{Subject, subjects};

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name in commands and URLs: the time of its beginning and the component, such as `20261126T231500-shop`.
    pub id: String,
    /// The component.
    pub component: String,
    /// Time of the first failure, in milliseconds since 1970 in UTC.
    pub began: u64,
    /// When the state changed.
    pub detected: u64,
    /// When it was over.
    pub ended: Option<u64>,
    /// The worst state.
    pub worst: State,
    /// What happened, in order.
    pub timeline: Vec<Event>,
    /// The answer of `perfuse why`, as its JSON, in the form of report-schema; `None` until it is there.
    pub why: Option<serde_json::Value>,
    /// The first cause in a sentence: English and Korean.
    pub cause: Option<(String, String)>,
    /// Numbers before, during and after it.
    pub compared: Vec<Compared>,
    /// Tables of applications.
    pub tables: Vec<AppTable>,
    /// Names of the captures in the store: the recording that the answer comes from (`why`, for `perfuse why --replay`), that
    /// of the two minutes before (`before`, unless it is the same), folded stacks (`on-cpu`, `off-cpu`), and the answer in
    /// Korean (`why-ko`).
    pub captures: Vec<String>,
}

/// The name of an incident.
fn id(began: u64, component: &str) -> String {
    let milliseconds = i64::try_from(began).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{}-{component}", time.strftime("%Y%m%dT%H%M%S"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_incident_is_named_after_its_beginning() {
        assert_eq!(super::id(1_795_734_900_123, "shop"), "20261126T231500-shop");
    }
}
