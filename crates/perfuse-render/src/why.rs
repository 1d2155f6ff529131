//! The answer of `perfuse why` in a language: document, JSON, text and page.

mod html;
mod probe;
mod text;
mod time;

use perfuse_analyze::probe::ProbeReport;
use perfuse_analyze::why::Answer;
use perfuse_analyze::{EntityKind, Msg, Quantity, Severity};
use serde::Serialize;

pub use html::page;
pub use probe::Probe;
pub use text::render;
pub use time::{Place, ResourceLine, StateLine, Time, Waker};

use crate::i18n::Texts;
use crate::report::{CapabilityLine, Cost, Entity, Finding, Host, ReportContext, rfc3339};

/// The schema of [`WhyReport`].
pub const SCHEMA: &str = "perfuse.why/1";

/// Processes behind a victim that a reader is shown; the JSON form has all.
const SERVERS: usize = 4;

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
    /// What asking the URL took; nothing without `--url`.
    pub probe: Option<Probe>,
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
    pub fn new(answer: &Answer, probe: Option<&ProbeReport>, context: &ReportContext, texts: &Texts) -> Self {
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
        // A service on another host has no processes here.
        let elsewhere = |entity: &&perfuse_analyze::Entity| entity.kind == EntityKind::Dependency;
        let shown = answer.victim.entity.as_ref().filter(|entity| !whole || elsewhere(entity));
        Self {
            schema: SCHEMA,
            language: texts.lang().id(),
            host: context.host.clone(),
            started: rfc3339(context.started_ns),
            duration_s: (context.duration_s * 1000.0).round() / 1000.0,
            victim: shown.map(|entity| Entity::new(entity, texts)),
            pids: answer.victim.pids.iter().copied().collect(),
            probe: probe.map(|probe| Probe::new(probe, texts)),
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

    /// The processes that most of the time is waited for, in the order of the document: of a shell, each command is one.
    pub(crate) fn first_servers(&self) -> impl Iterator<Item = &Server> {
        let mut spent: Vec<f64> = self.servers.iter().map(|server| server.spent_s_per_s).collect();
        spent.sort_by(|a, b| b.total_cmp(a));
        let least = spent.get(SERVERS - 1).copied().unwrap_or(0.0);
        self.servers.iter().filter(move |server| server.spent_s_per_s >= least).take(SERVERS)
    }

    /// How many others there are, in words.
    pub(crate) fn more_servers(&self, texts: &Texts) -> Option<String> {
        let more = self.servers.len().checked_sub(SERVERS).filter(|more| *more > 0)?;
        Some(texts.text(&Msg::new("why-more-servers").with("count", more as u64)))
    }

    /// Whether it is about the whole host, and not about some processes of it.
    pub(crate) fn whole(&self) -> bool {
        self.pids.is_empty()
    }

    /// The most alarming cause's severity.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|cause| cause.finding.severity).max()
    }

    /// The answer in one sentence.
    pub(crate) fn headline(&self, texts: &Texts) -> String {
        match (&self.findings[..], self.healthy) {
            ([first, ..], Some(false)) if first.finding.severity == Severity::Error => texts.text(
                &Msg::new("why-headline-refused")
                    .with("title", &first.finding.title)
                    .with("culprit", first.finding.culprit.label(texts))
                    .with("confidence", Quantity::ratio(first.finding.confidence)),
            ),
            // Of all the time of a host, any one cause is a small part; what counts is how much waiting it makes.
            ([first, ..], Some(false)) if self.victim.is_none() => texts.text(
                &Msg::new("why-headline-host")
                    .with("title", &first.finding.title)
                    .with("culprit", first.finding.culprit.label(texts))
                    .with("wait", Quantity::wait(first.finding.wait_s_per_s.unwrap_or(0.0)))
                    .with("confidence", Quantity::ratio(first.finding.confidence)),
            ),
            ([first, ..], Some(false)) => texts.text(
                &Msg::new("why-headline")
                    .with("title", &first.finding.title)
                    .with("culprit", first.finding.culprit.label(texts))
                    .with("share", Quantity::ratio(first.explained_ratio))
                    .with("confidence", Quantity::ratio(first.finding.confidence)),
            ),
            (_, None) => texts.word("report-unknown"),
            _ => texts.word("why-healthy"),
        }
    }
}
