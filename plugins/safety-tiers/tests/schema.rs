//! `config.schema.json`, which the component carries, names the keys that the
//! policy reads, no more and no fewer.

use std::collections::BTreeSet;

use policy_safety_tiers::Rules;
use serde_json::Value;

/// The keys that the policy says it knows where it is given one that it does not.
fn known(config: &str) -> BTreeSet<String> {
    let told = Rules::configured(config).expect_err("no key is called so");
    let (_, expected) = told.split_once("expected one of ").expect("it lists them");
    let words = expected.split(", ").map(|word| word.trim_matches('`'));
    words.map(str::to_owned).collect()
}

fn properties(schema: &Value) -> BTreeSet<String> {
    let properties = schema["properties"].as_object().expect("it has keys");
    properties.keys().cloned().collect()
}

#[test]
fn the_schema_names_every_key() {
    let schema: Value =
        serde_json::from_str(include_str!("../config.schema.json")).expect("it is JSON");
    let below = |key: &str| properties(&schema["properties"][key]["items"]);
    assert_eq!(properties(&schema), known(r#"{"?": 1}"#));
    assert_eq!(below("rule"), known(r#"{"rule": [{"?": 1}]}"#));
    assert_eq!(below("program"), known(r#"{"program": [{"?": 1}]}"#));
}
