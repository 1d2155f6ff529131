//! Alerting rules of Prometheus for what [`super::openmetrics`] and the daemon expose, made from the tables of cells and
//! controls.

use std::fmt::Write as _;

use perfuse_analyze::cell::message_base;
use perfuse_analyze::{CELLS, CONTROLS, Kind, Msg};

use crate::i18n::Texts;

/// One rule.
struct Rule {
    alert: String,
    expression: String,
    /// Time for which it must hold.
    lasts: &'static str,
    severity: &'static str,
    /// Of the cell or control.
    id: Option<&'static str>,
    summary: String,
    description: String,
}

/// The rules as YAML.
pub fn rules(texts: &Texts) -> String {
    let cells = CELLS.iter().map(|cell| {
        let expression = format!(
            "perfuse_cell_verdict{{resource=\"{}\",kind=\"{}\",verdict=~\"bottleneck|error\"}} == 1",
            cell.resource.id(),
            cell.kind.id()
        );
        // An error has happened; a bottleneck is one when it lasts.
        let (lasts, severity) = if cell.kind == Kind::Errors { ("1m", "critical") } else { ("5m", "warning") };
        rule(texts, cell.id, expression, lasts, severity)
    });
    let controls = CONTROLS.iter().map(|control| {
        let name = control.id.strip_prefix("control.").unwrap_or(control.id);
        let expression = format!("perfuse_control_verdict{{control=\"{name}\",verdict=~\"bottleneck|error\"}} == 1");
        rule(texts, control.id, expression, "5m", "warning")
    });
    let absent = Rule {
        alert: "PerfuseAbsent".to_owned(),
        expression: "absent(perfuse_build_info)".to_owned(),
        lasts: "5m",
        severity: "warning",
        id: None,
        summary: texts.word("generate-absent"),
        description: texts.word("generate-absent-note"),
    };
    let component = |alert: &str, expression: &str, lasts, severity, id: &str| Rule {
        alert: alert.to_owned(),
        expression: expression.to_owned(),
        lasts,
        severity,
        id: None,
        summary: texts
            .text(&Msg::new(id).with("component", "{{ $labels.component }}").with("host", "{{ $labels.instance }}")),
        description: texts.word("generate-component-note"),
    };
    let out_now = "perfuse_component_state{perfuse_component_state=~\"partial_outage|major_outage\"} == 1";
    let slow = "perfuse_component_state{perfuse_component_state=\"degraded\"} == 1";
    let spent = "perfuse_slo_error_budget_left_ratio < 0";
    let components = vec![
        component("PerfuseComponentOut", out_now, "1m", "critical", "generate-component-out"),
        component("PerfuseComponentDegraded", slow, "5m", "warning", "generate-component-degraded"),
        component("PerfuseErrorBudgetSpent", spent, "5m", "warning", "generate-component-budget"),
    ];
    let mut out = String::from("groups:\n");
    group(&mut out, "perfuse-components", components);
    group(&mut out, "perfuse-cells", cells.collect());
    group(&mut out, "perfuse-controls", controls.collect());
    group(&mut out, "perfuse", vec![absent]);
    out
}

fn rule(texts: &Texts, id: &'static str, expression: String, lasts: &'static str, severity: &'static str) -> Rule {
    let base = message_base(id);
    let title = texts.text(&Msg::new(format!("{base}-title")));
    // Prometheus puts the host in.
    let summary = Msg::new("generate-summary").with("title", title.as_str()).with("host", "{{ $labels.instance }}");
    let who = texts.text(&Msg::new(format!("{base}-who")));
    Rule {
        alert: camel(id),
        expression,
        lasts,
        severity,
        id: Some(id),
        summary: texts.text(&summary),
        description: texts.text(&Msg::new("generate-description").with("id", id).with("who", who)),
    }
}

/// `PerfuseCpuSaturation` for `cpu.saturation`.
fn camel(id: &str) -> String {
    let words = id.split(['.', '-']).map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    });
    words.fold("Perfuse".to_owned(), |name, word| name + &word)
}

/// A text as YAML has it between double quotes; that of JSON is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn group(out: &mut String, name: &str, rules: Vec<Rule>) {
    let _ = writeln!(out, "  - name: {name}\n    rules:");
    for rule in rules {
        let _ = writeln!(out, "      - alert: {}\n        expr: {}", rule.alert, quoted(&rule.expression));
        let _ = writeln!(out, "        for: {}\n        labels:\n          severity: {}", rule.lasts, rule.severity);
        if let Some(id) = rule.id {
            let _ = writeln!(out, "          cell: {}", quoted(id));
        }
        let _ = writeln!(out, "        annotations:\n          summary: {}", quoted(&rule.summary));
        let _ = writeln!(out, "          description: {}", quoted(&rule.description));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    #[test]
    fn every_cell_and_control_has_a_rule_of_its_own_name() {
        for lang in Lang::ALL {
            let yaml = rules(&Texts::new(lang));
            let mut names: Vec<&str> = yaml.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
            assert_eq!(names.len(), CELLS.len() + CONTROLS.len() + 4);
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), CELLS.len() + CONTROLS.len() + 4);
            assert!(yaml.contains("perfuse_control_verdict{control=\\\"cpu-quota\\\""), "{yaml}");
        }
        assert_eq!(camel("control.cpu-quota"), "PerfuseControlCpuQuota");
    }
}
