//! The catalogue for people and for programs.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::EventType;

/// The JSON Schema (2020-12) of an event as streams carry it.
pub fn json_schema() -> Value {
    let events: Vec<Value> = EventType::ALL
        .iter()
        .map(|event_type| {
            json!({
                "title": event_type.as_str(),
                "description": event_type.meaning(),
                "type": "object",
                "properties": {
                    "sequence": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "Counts up without gaps, also over restarts of the host, save one after a host that was killed",
                    },
                    "timestamp": { "type": "string", "format": "date-time" },
                    "type": { "const": event_type.as_str() },
                    "data": data_schema(*event_type),
                },
                "required": ["sequence", "timestamp", "type", "data"],
            })
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Quarterdeck",
        "oneOf": events,
    })
}

/// The catalogue in Markdown.
pub fn documentation() -> String {
    let mut text = String::from(INTRODUCTION);
    for event_type in EventType::ALL {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n## `{}`\n\n{}\n\n",
            event_type.as_str(),
            event_type.meaning()
        );
        text.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
        fields(&data_schema(*event_type), "", &mut text);
    }
    text
}

const INTRODUCTION: &str = "\
# Events

What happens on a host, as its streams carry it. Made by `quarterdeck events --docs` from the
catalogue in `host/core/src/events/catalogue`; `quarterdeck events --schema` prints the same as JSON
Schema.

Each event is one JSON object: `sequence` (counts up without gaps, also over restarts, save one
after a host that was killed), `timestamp` (RFC 3339), `type` and `data`. A field marked with `?`
may be missing or null.

The streams are WebSockets: `ws://127.0.0.1:8765` and `ws://127.0.0.1:3456/events` for every event,
`ws://127.0.0.1:3456/monitor` for `performance.update`, `health.alert` and `progress.update`.
";

fn data_schema(event_type: EventType) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = event_type
        .data_schema(&mut settings.into_generator())
        .to_value();
    if let Value::Object(object) = &mut schema {
        object.remove("$schema");
        object.remove("title");
        object.remove("description");
    }
    schema
}

/// One row for each field, those of nested objects below their own.
fn fields(schema: &Value, path: &str, text: &mut String) {
    let nothing = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&nothing);
    let required = schema["required"].as_array();
    for (name, field) in properties {
        let is_required = required.is_some_and(|names| names.iter().any(|it| it == name));
        let optional = if is_required && !allows_null(field) {
            ""
        } else {
            "?"
        };
        let _ = writeln!(
            text,
            "| `{path}{name}`{optional} | {} | {} |",
            type_of(field),
            field["description"]
                .as_str()
                .unwrap_or_default()
                .replace('\n', " ")
        );
        fields(field, &format!("{path}{name}."), text);
        fields(&field["items"], &format!("{path}{name}[]."), text);
        fields(
            &field["additionalProperties"],
            &format!("{path}{name}.*."),
            text,
        );
    }
}

fn allows_null(schema: &Value) -> bool {
    schema["type"]
        .as_array()
        .is_some_and(|types| types.iter().any(|it| it == "null"))
}

fn type_of(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        return words(choices);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let constants: Vec<Value> = choices.iter().map(|it| it["const"].clone()).collect();
        return words(&constants);
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("{}[]", type_of(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    }
}

fn words(choices: &[Value]) -> String {
    choices
        .iter()
        .filter_map(Value::as_str)
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_DOCS=1` after changing the catalogue.
    #[test]
    fn the_committed_documentation_is_that_of_the_catalogue() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, documentation()).expect("write docs/events.md");
        }
        let committed = std::fs::read_to_string(file).expect("docs/events.md");
        assert!(
            committed == documentation(),
            "docs/events.md is not what `quarterdeck events --docs` prints: write it anew"
        );
    }

    #[test]
    fn every_event_has_a_schema_of_an_object() {
        for event in json_schema()["oneOf"].as_array().expect("events") {
            assert_eq!(event["properties"]["data"]["type"], "object", "{event}");
        }
    }
}
