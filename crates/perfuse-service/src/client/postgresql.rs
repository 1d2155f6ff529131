//! Sessions of `PostgreSQL`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{ChannelBinding, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Allowance, Bounded, Refused, Task};
use crate::check::{Clients, Said, words};
use crate::config::trust::{Encrypt, Server};

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
    pub(crate) async fn open(clients: &Clients, server: &Server) -> Result<Self, Refused> {
        // The words of the parser may quote the URL, which may have the password in it.
        let mut config: Config = server.url.parse().map_err(|_| Said::no_data("url"))?;
        if let Some(password) = &server.password {
            config.password(password.reveal());
        }
        config.application_name("perfuse");
        config.ssl_mode(match server.encrypt {
            Encrypt::Never => SslMode::Disable,
            Encrypt::IfOffered => SslMode::Prefer,
            Encrypt::Always => SslMode::Require,
        });
        let mut refused = Refused::from(Said::no_data("url"));
        for (place, host) in config.get_hosts().iter().enumerate() {
            let ports = config.get_ports();
            let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
            match Self::on(clients, server, &config, host, port).await {
                Ok(session) => return Ok(session),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    async fn on(
        clients: &Clients,
        server: &Server,
        config: &Config,
        host: &Host,
        number: u16,
    ) -> Result<Self, Refused> {
        let allowance = Allowance::new();
        match host {
            Host::Tcp(host) => {
                let wire = clients.dial(&format!("{host}:{number}"), None).await?;
                let stream = Bounded::new(wire.stream, allowance.clone());
                let (client, task) = if server.encrypt == Encrypt::Never {
                    begin(config, stream, NoTls).await?
                } else {
                    let (connector, name) = clients.connector(host, &server.trust)?;
                    begin(config, stream, Encrypting { connector, name }).await?
                };
                Ok(Self { client, task, allowance, port: wire.port, local: wire.local })
            }
            Host::Unix(directory) => {
                let path = directory.join(format!(".s.PGSQL.{number}"));
                let stream = UnixStream::connect(&path).await;
                let stream = stream.map_err(|error| Said::fail(format!("{}: {error}", path.display())))?;
                // Nobody else is on the way: PostgreSQL has no TLS there.
                let mut config = config.clone();
                config.ssl_mode(SslMode::Disable);
                let stream = Bounded::new(Box::new(stream), allowance.clone());
                let (client, task) = begin(&config, stream, NoTls).await?;
                Ok(Self { client, task, allowance, port: None, local: true })
            }
        }
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

/// Logs in over a connection.
async fn begin<T>(config: &Config, stream: Bounded, tls: T) -> Result<(Client, Task), Refused>
where
    T: TlsConnect<Bounded>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(|error| refused(&error))?;
    let task = Task::spawn(async move {
        // Whoever asks is told of what broke the connection.
        let _ = connection.await;
    });
    Ok((client, task))
}

fn refused(error: &tokio_postgres::Error) -> Refused {
    let full = error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS);
    // The library has no kind for it.
    let said = match words::cause(error).as_str() {
        "server does not support TLS" => Said::new(Outcome::Fail, Msg::new("tls-not-offered")),
        _ => words::said(error),
    };
    Refused { said, full }
}

/// Begins TLS once the server has agreed to it.
struct Encrypting {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<Bounded> for Encrypting {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: Bounded) -> Self::Future {
        Box::pin(async move { Ok(Encrypted(self.connector.connect(self.name, stream).await?)) })
    }
}

/// A connection with TLS over it.
struct Encrypted(TlsStream<Bounded>);

impl tokio_postgres::tls::TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The first value of the first row of a query, as text.
pub(crate) async fn value(clients: &Clients, server: &Server, query: &str) -> Result<Option<String>, Said> {
    let session = Session::open(clients, server).await.map_err(|refused| refused.said)?;
    let answer = session.ask(query).await;
    session.close().await;
    let rows = answer?;
    let row = rows.iter().flatten().next();
    Ok(row.and_then(|row| row.try_get(0).ok().flatten()).map(str::to_owned))
}
