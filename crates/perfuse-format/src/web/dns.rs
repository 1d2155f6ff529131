//! Questions to a name server and its answers (RFC 1035, RFC 3596), `/etc/resolv.conf` (resolv.conf(5)) and `/etc/hosts`
//! (hosts(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::parse::{FromBytes, ParseError, fields, lines, unsigned};

/// Type of a record: an IPv4 address.
pub const A: u16 = 1;
/// Type of a record: an IPv6 address.
pub const AAAA: u16 = 28;
/// The class that is in use.
const INTERNET: u16 = 1;
/// The code of an answer that the name does not exist.
pub const NO_SUCH_NAME: u8 = 3;
/// Bytes of the head of a message.
const HEAD: usize = 12;
/// Name servers that are asked at most, as in the C library.
const SERVERS: usize = 3;

/// A question with recursion desired; nothing for what is no name: an empty part, one above 63 bytes, more than 253 in all.
pub fn question(id: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    let mut bytes = Vec::with_capacity(HEAD + name.len() + 6);
    bytes.extend(id.to_be_bytes());
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for part in name.split('.') {
        let long = u8::try_from(part.len()).ok().filter(|long| (1..=63).contains(long))?;
        bytes.push(long);
        bytes.extend(part.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    Some(bytes)
}

/// An answer, as far as addresses go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The number that the question had.
    pub id: u16,
    /// 0 for success, [`NO_SUCH_NAME`], or another refusal.
    pub code: u8,
    /// Whether it did not fit, and must be asked for over TCP.
    pub truncated: bool,
    /// The question that it repeats, as bytes of the message: name, type and class.
    pub question: Vec<u8>,
    /// All addresses, in the order of the message; other names on the way are passed over.
    pub addresses: Vec<IpAddr>,
}

impl FromBytes for Answer {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let bad = || ParseError::new(1, "the answer of a name server", bytes.get(..HEAD).unwrap_or(bytes));
        let short = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk::<2>()?));
        let head = |at: usize| short(at).ok_or_else(bad);
        let (id, flags, questions, answers) = (head(0)?, head(2)?, head(4)?, head(6)?);
        if bytes.len() < HEAD || flags & 0x8000 == 0 || questions != 1 {
            return Err(bad());
        }
        let mut at = after_name(bytes, HEAD).and_then(|end| end.checked_add(4)).ok_or_else(bad)?;
        let question = bytes.get(HEAD..at).ok_or_else(bad)?.to_vec();
        let truncated = flags & 0x0200 != 0;
        let mut addresses = Vec::new();
        for _ in 0..answers {
            let Some((address, next)) = record(bytes, at) else {
                // What was cut off is asked for again.
                if truncated {
                    break;
                }
                return Err(bad());
            };
            addresses.extend(address);
            at = next;
        }
        let code = u8::try_from(flags & 0xf).unwrap_or(0);
        Ok(Self { id, code, truncated, question, addresses })
    }
}

/// The end of a name: its zero byte, or the pointer that it goes on at.
fn after_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return at.checked_add(1),
            long @ 1..=63 => at = at.checked_add(1 + usize::from(long))?,
            0xc0..=0xff => return at.checked_add(2),
            _ => return None,
        }
    }
}

/// The address in a record, if it is one, and the end of the record.
fn record(bytes: &[u8], at: usize) -> Option<(Option<IpAddr>, usize)> {
    let at = after_name(bytes, at)?;
    let fixed = bytes.get(at..at.checked_add(10)?)?;
    let kind = u16::from_be_bytes([fixed[0], fixed[1]]);
    let class = u16::from_be_bytes([fixed[2], fixed[3]]);
    let long = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
    let start = at + 10;
    let end = start.checked_add(long)?;
    let data = bytes.get(start..end)?;
    let address = match (class, kind) {
        (INTERNET, A) => <[u8; 4]>::try_from(data).ok().map(|four| IpAddr::V4(Ipv4Addr::from(four))),
        (INTERNET, AAAA) => <[u8; 16]>::try_from(data).ok().map(|sixteen| IpAddr::V6(Ipv6Addr::from(sixteen))),
        _ => None,
    };
    Some((address, end))
}

/// `/etc/resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvConf {
    /// Name servers, in order, at most three.
    pub servers: Vec<IpAddr>,
    /// Domains that short names are looked up in.
    pub search: Vec<String>,
    /// A name with as many dots is tried as it is first.
    pub dots: usize,
}

impl ResolvConf {
    /// The names to try for `name`, in order.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(whole) = name.strip_suffix('.') {
            return vec![whole.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let long = name.matches('.').count() >= self.dots;
        names.insert(if long { 0 } else { names.len() }, name.to_owned());
        names
    }
}

impl FromBytes for ResolvConf {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut conf = Self { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for (_, line) in lines(bytes) {
            let line = line.split(|&byte| byte == b'#' || byte == b';').next().unwrap_or_default();
            let mut words = fields(line).filter_map(|word| std::str::from_utf8(word).ok());
            match words.next() {
                Some("nameserver") => {
                    // An address with a zone (fe80::1%eth0) is asked without it: the kernel's route decides.
                    let address: Option<IpAddr> = words.next().and_then(|word| word.split('%').next()?.parse().ok());
                    conf.servers.extend(address.filter(|_| conf.servers.len() < SERVERS));
                }
                Some("search" | "domain") => {
                    conf.search = words.map(|word| word.trim_end_matches('.').to_owned()).take(6).collect();
                    conf.search.retain(|domain| !domain.is_empty());
                }
                Some("options") => {
                    let dots = words.filter_map(|word| unsigned(word.strip_prefix("ndots:")?.as_bytes())).last();
                    conf.dots = dots.map_or(conf.dots, |dots| usize::try_from(dots.min(15)).unwrap_or(15));
                }
                _ => {}
            }
        }
        // As the C library does: without a file, the own host is asked.
        if conf.servers.is_empty() {
            conf.servers.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        Ok(conf)
    }
}

/// `/etc/hosts`: names, in lower case, with their address, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(pub Vec<(String, IpAddr)>);

impl Hosts {
    /// All addresses of a name.
    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let same = |known: &&(String, IpAddr)| known.0.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|(_, address)| *address).collect()
    }
}

impl FromBytes for Hosts {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut hosts = Vec::new();
        for (_, line) in lines(bytes) {
            let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
            let mut words = fields(line).filter_map(|word| std::str::from_utf8(word).ok());
            // As the C library does, a line that is none is passed over.
            let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
            hosts.extend(words.map(|name| (name.to_ascii_lowercase(), address)));
        }
        Ok(Self(hosts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(more: &[&[u8]], flags: u16) -> Vec<u8> {
        let mut bytes = question(7, "a.example", A).unwrap();
        bytes[2..4].copy_from_slice(&flags.to_be_bytes());
        bytes[7] = u8::try_from(more.len()).unwrap();
        bytes.extend(more.concat());
        bytes
    }

    /// An alias first, then the address of what it stands for.
    const ALIAS: &[u8] = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01b\xc0\x0e";
    const FOUR: &[u8] = b"\xc0\x27\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01";
    const SIX: &[u8] = b"\x00\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";

    #[test]
    fn a_question_is_what_the_standard_says() {
        let bytes = question(0x1234, "a.example.", AAAA).unwrap();
        assert_eq!(bytes, b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x00\x00\x1c\x00\x01");
        for bad in ["", ".", "a..b", &"x".repeat(64), &"x.".repeat(130)] {
            assert_eq!(question(1, bad, A), None, "{bad}");
        }
    }

    #[test]
    fn addresses_behind_aliases_are_found() {
        let answer = Answer::from_bytes(&answered(&[ALIAS, FOUR, SIX], 0x8180)).unwrap();
        assert_eq!(answer.addresses, ["10.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!((answer.id, answer.code, answer.truncated), (7, 0, false));
        assert_eq!(answer.question, question(7, "a.example", A).unwrap()[12..]);
        let refused = Answer::from_bytes(&answered(&[], 0x8183)).unwrap();
        assert_eq!(refused.code, NO_SUCH_NAME);
    }

    #[test]
    fn what_is_cut_off_is_an_error_unless_the_server_says_so() {
        let whole = answered(&[FOUR], 0x8180);
        for end in 0..whole.len() {
            assert!(Answer::from_bytes(&whole[..end]).is_err(), "{end}");
        }
        let cut = answered(&[FOUR], 0x8380);
        let answer = Answer::from_bytes(&cut[..cut.len() - 1]).unwrap();
        assert!(answer.truncated && answer.addresses.is_empty());
        assert!(Answer::from_bytes(&question(1, "a", A).unwrap()).is_err(), "a question is no answer");
    }

    #[test]
    fn names_are_tried_in_the_order_of_the_configuration() {
        let text = b"# by hand\nnameserver 10.0.0.2\nnameserver fe80::1%eth0 ; zone\nsearch a.example. b\noptions ndots:2 rotate\n";
        let conf = ResolvConf::from_bytes(text).unwrap();
        assert_eq!(conf.servers, ["10.0.0.2".parse::<IpAddr>().unwrap(), "fe80::1".parse().unwrap()]);
        assert_eq!(conf.candidates("db.x"), ["db.x.a.example", "db.x.b", "db.x"]);
        assert_eq!(conf.candidates("a.b.c"), ["a.b.c", "a.b.c.a.example", "a.b.c.b"]);
        assert_eq!(conf.candidates("db."), ["db"]);
        assert_eq!(ResolvConf::from_bytes(b"").unwrap().servers, [Ipv4Addr::LOCALHOST]);
    }

    #[test]
    fn hosts_are_read_as_the_c_library_does() {
        let hosts = Hosts::from_bytes(b"127.0.0.1 localhost # own\n\nnonsense x\n::1 LocalHost ip6\n").unwrap();
        assert_eq!(hosts.addresses("localhost").len(), 2);
        assert_eq!(hosts.addresses("x"), Vec::<IpAddr>::new());
    }
}
