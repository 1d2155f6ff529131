//! The JSON form: its exact text, and its shape against the schema.

use serde_json::Value as Json;

use super::*;
use crate::fixture::{checklist, context};
use crate::{Lang, golden};

fn json(sick: bool, lang: Lang) -> Json {
    let report = Report::new(&checklist(sick), &context(), &Texts::core(lang));
    serde_json::from_str(&report.to_json().unwrap()).unwrap()
}

/// The form of a value: a small schema language.
enum Form {
    Text,
    Number,
    Bool,
    /// One of these words.
    Word(&'static [&'static str]),
    Maybe(Box<Form>),
    List(Box<Form>),
    /// These fields; others may be there too.
    Object(Vec<(&'static str, Form)>),
}

fn maybe(form: Form) -> Form {
    Form::Maybe(Box::new(form))
}

fn list(form: Form) -> Form {
    Form::List(Box::new(form))
}

fn problems(value: &Json, form: &Form, path: &str, found: &mut Vec<String>) {
    let mut expect = |is: bool, what: &str| {
        if !is {
            found.push(format!("{path}: expected {what}, found {value}"));
        }
    };
    match form {
        Form::Text => expect(value.is_string(), "text"),
        Form::Number => expect(value.as_f64().is_some_and(f64::is_finite), "a number"),
        Form::Bool => expect(value.is_boolean(), "true or false"),
        Form::Word(words) => expect(value.as_str().is_some_and(|word| words.contains(&word)), &format!("{words:?}")),
        Form::Maybe(form) if !value.is_null() => problems(value, form, path, found),
        Form::Maybe(_) => {}
        Form::List(form) => match value.as_array() {
            Some(items) => {
                for (index, item) in items.iter().enumerate() {
                    problems(item, form, &format!("{path}[{index}]"), found);
                }
            }
            None => expect(false, "a list"),
        },
        Form::Object(fields) => {
            for (name, form) in fields {
                match value.get(name) {
                    Some(value) => problems(value, form, &format!("{path}.{name}"), found),
                    None => found.push(format!("{path}: no field {name}")),
                }
            }
        }
    }
}

const VERDICTS: &[&str] = &["ok", "watch", "bottleneck", "error", "unmeasurable", "not_applicable"];
const KINDS: &[&str] = &["utilization", "saturation", "errors"];

fn quantity() -> Form {
    let units = &["ratio", "s/s", "1/s", "bytes", "bytes/s", "s", "count", "celsius", "ipc"];
    Form::Object(vec![("number", Form::Number), ("unit", Form::Word(units))])
}

fn entity() -> Form {
    Form::Object(vec![
        ("kind", Form::Text),
        ("pid", maybe(Form::Number)),
        ("tid", maybe(Form::Number)),
        ("name", Form::Text),
        ("path", maybe(Form::Text)),
        ("detail", maybe(Form::Text)),
    ])
}

fn cell() -> Form {
    let instance = vec![("name", Form::Text), ("value", quantity()), ("verdict", Form::Word(VERDICTS))];
    let evidence = vec![("source", Form::Text), ("metric", Form::Text), ("value", quantity())];
    Form::Object(vec![
        ("id", Form::Text),
        ("resource", Form::Text),
        ("kind", maybe(Form::Word(KINDS))),
        ("verdict", Form::Word(VERDICTS)),
        ("value", maybe(quantity())),
        ("reason", maybe(Form::Text)),
        ("enable", maybe(Form::Text)),
        ("who_could_know", maybe(Form::Text)),
        ("instances", list(Form::Object(instance))),
        ("evidence", list(Form::Object(evidence))),
        ("by_hand", Form::Text),
    ])
}

fn finding() -> Form {
    let link = vec![("from", Form::Text), ("to", Form::Text), ("evidence", Form::Text)];
    let advice = vec![("text", Form::Text), ("command", maybe(Form::Text)), ("expect", Form::Text)];
    Form::Object(vec![
        ("rank", Form::Number),
        ("id", Form::Text),
        ("severity", Form::Word(&["watch", "bottleneck", "error"])),
        ("resource", Form::Text),
        ("kind", Form::Word(KINDS)),
        ("cell", Form::Text),
        ("control", maybe(Form::Text)),
        ("culprit", entity()),
        ("victims", list(entity())),
        ("wait_s_per_s", maybe(Form::Number)),
        ("confidence", Form::Number),
        ("chain", list(Form::Object(link))),
        ("advice", list(Form::Object(advice))),
    ])
}

fn schema() -> Form {
    let host = vec![
        ("hostname", Form::Text),
        ("kernel", Form::Text),
        ("cpus", Form::Number),
        ("memory_bytes", maybe(Form::Number)),
        ("virtualization", maybe(Form::Text)),
        ("cgroup", maybe(Form::Word(&["v1", "v2", "hybrid"]))),
    ];
    let capability = vec![
        ("id", Form::Text),
        ("available", Form::Bool),
        ("reason", maybe(Form::Text)),
        ("enable", maybe(Form::Text)),
    ];
    Form::Object(vec![
        ("schema", Form::Word(&["perfuse.use/1"])),
        ("host", Form::Object(host)),
        ("started", Form::Text),
        ("duration_s", Form::Number),
        ("capabilities", list(Form::Object(capability))),
        ("cells", list(cell())),
        ("controls", list(cell())),
        ("findings", list(finding())),
        ("healthy", maybe(Form::Bool)),
    ])
}

#[test]
fn the_json_has_the_form_of_the_schema() {
    for lang in Lang::ALL {
        for sick in [true, false] {
            let mut found = Vec::new();
            problems(&json(sick, lang), &schema(), "", &mut found);
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }
    let mut broken = json(true, Lang::En);
    broken["cells"][0]["value"]["unit"] = "furlong".into();
    broken["findings"][0].as_object_mut().unwrap().remove("chain");
    let mut found = Vec::new();
    problems(&broken, &schema(), "", &mut found);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn the_json_text_is_stable() {
    let report = Report::new(&checklist(true), &context(), &Texts::core(Lang::En));
    golden::check("use.json", &report.to_json().unwrap());
    let json = json(true, Lang::En);
    assert_eq!(json["started"], "2026-09-21T14:13:20.123Z");
    assert_eq!(json["duration_s"], 5.0);
    assert_eq!(json["cells"].as_array().unwrap().len(), 42);
}

#[test]
fn words_change_with_the_language_and_ids_do_not() {
    let (en, ko) = (json(true, Lang::En), json(true, Lang::Ko));
    assert_ne!(en["cells"][21]["reason"], ko["cells"][21]["reason"]);
    for list in ["cells", "controls", "findings"] {
        for (en, ko) in en[list].as_array().unwrap().iter().zip(ko[list].as_array().unwrap()) {
            for field in ["id", "verdict", "severity", "kind", "cell", "control", "value", "by_hand"] {
                assert_eq!(en.get(field), ko.get(field), "{field}");
            }
        }
    }
}
