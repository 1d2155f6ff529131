//! The document `perfuse.sixty/1`: the ten commands of the first sixty seconds, in a language.

use perfuse_analyze::{Msg, Quantity, SixtyReport};
use serde::Serialize;

use crate::i18n::Texts;
use crate::report::{Cost, Host, ReportContext, Value, rfc3339};

/// The schema of [`Sixty`].
pub const SCHEMA: &str = "perfuse.sixty/1";

/// The document. Its JSON form is this type, serialized.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sixty {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// Code of the language of the texts.
    pub language: &'static str,
    /// The host.
    pub host: Host,
    /// When the run began, RFC 3339.
    pub started: String,
    /// How long it took.
    pub duration_s: f64,
    /// The commands, in the order of typing.
    pub steps: Vec<Step>,
    /// What the run cost.
    pub own_cost: Option<Cost>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Stable id.
    pub id: &'static str,
    /// What it shows, in words.
    pub title: String,
    /// What one would have typed.
    pub command: &'static str,
    /// Column names, as the command prints them.
    pub columns: Vec<&'static str>,
    /// Rows of numbers.
    pub rows: Vec<Row>,
    /// Lines of text.
    pub lines: Vec<String>,
    /// Rows that were left out.
    pub more: usize,
    /// Whether the numbers could be read; if not, `reading` says why.
    pub measured: bool,
    /// Whether the numbers deserve a second look.
    pub remarkable: bool,
    /// What the numbers say.
    pub reading: String,
}

/// One row of numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Device, CPU, process; empty for the only row.
    pub name: String,
    /// In the order of the columns.
    pub values: Vec<Option<Value>>,
}

impl Sixty {
    /// Says the steps in the language of `texts`.
    pub fn new(report: &SixtyReport, context: &ReportContext, texts: &Texts) -> Self {
        Self {
            schema: SCHEMA,
            language: texts.lang().id(),
            host: context.host.clone(),
            started: rfc3339(context.started_ns),
            duration_s: (context.duration_s * 1000.0).round() / 1000.0,
            steps: report.steps.iter().map(|step| Step::new(step, texts)).collect(),
            own_cost: context.own_cost.as_ref().map(|cost| Cost::new(cost, context.own_cost_max)),
        }
    }

    /// The document as JSON, indented, with a line end.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }
}

impl Step {
    fn new(step: &perfuse_analyze::sixty::Step, texts: &Texts) -> Self {
        let table = step.table.value();
        let value = |value: &Option<Quantity>| value.map(Value);
        let row = |row: &perfuse_analyze::sixty::Row| Row {
            name: row.name.clone(),
            values: row.values.iter().map(value).collect(),
        };
        Self {
            id: step.id,
            title: texts.text(&Msg::new(format!("sixty-{}-title", step.id))),
            command: step.command,
            columns: table.map_or(Vec::new(), |table| table.columns.clone()),
            rows: table.map_or(Vec::new(), |table| table.rows.iter().map(row).collect()),
            lines: table.map_or(Vec::new(), |table| table.lines.clone()),
            more: table.map_or(0, |table| table.more),
            measured: table.is_some(),
            remarkable: step.remarkable,
            reading: texts.text(&step.reading),
        }
    }
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::sixty::Table;
    use perfuse_format::{Reading, Why};

    use super::*;
    use crate::fixture::context;
    use crate::text::{self, TextOptions};
    use crate::{Lang, golden};

    fn report() -> SixtyReport {
        let row = |name: &str, one: f64| perfuse_analyze::sixty::Row {
            name: name.to_owned(),
            values: vec![Some(Quantity::ratio(one)), Some(Quantity::throughput(one * 1e6)), None],
        };
        let table = |rows| Table { columns: vec!["%usr", "rd/s", "%wait"], rows, lines: Vec::new(), more: 3 };
        let step = |id, command, table, reading, remarkable| perfuse_analyze::sixty::Step {
            id,
            command,
            table,
            reading,
            remarkable,
        };
        let calm = Msg::new("sixty-vmstat-calm");
        let top = Msg::new("sixty-pidstat-top").with("process", "스트레스 (7)").with("cpu", Quantity::ratio(0.97));
        let lines = Table { lines: vec!["[    1.000000] evil \u{1b}[31m".to_owned()], ..Table::default() };
        let missing = Reading::missing(Why::NoPermission, "/proc/diskstats");
        let why = perfuse_analyze::message::missing(missing.why_missing().unwrap());
        SixtyReport {
            steps: vec![
                step("dmesg", "dmesg | tail", Reading::Value(lines), Msg::new("sixty-dmesg-quiet"), false),
                step("vmstat", "vmstat 1", Reading::Value(Table { more: 0, ..table(vec![row("", 0.5)]) }), calm, false),
                step(
                    "pidstat",
                    "pidstat 1",
                    Reading::Value(table(vec![row("스트레스 (7)", 0.97), row("b", 0.01)])),
                    top,
                    true,
                ),
                step("iostat", "iostat -xz 1", missing, why, false),
            ],
        }
    }

    #[test]
    fn the_page_and_the_json() {
        for lang in Lang::ALL {
            let texts = Texts::core(lang);
            let document = Sixty::new(&report(), &context(), &texts);
            let options = TextOptions { color: false, width: 80 };
            golden::check(&format!("sixty-{}.txt", lang.id()), &text::sixty(&document, &texts, options));
        }
        let json = Sixty::new(&report(), &context(), &Texts::core(Lang::En)).to_json().unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["schema"], "perfuse.sixty/1");
        assert_eq!(json["steps"][2]["rows"][0]["values"][0]["number"], 0.97);
        assert_eq!(json["steps"][2]["rows"][0]["values"][2], serde_json::Value::Null);
        assert_eq!(json["steps"][3]["measured"], false);
    }
}
