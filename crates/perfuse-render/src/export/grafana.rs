//! A Grafana dashboard of what [`super::openmetrics`] exposes, made from the table of cells.
//!
//! A scrape moves the label `instance` of a sample, which names a device, to `exported_instance`: `instance` is then the
//! host.

use perfuse_analyze::cell::message_base;
use perfuse_analyze::{CELLS, CellSpec, Kind, Msg, Resource};
use serde_json::{Value, json};

use crate::i18n::Texts;

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;
/// Rows of one chart.
const HEIGHT: u64 = 7;

/// The dashboard, to be imported as it is; its data source and its hosts are chosen there.
pub fn dashboard(texts: &Texts) -> Value {
    let mut panels = Panels::default();
    overview(&mut panels, texts);
    for resource in Resource::ALL {
        let cells = CELLS.iter().filter(|cell| cell.resource == resource);
        panels.row(&texts.word(&format!("resource-{}", resource.id())));
        for cell in cells {
            panels.add(COLUMNS / 3, HEIGHT, chart(cell, texts));
        }
        panels.end_line();
    }
    json!({
        "uid": "perfuse-use",
        "title": texts.word("generate-dashboard"),
        "tags": ["perfuse", "USE"],
        "schemaVersion": 39,
        "editable": true,
        "refresh": "10s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": variables(texts) },
        "panels": panels.all,
    })
}

fn variables(texts: &Texts) -> Value {
    let source = json!({ "type": "prometheus", "uid": "${source}" });
    json!([
        { "name": "source", "type": "datasource", "query": "prometheus", "label": texts.word("generate-source") },
        {
            "name": "host",
            "type": "query",
            "label": texts.word("generate-host"),
            "datasource": source,
            "query": { "query": "label_values(perfuse_cell_measurable, instance)", "refId": "host" },
            "refresh": 2,
            "multi": true,
            "includeAll": true,
            "sort": 1,
        },
    ])
}

/// Panels with their places.
#[derive(Default)]
struct Panels {
    all: Vec<Value>,
    x: u64,
    y: u64,
    height: u64,
}

impl Panels {
    fn add(&mut self, width: u64, height: u64, mut panel: Value) {
        if self.x + width > COLUMNS {
            self.end_line();
        }
        panel["id"] = (self.all.len() as u64 + 1).into();
        panel["gridPos"] = json!({ "x": self.x, "y": self.y, "w": width, "h": height });
        if panel["type"] != "row" {
            panel["datasource"] = json!({ "type": "prometheus", "uid": "${source}" });
        }
        self.all.push(panel);
        self.x += width;
        self.height = self.height.max(height);
    }

    fn end_line(&mut self) {
        (self.x, self.y, self.height) = (0, self.y + self.height, 0);
    }

    fn row(&mut self, title: &str) {
        self.end_line();
        self.add(COLUMNS, 1, json!({ "type": "row", "title": title, "collapsed": false, "panels": [] }));
        self.end_line();
    }
}

fn target(expression: &str, legend: &str) -> Value {
    json!([{ "refId": "A", "expr": expression, "legendFormat": legend }])
}

/// What is wrong now, and what it costs.
fn overview(panels: &mut Panels, texts: &Texts) {
    panels.row(&texts.word("generate-overview"));
    let options = json!({ "0": { "text": texts.word("generate-no"), "color": "red" },
        "1": { "text": texts.word("generate-yes"), "color": "green" } });
    panels.add(
        4,
        HEIGHT,
        json!({
            "type": "stat",
            "title": texts.word("generate-healthy"),
            "targets": target("perfuse_healthy{instance=~\"$host\"}", "{{instance}}"),
            "fieldConfig": {
                "defaults": { "mappings": [{ "type": "value", "options": options }], "noValue": texts.word("generate-unknown") },
                "overrides": [],
            },
        }),
    );
    let timeline = |title: &str, expression: &str, legend: &str| {
        json!({
            "type": "state-timeline",
            "title": texts.word(title),
            "targets": target(expression, legend),
            "fieldConfig": { "defaults": { "color": { "mode": "fixed", "fixedColor": "red" } }, "overrides": [] },
        })
    };
    let cells = "perfuse_cell_verdict{instance=~\"$host\",verdict=~\"bottleneck|error\"} == 1";
    panels.add(10, HEIGHT, timeline("generate-verdicts", cells, "{{resource}} {{kind}}: {{verdict}}"));
    let controls = "perfuse_control_verdict{instance=~\"$host\",verdict=~\"bottleneck|error\"} == 1";
    panels.add(10, HEIGHT, timeline("generate-controls", controls, "{{control}}: {{verdict}}"));
    let out = "perfuse_component_state{instance=~\"$host\",perfuse_component_state=~\"degraded|partial_outage|major_outage\"} == 1";
    panels.add(
        COLUMNS,
        HEIGHT,
        timeline("generate-components", out, "{{instance}} {{component}}: {{perfuse_component_state}}"),
    );
    let wait = "perfuse_finding_wait_ratio{instance=~\"$host\"}";
    panels.add(COLUMNS, HEIGHT, lines(&texts.word("generate-findings"), wait, "{{finding}}", "short"));
    panels.end_line();
}

fn lines(title: &str, expression: &str, legend: &str, unit: &str) -> Value {
    json!({
        "type": "timeseries",
        "title": title,
        "targets": target(expression, legend),
        "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
        "options": { "tooltip": { "mode": "multi", "sort": "desc" } },
    })
}

/// The chart of one cell.
fn chart(cell: &CellSpec, texts: &Texts) -> Value {
    let of_it = format!("{{resource=\"{}\",instance=~\"$host\"}}", cell.resource.id());
    let (expression, unit) = match cell.kind {
        Kind::Utilization => (format!("perfuse_resource_utilization_ratio{of_it}"), "percentunit"),
        Kind::Saturation => (format!("perfuse_resource_saturation_ratio{of_it}"), "short"),
        Kind::Errors => (format!("increase(perfuse_resource_errors_total{of_it}[$__rate_interval])"), "short"),
    };
    let title = texts.text(&Msg::new(format!("{}-title", message_base(cell.id))));
    let mut chart = lines(&title, &expression, "{{instance}} {{exported_instance}}", unit);
    chart["description"] = texts.text(&Msg::new("generate-explain").with("id", cell.id)).into();
    if cell.kind == Kind::Utilization {
        chart["fieldConfig"]["defaults"]["max"] = 1.into();
    }
    chart
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Lang;

    #[test]
    fn every_cell_has_a_chart_and_none_lies_on_another() {
        for lang in Lang::ALL {
            let board = dashboard(&Texts::new(lang));
            let panels = board["panels"].as_array().expect("panels");
            let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
            assert_eq!(ids.len(), panels.len());
            let mut taken = BTreeSet::new();
            for panel in panels {
                let place = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
                assert!(place("x") + place("w") <= COLUMNS, "{panel}");
                for x in place("x")..place("x") + place("w") {
                    for y in place("y")..place("y") + place("h") {
                        assert!(taken.insert((x, y)), "{panel}");
                    }
                }
            }
            let text = board.to_string();
            for resource in Resource::ALL {
                assert!(text.contains(&format!("resource=\\\"{}\\\"", resource.id())), "{}", resource.id());
            }
            assert_eq!(panels.iter().filter(|panel| panel["type"] == "timeseries").count(), CELLS.len() + 1);
        }
    }

    /// Only metrics that are exposed stand in the dashboard and in the rules.
    #[test]
    fn every_metric_is_one_that_is_exposed() {
        let texts = Texts::new(Lang::En);
        // The daemon adds those of its components.
        let source = include_str!("openmetrics.rs").to_owned()
            + "\"perfuse_component_state\" \"perfuse_slo_error_budget_left_ratio\"";
        let generated = dashboard(&texts).to_string() + &super::super::rules::rules(&texts);
        let mut found = BTreeSet::new();
        for rest in generated.split("perfuse_").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
            let name = format!("perfuse_{}", &rest[..end]);
            let family = name.strip_suffix("_total").or_else(|| name.strip_suffix("_info")).unwrap_or(&name);
            assert!(source.contains(&format!("\"{family}\"")), "{name}");
            found.insert(name);
        }
        assert!(found.len() >= 7, "{found:?}");
    }
}
