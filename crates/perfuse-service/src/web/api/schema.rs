//! The schemas of the documents, in JSON Schema 2020-12.

use perfuse_analyze::status::{Level, Outcome, State};
use serde::Serialize;
use serde_json::{Map, Value, json};

fn text() -> Value {
    json!({ "type": "string" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn integer() -> Value {
    json!({ "type": "integer" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn list(of: Value) -> Value {
    Value::Object(Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), of)]))
}

fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The same, or `null`.
fn maybe(schema: Value) -> Value {
    let either = Value::Array(vec![schema, json!({ "type": "null" })]);
    Value::Object(Map::from_iter([("anyOf".to_owned(), either)]))
}

/// An object that has exactly these fields.
fn object(fields: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// An object whose fields may all be left out.
fn optional(fields: &[(&str, Value)]) -> Value {
    let mut schema = object(fields);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
    schema
}

/// An object that has at least these fields.
fn at_least(fields: &[(&str, Value)]) -> Value {
    let mut schema = object(fields);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("additionalProperties");
    }
    schema
}

/// Words of an enumeration as they are serialized.
fn words<T: Serialize>(all: &[T]) -> Value {
    let words: Vec<Value> = all.iter().filter_map(|one| serde_json::to_value(one).ok()).collect();
    json!({ "type": "string", "enum": words })
}

/// All schemas by name.
pub(in crate::web) fn schemas() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| all.insert(name.to_owned(), schema);
    add("Problem", object(&[("status", integer()), ("title", text())]));
    add("Done", object(&[("message", text())]));
    add("Health", object(&[("status", json!({ "type": "string", "enum": ["ok", "starting"] }))]));
    add(
        "Description",
        at_least(&[("openapi", text()), ("info", json!({ "type": "object" })), ("paths", json!({ "type": "object" }))]),
    );
    add(
        "State",
        words(&[
            State::Operational,
            State::Unknown,
            State::Degraded,
            State::PartialOutage,
            State::MajorOutage,
            State::Maintenance,
        ]),
    );
    status(&mut all);
    components(&mut all);
    incidents(&mut all);
    advice(&mut all);
    host_and_series(&mut all);
    all
}

fn status(all: &mut Map<String, Value>) {
    let day = object(&[
        ("date", json!({ "type": "string", "format": "date" })),
        ("uptime", maybe(number())),
        ("degraded_s", integer()),
        ("partial_outage_s", integer()),
        ("major_outage_s", integer()),
        ("maintenance_s", integer()),
        ("unknown_s", integer()),
    ]);
    let component = object(&[
        ("name", text()),
        ("title", text()),
        ("group", maybe(text())),
        ("description", maybe(text())),
        ("state", named("State")),
        ("since", time()),
        ("held_by", maybe(text())),
        ("flapping", flag()),
        ("ready", maybe(flag())),
        ("uptime_90d", maybe(number())),
        ("days", list(day)),
    ]);
    let incident = object(&[
        ("id", text()),
        ("component", text()),
        ("title", text()),
        ("began", time()),
        ("ended", maybe(time())),
        ("worst", named("State")),
    ]);
    let window = object(&[
        ("id", maybe(integer())),
        ("components", list(text())),
        ("start", time()),
        ("end", maybe(time())),
        ("under_way", flag()),
        ("reason", text()),
    ]);
    all.insert("Window".to_owned(), window);
    all.insert("Maintenance".to_owned(), object(&[("maintenance", list(named("Window")))]));
    let start = optional(&[("components", list(text())), ("for", text()), ("reason", text())]);
    all.insert("StartMaintenance".to_owned(), start);
    let report = json!({ "type": "string", "enum": ["passed", "failed", "waiting"] });
    all.insert("Push".to_owned(), optional(&[("report", report), ("instance", text())]));
    all.insert(
        "Status".to_owned(),
        object(&[
            ("page", text()),
            ("time", time()),
            ("state", named("State")),
            ("components", list(component)),
            ("incidents", list(incident)),
            ("maintenance", list(named("Window"))),
        ]),
    );
}

fn components(all: &mut Map<String, Value>) {
    let check = object(&[
        ("name", text()),
        ("kind", text()),
        ("instance", maybe(text())),
        ("level", maybe(words(&[Level::Up, Level::Slow, Level::Down]))),
        ("outcome", maybe(words(&[Outcome::Pass, Outcome::Slow, Outcome::Fail, Outcome::NoData]))),
        ("ready", maybe(flag())),
        ("at", maybe(time())),
        ("took_s", maybe(number())),
        ("message", maybe(text())),
        ("value", maybe(number())),
    ]);
    let burn = object(&[("long", maybe(number())), ("short", maybe(number())), ("burning", flag())]);
    let slo = object(&[
        ("objective", number()),
        ("events", integer()),
        ("good", maybe(number())),
        ("budget_left", maybe(number())),
        ("burns", list(burn)),
    ]);
    let component = object(&[
        ("name", text()),
        ("title", text()),
        ("group", maybe(text())),
        ("description", maybe(text())),
        ("public", flag()),
        ("state", named("State")),
        ("since", time()),
        ("held_by", maybe(text())),
        ("suspect", flag()),
        ("flapping", flag()),
        ("ready", maybe(flag())),
        ("uptime_90d", maybe(number())),
        ("slo", maybe(slo)),
        ("checks", list(check)),
    ]);
    all.insert("Component".to_owned(), component);
    let components = object(&[("time", time()), ("components", list(named("Component")))]);
    all.insert("Components".to_owned(), components);
}

fn incidents(all: &mut Map<String, Value>) {
    let step = at_least(&[("time", time()), ("component", text()), ("event", text())]);
    let brief = object(&[
        ("id", text()),
        ("component", text()),
        ("title", text()),
        ("began", time()),
        ("detected", time()),
        ("ended", maybe(time())),
        ("worst", named("State")),
        ("cause", maybe(text())),
        ("timeline", list(step)),
    ]);
    all.insert("Incidents".to_owned(), object(&[("incidents", list(brief))]));
    let compared = object(&[
        ("series", text()),
        ("unit", text()),
        ("before", maybe(number())),
        ("during", maybe(number())),
        ("after", maybe(number())),
    ]);
    let table =
        object(&[("source", text()), ("title", text()), ("columns", list(text())), ("rows", list(list(text())))]);
    let milliseconds = json!({ "type": "integer", "description": "Milliseconds since 1970 in UTC." });
    let incident = at_least(&[
        ("id", text()),
        ("component", text()),
        ("began", milliseconds.clone()),
        ("detected", milliseconds.clone()),
        ("ended", maybe(milliseconds)),
        ("worst", named("State")),
        (
            "timeline",
            list(at_least(&[("time", integer()), ("component", text()), ("what", json!({ "type": "object" }))])),
        ),
        ("why", maybe(json!({ "type": "object", "description": "perfuse.why/1" }))),
        ("cause", maybe(list(text()))),
        ("compared", list(compared)),
        ("tables", list(table)),
        ("captures", list(text())),
    ]);
    all.insert("Incident".to_owned(), incident);
}

fn advice(all: &mut Map<String, Value>) {
    let day = object(&[("begins", time()), ("greatest", maybe(number()))]);
    let one = object(&[
        ("id", text()),
        ("series", text()),
        ("summary", text()),
        ("advice", text()),
        ("command", maybe(text())),
        ("expect", text()),
        ("reached", maybe(time())),
        ("days", list(day)),
    ]);
    all.insert("AdviceList".to_owned(), object(&[("advice", list(one))]));
}

fn host_and_series(all: &mut Map<String, Value>) {
    let host = at_least(&[
        ("schema", json!({ "type": "string", "enum": [perfuse_render::report::SCHEMA] })),
        ("language", text()),
        ("cells", list(at_least(&[("id", text()), ("title", text()), ("verdict", text())]))),
        ("controls", list(at_least(&[("id", text()), ("verdict", text())]))),
        ("findings", list(at_least(&[("rank", integer()), ("id", text()), ("summary", text())]))),
        ("healthy", maybe(flag())),
    ]);
    all.insert("Host".to_owned(), host);
    let labels = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let name = object(&[("key", text()), ("name", text()), ("labels", labels.clone()), ("unit", text())]);
    all.insert("Names".to_owned(), object(&[("names", list(name))]));
    let points = list(maybe(number()));
    let line = object(&[
        ("key", text()),
        ("name", text()),
        ("labels", labels),
        ("unit", text()),
        ("start", integer()),
        ("step", integer()),
        ("mean", points.clone()),
        ("min", points.clone()),
        ("max", points),
    ]);
    all.insert("Series".to_owned(), object(&[("from", integer()), ("to", integer()), ("series", list(line))]));
}
