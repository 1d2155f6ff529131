//! Every key that a configuration may have, by section: unknown ones are found with this table, and the commented
//! example is tested against it.

/// A section: its name in messages, and its keys.
#[derive(Debug)]
pub struct Section {
    /// `component.check (http)`, such as it is called in messages.
    pub name: &'static str,
    /// Keys of its own, without those of [`Section::also`].
    pub keys: &'static [&'static str],
    /// Keys that it shares with others.
    pub also: &'static [&'static str],
}

impl Section {
    /// All its keys.
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().chain(self.also).copied()
    }
}

const fn section(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: &[] }
}

const fn check(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: CHECK }
}

const fn collector(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: &["kind", "name", "component", "every", "timeout"] }
}

const fn alert(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: &["kind", "name", "components", "resolve", "repeat"] }
}

/// Keys of every check.
const CHECK: &[&str] =
    &["kind", "name", "every", "timeout", "failures", "successes", "stale", "impact", "instance", "slow"];

/// The file itself.
pub const TOP: Section = section(
    "top",
    &[
        "listen",
        "public_listen",
        "state_dir",
        "language",
        "time_offset",
        "concurrency",
        "auth",
        "tls",
        "retention",
        "defaults",
        "component",
        "maintenance",
        "alert",
        "probe",
        "variable",
        "collector",
        "export",
    ],
);
/// `[auth]`.
pub const AUTH: Section =
    section("auth", &["password", "password_file", "password_env", "token", "token_file", "token_env"]);
/// `[tls]`.
pub const TLS: Section = section("tls", &["cert_file", "key_file"]);
/// `[retention]`.
pub const RETENTION: Section = section("retention", &["fine", "coarse", "max_bytes"]);
/// `[defaults]`.
pub const DEFAULTS: Section = section("defaults", &["every", "timeout", "failures", "successes"]);
/// `[[component]]`.
pub const COMPONENT: Section = section(
    "component",
    &[
        "name",
        "title",
        "title_ko",
        "group",
        "description",
        "public",
        "needs",
        "unit",
        "instances_needed",
        "slo",
        "check",
    ],
);
/// `[component.slo]`.
pub const SLO: Section = section("component.slo", &["objective", "days", "min_events", "slow_is_bad"]);
/// `[[maintenance]]`.
pub const MAINTENANCE: Section = section("maintenance", &["components", "reason", "start", "end", "days", "at", "for"]);
/// `[[probe]]`.
pub const PROBE: Section = section("probe", &["name", "event", "filter", "aggregate", "value", "by", "unit", "every"]);
/// `[[variable]]`.
pub const VARIABLE: Section = section("variable", &["name", "process", "service", "symbol", "type", "unit", "every"]);
/// `[[collector.rule]]`.
pub const RULE: Section = section("collector.rule", &["metric", "labels", "to", "field", "name"]);

/// The kinds of checks.
pub const CHECKS: &[(&str, Section)] = &[
    (
        "http",
        check(
            "check http",
            &[
                "url",
                "method",
                "send",
                "headers",
                "username",
                "password",
                "password_file",
                "password_env",
                "bearer",
                "bearer_file",
                "bearer_env",
                "redirects",
                "status",
                "body_contains",
                "body_matches",
                "body_lacks",
                "json",
                "header",
                "max_body",
                "certificate_days",
                "insecure",
                "ca_file",
            ],
        ),
    ),
    ("tcp", check("check tcp", &["address", "send", "expect"])),
    ("tls", check("check tls", &["address", "server_name", "certificate_days", "insecure", "ca_file"])),
    ("dns", check("check dns", &["query", "record", "server", "answers"])),
    ("icmp", check("check icmp", &["host", "count", "max_loss"])),
    ("command", check("check command", &["command", "dir", "env"])),
    ("process", check("check process", &["process", "min", "max"])),
    ("unit", check("check unit", &["unit"])),
    ("postgresql", check("check postgresql", SQL)),
    ("mysql", check("check mysql", SQL)),
    ("redis", check("check redis", &["url", "password", "password_file", "password_env"])),
    ("kafka", check("check kafka", &["brokers", "topic", "min_brokers"])),
    (
        "rabbitmq",
        check(
            "check rabbitmq",
            &["url", "username", "password", "password_file", "password_env", "queue", "max_messages"],
        ),
    ),
    ("nats", check("check nats", &["address"])),
    ("host", check("check host", &["resource", "cell", "worst"])),
    ("scrape", check("check scrape", &["url", "metric", "labels", "is", "than"])),
    ("agree", check("check agree", &["first", "second", "tolerance", "query", "second_query"])),
    ("push", check("check push", &["token", "token_file", "token_env", "within"])),
];

const SQL: &[&str] = &["url", "password", "password_file", "password_env", "query", "is", "than"];

/// The kinds of collectors.
pub const COLLECTORS: &[(&str, Section)] = &[
    ("postgresql", collector("collector postgresql", &["url", "password", "password_file", "password_env"])),
    ("mysql", collector("collector mysql", &["url", "password", "password_file", "password_env"])),
    ("redis", collector("collector redis", &["url", "password", "password_file", "password_env"])),
    ("rabbitmq", collector("collector rabbitmq", &["url", "username", "password", "password_file", "password_env"])),
    ("nats", collector("collector nats", &["url"])),
    ("kafka", collector("collector kafka", &["brokers", "groups"])),
    ("jvm", collector("collector jvm", &["process", "service"])),
    ("prometheus", collector("collector prometheus", &["url", "bearer", "bearer_file", "bearer_env", "rule"])),
];

/// The kinds of alerts.
pub const ALERTS: &[(&str, Section)] = &[
    ("webhook", alert("alert webhook", &["url", "url_file", "url_env", "headers", "template"])),
    ("slack", alert("alert slack", &["url", "url_file", "url_env"])),
    (
        "email",
        alert(
            "alert email",
            &["server", "from", "to", "username", "password", "password_file", "password_env", "encryption"],
        ),
    ),
    ("alertmanager", alert("alert alertmanager", &["url", "url_file", "url_env"])),
];

/// Keys of everyone who gets series.
const EXPORT: &[&str] =
    &["kind", "name", "url", "url_file", "url_env", "headers", "bearer", "bearer_file", "bearer_env", "every"];

/// The kinds of those who get series.
pub const EXPORTS: &[(&str, Section)] =
    &[("remote-write", section("export remote-write", EXPORT)), ("otlp", section("export otlp", EXPORT))];

/// Every section that is not one of a kind.
pub const SECTIONS: &[&Section] =
    &[&TOP, &AUTH, &TLS, &RETENTION, &DEFAULTS, &COMPONENT, &SLO, &MAINTENANCE, &PROBE, &VARIABLE, &RULE];
