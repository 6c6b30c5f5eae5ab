//! The fields of a request, held to what the tool declares.
//!
//! A field that nobody reads is an error: the session that it was to name would be
//! another one, the active one.

use quarterdeck_core::HostError;
use rmcp::model::JsonObject;
use serde_json::Value;

/// Other names that clients give to fields, where a tool has the second of both and not
/// the first.
const ALIASES: [(&str, &str); 5] = [
    ("session_configs", "sessions"),
    ("pane_hierarchy", "sessions"),
    ("layout_type", "layout"),
    ("name", "agent_name"),
    ("name", "team_name"),
];

/// Gives fields the names that `schema` has for them, and refuses those that it does not
/// know. One that is null says nothing, so it may be there.
pub(super) fn only_known(fields: &mut JsonObject, schema: &JsonObject) -> Result<(), HostError> {
    look_into_object(fields, schema, "")
}

fn look_into_object(
    fields: &mut JsonObject,
    schema: &JsonObject,
    path: &str,
) -> Result<(), HostError> {
    // Without declared properties it is a map, whose names are the client's own.
    let Some(Value::Object(known)) = schema.get("properties") else {
        return Ok(());
    };
    for (alias, name) in ALIASES {
        let meant = known.contains_key(name) && !known.contains_key(alias);
        if meant
            && !fields.contains_key(name)
            && let Some(value) = fields.remove(alias)
        {
            fields.insert(name.to_owned(), value);
        }
    }
    for (name, value) in fields.iter_mut() {
        let place = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        match known.get(name) {
            Some(declared) => look_into(value, declared, &place)?,
            None if value.is_null() => {}
            None => {
                let known: Vec<&str> = known.keys().map(String::as_str).collect();
                return Err(HostError::InvalidParameters(format!(
                    "there is no field {place:?} here, and nothing was done; the fields are {}",
                    match known.is_empty() {
                        true => "none".to_owned(),
                        false => known.join(", "),
                    }
                )));
            }
        }
    }
    Ok(())
}

fn look_into(value: &mut Value, declared: &Value, path: &str) -> Result<(), HostError> {
    match (value, declared) {
        (Value::Object(fields), Value::Object(schema)) => look_into_object(fields, schema, path),
        (Value::Array(items), Value::Object(schema)) => {
            let Some(declared) = schema.get("items") else {
                return Ok(());
            };
            (items.iter_mut().enumerate())
                .try_for_each(|(at, item)| look_into(item, declared, &format!("{path}[{at}]")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What becomes of a tool's arguments.
    fn held(tool: &str, given: Value) -> Result<Value, String> {
        let tools = super::super::toolbox().list();
        let tool = tools.iter().find(|it| it.name == tool).expect(tool);
        let Value::Object(mut fields) = given else {
            panic!("no object: {given}")
        };
        only_known(&mut fields, &tool.input_schema).map_err(|error| error.to_string())?;
        Ok(Value::Object(fields))
    }

    #[test]
    fn a_field_that_nobody_reads_is_named_with_those_that_there_are() {
        for (tool, given, place, known) in [
            (
                "send_control_character",
                json!({ "control_char": "c", "sesion": "x" }),
                "\"sesion\"",
                "session_id",
            ),
            (
                "write_to_sessions",
                json!({ "messages": [{ "content": "x", "targets": [{}, { "id": "x" }] }] }),
                "\"messages[0].targets[1].id\"",
                "team",
            ),
            (
                "orchestrate_playbook",
                json!({ "playbook": { "reads": { "targets": [{ "session": "x" }] } } }),
                "\"playbook.reads.targets[0].session\"",
                "max_lines",
            ),
            (
                "send_special_key",
                json!({ "key": "up", "target": { "agnet": "a" } }),
                "\"target.agnet\"",
                "agent",
            ),
        ] {
            let error = held(tool, given).expect_err(tool);
            let (what, fields) = error.split_once("the fields are").expect("both parts");
            assert!(what.contains(place) && fields.contains(known), "{error}");
        }
    }

    #[test]
    fn null_says_nothing_and_maps_have_names_of_their_own() {
        for (tool, given) in [
            ("list_agents", json!({ "team": null, "verbose": null })),
            ("send_cascade_message", json!({ "teams": { "any": "hi" } })),
            (
                "register_agent",
                json!({ "name": "a", "session_id": "s", "metadata": { "any": "thing" } }),
            ),
        ] {
            assert_eq!(held(tool, given.clone()), Ok(given), "{tool}");
        }
    }

    #[test]
    fn fields_go_by_other_names_too() {
        for (tool, given, meant) in [
            (
                "create_sessions",
                json!({ "session_configs": [], "layout_type": "quad" }),
                json!({ "sessions": [], "layout": "quad" }),
            ),
            (
                "orchestrate_playbook",
                json!({ "playbook": { "layout": { "pane_hierarchy": [] } } }),
                json!({ "playbook": { "layout": { "sessions": [] } } }),
            ),
            (
                "remove_agent",
                json!({ "name": "a" }),
                json!({ "agent_name": "a" }),
            ),
            (
                "remove_team",
                json!({ "name": "t" }),
                json!({ "team_name": "t" }),
            ),
            (
                "create_team",
                json!({ "name": "t" }),
                json!({ "name": "t" }),
            ),
        ] {
            assert_eq!(held(tool, given), Ok(meant), "{tool}");
        }
    }
}
