//! Incidents of the last months, without what is only shown on the page of each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use crate::incident::Incident;
use crate::now::Now;
use crate::store::{Kind, StoreError};

/// How long what was read is taken for granted while no incident begins or ends.
const FRESH: Duration = Duration::from_secs(60);
/// Incidents that are kept in memory.
const MOST: usize = 500;
/// How far back, in milliseconds: the days of the bars.
const BACK: u64 = 90 * 86_400_000;

/// What was read.
struct Read {
    at: Instant,
    /// The incidents that were open then.
    open: Vec<String>,
    all: Arc<Vec<Incident>>,
}

/// The incidents, read again when one begins or ends.
#[derive(Default)]
pub(super) struct Book(Mutex<Option<Read>>);

/// Without what makes it large.
fn brief(mut incident: Incident) -> Incident {
    incident.why = None;
    incident.compared.clear();
    incident.tables.clear();
    incident.captures.clear();
    incident
}

impl Book {
    fn kept(&self, open: &[String]) -> Option<Arc<Vec<Incident>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|read| read.at.elapsed() < FRESH && read.open == open).map(|read| Arc::clone(&read.all))
    }
}

/// The incidents, the newest first; those that are open are as they are now. Without those that cannot be read: the
/// store tells of that.
pub(super) async fn incidents(web: &Shared, now: &Now) -> Vec<Arc<Incident>> {
    let open: Vec<String> = now.open.iter().map(|incident| incident.id.clone()).collect();
    let all = match web.book.kept(&open) {
        Some(all) => all,
        None => read(web, now.time, open).await,
    };
    let mut list: Vec<Arc<Incident>> = now.open.clone();
    let past = all.iter().filter(|incident| !now.open.iter().any(|open| open.id == incident.id));
    list.extend(past.cloned().map(Arc::new));
    list.sort_by(|one, other| other.began.cmp(&one.began).then_with(|| other.id.cmp(&one.id)));
    list
}

async fn read(web: &Shared, time: u64, open: Vec<String>) -> Arc<Vec<Incident>> {
    let reader = web.daemon.reader();
    let work = move || -> Result<Vec<Incident>, StoreError> {
        let from = i64::try_from(time.saturating_sub(BACK)).unwrap_or(i64::MAX);
        let records = reader.records()?.list(Kind::Incident, from, i64::MAX, MOST)?;
        Ok(records.iter().filter_map(|record| serde_json::from_str(&record.doc).ok()).map(brief).collect())
    };
    let all = tokio::task::spawn_blocking(work).await.ok().and_then(Result::ok).map(Arc::new);
    let mut kept = web.book.0.lock().unwrap_or_else(PoisonError::into_inner);
    // What was read before is better than nothing.
    let before = || kept.as_ref().map(|read| Arc::clone(&read.all));
    let all = all.or_else(before).unwrap_or_default();
    *kept = Some(Read { at: Instant::now(), open, all: Arc::clone(&all) });
    all
}

/// One incident with everything.
pub(super) async fn incident(web: &Shared, id: &str) -> Option<Arc<Incident>> {
    if let Some(open) = web.daemon.now().open.iter().find(|incident| incident.id == id) {
        return Some(Arc::clone(open));
    }
    let (reader, id) = (web.daemon.reader(), id.to_owned());
    let work = move || reader.records().and_then(|records| records.get(Kind::Incident, &id));
    let record = tokio::task::spawn_blocking(work).await.ok()?.ok()??;
    serde_json::from_str(&record.doc).ok().map(Arc::new)
}

/// What was captured with an incident under a name.
pub(super) async fn capture(web: &Shared, id: &str, name: &str) -> Option<Vec<u8>> {
    let (reader, id, name) = (web.daemon.reader(), id.to_owned(), name.to_owned());
    let work = move || reader.records().and_then(|records| records.capture(&id, &name));
    tokio::task::spawn_blocking(work).await.ok()?.ok()?
}
