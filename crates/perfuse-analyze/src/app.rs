//! What applications say about themselves: the facts that only they know, beside what the kernel sees.
//!
//! A collector asks the application and states facts; the ranking of an incident weighs them against the waits of the
//! host. A fact is a value of one moment; it carries the number it rests on.

use serde::{Deserialize, Serialize};

/// One fact about one application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppFact {
    /// The collector that found it.
    pub source: String,
    /// The component of the configuration that the collector belongs to.
    pub component: Option<String>,
    /// Process of the server on this host, when it is known.
    pub pid: Option<u32>,
    /// What was found.
    pub what: AppWhat,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum AppWhat {
    /// Sessions wait for a lock that another session holds.
    Blocked {
        /// Who holds it, as the application names sessions: pid or id, user and application name.
        holder: String,
        /// Process of the holding session on this host, when sessions are processes.
        holder_pid: Option<u32>,
        /// What the holder does, such as `idle in transaction`.
        doing: String,
        /// Its last statement, shortened; literals are left out.
        statement: String,
        /// Sessions that wait for it, directly or behind others.
        waiting: u64,
        /// Seconds that the longest of them waits.
        longest: f64,
        /// What is locked.
        object: String,
    },
    /// A pool of connections or threads.
    Pool {
        /// Name of the pool.
        pool: String,
        /// In use.
        used: f64,
        /// Most that there can be.
        max: f64,
        /// Waiting for one.
        pending: f64,
    },
    /// A queue, or a group of consumers that is behind.
    Queue {
        /// Name of the queue, or topic and group.
        queue: String,
        /// Messages that wait.
        length: f64,
        /// Messages that come in per second, when known.
        rate_in: Option<f64>,
        /// Messages that are taken out per second, when known.
        rate_out: Option<f64>,
        /// Consumers, when known.
        consumers: Option<u64>,
    },
    /// A heap that is nearly full, or whose collector takes much of the time.
    Heap {
        /// Bytes in use after the last collection.
        used: f64,
        /// Bytes that there can be.
        max: f64,
        /// Share of the time that collections stopped the application, 0 to 1.
        pause_share: f64,
    },
    /// One command that kept a server busy alone.
    SlowCommand {
        /// The command, without its values.
        command: String,
        /// Seconds that it took.
        seconds: f64,
        /// Who sent it.
        client: String,
        /// How often since the last look.
        count: u64,
    },
    /// A limit of the application, such as its connections or memory.
    Limit {
        /// What is limited.
        limit: String,
        /// In use.
        used: f64,
        /// The limit.
        max: f64,
        /// Refused or evicted per second because of it, when known.
        refused: Option<f64>,
    },
}

/// A table as the application gave it, kept with an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTable {
    /// The collector.
    pub source: String,
    /// What the table shows: the name of the view or command that it comes from.
    pub title: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, each as long as the columns.
    pub rows: Vec<Vec<String>>,
}
