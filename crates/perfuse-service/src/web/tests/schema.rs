//! A validator of the part of JSON Schema that the description uses. What it does not know is an error, so that a schema
//! never says more than is checked.

use serde_json::{Map, Value};

/// Everything that is wrong with a value, each with its place.
pub(super) fn problems(value: &Value, schema: &Value, all: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    check(value, schema, all, "", &mut found);
    found
}

fn check(value: &Value, schema: &Value, all: &Map<String, Value>, place: &str, found: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$ref" => {
                let name =
                    wanted.as_str().and_then(|path| path.strip_prefix("#/components/schemas/")).expect("a reference");
                check(value, all.get(name).unwrap_or_else(|| panic!("no schema {name}")), all, place, found);
            }
            "anyOf" => {
                let fits = |one: &Value| problems(value, one, all).is_empty();
                if !wanted.as_array().expect("a list").iter().any(fits) {
                    found.push(format!("{place}: {value} is none of {wanted}"));
                }
            }
            "type" => {
                if !is(value, wanted.as_str().expect("a name")) {
                    found.push(format!("{place}: {value} is no {wanted}"));
                }
            }
            "enum" => {
                if !wanted.as_array().expect("a list").contains(value) {
                    found.push(format!("{place}: {value} is not one of {wanted}"));
                }
            }
            "items" => {
                for (index, one) in value.as_array().into_iter().flatten().enumerate() {
                    check(one, wanted, all, &format!("{place}/{index}"), found);
                }
            }
            "required" => {
                for name in wanted.as_array().expect("a list").iter().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        found.push(format!("{place}: no {name}"));
                    }
                }
            }
            "properties" => {
                for (name, one) in wanted.as_object().expect("an object") {
                    if let Some(inner) = value.get(name) {
                        check(inner, one, all, &format!("{place}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                for (name, inner) in value.as_object().into_iter().flatten().filter(|(name, _)| !known(name)) {
                    match wanted {
                        Value::Bool(false) => found.push(format!("{place}: {name} is unknown")),
                        other => check(inner, other, all, &format!("{place}/{name}"), found),
                    }
                }
            }
            "format" => {
                let text = value.as_str().unwrap_or_default();
                let fits = match wanted.as_str() {
                    Some("date-time") => text.parse::<jiff::Timestamp>().is_ok(),
                    Some("date") => text.parse::<jiff::civil::Date>().is_ok(),
                    other => panic!("format {other:?}"),
                };
                if !fits {
                    found.push(format!("{place}: {value} is no {wanted}"));
                }
            }
            "description" => {}
            other => panic!("keyword {other}"),
        }
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = serde_json::json!({ "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "null" }] } } });
    let of = |value: Value| problems(&value, &schema, &Map::new()).len();
    assert_eq!(of(serde_json::json!({ "a": "2026-11-26T23:15:04Z" })), 0);
    assert_eq!(of(serde_json::json!({ "a": null })), 0);
    assert_eq!(of(serde_json::json!({ "a": "soon" })), 1);
    assert_eq!(of(serde_json::json!({ "b": 1 })), 2);
    assert_eq!(of(serde_json::json!([])), 2);
}
