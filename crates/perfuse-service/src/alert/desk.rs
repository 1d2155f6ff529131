//! What is to be told to whom, and when: a state machine without a clock and without words.
//!
//! It takes what is known of the components, as events or as a whole, and holds for each of them a case while there is
//! something to tell. Every receiver of a case gets a first notice some seconds after it began, so that what comes
//! together is told together, or later if the cause is still looked for; then one whenever it became worse or its cause
//! is known, one after each `repeat`, and one when it is over. A component that is held by another has no case while that
//! one has; one in maintenance has none. What was told is remembered over a restart.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_analyze::status::{Event, State, What, slo};
use serde::{Deserialize, Serialize};

use super::notice::{Named, Notice, Phase, Severity, Subject};

/// How long is waited for what, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For more of the same, before something is told.
    pub group: u64,
    /// For a cause, from the beginning of the case to its first notice.
    pub cause: u64,
    /// For what holds a component to go out itself: after that the held one is told of by itself. A failure or two of the
    /// one must not hide an outage of the other. Not so if the one is in maintenance.
    pub held: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { group: 5_000, cause: 20_000, held: 120_000 }
    }
}

/// A time on both clocks: what is told is told in the time of day, what is waited for must not depend on its jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds since 1970 in UTC.
    pub wall: u64,
    /// Milliseconds of a clock that never jumps.
    pub steady: u64,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Name in the configuration.
    pub name: String,
    /// Components of which it is told; empty for all.
    pub components: Vec<String>,
    /// Whether it is told of the end.
    pub resolve: bool,
    /// Milliseconds after which it is told again of what lasts.
    pub repeat: Option<u64>,
    /// Milliseconds after which it gets a sign of life.
    pub refresh: Option<u64>,
}

/// What is known of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The component.
    pub component: Named,
    /// State.
    pub state: State,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// The component at the root of it.
    pub held_by: Option<String>,
    /// It changes its mind all the time.
    pub flapping: bool,
    /// In the order of [`slo::PAIRS`].
    pub burning: [bool; 3],
}

/// An incident that is not over, as far as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its name.
    pub id: String,
    /// The component.
    pub component: String,
    /// The first cause in English and Korean.
    pub cause: Option<(String, String)>,
}

/// What outlives a restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    components: BTreeMap<String, Component>,
    cases: Vec<Case>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Component {
    #[serde(flatten)]
    seen: Seen,
    /// Milliseconds since 1970 of the last event or view.
    time: u64,
    /// Pairs that began to burn while the component was out: that was told with the outage.
    explained: [bool; 3],
    /// Since when it is held, on the steady clock.
    #[serde(skip)]
    held_since: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Case {
    component: String,
    subject: Subject,
    /// Milliseconds since 1970.
    began: u64,
    ended: Option<u64>,
    worst: Severity,
    /// The last state that there was something to tell of.
    state: State,
    /// Nobody is told at the moment: it is held by another, or in maintenance.
    silent: bool,
    cause: Option<(String, String)>,
    incident: Option<String>,
    /// By receiver.
    told: BTreeMap<String, Told>,
    /// When it was opened here, on the steady clock.
    #[serde(skip)]
    opened: u64,
    /// When it last became worse, likewise.
    #[serde(skip)]
    changed: u64,
}

/// What a receiver was told of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    number: u32,
    worst: Severity,
    cause: bool,
    flapping: bool,
    burning: [bool; 3],
    /// When, in milliseconds since 1970.
    wall: u64,
    /// When, on the steady clock.
    #[serde(skip)]
    steady: u64,
    /// The last sign of life, likewise.
    #[serde(skip)]
    alive: u64,
}

/// How a component stands in one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// There is nothing to tell.
    Quiet,
    /// There is, but not now.
    Silent,
    /// Nothing is known: what was told before still stands.
    Unclear,
    /// It is to be told.
    Loud(Severity),
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Desk {
    receivers: Vec<Receiver>,
    waits: Waits,
    memory: Memory,
    /// Whether the memory is another one than when it was last taken.
    dirty: bool,
}

impl Desk {
    /// A desk with what an earlier one remembered.
    pub fn new(receivers: Vec<Receiver>, waits: Waits, mut memory: Memory, clock: Clock) -> Self {
        for case in &mut memory.cases {
            (case.opened, case.changed) = (clock.steady, clock.steady);
            for told in case.told.values_mut() {
                // A clock that was set back in between must not put the next notice off for ever.
                told.steady = clock.steady.saturating_sub(clock.wall.saturating_sub(told.wall));
                told.alive = 0;
            }
        }
        Self { receivers, waits, memory, dirty: false }
    }

    /// Takes other receivers. What those were told that are still there is remembered.
    pub fn reload(&mut self, receivers: Vec<Receiver>) {
        self.receivers = receivers;
        let names: BTreeSet<&str> = self.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        for case in &mut self.memory.cases {
            case.told.retain(|name, _| names.contains(name.as_str()));
        }
        self.dirty = true;
    }

    /// What has to be kept, if it changed since it was last taken.
    pub fn take_memory(&mut self) -> Option<&Memory> {
        std::mem::take(&mut self.dirty).then_some(&self.memory)
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event, clock: Clock) {
        let component = self.memory.components.entry(event.component.clone()).or_insert_with(|| Component::new(event));
        let seen = &mut component.seen;
        match &event.what {
            What::Changed { to, held_by, .. } => {
                (seen.state, seen.since, seen.held_by) = (*to, event.time, held_by.clone());
            }
            What::Held { by } => seen.held_by.clone_from(by),
            What::Flapping { now } => seen.flapping = *now,
            What::Burning { pair, now } => {
                if let Some(burning) = seen.burning.get_mut(*pair) {
                    *burning = *now;
                }
            }
            What::FirstFailure { .. } | What::Cleared | What::Ready { .. } => return,
        }
        component.time = component.time.max(event.time);
        self.settle(clock);
    }

    /// Takes everything that is known at a time: what no event told (none was there yet, or it was lost) counts now.
    /// What is older than an event that was taken is left out.
    pub fn see(&mut self, time: u64, all: Vec<Seen>, incidents: &[Known], clock: Clock) {
        let names: BTreeSet<&str> = all.iter().map(|seen| seen.component.name.as_str()).collect();
        let gone: Vec<String> =
            self.memory.components.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
        for name in gone {
            self.forget(&name, clock);
        }
        for seen in all {
            match self.memory.components.get_mut(&seen.component.name) {
                Some(component) if component.time > time => component.seen.component = seen.component,
                Some(component) => (component.seen, component.time) = (seen, time),
                None => {
                    let name = seen.component.name.clone();
                    let new = Component { seen, time, explained: [false; 3], held_since: None };
                    self.memory.components.insert(name, new);
                }
            }
        }
        self.settle(clock);
        for known in incidents {
            let of_it = |case: &&mut Case| case.subject == Subject::State && case.component == known.component;
            let Some(case) = self.memory.cases.iter_mut().find(of_it).filter(|case| case.ended.is_none()) else {
                continue;
            };
            if case.incident.as_ref() != Some(&known.id) {
                case.incident = Some(known.id.clone());
                self.dirty = true;
            }
            if case.cause.is_none() && known.cause.is_some() {
                case.cause.clone_from(&known.cause);
                case.changed = clock.steady;
                self.dirty = true;
            }
        }
    }

    /// A component is no longer in the configuration: its cases end.
    fn forget(&mut self, name: &str, clock: Clock) {
        self.memory.components.remove(name);
        for case in self.memory.cases.iter_mut().filter(|case| case.component == name && case.ended.is_none()) {
            case.ended = Some(clock.wall);
        }
        self.dirty = true;
    }

    /// Opens, changes and ends cases by what is known of the components.
    fn settle(&mut self, clock: Clock) {
        let names: Vec<String> = self.memory.components.keys().cloned().collect();
        for name in names {
            self.explain(&name, clock);
            for subject in [Subject::State, Subject::Budget] {
                let standing = self.standing(&name, subject, clock);
                self.stand(&name, subject, standing, clock);
            }
        }
    }

    /// Notes since when a component is held, and which burning its outage explains.
    fn explain(&mut self, name: &str, clock: Clock) {
        let told = self.case(name, Subject::Budget).is_some_and(|case| !case.told.is_empty());
        let Some(component) = self.memory.components.get_mut(name) else { return };
        let bad = component.seen.state.is_bad();
        for (explained, burning) in component.explained.iter_mut().zip(component.seen.burning) {
            *explained = burning && (*explained || bad && !told);
        }
        component.held_since = component.seen.held_by.as_ref().map(|_| component.held_since.unwrap_or(clock.steady));
    }

    fn case(&self, component: &str, subject: Subject) -> Option<&Case> {
        self.memory
            .cases
            .iter()
            .find(|case| case.component == component && case.subject == subject && case.ended.is_none())
    }

    fn standing(&self, name: &str, subject: Subject, clock: Clock) -> Standing {
        let Some(component) = self.memory.components.get(name) else { return Standing::Quiet };
        let seen = &component.seen;
        if seen.state == State::Maintenance {
            return Standing::Silent;
        }
        match subject {
            Subject::State if seen.state == State::Unknown => Standing::Unclear,
            Subject::State if seen.state.is_bad() && self.is_held(component, clock) => Standing::Silent,
            Subject::State => match seen.state {
                State::MajorOutage | State::PartialOutage => Standing::Loud(Severity::Critical),
                State::Degraded => Standing::Loud(Severity::Warning),
                _ if seen.flapping => Standing::Loud(Severity::Warning),
                _ => Standing::Quiet,
            },
            Subject::Budget => {
                let burning = |pair: &usize| seen.burning[*pair] && !component.explained[*pair];
                let severity = |pair: usize| if slo::PAIRS[pair].page { Severity::Critical } else { Severity::Warning };
                let worst = (0..3).filter(burning).map(severity);
                worst.max().map_or(Standing::Quiet, Standing::Loud)
            }
        }
    }

    /// Whether another one is told of in its place, or is in maintenance.
    fn is_held(&self, component: &Component, clock: Clock) -> bool {
        let Some(root) = &component.seen.held_by else { return false };
        let since = component.held_since.unwrap_or(clock.steady);
        self.is_out(root) || clock.steady < since.saturating_add(self.waits.held)
    }

    /// Whether a component is out or in maintenance.
    fn is_out(&self, name: &str) -> bool {
        let state = self.memory.components.get(name).map(|component| component.seen.state);
        state.is_some_and(|state| state.is_bad() || state == State::Maintenance)
    }

    /// When a component is told of by itself because what holds it only seems to fail; `None` when it is told of already.
    fn held_until(&self, component: &Component) -> Option<u64> {
        let seen = &component.seen;
        let root = seen.held_by.as_ref().filter(|_| seen.state.is_bad())?;
        let loud = self.case(&seen.component.name, Subject::State).is_some_and(|case| !case.silent);
        if loud || self.is_out(root) { None } else { Some(component.held_since?.saturating_add(self.waits.held)) }
    }

    /// The case of a component in one subject, after how it stands.
    fn stand(&mut self, name: &str, subject: Subject, standing: Standing, clock: Clock) {
        let seen = self.memory.components.get(name).map(|component| &component.seen);
        let Some((state, since)) = seen.map(|seen| (seen.state, seen.since)) else { return };
        let of_it = |case: &Case| case.component == name && case.subject == subject && case.ended.is_none();
        let Some(place) = self.memory.cases.iter().position(of_it) else {
            if let Standing::Loud(worst) = standing {
                let began = if subject == Subject::State && state.is_bad() { since } else { clock.wall };
                self.memory.cases.push(Case {
                    component: name.to_owned(),
                    subject,
                    began: began.min(clock.wall),
                    ended: None,
                    worst,
                    state,
                    silent: false,
                    cause: None,
                    incident: None,
                    told: BTreeMap::new(),
                    opened: clock.steady,
                    changed: clock.steady,
                });
                self.dirty = true;
            }
            return;
        };
        let case = &mut self.memory.cases[place];
        let before = (case.worst, case.state, case.silent, case.ended);
        match standing {
            Standing::Unclear => {}
            // Nobody heard of it yet, and nobody is to.
            Standing::Silent if case.told.is_empty() => {
                self.memory.cases.remove(place);
                self.dirty = true;
                return;
            }
            Standing::Silent => case.silent = true,
            Standing::Quiet => case.ended = Some(clock.wall),
            Standing::Loud(severity) => {
                (case.silent, case.state) = (false, state);
                if severity > case.worst {
                    (case.worst, case.changed) = (severity, clock.steady);
                }
            }
        }
        self.dirty |= before != (case.worst, case.state, case.silent, case.ended);
    }

    /// All notices whose time has come, each with the name of its receiver.
    pub fn turn(&mut self, clock: Clock) -> Vec<(String, Notice)> {
        self.settle(clock);
        let mut out = Vec::new();
        for place in 0..self.memory.cases.len() {
            for receiver in 0..self.receivers.len() {
                let receiver = &self.receivers[receiver];
                let case = &self.memory.cases[place];
                if !self.concerns(receiver, case) {
                    continue;
                }
                let (name, due) = (receiver.name.clone(), self.due(receiver, case, clock));
                for phase in due {
                    let notice = self.tell(place, &name, phase, clock);
                    out.push((name.clone(), notice));
                }
            }
        }
        let before = self.memory.cases.len();
        self.memory.cases.retain(|case| case.ended.is_none());
        self.dirty |= before != self.memory.cases.len() || out.iter().any(|(_, notice)| notice.phase != Phase::Refresh);
        out
    }

    /// The steady time of the next turn, if nothing happens before.
    pub fn next(&self) -> Option<u64> {
        let cases = self.memory.cases.iter().flat_map(|case| {
            let concerned = self.receivers.iter().filter(|receiver| self.concerns(receiver, case));
            concerned.filter_map(|receiver| self.when(receiver, case).into_iter().map(|(time, _)| time).min())
        });
        cases.chain(self.memory.components.values().filter_map(|component| self.held_until(component))).min()
    }

    /// Whether a receiver is to be told of a case: of its component, or of one that does not work because of it.
    fn concerns(&self, receiver: &Receiver, case: &Case) -> bool {
        let named = |name: &str| receiver.components.is_empty() || receiver.components.iter().any(|one| one == name);
        named(&case.component)
            || case.told.contains_key(&receiver.name)
            || case.subject == Subject::State
                && self.affected(&case.component).any(|held| named(&held.seen.component.name))
    }

    /// The components that do not work because of one.
    fn affected<'a>(&'a self, root: &'a str) -> impl Iterator<Item = &'a Component> {
        let held =
            |component: &&Component| component.seen.state.is_bad() && component.seen.held_by.as_deref() == Some(root);
        self.memory.components.values().filter(held)
    }

    /// What is to be told to a receiver now.
    fn due(&self, receiver: &Receiver, case: &Case, clock: Clock) -> Vec<Phase> {
        if case.ended.is_some() {
            let told = case.told.contains_key(&receiver.name);
            if !told && case.silent {
                return Vec::new();
            }
            // What was over before it was told is told all the same: it was there.
            let first = (!told).then_some(Phase::Firing);
            return first.into_iter().chain(receiver.resolve.then_some(Phase::Resolved)).collect();
        }
        let due = self.when(receiver, case).into_iter().filter(|(time, _)| *time <= clock.steady);
        due.map(|(_, phase)| phase).take(1).collect()
    }

    /// When a receiver is to be told what of a case that lasts, the more important first.
    fn when(&self, receiver: &Receiver, case: &Case) -> Vec<(u64, Phase)> {
        if case.silent || case.ended.is_some() {
            return Vec::new();
        }
        let Some(told) = case.told.get(&receiver.name) else {
            let waits = case.subject == Subject::State && case.state.is_bad() && case.cause.is_none();
            return vec![(
                case.opened.saturating_add(if waits { self.waits.cause } else { self.waits.group }),
                Phase::Firing,
            )];
        };
        let seen = self.memory.components.get(&case.component).map(|component| &component.seen);
        let flaps = seen.is_some_and(|seen| seen.flapping);
        let burns = seen.is_some_and(|seen| (0..3).any(|pair| seen.burning[pair] && !told.burning[pair]));
        let news = case.worst > told.worst
            || case.cause.is_some() && !told.cause
            || flaps && !told.flapping && case.subject == Subject::State
            || burns && case.subject == Subject::Budget;
        let mut due = Vec::new();
        if news {
            due.push((case.changed.max(told.steady).saturating_add(self.waits.group), Phase::Update));
        }
        due.extend(receiver.repeat.map(|repeat| (told.steady.saturating_add(repeat), Phase::Repeat)));
        due.extend(receiver.refresh.map(|refresh| {
            // After a restart nobody knows when the last one was.
            (if told.alive == 0 { 0 } else { told.alive.saturating_add(refresh) }, Phase::Refresh)
        }));
        due
    }

    /// Makes a notice, and remembers that the receiver has it.
    fn tell(&mut self, place: usize, receiver: &str, phase: Phase, clock: Clock) -> Notice {
        let case = &self.memory.cases[place];
        let seen = self.memory.components.get(&case.component).map(|component| &component.seen);
        let named =
            || Named { name: case.component.clone(), title: case.component.clone(), title_ko: case.component.clone() };
        let (before, over) = (case.told.get(receiver), phase == Phase::Resolved);
        let number = before.map_or(0, |told| told.number) + u32::from(phase != Phase::Refresh);
        let subject = match case.subject {
            Subject::State => "state",
            Subject::Budget => "budget",
        };
        let notice = Notice {
            key: format!("{}.{subject}.{}", case.component, case.began),
            number,
            phase,
            subject: case.subject,
            component: seen.map_or_else(named, |seen| seen.component.clone()),
            // A component of which nothing is known any more has left the configuration.
            state: if over { seen.map_or(State::Unknown, |seen| seen.state) } else { case.state },
            worst: case.worst,
            began: case.began,
            at: clock.wall,
            ended: case.ended.filter(|_| over),
            flapping: seen.is_some_and(|seen| seen.flapping),
            burning: seen.map_or([false; 3], |seen| seen.burning),
            affected: self.affected(&case.component).map(|held| held.seen.component.clone()).collect(),
            cause: case.cause.clone(),
            incident: case.incident.clone(),
        };
        let told = Told {
            number,
            worst: case.worst,
            cause: case.cause.is_some(),
            flapping: notice.flapping || before.is_some_and(|told| told.flapping),
            burning: notice.burning,
            wall: clock.wall,
            steady: clock.steady,
            alive: clock.steady,
        };
        let case = &mut self.memory.cases[place];
        match case.told.get_mut(receiver).filter(|_| phase == Phase::Refresh) {
            Some(known) => known.alive = clock.steady,
            None => drop(case.told.insert(receiver.to_owned(), told)),
        }
        notice
    }
}

impl Component {
    /// A component of which only an event is known; its titles come with the next view.
    fn new(event: &Event) -> Self {
        let name = &event.component;
        let component = Named { name: name.clone(), title: name.clone(), title_ko: name.clone() };
        Self {
            seen: Seen {
                component,
                state: State::Unknown,
                since: event.time,
                held_by: None,
                flapping: false,
                burning: [false; 3],
            },
            time: event.time,
            explained: [false; 3],
            held_since: None,
        }
    }
}
