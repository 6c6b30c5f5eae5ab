//! The JSON Schema that a component may carry for its `[config]`, so that a
//! misspelt key is named by the host, in the same words whatever the policy.
//!
//! It lies in a custom section of the component, which `quarterdeck plugin build`
//! fills from a project's `config.schema.json`. It can say anything that JSON
//! Schema can, but for references to other documents: nothing is fetched.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::loading::rejection::Rejection;

/// The custom section's name.
pub const CONFIG_SCHEMA_SECTION: &str = "quarterdeck-config-schema";

/// The largest schema that is read, in bytes.
const LARGEST: usize = 256 << 10;
/// As many mistakes are told at once.
const TOLD: usize = 3;

/// Holds `config`, a JSON object, to the schema in the section's `data`.
pub(crate) fn check(data: &[u8], config: &str) -> Result<(), Rejection> {
    let schema = parse(data).map_err(Rejection::ConfigSchema)?;
    let validator = jsonschema::options()
        .build(&schema)
        .map_err(|error| Rejection::ConfigSchema(error.to_string()))?;
    let config: Value =
        serde_json::from_str(config).map_err(|error| Rejection::Host(error.to_string()))?;
    let mistakes: Vec<String> = validator
        .iter_errors(&config)
        .take(TOLD)
        .map(|mistake| told(&mistake, &schema))
        .collect();
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Rejection::ConfigDiffers(mistakes.join("; "))),
    }
}

/// A mistake in the words of the person who made it: the key, and what may stand
/// there.
fn told(mistake: &ValidationError<'_>, schema: &Value) -> String {
    let place = mistake.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    let text = match mistake.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unknown_keys(unexpected, &allowed_keys(mistake, schema))
        }
        _ => mistake.to_string(),
    };
    match place.is_empty() {
        true => text,
        false => format!("`{place}`: {text}"),
    }
}

fn unknown_keys(unknown: &[String], allowed: &[&String]) -> String {
    let quoted = |keys: &mut dyn Iterator<Item = &String>| {
        let keys: Vec<_> = keys.map(|key| format!("`{key}`")).collect();
        keys.join(", ")
    };
    let what = match unknown.len() {
        1 => "unknown key",
        _ => "unknown keys",
    };
    let unknown = quoted(&mut unknown.iter());
    match allowed.is_empty() {
        true => format!("{what} {unknown}; there is none to set"),
        false => format!(
            "{what} {unknown}; there is {}",
            quoted(&mut allowed.iter().copied())
        ),
    }
}

/// The properties beside the `additionalProperties` that was broken.
fn allowed_keys<'a>(mistake: &ValidationError<'_>, schema: &'a Value) -> Vec<&'a String> {
    let broken = mistake.schema_path().to_string();
    let Some((around, _)) = broken.rsplit_once('/') else {
        return Vec::new();
    };
    schema
        .pointer(around)
        .and_then(|around| around["properties"].as_object())
        .map(|properties| properties.keys().collect())
        .unwrap_or_default()
}

fn parse(data: &[u8]) -> Result<Value, String> {
    if data.len() > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    serde_json::from_slice(data).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "minimum": 1},
            "names": {"type": "array", "items": {"type": "string"}},
            "retries": {"$ref": "#/$defs/retries"}
        },
        "$defs": {
            "retries": {
                "type": "object",
                "properties": {"limit": {"type": "integer"}, "growth": {"type": "number"}},
                "additionalProperties": false
            }
        },
        "additionalProperties": false
    }"##;

    #[test]
    fn a_configuration_is_held_to_the_schema() {
        check(SCHEMA.as_bytes(), r#"{"limit": 3, "names": ["a"]}"#).expect("fits");
        for (config, told) in [
            (
                r#"{"limmit": 3}"#,
                "unknown key `limmit`; there is `limit`, `names`, `retries`",
            ),
            (
                r#"{"retries": {"grow": 3, "much": 1}}"#,
                "`retries`: unknown keys `grow`, `much`; there is `growth`, `limit`",
            ),
            (
                r#"{"limit": 0}"#,
                "`limit`: 0 is less than the minimum of 1",
            ),
            (r#"{"names": ["a", 7]}"#, "`names.1`: 7 is not of type"),
        ] {
            let text = check(SCHEMA.as_bytes(), config)
                .expect_err(config)
                .to_string();
            assert!(text.contains(told), "{text}");
        }
    }

    #[test]
    fn a_schema_that_is_none_is_told() {
        for schema in [
            "{",
            r#"{"type": "strin"}"#,
            r#"{"$ref": "https://example.com/x"}"#,
        ] {
            let rejection = check(schema.as_bytes(), "{}").expect_err(schema);
            assert!(
                matches!(rejection, Rejection::ConfigSchema(_)),
                "{rejection}"
            );
        }
    }
}
