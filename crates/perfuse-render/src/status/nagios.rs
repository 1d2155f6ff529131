//! One component as a Nagios plug-in says it: one line with performance data, and the exit status.

use std::fmt::Write as _;

use perfuse_analyze::status::Outcome;
use perfuse_analyze::{Msg, Quantity};

use super::{Component, exit_status};
use crate::i18n::Texts;
use crate::layout::clean;

/// The line, and the exit status.
pub fn nagios(component: &Component, time: u64, texts: &Texts) -> (String, u8) {
    let status = exit_status(component.state);
    let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"].get(usize::from(status)).unwrap_or(&"UNKNOWN");
    let said = Msg::new("status-nagios")
        .with("title", component.title.as_str())
        .with("state", texts.word(&format!("status-state-{}", component.state.name().replace('_', "-"))))
        .with("time", texts.quantity(Quantity::seconds(time.saturating_sub(component.since) as f64 / 1000.0)));
    let mut line = format!("PERFUSE {word}: {}", flat(&texts.text(&said)));
    let bad = component.checks.iter().filter(|check| !matches!(check.outcome, None | Some(Outcome::Pass)));
    for check in bad {
        let message = check.message.as_deref().unwrap_or_default();
        let _ = write!(line, "; {}: {}", flat(&check.full_name()), flat(message));
    }
    line.push_str(" |");
    for check in &component.checks {
        let label = label(&check.full_name());
        if let Some(took) = check.took {
            let _ = write!(line, " '{label}'={}s;;;0", rounded(took));
        }
        if let Some(value) = check.value.filter(|value| value.is_finite()) {
            let _ = write!(line, " '{label} value'={}", rounded(value));
        }
    }
    if let Some(uptime) = component.uptime {
        let _ = write!(line, " 'uptime'={}%;;;0;100", rounded(uptime * 100.0));
    }
    line.push('\n');
    (line, status)
}

/// Text without what ends the text part of a line.
fn flat(text: &str) -> String {
    clean(text).replace('|', "¦")
}

/// A label: quotes and equals signs end it.
fn label(name: &str) -> String {
    clean(name).replace(['\'', '=', '|'], "_")
}

/// Six digits after the point are far below what any of these numbers means.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6 + 0.0
}
