//! The checks, made: each with the client of what it asks, a time-out, and bounds on what it takes in.
//!
//! [`Clients`] has what checks share (the resolver, the certificates that are trusted). [`Clients::run`] makes one check
//! and always comes back: what does not answer in time has failed. [`schedule`] makes all of them, each in its turn.

mod agree;
mod command;
mod dns;
mod http;
mod icmp;
mod kafka;
mod net;
mod process;
pub mod push;
mod rabbitmq;
pub mod schedule;
mod scrape;
mod sql;
#[cfg(test)]
mod tests;
mod tls;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use rustls::ClientConfig;

use crate::client::guarded;
use crate::config::check::Http;
use crate::config::trust::Trust;
use crate::config::{Check, CheckKind};

pub(crate) use http::body;

/// What one run of a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Whether it is well.
    pub outcome: Outcome,
    /// Whether it says that it is ready.
    pub ready: Option<bool>,
    /// How long it took.
    pub took: Duration,
    /// In words.
    pub message: Msg,
    /// The number that it is about, if it is about one.
    pub value: Option<f64>,
}

/// What a client says: how it is, in words, and a number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) outcome: Outcome,
    pub(crate) message: Msg,
    pub(crate) value: Option<f64>,
}

impl Said {
    pub(crate) fn new(outcome: Outcome, message: Msg) -> Self {
        Self { outcome, message, value: None }
    }

    fn pass() -> Self {
        Self::new(Outcome::Pass, Msg::new("check-passed"))
    }

    /// It failed, in the words of a library or of the system.
    pub(crate) fn fail(problem: impl Into<String>) -> Self {
        Self::new(Outcome::Fail, Msg::new("check-failed").with("problem", problem.into()))
    }

    /// It could not be made.
    pub(crate) fn no_data(problem: impl Into<String>) -> Self {
        Self::new(Outcome::NoData, Msg::new("check-not-made").with("problem", problem.into()))
    }

    fn with_value(self, value: f64) -> Self {
        Self { value: Some(value), ..self }
    }
}

/// What keeps checks from being made at all.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The system's resolver configuration cannot be used.
    #[error("/etc/resolv.conf: {0}")]
    Resolver(#[from] NetError),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// What checks share.
pub struct Clients {
    resolver: TokioResolver,
    trusted: Arc<rustls::RootCertStore>,
    tls: Mutex<BTreeMap<Trust, Arc<ClientConfig>>>,
    /// By whom is trusted, and the redirects that are followed.
    http: Mutex<BTreeMap<(Trust, usize), reqwest::Client>>,
    /// The HTTP clients whose connections stay open, for what is asked for numbers again and again.
    kept: Mutex<BTreeMap<Trust, reqwest::Client>>,
}

impl Clients {
    /// The clients of this host: its resolver and the certificates that it trusts.
    pub fn new() -> Result<Self, ClientsError> {
        Ok(Self {
            resolver: dns::system()?,
            trusted: Arc::new(crate::trust::system()),
            tls: Mutex::default(),
            http: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Forgets what was read from files of certificates, so that it is read again.
    pub fn renew(&self) {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.http.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Makes one check, and comes back within its time-out. `None` for a check that others make: reports that are sent
    /// here, and kinds for which this build has no client.
    pub async fn run(&self, check: &Check) -> Option<Found> {
        let begun = Instant::now();
        let said = match tokio::time::timeout(check.timeout, guarded(self.ask(check))).await {
            Ok(Some(said)) => said?,
            Ok(None) => Said::new(Outcome::NoData, Msg::new("check-broken")),
            Err(_) => {
                let seconds = format!("{:.1}", check.timeout.as_secs_f64());
                Said::new(Outcome::Fail, Msg::new("check-timeout").with("seconds", seconds))
            }
        };
        let took = begun.elapsed();
        let slow = check.slow.is_some_and(|slow| took > slow) && said.outcome == Outcome::Pass;
        let said = if slow {
            let milliseconds = took.as_millis().to_string();
            Said { outcome: Outcome::Slow, message: Msg::new("check-slow").with("milliseconds", milliseconds), ..said }
        } else {
            said
        };
        Some(Found { outcome: said.outcome, ready: None, took, message: said.message, value: said.value })
    }

    async fn ask(&self, check: &Check) -> Option<Said> {
        Some(match &check.kind {
            CheckKind::Http(http) => self.http(http).await,
            CheckKind::Tcp(tcp) => self.tcp(tcp).await,
            CheckKind::Tls(tls) => self.tls(tls).await,
            CheckKind::Dns(dns) => self.dns(dns).await,
            CheckKind::Command(command) => command::run(command).await,
            CheckKind::Process(process) => process::count(process.clone()).await,
            CheckKind::Unit(unit) => command::unit(unit).await,
            CheckKind::Icmp(icmp) => self.icmp(icmp, check.timeout).await,
            CheckKind::PostgreSql(sql) => self.postgresql(sql).await,
            CheckKind::MySql(sql) => self.mysql(sql).await,
            CheckKind::Redis(server) => self.redis(server).await,
            CheckKind::Nats(server) => self.nats(server).await,
            CheckKind::Scrape(scrape) => self.scrape(scrape).await,
            CheckKind::RabbitMq(server) => self.rabbitmq(server).await,
            CheckKind::Kafka(cluster) => self.kafka(cluster).await,
            CheckKind::Agree(agree) => self.agree(agree).await,
            // Of the host the sampler knows, and reports come by themselves.
            CheckKind::Host(_) | CheckKind::Push(_) => return None,
        })
    }

    /// The HTTP client for a check.
    fn client(&self, http: &Http) -> Result<reqwest::Client, Said> {
        let key = (http.trust.of_connection(), http.redirects);
        if let Some(client) = self.http.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(client.clone());
        }
        let tls = (*self.tls_config(&http.trust)?).clone();
        let client = http::client(tls, http.redirects, false).map_err(Said::no_data)?;
        self.http.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
        Ok(client)
    }

    /// The HTTP client that keeps its connections.
    pub(crate) fn kept(&self, trust: &Trust) -> Result<reqwest::Client, Said> {
        let key = trust.of_connection();
        if let Some(client) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(client.clone());
        }
        let tls = (*self.tls_config(trust)?).clone();
        let client = http::client(tls, 2, true).map_err(Said::no_data)?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
        Ok(client)
    }
}
