//! journald's own protocol: a line with fields, which `journalctl` finds whatever the language of the line is.
//!
//! A datagram has one `NAME=value` a line; a value of several lines comes after its name and its length
//! (systemd.io, "Native Journal Protocol").

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use perfuse_analyze::{Arg, Msg};

/// Where journald listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// Bytes of one value; what is longer is cut. A datagram has room for some of them.
const LONGEST: usize = 16 * 1024;

/// The way to journald.
#[derive(Debug)]
pub struct Journal(UnixDatagram);

impl Journal {
    /// Connects to journald's socket.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(socket: &Path) -> io::Result<Self> {
        let datagrams = UnixDatagram::unbound()?;
        datagrams.connect(socket)?;
        // A journal that is stuck must not hold up who writes to it.
        datagrams.set_nonblocking(true)?;
        Ok(Self(datagrams))
    }

    /// Writes a line: its priority (of `syslog(3)`), its text, and the message that it says: `PERFUSE_MESSAGE` is the id of
    /// the message, and each of its values is a field such as `PERFUSE_COMPONENT`.
    ///
    /// # Errors
    /// journald is gone, or takes nothing now.
    pub fn say(&self, priority: u8, text: &str, message: &Msg) -> io::Result<()> {
        self.0.send(&datagram(priority, text, message)).map(drop)
    }
}

fn datagram(priority: u8, text: &str, message: &Msg) -> Vec<u8> {
    let mut out = Vec::new();
    field(&mut out, "MESSAGE", text);
    field(&mut out, "PRIORITY", &priority.to_string());
    field(&mut out, "SYSLOG_IDENTIFIER", "perfuse");
    field(&mut out, "PERFUSE_MESSAGE", &message.id);
    for (name, value) in &message.args {
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let name: String = name.chars().map(upper).collect();
        let value = match value {
            Arg::Text(text) => text.clone(),
            Arg::Quantity(quantity) => quantity.number.to_string(),
            Arg::Count(count) => count.to_string(),
            Arg::Msg(inner) => inner.id.clone(),
        };
        field(&mut out, &format!("PERFUSE_{name}"), &value);
    }
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    let cut = (0..=value.len().min(LONGEST)).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
    let value = &value[..cut];
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_has_its_fields_in_any_language() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        journald.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let message = Msg::new("a-b").with("component", "shop").with("held-by", 7_u64).with("what", Msg::new("inner"));
        Journal::open(&path).unwrap().say(4, "장애:\nshop", &message).unwrap();
        let mut bytes = [0; 1024];
        let count = journald.recv(&mut bytes).unwrap();
        let mut expected = b"MESSAGE\n".to_vec();
        expected.extend(12_u64.to_le_bytes());
        expected.extend("장애:\nshop\n".as_bytes());
        expected.extend(b"PRIORITY=4\nSYSLOG_IDENTIFIER=perfuse\nPERFUSE_MESSAGE=a-b\nPERFUSE_COMPONENT=shop\n");
        expected.extend(b"PERFUSE_HELD_BY=7\nPERFUSE_WHAT=inner\n");
        assert_eq!(&bytes[..count], expected);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let mut out = Vec::new();
        field(&mut out, "MESSAGE", &"가".repeat(LONGEST));
        let text = String::from_utf8(out).unwrap();
        assert!(text.len() <= LONGEST + 9 && text.ends_with("가\n"));
    }

    #[test]
    fn without_a_journal_it_says_so() {
        assert!(Journal::open(Path::new("/nowhere/at/all")).is_err());
    }
}
