//! How notices get to people: one client for each kind.

mod alertmanager;
mod mail;
mod web;

use std::sync::Arc;

use super::notice::Notice;
use super::queue::Failure;
use super::words::Speaker;
use crate::config::{Alert, AlertKind};

/// Milliseconds after which an Alertmanager hears again of what lasts; after four times that it forgets it.
pub(super) const REFRESH: u64 = 60_000;

/// One receiver with its client.
pub(super) struct Sender {
    kind: Kind,
    speaker: Arc<Speaker>,
}

enum Kind {
    Webhook(web::Webhook),
    Slack(web::Slack),
    Mail(Box<mail::Mail>),
    Alertmanager(alertmanager::Alertmanager),
}

impl Sender {
    /// The client of an alert.
    pub(super) fn new(alert: &Alert, speaker: &Arc<Speaker>) -> Result<Self, String> {
        let client = || crate::post::client(&alert.trust);
        let kind = match &alert.kind {
            AlertKind::Webhook { url, headers, template } => {
                Kind::Webhook(web::Webhook::new(client()?, url.clone(), headers.clone(), template.as_deref())?)
            }
            AlertKind::Slack { url } => Kind::Slack(web::Slack { client: client()?, url: url.clone() }),
            AlertKind::Email { server, from, to, login, encryption } => {
                let login = login.as_ref().map(|(user, password)| (user.as_str(), password.as_ref()));
                Kind::Mail(Box::new(mail::Mail::new(
                    server,
                    from,
                    to,
                    login,
                    (encryption, &alert.trust),
                    &speaker.host,
                )?))
            }
            AlertKind::Alertmanager { url } => {
                Kind::Alertmanager(alertmanager::Alertmanager { client: client()?, url: url.clone() })
            }
        };
        Ok(Self { kind, speaker: Arc::clone(speaker) })
    }

    /// Tells it once; `now` is the time in milliseconds since 1970.
    pub(super) async fn send(&self, notice: &Notice, now: u64) -> Result<(), Failure> {
        match &self.kind {
            Kind::Webhook(webhook) => webhook.send(notice, &self.speaker).await,
            Kind::Slack(slack) => slack.send(notice, &self.speaker).await,
            Kind::Mail(mail) => mail.send(notice, &self.speaker).await,
            Kind::Alertmanager(manager) => manager.send(notice, &self.speaker, now).await,
        }
    }
}

impl From<crate::post::Refusal> for Failure {
    fn from(refusal: crate::post::Refusal) -> Self {
        Self { problem: refusal.problem, refused: refusal.refused, after: refusal.after }
    }
}
