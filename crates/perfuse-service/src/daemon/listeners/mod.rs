//! Watching the listeners of this host without connecting to any: what happens without a configuration.
//!
//! Each TCP port that somebody listens at is a component (`tcp-80`), each UDP port at which somebody takes datagrams from
//! whoever sends any (`udp-53`), and those of the local sockets that listen which [`local`] chooses (`unix-docker.sock`), once
//! it was there at two looks:
//!
//! - It is well while at least one socket is there.
//! - It is slow while the queue of connections that wait to be accepted (the buffer of datagrams that wait to be read) is full,
//!   and when connection requests (datagrams) were dropped at it since the last look.
//! - It fails when nobody has it any more. With three looks that fail it is a major outage.
//! - One that was there for less than ten minutes altogether, or whose port is one of those that the kernel gives to
//!   whoever asks for any, goes without notice: such ports are of tools and of tests. A UDP port of those, which most often
//!   is a client's, is no component before it was there for ten minutes.
//! - One that has not come back for a day is no longer watched.
//!
//! Where listeners cannot be seen, nothing is known. What was watched is kept over a restart.

mod entry;
mod local;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use perfuse_analyze::Msg;
use perfuse_analyze::listening::{Listening, Look, Place};
use perfuse_analyze::status::{CheckPlan, ComponentPlan, Impact, Outcome};
use serde::{Deserialize, Serialize};

use super::sample::Looked;
use entry::Entry;

/// Milliseconds between two looks at TCP ports. The others are looked at when the sampler has read them again, every ten
/// seconds.
pub(super) const EVERY: u64 = 5000;
/// The name of the check of every listener.
pub(super) const CHECK: &str = "listening";
/// Milliseconds for which one must have been there for its going to be noticed.
const SETTLED: u64 = 10 * 60_000;
/// Milliseconds after which one that is gone is no longer watched.
const FORGOTTEN: u64 = 24 * 3_600_000;
/// TCP ports, and UDP ports, that are watched at most, the lowest first.
const MOST_PORTS: usize = 200;
/// Local sockets that are watched at most.
const MOST_LOCAL: usize = 40;

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Key {
    /// A TCP port.
    Tcp(u16),
    /// A UDP port.
    Udp(u16),
    /// A local socket, by its path or `@` and its name.
    Local(String),
}

/// The kinds, in the order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Udp,
    Local,
}

impl Key {
    fn kind(&self) -> Kind {
        match self {
            Self::Tcp(_) => Kind::Tcp,
            Self::Udp(_) => Kind::Udp,
            Self::Local(_) => Kind::Local,
        }
    }

    fn of(place: &Place) -> Self {
        match place {
            Place::Tcp(address) => Self::Tcp(address.port()),
            Place::Udp(address) => Self::Udp(address.port()),
            Place::Local(path) => Self::Local(path.clone()),
        }
    }

    /// The port, if it has one.
    fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(port) | Self::Udp(port) => Some(*port),
            Self::Local(_) => None,
        }
    }

    /// What people call it.
    fn shown(&self) -> String {
        match self {
            Self::Tcp(port) => format!(":{port}"),
            Self::Udp(port) => format!(":{port}/udp"),
            Self::Local(path) => local::title(path).to_owned(),
        }
    }
}

/// One observation of one listener.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// The name of the component.
    pub(super) component: String,
    pub(super) outcome: Outcome,
    pub(super) message: Msg,
    /// What waits: connections, or bytes.
    pub(super) value: Option<f64>,
}

/// One that is a component now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    /// What the state machine needs to know.
    pub(super) plan: ComponentPlan,
    /// What people call it.
    pub(super) title: String,
    /// What it stands among.
    pub(super) group: &'static str,
    /// Where it is, if the title does not tell all of it.
    pub(super) path: Option<String>,
}

/// What the daemon itself has open.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    /// The ports at which it listens.
    pub(super) ports: BTreeSet<u16>,
    /// The number of its process.
    pub(super) process: Option<u32>,
}

impl Own {
    /// Those of this process, which listens at these ports.
    pub(super) fn new(ports: BTreeSet<u16>) -> Self {
        Self { ports, process: Some(std::process::id()) }
    }

    fn has(&self, one: &Listening) -> bool {
        let port = matches!(one.place, Place::Tcp(address) if self.ports.contains(&address.port()));
        port || (one.pid.is_some() && one.pid == self.process)
    }
}

/// When one kind was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Last {
    /// Milliseconds since 1970.
    time: u64,
    /// When what was looked at had been read, in nanoseconds of the monotonic clock.
    read: u64,
}

/// All that are watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Key, Entry)>", into = "Vec<(Key, Entry)>")]
pub(super) struct Listeners {
    all: BTreeMap<Key, Entry>,
    last: [Option<Last>; 3],
}

impl From<Vec<(Key, Entry)>> for Listeners {
    fn from(kept: Vec<(Key, Entry)>) -> Self {
        Self { all: kept.into_iter().collect(), last: [None; 3] }
    }
}

impl From<Listeners> for Vec<(Key, Entry)> {
    fn from(listeners: Listeners) -> Self {
        listeners.all.into_iter().collect()
    }
}

impl Listeners {
    /// Looks, at a time in milliseconds since 1970. What was not read again since the last look says nothing new.
    pub(super) fn look(&mut self, looked: &Looked, own: &Own, time: u64) -> Vec<Seen> {
        let mut seen = Vec::new();
        for (kind, look) in [(Kind::Tcp, &looked.streams), (Kind::Udp, &looked.datagrams), (Kind::Local, &looked.local)]
        {
            let Some(look) = look else { continue };
            let last = &mut self.last[kind as usize];
            if last.is_some_and(|last| last.read == look.at_ns) {
                continue;
            }
            // A pause, as that of a machine asleep, is no time in which anything was there.
            let passed = last.map_or(0, |last| time.saturating_sub(last.time).min(4 * EVERY));
            *last = Some(Last { time, read: look.at_ns });
            self.look_at(kind, &found(kind, look, own), looked.ephemeral, (time, passed), &mut seen);
        }
        seen
    }

    /// Takes what is there as if it had been there for long: for one who looks only once.
    pub(super) fn settle(&mut self, looked: &Looked, own: &Own, time: u64) {
        self.look(looked, own, time);
        self.last = [None; 3];
    }

    fn look_at(
        &mut self,
        kind: Kind,
        found: &BTreeMap<Key, Vec<&Listening>>,
        ephemeral: (u16, u16),
        (time, passed): (u64, u64),
        seen: &mut Vec<Seen>,
    ) {
        self.begin(kind, found, ephemeral, time);
        let mut gone = Vec::new();
        for (key, entry) in self.all.iter_mut().filter(|(key, _)| key.kind() == kind) {
            if let Some(sockets) = found.get(key) {
                seen.extend(entry.there(key, sockets, time, passed));
            } else if entry.is_passing(is_ephemeral(key, ephemeral)) || time.saturating_sub(entry.seen) > FORGOTTEN {
                gone.push(key.clone());
            } else {
                seen.push(entry.absent(key));
            }
        }
        for key in gone {
            self.all.remove(&key);
        }
    }

    /// Begins to watch what is new, as far as there is room.
    fn begin(&mut self, kind: Kind, found: &BTreeMap<Key, Vec<&Listening>>, ephemeral: (u16, u16), time: u64) {
        let most = if kind == Kind::Local { MOST_LOCAL } else { MOST_PORTS };
        let mut room = most.saturating_sub(self.all.keys().filter(|key| key.kind() == kind).count());
        let mut new: Vec<&Key> = found.keys().filter(|key| !self.all.contains_key(key)).collect();
        // Ports stay in their order.
        new.sort_by_key(|key| if let Key::Local(path) = key { local::rank(path) } else { 0 });
        for key in new {
            if room == 0 {
                return;
            }
            room -= 1;
            let taken = |name: &str| self.all.values().any(|entry| entry.name == name);
            let name = match key {
                Key::Tcp(port) => format!("tcp-{port}"),
                Key::Udp(port) => format!("udp-{port}"),
                Key::Local(path) => local::name(path, taken),
            };
            let late = kind == Kind::Udp && is_ephemeral(key, ephemeral);
            self.all.insert(key.clone(), Entry::new(name, late, time));
        }
    }

    /// Those that are components now.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let shown = |(key, entry): (&Key, &Entry)| {
            let check = CheckPlan { impact: Impact::Major, stale_ms: 12 * EVERY, ..CheckPlan::new(CHECK) };
            let plan = ComponentPlan { name: entry.name.clone(), checks: vec![check], ..ComponentPlan::default() };
            let title = match &entry.owner {
                Some(owner) => format!("{owner} {}", key.shown()),
                None => key.shown(),
            };
            let (group, path) = match key {
                Key::Tcp(_) => ("TCP", None),
                Key::Udp(_) => ("UDP", None),
                Key::Local(path) => ("Unix", Some(path.clone())),
            };
            Shown { plan, title, group, path }
        };
        self.all.iter().filter(|(_, entry)| entry.is_shown()).map(shown).collect()
    }
}

/// What is there, by what it is watched as.
fn found<'l>(kind: Kind, look: &'l Look, own: &Own) -> BTreeMap<Key, Vec<&'l Listening>> {
    let mut found: BTreeMap<Key, Vec<&Listening>> = BTreeMap::new();
    for one in look.sockets.iter().filter(|one| !own.has(one)) {
        let key = Key::of(&one.place);
        let watched = match &key {
            Key::Local(path) => local::is_watched(path),
            Key::Tcp(_) | Key::Udp(_) => true,
        };
        if watched && key.kind() == kind {
            found.entry(key).or_default().push(one);
        }
    }
    found
}

fn is_ephemeral(key: &Key, (from, to): (u16, u16)) -> bool {
    key.port().is_some_and(|port| (from..=to).contains(&port))
}
