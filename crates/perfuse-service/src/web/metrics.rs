//! Everything as metrics, for Prometheus and what is like it.

use std::fmt::Write as _;

use axum::extract::State as Of;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use perfuse_analyze::status::slo::PAIRS;
use perfuse_analyze::status::{Level, State};
use perfuse_render::Lang;
use perfuse_render::export::openmetrics;

use super::page::{bars, dash};
use super::{Shared, Web, live};
use crate::now::Now;

/// The media type of Prometheus' text.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All states, for the state set.
const STATES: [State; 6] =
    [State::Operational, State::Unknown, State::Degraded, State::PartialOutage, State::MajorOutage, State::Maintenance];

/// `GET /metrics`
pub(super) async fn metrics(Of(web): Of<Shared>, headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("application/openmetrics-text") {
        let text = live::kept(&web, "openmetrics", Lang::En, |now| exposition(&web, now).into_bytes());
        ([(header::CONTENT_TYPE, openmetrics::CONTENT_TYPE)], text).into_response()
    } else {
        let text = live::kept(&web, "prometheus", Lang::En, |now| prometheus(&exposition(&web, now)).into_bytes());
        ([(header::CONTENT_TYPE, PROMETHEUS)], text).into_response()
    }
}

/// One family: its head, then its samples.
struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl<'a> Family<'a> {
    fn new(out: &'a mut String, name: &'static str, kind: &str, help: &str) -> Self {
        let _ = writeln!(out, "# TYPE {name} {kind}");
        let _ = writeln!(out, "# HELP {name} {help}");
        Self { out, name }
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            return;
        }
        let _ = write!(self.out, "{}", self.name);
        for (place, (label, value)) in labels.iter().enumerate() {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.out, "{}{label}=\"{escaped}\"", if place == 0 { "{" } else { "," });
        }
        let _ = writeln!(self.out, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// `OpenMetrics`: the daemon's families, then those of the host.
fn exposition(web: &Web, now: &Now) -> String {
    let mut out = String::new();
    components(&mut out, now);
    checks(&mut out, now);
    objectives(&mut out, now);
    let help = "Incidents that are not over.";
    Family::new(&mut out, "perfuse_incidents_open", "gauge", help).sample(&[], now.open.len() as f64);
    let help = "Troubles of the daemon itself.";
    Family::new(&mut out, "perfuse_troubles", "gauge", help).sample(&[], now.troubles.len() as f64);
    let help = "When the daemon began, in seconds since 1970.";
    Family::new(&mut out, "perfuse_start_time_seconds", "gauge", help).sample(&[], now.begun as f64 / 1000.0);
    match dash::report(now, web.texts(Lang::En)) {
        Some(report) => out + &openmetrics::render(&report),
        None => out + "# EOF\n",
    }
}

fn components(out: &mut String, now: &Now) {
    let name = "perfuse_component_state";
    let mut family = Family::new(out, name, "stateset", "State of a component.");
    for component in &now.components {
        for state in STATES {
            let on = f64::from(u8::from(state == component.view.state));
            family.sample(&[("component", &component.view.name), (name, state.name())], on);
        }
    }
    let help = "1 where a component says that it is ready, 0 where it says that it is not.";
    let mut family = Family::new(out, "perfuse_component_ready", "gauge", help);
    for component in &now.components {
        if let Some(ready) = component.view.ready {
            family.sample(&[("component", &component.view.name)], f64::from(u8::from(ready)));
        }
    }
    let help = "Part of the last 90 days in which a component answered, maintenance left out.";
    let mut family = Family::new(out, "perfuse_component_uptime_ratio", "gauge", help);
    for component in &now.components {
        if let Some(uptime) = bars::total(&component.days).uptime() {
            family.sample(&[("component", &component.view.name)], uptime);
        }
    }
}

/// A number of a check.
type Value = fn(&crate::now::CheckNow) -> Option<f64>;

fn checks(out: &mut String, now: &Now) {
    let all =
        || now.components.iter().flat_map(|component| component.checks.iter().map(move |check| (component, check)));
    let families: [(&'static str, &str, Value); 4] = [
        (
            "perfuse_check_level",
            "2 where a check holds, 1 where it is slow, 0 where it fails, after hysteresis.",
            |check| {
                check.level.map(|level| match level {
                    Level::Up => 2.0,
                    Level::Slow => 1.0,
                    Level::Down => 0.0,
                })
            },
        ),
        ("perfuse_check_duration_seconds", "How long the last run of a check took.", |check| {
            check.took.map(|took| took.as_secs_f64())
        }),
        ("perfuse_check_value", "The number that a check is about.", |check| check.value),
        ("perfuse_check_timestamp_seconds", "When the last run of a check ended, in seconds since 1970.", |check| {
            check.at.map(|at| at as f64 / 1000.0)
        }),
    ];
    for (name, help, value) in families {
        let mut family = Family::new(out, name, "gauge", help);
        for (component, check) in all() {
            let mut labels = vec![("component", component.view.name.as_str()), ("check", check.name.as_str())];
            labels.extend(check.instance.as_deref().map(|instance| ("instance", instance)));
            if let Some(value) = value(check) {
                family.sample(&labels, value);
            }
        }
    }
}

fn objectives(out: &mut String, now: &Now) {
    let all =
        || now.components.iter().filter_map(|component| Some((component.view.name.as_str(), component.slo.as_ref()?)));
    let mut family = Family::new(out, "perfuse_slo_objective_ratio", "gauge", "Objective of a component.");
    for (name, slo) in all() {
        family.sample(&[("component", name)], slo.objective);
    }
    let help = "Part of the error budget that is left; below 0 it is overdrawn.";
    let mut family = Family::new(out, "perfuse_slo_error_budget_left_ratio", "gauge", help);
    for (name, slo) in all() {
        if let Some(left) = slo.budget_left {
            family.sample(&[("component", name)], left);
        }
    }
    let help = "How fast the error budget burns: 1 uses it up in its time.";
    let mut family = Family::new(out, "perfuse_slo_burn_rate", "gauge", help);
    for (name, slo) in all() {
        for (burn, pair) in slo.burns.iter().zip(PAIRS) {
            for (rate, window) in [(burn.long, pair.long), (burn.short, pair.short)] {
                if let Some(rate) = rate {
                    // Two pairs have a window of six hours in common only by its length, not by its part in the pair.
                    let pair = format!("{}h", pair.long / 3_600_000);
                    let window = format!("{}m", window / 60_000);
                    family.sample(&[("component", name), ("pair", &pair), ("window", &window)], rate);
                }
            }
        }
    }
}

/// Prometheus' text of an exposition: it knows neither units nor state sets, and names counters and infos whole.
fn prometheus(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut suffix = "";
    for line in text.lines() {
        let Some(head) = line.strip_prefix("# ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut words = head.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("TYPE"), Some(name), Some(kind)) => {
                suffix = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                let kind = if kind == "counter" { kind } else { "gauge" };
                let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
            }
            (Some("HELP"), Some(name), Some(help)) => {
                let _ = writeln!(out, "# HELP {name}{suffix} {}", help.replace("\\\"", "\""));
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_has_whole_names_and_no_units() {
        let open = "# TYPE a counter\n# UNIT a seconds\n# HELP a say \\\"a\\\"\na_total 1\n# TYPE s stateset\n# HELP s x\ns{s=\"on\"} 1\n# EOF\n";
        let expected =
            "# TYPE a_total counter\n# HELP a_total say \"a\"\na_total 1\n# TYPE s gauge\n# HELP s x\ns{s=\"on\"} 1\n";
        assert_eq!(prometheus(open), expected);
    }
}
