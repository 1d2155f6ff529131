//! Connections to brokers of Kafka.

use perfuse_format::kafka::{self, KafkaError, Metadata};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::MOST;
use crate::check::{Clients, Said};

/// A connection to one broker.
pub(crate) struct Broker {
    stream: TcpStream,
    /// `host:port`, for messages.
    address: String,
    /// Number of the last request.
    last: i32,
}

impl Broker {
    /// Connects to `host:port`.
    pub(crate) async fn open(clients: &Clients, address: &str) -> Result<Self, Said> {
        let stream = clients.connect(address).await?;
        Ok(Self { stream, address: address.to_owned(), last: 0 })
    }

    /// Connects to the first of some brokers that tells how the cluster is.
    pub(crate) async fn first(
        clients: &Clients,
        brokers: &[String],
        topics: Option<&[&str]>,
    ) -> Result<(Self, Metadata), Said> {
        let mut last = Said::no_data("brokers");
        for address in brokers {
            let asked = async {
                let mut broker = Self::open(clients, address).await?;
                let metadata = broker.ask(|number| kafka::metadata(number, topics), kafka::read_metadata).await?;
                Ok((broker, metadata))
            };
            match asked.await {
                Ok(found) => return Ok(found),
                Err(said) => last = said,
            }
        }
        Err(last)
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask<T>(
        &mut self,
        request: impl FnOnce(i32) -> Vec<u8>,
        read: impl FnOnce(&[u8], i32) -> Result<T, KafkaError>,
    ) -> Result<T, Said> {
        self.last = self.last.wrapping_add(1);
        let answer = self.exchange(&request(self.last)).await;
        let answer = answer.map_err(|error| Said::fail(format!("{}: {error}", self.address)))?;
        read(&answer, self.last).map_err(|error| Said::fail(format!("{}: {error}", self.address)))
    }

    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        self.stream.write_all(request).await?;
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
        35 => "UNSUPPORTED_VERSION",
        69 => "GROUP_ID_NOT_FOUND",
        _ => return format!("error {error}"),
    };
    name.to_owned()
}
