//! Pages that change while they are open: their parts are made once for everybody, and sent when they are new.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::hash::{Hash, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use maud::Markup;
use perfuse_render::Lang;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::guard::{Asked, refuse};
use super::{Shared, Web, book, page, series};
use crate::incident::Incident;
use crate::now::Now;

/// Least time between two events of a page.
const PAUSE: Duration = Duration::from_millis(900);
/// Milliseconds after the end of an incident in which its page waits for the numbers of the time after it.
const AFTER: u64 = 5 * 60_000;
/// Least time between two looks of such a page into the store.
const ASK: Duration = Duration::from_secs(2);
/// Time between two looks for new points of charts.
const TICK: Duration = Duration::from_secs(2);
/// Seconds that the first look of a chart goes back.
const FIRST: i64 = 15;

/// A page that is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum View {
    /// The public status page.
    Status,
    /// The overview of the operator.
    Dash,
}

/// Collects the parts of a page while it is made.
#[derive(Default)]
pub(super) struct Parts {
    parts: RefCell<Vec<(String, String)>>,
    shape: RefCell<DefaultHasher>,
}

impl Parts {
    /// A part: an element that has this id. It goes into the page, and is sent again when it changes.
    pub(super) fn live(&self, id: &str, element: Markup) -> Markup {
        id.hash(&mut *self.shape.borrow_mut());
        self.parts.borrow_mut().push((id.to_owned(), element.0.clone()));
        element
    }

    /// Something outside of the parts that makes the page another one when it changes.
    pub(super) fn fixed(&self, what: Option<&str>) {
        what.hash(&mut *self.shape.borrow_mut());
    }
}

/// A page as it is now.
pub(super) struct Rendered {
    /// Changes with every change of what is known.
    pub(super) version: String,
    /// The whole of it, within `main`.
    pub(super) html: Markup,
    /// By id: the text with its hash.
    parts: BTreeMap<String, (String, u64)>,
    /// Of what is not a part.
    shape: u64,
}

/// An answer with the version that it is of.
type Kept = (String, Bytes);

/// The pages as they were made last.
#[derive(Default)]
pub(super) struct Live {
    pages: Mutex<HashMap<(View, Lang), Arc<Rendered>>>,
    /// Other answers.
    texts: Mutex<HashMap<(&'static str, Lang), Kept>>,
}

/// Changes with every change of what is known.
fn version(web: &Web, now: &Now) -> String {
    let number = *web.daemon.changes().borrow();
    format!("{}-{number}-{}", now.begun, now.time)
}

/// An answer for many programs that ask often: made at most once for each change, whoever else asks meanwhile waits.
pub(super) fn kept(web: &Web, what: &'static str, lang: Lang, make: impl FnOnce(&Now) -> Vec<u8>) -> Bytes {
    let now = web.daemon.now();
    let version = version(web, &now);
    let mut texts = web.live.texts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, bytes)) = texts.get(&(what, lang)).filter(|(of, _)| *of == version) {
        return bytes.clone();
    }
    let bytes = Bytes::from(make(&now));
    texts.insert((what, lang), (version, bytes.clone()));
    bytes
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl View {
    /// Where the stream of a page is that shows a version.
    pub(super) fn stream(self, lang: Lang, version: &str) -> String {
        let path = if self == Self::Status { "/events" } else { "/dash/events" };
        format!("{path}?lang={}&version={}", lang.id(), page::encoded(version))
    }
}

/// The page as it is now; made at most once for each change.
pub(super) async fn rendered(web: &Shared, view: View, lang: Lang) -> Arc<Rendered> {
    let now = web.daemon.now();
    let version = version(web, &now);
    let kept = web.live.pages.lock().unwrap_or_else(PoisonError::into_inner).get(&(view, lang)).map(Arc::clone);
    if let Some(kept) = kept.filter(|kept| kept.version == version) {
        return kept;
    }
    let incidents = book::incidents(web, &now).await;
    let parts = Parts::default();
    let html = match view {
        View::Status => page::status::main(web, &now, &incidents, lang, &parts),
        View::Dash => page::dash::main(web, &now, lang, &parts),
    };
    let shape = parts.shape.borrow().finish();
    let parts = parts.parts.take().into_iter().map(|(id, text)| {
        let sum = hash(&text);
        (id, (text, sum))
    });
    let made = Arc::new(Rendered { version, html, parts: parts.collect(), shape });
    web.live.pages.lock().unwrap_or_else(PoisonError::into_inner).insert((view, lang), Arc::clone(&made));
    made
}

/// What one open page has.
struct Viewer {
    web: Shared,
    view: View,
    lang: Lang,
    changes: watch::Receiver<u64>,
    /// Hashes of the parts that it has; `None` until the first event.
    has: Option<HashMap<String, u64>>,
    shape: u64,
    _permit: OwnedSemaphorePermit,
}

impl Viewer {
    /// Waits for something new. `None` when the daemon ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.has.is_some() {
                self.changes.changed().await.ok()?;
                tokio::time::sleep(PAUSE).await;
                self.changes.borrow_and_update();
            }
            let page = rendered(&self.web, self.view, self.lang).await;
            if self.has.is_some() && self.shape != page.shape {
                self.shape = page.shape;
                return Some(Event::default().event("reload").data("1"));
            }
            let has = self.has.get_or_insert_default();
            let mut new = BTreeMap::new();
            for (id, (text, sum)) in &page.parts {
                if has.insert(id.clone(), *sum) != Some(*sum) {
                    new.insert(id.as_str(), text.as_str());
                }
            }
            self.shape = page.shape;
            if !new.is_empty() {
                return serde_json::to_string(&new).ok().map(|data| Event::default().event("parts").data(data));
            }
        }
    }
}

/// The stream of one page.
async fn events(web: Shared, view: View, asked: &Asked, known: Option<&String>) -> Response {
    let Ok(permit) = Arc::clone(&web.streams).try_acquire_owned() else {
        return refuse(&web, asked, StatusCode::SERVICE_UNAVAILABLE, "web-refused-often");
    };
    let changes = web.daemon.changes();
    let page = rendered(&web, view, asked.lang).await;
    // A page that was made just now has everything; any other gets everything again.
    let has = (known == Some(&page.version))
        .then(|| page.parts.iter().map(|(id, (_, sum))| (id.clone(), *sum)).collect::<HashMap<_, _>>());
    let viewer = Viewer { changes, view, lang: asked.lang, has, shape: page.shape, _permit: permit, web };
    let stream = stream::unfold(viewer, |mut viewer| async move {
        let event = viewer.next().await?;
        Some((Ok::<_, Infallible>(event), viewer))
    });
    answer(Sse::new(Box::pin(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// Proxies must not hold a stream back.
fn answer(mut response: Response) -> Response {
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    response
}

/// The stream of the public page.
pub(super) async fn status(
    State(web): State<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    events(web, View::Status, &asked, query.get("version")).await
}

/// The stream of the overview.
pub(super) async fn dash(
    State(web): State<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    events(web, View::Dash, &asked, query.get("version")).await
}

/// What of an incident makes its page another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signature {
    ended: Option<u64>,
    timeline: usize,
    /// Numbers that are compared, and those of them that are known of the time after it.
    compared: (usize, usize),
    captures: usize,
    answered: bool,
}

impl Signature {
    fn of(incident: &Incident) -> Self {
        let after = incident.compared.iter().filter(|one| one.after.is_some()).count();
        Self {
            ended: incident.ended,
            timeline: incident.timeline.len(),
            compared: (incident.compared.len(), after),
            captures: incident.captures.len(),
            answered: incident.why.is_some(),
        }
    }

    /// It in a word that can stand in an address.
    fn version(&self) -> String {
        let Self { ended, timeline, compared: (compared, after), captures, answered } = self;
        format!("{}-{timeline}-{compared}-{after}-{captures}-{answered}", ended.unwrap_or(0))
    }

    /// Whether more may come: it is open, or ended a moment ago and its numbers of the time after are not there yet.
    fn waits(&self, time: u64) -> bool {
        self.ended.is_none_or(|ended| self.compared.1 == 0 && time < ended.saturating_add(AFTER))
    }
}

/// Where the stream of the page of an incident is, if more may come to it.
pub(super) fn stream_of(incident: &Incident, time: u64) -> Option<String> {
    let shown = Signature::of(incident);
    let path = || format!("/incident/{}/events?version={}", page::encoded(&incident.id), shown.version());
    shown.waits(time).then(path)
}

/// The page of one incident that is open somewhere.
struct Follower {
    web: Shared,
    id: String,
    shown: Option<Signature>,
    /// The page is older than the stream.
    late: bool,
    changes: watch::Receiver<u64>,
    /// When the store was asked.
    asked: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    /// Waits until the page is another one. `None` when the daemon ends.
    async fn next(&mut self) -> Option<Event> {
        while !std::mem::take(&mut self.late) {
            self.changes.changed().await.ok()?;
            tokio::time::sleep(PAUSE).await;
            let is = self.look().await;
            self.late = is != self.shown;
            self.shown = is;
        }
        Some(Event::default().event("reload").data("1"))
    }

    /// The incident as it is now, as far as that may be something new.
    async fn look(&mut self) -> Option<Signature> {
        let now = self.web.daemon.now();
        if let Some(open) = now.open.iter().find(|incident| incident.id == self.id) {
            return Some(Signature::of(open));
        }
        match self.shown {
            // One that was open and is so no more has ended.
            Some(Signature { ended: None, .. }) => None,
            // What comes to one that has ended stands in the store alone.
            Some(shown) if shown.waits(now.time) && self.asked.elapsed() >= ASK => {
                self.asked = Instant::now();
                let kept = book::incident(&self.web, &self.id).await;
                kept.map(|incident| Signature::of(&incident)).or(self.shown)
            }
            _ => self.shown,
        }
    }
}

/// The stream of the page of an incident: it is to be loaded again when the incident goes on.
pub(super) async fn incident(
    State(web): State<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Ok(permit) = Arc::clone(&web.streams).try_acquire_owned() else {
        return refuse(&web, &asked, StatusCode::SERVICE_UNAVAILABLE, "web-refused-often");
    };
    let changes = web.daemon.changes();
    let shown = book::incident(&web, &id).await.map(|incident| Signature::of(&incident));
    // More may have come since the page was made.
    let late = query.get("version").zip(shown).is_some_and(|(version, shown)| *version != shown.version());
    let follower = Follower { web, id, shown, late, changes, asked: Instant::now(), _permit: permit };
    let stream = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    answer(Sse::new(Box::pin(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// What the charts of one page have.
struct Ticker {
    web: Shared,
    names: Vec<String>,
    /// Unix second up to which everything was sent.
    until: i64,
    clock: tokio::time::Interval,
    _permit: OwnedSemaphorePermit,
}

/// New points by series: Unix second and value.
type Points = BTreeMap<String, Vec<(i64, f64)>>;

impl Ticker {
    async fn next(&mut self) -> Option<Event> {
        loop {
            self.clock.tick().await;
            let now = i64::try_from(self.web.daemon.now().time / 1000).unwrap_or(i64::MAX);
            let (from, to) = (self.until.max(now - 60), now + 1);
            let (web, names) = (Arc::clone(&self.web), self.names.clone());
            let points = tokio::task::spawn_blocking(move || points(&web, &names, from, to)).await.ok()?;
            if let Some(last) = points.values().flatten().map(|(at, _)| *at).max() {
                self.until = last + 1;
                let data = serde_json::to_string(&points).ok()?;
                return Some(Event::default().event("ticks").data(data));
            }
        }
    }
}

fn points(web: &Shared, names: &[String], from: i64, to: i64) -> Points {
    let reader = web.daemon.reader();
    // What cannot be read now is there at the next look, or told by the store.
    let Ok(index) = web.index.all(&reader) else { return Points::default() };
    let mut found = Points::new();
    for (name, key) in series::find(&index, names) {
        let Ok(answer) = reader.seconds(key, from, to) else { continue };
        let values: Vec<(i64, f64)> =
            (answer.start..).zip(answer.steps).filter(|(_, value)| value.is_finite()).collect();
        if !values.is_empty() {
            found.insert(name.clone(), values);
        }
    }
    found
}

/// The stream of new points for charts: `name` may stand in the query up to forty times.
pub(super) async fn ticks(
    State(web): State<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let Ok(permit) = Arc::clone(&web.streams).try_acquire_owned() else {
        return refuse(&web, &asked, StatusCode::SERVICE_UNAVAILABLE, "web-refused-often");
    };
    let names: Vec<String> =
        query.into_iter().filter(|(name, _)| name == "name").map(|(_, value)| value).take(series::SERIES).collect();
    let until = i64::try_from(web.daemon.now().time / 1000).unwrap_or(i64::MAX) - FIRST;
    let mut clock = tokio::time::interval(TICK);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ticker = Ticker { web, names, until, clock, _permit: permit };
    let stream = stream::unfold(ticker, |mut ticker| async move {
        let event = ticker.next().await?;
        Some((Ok::<_, Infallible>(event), ticker))
    });
    answer(Sse::new(Box::pin(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}
