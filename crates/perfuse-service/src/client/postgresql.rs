//! Sessions of `PostgreSQL`.

use std::time::Duration;

use tokio::net::UnixStream;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow};

use super::{Allowance, Bounded, Refused, Task};
use crate::check::{Clients, Said, words};
use crate::config::Secret;

/// The rows of one statement.
pub(crate) type Rows = Vec<SimpleQueryRow>;

/// An open session.
pub(crate) struct Session {
    client: Client,
    task: Task,
    allowance: Allowance,
    /// Our port, by which the server's process names its client; `None` over a Unix socket.
    pub(crate) port: Option<u16>,
    /// Whether the server is on this host, as far as its address tells.
    pub(crate) local: bool,
}

/// One column as text; empty for null.
pub(crate) fn text(row: &SimpleQueryRow, column: usize) -> &str {
    row.try_get(column).ok().flatten().unwrap_or_default()
}

/// One column as a number; `None` for null.
pub(crate) fn number(row: &SimpleQueryRow, column: usize) -> Option<f64> {
    row.try_get(column).ok().flatten()?.parse().ok().filter(|number: &f64| number.is_finite())
}

impl Session {
    /// Connects to the first host of a URL that takes the connection.
    pub(crate) async fn open(clients: &Clients, url: &str, password: Option<&Secret>) -> Result<Self, Refused> {
        // The words of the parser may quote the URL, which may have the password in it.
        let mut config: Config = url.parse().map_err(|_| Said::no_data("url"))?;
        if let Some(password) = password {
            config.password(password.reveal());
        }
        config.application_name("perfuse");
        let mut refused = Refused::from(Said::no_data("url"));
        for (place, host) in config.get_hosts().iter().enumerate() {
            let ports = config.get_ports();
            let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
            match Self::on(clients, &config, host, port).await {
                Ok(session) => return Ok(session),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    async fn on(clients: &Clients, config: &Config, host: &Host, number: u16) -> Result<Self, Refused> {
        let allowance = Allowance::new();
        let (stream, port, local) = match host {
            Host::Tcp(host) => {
                let stream = clients.connect(&format!("{host}:{number}")).await?;
                let port = stream.local_addr().map(|address| address.port()).ok();
                let local = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
                (Bounded::new(stream, allowance.clone()), port, local)
            }
            Host::Unix(directory) => {
                let path = directory.join(format!(".s.PGSQL.{number}"));
                let stream = UnixStream::connect(&path).await;
                let stream = stream.map_err(|error| Said::fail(format!("{}: {error}", path.display())))?;
                (Bounded::new(stream, allowance.clone()), None, true)
            }
        };
        let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(|error| Refused {
            full: error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS),
            said: Said::fail(words::cause(&error)),
        })?;
        let task = Task::spawn(async move {
            // Whoever asks is told of what broke the connection.
            let _ = connection.await;
        });
        Ok(Self { client, task, allowance, port, local })
    }

    /// Whether the server has not closed it, as far as is known.
    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// The rows of each of some statements, which are sent at once.
    pub(crate) async fn ask(&self, statements: &str) -> Result<Vec<Rows>, Said> {
        self.allowance.refill();
        let messages = self.client.simple_query(statements).await.map_err(|error| Said::fail(words::cause(&error)))?;
        let (mut all, mut rows) = (Vec::new(), Rows::new());
        for message in messages {
            match message {
                SimpleQueryMessage::Row(row) => rows.push(row),
                SimpleQueryMessage::CommandComplete(_) => all.push(std::mem::take(&mut rows)),
                _ => {}
            }
        }
        Ok(all)
    }

    /// Says goodbye, so that the server does not write of a client that just went away.
    pub(crate) async fn close(self) {
        let Self { client, mut task, .. } = self;
        drop(client);
        // One that does not listen any more is left.
        let _ = tokio::time::timeout(Duration::from_millis(200), task.ended()).await;
    }
}

/// The first value of the first row of a query, as text.
pub(crate) async fn value(
    clients: &Clients,
    url: &str,
    password: Option<&Secret>,
    query: &str,
) -> Result<Option<String>, Said> {
    let session = Session::open(clients, url, password).await.map_err(|refused| refused.said)?;
    let answer = session.ask(query).await;
    session.close().await;
    let rows = answer?;
    let row = rows.iter().flatten().next();
    Ok(row.and_then(|row| row.try_get(0).ok().flatten()).map(str::to_owned))
}
