//! Watching the listeners of this host without connecting to any: what happens without a configuration.
//!
//! Each TCP port that somebody listens at is a component, `tcp-PORT`, once it was there at two looks:
//!
//! - It is well while at least one socket listens there.
//! - It is slow while the queue of connections that wait to be accepted is full, and when connection requests were
//!   dropped at it since the last look.
//! - It fails when nobody listens there any more. With three looks that fail it is a major outage.
//! - One that was there for less than ten minutes altogether, or whose port is one of those that the kernel gives to
//!   whoever asks for any, goes without notice: such ports are of tools and of tests.
//! - One that has not come back for a day is no longer watched.
//!
//! Where listeners cannot be seen, nothing is known. What was watched is kept over a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use perfuse_analyze::Msg;
use perfuse_analyze::listening::Listening;
use perfuse_analyze::status::{CheckPlan, ComponentPlan, Impact, Outcome};
use serde::{Deserialize, Serialize};

/// Milliseconds between two looks.
pub(super) const EVERY: u64 = 5000;
/// The name of the check of every listener.
pub(super) const CHECK: &str = "listening";
/// Milliseconds for which one must have been there for its going to be noticed.
const SETTLED: u64 = 10 * 60_000;
/// Milliseconds after which one that is gone is no longer watched.
const FORGOTTEN: u64 = 24 * 3_600_000;
/// Ports that are watched at most, the lowest first.
const MOST: usize = 200;

/// One port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Port {
    /// Who was the last to listen there.
    owner: Option<String>,
    /// Looks that have seen it, up to two.
    looks: u8,
    /// Milliseconds for which it was there altogether.
    there: u64,
    /// When it was seen for the last time, in milliseconds since 1970.
    seen: u64,
    /// Requests dropped so far, by the kernel's number of the socket.
    #[serde(skip)]
    drops: BTreeMap<u64, u32>,
}

/// One observation of one port.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// The name of the component.
    pub(super) component: String,
    pub(super) outcome: Outcome,
    pub(super) message: Msg,
    /// Connections that wait.
    pub(super) value: Option<f64>,
}

/// All that are watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listeners {
    ports: BTreeMap<u16, Port>,
    /// When somebody looked last.
    #[serde(skip)]
    looked: Option<u64>,
}

impl Listeners {
    /// Looks, at a time in milliseconds since 1970. `ephemeral` are the ports that the kernel gives to whoever asks for
    /// any; `own` those at which the daemon itself listens.
    pub(super) fn look(
        &mut self,
        found: &[Listening],
        ephemeral: (u16, u16),
        own: &BTreeSet<u16>,
        time: u64,
    ) -> Vec<Seen> {
        let mut by_port: BTreeMap<u16, Vec<&Listening>> = BTreeMap::new();
        for one in found.iter().filter(|one| !own.contains(&one.address.port())) {
            by_port.entry(one.address.port()).or_default().push(one);
        }
        // A pause, as that of a machine asleep, is no time in which anything was there.
        let passed = self.looked.map_or(0, |looked| time.saturating_sub(looked).min(4 * EVERY));
        self.looked = Some(time);
        for port in by_port.keys() {
            if self.ports.len() < MOST {
                let new = || Port { owner: None, looks: 0, there: 0, seen: time, drops: BTreeMap::new() };
                self.ports.entry(*port).or_insert_with(new);
            }
        }
        let mut seen = Vec::new();
        let mut gone = Vec::new();
        for (number, port) in &mut self.ports {
            let name = name(*number);
            if let Some(sockets) = by_port.get(number) {
                let was_there = port.looks > 0;
                port.looks = port.looks.saturating_add(1).min(2);
                port.there = port.there.saturating_add(if was_there { passed } else { 0 });
                port.seen = time;
                let said = port.judge(sockets);
                if port.looks > 1 {
                    seen.push(Seen { component: name, ..said });
                }
            } else {
                let passing = (ephemeral.0..=ephemeral.1).contains(number) || port.there < SETTLED || port.looks < 2;
                if passing || time.saturating_sub(port.seen) > FORGOTTEN {
                    gone.push(*number);
                } else {
                    seen.push(port.absent(*number, name));
                }
            }
        }
        for number in gone {
            self.ports.remove(&number);
        }
        seen
    }

    /// The ports that are components now.
    fn shown(&self) -> impl Iterator<Item = (u16, &Port)> {
        self.ports.iter().filter(|(_, port)| port.looks > 1).map(|(number, port)| (*number, port))
    }

    /// What the state machine needs to know, and the names for people.
    pub(super) fn plans(&self) -> Vec<(ComponentPlan, String)> {
        let plan = |(number, port): (u16, &Port)| {
            let check = CheckPlan { impact: Impact::Major, stale_ms: 12 * EVERY, ..CheckPlan::new(CHECK) };
            let plan = ComponentPlan { name: name(number), checks: vec![check], ..ComponentPlan::default() };
            let title = match &port.owner {
                Some(owner) => format!("{owner} :{number}"),
                None => format!(":{number}"),
            };
            (plan, title)
        };
        self.shown().map(plan).collect()
    }
}

fn name(port: u16) -> String {
    format!("tcp-{port}")
}

impl Port {
    fn judge(&mut self, sockets: &[&Listening]) -> Seen {
        let owner = sockets.iter().find_map(|socket| socket.owner.clone());
        self.owner = owner.or_else(|| self.owner.take());
        let mut dropped = 0_u64;
        let mut drops = BTreeMap::new();
        for socket in sockets {
            let Some(now) = socket.drops else { continue };
            // What a new socket dropped, it dropped since the last look.
            let before = self.drops.get(&socket.cookie).copied();
            let before = before.unwrap_or(if self.drops.is_empty() { now } else { 0 });
            dropped += u64::from(now.wrapping_sub(before));
            drops.insert(socket.cookie, now);
        }
        self.drops = drops;
        let waiting: u64 = sockets.iter().map(|socket| u64::from(socket.waiting)).sum();
        let addresses: BTreeSet<SocketAddr> = sockets.iter().map(|socket| socket.address).collect();
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let full = sockets.iter().find(|socket| socket.is_full());
        let (outcome, message) = match (full, dropped) {
            (Some(full), _) => {
                let message = Msg::new("daemon-listener-full").with("backlog", u64::from(full.backlog));
                (Outcome::Slow, message.with("waiting", u64::from(full.waiting)))
            }
            (None, 1..) => (Outcome::Slow, Msg::new("daemon-listener-drops").with("count", dropped)),
            (None, 0) => {
                let message = Msg::new("daemon-listener").with("addresses", addresses.join(", "));
                (Outcome::Pass, message.with("owner", self.owner.clone().unwrap_or_else(|| "?".to_owned())))
            }
        };
        Seen { component: String::new(), outcome, message, value: Some(waiting as f64) }
    }

    fn absent(&mut self, number: u16, component: String) -> Seen {
        self.drops.clear();
        let owner = self.owner.clone().unwrap_or_else(|| "?".to_owned());
        let message = Msg::new("daemon-listener-gone").with("port", number.to_string()).with("owner", owner);
        Seen { component, outcome: Outcome::Fail, message, value: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(port: u16, waiting: u32, drops: u32) -> Listening {
        Listening {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            pid: Some(7),
            owner: Some("nginx".to_owned()),
            waiting,
            backlog: 128,
            drops: Some(drops),
            cookie: u64::from(port),
        }
    }

    const RANGE: (u16, u16) = (32768, 60999);

    /// Looks once every five seconds, and gives the outcomes of port 80 of each look.
    fn looks(listeners: &mut Listeners, from: u64, count: u64, found: &[Listening]) -> Vec<Option<Outcome>> {
        let each = (0..count).map(|look| {
            let seen = listeners.look(found, RANGE, &BTreeSet::from([7780]), from + look * EVERY);
            assert!(seen.iter().all(|seen| seen.component != "tcp-7780"), "its own port");
            seen.iter().find(|seen| seen.component == "tcp-80").map(|seen| seen.outcome)
        });
        each.collect()
    }

    #[test]
    fn one_that_stays_is_watched_and_missed() {
        let mut listeners = Listeners::default();
        let here = [listener(80, 0, 3), listener(7780, 0, 0)];
        assert_eq!(looks(&mut listeners, 0, 3, &here), [None, Some(Outcome::Pass), Some(Outcome::Pass)]);
        assert_eq!(listeners.plans().len(), 1);
        assert_eq!(listeners.plans()[0].1, "nginx :80");
        // Ten minutes later it is missed, and after a day forgotten.
        looks(&mut listeners, 3 * EVERY, 130, &here);
        assert_eq!(looks(&mut listeners, 133 * EVERY, 2, &[]), [Some(Outcome::Fail); 2]);
        let kept: Listeners = serde_json::from_str(&serde_json::to_string(&listeners).unwrap()).unwrap();
        assert_eq!(kept.plans(), listeners.plans());
        assert_eq!(looks(&mut listeners, 135 * EVERY, 1, &here), [Some(Outcome::Pass)]);
        assert_eq!(looks(&mut listeners, 136 * EVERY + FORGOTTEN, 1, &[]), [None]);
        assert!(listeners.plans().is_empty());
    }

    #[test]
    fn what_comes_and_goes_is_not_missed() {
        let mut listeners = Listeners::default();
        looks(&mut listeners, 0, 20, &[listener(80, 0, 0), listener(40000, 0, 0)]);
        assert_eq!(listeners.plans().len(), 2);
        assert_eq!(looks(&mut listeners, 20 * EVERY, 1, &[listener(40000, 0, 0)]), [None], "not ten minutes");
        looks(&mut listeners, 21 * EVERY, 200, &[listener(40000, 0, 0)]);
        assert_eq!(looks(&mut listeners, 221 * EVERY, 1, &[]), [None]);
        assert!(listeners.plans().is_empty(), "a port of the kernel's choice");
    }

    #[test]
    fn a_full_queue_and_drops_are_slow() {
        let mut listeners = Listeners::default();
        looks(&mut listeners, 0, 2, &[listener(80, 0, 3)]);
        for (waiting, drops, wanted) in
            [(0, 3, Outcome::Pass), (129, 3, Outcome::Slow), (0, 5, Outcome::Slow), (0, 5, Outcome::Pass)]
        {
            let outcome = looks(&mut listeners, 10 * EVERY, 1, &[listener(80, waiting, drops)]);
            assert_eq!(outcome, [Some(wanted)], "{waiting} {drops}");
        }
    }

    #[test]
    fn there_is_a_bound_on_how_many() {
        let mut listeners = Listeners::default();
        let many: Vec<Listening> = (1..2000).map(|port| listener(port, 0, 0)).collect();
        looks(&mut listeners, 0, 2, &many);
        assert_eq!(listeners.plans().len(), MOST);
    }
}
