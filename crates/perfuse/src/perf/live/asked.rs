//! What is asked of the hits, beside where they are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_format::live::{Aggregation, Expr, ExprError, Scope};

use super::super::options::{Parsed, UsageError};
use super::failure::mistake;

/// Options that `trace` and `probe --live` have in common, beside `--filter`, which `probe` has for other commands too.
pub(in crate::perf) const OWN: &[&str] =
    &["pid", "by", "comm", "count", "for", "hist", "json", "openmetrics", "rate", "sum"];
/// Lines a second where nothing is said.
const RATE: u64 = 1_000;

/// What to do with the hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::perf) struct Asked {
    pub(super) filter: Option<String>,
    pub(super) pids: Vec<u32>,
    pub(super) comm: Option<String>,
    /// When it is over.
    pub(super) time: Option<Duration>,
    /// After how many hits.
    pub(super) most: Option<u64>,
    /// Lines a second; 0 for all.
    pub(super) rate: u64,
    pub(super) json: bool,
    pub(super) quiet: bool,
    pub(super) openmetrics: Option<SocketAddr>,
    count: bool,
    sum: Option<String>,
    hist: Option<String>,
    by: Option<String>,
}

impl Asked {
    /// From the command line.
    pub(in crate::perf) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        let time = parsed.text("for").map(|text| {
            crate::cli::duration(&text).map_err(|_| UsageError::value("for", &text, Msg::new("live-time-value")))
        });
        let pids = parsed.numbers::<u32>("pid")?.unwrap_or_default();
        if let Some(pid) = pids.iter().find(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists()) {
            return Err(UsageError(Msg::new("live-no-process").with("pid", pid.to_string())));
        }
        let asked = Self {
            filter: parsed.text("filter"),
            pids: pids.into_iter().collect(),
            comm: parsed.text("comm"),
            time: time.transpose()?,
            most: parsed.number("max")?,
            rate: parsed.number("rate")?.unwrap_or(RATE),
            json: parsed.on("json"),
            quiet: parsed.on("quiet"),
            openmetrics: parsed.text("openmetrics").map(|text| address(&text)).transpose()?,
            count: parsed.on("count"),
            sum: parsed.text("sum"),
            hist: parsed.text("hist"),
            by: parsed.text("by"),
        };
        if asked.sum.is_some() && asked.hist.is_some() {
            let words = Msg::new("live-two").with("first", "--sum").with("second", "--hist");
            return Err(UsageError(words));
        }
        Ok(asked)
    }

    /// Whether hits are added up and not shown.
    pub(super) fn computes(&self) -> bool {
        self.count || self.sum.is_some() || self.hist.is_some() || self.by.is_some() || self.openmetrics.is_some()
    }

    /// Whether sums are what was asked for.
    pub(super) fn sums(&self) -> bool {
        self.sum.is_some()
    }

    /// What is computed of an event.
    pub(super) fn aggregation(&self, scope: &Scope) -> Result<Aggregation, UsageError> {
        let value = self.sum.as_ref().or(self.hist.as_ref());
        let value = value.map(|text| Expr::parse(text, scope)).transpose().map_err(|error| wrong(&error))?;
        if let Some(Expr::Text { text, .. }) = &value {
            return Err(UsageError(Msg::new("live-value-text").with("name", text)));
        }
        let by = self.by.as_ref().map(|text| Expr::parse_list(text, scope)).transpose();
        let by = by.map_err(|error| wrong(&error))?.unwrap_or_default();
        Ok(Aggregation { value, by, parts: self.hist.is_some().then_some(0) })
    }

    /// Which hits count, in the names of an event: the filter and the name of the thread.
    pub(super) fn condition(&self, scope: &Scope) -> Result<Option<Expr>, UsageError> {
        // Alone first, so that a mistake has the place that it has in what was given.
        if let Some(filter) = &self.filter {
            let parsed = Expr::parse(filter, scope).map_err(|error| wrong(&error))?;
            if let Expr::Text { text, .. } = parsed {
                return Err(UsageError(Msg::new("live-value-text").with("name", text)));
            }
        }
        let comm = self.comm.as_ref().map(|name| comm_is(name));
        let text = match (&self.filter, comm) {
            (Some(filter), Some(comm)) => format!("({filter}) && {comm}"),
            (Some(filter), None) => filter.clone(),
            (None, Some(comm)) => comm,
            (None, None) => return Ok(None),
        };
        Expr::parse(&text, scope).map(Some).map_err(|error| wrong(&error))
    }

    /// The same for the kernel's own filters of tracepoints: this process is left out. Without `conditions` nothing else is.
    pub(super) fn kernel_filter(&self, conditions: bool) -> String {
        let own = (self.pids.is_empty()).then(|| format!("common_pid != {}", std::process::id()));
        let given = [self.filter.as_ref().map(|filter| format!("({filter})")), self.comm.as_deref().map(comm_is)];
        let given = given.into_iter().filter(|_| conditions);
        [own].into_iter().chain(given).flatten().collect::<Vec<_>>().join(" && ")
    }
}

/// The condition that a thread has a name, or one of a pattern.
fn comm_is(name: &str) -> String {
    let operator = if name.contains('*') { "~" } else { "==" };
    // Names of threads have at most 15 bytes.
    let name: String = name.chars().filter(|letter| *letter != '"').take(15).collect();
    format!("COMM {operator} \"{name}\"")
}

fn wrong(error: &ExprError) -> UsageError {
    UsageError(mistake(error))
}

/// `PORT`, `:PORT`, `ADDRESS:PORT`; this host alone unless an address is given.
fn address(text: &str) -> Result<SocketAddr, UsageError> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let text = text.replace("localhost:", "127.0.0.1:");
    text.parse().map_err(|_| UsageError::value("openmetrics", &text, Msg::new("live-address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_this_host_unless_one_is_given() {
        let of = |text: &str| address(text).map(|address| address.to_string()).ok();
        assert_eq!(of("9100").as_deref(), Some("127.0.0.1:9100"));
        assert_eq!(of(":9100").as_deref(), Some("127.0.0.1:9100"));
        assert_eq!(of("localhost:1").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(of("[::1]:9100").as_deref(), Some("[::1]:9100"));
        assert_eq!(of("0.0.0.0:80").as_deref(), Some("0.0.0.0:80"));
        assert!(of("host").is_none() && of("").is_none());
    }

    #[test]
    fn names_of_threads_become_conditions() {
        assert_eq!(comm_is("sh"), "COMM == \"sh\"");
        assert_eq!(comm_is("kworker/*"), "COMM ~ \"kworker/*\"");
        assert_eq!(comm_is("a\"b-and-much-more-than-that"), "COMM == \"ab-and-much-mor\"");
    }
}
