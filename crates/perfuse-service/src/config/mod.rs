//! The configuration: one TOML file, read whole, with every mistake of it told at once and at its place.
//!
//! [`parse`] gives a [`Config`] or all mistakes. What the states depend on is a part of it that [`Config::plan`] hands
//! to the state machine. Secrets may stand in files or in the environment; wherever they come from they are a
//! [`Secret`], which nothing shows.

pub mod check;
pub mod cluster;
mod error;
mod export;
pub mod keys;
mod other;
mod part;
mod plan;
mod secret;
#[cfg(test)]
mod tests;
pub mod trust;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::status::{Planned, SloPlan};
use toml::de::DeTable;

pub use check::{Check, CheckKind};
pub use error::ConfigError;
pub use export::{Export, ExportKind};
pub use other::{Alert, AlertKind, Collector, CollectorKind, Probe, Rule, Variable};
pub use part::duration;
pub use secret::{Outside, Secret};

use part::{Part, Source};

/// The bytes of a file above which it is no configuration.
const LARGEST: usize = 4 * 1024 * 1024;

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the daemon listens.
    pub listen: SocketAddr,
    /// Where the public page alone can be had.
    pub public_listen: Option<SocketAddr>,
    /// Where people reach the pages, without a slash at the end: for what alerts say.
    pub page_url: Option<String>,
    /// Where the store is; by default the place of the system or of the user.
    pub state_dir: Option<String>,
    /// `en` or `ko`, for pages of which nobody asked another language.
    pub language: &'static str,
    /// Minutes by which days and windows are ahead of UTC.
    pub time_offset: i32,
    /// Checks that run at the same time, at most.
    pub concurrency: usize,
    /// The password of the operator.
    pub password: Option<Secret>,
    /// The token of programs.
    pub token: Option<Secret>,
    /// Files of the certificate chain and of its key, in PEM.
    pub tls: Option<(String, String)>,
    /// What is kept.
    pub retention: Retention,
    /// The components, in the order of the file.
    pub components: Vec<Component>,
    /// Windows of the calendar.
    pub maintenance: Vec<Planned>,
    /// Who is told.
    pub alerts: Vec<Alert>,
    /// Series from probes.
    pub probes: Vec<Probe>,
    /// Series from variables of processes.
    pub variables: Vec<Variable>,
    /// Series from applications.
    pub collectors: Vec<Collector>,
    /// Who gets the series.
    pub exports: Vec<Export>,
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Every second of this time.
    pub fine: Duration,
    /// Thinned out, of this time.
    pub coarse: Duration,
    /// Bytes on disk at most.
    pub max_bytes: u64,
}

/// One component.
#[derive(Debug, Clone)]
pub struct Component {
    /// Name in commands and URLs.
    pub name: String,
    /// Name on pages; by default the name.
    pub title: Option<String>,
    /// Name on Korean pages.
    pub title_ko: Option<String>,
    /// The group on pages.
    pub group: Option<String>,
    /// A sentence for pages.
    pub description: Option<String>,
    /// Whether it stands on the public page.
    pub public: bool,
    /// Components that it cannot do without.
    pub needs: Vec<String>,
    /// The systemd unit whose processes are it, for the search for causes.
    pub unit: Option<String>,
    /// Instances that must be up for it to be no worse than degraded.
    pub instances_needed: Option<u32>,
    /// Its objective.
    pub slo: Option<SloPlan>,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// What checks have that say nothing of their own.
#[derive(Debug, Clone, Copy)]
struct Defaults {
    every: Duration,
    timeout: Duration,
    failures: u32,
    successes: u32,
}

/// Reads a configuration; all its mistakes, in the order of their places, if it has any.
pub fn parse(text: &str, outside: &Outside<'_>) -> Result<Config, Vec<ConfigError>> {
    if text.len() > LARGEST {
        let message = Msg::new("config-too-large").with("bytes", LARGEST as u64);
        return Err(vec![ConfigError::new(text, 0..1, false, message)]);
    }
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let message = Msg::new("config-syntax").with("problem", error.message());
            // What could not be parsed may be a line with a password.
            return Err(vec![ConfigError::new(text, error.span().unwrap_or(0..1), false, message)]);
        }
    };
    let source = Source { text, outside, errors: RefCell::default() };
    let config = read(Part::new(&source, table.get_ref(), &keys::TOP, 0..1));
    let mut errors = source.errors.take();
    if errors.is_empty() {
        return Ok(config);
    }
    errors.sort_by_key(|error| (error.line, error.column));
    Err(errors)
}

fn read(top: Part<'_>) -> Config {
    let auth = top.part("auth", &keys::AUTH);
    let time_offset = other::offset(top);
    let components = components(top);
    let maintenance = other::maintenance(top, time_offset, &components);
    let config = Config {
        listen: address(top, "listen").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7780))),
        public_listen: address(top, "public_listen"),
        page_url: top
            .has("page_url")
            .then(|| check::url(top, "page_url", check::WEB))
            .flatten()
            .map(|url| url.trim_end_matches('/').to_owned()),
        state_dir: top.text("state_dir"),
        language: top.choice("language", &[("en", "en"), ("ko", "ko")]).unwrap_or("en"),
        time_offset,
        concurrency: top.small("concurrency", 1..1025).map_or(64, |most| most as usize),
        password: auth.and_then(|auth| auth.secret("password")),
        token: auth.and_then(|auth| auth.secret("token")),
        tls: top.part("tls", &keys::TLS).and_then(|tls| {
            let (cert, key) = (tls.need_text("cert_file"), tls.need_text("key_file"));
            Some((cert?, key?))
        }),
        retention: retention(top),
        maintenance,
        alerts: other::alerts(top, &components),
        probes: other::probes(top),
        variables: other::variables(top),
        collectors: other::collectors(top, &components),
        exports: export::exports(top),
        components,
    };
    let open = |listen: SocketAddr| !listen.ip().is_loopback();
    if open(config.listen) && config.password.is_none() && config.token.is_none() {
        top.wrong("listen", "auth");
    }
    config
}

fn address(top: Part<'_>, key: &str) -> Option<SocketAddr> {
    let address = top.text(key)?.parse().ok();
    if address.is_none() {
        top.wrong(key, "socket-address");
    }
    address
}

fn retention(top: Part<'_>) -> Retention {
    let part = top.part("retention", &keys::RETENTION);
    let time =
        |key: &str, days: u64| part.and_then(|part| part.duration(key)).unwrap_or(Duration::from_secs(days * 86_400));
    let bytes = part.and_then(|part| part.integer("max_bytes", 16 << 20..1 << 44));
    Retention { fine: time("fine", 2), coarse: time("coarse", 30), max_bytes: bytes.unwrap_or(1 << 30) }
}

fn components(top: Part<'_>) -> Vec<Component> {
    let part = top.part("defaults", &keys::DEFAULTS);
    let duration =
        |key: &str, seconds| part.and_then(|part| part.duration(key)).unwrap_or(Duration::from_secs(seconds));
    let count = |key: &str, default| part.and_then(|part| part.small(key, 1..101)).unwrap_or(default);
    let defaults = Defaults {
        every: duration("every", 60),
        timeout: duration("timeout", 10),
        failures: count("failures", 3),
        successes: count("successes", 2),
    };
    let parts = top.parts("component", &keys::COMPONENT);
    let mut components: Vec<Component> = Vec::new();
    let mut places = Vec::new();
    for part in parts {
        let component = component(part, &defaults);
        if !component.name.is_empty() && components.iter().any(|other| other.name == component.name) {
            let message = Msg::new("config-twice").with("name", component.name.as_str());
            part.source.error(part.span_of("name"), message);
        }
        places.push(part);
        components.push(component);
    }
    plan::check_needs(&components, &places);
    components
}

fn component(part: Part<'_>, defaults: &Defaults) -> Component {
    let name = part.need_text("name").unwrap_or_default();
    // Names stand in URLs, on command lines and in labels.
    if !name.chars().all(|character| character.is_alphanumeric() || "-_.".contains(character)) {
        part.wrong("name", "name");
    }
    let mut checks: Vec<Check> = Vec::new();
    for (kind, inner) in part.kinds("check", keys::CHECKS) {
        let Some(check) = check::read(kind, inner, defaults) else { continue };
        let same = |other: &Check| other.name == check.name && other.instance == check.instance;
        if checks.iter().any(same) {
            let message = Msg::new("config-check-twice").with("name", check.name.as_str());
            inner.source.error(inner.span_of("name"), message);
        }
        checks.push(check);
    }
    Component {
        name,
        title: part.text("title"),
        title_ko: part.text("title_ko"),
        group: part.text("group"),
        description: part.text("description"),
        public: part.flag("public").unwrap_or(true),
        needs: part.list("needs"),
        unit: part.text("unit"),
        instances_needed: part.small("instances_needed", 1..100_001),
        slo: part.part("slo", &keys::SLO).and_then(slo),
        checks,
    }
}

fn slo(part: Part<'_>) -> Option<SloPlan> {
    let (days, min_events) = (part.small("days", 1..32), part.integer("min_events", 1..1 << 32));
    let slow_is_bad = part.flag("slow_is_bad").unwrap_or(false);
    if !part.has("objective") {
        part.need_text("objective");
    }
    let objective = part.number("objective")?;
    if !(objective > 0.0 && objective < 1.0) {
        part.wrong("objective", "objective");
        return None;
    }
    Some(SloPlan { objective, days: days.unwrap_or(30), min_events: min_events.unwrap_or(20), slow_is_bad })
}
