//! Where series go that others are to keep as well.

use std::time::Duration;

use perfuse_analyze::Msg;

use super::check::WEB;
use super::keys;
use super::part::Part;
use super::secret::Secret;
use super::trust::{Trust, trust};

/// Somebody who gets the series.
#[derive(Debug, Clone)]
pub struct Export {
    /// Name, for the log and the page.
    pub name: String,
    /// In which protocol.
    pub kind: ExportKind,
    /// Where: the whole URL.
    pub url: Secret,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// A token.
    pub bearer: Option<Secret>,
    /// Time of one point of each series.
    pub every: Duration,
    /// The certificate of whoever takes them.
    pub trust: Trust,
}

/// In which protocol series are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// Prometheus remote write 1.0.
    RemoteWrite,
    /// Metrics of the OpenTelemetry protocol, as protobuf over HTTP.
    Otlp,
}

/// Those who get series.
pub(super) fn exports(top: Part<'_>) -> Vec<Export> {
    let mut exports: Vec<Export> = Vec::new();
    for (kind, part) in top.kinds("export", keys::EXPORTS) {
        let name = part.text("name").unwrap_or_else(|| kind.to_owned());
        if exports.iter().any(|other| other.name == name) {
            part.source.error(part.span_of("name"), Msg::new("config-twice").with("name", name.as_str()));
        }
        let (headers, bearer, trust) = (part.pairs("headers"), part.secret("bearer"), trust(part));
        let every = part.duration("every").unwrap_or(Duration::from_secs(15));
        // The series have a value each second.
        if every < Duration::from_secs(1) || every.subsec_nanos() != 0 {
            part.wrong("every", "seconds");
        }
        let Some(url) = part.need_secret("url") else { continue };
        if !WEB.iter().any(|scheme| url.reveal().strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://"))) {
            part.wrong("url", "url-http");
        }
        let kind = if kind == "otlp" { ExportKind::Otlp } else { ExportKind::RemoteWrite };
        exports.push(Export { name, kind, url, headers, bearer, every, trust });
    }
    exports
}
