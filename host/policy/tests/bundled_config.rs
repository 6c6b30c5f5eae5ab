//! The bundled policies carry a schema of their `[config]`: what it names they
//! take, and a misspelt key is refused with the keys that there are.

use std::fs;
use std::path::{Path, PathBuf};

use quarterdeck_policy::{OpenError, OpenedPolicy, Workbench};
use serde_json::{Map, Value};

fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
}

/// Names of the bundled policies that have a schema, with it.
fn schemas() -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = fs::read_dir(plugins())
        .expect("the policies can be listed")
        .filter_map(|entry| {
            let folder = entry.expect("the policies can be listed").path();
            let text = fs::read_to_string(folder.join("config.schema.json")).ok()?;
            let name = folder.file_name()?.to_string_lossy().into_owned();
            Some((name, serde_json::from_str(&text).expect("a schema is JSON")))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// A configuration with every key that a schema gives a default.
fn defaults(schema: &Value) -> Map<String, Value> {
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flatten()
        .filter_map(|(key, property)| {
            let value = match (&property["default"], property["type"].as_str()) {
                (Value::Null, Some("object")) => Value::Object(defaults(property)),
                (Value::Null, _) => return None,
                (default, _) => default.clone(),
            };
            Some((key.clone(), value))
        })
        .collect()
}

async fn open(name: &str, config: &str) -> Result<OpenedPolicy, OpenError> {
    let wasm = fs::read(plugins().join(format!("dist/{name}.wasm"))).expect("it is committed");
    Workbench::new(None)
        .expect("an engine starts")
        .open_bytes(name, wasm, Some(config.as_bytes()))
        .await
}

#[tokio::test]
async fn every_key_of_a_schema_is_taken() {
    let schemas = schemas();
    assert!(schemas.len() >= 10, "{}", schemas.len());
    for (name, schema) in schemas {
        let config = Map::from_iter([("config".to_owned(), Value::Object(defaults(&schema)))]);
        let sidecar = toml::to_string(&config).expect("defaults are TOML too");
        if let Err(error) = open(&name, &sidecar).await {
            panic!("{name} with\n{sidecar}\n{error:?}");
        }
    }
}

#[tokio::test]
async fn a_misspelt_key_is_refused_with_those_that_there_are() {
    for (name, schema) in schemas() {
        let Err(OpenError::Refused(told)) = open(&name, "[config]\nmisspelt = true\n").await else {
            panic!("{name} took a key that it does not know");
        };
        let known = defaults(&schema);
        assert!(told.contains("unknown key `misspelt`"), "{name}: {told}");
        for key in known.keys() {
            assert!(told.contains(&format!("`{key}`")), "{name}: {told}");
        }
    }
}
