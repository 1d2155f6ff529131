//! An Alertmanager, through version 2 of its API: `POST /api/v2/alerts`.
//!
//! It identifies an alert by its labels, and forgets one whose `endsAt` has passed. So the labels of a case stay the same;
//! when it becomes worse, the milder one is ended and another one begins at the same time.

use serde_json::{Value, json};

use super::super::notice::{Notice, Phase, Severity, Subject};
use super::super::queue::Failure;
use super::super::words::{Speaker, utc};
use crate::config::Secret;

pub(super) struct Alertmanager {
    pub(super) client: reqwest::Client,
    pub(super) url: Secret,
}

impl Alertmanager {
    pub(super) async fn send(&self, notice: &Notice, speaker: &Speaker, now: u64) -> Result<(), Failure> {
        let url = format!("{}/api/v2/alerts", self.url.reveal().trim_end_matches('/'));
        let request = self.client.post(url).header("Content-Type", "application/json");
        Ok(crate::post::send(request.body(alerts(notice, speaker, now).to_string()), 0).await.map(drop)?)
    }
}

/// The alerts of a notice, one for each severity that the case has had.
fn alerts(notice: &Notice, speaker: &Speaker, now: u64) -> Value {
    let name = match notice.subject {
        Subject::State => "PerfuseComponent",
        Subject::Budget => "PerfuseErrorBudget",
    };
    let alert = |severity: Severity| {
        let ended = notice.phase == Phase::Resolved || severity != notice.worst;
        // What it was told first, and does not hear again, is over for it.
        let ends = if ended { notice.ended.unwrap_or(now).min(now) } else { now.saturating_add(4 * super::REFRESH) };
        let mut annotations = json!({
            "summary": speaker.subject(notice),
            "description": speaker.body(notice),
            "state": notice.state.name(),
        });
        for (key, value) in [("cause", speaker.cause(notice)), ("incident", notice.incident.as_deref())] {
            if let Some(value) = value {
                annotations[key] = value.into();
            }
        }
        let mut alert = json!({
            "labels": {
                "alertname": name,
                "component": notice.component.name,
                "host": speaker.host,
                "severity": severity.name(),
            },
            "annotations": annotations,
            "startsAt": utc(notice.began.min(ends)),
            "endsAt": utc(ends),
        });
        if let Some(link) = speaker.link(notice) {
            alert["generatorURL"] = link.into();
        }
        alert
    };
    let lasts = matches!(notice.phase, Phase::Repeat | Phase::Refresh);
    let wanted = |severity: &Severity| *severity == notice.worst || *severity < notice.worst && !lasts;
    let severities = [Severity::Warning, Severity::Critical].into_iter().filter(wanted);
    severities.map(alert).collect()
}
