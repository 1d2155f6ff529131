//! Windows, alerts, and where series come from.

use std::time::Duration;

use lettre::message::Mailbox;
use perfuse_analyze::status::{Planned, When};
use toml::value::{Datetime, Offset};

use super::check::{WEB, address, basic, url};
use super::cluster::{Cluster, cluster};
use super::part::Part;
use super::plan::known;
use super::secret::Secret;
use super::trust::{Server, Trust, redis, sql, trust};
use super::{Component, keys};
use crate::alert::template::{self, Template};

/// Somebody who is told.
#[derive(Debug, Clone)]
pub struct Alert {
    /// Name, for the log and the page.
    pub name: String,
    /// The components of which it is told; empty for all.
    pub components: Vec<String>,
    /// Whether it is told of the return, too.
    pub resolve: bool,
    /// Time after which it is told again of what lasts.
    pub repeat: Option<Duration>,
    /// The certificate of whoever takes it.
    pub trust: Trust,
    /// How.
    pub kind: AlertKind,
}

/// How somebody is told.
#[derive(Debug, Clone)]
pub enum AlertKind {
    /// A request to a URL.
    Webhook {
        /// Where; a URL of this kind often is the secret.
        url: Secret,
        /// Headers.
        headers: Vec<(String, String)>,
        /// The body, with `{{ component }}` and the like; by default JSON of everything.
        template: Option<String>,
    },
    /// The webhook of Slack, and of what is compatible with it.
    Slack {
        /// Where.
        url: Secret,
    },
    /// A mail.
    Email {
        /// `host:port`.
        server: String,
        /// Who sends.
        from: String,
        /// Who gets it.
        to: Vec<String>,
        /// User and password.
        login: Option<(String, Option<Secret>)>,
        /// `none`, `starttls` or `tls`.
        encryption: &'static str,
    },
    /// An Alertmanager, through version 2 of its API.
    Alertmanager {
        /// Where.
        url: Secret,
    },
}

/// A series from a probe of the kernel or of a program.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Name of the series.
    pub name: String,
    /// The event, as `perfuse stat -e` takes it.
    pub event: String,
    /// A condition on its fields.
    pub filter: Option<String>,
    /// `count`, `sum`, `min`, `max`, `avg`, `p50`, `p95` or `p99`.
    pub aggregate: &'static str,
    /// The field that is aggregated; not for `count`.
    pub value: Option<String>,
    /// A field by whose values it is kept apart.
    pub by: Option<String>,
    /// Unit, for pages.
    pub unit: Option<String>,
    /// Time of one point of the series.
    pub every: Duration,
}

/// A series from a variable of a process.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Name of the series.
    pub name: String,
    /// The process, by its name.
    pub process: Option<String>,
    /// The process, by its systemd unit.
    pub service: Option<String>,
    /// The symbol, or the variable of the debug information.
    pub symbol: String,
    /// `i8` to `f64`, when debug information does not say.
    pub kind: Option<&'static str>,
    /// Unit, for pages.
    pub unit: Option<String>,
    /// Time of one point of the series.
    pub every: Duration,
}

/// An application whose state is kept.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Name, the label `collector` of its series.
    pub name: String,
    /// The component whose incidents show it.
    pub component: Option<String>,
    /// Time of one point of its series.
    pub every: Duration,
    /// Time that an answer may take.
    pub timeout: Duration,
    /// Which application.
    pub kind: CollectorKind,
}

/// Which application.
#[derive(Debug, Clone)]
pub enum CollectorKind {
    /// `PostgreSQL`.
    PostgreSql(Server),
    /// `MySQL` or `MariaDB`.
    MySql(Server),
    /// Redis.
    Redis(Server),
    /// `RabbitMQ`.
    RabbitMq {
        /// The management interface.
        url: String,
        /// User and password.
        login: Option<(String, Option<Secret>)>,
        /// The certificate.
        trust: Trust,
    },
    /// NATS.
    Nats {
        /// The monitoring interface.
        url: String,
        /// The certificate.
        trust: Trust,
    },
    /// Kafka.
    Kafka {
        /// Its brokers.
        cluster: Cluster,
        /// Consumer groups; empty for all.
        groups: Vec<String>,
    },
    /// A Java virtual machine of this host.
    Jvm {
        /// The process, by its name.
        process: Option<String>,
        /// The process, by its systemd unit.
        service: Option<String>,
    },
    /// A Java virtual machine anywhere, by its Jolokia agent.
    Jolokia {
        /// The agent.
        url: String,
        /// User and password.
        login: Option<(String, Option<Secret>)>,
        /// The certificate.
        trust: Trust,
    },
    /// A Prometheus or `OpenMetrics` endpoint.
    Prometheus {
        /// Where.
        url: String,
        /// A token.
        bearer: Option<Secret>,
        /// What its numbers mean.
        rules: Vec<Rule>,
        /// The certificate.
        trust: Trust,
    },
}

/// What a metric of an endpoint means.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Name of the metric.
    pub metric: String,
    /// Labels that it must have.
    pub labels: Vec<(String, String)>,
    /// `pool`, `queue`, `heap`, `lag` or `threads`.
    pub to: &'static str,
    /// `used`, `idle`, `pending`, `max`, `length` or `rate`.
    pub field: &'static str,
    /// Which pool or queue, or the label that says it (`"{pool}"`).
    pub name: Option<String>,
}

/// Minutes by which clocks are ahead of UTC: `"+09:00"`, `"Z"`.
pub(super) fn offset(top: Part<'_>) -> i32 {
    let Some(text) = top.text("time_offset") else { return 0 };
    let minutes = || {
        if text == "Z" {
            return Some(0);
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let minutes = clock(rest)?;
        (minutes <= 18 * 60).then_some(sign * i32::try_from(minutes).ok()?)
    };
    minutes().unwrap_or_else(|| {
        top.wrong("time_offset", "offset");
        0
    })
}

/// `02:30` in minutes.
fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| (digits.len() == 2).then(|| digits.parse::<u32>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The windows of the calendar.
pub(super) fn maintenance(top: Part<'_>, offset: i32, components: &[Component]) -> Vec<Planned> {
    let each = top.parts("maintenance", &keys::MAINTENANCE).into_iter().map(|part| {
        let reason = part.text("reason").unwrap_or_default();
        let when = if part.has("days") || part.has("at") { weekly(part, offset) } else { once(part, offset) };
        Some(Planned { components: named(part, components), when: when?, reason })
    });
    each.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// The components that a part names; all of them have to be there.
fn named(part: Part<'_>, components: &[Component]) -> Vec<String> {
    let named = part.list("components");
    for name in &named {
        known(components, name, part, "components");
    }
    named
}

fn weekly(part: Part<'_>, offset: i32) -> Option<When> {
    for key in ["start", "end"].into_iter().filter(|key| part.has(key)) {
        part.wrong(key, "once-or-weekly");
    }
    let mut days = [!part.has("days"); 7];
    for day in part.list("days") {
        match DAYS.iter().position(|known| *known == day) {
            Some(place) => days[place] = true,
            None => part.wrong("days", "days"),
        }
    }
    let minute = part.need_text("at").and_then(|text| clock(&text));
    if part.has("at") && minute.is_none() {
        part.wrong("at", "clock");
    }
    let minutes = part.duration("for").and_then(|time| u32::try_from(time.as_secs().div_ceil(60)).ok());
    if !part.has("for") {
        part.need_text("for");
    }
    if minutes.is_some_and(|minutes| minutes > 7 * 1440) {
        part.wrong("for", "at-most-a-week");
        return None;
    }
    Some(When::Weekly { days, minute: minute?, minutes: minutes?, offset })
}

fn once(part: Part<'_>, offset: i32) -> Option<When> {
    let at = |key: &str| {
        let time = part.datetime(key)?;
        let time = milliseconds(&time, offset);
        if time.is_none() {
            part.wrong(key, "datetime");
        }
        time
    };
    if !part.has("start") {
        part.need_text("start");
    }
    let start = at("start")?;
    let end = if part.has("end") {
        at("end")?
    } else {
        let time = part.duration("for");
        if !part.has("for") {
            part.need_text("end");
        }
        start.saturating_add(u64::try_from(time?.as_millis()).ok()?)
    };
    if end <= start {
        part.wrong("end", "after-start");
        return None;
    }
    Some(When::Once { start, end })
}

/// Milliseconds since 1970 of a date, with a time or at midnight, in its own or in the given offset.
fn milliseconds(time: &Datetime, offset: i32) -> Option<u64> {
    let date = time.date?;
    let clock = time.time.map_or((0, 0, 0), |time| (time.hour, time.minute, time.second.unwrap_or(0)));
    let part = |number: u8| i8::try_from(number).ok();
    let civil = jiff::civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        part(date.month)?,
        part(date.day)?,
        part(clock.0)?,
        part(clock.1)?,
        part(clock.2.min(59))?,
        0,
    );
    let minutes = match time.offset {
        Some(Offset::Z) => 0,
        Some(Offset::Custom { minutes }) => i32::from(minutes),
        None => offset,
    };
    let zone = jiff::tz::Offset::from_seconds(minutes.checked_mul(60)?).ok()?;
    u64::try_from(zone.to_timestamp(civil.ok()?).ok()?.as_millisecond()).ok()
}

/// Those who are told.
pub(super) fn alerts(top: Part<'_>, components: &[Component]) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    for (kind, part) in top.kinds("alert", keys::ALERTS) {
        let (name, named) = (part.text("name"), named(part, components));
        let (resolve, repeat) = (part.flag("resolve").unwrap_or(true), part.duration("repeat"));
        let name = name.unwrap_or_else(|| kind.to_owned());
        // What waits for a receiver is kept under its name.
        if alerts.iter().any(|other| other.name == name) {
            let message = perfuse_analyze::Msg::new("config-twice").with("name", name.as_str());
            part.source.error(part.span_of("name"), message);
        }
        let trust = trust(part);
        if let Some(kind) = alert(kind, part) {
            alerts.push(Alert { name, components: named, resolve, repeat, trust, kind });
        }
    }
    alerts
}

fn alert(kind: &str, part: Part<'_>) -> Option<AlertKind> {
    Some(match kind {
        "webhook" => {
            let (headers, template) = (part.pairs("headers"), part.text("template"));
            if template.as_ref().is_some_and(|template| Template::parse(template).is_err()) {
                part.wrong_word("template", "template", template::NAMES);
            }
            AlertKind::Webhook { url: secret_url(part)?, headers, template }
        }
        "slack" => AlertKind::Slack { url: secret_url(part)? },
        "email" => {
            let ways = [("none", "none"), ("starttls", "starttls"), ("tls", "tls")];
            let encryption = part.choice("encryption", &ways).unwrap_or("starttls");
            let (login, to, from) = (basic(part), part.need_list("to"), part.need_text("from"));
            for (key, addresses) in [("from", from.as_slice()), ("to", &to)] {
                if addresses.iter().any(|address| address.parse::<Mailbox>().is_err()) {
                    part.wrong(key, "mailbox");
                }
            }
            AlertKind::Email { server: address(part, "server")?, from: from?, to, login, encryption }
        }
        _ => AlertKind::Alertmanager { url: secret_url(part)? },
    })
}

/// A URL that is a secret itself.
fn secret_url(part: Part<'_>) -> Option<Secret> {
    let url = part.need_secret("url")?;
    let web = WEB.iter().any(|scheme| url.reveal().strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://")));
    if !web {
        part.wrong("url", "url-http");
    }
    web.then_some(url)
}

/// Series from probes.
pub(super) fn probes(top: Part<'_>) -> Vec<Probe> {
    let each = top.parts("probe", &keys::PROBE).into_iter().map(|part| {
        let ways = ["count", "sum", "min", "max", "avg", "p50", "p95", "p99"].map(|name| (name, name));
        let aggregate = part.choice("aggregate", &ways).unwrap_or("count");
        let value = part.text("value");
        if aggregate != "count" && !part.has("value") {
            part.need_text("value");
        }
        let (name, event) = (part.need_text("name"), part.need_text("event"));
        let (filter, by, unit) = (part.text("filter"), part.text("by"), part.text("unit"));
        let every = part.duration("every").unwrap_or(Duration::from_secs(1));
        Some(Probe { name: name?, event: event?, filter, aggregate, value, by, unit, every })
    });
    each.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Series from variables.
pub(super) fn variables(top: Part<'_>) -> Vec<Variable> {
    let each = top.parts("variable", &keys::VARIABLE).into_iter().map(|part| {
        let types =
            ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "bool"].map(|name| (name, name));
        let (process, service) = process(part);
        let (name, symbol) = (part.need_text("name"), part.need_text("symbol"));
        let (kind, unit) = (part.choice("type", &types), part.text("unit"));
        let every = part.duration("every").unwrap_or(Duration::from_secs(1));
        Some(Variable { name: name?, process, service, symbol: symbol?, kind, unit, every })
    });
    each.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// A process, by name or by unit.
fn process(part: Part<'_>) -> (Option<String>, Option<String>) {
    let both = (part.text("process"), part.text("service"));
    if !part.has("process") && !part.has("service") {
        part.need_text("process");
    }
    both
}

/// Applications.
pub(super) fn collectors(top: Part<'_>, components: &[Component]) -> Vec<Collector> {
    let mut collectors: Vec<Collector> = Vec::new();
    for (kind, part) in top.kinds("collector", keys::COLLECTORS) {
        let name = part.text("name").unwrap_or_else(|| kind.to_owned());
        let component = part.text("component");
        if let Some(component) = &component {
            known(components, component, part, "component");
        }
        if collectors.iter().any(|other| other.name == name) {
            let message = perfuse_analyze::Msg::new("config-twice").with("name", name.as_str());
            part.source.error(part.span_of("name"), message);
        }
        let every = part.duration("every").unwrap_or(Duration::from_secs(10));
        let timeout = part.duration("timeout").unwrap_or(every.min(Duration::from_secs(5)));
        if let Some(kind) = collector(kind, part) {
            collectors.push(Collector { name, component, every, timeout, kind });
        }
    }
    collectors
}

fn collector(kind: &str, part: Part<'_>) -> Option<CollectorKind> {
    Some(match kind {
        "postgresql" => CollectorKind::PostgreSql(sql(part, &["postgresql", "postgres"])?),
        "mysql" => CollectorKind::MySql(sql(part, &["mysql"])?),
        "redis" => CollectorKind::Redis(redis(part)?),
        "rabbitmq" => {
            let (login, trust) = (basic(part), trust(part));
            CollectorKind::RabbitMq { url: url(part, "url", WEB)?, login, trust }
        }
        "nats" => {
            let trust = trust(part);
            CollectorKind::Nats { url: url(part, "url", WEB)?, trust }
        }
        "kafka" => {
            let groups = part.list("groups");
            CollectorKind::Kafka { cluster: cluster(part)?, groups }
        }
        "jvm" => {
            let (process, service) = process(part);
            CollectorKind::Jvm { process, service }
        }
        "jolokia" => {
            let (login, trust) = (basic(part), trust(part));
            CollectorKind::Jolokia { url: url(part, "url", WEB)?, login, trust }
        }
        _ => {
            let (bearer, rules, trust) = (part.secret("bearer"), rules(part), trust(part));
            CollectorKind::Prometheus { url: url(part, "url", WEB)?, bearer, rules, trust }
        }
    })
}

fn rules(part: Part<'_>) -> Vec<Rule> {
    let each = part.parts("rule", &keys::RULE).into_iter().map(|part| {
        let kinds = ["pool", "queue", "heap", "lag", "threads"].map(|name| (name, name));
        let fields = ["used", "idle", "pending", "max", "length", "rate"].map(|name| (name, name));
        for key in ["to", "field"].into_iter().filter(|key| !part.has(key)) {
            part.need_text(key);
        }
        let (to, field) = (part.choice("to", &kinds), part.choice("field", &fields));
        let (labels, name) = (part.pairs("labels"), part.text("name"));
        Some(Rule { metric: part.need_text("metric")?, labels, to: to?, field: field?, name })
    });
    each.collect::<Vec<_>>().into_iter().flatten().collect()
}
