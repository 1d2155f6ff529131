//! The report `perfuse.use/1`: a checklist in which every message is already said in a language.
//!
//! The JSON form is this type, serialized. The field names are stable; fields may be added.

use perfuse_analyze::cell::message_base;
use perfuse_analyze::{
    Advice as AnalyzedAdvice, Cell as AnalyzedCell, Checklist, Entity as AnalyzedEntity, Finding as AnalyzedFinding,
    Kind, Msg, OwnCost, Quantity, Resource, Run, Severity, Verdict, message, table,
};
use perfuse_format::cgroup::{Hierarchies, Layout};
use perfuse_format::parse::{fields, lines, unsigned};
use perfuse_format::sys::capability::{Capabilities, Capability};
use perfuse_format::{Missing, Why};
use serde::{Serialize, Serializer};

use crate::i18n::Texts;

/// The schema of [`Report`].
pub const SCHEMA: &str = "perfuse.use/1";

/// What a report says beside the checklist.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportContext {
    /// The host.
    pub host: Host,
    /// When the run began, in nanoseconds since 1970.
    pub started_ns: u64,
    /// How long it took, in seconds.
    pub duration_s: f64,
    /// What the host allows.
    pub capabilities: Capabilities,
    /// What the run cost.
    pub own_cost: Option<OwnCost>,
    /// Threshold of the run's cost, a share of the host's CPU.
    pub own_cost_max: f64,
    /// What the report was narrowed to, as the user gave it.
    pub narrowed: Option<String>,
}

impl ReportContext {
    /// All that the snapshots of a run tell.
    pub fn from_run(run: &Run) -> Self {
        let nonempty = |text: &String| (!text.is_empty()).then(|| text.clone());
        let cgroup = run.cgroups.value().map(Hierarchies::layout).and_then(|layout| match layout {
            Layout::None => None,
            Layout::V1 => Some("v1"),
            Layout::V2 => Some("v2"),
            Layout::Hybrid => Some("hybrid"),
        });
        let host = Host {
            hostname: run.host.hostname.clone(),
            kernel: run.host.kernel.clone(),
            cpus: run.host.cpus,
            memory_bytes: memory_bytes(run),
            virtualization: nonempty(&run.host.virtualization),
            cgroup,
        };
        let pids = run.scope.pids.iter().map(|pid| format!("pid {pid}"));
        let scope: Vec<String> = pids.chain(run.scope.cgroup.clone()).collect();
        Self {
            host,
            started_ns: run.snapshots.first().map_or(0, |snapshot| snapshot.real_ns),
            duration_s: run.seconds(),
            capabilities: run.first("@capabilities").into_value().unwrap_or_default(),
            own_cost: run.last(OwnCost::SOURCE).into_value(),
            own_cost_max: run.threshold("own-cost.max"),
            narrowed: (!scope.is_empty()).then(|| scope.join(", ")),
        }
    }
}

/// `MemTotal` of `/proc/meminfo`.
fn memory_bytes(run: &Run) -> Option<u64> {
    let snapshot = run.snapshots.iter().find(|snapshot| snapshot.has("/proc/meminfo"))?;
    let bytes = snapshot.bytes("/proc/meminfo").into_value()?;
    let (_, line) = lines(bytes).find(|(_, line)| line.starts_with(b"MemTotal:"))?;
    fields(line).nth(1).and_then(unsigned)?.checked_mul(1024)
}

/// A finite number with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value(pub Quantity);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut object = serializer.serialize_struct("Value", 2)?;
        // Minus zero (of an empty sum) is zero.
        object.serialize_field("number", &(self.0.number + 0.0))?;
        object.serialize_field("unit", self.0.unit.symbol())?;
        object.end()
    }
}

/// Enumerations of the analysis as their stable words.
#[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde hands a reference to the field")]
mod words {
    use super::{Kind, Resource, Serialize, Serializer, Severity, Verdict};

    pub(super) fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(verdict.id())
    }

    pub(super) fn severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(severity.id())
    }

    pub(super) fn resource<S: Serializer>(resource: &Resource, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(resource.id())
    }

    pub(super) fn kind<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.id())
    }

    pub(super) fn maybe_kind<S: Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
        kind.map(Kind::id).serialize(serializer)
    }
}

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
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
    /// What the report was narrowed to.
    pub narrowed: Option<String>,
    /// What the host allows.
    pub capabilities: Vec<CapabilityLine>,
    /// The cells in the order of the checklist.
    pub cells: Vec<Cell>,
    /// The resource controls in the order of the checklist.
    pub controls: Vec<Cell>,
    /// The findings, ranked.
    pub findings: Vec<Finding>,
    /// Whether no finding is above watch; nothing where too little was measurable.
    pub healthy: Option<bool>,
    /// What the run cost.
    pub own_cost: Option<Cost>,
}

/// Facts of the host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Host {
    /// `uname -n`.
    pub hostname: String,
    /// `uname -r`.
    pub kernel: String,
    /// CPUs that are online.
    pub cpus: u32,
    /// Memory that the kernel manages.
    pub memory_bytes: Option<u64>,
    /// Kind of virtualization or container.
    pub virtualization: Option<String>,
    /// `v1`, `v2` or `hybrid`; nothing without cgroups.
    pub cgroup: Option<&'static str>,
}

/// One thing that the host may allow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CapabilityLine {
    /// Stable id.
    pub id: String,
    /// Its name in words.
    pub title: String,
    /// Whether it can be used.
    pub available: bool,
    /// Why not.
    pub reason: Option<String>,
    /// How to get it.
    pub enable: Option<String>,
}

/// One cell or control.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Stable id.
    pub id: String,
    /// Its name in words.
    pub title: String,
    /// Resource.
    #[serde(serialize_with = "words::resource")]
    pub resource: Resource,
    /// Kind; nothing for a control.
    #[serde(serialize_with = "words::maybe_kind")]
    pub kind: Option<Kind>,
    /// The answer.
    #[serde(serialize_with = "words::verdict")]
    pub verdict: Verdict,
    /// The headline number.
    pub value: Option<Value>,
    /// Why it is unmeasurable or not applicable.
    pub reason: Option<String>,
    /// The reason's stable name, such as `no-permission`; for exporters.
    pub reason_id: Option<String>,
    /// How to make it measurable.
    pub enable: Option<String>,
    /// Who could know.
    pub who_could_know: Option<String>,
    /// What to bear in mind with the number.
    pub note: Option<String>,
    /// Its parts, the worst first.
    pub instances: Vec<Instance>,
    /// What the verdict rests on.
    pub evidence: Vec<Evidence>,
    /// What one would have typed.
    pub by_hand: &'static str,
    /// Who uses it most.
    pub culprits: Vec<Entity>,
    /// `[seconds since the start, value]`.
    pub history: Vec<(f64, f64)>,
}

/// One part of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instance {
    /// Name.
    pub name: String,
    /// Its number.
    pub value: Value,
    /// Its verdict.
    #[serde(serialize_with = "words::verdict")]
    pub verdict: Verdict,
    /// More numbers of it.
    pub details: Vec<Detail>,
}

/// One more number of an instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// Stable key.
    pub key: &'static str,
    /// Its name in words.
    pub title: String,
    /// The number.
    pub value: Value,
}

/// A number that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// File or facility.
    pub source: String,
    /// Field or counter.
    pub metric: String,
    /// The number.
    pub value: Value,
    /// The command that shows it.
    pub by_hand: Option<String>,
}

/// Someone or something named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entity {
    /// The kind's word.
    pub kind: &'static str,
    /// Process id.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: Option<u32>,
    /// Name.
    pub name: String,
    /// Path.
    pub path: Option<String>,
    /// What it did.
    pub detail: Option<String>,
}

/// A named problem.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// 1 for the first.
    pub rank: usize,
    /// Stable name of the rule.
    pub id: String,
    /// Short name in words.
    pub title: String,
    /// How bad.
    #[serde(serialize_with = "words::severity")]
    pub severity: Severity,
    /// Resource.
    #[serde(serialize_with = "words::resource")]
    pub resource: Resource,
    /// Kind.
    #[serde(serialize_with = "words::kind")]
    pub kind: Kind,
    /// The cell that shows it.
    pub cell: &'static str,
    /// The control that causes it.
    pub control: Option<&'static str>,
    /// One sentence.
    pub summary: String,
    /// Who causes it.
    pub culprit: Entity,
    /// Who suffers.
    pub victims: Vec<Entity>,
    /// Seconds of thread wait per second that it explains.
    pub wait_s_per_s: Option<f64>,
    /// 0..1.
    pub confidence: f64,
    /// From symptom to cause.
    pub chain: Vec<Link>,
    /// What to do.
    pub advice: Vec<Advice>,
}

/// One step from symptom to cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Symptom, or who waits.
    pub from: String,
    /// What it waits for.
    pub to: String,
    /// The number that supports it.
    pub evidence: String,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// In words.
    pub text: String,
    /// Command or setting.
    pub command: Option<String>,
    /// What it should change.
    pub expect: String,
}

/// What the run cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Share of all CPUs of the host.
    pub cpu_ratio: f64,
    /// CPU time.
    pub cpu_seconds: f64,
    /// Of it, what was spent once: to start, and to name stacks.
    pub setup_cpu_seconds: f64,
    /// The rest as a share of all CPUs of the host while it looked: what the limit is for.
    pub looking_cpu_ratio: f64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// The share past which the dearest in-kernel program is detached.
    pub limit_ratio: f64,
    /// In-kernel programs.
    pub programs: Vec<ProgramCost>,
    /// Programs that were detached for their cost.
    pub detached: Vec<String>,
}

/// What one in-kernel program cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgramCost {
    /// Name.
    pub name: String,
    /// Share of all CPUs of the host.
    pub cpu_ratio: f64,
}

impl Report {
    /// Says a checklist in the language of `texts`.
    pub fn new(checklist: &Checklist, context: &ReportContext, texts: &Texts) -> Self {
        let cells = |cells: &[AnalyzedCell]| cells.iter().filter_map(|cell| Cell::new(cell, texts)).collect();
        let findings = checklist.findings.iter().enumerate();
        Self {
            schema: SCHEMA,
            language: texts.lang().id(),
            host: context.host.clone(),
            started: rfc3339(context.started_ns),
            duration_s: (context.duration_s * 1000.0).round() / 1000.0,
            narrowed: context.narrowed.clone(),
            capabilities: context.capabilities.0.iter().map(|one| CapabilityLine::new(one, texts)).collect(),
            cells: cells(&checklist.cells),
            controls: cells(&checklist.controls),
            findings: findings.map(|(index, finding)| Finding::new(index + 1, finding, texts)).collect(),
            healthy: checklist.healthy,
            own_cost: context.own_cost.as_ref().map(|cost| Cost::new(cost, context.own_cost_max)),
        }
    }

    /// The document as JSON, indented, with a line end.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// The cell or control with this id; a control also by its name without `control.`.
    pub fn cell(&self, id: &str) -> Option<&Cell> {
        let short = |cell: &&Cell| cell.id.strip_prefix("control.") == Some(id);
        self.all().find(|cell| cell.id == id).or_else(|| self.controls.iter().find(short))
    }

    /// The cells, then the controls.
    pub fn all(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().chain(&self.controls)
    }

    /// The most alarming finding's severity.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Findings above watch.
    pub fn serious(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity > Severity::Watch).count()
    }
}

/// Nanoseconds since 1970 as RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(real_ns: u64) -> String {
    let milliseconds = i64::try_from(real_ns / 1_000_000).unwrap_or(i64::MAX);
    let timestamp = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{timestamp:.3}")
}

impl CapabilityLine {
    pub(crate) fn new(capability: &Capability, texts: &Texts) -> Self {
        let base = format!("capability-{}", capability.id.replace('_', "-"));
        // One that a later version probed has no name here; its id does.
        let title = texts.try_text(&Msg::new(&base)).unwrap_or_else(|| capability.id.to_string());
        let available = capability.available();
        let reason = (!available).then(|| {
            let why = capability.why.unwrap_or(Why::Other);
            let missing = Missing::new(why, title.clone()).with_detail(capability.detail.clone());
            texts.text(&message::missing(&missing))
        });
        let enable = if available { None } else { texts.try_text(&Msg::new(format!("{base}-enable"))) };
        Self { id: capability.id.to_string(), title, available, reason, enable }
    }
}

impl Cell {
    fn new(cell: &AnalyzedCell, texts: &Texts) -> Option<Self> {
        let (resource, kind, by_hand) = match table::cell(cell.id) {
            Some(spec) => (spec.resource, Some(spec.kind), spec.by_hand),
            None => table::control(cell.id).map(|spec| (spec.resource, None, spec.by_hand))?,
        };
        let say = |message: &Option<Msg>| message.as_ref().map(|message| texts.text(message));
        Some(Self {
            id: cell.id.to_owned(),
            title: cell_title(cell.id, texts),
            resource,
            kind,
            verdict: cell.verdict,
            value: cell.value.map(Value),
            reason: say(&cell.reason),
            reason_id: cell.reason.as_ref().map(|reason| reason.id.trim_start_matches("missing-").to_owned()),
            enable: say(&cell.enable),
            who_could_know: say(&cell.who_could_know),
            note: say(&cell.note),
            instances: cell.instances.iter().map(|instance| Instance::new(instance, texts)).collect(),
            evidence: cell.evidence.iter().map(Evidence::new).collect(),
            by_hand,
            culprits: cell.culprits.iter().map(|entity| Entity::new(entity, texts)).collect(),
            history: cell.history.clone(),
        })
    }
}

/// The short name of a cell or a control; its id where no table names it.
pub fn cell_title(id: &str, texts: &Texts) -> String {
    texts.try_text(&Msg::new(format!("{}-title", message_base(id)))).unwrap_or_else(|| id.to_owned())
}

impl Instance {
    fn new(instance: &perfuse_analyze::Instance, texts: &Texts) -> Self {
        let details = instance.details.iter().map(|(key, value)| {
            let id = format!("detail-{}", key.replace('_', "-"));
            let title = texts.try_text(&Msg::new(id)).unwrap_or_else(|| key.replace('_', " "));
            Detail { key, title, value: Value(*value) }
        });
        Self {
            name: instance.name.clone(),
            value: Value(instance.value),
            verdict: instance.verdict,
            details: details.collect(),
        }
    }
}

impl Evidence {
    fn new(evidence: &perfuse_analyze::Evidence) -> Self {
        Self {
            // What is no file is marked with `@` inside; nobody would type that.
            source: evidence.source.trim_start_matches('@').to_owned(),
            metric: evidence.metric.to_string(),
            value: Value(evidence.value),
            by_hand: evidence.by_hand.as_ref().map(ToString::to_string),
        }
    }
}

impl Entity {
    pub(crate) fn new(entity: &AnalyzedEntity, texts: &Texts) -> Self {
        Self {
            kind: entity.kind.id(),
            pid: entity.pid,
            tid: entity.tid,
            name: entity.name.clone(),
            path: entity.path.clone(),
            detail: entity.detail.as_ref().map(|detail| texts.text(detail)),
        }
    }

    /// Kind and name in words, with its ids: `process nginx (1234)`, `thread worker (1234/1240)`, `cgroup /a`.
    pub fn label(&self, texts: &Texts) -> String {
        let kind = texts.word(&format!("entity-{}", self.kind));
        if self.kind == "host" {
            return kind;
        }
        let name = &self.name;
        match (self.pid, self.tid) {
            (Some(pid), Some(tid)) if pid != tid => format!("{kind} {name} ({pid}/{tid})"),
            (Some(pid), _) => format!("{kind} {name} ({pid})"),
            _ => format!("{kind} {name}"),
        }
    }
}

impl Finding {
    pub(crate) fn new(rank: usize, finding: &AnalyzedFinding, texts: &Texts) -> Self {
        let title = Msg::new(format!("finding-{}-title", finding.id.replace('.', "-")));
        let link = |link: &perfuse_analyze::Link| Link {
            from: texts.text(&link.from),
            to: texts.text(&link.to),
            evidence: texts.text(&link.evidence),
        };
        let advice = |advice: &AnalyzedAdvice| Advice {
            text: texts.text(&advice.text),
            command: advice.command.clone(),
            expect: texts.text(&advice.expect),
        };
        Self {
            rank,
            id: finding.id.to_owned(),
            title: texts.try_text(&title).unwrap_or_else(|| finding.id.to_owned()),
            severity: finding.severity,
            resource: finding.resource,
            kind: finding.kind,
            cell: finding.cell,
            control: finding.control,
            summary: texts.text(&finding.summary),
            culprit: Entity::new(&finding.culprit, texts),
            victims: finding.victims.iter().map(|victim| Entity::new(victim, texts)).collect(),
            wait_s_per_s: finding.wait_s_per_s,
            confidence: finding.confidence,
            chain: finding.chain.iter().map(link).collect(),
            advice: finding.advice.iter().map(advice).collect(),
        }
    }
}

impl Cost {
    pub(crate) fn new(cost: &OwnCost, limit_ratio: f64) -> Self {
        let programs =
            cost.bpf.iter().map(|(name, share)| ProgramCost { name: name.clone(), cpu_ratio: *share }).collect();
        Self {
            cpu_ratio: cost.cpu_share,
            cpu_seconds: cost.cpu_seconds,
            setup_cpu_seconds: cost.setup_seconds,
            looking_cpu_ratio: cost.looking_share.unwrap_or(cost.cpu_share),
            rss_bytes: cost.rss_bytes,
            limit_ratio: cost.limit.unwrap_or(limit_ratio),
            programs,
            detached: cost.detached.clone(),
        }
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
