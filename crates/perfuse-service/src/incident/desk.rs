//! The thread that writes incidents.
//!
//! ```text
//! first failure        the ring is frozen
//! left "operational"   the incident is written at once, a closer look begins (six seconds)
//! looked               causes are ranked, the incident is written again with its captures
//! recovered            its end is written; a minute later, the comparison
//! ```
//!
//! Components that fail together share one look. A component that only waits for another one gets no incident of its own:
//! its events stand in the timeline of the one at the root.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use perfuse_analyze::Thresholds;
use perfuse_analyze::status::{Event, State, What};
use perfuse_collect::usage;
use perfuse_format::RawSnapshot;
use serde_json::Value;

use super::answer::{self, Answered};
use super::compare::{self, Times};
use super::recorded::{self, Circumstances};
use super::subject::Subject;
use super::{Incident, id};
use crate::ring::{Look, Ring};
use crate::store::Reader;

pub use super::compare::AFTER;

/// How long a closer look takes. With what comes before and after it, an answer is there in less than 20 seconds.
pub const LOOK: Duration = Duration::from_secs(6);
/// A component that fails while a look has run for no longer than this joins it.
const JOIN: Duration = Duration::from_secs(3);
/// Seconds before the first failure from which on what applications said may be the cause.
const LEAD: Duration = Duration::from_secs(15);
/// Nanoseconds before the first failure from which on a recording is about it: the check waited for its answer.
const LEAD_NS: u64 = 5_000_000_000;
/// Events of a timeline at most: a component that flaps for days has thousands.
const TIMELINE: usize = 200;

/// Writes an incident with what was captured, durably. Called on the thread of the incidents.
pub type Keep = Box<dyn Fn(&Incident, Vec<(String, Vec<u8>)>) + Send>;

/// What the thread needs.
pub struct Options {
    /// The ring.
    pub ring: Ring,
    /// Thresholds of the rules.
    pub thresholds: Thresholds,
    /// The components.
    pub subjects: Vec<Subject>,
    /// Incidents that were open when the daemon ended, and those that were over and are not compared yet.
    pub open: Vec<Incident>,
    /// The store, for the comparison.
    pub reader: Reader,
    /// Writes.
    pub keep: Keep,
    /// How long a closer look takes: [`LOOK`], but for tests.
    pub look: Duration,
    /// How much of the time after the recovery is compared: [`AFTER`], but for tests.
    pub after: Duration,
}

enum Message {
    Events(Vec<Event>),
    Subjects(Vec<Subject>),
    Looked(Box<Look>),
    Stop,
}

/// The way to the thread; cheap to copy. The thread ends when all of them are gone.
#[derive(Clone)]
pub struct Incidents(Arc<Inbox>);

struct Inbox(Sender<Message>);

impl Drop for Inbox {
    fn drop(&mut self) {
        // A thread that has ended already needs not be told.
        let _ = self.0.send(Message::Stop);
    }
}

impl Incidents {
    /// Starts the thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let (to, inbox) = channel();
        let (thresholds, length) = (options.thresholds.clone(), options.look);
        let back = to.clone();
        let looker = move || {
            let (to, thresholds) = (back.clone(), thresholds.clone());
            let run = move || {
                // Whoever waited may be gone.
                let _ = to.send(Message::Looked(Box::new(Look::take(&thresholds, length))));
            };
            std::thread::Builder::new().name("look".to_owned()).spawn(run).map(drop)
        };
        let desk = Desk::new(options, Box::new(looker));
        std::thread::Builder::new().name("incidents".to_owned()).spawn(move || desk.run(&inbox))?;
        Ok(Self(Arc::new(Inbox(to))))
    }

    /// What happened to components, in the order in which it did.
    pub fn events(&self, events: Vec<Event>) {
        self.send(Message::Events(events));
    }

    /// The components of a new configuration.
    pub fn subjects(&self, subjects: Vec<Subject>) {
        self.send(Message::Subjects(subjects));
    }

    fn send(&self, message: Message) {
        // Only a thread that has died takes nothing; then no incident is written, which its absence shows.
        let _ = self.0.0.send(message);
    }
}

/// Begins a look, whose end is a message.
type Looker = Box<dyn Fn() -> io::Result<()> + Send>;

/// A look that is under way.
struct Looking {
    since: Instant,
    /// Ids of the incidents that wait for it.
    incidents: Vec<String>,
}

struct Desk {
    ring: Ring,
    thresholds: Thresholds,
    subjects: BTreeMap<String, Subject>,
    reader: Reader,
    keep: Keep,
    looker: Looker,
    /// Components whose check has failed for the first time: when, and what happened since.
    suspects: BTreeMap<String, (u64, Vec<Event>)>,
    /// The last known state of each component, and the component at its root.
    states: BTreeMap<String, (State, Option<String>)>,
    /// By id: those that are open, and those whose comparison is still to come.
    incidents: BTreeMap<String, (Incident, Instant)>,
    /// The open incident of a component.
    current: BTreeMap<String, String>,
    looking: Option<Looking>,
    waiting: Vec<String>,
    comparisons: Vec<(Instant, String)>,
    after: Duration,
}

impl Desk {
    fn new(options: Options, looker: Looker) -> Self {
        let now = Instant::now();
        // The daemon may have ended in the minute after a recovery.
        let over = options.open.iter().filter(|one| one.ended.is_some());
        let comparisons = over.map(|one| (now + options.after, one.id.clone())).collect();
        let open = || options.open.iter().filter(|one| one.ended.is_none());
        let current = open().map(|open| (open.component.clone(), open.id.clone())).collect();
        let state = |open: &Incident| (open.component.clone(), (open.worst, None));
        let mut desk = Self {
            ring: options.ring,
            thresholds: options.thresholds,
            subjects: BTreeMap::new(),
            reader: options.reader,
            keep: options.keep,
            looker,
            suspects: BTreeMap::new(),
            states: open().map(state).collect(),
            current,
            incidents: options.open.into_iter().map(|open| (open.id.clone(), (open, now))).collect(),
            looking: None,
            waiting: Vec::new(),
            comparisons,
            after: options.after,
        };
        desk.take_subjects(options.subjects);
        desk
    }

    fn run(mut self, inbox: &Receiver<Message>) {
        // The daemon may have ended before it had an answer.
        let unanswered = self
            .incidents
            .values()
            .map(|(incident, _)| incident)
            .filter(|one| one.why.is_none() && one.ended.is_none());
        for id in unanswered.map(|incident| incident.id.clone()).collect::<Vec<_>>() {
            self.want_look(id);
        }
        loop {
            let next = self.comparisons.iter().map(|(at, _)| *at).min();
            let wait = next.map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(Instant::now()));
            match inbox.recv_timeout(wait) {
                Ok(Message::Events(events)) => events.into_iter().for_each(|event| self.event(event)),
                Ok(Message::Subjects(subjects)) => self.take_subjects(subjects),
                Ok(Message::Looked(look)) => {
                    self.looked(&look);
                    drop(look);
                    // Symbols and snapshots of a whole host are needed once in a long while.
                    usage::give_back_memory();
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.compare_due();
        }
    }

    fn take_subjects(&mut self, subjects: Vec<Subject>) {
        self.subjects = subjects.into_iter().map(|subject| (subject.component.clone(), subject)).collect();
    }

    fn event(&mut self, event: Event) {
        match &event.what {
            What::FirstFailure { .. } => {
                self.ring.freeze(&event.component);
                self.suspects.insert(event.component.clone(), (event.time, vec![event]));
            }
            What::Cleared => {
                self.ring.release(&event.component);
                self.suspects.remove(&event.component);
            }
            What::Changed { to, held_by, .. } => {
                let (to, held_by) = (*to, held_by.clone());
                self.states.insert(event.component.clone(), (to, held_by.clone()));
                self.changed(event, to, held_by);
            }
            What::Held { by } => {
                let by = by.clone();
                let state = self.states.get_mut(&event.component).map(|(state, held)| {
                    held.clone_from(&by);
                    *state
                });
                self.changed(event, state.unwrap_or(State::Unknown), by);
            }
            What::Flapping { .. } | What::Ready { .. } | What::Burning { .. } => self.note(&event, None),
        }
    }

    /// The state of a component is another one, or has another root.
    fn changed(&mut self, event: Event, to: State, held_by: Option<String>) {
        if self.current.contains_key(&event.component) {
            let over = matches!(to, State::Operational | State::Maintenance);
            let open = self.current.get(&event.component).and_then(|id| self.incidents.get(id));
            let again = open.filter(|(open, _)| to.is_bad() && to > open.worst && open.cause.is_none());
            let again = again.map(|(open, _)| open.id.clone());
            self.note(&event, Some(to));
            if over {
                self.recovered(&event);
            } else if let Some(id) = again {
                // What is worse now may show its cause.
                self.want_look(id);
            }
        } else if let Some(root) = held_by {
            self.note_at(&root, &event, None);
        } else if to.is_bad() {
            self.begin(event, to);
        }
    }

    /// An incident begins.
    fn begin(&mut self, event: Event, to: State) {
        let component = event.component.clone();
        let detected = event.time;
        let (began, mut timeline) = self.suspects.remove(&component).unwrap_or((detected, Vec::new()));
        timeline.push(event);
        self.ring.freeze(&component);
        let incident = Incident {
            id: id(began, &component),
            component: component.clone(),
            began,
            detected,
            ended: None,
            worst: to,
            timeline,
            why: None,
            cause: None,
            compared: Vec::new(),
            tables: Vec::new(),
            captures: Vec::new(),
        };
        (self.keep)(&incident, Vec::new());
        let id = incident.id.clone();
        self.current.insert(component, id.clone());
        self.incidents.insert(id.clone(), (incident, Instant::now()));
        self.want_look(id);
    }

    /// Something happened to a component; its incident, if it has one, says so.
    fn note(&mut self, event: &Event, state: Option<State>) {
        let component = event.component.clone();
        self.note_at(&component, event, state);
        if let Some((_, events)) = self.suspects.get_mut(&component).filter(|(_, events)| events.len() < TIMELINE) {
            events.push(event.clone());
        }
    }

    fn note_at(&mut self, component: &str, event: &Event, state: Option<State>) {
        let Some(id) = self.current.get(component) else { return };
        let Some((incident, _)) = self.incidents.get_mut(id) else { return };
        if incident.timeline.len() < TIMELINE {
            incident.timeline.push(event.clone());
        }
        if let Some(state) = state.filter(|state| state.is_bad()) {
            incident.worst = incident.worst.max(state);
        }
        (self.keep)(incident, Vec::new());
    }

    fn recovered(&mut self, event: &Event) {
        let Some(id) = self.current.remove(&event.component) else { return };
        self.ring.release(&event.component);
        if let Some((incident, _)) = self.incidents.get_mut(&id) {
            incident.ended = Some(event.time);
            (self.keep)(incident, Vec::new());
            self.comparisons.push((Instant::now() + self.after, id));
        }
    }

    fn want_look(&mut self, id: String) {
        let wanted =
            self.looking.iter().flat_map(|looking| &looking.incidents).chain(&self.waiting).any(|one| *one == id);
        if wanted {
            return;
        }
        match &mut self.looking {
            Some(looking) if looking.since.elapsed() <= JOIN => looking.incidents.push(id),
            Some(_) => self.waiting.push(id),
            None => self.look(vec![id]),
        }
    }

    fn look(&mut self, incidents: Vec<String>) {
        match (self.looker)() {
            Ok(()) => self.looking = Some(Looking { since: Instant::now(), incidents }),
            // A host that has no room for a thread: what the ring has must do.
            Err(_) => incidents.iter().for_each(|id| self.answer_from_the_ring(id)),
        }
    }

    /// The causes first, for all who wait; what was before takes longer and comes then.
    fn looked(&mut self, look: &Look) {
        let ids = self.looking.take().map(|looking| looking.incidents).unwrap_or_default();
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            self.look(waiting);
        }
        let unanswered: Vec<&String> = ids.iter().filter(|id| !self.answer_from_a_look(id, look)).collect();
        for id in &unanswered {
            self.answer_from_the_ring(id);
        }
        for id in ids.iter().filter(|id| !unanswered.contains(id)) {
            self.add_what_was_before(id);
        }
        for id in &ids {
            self.let_go(id);
        }
    }

    /// What is with the incident now needs not be frozen any longer; an incident without a cause may be looked at again.
    fn let_go(&self, id: &str) {
        if let Some((incident, _)) = self.incidents.get(id).filter(|(incident, _)| incident.cause.is_some()) {
            self.ring.release(&incident.component);
        }
    }

    /// What the answer for an incident depends on, and the tables of applications.
    fn circumstances(&self, id: &str) -> Option<Circumstances> {
        let (incident, since) = self.incidents.get(id)?;
        let subject = self.subjects.get(&incident.component).cloned().unwrap_or_default();
        let suspected = Duration::from_millis(incident.detected.saturating_sub(incident.began));
        let (facts, _) = self.ring.said(since.elapsed() + suspected + LEAD);
        Some(Circumstances {
            component: incident.component.clone(),
            needs: subject.needs,
            who: subject.who,
            facts,
            ..Circumstances::default()
        })
    }

    /// Whether a look gives a cause.
    fn answer_from_a_look(&mut self, id: &str, look: &Look) -> bool {
        let Some(circumstances) = self.circumstances(id) else { return true };
        let recording = look.recording(|last| last.put(Circumstances::SOURCE, circumstances.to_bytes()));
        let Some(answered) = self.answered(&recording) else { return false };
        if !answered.found || answered.cause.is_none() {
            return false;
        }
        self.write(id, answered, vec![("why".to_owned(), recording)]);
        true
    }

    fn answered(&self, recording: &[u8]) -> Option<Answered> {
        let (circumstances, snapshots) = recorded::load(recording).ok()??;
        answer::answered(&snapshots, &circumstances, &self.thresholds)
    }

    /// The recording of the ring from before the first failure until now, with its circumstances.
    fn ring_recording(&self, id: &str) -> Option<Vec<u8>> {
        let mut circumstances = self.circumstances(id)?;
        let capture = self.ring.capture(&circumstances.component)?;
        circumstances.since_ns = capture.frozen_ns.map(|at| at.saturating_sub(LEAD_NS));
        circumstances.before = answer::processes(&capture.before(), &self.thresholds, &circumstances);
        Some(capture.into_recording(|last: &mut RawSnapshot| {
            last.put(Circumstances::SOURCE, circumstances.to_bytes());
        }))
    }

    /// Where the look found no cause, or not even the component: what was recorded around the first failure may tell.
    fn answer_from_the_ring(&mut self, id: &str) {
        let Some(recording) = self.ring_recording(id) else { return };
        let Some(answered) = self.answered(&recording) else { return };
        self.write(id, answered, vec![("why".to_owned(), recording)]);
    }

    fn add_what_was_before(&mut self, id: &str) {
        let Some(recording) = self.ring_recording(id) else { return };
        if let Some((incident, _)) = self.incidents.get_mut(id) {
            incident.captures.push("before".to_owned());
            (self.keep)(incident, vec![("before".to_owned(), recording)]);
        }
    }

    /// The answer becomes part of the incident.
    fn write(&mut self, id: &str, answered: Answered, mut captures: Vec<(String, Vec<u8>)>) {
        let Some((incident, since)) = self.incidents.get_mut(id) else { return };
        let (english, korean) = answered.why;
        captures.push(("why-ko".to_owned(), korean.to_string().into_bytes()));
        for (name, folded) in [("on-cpu", answered.on_cpu), ("off-cpu", answered.off_cpu)] {
            if !folded.is_empty() {
                captures.push((name.to_owned(), folded.into_bytes()));
            }
        }
        incident.why = Some(english);
        incident.cause = answered.cause;
        incident.captures = captures.iter().map(|(name, _)| name.clone()).collect();
        let suspected = Duration::from_millis(incident.detected.saturating_sub(incident.began));
        (_, incident.tables) = self.ring.said(since.elapsed() + suspected + LEAD);
        (self.keep)(incident, captures);
    }

    fn compare_due(&mut self) {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.comparisons).into_iter().partition(|(at, _)| *at <= now);
        self.comparisons = later;
        for (_, id) in due {
            let Some((mut incident, _)) = self.incidents.remove(&id) else { continue };
            let Some(ended) = incident.ended else { continue };
            let subject = self.subjects.get(&incident.component).cloned().unwrap_or_default();
            let second = |milliseconds: u64| i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
            let after = i64::try_from(self.after.as_secs()).unwrap_or(0);
            let times =
                Times { began: second(incident.began), ended: second(ended), now: second(ended).saturating_add(after) };
            let cells = cells(incident.why.as_ref());
            // A store that cannot be read now is told of by those who show it.
            if let Ok(compared) = compare::compare(&self.reader, &subject, &cells, times) {
                incident.compared = compared;
                (self.keep)(&incident, Vec::new());
            }
        }
    }
}

/// The cells that show the first causes, by the report of `perfuse why`.
fn cells(why: Option<&Value>) -> Vec<String> {
    let findings = why.and_then(|why| why.get("findings")?.as_array());
    let of = |finding: &Value| ["cell", "control"].map(|key| finding[key].as_str().map(str::to_owned));
    findings.into_iter().flatten().take(3).flat_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::store::{Retention, Store};

    /// A desk whose looks never end, and what it wrote.
    struct Fixture {
        desk: Desk,
        kept: Arc<Mutex<Vec<Incident>>>,
        looks: Arc<Mutex<usize>>,
        _directory: tempfile::TempDir,
    }

    impl Fixture {
        fn new(open: Vec<Incident>) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (store, _) = Store::open(directory.path(), Retention::default()).unwrap();
            let kept: Arc<Mutex<Vec<Incident>>> = Arc::default();
            let looks: Arc<Mutex<usize>> = Arc::default();
            let (to, begun) = (Arc::clone(&kept), Arc::clone(&looks));
            let options = Options {
                ring: Ring::idle(),
                thresholds: Thresholds::default(),
                subjects: Vec::new(),
                open,
                reader: store.reader(),
                keep: Box::new(move |incident, _| to.lock().unwrap().push(incident.clone())),
                look: LOOK,
                after: AFTER,
            };
            let looker = move || {
                *begun.lock().unwrap() += 1;
                Ok(())
            };
            Self { desk: Desk::new(options, Box::new(looker)), kept, looks, _directory: directory }
        }

        fn event(&mut self, time: u64, component: &str, what: What) {
            self.desk.event(Event { time, component: component.to_owned(), what });
        }

        fn changed(&mut self, time: u64, component: &str, to: State, held_by: Option<&str>) {
            let held_by = held_by.map(str::to_owned);
            self.event(time, component, What::Changed { from: State::Unknown, to, held_by });
        }

        fn last(&self) -> Incident {
            self.kept.lock().unwrap().last().expect("an incident").clone()
        }

        fn looks(&self) -> usize {
            *self.looks.lock().unwrap()
        }
    }

    fn failure() -> What {
        What::FirstFailure { check: "http".to_owned(), instance: None }
    }

    #[test]
    fn an_incident_begins_with_the_first_failure_and_ends_with_the_recovery() {
        let mut fixture = Fixture::new(Vec::new());
        fixture.event(1000, "shop", failure());
        fixture.changed(61_000, "shop", State::Degraded, None);
        let begun = fixture.last();
        assert_eq!((begun.began, begun.detected, begun.timeline.len()), (1000, 61_000, 2));
        assert_eq!(fixture.looks(), 1);
        // Worse, and without a cause so far: it is looked at again after the look that runs.
        fixture.changed(90_000, "shop", State::MajorOutage, None);
        fixture.changed(95_000, "shop", State::PartialOutage, None);
        assert_eq!((fixture.last().worst, fixture.last().ended), (State::MajorOutage, None));
        fixture.changed(120_000, "shop", State::Operational, None);
        let over = fixture.last();
        assert_eq!((over.id, over.ended, over.timeline.len()), (begun.id, Some(120_000), 5));
        // A second one is another incident.
        fixture.event(200_000, "shop", failure());
        fixture.changed(230_000, "shop", State::MajorOutage, None);
        assert_eq!((fixture.last().began, fixture.last().ended), (200_000, None));
    }

    #[test]
    fn who_only_waits_for_another_has_no_incident_of_its_own_until_it_stands_alone() {
        let mut fixture = Fixture::new(Vec::new());
        fixture.changed(1000, "db", State::MajorOutage, None);
        fixture.changed(2000, "shop", State::MajorOutage, Some("db"));
        let root = fixture.last();
        assert_eq!((root.component.as_str(), root.timeline.len()), ("db", 2));
        assert_eq!(root.timeline[1].component, "shop");
        fixture.changed(3000, "db", State::Operational, None);
        fixture.event(3000, "shop", What::Held { by: None });
        assert_eq!((fixture.last().component.as_str(), fixture.last().worst), ("shop", State::MajorOutage));
    }

    #[test]
    fn a_failure_that_clears_and_planned_work_are_no_incidents() {
        let mut fixture = Fixture::new(Vec::new());
        fixture.event(1000, "shop", failure());
        fixture.event(2000, "shop", What::Cleared);
        fixture.changed(3000, "shop", State::Maintenance, None);
        fixture.changed(4000, "shop", State::Unknown, None);
        fixture.event(5000, "shop", What::Flapping { now: true });
        assert!(fixture.kept.lock().unwrap().is_empty() && fixture.looks() == 0);
    }

    #[test]
    fn an_incident_that_was_open_goes_on_after_a_restart() {
        let mut before = Fixture::new(Vec::new());
        before.changed(1000, "shop", State::MajorOutage, None);
        let mut after = Fixture::new(vec![before.last()]);
        after.event(5000, "shop", What::Ready { now: Some(false) });
        after.changed(9000, "shop", State::Operational, None);
        let over = after.last();
        assert_eq!((over.id, over.ended, over.timeline.len()), (before.last().id, Some(9000), 3));
    }

    #[test]
    fn an_incident_that_was_over_is_compared_after_a_restart() {
        let mut before = Fixture::new(Vec::new());
        before.changed(1000, "shop", State::MajorOutage, None);
        before.changed(9000, "shop", State::Operational, None);
        let mut after = Fixture::new(vec![before.last()]);
        assert_eq!(after.desk.comparisons.len(), 1);
        // The component is not out: what comes now is another one.
        after.changed(20_000, "shop", State::Degraded, None);
        assert_ne!(after.last().id, before.last().id);
    }

    #[test]
    fn those_that_fail_together_share_a_look_and_a_timeline_has_an_end() {
        let mut fixture = Fixture::new(Vec::new());
        for component in ["a", "b", "c"] {
            fixture.changed(1000, component, State::MajorOutage, None);
        }
        assert_eq!(fixture.looks(), 1);
        assert_eq!(fixture.desk.looking.as_ref().map(|looking| looking.incidents.len()), Some(3));
        for time in 0..1000 {
            fixture.event(2000 + time, "a", What::Flapping { now: time % 2 == 0 });
        }
        assert_eq!(fixture.last().timeline.len(), TIMELINE);
    }

    #[test]
    fn the_cells_of_the_first_causes_are_compared() {
        let why = serde_json::json!({ "findings": [{ "cell": "cpu.saturation", "control": "control.cpu-quota" }, { "cell": "x" }] });
        assert_eq!(cells(Some(&why)), ["cpu.saturation", "control.cpu-quota", "x"]);
        assert!(cells(None).is_empty());
    }
}
