//! The language tables, embedded. A test compares this list with the directory.

use super::Lang;

macro_rules! tables {
    ($($name:literal),* $(,)?) => {
        const EN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../locales/en/", $name, ".ftl")))),*];
        const KO: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../locales/ko/", $name, ".ftl")))),*];
    };
}

// One a line, so that each can be added without touching another.
#[rustfmt::skip]
tables!(
    "core",
    "sixty",
    "app",
    "cli",
    "cpu",
    "memory",
    "network",
    "disk",
    "flame",
    "generate",
    "live",
    "perf",
    "perf-diff",
    "perf-events",
    "perf-inject",
    "perf-list",
    "perf-probe",
    "perf-record",
    "perf-annotate",
    "perf-report",
    "perf-script",
    "perf-stat",
    "perf-tools",
    "perf-top",
    "service-alert",
    "service-app",
    "service-check",
    "service-cli",
    "service-config",
    "service-daemon",
    "service-tls",
    "status",
    "web",
    "service-export",
    "why",
);

/// Name and source of every table of a language.
pub(super) fn files(lang: Lang) -> &'static [(&'static str, &'static str)] {
    match lang {
        Lang::En => EN,
        Lang::Ko => KO,
    }
}
