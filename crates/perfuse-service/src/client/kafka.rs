//! Connections to brokers of Kafka.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use perfuse_format::kafka::{self, Api, KafkaError, Metadata, key};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::scram::Scram;
use super::{MOST, Stream};
use crate::check::{Clients, Said, words};
use crate::config::cluster::{Cluster, Mechanism, SaslLogin};

/// A connection to one broker.
pub(crate) struct Broker {
    stream: Box<dyn Stream>,
    /// `host:port`, for messages.
    address: String,
    /// Number of the last request.
    last: i32,
    /// What it takes.
    takes: Vec<Api>,
}

impl Broker {
    /// Connects to `host:port`, and says who we are if somebody is configured.
    pub(crate) async fn open(clients: &Clients, cluster: &Cluster, address: &str) -> Result<Self, Said> {
        let stream = clients.dial(address, cluster.tls.as_ref()).await?.stream;
        let mut broker = Self { stream, address: address.to_owned(), last: 0, takes: Vec::new() };
        let (error, takes) = broker.ask(kafka::api_versions, kafka::read_api_versions).await?;
        if error != 0 {
            return Err(Said::fail(format!("{address}: {}", problem(error))));
        }
        broker.takes = takes;
        if let Some(login) = &cluster.login {
            broker.log_in(login).await?;
        }
        Ok(broker)
    }

    /// Connects to the first of some brokers that tells how the cluster is, and asks it for some topics.
    pub(crate) async fn first(clients: &Clients, cluster: &Cluster, topics: &[&str]) -> Result<(Self, Metadata), Said> {
        let mut last = Said::no_data("brokers");
        for address in &cluster.brokers {
            let asked = async {
                let mut broker = Self::open(clients, cluster, address).await?;
                let metadata = broker.metadata(Some(topics)).await?;
                Ok((broker, metadata))
            };
            match asked.await {
                Ok(found) => return Ok(found),
                Err(said) => last = said,
            }
        }
        Err(last)
    }

    /// Whether it takes a message in a version.
    pub(crate) fn takes(&self, key: i16, version: i16) -> bool {
        self.takes.iter().any(|api| api.key == key && (api.least..=api.most).contains(&version))
    }

    /// That it does not take a message.
    pub(crate) fn lacks(&self, key: i16) -> Msg {
        Msg::new("kafka-lacks").with("broker", self.address.as_str()).with("message", key::name(key))
    }

    /// The brokers, and all topics or some of them.
    pub(crate) async fn metadata(&mut self, topics: Option<&[&str]>) -> Result<Metadata, Said> {
        if self.takes(key::METADATA, kafka::METADATA_WITHOUT_MAKING) {
            return self.ask(|number| kafka::metadata(number, topics), kafka::read_metadata).await;
        }
        // Asked for one topic, it would make it.
        let some = topics.is_none_or(|topics| !topics.is_empty());
        let mut metadata = self.ask(|number| kafka::metadata_2(number, some), kafka::read_metadata_2).await?;
        if let Some(topics) = topics {
            metadata.topics.retain(|topic| topics.contains(&topic.name.as_str()));
        }
        Ok(metadata)
    }

    async fn log_in(&mut self, login: &SaslLogin) -> Result<(), Said> {
        let name = login.mechanism.name();
        if !self.takes(key::SASL_HANDSHAKE, 1) || !self.takes(key::SASL_AUTHENTICATE, 0) {
            return Err(Said::new(Outcome::Fail, self.lacks(key::SASL_AUTHENTICATE)));
        }
        let (error, offered) =
            self.ask(|number| kafka::sasl_handshake(number, name), kafka::read_sasl_handshake).await?;
        if error != 0 {
            let message = Msg::new("kafka-mechanism").with("broker", self.address.as_str()).with("mechanism", name);
            return Err(Said::new(Outcome::Fail, message.with("offered", offered.join(", "))));
        }
        if login.mechanism == Mechanism::Plain {
            self.show(format!("\0{}\0{}", login.user, login.password.reveal()).as_bytes()).await?;
            return Ok(());
        }
        let (scram, first) = Scram::begin(login.mechanism, &login.user).map_err(Said::fail)?;
        let answer = self.show(first.as_bytes()).await?;
        let password = login.password.clone();
        // It is made slow on purpose: no other check has to wait for it.
        let answered = tokio::task::spawn_blocking(move || scram.answer(&answer, &password)).await;
        let (proof, wanted) = answered.map_err(|error| Said::fail(error.to_string()))?.map_err(Said::fail)?;
        let last = self.show(proof.as_bytes()).await?;
        if wanted.is(&last) { Ok(()) } else { Err(Said::new(Outcome::Fail, Msg::new("kafka-impostor"))) }
    }

    /// Sends a message of the mechanism; what comes back, unless it says no.
    async fn show(&mut self, message: &[u8]) -> Result<Vec<u8>, Said> {
        let answer =
            self.ask(|number| kafka::sasl_authenticate(number, message), kafka::read_sasl_authenticate).await?;
        if answer.error == 0 {
            return Ok(answer.bytes);
        }
        let words: String = answer.message.unwrap_or_default().chars().take(200).collect();
        Err(Said::fail(format!("{}: {} {words}", self.address, problem(answer.error)).trim_end().to_owned()))
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask<T>(
        &mut self,
        request: impl FnOnce(i32) -> Vec<u8>,
        read: impl FnOnce(&[u8], i32) -> Result<T, KafkaError>,
    ) -> Result<T, Said> {
        self.last = self.last.wrapping_add(1);
        let answer = self.exchange(&request(self.last)).await;
        let answer = answer.map_err(|error| match crate::problem::why(&error) {
            Some(message) => Said::new(Outcome::Fail, message),
            None => Said::fail(format!("{}: {}", self.address, words::cause(&error))),
        })?;
        read(&answer, self.last).map_err(|error| Said::fail(format!("{}: {error}", self.address)))
    }

    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let length = u64::from(self.stream.read_u32().await?);
        if length > MOST {
            return Err(std::io::Error::other(format!("an answer of {length} bytes")));
        }
        // Grows with what comes, whatever the length says.
        let mut answer = Vec::new();
        (&mut self.stream).take(length).read_to_end(&mut answer).await?;
        if answer.len() as u64 == length { Ok(answer) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Errors of the protocol that are met here, by their names in its guide.
pub(crate) fn problem(error: i16) -> String {
    let name = match error {
        3 => "UNKNOWN_TOPIC_OR_PARTITION",
        5 => "LEADER_NOT_AVAILABLE",
        6 => "NOT_LEADER_OR_FOLLOWER",
        14 => "COORDINATOR_LOAD_IN_PROGRESS",
        15 => "COORDINATOR_NOT_AVAILABLE",
        16 => "NOT_COORDINATOR",
        29 => "TOPIC_AUTHORIZATION_FAILED",
        30 => "GROUP_AUTHORIZATION_FAILED",
        31 => "CLUSTER_AUTHORIZATION_FAILED",
        33 => "UNSUPPORTED_SASL_MECHANISM",
        34 => "ILLEGAL_SASL_STATE",
        35 => "UNSUPPORTED_VERSION",
        58 => "SASL_AUTHENTICATION_FAILED",
        69 => "GROUP_ID_NOT_FOUND",
        _ => return format!("error {error}"),
    };
    name.to_owned()
}
