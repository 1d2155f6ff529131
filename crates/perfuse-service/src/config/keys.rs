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
    /// Keys of its TLS, if its connections may have that.
    pub tls: &'static [&'static str],
}

impl Section {
    /// All its keys.
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().chain(self.also).chain(self.tls).copied()
    }

    /// The same section, whose connections may have TLS.
    const fn encrypted(self) -> Self {
        Self { tls: TRUST, ..self }
    }
}

/// Keys of connections that may have TLS.
const TRUST: &[&str] = &["ca_file", "cert_file", "key_file", "insecure"];

const fn section(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: &[], tls: &[] }
}

const fn check(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: CHECK, tls: &[] }
}

const fn collector(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: &["kind", "name", "component", "every", "timeout"], tls: &[] }
}

const fn alert(name: &'static str, keys: &'static [&'static str]) -> Section {
    Section { name, keys, also: &["kind", "name", "components", "resolve", "repeat"], tls: &[] }
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
        "page_url",
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
            ],
        )
        .encrypted(),
    ),
    ("tcp", check("check tcp", &["address", "send", "expect"])),
    ("tls", check("check tls", &["address", "server_name", "certificate_days"]).encrypted()),
    ("dns", check("check dns", &["query", "record", "server", "answers"])),
    ("icmp", check("check icmp", &["host", "count", "max_loss"])),
    ("command", check("check command", &["command", "dir", "env"])),
    ("process", check("check process", &["process", "min", "max"])),
    ("unit", check("check unit", &["unit"])),
    ("postgresql", check("check postgresql", SQL).encrypted()),
    ("mysql", check("check mysql", SQL).encrypted()),
    ("redis", check("check redis", &["url", "password", "password_file", "password_env"]).encrypted()),
    (
        "kafka",
        check(
            "check kafka",
            &[
                "brokers",
                "topic",
                "min_brokers",
                "encryption",
                "mechanism",
                "username",
                "password",
                "password_file",
                "password_env",
            ],
        )
        .encrypted(),
    ),
    (
        "rabbitmq",
        check(
            "check rabbitmq",
            &["url", "username", "password", "password_file", "password_env", "queue", "max_messages"],
        )
        .encrypted(),
    ),
    ("nats", check("check nats", &["address", "encryption"]).encrypted()),
    ("host", check("check host", &["resource", "cell", "worst"])),
    ("scrape", check("check scrape", &["url", "metric", "labels", "is", "than"]).encrypted()),
    ("agree", check("check agree", &["first", "second", "tolerance", "query", "second_query"]).encrypted()),
    ("push", check("check push", &["token", "token_file", "token_env", "within"])),
];

const SQL: &[&str] = &["url", "password", "password_file", "password_env", "query", "is", "than"];

/// The kinds of collectors.
pub const COLLECTORS: &[(&str, Section)] = &[
    (
        "postgresql",
        collector("collector postgresql", &["url", "password", "password_file", "password_env"]).encrypted(),
    ),
    ("mysql", collector("collector mysql", &["url", "password", "password_file", "password_env"]).encrypted()),
    ("redis", collector("collector redis", &["url", "password", "password_file", "password_env"]).encrypted()),
    (
        "rabbitmq",
        collector("collector rabbitmq", &["url", "username", "password", "password_file", "password_env"]).encrypted(),
    ),
    ("nats", collector("collector nats", &["url"]).encrypted()),
    (
        "kafka",
        collector(
            "collector kafka",
            &["brokers", "groups", "encryption", "mechanism", "username", "password", "password_file", "password_env"],
        )
        .encrypted(),
    ),
    ("jvm", collector("collector jvm", &["process", "service"])),
    (
        "jolokia",
        collector("collector jolokia", &["url", "username", "password", "password_file", "password_env"]).encrypted(),
    ),
    (
        "prometheus",
        collector("collector prometheus", &["url", "bearer", "bearer_file", "bearer_env", "rule"]).encrypted(),
    ),
];

/// The kinds of alerts.
pub const ALERTS: &[(&str, Section)] = &[
    ("webhook", alert("alert webhook", &["url", "url_file", "url_env", "headers", "template"]).encrypted()),
    ("slack", alert("alert slack", &["url", "url_file", "url_env"]).encrypted()),
    (
        "email",
        alert(
            "alert email",
            &["server", "from", "to", "username", "password", "password_file", "password_env", "encryption"],
        )
        .encrypted(),
    ),
    ("alertmanager", alert("alert alertmanager", &["url", "url_file", "url_env"]).encrypted()),
];

/// Keys of everyone who gets series.
const EXPORT: &[&str] =
    &["kind", "name", "url", "url_file", "url_env", "headers", "bearer", "bearer_file", "bearer_env", "every"];

/// The kinds of those who get series.
pub const EXPORTS: &[(&str, Section)] = &[
    ("remote-write", section("export remote-write", EXPORT).encrypted()),
    ("otlp", section("export otlp", EXPORT).encrypted()),
];

/// Every section that is not one of a kind.
pub const SECTIONS: &[&Section] =
    &[&TOP, &AUTH, &TLS, &RETENTION, &DEFAULTS, &COMPONENT, &SLO, &MAINTENANCE, &PROBE, &VARIABLE, &RULE];
