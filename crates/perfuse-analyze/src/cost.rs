//! What the measuring itself cost, as the collector told it in `@cost`.

use std::fmt::Write as _;

use perfuse_format::parse::{fields, fraction, lines, text, unsigned};
use perfuse_format::{FromBytes, ParseError};

/// The cost of one run of perfuse.
///
/// It travels in the last snapshot under [`OwnCost::SOURCE`], so that a report made from a recording states the cost
/// of the recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnCost {
    /// CPU time of the process and of its in-kernel programs, as a share of all CPUs of the host; 0..1.
    pub cpu_share: f64,
    /// The same in seconds.
    pub cpu_seconds: f64,
    /// What was spent before the first sample and for the names of stacks, once, and not by looking; in seconds.
    pub setup_seconds: f64,
    /// The rest as a share of all CPUs of the host between the first and the last sample; 0..1. This is what the threshold
    /// `own-cost.max` bounds. Nothing in recordings of versions that did not tell the two apart.
    pub looking_share: Option<f64>,
    /// The share that the run allowed itself; 0..1. A look of some seconds for one cause may cost more than the threshold.
    /// Nothing in recordings of versions that had one limit for all.
    pub limit: Option<f64>,
    /// Resident memory of the process.
    pub rss_bytes: u64,
    /// In-kernel programs with their share of all CPUs of the host, the dearest first.
    pub bpf: Vec<(String, f64)>,
    /// In-kernel programs that were detached because the whole cost more than the threshold `own-cost.max`.
    pub detached: Vec<String>,
}

impl OwnCost {
    /// The source in a snapshot.
    pub const SOURCE: &str = "@cost";

    /// The lines that [`FromBytes`] reads back. Line ends inside a name become blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let flat = |name: &str| name.replace(['\n', '\r'], " ");
        let mut out = format!("cpu {} {}\nrss {}\n", self.cpu_share, self.cpu_seconds, self.rss_bytes);
        if let Some(share) = self.looking_share {
            let _ = writeln!(out, "looking {share} {}", self.setup_seconds);
        }
        if let Some(limit) = self.limit {
            let _ = writeln!(out, "limit {limit}");
        }
        for (name, share) in &self.bpf {
            let _ = writeln!(out, "bpf {share} {}", flat(name));
        }
        for name in &self.detached {
            let _ = writeln!(out, "detached {}", flat(name));
        }
        out.into_bytes()
    }
}

impl FromBytes for OwnCost {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cost = Self::default();
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let bad = || ParseError::new(number, "a line of the cost table", line);
            let share = |parts: &mut dyn Iterator<Item = &[u8]>| {
                parts.next().and_then(fraction).filter(|share| *share >= 0.0).ok_or_else(bad)
            };
            match parts.next() {
                Some(b"cpu") => {
                    cost.cpu_share = share(&mut parts)?;
                    cost.cpu_seconds = share(&mut parts)?;
                }
                Some(b"looking") => {
                    cost.looking_share = Some(share(&mut parts)?);
                    cost.setup_seconds = share(&mut parts)?;
                }
                Some(b"limit") => cost.limit = Some(share(&mut parts)?),
                Some(b"rss") => cost.rss_bytes = parts.next().and_then(unsigned).ok_or_else(bad)?,
                Some(b"bpf") => {
                    let share = share(&mut parts)?;
                    cost.bpf.push((rest(line, 2), share));
                }
                Some(b"detached") => cost.detached.push(rest(line, 1)),
                // A later version may know more.
                _ => {}
            }
        }
        Ok(cost)
    }
}

/// The line after its first `skip` words.
fn rest(line: &[u8], skip: usize) -> String {
    line.splitn(skip + 1, |&byte| byte == b' ').nth(skip).map(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let cost = OwnCost {
            cpu_share: 0.0123,
            cpu_seconds: 0.1,
            setup_seconds: 0.04,
            looking_share: Some(0.006),
            limit: Some(0.05),
            rss_bytes: 12 << 20,
            bpf: vec![("run queue".into(), 0.01), ("futex".into(), 0.0)],
            detached: vec!["locks\nx".into()],
        };
        let back = OwnCost::from_bytes(&cost.to_bytes()).unwrap();
        assert_eq!(back.detached, ["locks x"]);
        assert_eq!((back.cpu_share, back.cpu_seconds, back.rss_bytes), (0.0123, 0.1, 12 << 20));
        assert_eq!((back.setup_seconds, back.looking_share), (0.04, Some(0.006)));
        assert_eq!(back.limit, Some(0.05));
        assert_eq!(back.bpf, cost.bpf);
    }

    #[test]
    fn odd_lines_are_refused_with_their_number() {
        assert_eq!(OwnCost::from_bytes(b""), Ok(OwnCost::default()));
        assert_eq!(OwnCost::from_bytes(b"rss 1\ncpu nan 1\n").unwrap_err().line, 2);
        assert_eq!(OwnCost::from_bytes(b"cpu -1 1\n").unwrap_err().line, 1);
        assert_eq!(OwnCost::from_bytes(b"bpf\n").unwrap_err().line, 1);
    }
}
