//! One listener that is watched.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_analyze::listening::Listening;
use perfuse_analyze::status::Outcome;
use perfuse_analyze::{Msg, Quantity};
use serde::{Deserialize, Serialize};

use super::{Key, Kind, SETTLED, Seen};

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The name of its component.
    pub(super) name: String,
    /// Who was the last to have it.
    pub(super) owner: Option<String>,
    /// Looks that have seen it, up to two.
    looks: u8,
    /// Milliseconds for which it was there altogether.
    there: u64,
    /// When it was seen for the last time, in milliseconds since 1970.
    pub(super) seen: u64,
    /// Whether it is a component only once it was there for long.
    late: bool,
    /// What was dropped so far, by the kernel's number of the socket.
    #[serde(skip)]
    drops: BTreeMap<u64, u32>,
}

impl Entry {
    /// One that is new.
    pub(super) fn new(name: String, late: bool, time: u64) -> Self {
        Self { name, owner: None, looks: 0, there: 0, seen: time, late, drops: BTreeMap::new() }
    }

    /// Whether it is a component.
    pub(super) fn is_shown(&self) -> bool {
        self.looks > 1 && !(self.late && self.there < SETTLED)
    }

    /// Whether its going is nothing that anybody misses.
    pub(super) fn is_passing(&self, ephemeral: bool) -> bool {
        ephemeral || self.there < SETTLED || self.looks < 2
    }

    /// It is there, and was for `passed` milliseconds more if it was at the last look. Nothing while it is no component.
    pub(super) fn there(&mut self, key: &Key, sockets: &[&Listening], time: u64, passed: u64) -> Option<Seen> {
        let was_there = self.looks > 0;
        self.looks = self.looks.saturating_add(1).min(2);
        self.there = self.there.saturating_add(if was_there { passed } else { 0 });
        self.seen = time;
        let seen = self.judge(key, sockets);
        self.is_shown().then_some(seen)
    }

    /// Nobody has it any more.
    pub(super) fn absent(&mut self, key: &Key) -> Seen {
        self.drops.clear();
        let owner = self.owner.clone().unwrap_or_else(|| "?".to_owned());
        let message = match key {
            Key::Tcp(port) => Msg::new("daemon-listener-gone").with("port", port.to_string()).with("owner", owner),
            Key::Udp(port) => Msg::new("daemon-receiver-gone").with("port", port.to_string()).with("owner", owner),
            Key::Local(path) => Msg::new("daemon-local-gone").with("path", path.as_str()).with("owner", owner),
        };
        Seen { component: self.name.clone(), outcome: Outcome::Fail, message, value: None }
    }

    fn judge(&mut self, key: &Key, sockets: &[&Listening]) -> Seen {
        let owner = sockets.iter().find_map(|socket| socket.owner.clone());
        self.owner = owner.or_else(|| self.owner.take());
        let dropped = self.dropped(sockets);
        let waiting: u64 = sockets.iter().map(|socket| u64::from(socket.waiting)).sum();
        let (outcome, message) = match (sockets.iter().find(|socket| socket.is_full()), dropped) {
            (Some(socket), _) => (Outcome::Slow, full(key.kind(), socket)),
            (None, 1..) => {
                let id = if key.kind() == Kind::Udp { "daemon-receiver-drops" } else { "daemon-listener-drops" };
                (Outcome::Slow, Msg::new(id).with("count", dropped))
            }
            (None, 0) => (Outcome::Pass, self.well(key.kind(), sockets)),
        };
        Seen { component: self.name.clone(), outcome, message, value: Some(waiting as f64) }
    }

    fn well(&self, kind: Kind, sockets: &[&Listening]) -> Msg {
        let places: BTreeSet<_> = sockets.iter().map(|socket| &socket.place).collect();
        let places: Vec<String> = places.into_iter().map(ToString::to_string).collect();
        let id = if kind == Kind::Udp { "daemon-receiver" } else { "daemon-listener" };
        let owner = self.owner.clone().unwrap_or_else(|| "?".to_owned());
        Msg::new(id).with("addresses", places.join(", ")).with("owner", owner)
    }

    /// What was dropped since the last look.
    fn dropped(&mut self, sockets: &[&Listening]) -> u64 {
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
        dropped
    }
}

/// No more may wait there.
fn full(kind: Kind, socket: &Listening) -> Msg {
    let (waiting, room) = (socket.waiting, socket.room.unwrap_or_default());
    if kind == Kind::Udp {
        let bytes = |bytes: u32| Quantity::bytes(f64::from(bytes));
        return Msg::new("daemon-receiver-full").with("waiting", bytes(waiting)).with("room", bytes(room));
    }
    Msg::new("daemon-listener-full").with("backlog", u64::from(room)).with("waiting", u64::from(waiting))
}
