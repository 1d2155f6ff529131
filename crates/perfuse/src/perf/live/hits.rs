//! One line for each hit, in the order of time.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use perfuse_analyze::Msg;
use perfuse_analyze::live::Limit;
use perfuse_collect::local_time::utc_offset;
use perfuse_collect::perf::record::clock::clock_ns;
use perfuse_format::live::{Expr, Hit, HitValues, Scope, Values as _};
use perfuse_format::tracefs::{Layout, Printer};
use perfuse_render::i18n::grouped;
use perfuse_render::live::{self, HitLine, Hits};
use serde_json::{Map, Value, json};

use super::Failure;
use super::asked::Asked;
use super::comms::Comms;
use super::frame::{Facts, Frame};
use super::names::KernelNames;
use super::source::{Place, Source};
use super::watched::Watched;
use crate::console::{self, Console};
use crate::perf::options::UsageError;
use crate::signals::Interrupt;

/// How often rings are looked at: hits are seen without delay, and few of them cost little.
const GLANCE: Duration = Duration::from_millis(50);
/// `CLOCK_MONOTONIC`.
const MONOTONIC: i32 = 1;

/// How the hits of a source are understood.
struct Known {
    name: String,
    scope: Scope,
    printer: Option<Printer>,
    /// Whether the kernel leaves nobody out, this process neither.
    unfiltered: bool,
    /// What the kernel does not filter itself.
    condition: Option<Expr>,
    /// What it filters, unless it does not understand it.
    spare: Option<Expr>,
}

/// A hit that waits for those before it: its source and where its record is.
struct Waiting {
    time: u64,
    source: usize,
    record: std::ops::Range<usize>,
}

/// What is shown.
struct Show<'a> {
    asked: &'a Asked,
    known: Vec<Known>,
    layout: Hits,
    limit: Limit,
    comms: Comms,
    names: KernelNames,
    waiting: Vec<Waiting>,
    /// The bytes of the hits that wait.
    records: Vec<u8>,
    facts: Facts,
    shown: u64,
    /// Nanoseconds from the clock of the hits to the local time of day.
    offset: u64,
    own: i32,
    out: String,
}

/// Shows hits until it is over.
pub(super) fn run(
    asked: &Asked,
    sources: &[Source],
    interrupt: &Interrupt,
    console: &Console,
) -> anyhow::Result<Result<(), Failure>> {
    let mut show = Show::new(asked, sources, console)?;
    let mut watched = match Watched::open(sources, asked)? {
        Ok(watched) => watched,
        Err(failure) => return Ok(Err(failure)),
    };
    if !watched.filtered() {
        show.filter_here();
    }
    let frame = Frame::begin(asked);
    if !asked.json {
        let head = ["live-time", "live-thread", "live-what", "live-fields"].map(|id| console.texts.word(id));
        console::print(&show.layout.head(head.each_ref().map(String::as_str)))?;
    }
    watched.enable();
    let ended = loop {
        let alive = watched.wait(frame.left(GLANCE));
        watched.round(|source, hit| show.take(source, hit));
        if let Err(error) = show.flush(console) {
            break Err(error);
        }
        if !alive || show.full() || frame.over(interrupt) {
            break Ok(());
        }
    };
    watched.disable();
    ended?;
    watched.round(|source, hit| show.take(source, hit));
    show.flush(console)?;
    show.facts.program = watched.cost();
    if !asked.quiet {
        console.note(&frame.summary(&show.facts));
    }
    Ok(Ok(()))
}

impl<'a> Show<'a> {
    fn new(asked: &'a Asked, sources: &[Source], console: &Console) -> Result<Self, UsageError> {
        let mut known = Vec::new();
        for source in sources {
            let scope = source.ring_scope();
            let printer = source.format().map(|format| Printer::new(&format, Layout::default()));
            let mut spare = None;
            let condition = match source.place {
                Place::Samples(_) | Place::Function { .. } => asked.condition(&scope)?,
                Place::Trace { .. } => {
                    // The kernel knows more fields of every tracepoint; else mistakes are told with their place.
                    if !asked.filter.as_ref().is_some_and(|filter| filter.contains("common_")) {
                        spare = asked.condition(&scope)?;
                    }
                    None
                }
                Place::Probe { .. } => None,
            };
            let unfiltered = matches!(source.place, Place::Samples(_) | Place::Function { .. });
            known.push(Known { name: source.name.clone(), scope, printer, unfiltered, condition, spare });
        }
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        let layout = Hits::new(&names, console.color);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let zone = utc_offset(i64::try_from(wall.as_secs()).unwrap_or(0));
        let wall = u64::try_from(wall.as_nanos()).unwrap_or(0);
        let local = if asked.json { wall } else { wall.saturating_add_signed(zone.saturating_mul(1_000_000_000)) };
        let own = i32::try_from(std::process::id()).unwrap_or(-1);
        Ok(Self {
            asked,
            known,
            layout,
            limit: Limit::new(asked.rate),
            comms: Comms::default(),
            names: KernelNames::default(),
            waiting: Vec::new(),
            records: Vec::new(),
            facts: Facts::default(),
            shown: 0,
            offset: local.saturating_sub(clock_ns(MONOTONIC).unwrap_or(0)),
            own,
            out: String::new(),
        })
    }

    /// Looks at the conditions here, which the kernel does not understand.
    fn filter_here(&mut self) {
        for known in &mut self.known {
            known.condition = known.condition.take().or(known.spare.take());
        }
    }

    /// Whether as many were shown as were asked for.
    fn full(&self) -> bool {
        self.asked.most.is_some_and(|most| self.shown >= most)
    }

    /// Takes a record of a ring.
    fn take(&mut self, source: usize, hit: &Hit<'_>) {
        let Hit::Sample { time, pid, tid, cpu, period, raw, ip, address, .. } = hit else {
            if let Hit::Lost(count) = hit {
                self.facts.lost = self.facts.lost.saturating_add(*count);
            }
            return self.comms.learn(hit);
        };
        let Some(known) = self.known.get(source) else { return };
        if known.unfiltered && *pid == self.own {
            return;
        }
        if let Some(condition) = &known.condition {
            let (uid, comm) = (self.comms.user(*pid), self.comms.name(*tid).to_owned());
            let values = HitValues { scope: &known.scope, hit: *hit, comm: comm.as_bytes(), uid };
            if condition.number(&values) == 0 {
                return;
            }
        }
        if self.asked.most.is_some_and(|most| self.shown + self.waiting.len() as u64 >= most) {
            return;
        }
        self.facts.hits += 1;
        if !self.limit.take(*time) {
            self.facts.left_out += 1;
            return;
        }
        let start = self.records.len();
        for number in [
            i64::from(*pid),
            i64::from(*tid),
            i64::from(*cpu),
            period.cast_signed(),
            ip.cast_signed(),
            address.cast_signed(),
        ] {
            self.records.extend(number.to_ne_bytes());
        }
        self.records.extend_from_slice(raw);
        self.waiting.push(Waiting { time: *time, source, record: start..self.records.len() });
    }

    /// Prints what waits, in the order of time.
    fn flush(&mut self, console: &Console) -> anyhow::Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|one| one.time);
        let records = std::mem::take(&mut self.records);
        for one in &waiting {
            let (head, raw) =
                records.get(one.record.clone()).and_then(|bytes| bytes.split_at_checked(48)).unwrap_or_default();
            let number = |index: usize| head.as_chunks::<8>().0.get(index).map_or(0, |word| i64::from_ne_bytes(*word));
            let small = |index: usize| i32::try_from(number(index)).unwrap_or(-1);
            let hit = Hit::Sample {
                id: 0,
                pid: small(0),
                tid: small(1),
                time: one.time,
                cpu: u32::try_from(number(2)).unwrap_or(0),
                period: number(3).cast_unsigned(),
                ip: number(4).cast_unsigned(),
                address: number(5).cast_unsigned(),
                raw,
            };
            self.line(one.source, hit);
        }
        self.shown += waiting.len() as u64;
        (self.waiting, self.records) = (waiting, records);
        self.waiting.clear();
        self.records.clear();
        let now = clock_ns(MONOTONIC).unwrap_or(0);
        if let Some(count) = self.limit.left_out(now).filter(|_| !self.asked.json) {
            let words = Msg::new("live-left-out").with("count", grouped(count as f64, 0));
            let words = words.with("rate", self.asked.rate.to_string());
            self.out.push_str(&console.texts.text(&words));
            self.out.push('\n');
        }
        if !self.out.is_empty() {
            console::print(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn line(&mut self, source: usize, hit: Hit<'_>) {
        let Some(known) = self.known.get(source) else { return };
        let Hit::Sample { pid, tid, time, cpu, raw, .. } = hit else { return };
        let comm = self.comms.name(tid).to_owned();
        let values = HitValues { scope: &known.scope, hit, comm: comm.as_bytes(), uid: 0 };
        let text = match &known.printer {
            Some(printer) => {
                let mut bytes = Vec::new();
                printer.print(raw, &self.names, &mut bytes);
                String::from_utf8_lossy(&bytes).trim().to_owned()
            }
            None => samples(hit),
        };
        let time = time.saturating_add(self.offset);
        let line = HitLine { time, comm: &comm, pid, tid, cpu, event: &known.name, fields: &text };
        if self.asked.json {
            self.out.push_str(&live::hit(&line, &fields(&values)));
        } else {
            self.layout.line(&line, &mut self.out);
        }
    }
}

/// What a sample of an event without fields tells.
fn samples(hit: Hit<'_>) -> String {
    let Hit::Sample { ip, address, period, .. } = hit else { return String::new() };
    let mut text = format!("ip={ip:#x}");
    if address != 0 {
        let _ = write!(text, " addr={address:#x}");
    }
    if period != 1 {
        let _ = write!(text, " period={period}");
    }
    text
}

/// The fields of the event, by their names.
fn fields(values: &HitValues<'_>) -> Map<String, Value> {
    let own = values.scope.variables.iter().enumerate();
    let own = own.filter(|(_, one)| !matches!(one.source, perfuse_format::live::Source::Builtin(_)));
    let value = |(at, one): (usize, &perfuse_format::live::Variable)| {
        let value = match (one.text, one.wide) {
            (true, _) => json!(String::from_utf8_lossy(values.text(at))),
            (false, true) => json!(values.number(at).cast_unsigned()),
            (false, false) => json!(values.number(at)),
        };
        (one.name.clone(), value)
    };
    own.map(value).collect()
}
