//! The checks of a component: what is asked, and what the answer has to be.

use std::time::Duration;

use perfuse_analyze::status::Impact;
use regex::Regex;

use super::Defaults;
use super::cluster::{Cluster, cluster};
use super::part::Part;
use super::secret::Secret;
use super::trust::{Encrypt, Server, Trust, mode, of_mode, redis, sql, trust};

/// One check.
#[derive(Debug, Clone)]
pub struct Check {
    /// Name, unique in the component but for instances of one check.
    pub name: String,
    /// The instance that it looks at, when the component has several.
    pub instance: Option<String>,
    /// Time from one begin to the next.
    pub every: Duration,
    /// Time after which it has failed.
    pub timeout: Duration,
    /// Failures in a row to leave a state.
    pub failures: u32,
    /// Successes in a row to return.
    pub successes: u32,
    /// Time after which its latest result is no longer believed.
    pub stale: Duration,
    /// What its failure means.
    pub impact: Impact,
    /// Time from which on an answer is slow, which is degraded.
    pub slow: Option<Duration>,
    /// What is asked.
    pub kind: CheckKind,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum CheckKind {
    /// A URL.
    Http(Box<Http>),
    /// A port that takes connections, and may say something.
    Tcp(Tcp),
    /// A TLS handshake and its certificate.
    Tls(Tls),
    /// A name that resolves.
    Dns(Dns),
    /// A host that answers echo requests.
    Icmp(Icmp),
    /// A program with the exit status of Nagios plugins.
    Command(Command),
    /// A number of processes of a name.
    Process(Process),
    /// A systemd unit that is active.
    Unit(String),
    /// A `PostgreSQL` server.
    PostgreSql(Sql),
    /// A `MySQL` or `MariaDB` server.
    MySql(Sql),
    /// A Redis server.
    Redis(Server),
    /// A Kafka cluster.
    Kafka(Kafka),
    /// A `RabbitMQ` server, through its management interface.
    RabbitMq(RabbitMq),
    /// A NATS server.
    Nats(Nats),
    /// The verdict on a cell of this host's USE checklist.
    Host(Host),
    /// A number of a Prometheus endpoint.
    Scrape(Scrape),
    /// Two queries that must agree.
    Agree(Agree),
    /// A report that is sent here.
    Push(Push),
}

/// An HTTP request and the conditions on its answer.
#[derive(Debug, Clone)]
pub struct Http {
    /// `http://` or `https://`.
    pub url: String,
    /// `GET` unless something is sent.
    pub method: String,
    /// The body of the request.
    pub send: Option<String>,
    /// Headers of the request.
    pub headers: Vec<(String, String)>,
    /// User and password of basic authentication.
    pub basic: Option<(String, Option<Secret>)>,
    /// A bearer token.
    pub bearer: Option<Secret>,
    /// Redirects that are followed at most.
    pub redirects: usize,
    /// Statuses that are well; empty for 200 to 299.
    pub status: Vec<u64>,
    /// Text that the body must have.
    pub body_contains: Option<String>,
    /// A pattern that the body must match.
    pub body_matches: Option<Regex>,
    /// Text that the body must not have.
    pub body_lacks: Option<String>,
    /// Paths into a JSON body, and the values there.
    pub json: Vec<(String, String)>,
    /// Headers of the answer, and text in their values.
    pub header: Vec<(String, String)>,
    /// Bytes of the body that are read at most.
    pub max_body: u64,
    /// The certificate.
    pub trust: Trust,
}

/// A TCP connection.
#[derive(Debug, Clone)]
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// What is sent once connected.
    pub send: Option<String>,
    /// A pattern that the first bytes that come back must match.
    pub expect: Option<Regex>,
}

/// A TLS handshake.
#[derive(Debug, Clone)]
pub struct Tls {
    /// `host:port`.
    pub address: String,
    /// The name that the certificate must have, when it is not the host.
    pub server_name: Option<String>,
    /// The certificate.
    pub trust: Trust,
}

/// A DNS query.
#[derive(Debug, Clone)]
pub struct Dns {
    /// The name.
    pub query: String,
    /// `A`, `AAAA`, `CNAME`, `MX`, `NS`, `SRV` or `TXT`.
    pub record: &'static str,
    /// `address:port` of the server that is asked; by default those of the system.
    pub server: Option<String>,
    /// Answers that must be among those that come.
    pub answers: Vec<String>,
}

/// Echo requests.
#[derive(Debug, Clone)]
pub struct Icmp {
    /// Name or address.
    pub host: String,
    /// How many are sent.
    pub count: u32,
    /// The part of them that may be lost.
    pub max_loss: f64,
}

/// A program.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program and its arguments; no shell reads them.
    pub command: Vec<String>,
    /// Where it runs.
    pub dir: Option<String>,
    /// Its environment besides `PATH` and `LANG`.
    pub env: Vec<(String, String)>,
}

/// Processes of a name.
#[derive(Debug, Clone)]
pub struct Process {
    /// The name as `/proc/PID/comm` has it (15 bytes), or the file name of the program.
    pub process: String,
    /// The least that must be there.
    pub min: u32,
    /// The most that may be there.
    pub max: Option<u32>,
}

/// A server that is asked SQL.
#[derive(Debug, Clone)]
pub struct Sql {
    /// Where, with user and database.
    pub server: Server,
    /// What is asked; by default `SELECT 1`.
    pub query: String,
    /// What the first value of the first row has to be.
    pub compare: Option<Compare>,
}

/// A NATS server.
#[derive(Debug, Clone)]
pub struct Nats {
    /// `host:port`.
    pub address: String,
    /// Whether it has to speak TLS. One that demands it gets it all the same.
    pub encrypted: bool,
    /// The certificate.
    pub trust: Trust,
}

/// A Kafka cluster.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// Its brokers.
    pub cluster: Cluster,
    /// A topic all of whose partitions must have a leader.
    pub topic: Option<String>,
    /// The least number of brokers.
    pub min_brokers: u32,
}

/// A `RabbitMQ` server.
#[derive(Debug, Clone)]
pub struct RabbitMq {
    /// The management interface.
    pub url: String,
    /// User and password.
    pub basic: Option<(String, Option<Secret>)>,
    /// A queue.
    pub queue: Option<String>,
    /// The most messages that it may hold.
    pub max_messages: Option<u64>,
    /// The certificate.
    pub trust: Trust,
}

/// A cell of this host's checklist.
#[derive(Debug, Clone)]
pub struct Host {
    /// `cpu`, `memory`, `disk` or `network`; `None` for all.
    pub resource: Option<&'static str>,
    /// Id of the cell; `None` for all.
    pub cell: Option<String>,
    /// The worst verdict that is still well: `ok` or `watch`.
    pub worst: &'static str,
}

/// A number of a Prometheus endpoint.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// The endpoint.
    pub url: String,
    /// The metric.
    pub metric: String,
    /// Labels that it must have; the values of all that have them are added up.
    pub labels: Vec<(String, String)>,
    /// What it has to be.
    pub compare: Compare,
    /// The certificate.
    pub trust: Trust,
}

/// Two values that must agree.
#[derive(Debug, Clone)]
pub struct Agree {
    /// The first (`postgresql:`, `mysql:` or `http:` with a body that is a number).
    pub first: Server,
    /// The second.
    pub second: Server,
    /// What the first is asked, if it speaks SQL.
    pub query: Option<String>,
    /// What the second is asked; by default the same.
    pub second_query: Option<String>,
    /// By how much they may differ, as a part of the greater.
    pub tolerance: f64,
}

/// A report that is sent here.
#[derive(Debug, Clone)]
pub struct Push {
    /// Who sends it has to know this.
    pub token: Secret,
    /// The time within which one has to come; after it the check says nothing.
    pub within: Duration,
}

/// A comparison of a value with a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compare {
    /// How.
    pub is: Is,
    /// With what.
    pub than: f64,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Not,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Compare {
    /// Whether a value is as it has to be. One that is no number is not.
    #[expect(clippy::float_cmp, reason = "equality is what was asked for: of counts, and of flags that are 0 or 1")]
    pub fn holds(&self, value: f64) -> bool {
        match self.is {
            Is::Below => value < self.than,
            Is::AtMost => value <= self.than,
            Is::Equal => value == self.than,
            Is::Not => value != self.than && !value.is_nan(),
            Is::AtLeast => value >= self.than,
            Is::Above => value > self.than,
        }
    }
}

/// Reads one check. `None` after a mistake, which the source then has.
pub(super) fn read(kind: &'static str, part: Part<'_>, defaults: &Defaults) -> Option<Check> {
    // All of it is read before anything is given up: mistakes are told together.
    let every = part.duration("every").unwrap_or(defaults.every);
    let timeout = part.duration("timeout").unwrap_or(defaults.timeout.min(every));
    if part.has("timeout") && timeout > every {
        part.wrong("timeout", "timeout-within-every");
    }
    let failures = part.small("failures", 1..101).unwrap_or(defaults.failures);
    let successes = part.small("successes", 1..101).unwrap_or(defaults.successes);
    let impact = [("degraded", Impact::Degraded), ("partial", Impact::Partial), ("major", Impact::Major)];
    let (name, instance, slow) = (part.text("name"), part.text("instance"), part.duration("slow"));
    let (stale, impact) = (part.duration("stale"), part.choice("impact", &impact).unwrap_or(Impact::Major));
    let kind_of = read_kind(kind, part);
    let within = match &kind_of {
        Some(CheckKind::Push(push)) => Some(push.within),
        _ => None,
    };
    Some(Check {
        name: name.unwrap_or_else(|| kind.to_owned()),
        instance,
        every,
        timeout,
        failures,
        successes,
        stale: stale.or(within).unwrap_or(every.saturating_mul(3).max(Duration::from_secs(30))),
        impact,
        slow,
        kind: kind_of?,
    })
}

fn read_kind(kind: &str, part: Part<'_>) -> Option<CheckKind> {
    Some(match kind {
        "http" => CheckKind::Http(Box::new(http(part)?)),
        "tcp" => {
            let (send, expect) = (part.text("send"), part.regex("expect"));
            CheckKind::Tcp(Tcp { address: address(part, "address")?, send, expect })
        }
        "tls" => {
            let (server_name, trust) = (part.text("server_name"), days(part));
            CheckKind::Tls(Tls { address: address(part, "address")?, server_name, trust })
        }
        "dns" => dns(part)?,
        "icmp" => {
            let (count, max_loss) = (part.small("count", 1..21).unwrap_or(3), share(part, "max_loss").unwrap_or(0.5));
            CheckKind::Icmp(Icmp { host: part.need_text("host")?, count, max_loss })
        }
        "command" => {
            let (command, dir, env) = (part.need_list("command"), part.text("dir"), part.pairs("env"));
            CheckKind::Command(Command { command: Some(command).filter(|words| !words.is_empty())?, dir, env })
        }
        "process" => {
            let (min, max) = (part.small("min", 0..100_001).unwrap_or(1), part.small("max", 0..100_001));
            CheckKind::Process(Process { process: part.need_text("process")?, min, max })
        }
        "unit" => CheckKind::Unit(part.need_text("unit")?),
        "postgresql" => CheckKind::PostgreSql(query(part, &["postgresql", "postgres"])?),
        "mysql" => CheckKind::MySql(query(part, &["mysql"])?),
        "redis" => CheckKind::Redis(redis(part)?),
        "kafka" => {
            let (topic, min_brokers) = (part.text("topic"), part.small("min_brokers", 1..10_001).unwrap_or(1));
            CheckKind::Kafka(Kafka { cluster: cluster(part)?, topic, min_brokers })
        }
        "rabbitmq" => {
            let (basic, queue) = (basic(part), part.text("queue"));
            let (max_messages, trust) = (part.integer("max_messages", 0..1 << 53), trust(part));
            CheckKind::RabbitMq(RabbitMq { url: url(part, "url", WEB)?, basic, queue, max_messages, trust })
        }
        "nats" => {
            let trust = trust(part);
            let encrypted = part.choice("encryption", &[("none", false), ("tls", true)]).unwrap_or(false);
            CheckKind::Nats(Nats { address: address(part, "address")?, encrypted, trust })
        }
        "host" => {
            let resources = ["cpu", "memory", "disk", "network"].map(|name| (name, name));
            let (resource, cell) = (part.choice("resource", &resources), part.text("cell"));
            let worst = part.choice("worst", &[("ok", "ok"), ("watch", "watch")]).unwrap_or("watch");
            CheckKind::Host(Host { resource, cell, worst })
        }
        "scrape" => {
            let (labels, compare) = (part.pairs("labels"), need_compare(part));
            let (metric, trust) = (part.need_text("metric"), trust(part));
            CheckKind::Scrape(Scrape { url: url(part, "url", WEB)?, metric: metric?, labels, compare: compare?, trust })
        }
        "agree" => {
            let tolerance = share(part, "tolerance").unwrap_or(0.0);
            let (query, second_query) = (part.text("query"), part.text("second_query"));
            let trust = trust(part);
            let (first, second) = (asked(part, "first", &trust), asked(part, "second", &trust));
            CheckKind::Agree(Agree { first: first?, second: second?, query, second_query, tolerance })
        }
        _ => {
            let within = part.duration("within").unwrap_or(Duration::from_secs(300));
            CheckKind::Push(Push { token: part.need_secret("token")?, within })
        }
    })
}

/// Schemes of HTTP.
pub(super) const WEB: &[&str] = &["http", "https"];
/// Schemes of what gives a value.
const ASKED: &[&str] = &["postgresql", "postgres", "mysql", "http", "https"];

fn http(part: Part<'_>) -> Option<Http> {
    let send = part.text("send");
    let method = part.text("method").unwrap_or_else(|| if send.is_some() { "POST" } else { "GET" }.to_owned());
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        part.wrong("method", "method");
    }
    let status = part.integers("status");
    if status.iter().any(|status| !(100..=599).contains(status)) {
        part.wrong("status", "status");
    }
    let json = part.pairs("json");
    if json.iter().any(|(path, _)| !path.starts_with('/') && !path.is_empty()) {
        part.wrong("json", "json-pointer");
    }
    let http = Http {
        url: String::new(),
        method,
        send,
        headers: part.pairs("headers"),
        basic: basic(part),
        bearer: part.secret("bearer"),
        redirects: part.small("redirects", 0..21).map_or(5, |most| most as usize),
        status,
        body_contains: part.text("body_contains"),
        body_matches: part.regex("body_matches"),
        body_lacks: part.text("body_lacks"),
        json,
        header: part.pairs("header"),
        max_body: part.integer("max_body", 0..64 * 1024 * 1024 + 1).unwrap_or(1024 * 1024),
        trust: days(part),
    };
    Some(Http { url: url(part, "url", WEB)?, ..http })
}

fn dns(part: Part<'_>) -> Option<CheckKind> {
    let records = ["A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"].map(|name| (name, name));
    let record = part.choice("record", &records).unwrap_or("A");
    let server = part.text("server");
    if server.as_ref().is_some_and(|server| server.parse::<std::net::SocketAddr>().is_err()) {
        part.wrong("server", "socket-address");
    }
    let answers = part.list("answers");
    Some(CheckKind::Dns(Dns { query: part.need_text("query")?, record, server, answers }))
}

fn query(part: Part<'_>, schemes: &[&str]) -> Option<Sql> {
    let query = part.text("query").unwrap_or_else(|| "SELECT 1".to_owned());
    let compare = compare(part);
    Some(Sql { server: sql(part, schemes)?, query, compare })
}

/// One of the two that must agree.
fn asked(part: Part<'_>, key: &str, trust: &Trust) -> Option<Server> {
    let (url, mode) = match url(part, key, ASKED)? {
        web if web.starts_with("http") => {
            return Some(Server { url: web, password: None, encrypt: Encrypt::Never, trust: trust.clone() });
        }
        other => mode(&other),
    };
    let (encrypt, trust) = of_mode(part, key, mode.as_deref(), trust.clone())?;
    Some(Server { url, password: None, encrypt, trust })
}

/// What is asked of a certificate.
fn days(part: Part<'_>) -> Trust {
    Trust { days: part.small("certificate_days", 1..3651), ..trust(part) }
}

/// User and password.
pub(super) fn basic(part: Part<'_>) -> Option<(String, Option<Secret>)> {
    let (user, password) = (part.text("username"), part.secret("password"));
    if user.is_none() && password.is_some() {
        part.need_text("username");
    }
    user.map(|user| (user, password))
}

fn compare(part: Part<'_>) -> Option<Compare> {
    let words = [
        ("<", Is::Below),
        ("<=", Is::AtMost),
        ("==", Is::Equal),
        ("!=", Is::Not),
        (">=", Is::AtLeast),
        (">", Is::Above),
    ];
    let (is, than) = (part.choice("is", &words), part.number("than"));
    if part.has("is") != part.has("than") {
        part.need_text(if part.has("is") { "than" } else { "is" });
    }
    Some(Compare { is: is?, than: than? })
}

fn need_compare(part: Part<'_>) -> Option<Compare> {
    if !part.has("is") && !part.has("than") {
        part.need_text("is");
    }
    compare(part)
}

/// A part of a whole, 0 to 1.
fn share(part: Part<'_>, key: &str) -> Option<f64> {
    let share = part.number(key)?;
    if !(0.0..=1.0).contains(&share) {
        part.wrong(key, "share");
        return None;
    }
    Some(share)
}

/// `host:port`.
pub(super) fn address(part: Part<'_>, key: &str) -> Option<String> {
    let text = part.need_text(key)?;
    let number = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, number)| number.parse::<u16>());
    if !matches!(number, Some(Ok(1..))) {
        part.wrong(key, "host-port");
        return None;
    }
    Some(text)
}

/// A URL of one of some schemes.
pub(super) fn url(part: Part<'_>, key: &str, schemes: &[&str]) -> Option<String> {
    let text = part.need_text(key)?;
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !schemes.contains(&scheme) || host.is_empty() || text.contains(char::is_whitespace) {
        part.wrong(key, if schemes == WEB { "url-http" } else { "url" });
        return None;
    }
    Some(text)
}
