//! Sessions of `MySQL` and `MariaDB`.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row, Value};

use super::{MOST, Refused};
use crate::check::{Clients, Said, words};
use crate::config::Secret;

/// Bytes of one packet of the protocol at most.
const PACKET: usize = 4 * 1024 * 1024;

/// An open session.
pub(crate) struct Session {
    connection: Conn,
    /// Whether the server is on this host, as far as its address tells.
    pub(crate) local: bool,
}

/// `ER_CON_COUNT_ERROR`: too many connections.
const FULL: u16 = 1040;

impl Session {
    /// Connects to the server of a URL.
    pub(crate) async fn open(clients: &Clients, url: &str, password: Option<&Secret>) -> Result<Self, Refused> {
        // The words of the parser may quote the URL, which may have the password in it.
        let opts = Opts::from_url(url).map_err(|_| Said::no_data("url"))?;
        let addresses = clients.addresses(opts.ip_or_hostname().trim_matches(['[', ']'])).await?;
        let local = addresses.iter().any(std::net::IpAddr::is_loopback);
        let mut builder = OptsBuilder::from_opts(opts)
            .resolved_ips(Some(addresses))
            .prefer_socket(false)
            .max_allowed_packet(Some(PACKET))
            .stmt_cache_size(Some(0))
            .wait_timeout(Some(usize::try_from(Duration::from_secs(3600).as_secs()).unwrap_or(3600)));
        if let Some(password) = password {
            builder = builder.pass(Some(password.reveal()));
        }
        let connection = Conn::new(builder).await.map_err(|error| Refused {
            full: matches!(&error, mysql_async::Error::Server(server) if server.code == FULL),
            said: Said::fail(words::cause(&error)),
        })?;
        Ok(Self { connection, local })
    }

    /// The rows of a query. After a failure the session is of no more use.
    pub(crate) async fn ask(&mut self, query: &str) -> Result<Vec<Row>, Said> {
        let failed = |error: mysql_async::Error| Said::fail(words::cause(&error));
        let mut result = self.connection.query_iter(query).await.map_err(failed)?;
        let (mut rows, mut bytes) = (Vec::new(), 0_u64);
        while let Some(row) = result.next().await.map_err(failed)? {
            bytes += 64 + (0..row.len()).map(|at| row.as_ref(at).map_or(0, length)).sum::<u64>();
            if bytes > MOST {
                return Err(Said::fail(format!("an answer of more than {MOST} bytes")));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        // One that does not listen any more is left.
        let _ = tokio::time::timeout(Duration::from_millis(200), self.connection.disconnect()).await;
    }
}

fn length(value: &Value) -> u64 {
    match value {
        Value::Bytes(bytes) => bytes.len() as u64,
        _ => 16,
    }
}

/// A value as text; `None` for null.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        // Of the text protocol, which is spoken here, dates are bytes.
        Value::Date(..) | Value::Time(..) => Some(value.as_sql(true)),
    }
}

/// A column by its place, as text; empty for null.
pub(crate) fn text(row: &Row, column: usize) -> String {
    row.as_ref(column).and_then(text_of).unwrap_or_default()
}

/// A column by its place, as a number; `None` for null.
pub(crate) fn number(row: &Row, column: usize) -> Option<f64> {
    text_of(row.as_ref(column)?)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A column by its name, as text; `None` for null, and where there is none.
pub(crate) fn named(row: &Row, name: &str) -> Option<String> {
    let columns = row.columns_ref();
    let place = columns.iter().position(|column| column.name_str().eq_ignore_ascii_case(name))?;
    text_of(row.as_ref(place)?)
}

/// The first value of the first row of a query, as text.
pub(crate) async fn value(
    clients: &Clients,
    url: &str,
    password: Option<&Secret>,
    query: &str,
) -> Result<Option<String>, Said> {
    let mut session = Session::open(clients, url, password).await.map_err(|refused| refused.said)?;
    let rows = session.ask(query).await?;
    session.close().await;
    Ok(rows.first().and_then(|row| text_of(row.as_ref(0)?)))
}
