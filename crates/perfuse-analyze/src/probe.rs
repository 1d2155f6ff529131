//! What asking a URL took, and, where the other end is not on this host, which part of it is slow.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use perfuse_format::netlink::addr::Addresses;
use perfuse_format::web::probe::{Failure, Phase, Probes, Try};
use perfuse_format::web::url::Url;

use crate::cell::{Advice, Entity, EntityKind, Finding, Link, Severity};
use crate::message::Msg;
use crate::run::Run;
use crate::why::{Answer, Cause, Family, Select, State, Victim};
use crate::{Kind, Quantity, Resource};

/// A service on another host answers slowly.
const SLOW: &str = "why.slow-url";
/// Requests fail.
const FAILED: &str = "why.failing-url";

/// A few numbers instead of many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Seconds.
    pub min: f64,
    /// Seconds.
    pub median: f64,
    /// Seconds; with less than 100 values the largest.
    pub p99: f64,
}

impl Spread {
    fn of(mut us: Vec<u64>) -> Option<Self> {
        us.sort_unstable();
        let at = |part: usize| us.get((us.len() * part).div_ceil(100).saturating_sub(1)).map(|us| *us as f64 / 1e6);
        Some(Self { min: at(0)?, median: at(50)?, p99: at(99)? })
    }
}

/// One phase of the requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhaseTime {
    /// Which.
    pub phase: Phase,
    /// Of the requests that reached it.
    pub spread: Spread,
    /// Its share of the time of all requests; 0..1.
    pub share: f64,
}

/// Requests that failed in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// How.
    pub failure: Failure,
    /// How many.
    pub count: usize,
    /// The words of the last one.
    pub words: String,
}

/// All requests of a run to one URL.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeReport {
    /// As the user wrote it.
    pub url: String,
    /// Where redirects led, if they did.
    pub end: Option<String>,
    /// The other end of the last request that had one.
    pub peer: Option<SocketAddr>,
    /// Whether that is this host.
    pub local: bool,
    /// Requests.
    pub tries: usize,
    /// How many had which status.
    pub statuses: BTreeMap<u16, usize>,
    /// The failures, the most frequent first.
    pub failed: Vec<Failed>,
    /// Of whole requests that were answered; nothing without any.
    pub total: Option<Spread>,
    /// The phases that were reached, in order.
    pub phases: Vec<PhaseTime>,
    /// Seconds of asking per second of the run.
    pub s_per_s: f64,
    /// Bytes of the largest body.
    pub bytes: u64,
}

impl ProbeReport {
    /// The report on the requests of a run; nothing if there were none.
    pub fn of(run: &Run) -> Option<Self> {
        let probes = run.last::<Probes>(Probes::SOURCE).into_value()?;
        let tries = &probes.tries;
        let peer = tries.iter().rev().find_map(|one| one.peer);
        let all: u64 = tries.iter().map(Try::total_us).sum();
        let phase = |phase: Phase| {
            let us: Vec<u64> = tries.iter().filter_map(|one| one.of(phase)).collect();
            let share = us.iter().sum::<u64>() as f64 / (all as f64).max(1.0);
            Spread::of(us).map(|spread| PhaseTime { phase, spread, share })
        };
        let mut statuses = BTreeMap::new();
        for status in tries.iter().filter(|one| one.failure.is_none()).filter_map(|one| one.status) {
            *statuses.entry(status).or_default() += 1;
        }
        Some(Self {
            local: peer.is_some_and(|peer| is_local(run, peer.ip())),
            peer,
            tries: tries.len(),
            statuses,
            failed: failed(tries),
            total: Spread::of(tries.iter().filter(|one| one.failure.is_none()).map(Try::total_us).collect()),
            phases: Phase::ALL.into_iter().filter_map(phase).collect(),
            s_per_s: all as f64 / 1e6 / run.seconds().max(1e-3),
            bytes: tries.iter().map(|one| one.bytes).max().unwrap_or(0),
            end: probes.end,
            url: probes.url,
        })
    }

    /// Requests that failed, or were answered with an error of the server.
    pub fn bad(&self) -> usize {
        let refused = self.statuses.iter().filter(|(status, _)| **status >= 500).map(|(_, count)| count);
        self.failed.iter().map(|failed| failed.count).sum::<usize>() + refused.sum::<usize>()
    }

    /// The process of this host that answers; nobody where the other end is elsewhere or not to be seen.
    pub fn victim(&self, run: &Run) -> Victim {
        let Some(peer) = self.peer.filter(|_| self.local) else { return Victim::default() };
        Victim::select(run, &Select::Port(peer.port())).unwrap_or_default()
    }

    /// Adds to an answer what the requests tell.
    pub fn add(&self, run: &Run, answer: &mut Answer) {
        let whole = answer.victim.pids.is_empty();
        if whole {
            // Of this host, only what stands between it and the other end can be the reason.
            answer
                .causes
                .retain(|cause| matches!(cause.finding.resource, Resource::Network | Resource::NetworkController));
            answer.healthy = None;
            answer.victim.entity = Some(self.entity());
            if self.local {
                let port = self.peer.map_or(0, |peer| peer.port());
                answer.cannot_tell.insert(0, Msg::new("why-cannot-owner").with("port", port.to_string()));
            }
        }
        let failing = self.failing();
        let serious = answer.causes.iter().any(|cause| cause.finding.severity > Severity::Watch);
        // Why a process of this host is slow, its states tell better than the requests; unless they tell nothing.
        let slow = if whole {
            self.slow(run)
        } else {
            self.slow(run).filter(|_| !serious).and_then(|cause| self.here(run, answer, cause))
        };
        for cause in [slow, failing].into_iter().flatten() {
            answer.causes.insert(0, cause);
        }
        let serious = answer.causes.iter().any(|cause| cause.finding.severity > Severity::Watch);
        if serious {
            answer.healthy = Some(false);
        } else if whole && self.total.is_some() {
            answer.healthy = Some(true);
        }
    }

    /// The URL as somebody that is waited for.
    fn entity(&self) -> Entity {
        let entity = Entity::new(EntityKind::Dependency, &self.url);
        match self.peer {
            Some(peer) => entity.path(peer.to_string()),
            None => entity,
        }
    }

    fn slowest(&self) -> Option<&PhaseTime> {
        self.phases.iter().max_by(|a, b| a.share.total_cmp(&b.share).then(b.phase.cmp(&a.phase)))
    }

    fn median(&self, phase: Phase) -> f64 {
        self.phases.iter().find(|time| time.phase == phase).map_or(0.0, |time| time.spread.median)
    }

    /// Which phase takes the time.
    fn slow(&self, run: &Run) -> Option<Cause> {
        let total = self.total?;
        let slowest = self.slowest()?;
        let severity = if total.median >= run.threshold("url.slow") { Severity::Bottleneck } else { Severity::Watch };
        let phase = Msg::new(format!("phase-{}", slowest.phase.id()));
        let spec = (Resource::Dependency, Kind::Saturation, "network.saturation");
        let mut finding = Finding::new(SLOW, severity, spec, self.entity());
        let wait = self.s_per_s * slowest.share;
        finding.wait_s_per_s = Some(wait);
        // Connecting alone is the path and the other kernel; a first byte is the service and what stands behind it.
        finding.confidence = if self.local { 0.4 } else { 0.5 + 0.4 * slowest.share.min(1.0) };
        finding.summary = text(SLOW, "summary")
            .with("url", &self.url)
            .with("total", Quantity::seconds(total.median))
            .with("phase", phase.clone())
            .with("share", Quantity::ratio(slowest.share));
        let spread = text(SLOW, "evidence-phase")
            .with("median", Quantity::seconds(slowest.spread.median))
            .with("p99", Quantity::seconds(slowest.spread.p99))
            .with("share", Quantity::ratio(slowest.share));
        let path = text(SLOW, "evidence-path")
            .with("connect", Quantity::seconds(self.median(Phase::Connect)))
            .with("count", self.tries as u64);
        let owner = text(SLOW, &format!("owner-{}", slowest.phase.id())).with("peer", self.peer_text());
        finding.chain = vec![
            Link { from: Msg::new("why-url").with("url", &self.url), to: phase.clone(), evidence: spread },
            Link { from: phase, to: owner, evidence: path },
        ];
        finding.advice = vec![Advice {
            text: text(SLOW, &format!("advice-{}", slowest.phase.id())).with("peer", self.peer_text()),
            command: self.command(slowest.phase),
            expect: text(SLOW, "expect")
                .with("total", Quantity::seconds(total.median))
                .with("rest", Quantity::seconds((total.median - slowest.spread.median).max(0.0))),
        }];
        Some(Cause { finding, explained: wait, share: slowest.share.min(1.0) })
    }

    /// The same of a process of this host that nothing was seen to hold up: it waits because it wants to. Nothing where the
    /// requests are quick.
    fn here(&self, run: &Run, answer: &Answer, mut cause: Cause) -> Option<Cause> {
        let breakdown = &answer.breakdown;
        let chosen =
            |state: &&State| state.family() != Family::Running && !matches!(state, State::Events | State::Accept);
        let seconds = |state: &&State| breakdown.of(**state);
        let state = State::ALL.iter().filter(chosen).max_by(|a, b| seconds(a).total_cmp(&seconds(b)))?;
        let victim = answer.victim.entity.clone()?;
        let total = self.total.filter(|total| total.median >= run.threshold("url.slow"))?;
        let finding = &mut cause.finding;
        finding.culprit = victim;
        finding.confidence = 0.4;
        if let Some(last) = finding.chain.last_mut() {
            last.to = Msg::new(format!("why-state-{}", state.id()));
            last.evidence = text(SLOW, "evidence-state").with("seconds", Quantity::wait(breakdown.of(*state)));
        }
        finding.advice = vec![Advice {
            text: text(SLOW, "advice-here"),
            command: answer.victim.pids.first().map(|pid| format!("perf trace -s -p {pid} -- sleep 5")),
            expect: text(SLOW, "expect")
                .with("total", Quantity::seconds(total.median))
                .with("rest", Quantity::seconds(self.median(Phase::Connect))),
        }];
        Some(cause)
    }

    /// How they fail, if more than a stray one does.
    fn failing(&self) -> Option<Cause> {
        let bad = self.bad();
        let share = bad as f64 / (self.tries as f64).max(1.0);
        if share < 0.05 {
            return None;
        }
        let spec = (Resource::Dependency, Kind::Errors, "network.errors");
        let mut finding = Finding::new(FAILED, Severity::Error, spec, self.entity());
        // Seen by asking: it is certain that it fails; who is to blame is not.
        finding.confidence = 0.8;
        let how = match (self.failed.first(), self.statuses.iter().next_back()) {
            (Some(failed), _) => {
                Msg::new(format!("failure-{}", failed.failure.id())).with("words", said(&failed.words))
            }
            (None, Some((status, _))) => Msg::new("failure-status").with("status", status.to_string()),
            (None, None) => return None,
        };
        let count = |message: Msg| message.with("bad", bad as u64).with("tries", self.tries as u64);
        finding.summary = count(text(FAILED, "summary").with("url", &self.url).with("how", how.clone()));
        finding.chain = vec![Link {
            from: Msg::new("why-url").with("url", &self.url),
            to: how,
            evidence: count(text(FAILED, "evidence")),
        }];
        finding.advice = vec![Advice {
            text: text(FAILED, "advice").with("peer", self.peer_text()),
            command: Some(format!("curl -sv -o /dev/null {}", quoted(&self.url))),
            expect: text(FAILED, "expect"),
        }];
        Some(Cause { finding, explained: self.s_per_s, share })
    }

    fn peer_text(&self) -> String {
        self.peer.map_or_else(|| self.url.clone(), |peer| peer.to_string())
    }

    /// The command that looks deeper.
    fn command(&self, phase: Phase) -> Option<String> {
        let url = Url::parse(self.end.as_deref().unwrap_or(&self.url)).ok()?;
        let peer = self.peer?;
        Some(match phase {
            Phase::Dns => format!("dig +stats {}", url.host),
            Phase::Connect => format!("mtr -rwT -P {} {}", peer.port(), peer.ip()),
            Phase::Tls => format!("openssl s_client -brief -connect {peer}"),
            Phase::FirstByte => format!("perfuse why --port {}", peer.port()),
            Phase::Body => format!("ss -tino dst {}", peer.ip()),
        })
    }
}

fn text(id: &str, part: &str) -> Msg {
    Msg::new(format!("finding-{}-{part}", id.replace('.', "-")))
}

/// The words after a failure's name; nothing more is said where there are none.
fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(" ({words})") }
}

/// A URL as a word of a shell.
fn quoted(url: &str) -> String {
    format!("'{}'", url.replace('\'', "%27"))
}

/// Whether an address is this host's own.
pub fn is_local(run: &Run, address: IpAddr) -> bool {
    let addresses: Addresses = run.last("@netlink/addr").into_value().unwrap_or_default();
    address.is_loopback() || addresses.0.contains_key(&address)
}

/// Failures with their number, the most frequent first.
fn failed(tries: &[Try]) -> Vec<Failed> {
    let mut counts: BTreeMap<Failure, (usize, &str)> = BTreeMap::new();
    for (failure, words) in tries.iter().filter_map(|one| one.failure.as_ref()) {
        let count = counts.entry(*failure).or_default();
        *count = (count.0 + 1, words);
    }
    let mut failed: Vec<Failed> = counts
        .into_iter()
        .map(|(failure, (count, words))| Failed { failure, count, words: words.to_owned() })
        .collect();
    failed.sort_by_key(|failed| std::cmp::Reverse(failed.count));
    failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scope, Thresholds};
    use perfuse_format::RawSnapshot;

    fn one(phases_us: [Option<u64>; 5]) -> Try {
        Try { phases_us, status: Some(200), peer: "192.0.2.7:443".parse().ok(), bytes: 5, ..Try::default() }
    }

    fn answer(tries: Vec<Try>) -> (ProbeReport, Answer) {
        let probes = Probes { url: "https://shop.example/".to_owned(), end: None, tries };
        let snapshots = [1, 2].map(|at: u64| {
            let mut raw =
                RawSnapshot { mono_ns: at * 1_000_000_000, real_ns: at * 1_000_000_000, ..RawSnapshot::default() };
            raw.put(Probes::SOURCE, probes.to_bytes());
            raw
        });
        let mut run = Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap();
        let report = ProbeReport::of(&run).unwrap();
        let victim = report.victim(&run);
        let mut answer = Answer::build(&mut run, victim);
        report.add(&run, &mut answer);
        (report, answer)
    }

    #[test]
    fn the_phase_that_takes_the_time_is_named() {
        let tries = vec![one([Some(1000), Some(9000), Some(10_000), Some(400_000), Some(100)]); 3];
        let (report, answer) = answer(tries);
        assert!((report.total.unwrap().median - 0.4201).abs() < 1e-9);
        let first = &answer.causes[0];
        assert_eq!((first.finding.id, first.finding.severity), ("why.slow-url", Severity::Bottleneck));
        assert!(first.share > 0.9 && answer.healthy == Some(false));
        assert!(report.phases.iter().map(|phase| phase.share).sum::<f64>() > 0.999);
        assert_eq!(first.finding.advice[0].command.as_deref(), Some("perfuse why --port 443"));
    }

    #[test]
    fn a_quick_answer_is_no_finding_to_act_on() {
        let (_, answer) = answer(vec![one([Some(1000), Some(900), None, Some(4000), Some(100)])]);
        assert_eq!(answer.causes[0].finding.severity, Severity::Watch);
        assert_eq!(answer.healthy, Some(true));
    }

    #[test]
    fn failures_come_first() {
        let mut bad = one([Some(1000), Some(900), Some(5), None, None]);
        bad.failure = Some((Failure::Certificate, "expired".to_owned()));
        let (report, answer) = answer(vec![bad.clone(), bad]);
        assert_eq!((report.bad(), report.total), (2, None));
        assert_eq!((answer.causes[0].finding.id, answer.causes.len()), ("why.failing-url", 1));
        assert_eq!(answer.healthy, Some(false));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let spread = Spread::of((1..=200).map(|us| us * 1_000_000).collect()).unwrap();
        assert_eq!(spread, Spread { min: 1.0, median: 100.0, p99: 198.0 });
        assert_eq!(Spread::of(vec![]), None);
    }
}
