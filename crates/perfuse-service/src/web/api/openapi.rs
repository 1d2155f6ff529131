//! The description of the interface in `OpenAPI` 3.1, made of the routes.

use serde_json::{Map, Value, json};

use super::schema::schemas;
use crate::web::guard::Need;
use crate::web::routes::{Answer, Doc, ROUTES, Route};

/// The whole description.
pub(in crate::web) fn description() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let Some(doc) = &route.doc else { continue };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), operation(route, doc));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "perfuse",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Status and state of a host: what the pages show, as JSON. Times are RFC 3339 in UTC.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "The token of the host or of the configuration." },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::web::guard::SESSION },
            },
        },
    })
}

/// Names in braces.
fn in_path(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn operation(route: &Route, doc: &Doc) -> Value {
    let parameter = |name: &str, place: &str, description: Option<&str>| {
        let mut parameter =
            json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": "string" } });
        if let (Some(parameter), Some(description)) = (parameter.as_object_mut(), description) {
            parameter.insert("description".to_owned(), json!(description));
        }
        parameter
    };
    let mut parameters: Vec<Value> = in_path(route.path).map(|name| parameter(name, "path", None)).collect();
    parameters.extend(doc.query.iter().map(|(name, meaning)| parameter(name, "query", Some(meaning))));
    let content = match doc.answer {
        Answer::Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
        Answer::Media(media) => json!({ media: { "schema": { "type": "string" } } }),
    };
    let mut operation = json!({
        "operationId": doc.id,
        "summary": doc.summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": "It is so.", "content": content },
            "default": {
                "description": "It is not.",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            },
        },
    });
    let security = match route.need {
        Need::Nothing if doc.id == "push" => json!([{ "bearer": [] }]),
        Need::Nothing | Need::Public => json!([]),
        // Who reads from this host need not say who they are.
        Need::Read => json!([{}, { "bearer": [] }, { "session": [] }]),
        Need::Change => json!([{ "bearer": [] }, { "session": [] }]),
    };
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("security".to_owned(), security);
        if let Some(body) = doc.body {
            let body = json!({ "required": false, "content": { "application/json": { "schema": reference(body) } } });
            operation.insert("requestBody".to_owned(), body);
        }
    }
    operation
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
