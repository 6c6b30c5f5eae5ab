//! What may stand in a policy's `[config]`, in the words of the JSON Schema that its
//! component carries.

use serde_json::Value;

/// A line for each key of the schema; the schema itself where it names none.
pub(super) fn keys(schema: &Value) -> Vec<String> {
    let Some(properties) = schema["properties"].as_object() else {
        return vec![schema.to_string()];
    };
    let required = schema["required"].as_array();
    let is_required = |key: &str| required.is_some_and(|keys| keys.iter().any(|it| it == key));
    properties
        .iter()
        .map(|(key, rules)| line(key, rules, is_required(key)))
        .collect()
}

fn line(key: &str, rules: &Value, required: bool) -> String {
    let mut marks: Vec<String> = values(rules).into_iter().collect();
    if required {
        marks.push("required".to_owned());
    }
    if let Some(default) = rules.get("default") {
        marks.push(format!("{default} without it"));
    }
    let mut line = key.to_owned();
    if !marks.is_empty() {
        line.push_str(&format!(" ({})", marks.join(", ")));
    }
    if let Some(said) = rules["description"].as_str().or(rules["title"].as_str()) {
        line.push_str(&format!(": {said}"));
    }
    quarterdeck_core::inert_text(&line)
}

/// The values that a key may have: those that are listed, else their type.
fn values(rules: &Value) -> Option<String> {
    let shown = |values: &[Value]| {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        values.join(" or ")
    };
    if let Some(listed) = rules["enum"].as_array() {
        return Some(shown(listed));
    }
    let types = match &rules["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => {
            let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
            several.join(" or ")
        }
        _ => return None,
    };
    match (types.as_str(), values(&rules["items"])) {
        ("array", Some(items)) => Some(format!("array of {items}")),
        _ => Some(types),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_key_has_a_line() {
        let schema = json!({
            "required": ["word"],
            "properties": {
                "word": { "type": "string", "description": "What is refused" },
                "tier": { "enum": ["review", "dangerous"], "default": "review" },
                "hosts": { "type": "array", "items": { "type": "string" } },
                "other": {},
            },
        });
        assert_eq!(
            keys(&schema),
            [
                "hosts (array of string)",
                "other",
                r#"tier ("review" or "dangerous", "review" without it)"#,
                "word (string, required): What is refused",
            ]
        );
        assert_eq!(
            keys(&json!({ "maxProperties": 0 })),
            [r#"{"maxProperties":0}"#]
        );
    }
}
