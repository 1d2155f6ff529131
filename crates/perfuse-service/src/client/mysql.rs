//! Sessions of `MySQL` and `MariaDB`, over the messages of [`perfuse_format::mysql`].

use std::sync::Arc;
use std::time::Duration;

use mysql_common::scramble::{scramble_native, scramble_sha256};
use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use perfuse_format::mysql::{self, Answer, Failure, Greeting, MySqlError, capability};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::wire::host;
use super::{Allowance, Bounded, MOST, Refused, Stream};
use crate::check::{Clients, Said, words};
use crate::config::trust::{Encrypt, Server};

/// Bytes of one packet of the protocol at most.
const PACKET: usize = 4 * 1024 * 1024;
/// `ER_CON_COUNT_ERROR`: too many connections.
const FULL: u16 = 1040;
/// Messages by which a server may ask for the password in one way or the other.
const ROUNDS: usize = 6;

/// One row, with the names of its columns.
pub(crate) struct Row {
    columns: Arc<[String]>,
    values: Vec<Option<String>>,
}

/// An open session.
pub(crate) struct Session {
    packets: Packets,
    /// Whether the server is on this host, as far as its address tells.
    pub(crate) local: bool,
}

/// A connection that carries packets.
struct Packets {
    stream: Bounded,
    allowance: Allowance,
    /// Number of the next packet.
    next: u8,
}

fn broken(error: &std::io::Error) -> Said {
    words::said(error)
}

fn odd(error: &MySqlError) -> Said {
    Said::fail(error.to_string())
}

impl Packets {
    async fn read(&mut self) -> Result<Vec<u8>, Said> {
        let mut payload = Vec::new();
        loop {
            let mut header = [0; 4];
            self.stream.read_exact(&mut header).await.map_err(|error| broken(&error))?;
            let [low, middle, high, number] = header;
            self.next = number.wrapping_add(1);
            let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
            if payload.len() + length > PACKET {
                return Err(Said::fail(format!("a packet of more than {PACKET} bytes")));
            }
            // Grows with what comes, whatever the length says.
            let before = payload.len();
            let taken = (&mut self.stream).take(length as u64).read_to_end(&mut payload).await;
            taken.map_err(|error| broken(&error))?;
            if payload.len() - before < length {
                return Err(broken(&std::io::ErrorKind::UnexpectedEof.into()));
            }
            // A packet of all that fits into one goes on in the next.
            if length < 0xff_ffff {
                return Ok(payload);
            }
        }
    }

    async fn write(&mut self, payload: &[u8]) -> Result<(), Said> {
        if payload.len() > PACKET {
            return Err(Said::no_data(format!("a packet of more than {PACKET} bytes")));
        }
        let [low, middle, high, ..] = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
        let packet = [&[low, middle, high, self.next], payload].concat();
        self.next = self.next.wrapping_add(1);
        self.stream.write_all(&packet).await.map_err(|error| broken(&error))?;
        self.stream.flush().await.map_err(|error| broken(&error))
    }
}

/// Where a URL leads, and as whom.
struct Place {
    address: String,
    user: String,
    password: String,
    database: Option<String>,
}

/// A part of a URL without its percent signs.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(*byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Place {
    fn of(server: &Server) -> Option<Self> {
        let url = reqwest::Url::parse(&server.url).ok()?;
        let inline = url.password().map(plain).unwrap_or_default();
        let database = plain(url.path().trim_start_matches('/'));
        Some(Self {
            address: format!("{}:{}", url.host_str()?, url.port().unwrap_or(3306)),
            user: plain(url.username()),
            password: server.password.as_ref().map_or(inline, |password| password.reveal().to_owned()),
            database: Some(database).filter(|database| !database.is_empty()),
        })
    }
}

impl Session {
    /// Connects to the server of a URL.
    pub(crate) async fn open(clients: &Clients, server: &Server) -> Result<Self, Refused> {
        // The URL may have the password in it.
        let place = Place::of(server).ok_or_else(|| Said::no_data("url"))?;
        let wire = clients.dial(&place.address, None).await?;
        let allowance = Allowance::new();
        let stream = Bounded::new(wire.stream, allowance.clone());
        let mut packets = Packets { stream, allowance, next: 0 };
        let first = packets.read().await?;
        if let Some(failure) = mysql::failure(&first) {
            return Err(refused(&failure));
        }
        let greeting = mysql::greeting(&first).map_err(|error| odd(&error))?;
        let optional = capability::PLUGIN_AUTH | capability::TRANSACTIONS;
        let mut capabilities =
            capability::PROTOCOL_41 | capability::SECURE_CONNECTION | optional & greeting.capabilities;
        if place.database.is_some() {
            capabilities |= capability::CONNECT_WITH_DB;
        }
        let encrypted = match server.encrypt {
            Encrypt::Never => false,
            _ if greeting.capabilities & capability::SSL != 0 => true,
            Encrypt::IfOffered => false,
            Encrypt::Always => return Err(Said::new(Outcome::Fail, Msg::new("tls-not-offered")).into()),
        };
        if encrypted {
            capabilities |= capability::SSL;
            packets.write(&mysql::ssl_request(capabilities)).await?;
            packets = packets.encrypted(clients, &place.address, server).await?;
        }
        packets.log_in(&place, &greeting, capabilities, encrypted).await?;
        Ok(Self { packets, local: wire.local })
    }

    /// The rows of a query. After a failure the session is of no more use.
    pub(crate) async fn ask(&mut self, query: &str) -> Result<Vec<Row>, Said> {
        let packets = &mut self.packets;
        packets.allowance.refill();
        packets.next = 0;
        packets.write(&mysql::query(query)).await?;
        let first = packets.read().await?;
        let failed = |payload: &[u8]| mysql::failure(payload).map(|failure| refused(&failure).said);
        if let Some(said) = failed(&first) {
            return Err(said);
        }
        let Answer::Columns(count) = mysql::answer(&first).map_err(|error| odd(&error))? else { return Ok(Vec::new()) };
        let mut columns = Vec::new();
        for _ in 0..count {
            columns.push(mysql::column(&packets.read().await?).map_err(|error| odd(&error))?);
        }
        if !mysql::is_end(&packets.read().await?) {
            return Err(Said::fail("more columns than were announced"));
        }
        let (columns, mut rows): (Arc<[String]>, _) = (columns.into(), Vec::new());
        let mut bytes = 0_u64;
        loop {
            let payload = packets.read().await?;
            if mysql::is_end(&payload) {
                return Ok(rows);
            }
            if let Some(said) = failed(&payload) {
                return Err(said);
            }
            // What is kept of a row is more than what came of it.
            bytes += 64 + payload.len() as u64 + 24 * count as u64;
            if bytes > MOST {
                return Err(Said::fail(format!("an answer of more than {MOST} bytes")));
            }
            let values = mysql::row(&payload, count).map_err(|error| odd(&error))?;
            rows.push(Row { columns: Arc::clone(&columns), values });
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        self.packets.next = 0;
        // `COM_QUIT`; one that does not listen any more is left.
        let _ = tokio::time::timeout(Duration::from_millis(200), self.packets.write(&[1])).await;
    }
}

/// A failure in the server's words; what a failed login says has no password in it.
fn refused(failure: &Failure) -> Refused {
    let words: String = failure.message.lines().next().unwrap_or_default().chars().take(300).collect();
    Refused { full: failure.code == FULL, said: Said::fail(format!("ERROR {}: {words}", failure.code)) }
}

impl Packets {
    async fn encrypted(self, clients: &Clients, address: &str, server: &Server) -> Result<Self, Said> {
        let Self { stream, allowance, next } = self;
        let stream: Box<dyn Stream> = Box::new(clients.encrypted(stream, host(address), &server.trust).await?);
        // What comes is counted below.
        Ok(Self { stream: Bounded::new(stream, Allowance::endless()), allowance, next })
    }

    /// Shows the password in the way that the server wants.
    async fn log_in(
        &mut self,
        place: &Place,
        greeting: &Greeting,
        capabilities: u32,
        encrypted: bool,
    ) -> Result<(), Refused> {
        let (mut plugin, mut nonce) = (greeting.plugin.clone(), greeting.nonce.clone());
        if plugin.is_empty() {
            "mysql_native_password".clone_into(&mut plugin);
        }
        // Of a plugin that is not known the server is asked for another one.
        let shown = shown(&plugin, &place.password, &nonce, encrypted).unwrap_or_default();
        let login = mysql::login(capabilities, &place.user, &shown, place.database.as_deref(), &plugin);
        self.write(&login).await?;
        for _ in 0..ROUNDS {
            let payload = self.read().await?;
            if let Some(failure) = mysql::failure(&payload) {
                return Err(refused(&failure));
            }
            if let Some(switch) = mysql::auth_switch(&payload) {
                (plugin, nonce) = switch;
                let unknown = || Said::new(Outcome::Fail, Msg::new("mysql-plugin").with("plugin", plugin.as_str()));
                let shown = self::shown(&plugin, &place.password, &nonce, encrypted).ok_or_else(unknown)?;
                self.write(&shown).await?;
                continue;
            }
            match payload[..] {
                [0, ..] => return Ok(()),
                // It knows the password already.
                [1, 3] => {}
                // It has to see the password itself.
                [1, 4] if encrypted => self.write(&[place.password.as_bytes(), &[0]].concat()).await?,
                [1, 4] => {
                    // For its public key.
                    self.write(&[2]).await?;
                    let answer = self.read().await?;
                    let key = answer.strip_prefix(&[1]).unwrap_or_default();
                    self.write(&hidden(&place.password, &nonce, key)?).await?;
                }
                _ => return Err(Said::fail("an odd answer to the login").into()),
            }
        }
        Err(Said::fail("an endless login").into())
    }
}

/// What a plugin makes of a password; `None` for one that is not spoken here, or only over TLS.
fn shown(plugin: &str, password: &str, nonce: &[u8], encrypted: bool) -> Option<Vec<u8>> {
    let password_ = password.as_bytes();
    match plugin {
        "mysql_native_password" => Some(scramble_native(nonce, password_).map(Vec::from).unwrap_or_default()),
        "caching_sha2_password" => Some(scramble_sha256(nonce, password_).map(Vec::from).unwrap_or_default()),
        "mysql_clear_password" | "sha256_password" if encrypted => Some([password_, &[0]].concat()),
        _ => None,
    }
}

/// A password that only the server's key opens.
fn hidden(password: &str, nonce: &[u8], key: &[u8]) -> Result<Vec<u8>, Said> {
    if !key.starts_with(b"-----BEGIN PUBLIC KEY-----") || nonce.is_empty() {
        return Err(Said::fail("no public key"));
    }
    let mixed: Vec<u8> =
        password.bytes().chain([0]).zip(nonce.iter().cycle()).map(|(byte, with)| byte ^ with).collect();
    Ok(mysql_common::crypto::encrypt(&mixed, key))
}

impl Row {
    fn value(&self, column: usize) -> Option<&str> {
        self.values.get(column)?.as_deref()
    }
}

/// A column by its place, as text; empty for null.
pub(crate) fn text(row: &Row, column: usize) -> String {
    row.value(column).unwrap_or_default().to_owned()
}

/// A column by its place, as a number; `None` for null.
pub(crate) fn number(row: &Row, column: usize) -> Option<f64> {
    row.value(column)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A column by its name, as text; `None` for null, and where there is none.
pub(crate) fn named(row: &Row, name: &str) -> Option<String> {
    let place = row.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
    row.value(place).map(str::to_owned)
}

/// The first value of the first row of a query, as text.
pub(crate) async fn value(clients: &Clients, server: &Server, query: &str) -> Result<Option<String>, Said> {
    let mut session = Session::open(clients, server).await.map_err(|refused| refused.said)?;
    let rows = session.ask(query).await?;
    session.close().await;
    Ok(rows.first().and_then(|row| row.value(0).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::config::trust::Trust;

    #[test]
    fn a_url_has_a_place_and_a_user() {
        let of = |url: &str, password: Option<&str>| {
            let password = password.map(Secret::new);
            let server = Server { url: url.to_owned(), password, encrypt: Encrypt::Never, trust: Trust::default() };
            Place::of(&server).map(|place| (place.address, place.user, place.password, place.database))
        };
        let text = |text: &str| text.to_owned();
        assert_eq!(
            of("mysql://mon%40x:p%25w@db.example/shop", None),
            Some((text("db.example:3306"), text("mon@x"), text("p%w"), Some(text("shop"))))
        );
        let six = of("mysql://root@[::1]:3307/", Some("s"));
        assert_eq!(six, Some((text("[::1]:3307"), text("root"), text("s"), None)));
        assert_eq!(of("mysql://", None), None);
        assert_eq!(plain("100%"), "100%");
    }

    #[test]
    fn a_password_is_shown_in_the_way_that_is_wanted_or_not_at_all() {
        // From the crate's documentation of the formula: SHA1(p) xor SHA1(nonce, SHA1(SHA1(p))).
        assert_eq!(shown("mysql_native_password", "p", &[1; 20], false).map(|shown| shown.len()), Some(20));
        assert_eq!(shown("caching_sha2_password", "p", &[1; 20], false).map(|shown| shown.len()), Some(32));
        assert_eq!(shown("mysql_native_password", "", &[1; 20], false), Some(Vec::new()));
        assert_eq!(shown("mysql_clear_password", "p", &[], true), Some(b"p\0".to_vec()));
        assert_eq!(shown("mysql_clear_password", "p", &[], false), None);
        assert!(hidden("p", &[1], b"garbage").is_err());
    }
}
