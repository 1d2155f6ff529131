//! Packets of the protocol of `MySQL` and `MariaDB` (the chapters "Client/Server Protocol" and "Clients & Servers Protocol" of
//! their documentation): what a client has to read to log in and to get the rows of a query as text, and what it has to
//! write for it.
//!
//! All functions take the payload of one packet, without its header. Every length is checked against what is there.

/// Bits of capabilities, by the names of the documentation.
pub mod capability {
    /// A database is named at login.
    pub const CONNECT_WITH_DB: u32 = 0x8;
    /// Packets as they are since version 4.1.
    pub const PROTOCOL_41: u32 = 0x200;
    /// TLS.
    pub const SSL: u32 = 0x800;
    /// The status tells of transactions.
    pub const TRANSACTIONS: u32 = 0x2000;
    /// Passwords are shown as they are since version 4.1.
    pub const SECURE_CONNECTION: u32 = 0x8000;
    /// How a password is shown has a name.
    pub const PLUGIN_AUTH: u32 = 0x8_0000;
}

/// Columns of an answer at most: what a table can have in either of them.
pub const MOST_COLUMNS: u64 = 4096;
/// Collation `utf8mb4_general_ci`, which all versions since 5.5.3 know.
const UTF8MB4: u8 = 45;
/// The largest packet that the client takes, as it tells the server.
const PACKET: u32 = 4 * 1024 * 1024;

/// A packet that is not what the protocol says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of a packet: expected {expected}")]
pub struct MySqlError {
    /// Where in the payload.
    pub at: usize,
    /// What the protocol asks for here.
    pub expected: &'static str,
}

type Read<T> = Result<T, MySqlError>;

/// What a server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Its version, such as `5.5.5-10.11.4-MariaDB`.
    pub version: String,
    /// What it can, see [`capability`].
    pub capabilities: u32,
    /// What a password is mixed with.
    pub nonce: Vec<u8>,
    /// How it wants a password to be shown; empty if it does not say.
    pub plugin: String,
}

/// A failure that the server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its number, such as 1040.
    pub code: u16,
    /// Its words.
    pub message: String,
}

/// What comes first in answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There are no rows.
    Done,
    /// So many columns follow.
    Columns(usize),
}

struct Packet<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Packet<'b> {
    fn error(&self, expected: &'static str) -> MySqlError {
        MySqlError { at: self.at, expected }
    }

    fn skip(&mut self, length: usize) -> Read<&'b [u8]> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..length));
        let bytes = bytes.ok_or_else(|| self.error("as many bytes as the length says"))?;
        self.at += length;
        Ok(bytes)
    }

    fn byte(&mut self) -> Read<u8> {
        self.skip(1).map(|bytes| bytes[0])
    }

    /// A number of so many bytes, the least first.
    fn number(&mut self, bytes: usize) -> Read<u64> {
        Ok(self.skip(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn short(&mut self) -> Read<u16> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// A number whose first byte says how long it is; `None` for null.
    fn length(&mut self) -> Read<Option<u64>> {
        Ok(Some(match self.byte()? {
            0xfb => return Ok(None),
            0xfc => self.number(2)?,
            0xfd => self.number(3)?,
            0xfe => self.number(8)?,
            0xff => return Err(self.error("a length")),
            small => u64::from(small),
        }))
    }

    /// Bytes with their length before them; `None` for null.
    fn bytes(&mut self) -> Read<Option<&'b [u8]>> {
        let Some(length) = self.length()? else { return Ok(None) };
        let length = usize::try_from(length).map_err(|_| self.error("a length"))?;
        self.skip(length).map(Some)
    }

    /// Text up to a zero, or to the end.
    fn text(&mut self) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        self.at = self.at.saturating_add(length + 1).min(self.bytes.len());
        String::from_utf8_lossy(&rest[..length]).into_owned()
    }
}

/// The failure in a packet, if it is one.
pub fn failure(payload: &[u8]) -> Option<Failure> {
    let [0xff, low, high, rest @ ..] = payload else { return None };
    // Six characters of a state may come before the words.
    let words = if rest.first() == Some(&b'#') { rest.get(6..).unwrap_or_default() } else { rest };
    Some(Failure { code: u16::from_le_bytes([*low, *high]), message: String::from_utf8_lossy(words).into_owned() })
}

/// Whether a packet ends columns or rows.
pub fn is_end(payload: &[u8]) -> bool {
    payload.first() == Some(&0xfe) && payload.len() < 9
}

/// Reads the first packet of a server.
pub fn greeting(payload: &[u8]) -> Read<Greeting> {
    let mut packet = Packet { bytes: payload, at: 0 };
    if packet.byte()? != 10 {
        return Err(MySqlError { at: 0, expected: "version 10 of the protocol" });
    }
    let version = packet.text();
    packet.skip(4)?;
    let mut nonce = packet.skip(8)?.to_vec();
    packet.skip(1)?;
    let mut capabilities = u32::from(packet.short()?);
    packet.skip(3)?;
    capabilities |= u32::from(packet.short()?) << 16;
    let whole = usize::from(packet.byte()?);
    packet.skip(10)?;
    let rest = packet.skip(whole.saturating_sub(8).max(13))?;
    // It ends with a zero, which is not mixed in.
    nonce.extend(rest.strip_suffix(&[0]).unwrap_or(rest));
    let plugin = if capabilities & capability::PLUGIN_AUTH == 0 { String::new() } else { packet.text() };
    Ok(Greeting { version, capabilities, nonce, plugin })
}

/// Reads a packet that wants the password to be shown in another way: its name, and what it is mixed with. `None` if it is
/// another packet.
pub fn auth_switch(payload: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut packet = Packet { bytes: payload, at: 1 };
    if payload.first() != Some(&0xfe) || payload.len() < 2 {
        return None;
    }
    let plugin = packet.text();
    let rest = payload.get(packet.at..).unwrap_or_default();
    Some((plugin, rest.strip_suffix(&[0]).unwrap_or(rest).to_vec()))
}

/// Reads the first packet of an answer that is no failure.
pub fn answer(payload: &[u8]) -> Read<Answer> {
    let mut packet = Packet { bytes: payload, at: 0 };
    match packet.length()? {
        Some(0) => Ok(Answer::Done),
        Some(count @ 1..=MOST_COLUMNS) => Ok(Answer::Columns(usize::try_from(count).unwrap_or(0))),
        // Null would ask for a file of the client.
        _ => Err(MySqlError { at: 0, expected: "1 to 4096 columns" }),
    }
}

/// Reads the name of a column.
pub fn column(payload: &[u8]) -> Read<String> {
    let mut packet = Packet { bytes: payload, at: 0 };
    // Catalogue, database, table, and the table's own name.
    for _ in 0..4 {
        packet.bytes()?;
    }
    Ok(String::from_utf8_lossy(packet.bytes()?.unwrap_or_default()).into_owned())
}

/// Reads a row of so many values.
pub fn row(payload: &[u8], columns: usize) -> Read<Vec<Option<String>>> {
    let mut packet = Packet { bytes: payload, at: 0 };
    let value = |packet: &mut Packet<'_>| Ok(packet.bytes()?.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    // Each value is one byte at least.
    if columns > payload.len() {
        return Err(packet.error("as many values as columns"));
    }
    let row = (0..columns).map(|_| value(&mut packet)).collect::<Read<Vec<_>>>()?;
    if packet.at == payload.len() { Ok(row) } else { Err(packet.error("the end")) }
}

fn begin(capabilities: u32) -> Vec<u8> {
    let mut bytes = capabilities.to_le_bytes().to_vec();
    bytes.extend(PACKET.to_le_bytes());
    bytes.push(UTF8MB4);
    bytes.extend([0; 23]);
    bytes
}

/// Asks for TLS before anything of the user is said.
pub fn ssl_request(capabilities: u32) -> Vec<u8> {
    begin(capabilities)
}

/// Logs in. `shown` is what the plugin makes of the password; of more than 255 bytes there is none.
pub fn login(capabilities: u32, user: &str, shown: &[u8], database: Option<&str>, plugin: &str) -> Vec<u8> {
    let mut bytes = begin(capabilities);
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend(text.bytes().filter(|byte| *byte != 0));
        bytes.push(0);
    };
    text(&mut bytes, user);
    bytes.push(u8::try_from(shown.len()).unwrap_or(0));
    bytes.extend(shown.iter().take(255));
    if let Some(database) = database {
        text(&mut bytes, database);
    }
    if capabilities & capability::PLUGIN_AUTH != 0 {
        text(&mut bytes, plugin);
    }
    bytes
}

/// Asks for the rows of a query.
pub fn query(text: &str) -> Vec<u8> {
    [&[3], text.as_bytes()].concat()
}

/// All readers over the same bytes: for the table of parsers.
pub(crate) fn all(bytes: &[u8]) -> bool {
    let columns = bytes.first().map_or(0, |first| usize::from(*first));
    greeting(bytes).is_ok()
        | failure(bytes).is_some()
        | auth_switch(bytes).is_some()
        | answer(bytes).is_ok()
        | column(bytes).is_ok()
        | row(bytes, columns).is_ok()
        | is_end(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `MariaDB` 10.11 sends.
    fn mariadb() -> Vec<u8> {
        let mut bytes =
            b"\x0a5.5.5-10.11.14-MariaDB-0+deb12u2\0\x2a\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0\xff\x81\x15".to_vec();
        bytes.extend([0; 6]);
        bytes.extend(b"\x1d\0\0\0ijklmnopqrst\0mysql_native_password\0");
        bytes
    }

    #[test]
    fn a_greeting() {
        let greeting = greeting(&mariadb()).unwrap();
        assert_eq!(greeting.version, "5.5.5-10.11.14-MariaDB-0+deb12u2");
        assert_eq!(
            (greeting.nonce.as_slice(), greeting.plugin.as_str()),
            (&b"abcdefghijklmnopqrst"[..], "mysql_native_password")
        );
        assert_eq!(greeting.capabilities & (capability::SSL | capability::PLUGIN_AUTH), capability::PLUGIN_AUTH);
        for length in 0..mariadb().len() - 22 {
            assert!(super::greeting(&mariadb()[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn failures_have_a_number_and_words() {
        let full = failure(b"\xff\x10\x04Too many connections");
        assert_eq!(full, Some(Failure { code: 1040, message: "Too many connections".into() }));
        let denied = failure(b"\xff\x15\x04#28000Access denied").unwrap();
        assert_eq!((denied.code, denied.message.as_str()), (1045, "Access denied"));
        assert_eq!(failure(b"\0\0\0"), None);
    }

    #[test]
    fn no_answer_has_more_columns_than_a_table_can_have() {
        assert_eq!(answer(b"\x02"), Ok(Answer::Columns(2)));
        assert_eq!(answer(b"\0\0\0\x02\0\0\0"), Ok(Answer::Done));
        assert_eq!(answer(b"\xfc\0\x10"), Ok(Answer::Columns(4096)));
        for lying in [&b"\xfc\x01\x10"[..], b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", b"\xfb/etc/passwd", b"\xff", b""] {
            assert!(answer(lying).is_err(), "{lying:?}");
        }
    }

    #[test]
    fn columns_and_rows() {
        assert_eq!(column(b"\x03def\x01d\x01t\x01t\x01n\x01n\x0c"), Ok("n".to_owned()));
        assert_eq!(row(b"\x01a\xfb\0", 3), Ok(vec![Some("a".into()), None, Some(String::new())]));
        assert!(row(b"\x01a", 2).is_err() && row(b"\x01ab", 1).is_err() && row(b"\x09a", 1).is_err());
        assert!(is_end(b"\xfe\0\0\x02\0") && !is_end(b"\xfe\0\0\0\x01\0\0\0\0x"));
        assert_eq!(
            auth_switch(b"\xfecaching_sha2_password\0nonce\0"),
            Some(("caching_sha2_password".into(), b"nonce".to_vec()))
        );
    }

    #[test]
    fn a_login_has_what_the_capabilities_say() {
        let bytes = login(capability::PLUGIN_AUTH, "us\0er", b"xy", Some("db"), "mysql_native_password");
        assert_eq!(&bytes[32..], b"user\0\x02xydb\0mysql_native_password\0");
        assert_eq!(query("SELECT 1"), b"\x03SELECT 1");
    }
}
