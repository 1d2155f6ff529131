//! The answer of `perfuse why` in a language: document, JSON, text and page.

mod html;
mod text;

use perfuse_analyze::why::{Answer, Breakdown, State};
use perfuse_analyze::{Msg, Severity};
use serde::Serialize;

pub use html::page;
pub use text::render;

use crate::i18n::Texts;
use crate::report::{CapabilityLine, Cost, Entity, Finding, Host, ReportContext, rfc3339};

/// The schema of [`WhyReport`].
pub const SCHEMA: &str = "perfuse.why/1";

/// The document. Findings have the shape that they have in `perfuse.use/1`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhyReport {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// Code of the language of the texts.
    pub language: &'static str,
    /// The host.
    pub host: Host,
    /// When the run began, RFC 3339.
    pub started: String,
    /// How long it took.
    pub duration_s: f64,
    /// Who is slow; nothing for the whole host.
    pub victim: Option<Entity>,
    /// Its processes; none for the whole host.
    pub pids: Vec<u32>,
    /// Where its time went.
    pub time: Time,
    /// The processes of this host that it waits for, and where theirs went.
    pub servers: Vec<Server>,
    /// The causes, the first one first.
    pub findings: Vec<Cause>,
    /// What the data cannot tell, and what would.
    pub cannot_tell: Vec<String>,
    /// Whether nothing that was measured holds it up; nothing where too little was measurable.
    pub healthy: Option<bool>,
    /// What the host allows.
    pub capabilities: Vec<CapabilityLine>,
    /// What the run cost.
    pub own_cost: Option<Cost>,
}

/// The time of some processes, split into states that add up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Time {
    /// Seconds of threads per second.
    pub total_s_per_s: f64,
    /// Without the states in which there is nothing to do.
    pub active_s_per_s: f64,
    /// Whether the time asleep was measured in the kernel, or is what samples and delay accounting say.
    pub exact: bool,
    /// What our own programs took of it; inside `on-cpu-system`.
    pub own_s_per_s: f64,
    /// The states that any time went to, in a fixed order.
    pub states: Vec<StateLine>,
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

/// A process that is waited for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Server {
    /// The process.
    pub process: Entity,
    /// Who waits for it.
    pub client: Entity,
    /// Seconds of the victim's threads per second.
    pub spent_s_per_s: f64,
    /// Where its own time went.
    pub time: Time,
}

/// A finding with what it explains of the victim's time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Seconds of the victim's threads per second that it explains.
    pub explained_s_per_s: f64,
    /// The share of the victim's time that is not idle; 0..1.
    pub explained_ratio: f64,
}

impl WhyReport {
    /// Says an answer in the language of `texts`.
    pub fn new(answer: &Answer, context: &ReportContext, texts: &Texts) -> Self {
        let whole = answer.victim.pids.is_empty();
        let causes = answer.causes.iter().enumerate().map(|(index, cause)| Cause {
            finding: Finding::new(index + 1, &cause.finding, texts),
            explained_s_per_s: cause.explained,
            explained_ratio: cause.share,
        });
        let server = |server: &perfuse_analyze::why::Server| Server {
            process: Entity::new(&server.entity, texts),
            client: Entity::new(&server.client, texts),
            spent_s_per_s: server.spent,
            time: Time::new(&server.breakdown, texts),
        };
        Self {
            schema: SCHEMA,
            language: texts.lang().id(),
            host: context.host.clone(),
            started: rfc3339(context.started_ns),
            duration_s: (context.duration_s * 1000.0).round() / 1000.0,
            victim: answer.victim.entity.as_ref().filter(|_| !whole).map(|entity| Entity::new(entity, texts)),
            pids: answer.victim.pids.iter().copied().collect(),
            time: Time::new(&answer.breakdown, texts),
            servers: answer.servers.iter().map(server).collect(),
            findings: causes.collect(),
            cannot_tell: answer.cannot_tell.iter().map(|message| texts.text(message)).collect(),
            healthy: answer.healthy,
            capabilities: context.capabilities.0.iter().map(|one| CapabilityLine::new(one, texts)).collect(),
            own_cost: context.own_cost.as_ref().map(|cost| Cost::new(cost, context.own_cost_max)),
        }
    }

    /// The document as JSON, indented, with a line end.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// The most alarming cause's severity.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|cause| cause.finding.severity).max()
    }

    /// The answer in one sentence.
    pub(crate) fn headline(&self, texts: &Texts) -> String {
        match (&self.findings[..], self.healthy) {
            ([first, ..], Some(false)) => texts.text(
                &Msg::new("why-headline")
                    .with("title", &first.finding.title)
                    .with("culprit", first.finding.culprit.label(texts))
                    .with("share", perfuse_analyze::Quantity::ratio(first.explained_ratio)),
            ),
            (_, None) => texts.word("report-unknown"),
            _ => texts.word("why-healthy"),
        }
    }
}

impl Time {
    fn new(breakdown: &Breakdown, texts: &Texts) -> Self {
        let total = breakdown.total.max(f64::MIN_POSITIVE);
        let line = |(state, share): (&State, &perfuse_analyze::why::Share)| StateLine {
            id: state.id(),
            title: texts.word(&format!("why-state-{}", state.id())),
            family: state.family().id(),
            s_per_s: share.seconds,
            ratio: share.seconds / total,
            places: share.places.iter().map(|(name, s)| Place { function: name.clone(), s_per_s: *s }).collect(),
            wakers: share
                .wakers
                .iter()
                .map(|(entity, s)| Waker { process: Entity::new(entity, texts), s_per_s: *s })
                .collect(),
        };
        Self {
            total_s_per_s: breakdown.total,
            active_s_per_s: breakdown.active(),
            exact: breakdown.exact,
            own_s_per_s: breakdown.own,
            states: breakdown.states.iter().map(line).collect(),
        }
    }
}
