//! What the daemon knows at this moment, for its pages, its socket and its exporters.
//!
//! One task owns the states and publishes a [`Now`] whenever something changed, once a second at most. Everybody else
//! reads the last one, so that a slow reader never holds up a check or a sample.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use perfuse_analyze::status::{AdHoc, Day, Level, Outcome, Planned, SloView, View};
use perfuse_analyze::{Checklist, Msg};
use tokio::sync::watch;

use crate::incident::Incident;
use crate::store::Reader;

/// Everything that is shown.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// Milliseconds since 1970 in UTC.
    pub time: u64,
    /// Name of the host.
    pub host: String,
    /// When the daemon began, in milliseconds since 1970 in UTC.
    pub begun: u64,
    /// The components, in the order of the configuration.
    pub components: Vec<ComponentNow>,
    /// Windows of the calendar.
    pub planned: Vec<Planned>,
    /// Windows that were opened by hand.
    pub ad_hoc: Vec<AdHoc>,
    /// The checklist of the host over its last interval, once there is one.
    pub checklist: Option<Arc<Checklist>>,
    /// Incidents that are not over, the newest first.
    pub open: Vec<Arc<Incident>>,
    /// Troubles of the daemon itself, such as a full disk or a damaged file.
    pub troubles: Vec<Msg>,
}

/// One component.
#[derive(Debug, Clone)]
pub struct ComponentNow {
    /// Its state.
    pub view: View,
    /// Name on pages, in English and in Korean.
    pub title: (String, String),
    /// The group on pages.
    pub group: Option<String>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Whether it stands on the public page.
    pub public: bool,
    /// Its checks, each instance for itself.
    pub checks: Vec<CheckNow>,
    /// The last 90 days, the oldest first: days since 1970, and what they were, if anything is known.
    pub days: Vec<(u64, Option<Day>)>,
    /// Its objective.
    pub slo: Option<SloView>,
}

/// One check of one instance.
#[derive(Debug, Clone)]
pub struct CheckNow {
    /// Name of the check.
    pub name: String,
    /// Its kind, as in the configuration.
    pub kind: &'static str,
    /// The instance.
    pub instance: Option<String>,
    /// What is held to be true after hysteresis.
    pub level: Option<Level>,
    /// What the last run found.
    pub outcome: Option<Outcome>,
    /// Whether it says that it is ready.
    pub ready: Option<bool>,
    /// When the last run ended, in milliseconds since 1970 in UTC.
    pub at: Option<u64>,
    /// How long it took.
    pub took: Option<Duration>,
    /// What it said.
    pub message: Option<Msg>,
    /// The number that it is about.
    pub value: Option<f64>,
}

/// Something that is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Opens a maintenance window now.
    StartMaintenance {
        /// Names of components; empty is all.
        components: Vec<String>,
        /// How long; without it until somebody stops it.
        length: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// Closes a window that was opened by hand.
    StopMaintenance {
        /// Its number; without one the windows of the component, or all.
        id: Option<u64>,
        /// The component.
        component: Option<String>,
    },
    /// Runs the checks of a component now.
    Check {
        /// The component.
        component: String,
    },
    /// A report of a push check.
    Report {
        /// The component.
        component: String,
        /// The check.
        check: String,
        /// The instance.
        instance: Option<String>,
        /// `passed`, `failed` or `waiting`.
        report: String,
        /// The token that came with it.
        token: String,
    },
    /// Reads the configuration again.
    Reload,
}

/// What came of an order.
pub type Done = Result<Msg, Msg>;

/// The daemon, as its pages and its socket see it.
pub trait Daemon: Send + Sync + 'static {
    /// What is known now.
    fn now(&self) -> Arc<Now>;
    /// Is changed whenever there is a newer [`Now`].
    fn changes(&self) -> watch::Receiver<u64>;
    /// The store.
    fn reader(&self) -> Reader;
    /// Changes something.
    fn order(&self, order: Order) -> Pin<Box<dyn Future<Output = Done> + Send + '_>>;
}
