//! The way from a command to the daemon: a Unix socket for root and the daemon's group, with one JSON document a line.
//!
//! ```text
//! daemon   {"perfuse":"0.1.0","protocol":1}
//! command  {"lang":"en","ask":"status","component":null,"follow":false}
//! daemon   {"status":{...}}                                             once, or with every change
//! ```
//!
//! Whoever can open the socket may do everything: its permissions are the only key.

pub mod client;
mod server;

use perfuse_render::status::{IncidentLine, IncidentReport, StatusReport, Window};
use serde::{Deserialize, Serialize};

pub(super) use server::{Server, listen};

/// The version of what is said over the socket.
pub const PROTOCOL: u32 = 1;

/// Bytes of one line of a command, at most.
pub const LONGEST: usize = 64 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The version of the daemon.
    pub perfuse: String,
    /// [`PROTOCOL`] of the daemon.
    pub protocol: u32,
}

/// One line of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The language of the answer, `en` or `ko`.
    pub lang: String,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum Ask {
    /// The status of all components, or of one.
    Status {
        /// The component.
        component: Option<String>,
        /// Whether to answer again whenever something changes, until the command goes.
        #[serde(default)]
        follow: bool,
    },
    /// The newest incidents.
    Incidents {
        /// How many at most.
        limit: usize,
    },
    /// One incident.
    Incident {
        /// Its name.
        id: String,
    },
    /// The windows of maintenance.
    Maintenance,
    /// Opens a window of maintenance now.
    MaintenanceStart {
        /// Names of components; empty is all.
        components: Vec<String>,
        /// Seconds; without them until somebody ends it.
        seconds: Option<u64>,
        /// Why.
        reason: String,
    },
    /// Closes windows that were opened by hand.
    MaintenanceStop {
        /// The number of one.
        id: Option<u64>,
        /// The component whose windows are meant; without both all of them.
        component: Option<String>,
    },
    /// Makes the checks of a component now.
    Check {
        /// The component.
        component: String,
    },
    /// Reads the configuration again.
    Reload,
}

/// One line of the daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The status.
    Status(Box<StatusReport>),
    /// A list of incidents.
    Incidents {
        /// When it was made, in milliseconds since 1970 in UTC.
        time: u64,
        /// The incidents, the newest first.
        incidents: Vec<IncidentLine>,
    },
    /// An incident.
    Incident(Box<IncidentReport>),
    /// The windows of maintenance.
    Maintenance {
        /// When it was made, in milliseconds since 1970 in UTC.
        time: u64,
        /// Those that are open or to come.
        windows: Vec<Window>,
    },
    /// It is done; in words.
    Done(String),
    /// It is not done; why.
    Refused(String),
}

impl Call {
    /// Reads one line; what is wrong with it, in the words of the parser.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        if line.len() > LONGEST {
            return Err(format!("more than {LONGEST} bytes"));
        }
        serde_json::from_slice(line).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_back_and_anything_else_is_refused() {
        for ask in [
            Ask::Status { component: Some("shop".into()), follow: true },
            Ask::Incidents { limit: 7 },
            Ask::Incident { id: "x".into() },
            Ask::Maintenance,
            Ask::MaintenanceStart { components: vec!["a".into()], seconds: Some(60), reason: "r".into() },
            Ask::MaintenanceStop { id: None, component: None },
            Ask::Check { component: "a".into() },
            Ask::Reload,
        ] {
            let call = Call { lang: "ko".into(), ask };
            assert_eq!(Call::parse(serde_json::to_string(&call).unwrap().as_bytes()), Ok(call));
        }
        assert!(Call::parse(br#"{"lang":"en","ask":"status"}"#).is_ok(), "what is optional may be left out");
        for wrong in
            [&b""[..], b"{}", b"[]", br#"{"lang":"en","ask":"shell"}"#, b"\xff", br#"{"lang":7,"ask":"reload"}"#]
        {
            assert!(Call::parse(wrong).is_err());
        }
        assert!(Call::parse(&vec![b' '; LONGEST + 1]).is_err());
    }
}
