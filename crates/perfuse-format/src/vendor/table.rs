//! One file of a table.

use serde_json::Value;
use thiserror::Error;

use super::encode::{Object, on, pmu, scale, terms, text};

/// An event of a CPU model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VendorEvent {
    /// Its name, in lower case as perf has it: `l1d.replacement`.
    pub name: String,
    /// The PMU that counts it, perhaps without a number at its end (`uncore_imc` for `uncore_imc_0`); empty for the
    /// cores.
    pub pmu: String,
    /// The terms that it stands for: `event=0x51,period=2000003,umask=0x1`.
    pub terms: String,
    /// One sentence about it; empty when there is none.
    pub brief: String,
    /// More sentences; empty when there are none.
    pub long: String,
    /// What it is about, by the file that it stands in: `cache`, `memory`.
    pub topic: String,
    /// What a count is multiplied with.
    pub scale: Option<f64>,
    /// The unit of the product.
    pub unit: Option<String>,
    /// It counts for a whole package.
    pub per_package: bool,
    /// Another event took its place.
    pub deprecated: bool,
    /// Name of the event of the architecture that it is; what is empty here is filled in from that.
    pub standard: Option<String>,
}

/// A metric of a CPU model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorMetric {
    /// Its name.
    pub name: String,
    /// Its formula, for [`super::Expr`].
    pub formula: String,
    /// The groups that it is in.
    pub groups: Vec<String>,
    /// Factor and unit of the result: `100%`; empty when there is none.
    pub scale_unit: String,
    /// One sentence about it.
    pub brief: String,
    /// More sentences.
    pub long: String,
    /// When its events must not stand in one group: `NO_NMI_WATCHDOG`, `NO_GROUP_EVENTS`, ...; empty for never.
    pub constraint: String,
    /// The PMU it is for, of several kinds of cores; empty for all.
    pub pmu: String,
}

impl VendorMetric {
    /// Factor and unit of the result.
    pub fn scale(&self) -> (f64, Option<String>) {
        let (factor, unit) = scale(&self.scale_unit);
        (factor.unwrap_or(1.0), unit)
    }
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its number in the file, from 0.
    pub index: usize,
    /// Its name, if it has one.
    pub name: String,
    /// The field that is missing or not understood.
    pub field: &'static str,
}

/// Why a file is no table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// No JSON.
    #[error("line {line}, column {column}: this is no JSON")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON of another shape.
    #[error("neither an array of events nor an object with `Events`")]
    Shape,
}

/// Events and metrics of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Events, in the order of the file.
    pub events: Vec<VendorEvent>,
    /// Metrics, in the order of the file.
    pub metrics: Vec<VendorMetric>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

impl Table {
    /// Reads a file; `topic` is its name without `.json`.
    pub fn parse(bytes: &[u8], topic: &str) -> Result<Self, TableError> {
        let json: Value = serde_json::from_slice(bytes)
            .map_err(|error| TableError::Json { line: error.line(), column: error.column() })?;
        let entries = match &json {
            Value::Array(entries) => entries,
            Value::Object(object) => object.get("Events").and_then(Value::as_array).ok_or(TableError::Shape)?,
            _ => return Err(TableError::Shape),
        };
        let topic = if topic.ends_with("metrics") { "metrics".to_owned() } else { topic.replace('-', " ") };
        let mut table = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            match entry {
                Value::Object(object) => table.entry(index, object, &topic),
                _ => table.skipped.push(Skipped { index, name: String::new(), field: "EventName" }),
            }
        }
        Ok(table)
    }

    /// One entry: an event, a metric, or both.
    fn entry(&mut self, index: usize, object: &Object, topic: &str) {
        let named = text(object, "EventName").or_else(|| text(object, "ArchStdEvent")).map(|name| name.to_lowercase());
        let formula = text(object, "MetricExpr");
        let is_metric = formula.is_some();
        if let Some(formula) = formula
            && let Some(name) = text(object, "MetricName").or_else(|| named.clone())
        {
            let groups = text(object, "MetricGroup").unwrap_or_default();
            let groups = groups.split(';').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned);
            self.metrics.push(VendorMetric {
                name,
                formula,
                groups: groups.collect(),
                scale_unit: text(object, "ScaleUnit").unwrap_or_default(),
                brief: text(object, "BriefDescription").unwrap_or_default(),
                long: text(object, "PublicDescription").unwrap_or_default(),
                constraint: text(object, "MetricConstraint").unwrap_or_default(),
                pmu: text(object, "Unit").filter(|unit| unit.starts_with("cpu_")).unwrap_or_default(),
            });
        }
        let Some(name) = named else {
            if !is_metric {
                self.skipped.push(Skipped { index, name: String::new(), field: "EventName" });
            }
            return;
        };
        match terms(object, &name) {
            Ok(terms) => self.events.push(event(object, name, terms, topic)),
            Err("EventCode") if is_metric => {}
            Err(field) => self.skipped.push(Skipped { index, name, field }),
        }
    }
}

fn event(object: &Object, name: String, terms: String, topic: &str) -> VendorEvent {
    let pmu = pmu(text(object, "Unit").as_deref());
    let brief = text(object, "BriefDescription").unwrap_or_default();
    let (factor, unit) = text(object, "ScaleUnit").map(|text| scale(&text)).unwrap_or_default();
    let mut more = String::new();
    if on(object, "Data_LA") {
        more.push_str(" Supports address when precise");
    }
    if let Some(errata) = text(object, "Errata") {
        more = format!("{more} Spec update: {errata}");
    }
    match text(object, "PEBS").as_deref() {
        Some("2") => more.push_str(" (Must be precise)"),
        Some("1") => more.push_str(" (Precise event)"),
        _ => {}
    }
    let counted_by = |text: String| match text.as_str() {
        "" => text,
        text if pmu.is_empty() => format!("{text}{more}"),
        text => format!("{}. Unit: {pmu}{more}", text.trim_end_matches(['.', ' '])),
    };
    VendorEvent {
        brief: counted_by(brief.trim_end_matches(['.', ' ']).to_owned()),
        long: counted_by(text(object, "PublicDescription").unwrap_or_default()),
        name,
        terms,
        topic: text(object, "Topic").unwrap_or_else(|| topic.to_owned()),
        scale: factor,
        unit,
        per_package: on(object, "PerPkg"),
        deprecated: on(object, "Deprecated"),
        standard: text(object, "ArchStdEvent").map(|name| name.to_lowercase()),
        pmu,
    }
}
