//! What the state machine remembers, in records: each part for itself, so that only what changed is written.
//!
//! ```text
//! Kept   memory                     the time, windows of maintenance
//! Kept   memory/component/NAME      state and tracks of a component
//! Kept   memory/slo/NAME            its error budget
//! Uptime NAME/DAY                   one component on one day since 1970
//! ```
//!
//! Between two times at which this is written, observations are: what came after it is observed again at the start.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use perfuse_analyze::status::{Memory, Observation};
use serde_json::{Map, Value};

use super::listeners::Listeners;
use crate::incident::Incident;
use crate::store::{Kind, Reader, Record, Records, StoreError};

const TOP: &str = "memory";
const COMPONENT: &str = "memory/component/";
const SLO: &str = "memory/slo/";
/// Under this name stand the listeners that are watched.
pub(super) const LISTENERS: &str = "listeners";
const DAY_MS: i64 = 86_400_000;

/// Observations that are observed again at a start, at most.
const MOST: usize = 200_000;

/// Knows what stands in the records already.
#[derive(Debug, Default)]
pub(super) struct Kept {
    written: BTreeMap<(Kind, String), u64>,
}

impl Kept {
    /// The records that are new, for a memory as it is at a time (milliseconds since 1970).
    pub(super) fn changed(&mut self, memory: &Memory, time: u64) -> Vec<Record> {
        let at_ms = i64::try_from(time).unwrap_or(i64::MAX);
        let mut records = Vec::new();
        for ((kind, id), doc) in pieces(memory) {
            let mut hasher = DefaultHasher::new();
            doc.hash(&mut hasher);
            let hash = hasher.finish();
            // The time is in the first record: it is always written.
            if self.written.get(&(kind, id.clone())) == Some(&hash) && id != TOP {
                continue;
            }
            self.written.insert((kind, id.clone()), hash);
            let at_ms = match kind {
                Kind::Uptime => day_of(&id).saturating_mul(DAY_MS),
                _ => at_ms,
            };
            records.push(Record { kind, id, at_ms, open: false, doc });
        }
        records
    }
}

/// The day in the id of an uptime record.
fn day_of(id: &str) -> i64 {
    id.rsplit_once('/').and_then(|(_, day)| day.parse().ok()).unwrap_or(0)
}

/// All parts of a memory.
fn pieces(memory: &Memory) -> BTreeMap<(Kind, String), String> {
    let mut pieces = BTreeMap::new();
    let Ok(Value::Object(mut top)) = serde_json::to_value(memory) else { return pieces };
    if let Some(Value::Object(components)) = top.remove("components") {
        for (name, component) in components {
            let Value::Object(mut component) = component else { continue };
            if let Some(Value::Object(days)) = component.remove("days") {
                for (day, times) in days {
                    pieces.insert((Kind::Uptime, format!("{name}/{day}")), times.to_string());
                }
            }
            if let Some(slo) = component.remove("slo") {
                pieces.insert((Kind::Kept, format!("{SLO}{name}")), slo.to_string());
            }
            pieces.insert((Kind::Kept, format!("{COMPONENT}{name}")), Value::Object(component).to_string());
        }
    }
    pieces.insert((Kind::Kept, TOP.to_owned()), Value::Object(top).to_string());
    pieces
}

/// What was found in the store.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The listeners that were watched.
    pub(super) listeners: Listeners,
    /// The incidents that are not over, the newest first.
    pub(super) incidents: Vec<Arc<Incident>>,
    /// Those that ended shortly before the daemon did, and are not compared yet.
    pub(super) uncompared: Vec<Incident>,
    pub(super) memory: Memory,
    /// When it was written, in milliseconds since 1970; 0 without one.
    pub(super) saved: u64,
    /// Observations that came after it, the oldest first.
    pub(super) later: Vec<Observation>,
    /// Why it could not be read, if it could not.
    pub(super) problem: Option<String>,
}

impl Found {
    /// Reads it back. What is damaged is left out and told.
    pub(super) fn read(reader: &Reader) -> Self {
        match read(reader) {
            Ok(found) => found,
            Err(error) => Self { problem: Some(error.to_string()), ..Self::default() },
        }
    }
}

/// The incidents that were over for less than some minutes when the last state was written, and have no comparison.
fn uncompared(records: &Records, saved: i64) -> Result<Vec<Incident>, StoreError> {
    const LATELY: u64 = 5 * 60 * 1000;
    const MOST: usize = 50;
    let since = u64::try_from(saved).unwrap_or(0).saturating_sub(LATELY);
    let newest = records.list(Kind::Incident, i64::MIN, i64::MAX, MOST)?;
    let parsed = newest.iter().filter_map(|record| serde_json::from_str::<Incident>(&record.doc).ok());
    Ok(parsed.filter(|one| one.compared.is_empty() && one.ended.is_some_and(|ended| ended >= since)).collect())
}

fn read(reader: &Reader) -> Result<Found, StoreError> {
    let records = reader.records()?;
    let open = records.open_ones(Kind::Incident)?;
    let incidents =
        open.iter().rev().filter_map(|record| serde_json::from_str(&record.doc).ok()).map(Arc::new).collect();
    let listeners = records.get(Kind::Kept, LISTENERS)?;
    let listeners = listeners.and_then(|record| serde_json::from_str(&record.doc).ok()).unwrap_or_default();
    let kept = records.list(Kind::Kept, i64::MIN, i64::MAX, usize::MAX)?;
    let Some(top) = kept.iter().find(|record| record.id == TOP) else {
        return Ok(Found { listeners, incidents, ..Found::default() });
    };
    let uncompared = uncompared(&records, top.at_ms)?;
    let days = records.list(Kind::Uptime, i64::MIN, i64::MAX, usize::MAX)?;
    let later = later(reader, top.at_ms)?;
    let saved = u64::try_from(top.at_ms).unwrap_or(0);
    Ok(match join(top, &kept, &days) {
        Ok(memory) => Found { memory, saved, later, problem: None, listeners, incidents, uncompared },
        Err(error) => {
            Found { later, problem: Some(error.to_string()), listeners, incidents, uncompared, ..Found::default() }
        }
    })
}

fn join(top: &Record, kept: &[Record], days: &[Record]) -> serde_json::Result<Memory> {
    let mut by_name: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for record in days {
        let Some((name, day)) = record.id.rsplit_once('/') else { continue };
        let Ok(times) = serde_json::from_str::<Value>(&record.doc) else { continue };
        by_name.entry(name).or_default().insert(day.to_owned(), times);
    }
    let mut components = Map::new();
    for record in kept {
        let Some(name) = record.id.strip_prefix(COMPONENT) else { continue };
        let Ok(Value::Object(mut component)) = serde_json::from_str(&record.doc) else { continue };
        component.insert("days".to_owned(), Value::Object(by_name.remove(name).unwrap_or_default()));
        let slo = kept.iter().find(|record| record.id.strip_prefix(SLO) == Some(name));
        if let Some(slo) = slo.and_then(|slo| serde_json::from_str(&slo.doc).ok()) {
            component.insert("slo".to_owned(), slo);
        }
        components.insert(name.to_owned(), Value::Object(component));
    }
    let mut whole: Map<String, Value> = serde_json::from_str(&top.doc)?;
    whole.insert("components".to_owned(), Value::Object(components));
    serde_json::from_value(Value::Object(whole))
}

/// The observations after a time, the oldest first.
fn later(reader: &Reader, at_ms: i64) -> Result<Vec<Observation>, StoreError> {
    let records = reader.observations()?.list(Kind::Observation, at_ms.saturating_add(1), i64::MAX, MOST)?;
    // Fields that only the record has are passed over.
    Ok(records.iter().rev().filter_map(|record| serde_json::from_str(&record.doc).ok()).collect())
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::status::{CheckPlan, ComponentPlan, Engine, Outcome, Plan, SloPlan};

    use super::*;
    use crate::store::{Retention, Store};

    fn plan() -> Plan {
        let slo = SloPlan { objective: 0.99, days: 30, min_events: 1, slow_is_bad: false };
        let component = |name: &str, slo| ComponentPlan {
            name: name.to_owned(),
            checks: vec![CheckPlan::new("http")],
            slo,
            ..ComponentPlan::default()
        };
        Plan { components: vec![component("shop", Some(slo)), component("db", None)], ..Plan::default() }
    }

    fn observation(time: u64, component: &str, outcome: Outcome) -> Observation {
        let instance = Some("a".to_owned());
        Observation { time, component: component.into(), check: "http".into(), instance, outcome, ready: None }
    }

    const BEGIN: u64 = 1_795_000_000_000;

    #[test]
    fn a_memory_comes_back_and_only_what_changed_is_written_again() {
        let mut engine = Engine::new(plan(), Memory::default()).unwrap();
        for second in 0..300 {
            let outcome = if second % 7 == 0 { Outcome::Fail } else { Outcome::Pass };
            engine.observe(vec![observation(BEGIN + second * 10_000, "shop", outcome)]);
        }
        engine.start_maintenance(vec!["db".into()], BEGIN, None, "disks".into());
        engine.advance(BEGIN + 86_400_000);
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let mut kept = Kept::default();
        let time = BEGIN + 86_400_000;
        let first = kept.changed(engine.memory(), time);
        assert!(first.len() >= 7, "{first:?}");
        store.put(&first).unwrap();
        let found = Found::read(&store.reader());
        assert_eq!((&found.memory, found.problem), (engine.memory(), None));
        engine.observe(vec![observation(time + 1000, "shop", Outcome::Pass)]);
        let second = kept.changed(engine.memory(), time + 1000);
        let ids: Vec<&str> = second.iter().map(|record| record.id.as_str()).collect();
        assert!(ids.contains(&"memory") && ids.contains(&"memory/component/shop"), "{ids:?}");
        assert!(!ids.contains(&"memory/component/db"), "{ids:?}");
        store.put(&second).unwrap();
        assert_eq!(&Found::read(&store.reader()).memory, engine.memory());
    }

    #[test]
    fn observations_after_the_memory_are_found_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        assert!(Found::read(&store.reader()).later.is_empty(), "an empty store");
        let engine = Engine::new(plan(), Memory::default()).unwrap();
        store.put(&Kept::default().changed(engine.memory(), BEGIN)).unwrap();
        let records: Vec<Record> = [0, 2, 1]
            .map(|second| {
                let observation = observation(BEGIN + second * 1000, "shop", Outcome::Pass);
                let doc = serde_json::to_string(&observation).unwrap();
                let at_ms = i64::try_from(observation.time).unwrap();
                Record { kind: Kind::Observation, id: second.to_string(), at_ms, open: false, doc }
            })
            .into();
        store.put(&records).unwrap();
        let times: Vec<u64> = Found::read(&store.reader()).later.iter().map(|one| one.time - BEGIN).collect();
        assert_eq!(times, [1000, 2000]);
    }

    #[test]
    fn a_damaged_memory_is_told_and_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let doc = "{\"windows\": 7}".to_owned();
        store.put(&[Record { kind: Kind::Kept, id: TOP.into(), at_ms: 1, open: false, doc }]).unwrap();
        let found = Found::read(&store.reader());
        assert!(found.problem.is_some() && found.memory == Memory::default());
    }
}
