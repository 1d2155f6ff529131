//! The state machine of all components.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::slo::Events;
use super::sum::{self, Instances};
use super::uptime::Days;
use super::{AdHoc, Event, Observation, Plan, PlanError, SloView, State, What};

/// A time between two calls from which on nobody was watching: it counts as unknown. In milliseconds.
const UNWATCHED: u64 = 5 * 60_000;
/// Milliseconds after which an instance that says nothing is no longer one.
const GONE: u64 = 24 * 3_600_000;

/// What outlives a restart and a new configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The time up to which everything is accounted for, in milliseconds since 1970.
    now: u64,
    /// By name. Components that the configuration no longer has stay for the days that are shown.
    components: BTreeMap<String, Remembered>,
    /// Windows that were opened by hand.
    windows: Vec<AdHoc>,
    /// The number that the next window gets.
    next_window: u64,
}

/// What is remembered of one component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    /// By check, then by instance. As a list: keys of JSON objects cannot be absent.
    #[serde(with = "listed")]
    tracks: BTreeMap<String, Instances>,
    state: State,
    /// Since when, in milliseconds since 1970.
    since: u64,
    held_by: Option<String>,
    suspect: bool,
    flapping: bool,
    ready: Option<bool>,
    burning: [bool; 3],
    slo: Events,
    days: Days,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            tracks: BTreeMap::new(),
            state: State::Unknown,
            since: 0,
            held_by: None,
            suspect: false,
            flapping: false,
            ready: None,
            burning: [false; 3],
            slo: Events::default(),
            days: Days::default(),
        }
    }
}

/// One component, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// Name.
    pub name: String,
    /// State.
    pub state: State,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// The component at the root of it, when that is another one.
    pub held_by: Option<String>,
    /// A check has failed, but the state stands.
    pub suspect: bool,
    /// It changes its mind all the time.
    pub flapping: bool,
    /// Whether it is ready; `None` when nothing tells.
    pub ready: Option<bool>,
}

/// The state machine. Time is what the observations and the caller say; it never goes back: what claims to be earlier
/// than what was already accounted for counts as happening now.
#[derive(Debug, Clone)]
pub struct Engine {
    plan: Plan,
    /// Indices of the components, each after what it needs.
    order: Vec<usize>,
    memory: Memory,
}

impl Engine {
    /// An engine for a plan, with what an earlier one remembered.
    pub fn new(plan: Plan, memory: Memory) -> Result<Self, PlanError> {
        plan.check()?;
        let order = plan.order()?;
        let mut engine = Self { plan, order, memory };
        engine.adopt();
        Ok(engine)
    }

    /// Takes a new plan; the old one stays if the new one cannot be used. Components and checks that are in both keep
    /// their states.
    pub fn reload(&mut self, plan: Plan) -> Result<(), PlanError> {
        plan.check()?;
        self.order = plan.order()?;
        self.plan = plan;
        self.adopt();
        Ok(())
    }

    /// Makes room for what is new, and forgets the checks that are gone.
    fn adopt(&mut self) {
        let now = self.memory.now;
        for component in &self.plan.components {
            let fresh = || Remembered { since: now, ..Remembered::default() };
            let remembered = self.memory.components.entry(component.name.clone()).or_insert_with(fresh);
            remembered.tracks.retain(|check, _| component.checks.iter().any(|known| known.name == *check));
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What has to be kept.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Takes observations. Those of one time are taken in the order of their names, whatever order they came in.
    /// What a component or check of the plan does not have is left out.
    pub fn observe(&mut self, mut observations: Vec<Observation>) -> Vec<Event> {
        observations.sort();
        let mut events = Vec::new();
        for group in observations.chunk_by(|one, next| one.time == next.time) {
            let now = self.account(group[0].time);
            let mut failed = Vec::new();
            for observation in group {
                if self.take(observation, now) {
                    failed.push(observation);
                }
            }
            self.decide(now, &failed, &mut events);
        }
        events
    }

    /// Lets time pass, in milliseconds since 1970: silence becomes unknown, windows open and close.
    pub fn advance(&mut self, time: u64) -> Vec<Event> {
        let mut events = Vec::new();
        let now = self.account(time);
        self.decide(now, &[], &mut events);
        events
    }

    /// The clock was wrong and has been set back: from here on it is `time`, in milliseconds since 1970. Without this,
    /// time would stand still until the clock has caught up. What was accounted for stays where it was put.
    pub fn set_back(&mut self, time: u64) {
        if time >= self.memory.now {
            return;
        }
        self.memory.now = time;
        for remembered in self.memory.components.values_mut() {
            remembered.since = remembered.since.min(time);
            for track in remembered.tracks.values_mut().flat_map(BTreeMap::values_mut) {
                track.last = track.last.map(|last| last.min(time));
                track.heard = track.heard.map(|heard| heard.min(time));
            }
        }
    }

    /// Opens a window of maintenance by hand and gives its number. Empty `components` are all of them.
    pub fn start_maintenance(&mut self, components: Vec<String>, start: u64, end: Option<u64>, reason: String) -> u64 {
        self.memory.next_window += 1;
        let id = self.memory.next_window;
        self.memory.windows.push(AdHoc { id, components, start, end, reason });
        id
    }

    /// Closes a window at a time. Whether there was one open.
    pub fn stop_maintenance(&mut self, id: u64, time: u64) -> bool {
        let open = |window: &&mut AdHoc| window.id == id && window.end.is_none_or(|end| end > time);
        let window = self.memory.windows.iter_mut().find(open);
        window.map(|window| window.end = Some(time)).is_some()
    }

    /// The windows that were opened by hand, those that ended in the last 90 days included.
    pub fn windows(&self) -> &[AdHoc] {
        &self.memory.windows
    }

    /// Whether a component is in maintenance at a time, by hand or by the calendar.
    pub fn in_maintenance(&self, component: &str, time: u64) -> bool {
        self.memory.windows.iter().any(|window| window.holds(component, time))
            || self.plan.maintenance.iter().any(|window| window.holds(component, time))
    }

    /// All components, in the order of the plan.
    pub fn views(&self) -> Vec<View> {
        self.plan.components.iter().filter_map(|component| self.view(&component.name)).collect()
    }

    /// One component of the plan.
    pub fn view(&self, name: &str) -> Option<View> {
        let plan = self.plan.components.iter().find(|component| component.name == name)?;
        let remembered = self.memory.components.get(&plan.name)?;
        Some(View {
            name: plan.name.clone(),
            state: remembered.state,
            since: remembered.since,
            held_by: remembered.held_by.clone(),
            suspect: remembered.suspect,
            flapping: remembered.flapping,
            ready: remembered.ready,
        })
    }

    /// The tracks of a component by check and instance.
    pub fn tracks(&self, component: &str) -> Option<&BTreeMap<String, BTreeMap<Option<String>, super::Track>>> {
        self.memory.components.get(component).map(|remembered| &remembered.tracks)
    }

    /// The days of a component.
    pub fn days(&self, component: &str) -> Option<&Days> {
        self.memory.components.get(component).map(|remembered| &remembered.days)
    }

    /// The objective of a component, if it has one.
    pub fn slo(&self, component: &str) -> Option<SloView> {
        let plan = self.plan.components.iter().find(|one| one.name == component)?.slo.as_ref()?;
        Some(self.memory.components.get(component)?.slo.view(self.memory.now, plan))
    }

    /// Accounts for the time up to `time` in the states of now; gives the time that it is.
    fn account(&mut self, time: u64) -> u64 {
        let (from, to) = (self.memory.now, self.memory.now.max(time));
        self.memory.now = to;
        if from == 0 || from == to {
            return to;
        }
        let watched = if to - from > UNWATCHED { from } else { to };
        let offset = self.plan.day_offset;
        for component in &self.plan.components {
            if let Some(remembered) = self.memory.components.get_mut(&component.name) {
                remembered.days.add(from, watched, remembered.state, offset);
                // Planned work was planned whether or not anyone was watching.
                let unwatched = match remembered.state {
                    State::Maintenance => State::Maintenance,
                    _ => State::Unknown,
                };
                remembered.days.add(watched, to, unwatched, offset);
            }
        }
        to
    }

    /// Takes one observation. True if it is a failure where there was none.
    fn take(&mut self, observation: &Observation, now: u64) -> bool {
        let maintenance = self.in_maintenance(&observation.component, now);
        let Some(plan) = self.plan.components.iter().find(|one| one.name == observation.component) else {
            return false;
        };
        let Some(check) = plan.checks.iter().find(|check| check.name == observation.check) else { return false };
        let Some(remembered) = self.memory.components.get_mut(&observation.component) else { return false };
        if let Some(slo) = plan.slo.as_ref().filter(|_| !maintenance) {
            remembered.slo.add(now, observation.outcome, slo);
        }
        let instances = remembered.tracks.entry(check.name.clone()).or_default();
        let track = instances.entry(observation.instance.clone()).or_default();
        // What was silent for too long is forgotten before it speaks again.
        track.age(now, check);
        let before = track.trouble;
        track.observe(now, observation.outcome, observation.ready, check);
        track.trouble && !before
    }

    /// Draws the conclusions at a time: states, and who is at the root of whose.
    fn decide(&mut self, now: u64, failed: &[&Observation], events: &mut Vec<Event>) {
        let kept = 90 * 24 * 3_600_000;
        self.memory.windows.retain(|window| window.end.is_none_or(|end| now.saturating_sub(end) < kept));
        // Those that are at a root themselves, or are held by one: what needs them is held by the same.
        let mut roots: BTreeMap<String, String> = BTreeMap::new();
        for place in self.order.clone() {
            let maintenance = self.in_maintenance(&self.plan.components[place].name, now);
            let plan = &self.plan.components[place];
            let Some(remembered) = self.memory.components.get_mut(&plan.name) else { continue };
            for (check, instances) in &mut remembered.tracks {
                let Some(check) = plan.checks.iter().find(|known| known.name == *check) else { continue };
                for track in instances.values_mut() {
                    track.age(now, check);
                }
            }
            remembered.drop_gone(now);
            let new = Conclusion {
                state: if maintenance { State::Maintenance } else { sum::state(plan, &remembered.tracks) },
                suspect: !maintenance && remembered.all().any(|track| track.trouble),
                flapping: !maintenance && remembered.all().any(|track| track.flapping),
                ready: sum::ready(&remembered.tracks),
                burning: match &plan.slo {
                    Some(slo) if !maintenance => remembered.slo.view(now, slo).burns.map(|burn| burn.burning),
                    _ => [false; 3],
                },
                held_by: plan.needs.iter().find_map(|needed| roots.get(needed)).cloned(),
            };
            let bad = new.state.is_bad();
            if maintenance || bad || new.suspect {
                let root = if maintenance { None } else { new.held_by.clone() };
                roots.insert(plan.name.clone(), root.unwrap_or_else(|| plan.name.clone()));
            }
            let new = Conclusion { held_by: new.held_by.filter(|_| bad), ..new };
            let first = failed.iter().find(|observation| observation.component == plan.name);
            remembered.conclude(now, &plan.name, new, first.copied(), events);
        }
    }
}

/// What the checks of a component say at a time.
struct Conclusion {
    state: State,
    held_by: Option<String>,
    suspect: bool,
    flapping: bool,
    ready: Option<bool>,
    burning: [bool; 3],
}

impl Remembered {
    fn all(&self) -> impl Iterator<Item = &super::Track> {
        self.tracks.values().flat_map(BTreeMap::values)
    }

    /// Forgets instances that have said nothing for a day.
    fn drop_gone(&mut self, now: u64) {
        for instances in self.tracks.values_mut() {
            instances.retain(|instance, track| {
                let heard = *track.heard.get_or_insert(now);
                instance.is_none() || now.saturating_sub(heard) < GONE
            });
        }
    }

    /// Takes over the conclusion and tells what is new in it.
    fn conclude(
        &mut self,
        now: u64,
        name: &str,
        new: Conclusion,
        first: Option<&Observation>,
        events: &mut Vec<Event>,
    ) {
        let mut tell = |what: What| events.push(Event { time: now, component: name.to_owned(), what });
        if new.suspect && !self.suspect {
            // Without an observation it is a window that closed over a failure that was there.
            let (check, instance) = match first {
                Some(first) => (first.check.clone(), first.instance.clone()),
                None => self.troubled().unwrap_or_default(),
            };
            tell(What::FirstFailure { check, instance });
        }
        if new.state != self.state {
            tell(What::Changed { from: self.state, to: new.state, held_by: new.held_by.clone() });
            self.since = now;
        } else if new.held_by != self.held_by {
            tell(What::Held { by: new.held_by.clone() });
        }
        if new.flapping != self.flapping {
            tell(What::Flapping { now: new.flapping });
        }
        if new.ready != self.ready {
            tell(What::Ready { now: new.ready });
        }
        for (pair, burning) in new.burning.into_iter().enumerate().filter(|(pair, now)| self.burning[*pair] != *now) {
            tell(What::Burning { pair, now: burning });
        }
        // Last: whoever releases what was kept has by then heard of the return.
        if self.suspect && !new.suspect {
            tell(What::Cleared);
        }
        let Conclusion { state, held_by, suspect, flapping, ready, burning } = new;
        (self.state, self.held_by, self.suspect) = (state, held_by, suspect);
        (self.flapping, self.ready, self.burning) = (flapping, ready, burning);
    }

    /// The first check and instance that are in trouble.
    fn troubled(&self) -> Option<(String, Option<String>)> {
        self.tracks.iter().find_map(|(check, instances)| {
            let (instance, _) = instances.iter().find(|(_, track)| track.trouble)?;
            Some((check.clone(), instance.clone()))
        })
    }
}

/// Tracks as a list of (check, instance, track).
mod listed {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Instances;
    use crate::status::Track;

    pub(super) fn serialize<S: Serializer>(tracks: &BTreeMap<String, Instances>, to: S) -> Result<S::Ok, S::Error> {
        let each = tracks
            .iter()
            .flat_map(|(check, instances)| instances.iter().map(move |(instance, track)| (check, instance, track)));
        to.collect_seq(each)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Instances>, D::Error> {
        let mut tracks: BTreeMap<String, Instances> = BTreeMap::new();
        for (check, instance, track) in Vec::<(String, Option<String>, Track)>::deserialize(from)? {
            tracks.entry(check).or_default().insert(instance, track);
        }
        Ok(tracks)
    }
}
