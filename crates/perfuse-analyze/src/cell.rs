//! The results: cells, their instances and evidence, and findings.

use std::borrow::Cow;
use std::collections::BTreeSet;

use perfuse_format::Missing;

use crate::message::{self, Msg};
use crate::table::{Kind, Resource};

/// The unit of a [`Quantity`]. [`Unit::symbol`] is what the JSON form shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// A share: 1 is everything. Shown as a percentage.
    Ratio,
    /// Seconds of waiting (or stalling, or working) per second.
    SecondsPerSecond,
    /// Events a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Seconds.
    Seconds,
    /// A count of things.
    Count,
    /// Degrees Celsius.
    Celsius,
    /// Instructions per cycle.
    InstructionsPerCycle,
}

impl Unit {
    /// The symbol in the JSON form.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::SecondsPerSecond => "s/s",
            Self::PerSecond => "1/s",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::Seconds => "s",
            Self::Count => "count",
            Self::Celsius => "celsius",
            Self::InstructionsPerCycle => "ipc",
        }
    }
}

/// A finite number with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// The number; always finite.
    pub number: f64,
    /// Its unit.
    pub unit: Unit,
}

impl Quantity {
    /// A quantity; a number that is not finite (0/0 of an empty interval) becomes 0 only through
    /// [`Quantity::checked`], never here.
    pub fn new(number: f64, unit: Unit) -> Self {
        debug_assert!(number.is_finite(), "a quantity must be finite");
        Self { number, unit }
    }

    /// A quantity, or nothing when the number is not finite.
    pub fn checked(number: f64, unit: Unit) -> Option<Self> {
        number.is_finite().then_some(Self { number, unit })
    }

    /// A share.
    pub fn ratio(number: f64) -> Self {
        Self::new(number, Unit::Ratio)
    }

    /// Seconds per second.
    pub fn wait(number: f64) -> Self {
        Self::new(number, Unit::SecondsPerSecond)
    }

    /// Events per second.
    pub fn rate(number: f64) -> Self {
        Self::new(number, Unit::PerSecond)
    }

    /// Bytes.
    pub fn bytes(number: f64) -> Self {
        Self::new(number, Unit::Bytes)
    }

    /// Bytes per second.
    pub fn throughput(number: f64) -> Self {
        Self::new(number, Unit::BytesPerSecond)
    }

    /// Seconds.
    pub fn seconds(number: f64) -> Self {
        Self::new(number, Unit::Seconds)
    }

    /// A count.
    pub fn count(number: f64) -> Self {
        Self::new(number, Unit::Count)
    }
}

/// The answer of a cell, ordered from calm to alarming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Has no meaning for this resource or on this host.
    NotApplicable,
    /// Could not be read; the cell says why.
    Unmeasurable,
    /// Fine.
    Ok,
    /// Worth a look; nothing waits for it yet.
    Watch,
    /// Something waits for it.
    Bottleneck,
    /// A hard error.
    Error,
}

impl Verdict {
    /// The word in the JSON form.
    pub fn id(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Unmeasurable => "unmeasurable",
            Self::Ok => "ok",
            Self::Watch => "watch",
            Self::Bottleneck => "bottleneck",
            Self::Error => "error",
        }
    }

    /// All verdicts, in order.
    pub const ALL: [Self; 6] =
        [Self::NotApplicable, Self::Unmeasurable, Self::Ok, Self::Watch, Self::Bottleneck, Self::Error];
}

/// One part of a resource: a CPU, a device, an interface, a cgroup, a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Name, such as `cpu0`, `vda`, `/system.slice`.
    pub name: String,
    /// Its own number.
    pub value: Quantity,
    /// Its own verdict.
    pub verdict: Verdict,
    /// More numbers of it for the drill-down, by stable English key (`read_bytes_per_s`); in order.
    pub details: Vec<(&'static str, Quantity)>,
}

impl Instance {
    /// An instance without details.
    pub fn new(name: impl Into<String>, value: Quantity, verdict: Verdict) -> Self {
        Self { name: name.into(), value, verdict, details: Vec::new() }
    }

    /// Adds a number to the drill-down.
    #[must_use]
    pub fn detail(mut self, key: &'static str, value: Quantity) -> Self {
        self.details.push((key, value));
        self
    }
}

/// A number that a verdict rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The file or facility that it was read from.
    pub source: Cow<'static, str>,
    /// The field, counter or statistic.
    pub metric: Cow<'static, str>,
    /// The number.
    pub value: Quantity,
    /// The command that one would have typed to see it.
    pub by_hand: Option<Cow<'static, str>>,
}

impl Evidence {
    /// Evidence without a command of its own.
    pub fn new(source: impl Into<Cow<'static, str>>, metric: impl Into<Cow<'static, str>>, value: Quantity) -> Self {
        Self { source: source.into(), metric: metric.into(), value, by_hand: None }
    }

    /// Adds the command.
    #[must_use]
    pub fn by_hand(mut self, command: impl Into<Cow<'static, str>>) -> Self {
        self.by_hand = Some(command.into());
        self
    }
}

/// One cell of the checklist, or one resource control, filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Stable id: `cpu.saturation`, `control.cpu-quota`.
    pub id: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// The headline number.
    pub value: Option<Quantity>,
    /// Why it is unmeasurable or not applicable.
    pub reason: Option<Msg>,
    /// How to make it measurable.
    pub enable: Option<Msg>,
    /// Who could know it, where this host cannot.
    pub who_could_know: Option<Msg>,
    /// A short remark where the number alone would mislead (source that was used instead, an alias, a trap).
    pub note: Option<Msg>,
    /// Its parts; the worst first.
    pub instances: Vec<Instance>,
    /// What the verdict rests on.
    pub evidence: Vec<Evidence>,
    /// Who uses it most, or who suffers: for the drill-down.
    pub culprits: Vec<Entity>,
    /// `(seconds since the start, value)` for small charts; empty where there is none.
    pub history: Vec<(f64, f64)>,
}

impl Cell {
    /// A cell with a number.
    pub fn measured(id: &'static str, verdict: Verdict, value: Quantity) -> Self {
        Self {
            id,
            verdict,
            value: Some(value),
            reason: None,
            enable: None,
            who_could_know: None,
            note: None,
            instances: Vec::new(),
            evidence: Vec::new(),
            culprits: Vec::new(),
            history: Vec::new(),
        }
    }

    /// A cell that could not be read: the reason from the reading, the remedy and the ones who could know from
    /// the messages `<id>-enable` and `<id>-who` (dots of the id as hyphens, prefix `cell-` unless it is a control).
    pub fn unmeasurable(id: &'static str, why: &Missing) -> Self {
        let base = message_base(id);
        Self {
            verdict: Verdict::Unmeasurable,
            value: None,
            reason: Some(message::missing(why)),
            enable: Some(Msg::new(format!("{base}-enable"))),
            who_could_know: Some(Msg::new(format!("{base}-who"))),
            ..Self::measured(id, Verdict::Unmeasurable, Quantity::ratio(0.0))
        }
    }

    /// A cell without meaning here.
    pub fn not_applicable(id: &'static str, reason: Msg) -> Self {
        Self {
            verdict: Verdict::NotApplicable,
            value: None,
            reason: Some(reason),
            ..Self::measured(id, Verdict::NotApplicable, Quantity::ratio(0.0))
        }
    }

    /// Adds evidence.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, note: Msg) -> Self {
        self.note = Some(note);
        self
    }
}

/// `cell-cpu-saturation` for `cpu.saturation`, `control-cpu-quota` for `control.cpu-quota`.
pub fn message_base(id: &str) -> String {
    let flat = id.replace('.', "-");
    if id.starts_with("control.") { flat } else { format!("cell-{flat}") }
}

/// What a culprit or a victim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the word of the report schema")]
pub enum EntityKind {
    Process,
    Thread,
    Cgroup,
    Device,
    Mount,
    Interface,
    Qdisc,
    Listener,
    Socket,
    Lock,
    Query,
    Pool,
    Queue,
    Dependency,
    Kernel,
    Host,
}

impl EntityKind {
    /// The word in the JSON form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Thread => "thread",
            Self::Cgroup => "cgroup",
            Self::Device => "device",
            Self::Mount => "mount",
            Self::Interface => "interface",
            Self::Qdisc => "qdisc",
            Self::Listener => "listener",
            Self::Socket => "socket",
            Self::Lock => "lock",
            Self::Query => "query",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Dependency => "dependency",
            Self::Kernel => "kernel",
            Self::Host => "host",
        }
    }
}

/// Someone or something named: a culprit, a victim, a top user.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Process id.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: Option<u32>,
    /// Name: comm, device, interface, mount point, cgroup.
    pub name: String,
    /// Path: cgroup of a process, device node, file.
    pub path: Option<String>,
    /// What it did, in words: `97% of cpu1`.
    pub detail: Option<Msg>,
}

impl Entity {
    /// An entity with a kind and a name.
    pub fn new(kind: EntityKind, name: impl Into<String>) -> Self {
        Self { kind, pid: None, tid: None, name: name.into(), path: None, detail: None }
    }

    /// A process.
    pub fn process(pid: u32, comm: impl Into<String>) -> Self {
        Self { pid: Some(pid), ..Self::new(EntityKind::Process, comm) }
    }

    /// A thread.
    pub fn thread(pid: u32, tid: u32, comm: impl Into<String>) -> Self {
        Self { pid: Some(pid), tid: Some(tid), ..Self::new(EntityKind::Thread, comm) }
    }

    /// A cgroup by its path.
    pub fn cgroup(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { path: Some(path.clone()), ..Self::new(EntityKind::Cgroup, path) }
    }

    /// The host as a whole.
    pub fn host() -> Self {
        Self::new(EntityKind::Host, "host")
    }

    /// Adds what it did.
    #[must_use]
    pub fn detail(mut self, detail: Msg) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Adds a path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The key by which two findings are seen to speak of the same thing: `pid:7`, `cgroup:/a`, `device:vda`.
    pub fn key(&self) -> String {
        match (self.kind, self.pid, &self.path) {
            (EntityKind::Process | EntityKind::Thread, Some(pid), _) => format!("pid:{pid}"),
            (EntityKind::Cgroup, _, Some(path)) => format!("cgroup:{path}"),
            (kind, ..) => format!("{}:{}", kind.id(), self.name),
        }
    }
}

/// How bad a finding is, from mild to severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look.
    Watch,
    /// Someone waits.
    Bottleneck,
    /// A hard error.
    Error,
}

impl Severity {
    /// The word in the JSON form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Bottleneck => "bottleneck",
            Self::Error => "error",
        }
    }
}

/// One step of the chain from symptom to cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Who or what waits, or the symptom.
    pub from: Msg,
    /// What it waits for, or the deeper cause.
    pub to: Msg,
    /// The measured number that supports the step.
    pub evidence: Msg,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// In words.
    pub text: Msg,
    /// The command or setting.
    pub command: Option<String>,
    /// What it should change, and by how much.
    pub expect: Msg,
}

/// A named problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Stable id of the rule: `cpu.quota-throttled`.
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Resource.
    pub resource: Resource,
    /// Kind.
    pub kind: Kind,
    /// The cell that shows it.
    pub cell: &'static str,
    /// The control that is the cause, where a limit and not the hardware is.
    pub control: Option<&'static str>,
    /// One sentence that names culprit, victim and number.
    pub summary: Msg,
    /// Who causes it.
    pub culprit: Entity,
    /// Who suffers, the worst first.
    pub victims: Vec<Entity>,
    /// Seconds of thread wait per second that this explains.
    pub wait_s_per_s: Option<f64>,
    /// 0..1.
    pub confidence: f64,
    /// From symptom to cause.
    pub chain: Vec<Link>,
    /// What to do.
    pub advice: Vec<Advice>,
    /// Rules whose findings this one explains when they concern the same entities.
    pub explains: &'static [&'static str],
    /// More entities that this finding concerns, beside culprit and victims (keys of [`Entity::key`]).
    pub also: BTreeSet<String>,
    /// Where others wait for somebody who is slow: the keys of the slow one. Only what holds that one up explains this
    /// finding; what its victims suffer from beside it does not. `None`: whatever concerns the same entities may.
    pub slow: Option<BTreeSet<String>>,
}

impl Finding {
    /// A finding for a cell; the rest is filled in by the rule.
    pub fn new(id: &'static str, severity: Severity, spec: (Resource, Kind, &'static str), culprit: Entity) -> Self {
        let summary = Msg::new(format!("finding-{}-summary", id.replace('.', "-")));
        Self {
            id,
            severity,
            resource: spec.0,
            kind: spec.1,
            cell: spec.2,
            control: None,
            summary,
            culprit,
            victims: Vec::new(),
            wait_s_per_s: None,
            confidence: 0.5,
            chain: Vec::new(),
            advice: Vec::new(),
            explains: &[],
            also: BTreeSet::new(),
            slow: None,
        }
    }

    /// The keys of everything that it concerns.
    pub fn keys(&self) -> BTreeSet<String> {
        let named = std::iter::once(&self.culprit).chain(&self.victims).map(Entity::key);
        named.chain(self.also.iter().cloned()).collect()
    }

    /// The keys of those whom it holds up, and of what else it concerns beside its culprit.
    pub fn held_up(&self) -> BTreeSet<String> {
        self.victims.iter().map(Entity::key).chain(self.also.iter().cloned()).collect()
    }
}
