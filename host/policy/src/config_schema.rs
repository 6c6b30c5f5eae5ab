//! The JSON Schema that a component may carry for its `[config]`, so that a
//! misspelt key is named by the host, in the same words whatever the policy.
//!
//! It lies in a custom section of the component, which `quarterdeck plugin build`
//! fills from a project's `config.schema.json`. It can say anything that JSON
//! Schema can, but for references to other documents: nothing is fetched.

use serde_json::Value;

use crate::rejection::Rejection;

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
        .map(|mistake| {
            let path = mistake.instance_path().to_string();
            match path.trim_start_matches('/').replace('/', ".") {
                whole if whole.is_empty() => mistake.to_string(),
                key => format!("`{key}`: {mistake}"),
            }
        })
        .collect();
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Rejection::ConfigDiffers(mistakes.join("; "))),
    }
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

    const SCHEMA: &str = r#"{
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "minimum": 1},
            "names": {"type": "array", "items": {"type": "string"}}
        },
        "additionalProperties": false
    }"#;

    #[test]
    fn a_configuration_is_held_to_the_schema() {
        check(SCHEMA.as_bytes(), r#"{"limit": 3, "names": ["a"]}"#).expect("fits");
        for (config, told) in [
            (r#"{"limmit": 3}"#, "limmit"),
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
