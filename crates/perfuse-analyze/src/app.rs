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
    /// What kind of application it asks.
    #[serde(default)]
    pub kind: AppKind,
    /// The component of the configuration that the collector belongs to.
    pub component: Option<String>,
    /// Process of the server on this host, when it is known.
    pub pid: Option<u32>,
    /// What was found.
    pub what: AppWhat,
}

/// What kind of application speaks: the commands of advice are in its language. Recordings of older daemons do not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppKind {
    /// `PostgreSQL`.
    PostgreSql,
    /// `MySQL` or `MariaDB`.
    MySql,
    /// Redis, or one of those that speak its protocol.
    Redis,
    /// `RabbitMQ`.
    RabbitMq,
    /// NATS.
    Nats,
    /// Kafka.
    Kafka,
    /// A Java virtual machine.
    Jvm,
    /// Whatever has an endpoint of metrics.
    Prometheus,
    /// Not known.
    #[default]
    #[serde(other)]
    Other,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum AppWhat {
    /// Sessions wait for a lock that another session holds.
    Blocked {
        /// Who holds it, as the application names sessions: pid or id, user and application name. Empty when it does not
        /// tell.
        holder: String,
        /// Process of the holding session on this host, when sessions are processes.
        holder_pid: Option<u32>,
        /// What the holder does, such as `idle in transaction`; of one that is not known, who it may be.
        doing: String,
        /// Its last statement, shortened; literals are left out.
        statement: String,
        /// Sessions that wait for it, directly or behind others.
        waiting: u64,
        /// Seconds that the longest of them waits.
        longest: f64,
        /// What is locked.
        object: String,
        /// Who waits, named as the holder is, the longest wait first; not more than a few.
        #[serde(default)]
        waiters: Vec<String>,
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
        /// Some of them: `address:port`, and the name that they give themselves.
        #[serde(default)]
        takers: Vec<String>,
    },
    /// A heap that is nearly full, or whose collector takes much of the time.
    Heap {
        /// Bytes in use after the last collection.
        used: f64,
        /// Bytes that there can be.
        max: f64,
        /// Share of the time that collections stopped the application, 0 to 1.
        pause_share: f64,
        /// Bytes that the whole heap can be, of which those before are the part that outlives collections; when known.
        #[serde(default)]
        all: Option<f64>,
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
        /// Whether the collector itself was refused because of it. The numbers are then those of its last look; 0 when
        /// there was none.
        #[serde(default)]
        denied: bool,
        /// Who has most of it, when known, and how much: sessions of one name, such as `42 × shop (idle)`.
        #[serde(default)]
        most: Option<String>,
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
