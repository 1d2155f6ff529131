//! What is known, in the words of a language: the documents of `perfuse status` and `perfuse incident`.

use perfuse_analyze::status::{Day, Event, State, What};
use perfuse_analyze::{Msg, Quantity};
use perfuse_render::status::{
    Check, Component, INCIDENT_SCHEMA, IncidentLine, IncidentReport, SCHEMA, StatusReport, Window,
};
use perfuse_render::{Lang, Texts};

use crate::incident::Incident;
use crate::now::{CheckNow, ComponentNow, Now};
use crate::store::{Kind, Reader, StoreError};

/// Incidents that one list has at most.
const MOST: usize = 10_000;

/// All components.
pub fn status(now: &Now, texts: &Texts) -> StatusReport {
    StatusReport {
        schema: SCHEMA.to_owned(),
        language: texts.lang().id().to_owned(),
        host: now.host.clone(),
        time: now.time,
        begun: now.begun,
        components: now.components.iter().map(|component| of_component(component, texts)).collect(),
        maintenance: windows(now),
        incidents: now.open.iter().map(|incident| line(incident, texts)).collect(),
        troubles: now.troubles.iter().map(|trouble| texts.text(trouble)).collect(),
    }
}

fn of_component(component: &ComponentNow, texts: &Texts) -> Component {
    let view = &component.view;
    let mut all = Day::default();
    for (_, day) in &component.days {
        all.add(&day.unwrap_or_default());
    }
    Component {
        name: view.name.clone(),
        title: if texts.lang() == Lang::Ko { component.title.1.clone() } else { component.title.0.clone() },
        group: component.group.clone(),
        description: component.description.clone(),
        state: view.state,
        since: view.since,
        held_by: view.held_by.clone(),
        suspect: view.suspect,
        flapping: view.flapping,
        ready: view.ready,
        uptime: all.uptime(),
        budget_left: component.slo.as_ref().and_then(|slo| slo.budget_left),
        checks: component.checks.iter().map(|check| of_check(check, texts)).collect(),
    }
}

fn of_check(check: &CheckNow, texts: &Texts) -> Check {
    Check {
        name: check.name.clone(),
        kind: check.kind.to_owned(),
        instance: check.instance.clone(),
        level: check.level,
        outcome: check.outcome,
        ready: check.ready,
        at: check.at,
        took: check.took.map(|took| took.as_secs_f64()),
        message: check.message.as_ref().map(|message| texts.text(message)),
        value: check.value.filter(|value| value.is_finite()),
    }
}

/// The windows that are open or still to come, the earliest first.
fn windows(now: &Now) -> Vec<Window> {
    let planned = now.planned.iter().filter_map(|window| {
        let (start, end) = window.when.next(now.time)?;
        let (components, reason) = (window.components.clone(), window.reason.clone());
        Some(Window { id: None, components, start, end: Some(end), open: start <= now.time, reason })
    });
    let by_hand = now.ad_hoc.iter().filter(|window| window.end.is_none_or(|end| end > now.time)).map(|window| Window {
        id: Some(window.id),
        components: window.components.clone(),
        start: window.start,
        end: window.end,
        open: window.start <= now.time,
        reason: window.reason.clone(),
    });
    let mut windows: Vec<Window> = by_hand.chain(planned).collect();
    windows.sort_by_key(|window| (window.start, window.id));
    windows
}

fn line(incident: &Incident, texts: &Texts) -> IncidentLine {
    IncidentLine {
        id: incident.id.clone(),
        component: incident.component.clone(),
        began: incident.began,
        ended: incident.ended,
        worst: incident.worst,
        cause: incident
            .cause
            .as_ref()
            .map(|(en, ko)| if texts.lang() == Lang::Ko { ko.clone() } else { en.clone() })
            .or_else(|| incident.why.is_some().then(|| texts.word("status-cause-unknown"))),
    }
}

/// The newest incidents of the store.
pub fn incidents(reader: &Reader, limit: usize, texts: &Texts) -> Result<Vec<IncidentLine>, StoreError> {
    let records = reader.records()?.list(Kind::Incident, i64::MIN, i64::MAX, limit.min(MOST))?;
    let parsed = records.iter().filter_map(|record| serde_json::from_str::<Incident>(&record.doc).ok());
    Ok(parsed.map(|incident| line(&incident, texts)).collect())
}

/// One incident of the store.
pub fn incident(reader: &Reader, id: &str, texts: &Texts) -> Result<Option<IncidentReport>, StoreError> {
    let records = reader.records()?;
    let record = records.get(Kind::Incident, id)?;
    let Some(found) = record.and_then(|record| serde_json::from_str::<Incident>(&record.doc).ok()) else {
        return Ok(None);
    };
    // The incident itself has the answer in English.
    let korean = if texts.lang() == Lang::Ko { records.capture(id, "why-ko")? } else { None };
    let korean = korean.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(Some(IncidentReport {
        schema: INCIDENT_SCHEMA.to_owned(),
        language: texts.lang().id().to_owned(),
        line: line(&found, texts),
        detected: found.detected,
        timeline: found.timeline.iter().map(|event| (event.time, texts.text(&what(event)))).collect(),
        compared: found.compared.clone(),
        why: korean.or(found.why),
        captures: found.captures,
    }))
}

/// There is no such component.
pub fn no_component(name: &str, names: &[&str]) -> Msg {
    Msg::new("daemon-no-component").with("name", name).with("names", names.join(", "))
}

/// There is no such incident.
pub fn no_incident(id: &str) -> Msg {
    Msg::new("daemon-no-incident").with("id", id)
}

/// An event in words.
pub fn what(event: &Event) -> Msg {
    let state = |state: State| Msg::new(format!("status-state-{}", state.name().replace('_', "-")));
    match &event.what {
        What::FirstFailure { check, instance } => {
            let name = instance.as_ref().map_or_else(|| check.clone(), |instance| format!("{check}@{instance}"));
            Msg::new("daemon-event-first").with("check", name)
        }
        What::Cleared => Msg::new("daemon-event-cleared"),
        What::Changed { from, to, held_by: None } => {
            Msg::new("daemon-event-changed").with("from", state(*from)).with("to", state(*to))
        }
        What::Changed { from, to, held_by: Some(root) } => {
            let message = Msg::new("daemon-event-changed-held").with("from", state(*from)).with("to", state(*to));
            message.with("root", root.as_str())
        }
        What::Held { by: Some(root) } => Msg::new("daemon-event-held").with("root", root.as_str()),
        What::Held { by: None } => Msg::new("daemon-event-free"),
        What::Flapping { now: true } => Msg::new("daemon-event-flapping"),
        What::Flapping { now: false } => Msg::new("daemon-event-steady"),
        What::Ready { now: Some(true) } => Msg::new("daemon-event-ready"),
        What::Ready { now: Some(false) } => Msg::new("daemon-event-not-ready"),
        What::Ready { now: None } => Msg::new("daemon-event-ready-unknown"),
        What::Burning { pair, now } => {
            let hours = perfuse_analyze::status::slo::PAIRS.get(*pair).map_or(0.0, |pair| pair.long as f64 / 1000.0);
            let id = if *now { "daemon-event-burning" } else { "daemon-event-not-burning" };
            Msg::new(id).with("window", Quantity::seconds(hours))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_can_be_said() {
        let held_by = Some("db".to_owned());
        let (from, to) = (State::Operational, State::MajorOutage);
        let all = [
            What::FirstFailure { check: "http".into(), instance: Some("a".into()) },
            What::FirstFailure { check: "http".into(), instance: None },
            What::Cleared,
            What::Changed { from, to, held_by: None },
            What::Changed { from, to, held_by },
            What::Held { by: Some("db".into()) },
            What::Held { by: None },
            What::Flapping { now: true },
            What::Flapping { now: false },
            What::Ready { now: Some(true) },
            What::Ready { now: Some(false) },
            What::Ready { now: None },
            What::Burning { pair: 0, now: true },
            What::Burning { pair: 9, now: false },
        ];
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for what_happened in &all {
                let event = Event { time: 0, component: "shop".into(), what: what_happened.clone() };
                assert!(!texts.text(&what(&event)).is_empty());
            }
        }
    }
}
