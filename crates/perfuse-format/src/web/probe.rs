//! `@probe`: what the requests to one URL took, written by the collector, one line each.
//!
//! ```text
//! url https://shop.example/
//! end https://shop.example/start
//! try 100200300 203 412 900 5100 80 200 5120 10.0.0.7:443 -
//! try 100450300 180 - - - - - 0 10.0.0.7:443 refused ECONNREFUSED
//! ```
//! A line of a request: when it began on the monotonic clock in nanoseconds, what each phase took in microseconds (`-`: not
//! reached), status, bytes of the body, the other end, how it failed, and the words of whoever said so.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// What a request goes through, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Looking the name up.
    Dns,
    /// Until the connection stands.
    Connect,
    /// Until it is encrypted.
    Tls,
    /// From the request to the first byte of the answer.
    FirstByte,
    /// From there to the last one.
    Body,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Connect, Self::Tls, Self::FirstByte, Self::Body];

    /// The word in the JSON form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first-byte",
            Self::Body => "body",
        }
    }
}

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// How a request failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Failure {
            $($(#[$doc])* $name,)*
        }

        impl Failure {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in the source and in the JSON form.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
        }
    };
}

failures! {
    /// The name does not exist, or has no address.
    NoName = "no-name",
    /// No name server gave an answer.
    NoNameServer = "no-name-server",
    /// The time ran out.
    TimedOut = "timed-out",
    /// Nobody listens there.
    Refused = "refused",
    /// No way leads there.
    Unreachable = "unreachable",
    /// The other end broke the connection off.
    Reset = "reset",
    /// The other end closed the connection before it had answered.
    Closed = "closed",
    /// The certificate does not hold: for this name, at this time, or by this signer.
    Certificate = "certificate",
    /// The encryption could not be agreed on.
    Tls = "tls",
    /// What came is no answer of HTTP.
    NotHttp = "not-http",
    /// More redirects than anybody follows.
    Redirects = "redirects",
    /// A redirect to what is no URL of HTTP.
    BadRedirect = "bad-redirect",
    /// Another error of the kernel.
    Other = "other",
}

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Try {
    /// When it began: monotonic clock, nanoseconds.
    pub at_ns: u64,
    /// Microseconds of each phase, in the order of [`Phase::ALL`], redirects added up; of the phase in which it failed, the
    /// time until then; nothing for what was not reached or not needed.
    pub phases_us: [Option<u64>; 5],
    /// Status of the last answer.
    pub status: Option<u16>,
    /// Bytes of the body that were read.
    pub bytes: u64,
    /// The other end.
    pub peer: Option<SocketAddr>,
    /// How it failed, and the words for it.
    pub failure: Option<(Failure, String)>,
}

impl Try {
    /// Microseconds of all phases.
    pub fn total_us(&self) -> u64 {
        self.phases_us.iter().flatten().fold(0, |sum: u64, phase| sum.saturating_add(*phase))
    }

    /// Adds to a phase.
    pub fn add(&mut self, phase: Phase, us: u64) {
        if let Some(sum) = self.phases_us.get_mut(phase as usize) {
            *sum = Some(sum.unwrap_or(0).saturating_add(us));
        }
    }

    /// Microseconds of one phase.
    pub fn of(&self, phase: Phase) -> Option<u64> {
        self.phases_us.get(phase as usize).copied().flatten()
    }
}

/// All requests of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probes {
    /// As the user wrote it.
    pub url: String,
    /// Where redirects led, if they did.
    pub end: Option<String>,
    /// In the order of time.
    pub tries: Vec<Try>,
}

impl Probes {
    /// The source in a snapshot.
    pub const SOURCE: &str = "@probe";

    /// The lines that [`FromBytes`] reads back. Line ends inside texts become blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let flat = |text: &str| text.replace(['\n', '\r'], " ");
        let mut out = format!("url {}\n", flat(&self.url));
        if let Some(end) = &self.end {
            let _ = writeln!(out, "end {}", flat(end));
        }
        for one in &self.tries {
            let _ = write!(out, "try {}", one.at_ns);
            for phase in one.phases_us {
                or_dash(&mut out, phase);
            }
            or_dash(&mut out, one.status);
            let _ = write!(out, " {}", one.bytes);
            or_dash(&mut out, one.peer);
            match &one.failure {
                Some((failure, words)) => {
                    let _ = writeln!(out, " {} {}", failure.id(), flat(words));
                }
                None => out.push_str(" -\n"),
            }
        }
        out.into_bytes()
    }
}

fn or_dash(out: &mut String, value: Option<impl std::fmt::Display>) {
    let _ = match value {
        Some(value) => write!(out, " {value}"),
        None => write!(out, " -"),
    };
}

impl FromBytes for Probes {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut probes = Self::default();
        for (number, line) in lines(bytes) {
            let bad = || ParseError::new(number, "a line of a probe", line);
            let rest = |skip: usize| line.get(skip..).map(text).unwrap_or_default();
            match fields(line).next() {
                Some(b"url") => probes.url = rest(4),
                Some(b"end") => probes.end = Some(rest(4)),
                Some(b"try") => probes.tries.push(one(line).ok_or_else(bad)?),
                // A later version may know more.
                _ => {}
            }
        }
        Ok(probes)
    }
}

/// One line of a request.
fn one(line: &[u8]) -> Option<Try> {
    let mut words = line.splitn(12, |&byte| byte == b' ').skip(1);
    let mut next = || words.next();
    let optional = |word: &[u8]| if word == b"-" { Some(None) } else { unsigned(word).map(Some) };
    let mut result = Try { at_ns: unsigned(next()?)?, ..Try::default() };
    for phase in &mut result.phases_us {
        *phase = optional(next()?)?;
    }
    result.status = optional(next()?)?.map(u16::try_from).transpose().ok()?;
    result.bytes = unsigned(next()?)?;
    let peer = next()?;
    result.peer = if peer == b"-" { None } else { Some(std::str::from_utf8(peer).ok()?.parse().ok()?) };
    let word = next()?;
    if word != b"-" {
        let failure = Failure::ALL.iter().find(|failure| failure.id().as_bytes() == word)?;
        result.failure = Some((*failure, next().map(text).unwrap_or_default()));
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let well = Try {
            at_ns: 1,
            phases_us: [None, Some(2), None, Some(4), Some(5)],
            status: Some(200),
            bytes: 6,
            peer: "[::1]:80".parse().ok(),
            failure: None,
        };
        let bad = Try { failure: Some((Failure::Reset, "by the\npeer".to_owned())), status: None, ..well.clone() };
        let probes = Probes { url: "http://a/".into(), end: Some("http://b/ c".into()), tries: vec![well, bad] };
        let mut expected = probes.clone();
        expected.tries[1].failure = Some((Failure::Reset, "by the peer".to_owned()));
        assert_eq!(Probes::from_bytes(&probes.to_bytes()), Ok(expected));
        assert_eq!(probes.tries[0].total_us(), 11);
        assert_eq!((probes.tries[0].of(Phase::Dns), probes.tries[0].of(Phase::Body)), (None, Some(5)));
    }

    #[test]
    fn odd_lines_are_refused_with_their_number() {
        for bad in ["try", "try 1 - - - - - - 0 -", "try 1 - - - - - 99999 0 - -", "try 1 - - - - - - 0 nowhere -"] {
            let error = Probes::from_bytes(format!("url a\n{bad}\n").as_bytes()).unwrap_err();
            assert_eq!(error.line, 2, "{bad}");
        }
        assert_eq!(Probes::from_bytes(b"later 1 2\n"), Ok(Probes::default()));
    }
}
