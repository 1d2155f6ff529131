//! Counts, sums and histograms: added up in the kernel where programs are allowed, else from the rings.

use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::live::Totals;
use perfuse_collect::bpf::{LiveError, LiveProgram};
use perfuse_format::live::{Aggregation, Expr, Hit, HitValues, Scope};
use perfuse_render::live::{self, Computed};

use super::Failure;
use super::asked::Asked;
use super::comms::Comms;
use super::frame::{Facts, Frame};
use super::serve::Server;
use super::source::{Place, Source};
use super::watched::Watched;
use crate::console::{self, Console};
use crate::perf::options::UsageError;
use crate::signals::Interrupt;

/// How often it is looked whether it is over.
const GLANCE: Duration = Duration::from_millis(50);
/// Rings are looked at less often where nobody waits for a line.
const ROUND: Duration = Duration::from_millis(100);

/// Who adds up.
enum Adder {
    /// Programs in the kernel, one for each source.
    Kernel(Vec<LiveProgram>),
    /// This process, from the rings.
    Here(Box<Here>),
}

/// Adding up from rings.
struct Here {
    watched: Watched,
    scopes: Vec<Scope>,
    conditions: Vec<Option<Expr>>,
    what: Vec<Aggregation>,
    totals: Vec<Totals>,
    comms: Comms,
    lost: u64,
    own: i32,
}

/// Adds up until it is over, and shows it.
pub(super) fn run(
    asked: &Asked,
    sources: &[Source],
    interrupt: &Interrupt,
    console: &Console,
) -> anyhow::Result<Result<(), Failure>> {
    let server = match asked.openmetrics.map(Server::open).transpose() {
        Ok(server) => server,
        Err(error) => {
            let address = asked.openmetrics.map(|address| address.to_string()).unwrap_or_default();
            let words = Msg::new("live-listen").with("address", address).with("error", error.to_string());
            return Ok(Err(Failure::new(words)));
        }
    };
    let mut adder = match begin(asked, sources, console)? {
        Ok(adder) => adder,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Some(server) = server.as_ref().filter(|_| !asked.quiet) {
        console.note(&Msg::new("live-serving").with("address", server.address()));
    }
    let frame = Frame::begin(asked);
    let by: Vec<Vec<String>> = sources.iter().map(|source| names(asked, source)).collect::<Result<_, _>>()?;
    let what = What { asked, sources, by: &by };
    loop {
        adder.step(&frame);
        if let Some(server) = &server {
            server.answer(|| what.metrics(&adder));
        }
        if frame.over(interrupt) {
            break;
        }
        if asked.most.is_some_and(|most| adder.hits(asked, sources) >= most) {
            break;
        }
    }
    let totals = adder.finish(asked, sources);
    let facts = adder.facts(&totals);
    what.show(&totals, &facts, &frame, console)?;
    Ok(Ok(()))
}

/// The texts of the parts of keys.
fn names(asked: &Asked, source: &Source) -> Result<Vec<String>, UsageError> {
    let what = asked.aggregation(&source.scope())?;
    Ok(what.by.iter().map(|part| part.text().to_owned()).collect())
}

/// Whether the kernel refuses programs as such, and not this one.
fn refuses_programs(error: &LiveError) -> bool {
    use perfuse_collect::bpf::LoadError;
    match error {
        LiveError::Load(error) => matches!(error, LoadError::NotPermitted { .. } | LoadError::NoBpf),
        LiveError::Pattern(_) | LiveError::Room => true,
        LiveError::Fetch(_) | LiveError::Absent(_) | LiveError::Open(_) => false,
    }
}

/// Whether an event without a program has samples all the same.
fn is_seen_in_rings(source: &Source, error: &LiveError) -> bool {
    match source.place {
        Place::Probe { .. } => false,
        Place::Function { .. } => true,
        Place::Trace { .. } | Place::Samples(_) => refuses_programs(error),
    }
}

fn begin(asked: &Asked, sources: &[Source], console: &Console) -> Result<Result<Adder, Failure>, UsageError> {
    let mut programs = Vec::new();
    for source in sources {
        let scope = source.scope();
        let (what, condition) = (asked.aggregation(&scope)?, asked.condition(&scope)?);
        match LiveProgram::aggregate(&source.plan(condition, &asked.pids), &what, false) {
            Ok(program) => programs.push(program),
            Err(error) if is_seen_in_rings(source, &error) => {
                if !asked.quiet {
                    console.note(&Msg::new("live-fallback").with("why", error.to_string()));
                }
                return Ok(here(asked, sources)?.map(|here| Adder::Here(Box::new(here))));
            }
            Err(error) => return Ok(Err(Failure::program(&source.name, &error))),
        }
    }
    Ok(Ok(Adder::Kernel(programs)))
}

fn here(asked: &Asked, sources: &[Source]) -> Result<Result<Here, Failure>, UsageError> {
    let scopes: Vec<Scope> = sources.iter().map(Source::ring_scope).collect();
    let what = scopes.iter().map(|scope| asked.aggregation(scope)).collect::<Result<Vec<_>, _>>()?;
    let conditions = scopes.iter().map(|scope| asked.condition(scope)).collect::<Result<Vec<_>, _>>()?;
    let watched = match Watched::open(sources, asked)? {
        Ok(watched) => watched,
        Err(failure) => return Ok(Err(failure)),
    };
    watched.enable();
    let totals = what.iter().map(|what| Totals::new(what.is_signed(), what.parts)).collect();
    let own = i32::try_from(std::process::id()).unwrap_or(-1);
    Ok(Ok(Here { watched, scopes, conditions, what, totals, comms: Comms::default(), lost: 0, own }))
}

impl Here {
    fn round(&mut self) {
        let Self { watched, scopes, conditions, what, totals, comms, lost, own } = self;
        watched.round(|source, hit| {
            let Hit::Sample { pid, tid, .. } = hit else {
                if let Hit::Lost(count) = hit {
                    *lost = lost.saturating_add(*count);
                }
                return comms.learn(hit);
            };
            let parts = (scopes.get(source), conditions.get(source), what.get(source), totals.get_mut(source));
            let (Some(scope), Some(condition), Some(what), Some(totals)) = parts else { return };
            if pid == own {
                return;
            }
            let uid = comms.user(*pid);
            let values = HitValues { scope, hit: *hit, comm: comms.name(*tid).as_bytes(), uid };
            if condition.as_ref().is_none_or(|condition| condition.number(&values) != 0) {
                totals.add(what.row(&values));
            }
        });
    }
}

impl Adder {
    /// Waits a little, and empties rings.
    fn step(&mut self, frame: &Frame) {
        match self {
            Self::Kernel(programs) => {
                programs.iter_mut().for_each(LiveProgram::glance);
                std::thread::sleep(frame.left(GLANCE));
            }
            Self::Here(here) => {
                here.watched.wait(frame.left(ROUND));
                here.round();
            }
        }
    }

    fn totals(&self, asked: &Asked, sources: &[Source]) -> Vec<Totals> {
        match self {
            Self::Kernel(programs) => programs
                .iter()
                .zip(sources)
                .map(|(program, source)| {
                    let what = asked.aggregation(&source.scope()).unwrap_or_default();
                    Totals::of(program.rows().unwrap_or_default(), what.is_signed(), what.parts)
                })
                .collect(),
            Self::Here(here) => here.totals.clone(),
        }
    }

    fn hits(&self, asked: &Asked, sources: &[Source]) -> u64 {
        self.totals(asked, sources).iter().map(Totals::hits).sum()
    }

    /// The numbers at the end.
    fn finish(&mut self, asked: &Asked, sources: &[Source]) -> Vec<Totals> {
        if let Self::Here(here) = self {
            here.watched.disable();
            here.round();
        }
        self.totals(asked, sources)
    }

    fn facts(&self, totals: &[Totals]) -> Facts {
        let hits = totals.iter().map(Totals::hits).sum();
        match self {
            Self::Kernel(programs) => {
                let costs = programs.iter().filter_map(LiveProgram::cost);
                let program = costs.map(|cost| (cost.nanoseconds, cost.runs));
                let program = program.reduce(|one, other| (one.0 + other.0, one.1 + other.1));
                Facts { hits, lost: programs.iter().map(LiveProgram::lost).sum(), program, ..Facts::default() }
            }
            Self::Here(here) => Facts { hits, lost: here.lost, ..Facts::default() },
        }
    }
}

/// What is shown at the end, and to whoever asks meanwhile.
struct What<'a> {
    asked: &'a Asked,
    sources: &'a [Source],
    by: &'a [Vec<String>],
}

impl What<'_> {
    fn all<'t>(&'t self, totals: &'t [Totals], values: &'t [Option<String>]) -> Vec<Computed<'t>> {
        let parts = self.sources.iter().zip(self.by).zip(totals).zip(values);
        parts
            .map(|(((source, by), totals), value)| Computed {
                event: &source.name,
                value: value.as_deref(),
                by,
                sums: self.asked.sums(),
                totals,
            })
            .collect()
    }

    fn values(&self) -> Vec<Option<String>> {
        let of = |source: &Source| {
            let what = self.asked.aggregation(&source.scope()).unwrap_or_default();
            what.value.map(|value| value.text().to_owned())
        };
        self.sources.iter().map(of).collect()
    }

    fn metrics(&self, adder: &Adder) -> String {
        let (totals, values) = (adder.totals(self.asked, self.sources), self.values());
        let facts = adder.facts(&totals);
        live::metrics(&self.all(&totals, &values), facts.lost, facts.program.map(|(nanoseconds, _)| nanoseconds))
    }

    fn show(&self, totals: &[Totals], facts: &Facts, frame: &Frame, console: &Console) -> anyhow::Result<()> {
        let values = self.values();
        for of in self.all(totals, &values) {
            if self.asked.json {
                console::print(&live::totals(&of, &frame.about(facts)))?;
                continue;
            }
            if self.sources.len() > 1 {
                if of.totals.hits() == 0 {
                    continue;
                }
                console::print(&format!("{}\n", of.event))?;
            }
            console::print(&live::table(&of, console.width, console.texts))?;
        }
        if !self.asked.json && !self.asked.quiet {
            console::print(&format!("{}\n", console.texts.text(&frame.summary(facts))))?;
        }
        Ok(())
    }
}
