//! Incidents: what happened to a component, why, and whether it helped.
//!
//! The document is JSON in the store. Its causes are those of `perfuse why`, in the same form.

use perfuse_analyze::app::AppTable;
use perfuse_analyze::status::{Event, State};
use serde::{Deserialize, Serialize};

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
    /// Names of the captures in the store: recordings and folded stacks (`on-cpu`, `off-cpu`).
    pub captures: Vec<String>,
}

/// One number before, during and after an incident: medians.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// What it is: the name of a series with its labels, as on pages.
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
