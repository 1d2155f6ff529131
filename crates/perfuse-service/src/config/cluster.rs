//! A Kafka cluster: its brokers, and how they are spoken to.

use super::part::Part;
use super::secret::Secret;
use super::trust::{Trust, trust};

/// A Kafka cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// `host:port` of some brokers.
    pub brokers: Vec<String>,
    /// The certificates, if the connections are encrypted.
    pub tls: Option<Trust>,
    /// Who we are, if the brokers want to know.
    pub login: Option<SaslLogin>,
}

/// Who we are, and how that is shown.
#[derive(Debug, Clone)]
pub struct SaslLogin {
    /// How.
    pub mechanism: Mechanism,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A mechanism of SASL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password itself is sent (RFC 4616).
    Plain,
    /// The password is shown to be known, with SHA-256 (RFC 7677).
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
}

impl Mechanism {
    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// The brokers, encryption and user of a part.
pub(super) fn cluster(part: Part<'_>) -> Option<Cluster> {
    let brokers = part.need_list("brokers");
    let trust = trust(part);
    let encrypted = part.choice("encryption", &[("none", false), ("tls", true)]);
    // Who names certificates wants them looked at.
    let named = trust.ca_file.is_some() || trust.identity.is_some();
    let tls = encrypted.unwrap_or(named).then_some(trust);
    let login = login(part);
    Some(Cluster { brokers: Some(brokers).filter(|all| !all.is_empty())?, tls, login })
}

fn login(part: Part<'_>) -> Option<SaslLogin> {
    let mechanisms = [
        ("plain", Mechanism::Plain),
        ("scram-sha-256", Mechanism::ScramSha256),
        ("scram-sha-512", Mechanism::ScramSha512),
    ];
    let mechanism = part.choice("mechanism", &mechanisms);
    let (user, password) = (part.text("username"), part.secret("password"));
    if mechanism.is_none() && user.is_none() && password.is_none() {
        return None;
    }
    if user.is_none() {
        part.need_text("username");
    }
    if password.is_none() {
        part.need_secret("password");
    }
    Some(SaslLogin { mechanism: mechanism.unwrap_or(Mechanism::ScramSha512), user: user?, password: password? })
}
