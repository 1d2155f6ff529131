//! Webhooks: one's own, and Slack's.

use serde_json::json;

use super::super::notice::{Notice, Phase, Severity};
use super::super::queue::Failure;
use super::super::template::{Escape, Template};
use super::super::words::{Speaker, seconds, utc};
use crate::config::Secret;

/// A webhook of one's own.
pub(super) struct Webhook {
    client: reqwest::Client,
    url: Secret,
    headers: Vec<(String, String)>,
    template: Option<Template>,
    escape: Escape,
}

impl Webhook {
    pub(super) fn new(
        client: reqwest::Client,
        url: Secret,
        headers: Vec<(String, String)>,
        template: Option<&str>,
    ) -> Result<Self, String> {
        let given = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let escape = given.map_or(Escape::Json, |(_, kind)| Escape::of(kind));
        let template = template.map(Template::parse).transpose()?;
        Ok(Self { client, url, headers, template, escape })
    }

    pub(super) async fn send(&self, notice: &Notice, speaker: &Speaker) -> Result<(), Failure> {
        let body = match &self.template {
            Some(template) => template.fill(self.escape, |name| speaker.value(notice, name)),
            None => document(notice, speaker).to_string(),
        };
        let mut request = self.client.post(self.url.reveal()).body(body);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("Content-Type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(crate::post::send(request, 0).await.map(drop)?)
    }
}

/// Everything about a notice.
fn document(notice: &Notice, speaker: &Speaker) -> serde_json::Value {
    let names: Vec<&str> = notice.affected.iter().map(|named| named.name.as_str()).collect();
    json!({
        "version": 1,
        "key": notice.key,
        "number": notice.number,
        "phase": notice.phase.name(),
        "about": notice.subject,
        "component": notice.component.name,
        "title": speaker.value(notice, "title"),
        "state": notice.state.name(),
        "severity": notice.worst.name(),
        "since": utc(notice.began),
        "at": utc(notice.at),
        "ended": notice.ended.map(utc),
        "seconds": seconds(notice),
        "flapping": notice.flapping,
        "burning": notice.burning,
        "affected": names,
        "cause": speaker.cause(notice),
        "incident": notice.incident,
        "link": speaker.link(notice),
        "host": speaker.host,
        "subject": speaker.subject(notice),
        "text": speaker.body(notice),
    })
}

/// An incoming webhook of Slack, Mattermost, Rocket.Chat and others that are like it.
pub(super) struct Slack {
    pub(super) client: reqwest::Client,
    pub(super) url: Secret,
}

impl Slack {
    pub(super) async fn send(&self, notice: &Notice, speaker: &Speaker) -> Result<(), Failure> {
        let color = match (notice.phase, notice.worst) {
            (Phase::Resolved, _) => "#2e7d32",
            (_, Severity::Critical) => "#c62828",
            (_, Severity::Warning) => "#f9a825",
        };
        let subject = escaped(&speaker.subject(notice));
        let body = json!({
            "text": subject,
            "attachments": [{ "color": color, "text": escaped(&speaker.body(notice)), "fallback": subject }],
        });
        let request = self.client.post(self.url.reveal()).header("Content-Type", "application/json");
        Ok(crate::post::send(request.body(body.to_string()), 0).await.map(drop)?)
    }
}

/// The three characters that Slack's markup escapes; a name of a process must not become a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
