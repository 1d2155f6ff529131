//! A recording that was captured for an incident: it carries what the answer depends on beside the host, so that whoever
//! replays it gets the same answer.

use std::net::IpAddr;

use perfuse_analyze::app::AppFact;
use perfuse_analyze::window::Window;
use perfuse_format::RawSnapshot;
use perfuse_format::replay::{Decoder, NotARecording};
use serde::{Deserialize, Serialize};

use crate::ring::COMPLETE;

/// Snapshots that an answer is made from, at most; of a longer recording they are spread evenly.
const SNAPSHOTS: usize = 21;

/// What the answer depends on beside the host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    /// The component that failed.
    pub component: String,
    /// The components that it cannot do without, directly or not.
    pub needs: Vec<String>,
    /// Where its processes are to be found, the best way first.
    pub who: Vec<Who>,
    /// Its processes before the first failure, pid and name, the leading one first.
    pub before: Vec<(u32, String)>,
    /// Monotonic time in nanoseconds from which on the recording is about the failure; `None` for all of it.
    pub since_ns: Option<u64>,
    /// What applications said meanwhile.
    pub facts: Vec<AppFact>,
}

/// Where the processes of a component are to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// In the cgroup of a systemd unit.
    Unit(String),
    /// Whoever listens on a TCP port, if the address is of this host; without an address it is.
    Port {
        /// The port.
        port: u16,
        /// The address that is asked.
        address: Option<IpAddr>,
    },
    /// Whoever receives at a UDP port of this host.
    Datagrams(u16),
    /// Whoever listens at a local socket.
    Local(String),
    /// Processes of a name.
    Command(String),
}

impl Circumstances {
    /// The source in the last snapshot.
    pub const SOURCE: &str = "@incident";

    /// As JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts and numbers: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From JSON; nothing for what is none of ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    fn of(snapshot: &RawSnapshot) -> Option<Self> {
        Self::from_bytes(snapshot.bytes(Self::SOURCE).into_value()?)
    }
}

/// The circumstances of a recording and the snapshots that its answer is made from; nothing for a recording without
/// circumstances. What stands before damage is used, as far as it goes.
pub fn load(bytes: &[u8]) -> Result<Option<(Circumstances, Vec<RawSnapshot>)>, NotARecording> {
    let mut complete = Vec::new();
    let mut circumstances = None;
    for snapshot in Decoder::new(bytes)?.map_while(Result::ok) {
        if snapshot.has(COMPLETE) {
            complete.push(snapshot.mono_ns);
        }
        circumstances = Circumstances::of(&snapshot);
    }
    let Some(circumstances) = circumstances else { return Ok(None) };
    // What is read only now and then must be at the beginning, or there would be no rates of it.
    let since = circumstances.since_ns.unwrap_or(0);
    let start = complete.iter().rev().find(|at| **at <= since).or(complete.first()).copied().unwrap_or(0);
    let mut window = Window::new(SNAPSHOTS);
    for snapshot in Decoder::new(bytes)?.map_while(Result::ok).filter(|snapshot| snapshot.mono_ns >= start) {
        window.push(snapshot);
    }
    Ok(Some((circumstances, window.into_snapshots())))
}

#[cfg(test)]
mod tests {
    use perfuse_format::replay::Encoder;

    use super::*;

    fn recording(circumstances: Option<&Circumstances>) -> Vec<u8> {
        let mut bytes = Encoder::header("test");
        let mut encoder = Encoder::new();
        for second in 1..=100_u64 {
            let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
            if second % 10 == 0 {
                raw.put(COMPLETE, "");
            }
            if second == 100
                && let Some(circumstances) = circumstances
            {
                raw.put(Circumstances::SOURCE, circumstances.to_bytes());
            }
            bytes.extend(encoder.snapshot(raw));
        }
        bytes
    }

    #[test]
    fn what_is_written_is_read_back_and_the_window_begins_complete() {
        let who = vec![
            Who::Unit("shop".to_owned()),
            Who::Port { port: 80, address: Some(IpAddr::from([127, 0, 0, 1])) },
            Who::Command("shop".to_owned()),
        ];
        let circumstances = Circumstances {
            component: "shop".to_owned(),
            who,
            before: vec![(7, "shop".to_owned())],
            since_ns: Some(45_000_000_000),
            ..Circumstances::default()
        };
        let bytes = recording(Some(&circumstances));
        let (found, snapshots) = load(&bytes).unwrap().expect("circumstances");
        assert_eq!(found, circumstances);
        let second = |snapshot: Option<&RawSnapshot>| snapshot.map(|snapshot| snapshot.mono_ns / 1_000_000_000);
        assert_eq!((second(snapshots.first()), second(snapshots.last())), (Some(40), Some(100)));
        assert!(snapshots.len() <= SNAPSHOTS);
        // A time before everything, and none.
        for since_ns in [Some(1), None] {
            let bytes = recording(Some(&Circumstances { since_ns, ..Circumstances::default() }));
            assert_eq!(second(load(&bytes).unwrap().unwrap().1.first()), Some(10));
        }
        assert!(load(&recording(None)).unwrap().is_none());
        assert!(load(b"no recording").is_err());
    }

    #[test]
    fn a_cut_recording_has_no_circumstances_and_does_no_harm() {
        let bytes = recording(Some(&Circumstances::default()));
        for cut in [bytes.len() - 1, bytes.len() / 2, 20, 9] {
            assert!(matches!(load(&bytes[..cut]), Ok(None) | Err(_)));
        }
        assert_eq!(Circumstances::from_bytes(b"{}"), None);
    }
}
