//! The documents of the interface. Times are RFC 3339 in UTC; what is not known is `null`.

use perfuse_analyze::pattern::Pattern;
use perfuse_analyze::status::{Day, Event, SloView, State, View};
use perfuse_render::{Lang, Texts};
use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::now::{CheckNow, ComponentNow, Now};
use crate::web::page::bars::total;
use crate::web::page::status::{Work, works};
use crate::web::page::{title, title_of, whole};
use crate::web::when;

/// What went wrong, in the form of RFC 9457.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    /// The status code.
    pub(super) status: u16,
    /// What it is, in the language of the request.
    pub(super) title: String,
}

/// What came of an order.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    /// In the language of the request.
    pub(super) message: String,
}

/// Whether the daemon lives.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    /// `ok` or `starting`.
    pub(super) status: &'static str,
}

/// The public status.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    /// Name of the host.
    page: String,
    /// When this was known.
    time: String,
    /// The worst state.
    state: State,
    /// The components that are public.
    components: Vec<PublicComponent>,
    /// Incidents that are not over.
    incidents: Vec<PublicIncident>,
    /// Planned work, and work under way.
    maintenance: Vec<Window>,
}

#[derive(Debug, Serialize)]
struct PublicComponent {
    name: String,
    title: String,
    group: Option<String>,
    description: Option<String>,
    state: State,
    since: String,
    held_by: Option<String>,
    flapping: bool,
    ready: Option<bool>,
    uptime_90d: Option<f64>,
    days: Vec<DayLine>,
}

/// Seconds of a day in each state.
#[derive(Debug, Serialize)]
struct DayLine {
    date: String,
    uptime: Option<f64>,
    degraded_s: u64,
    partial_outage_s: u64,
    major_outage_s: u64,
    maintenance_s: u64,
    unknown_s: u64,
}

#[derive(Debug, Serialize)]
struct PublicIncident {
    id: String,
    component: String,
    title: String,
    began: String,
    ended: Option<String>,
    worst: State,
}

/// A window of maintenance.
#[derive(Debug, Serialize)]
pub(super) struct Window {
    /// Number, if it was opened by hand.
    id: Option<u64>,
    /// Names; none for all.
    components: Vec<String>,
    start: String,
    end: Option<String>,
    under_way: bool,
    reason: String,
}

/// Windows.
#[derive(Debug, Serialize)]
pub(super) struct Windows {
    maintenance: Vec<Window>,
}

/// Components as an operator sees them.
#[derive(Debug, Serialize)]
pub(super) struct Components {
    time: String,
    pub(super) components: Vec<Component>,
}

#[derive(Debug, Serialize)]
pub(super) struct Component {
    pub(super) name: String,
    title: String,
    group: Option<String>,
    description: Option<String>,
    public: bool,
    state: State,
    since: String,
    held_by: Option<String>,
    suspect: bool,
    flapping: bool,
    ready: Option<bool>,
    uptime_90d: Option<f64>,
    slo: Option<SloView>,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    kind: &'static str,
    instance: Option<String>,
    level: Option<perfuse_analyze::status::Level>,
    outcome: Option<perfuse_analyze::status::Outcome>,
    ready: Option<bool>,
    at: Option<String>,
    took_s: Option<f64>,
    message: Option<String>,
    value: Option<f64>,
}

/// Incidents, the newest first.
#[derive(Debug, Serialize)]
pub(super) struct Incidents {
    pub(super) incidents: Vec<Brief>,
}

/// An incident in a list.
#[derive(Debug, Serialize)]
pub(super) struct Brief {
    id: String,
    component: String,
    title: String,
    began: String,
    detected: String,
    ended: Option<String>,
    worst: State,
    cause: Option<String>,
    timeline: Vec<Step>,
}

/// An event of an incident.
#[derive(Debug, Serialize)]
struct Step {
    time: String,
    component: String,
    #[serde(flatten)]
    what: perfuse_analyze::status::What,
}

/// What comes back over days.
#[derive(Debug, Serialize)]
pub(super) struct AdviceList {
    pub(super) advice: Vec<Advice>,
}

/// One pattern with what to do about it.
#[derive(Debug, Serialize)]
pub(super) struct Advice {
    id: &'static str,
    series: String,
    summary: String,
    #[serde(rename = "advice")]
    what: String,
    command: Option<String>,
    expect: String,
    /// When a limit is reached.
    reached: Option<String>,
    days: Vec<AdviceDay>,
}

/// A day that it rests on: its beginning, and the greatest value.
#[derive(Debug, Serialize)]
struct AdviceDay {
    begins: String,
    greatest: Option<f64>,
}

/// What a program sends to open a window.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartMaintenance {
    /// Names; none for all.
    #[serde(default)]
    pub(super) components: Vec<String>,
    /// Such as `30m`; without it until somebody stops it.
    #[serde(rename = "for")]
    pub(super) length: Option<String>,
    /// Why.
    #[serde(default)]
    pub(super) reason: String,
}

/// What a push check sends.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Push {
    /// `passed`, `failed` or `waiting`; without it `passed`.
    pub(super) report: Option<String>,
    /// Which instance.
    pub(super) instance: Option<String>,
}

fn day(number: u64, day: Option<&Day>) -> DayLine {
    let unknown = Day::default();
    let day = day.unwrap_or(&unknown);
    DayLine {
        date: when::iso(number.saturating_mul(86_400_000)).chars().take(10).collect(),
        uptime: day.uptime(),
        degraded_s: day.degraded / 1000,
        partial_outage_s: day.partial / 1000,
        major_outage_s: day.major / 1000,
        maintenance_s: day.maintenance / 1000,
        unknown_s: day.unknown / 1000,
    }
}

fn window(work: Work, now: &Now) -> Window {
    Window {
        id: work.id,
        components: work.components,
        start: when::iso(work.start),
        end: work.end.map(when::iso),
        under_way: work.start <= now.time,
        reason: work.reason,
    }
}

impl Status {
    pub(super) fn new(now: &Now, lang: Lang) -> Self {
        let public: Vec<&ComponentNow> = now.components.iter().filter(|component| component.public).collect();
        let is_public = |name: &str| public.iter().any(|component| component.view.name == name);
        let incidents = now.open.iter().filter(|incident| is_public(&incident.component)).map(|one| PublicIncident {
            id: one.id.clone(),
            component: one.component.clone(),
            title: title_of(now, &one.component, lang).to_owned(),
            began: when::iso(one.began),
            ended: one.ended.map(when::iso),
            worst: one.worst,
        });
        let maintenance = works(now).into_iter().filter_map(|mut work| {
            let all = work.components.is_empty();
            work.components.retain(|name| is_public(name));
            (all || !work.components.is_empty()).then(|| window(work, now))
        });
        Self {
            page: now.host.clone(),
            time: when::iso(now.time),
            state: whole(public.iter().map(|component| &component.view)).unwrap_or(State::Unknown),
            incidents: incidents.collect(),
            maintenance: maintenance.collect(),
            components: public.iter().map(|component| PublicComponent::new(component, &is_public, lang)).collect(),
        }
    }
}

impl PublicComponent {
    fn new(component: &ComponentNow, is_public: &dyn Fn(&str) -> bool, lang: Lang) -> Self {
        let View { name, state, since, held_by, flapping, ready, .. } = component.view.clone();
        Self {
            name,
            title: title(component, lang).to_owned(),
            group: component.group.clone(),
            description: component.description.clone(),
            state,
            since: when::iso(since),
            // A component that is not public is not named either.
            held_by: held_by.filter(|root| is_public(root)),
            flapping,
            ready,
            uptime_90d: total(&component.days).uptime(),
            days: component.days.iter().map(|(number, one)| day(*number, one.as_ref())).collect(),
        }
    }
}

impl Windows {
    pub(super) fn new(now: &Now) -> Self {
        Self { maintenance: works(now).into_iter().map(|work| window(work, now)).collect() }
    }
}

impl Components {
    pub(super) fn new(now: &Now, texts: &Texts) -> Self {
        Self {
            time: when::iso(now.time),
            components: now.components.iter().map(|component| Component::new(component, texts)).collect(),
        }
    }
}

impl Component {
    pub(super) fn new(component: &ComponentNow, texts: &Texts) -> Self {
        let View { name, state, since, held_by, suspect, flapping, ready } = component.view.clone();
        Self {
            name,
            title: title(component, texts.lang()).to_owned(),
            group: component.group.clone(),
            description: component.description.clone(),
            public: component.public,
            state,
            since: when::iso(since),
            held_by,
            suspect,
            flapping,
            ready,
            uptime_90d: total(&component.days).uptime(),
            slo: component.slo.clone(),
            checks: component.checks.iter().map(|check| Check::new(check, texts)).collect(),
        }
    }
}

impl Check {
    fn new(check: &CheckNow, texts: &Texts) -> Self {
        Self {
            name: check.name.clone(),
            kind: check.kind,
            instance: check.instance.clone(),
            level: check.level,
            outcome: check.outcome,
            ready: check.ready,
            at: check.at.map(when::iso),
            took_s: check.took.map(|took| took.as_secs_f64()),
            message: check.message.as_ref().map(|message| texts.text(message)),
            value: check.value.filter(|value| value.is_finite()),
        }
    }
}

impl Advice {
    pub(super) fn new(pattern: &Pattern, texts: &Texts) -> Self {
        let iso = |at: i64| when::iso(u64::try_from(at).unwrap_or(0).saturating_mul(1000));
        let day = |(at, greatest): &(i64, f64)| AdviceDay {
            begins: iso(*at),
            greatest: Some(*greatest).filter(|greatest| greatest.is_finite()),
        };
        Self {
            id: pattern.id,
            series: pattern.series.clone(),
            summary: texts.text(&pattern.summary),
            what: texts.text(&pattern.advice.text),
            command: pattern.advice.command.clone(),
            expect: texts.text(&pattern.advice.expect),
            reached: pattern.reached.map(iso),
            days: pattern.days.iter().map(day).collect(),
        }
    }
}

impl Brief {
    pub(super) fn new(now: &Now, incident: &Incident, lang: Lang) -> Self {
        let step = |event: &Event| Step {
            time: when::iso(event.time),
            component: event.component.clone(),
            what: event.what.clone(),
        };
        Self {
            id: incident.id.clone(),
            component: incident.component.clone(),
            title: title_of(now, &incident.component, lang).to_owned(),
            began: when::iso(incident.began),
            detected: when::iso(incident.detected),
            ended: incident.ended.map(when::iso),
            worst: incident.worst,
            cause: crate::web::page::dash::cause(incident, lang).map(str::to_owned),
            timeline: incident.timeline.iter().map(step).collect(),
        }
    }
}
