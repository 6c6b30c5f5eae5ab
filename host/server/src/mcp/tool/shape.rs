//! Lists where a tool's schema wants objects: serde would take them for the object's fields
//! in their order, and an empty one for an object without fields.

use quarterdeck_core::HostError;
use rmcp::model::JsonObject;
use serde_json::Value;

/// The arguments, if none of them is a list where `schema` has an object.
pub(super) fn check(schema: &JsonObject, arguments: JsonObject) -> Result<JsonObject, HostError> {
    match list_for_object(schema, &arguments) {
        None => Ok(arguments),
        Some(path) => Err(HostError::InvalidParameters(format!(
            "the argument {path} is not right: a list is given, an object is expected"
        ))),
    }
}

/// Where the first such list is.
fn list_for_object(schema: &JsonObject, given: &JsonObject) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    given.iter().find_map(|(name, value)| {
        let below = in_value(properties.get(name)?, value)?;
        Some(format!("{name}{below}"))
    })
}

fn in_value(schema: &Value, given: &Value) -> Option<String> {
    match given {
        Value::Array(_) if schema["type"] == "object" => Some(String::new()),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            let below = in_value(schema.get("items")?, item)?;
            Some(format!("[{at}]{below}"))
        }),
        Value::Object(fields) => {
            let below = list_for_object(schema.as_object()?, fields)?;
            Some(format!(".{below}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> JsonObject {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_list_is_no_object() {
        let pane = json!({ "type": "object", "properties": { "at": { "type": "object" } } });
        let schema = object(json!({
            "properties": {
                "playbook": { "type": "object" },
                "panes": { "type": "array", "items": pane },
                "any": { "anyOf": [{ "type": "object" }, { "type": "array" }] },
            },
        }));
        for (given, path) in [
            (json!({ "playbook": [] }), Some("playbook")),
            (
                json!({ "playbook": {}, "panes": [{}, []] }),
                Some("panes[1]"),
            ),
            (json!({ "panes": [{ "at": [1] }] }), Some("panes[0].at")),
            (json!({ "panes": [], "any": [], "unknown": [] }), None),
            (json!({ "panes": [{ "at": {} }], "any": {} }), None),
            (json!({ "panes": "none" }), None),
        ] {
            assert_eq!(
                list_for_object(&schema, &object(given.clone())).as_deref(),
                path,
                "{given}"
            );
        }
    }
}
