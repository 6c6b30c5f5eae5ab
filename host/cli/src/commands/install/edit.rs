//! Putting entries into the text of a configuration file, and taking them out:
//! whatever else stands there stays as it is, comments and spaces included.

use anyhow::{Context, Result, bail};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON, with comments and trailing commas where they are.
    Json,
    /// TOML.
    Toml,
    /// A script that is ours alone, if it begins as ours does.
    Script,
}

/// One thing that belongs into a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// A value under these keys, which is ours.
    Key {
        /// From the outside in.
        path: Vec<&'static str>,
        /// What stands there.
        value: Value,
    },
    /// A value under these keys, if there is none: not ours, but needed.
    Default {
        /// From the outside in.
        path: Vec<&'static str>,
        /// What stands there.
        value: Value,
    },
    /// An element of the list under these keys.
    Element {
        /// From the outside in.
        path: Vec<&'static str>,
        /// The element.
        value: Value,
        /// What the texts of our elements end with, and nobody else's.
        ours: String,
    },
    /// All of a script.
    Script(String),
}

impl Format {
    /// The text with the entries in it. A text that has them stays as it is.
    pub(super) fn with(self, entries: &[Entry], text: &str) -> Result<String> {
        match self {
            Self::Json => {
                let (root, object) = parse(text)?;
                for entry in entries {
                    put(&object, entry)?;
                }
                Ok(ended(root.to_string()))
            }
            Self::Toml => {
                let mut document: DocumentMut = text.parse().context("it is no TOML")?;
                for entry in entries {
                    put_toml(&mut document, entry)?;
                }
                Ok(document.to_string())
            }
            Self::Script => match (entries, is_ours(text)) {
                ([Entry::Script(script)], true) => Ok(script.clone()),
                ([Entry::Script(_)], false) => bail!("a script of somebody else's is there"),
                _ => bail!("a script is one entry"),
            },
        }
    }

    /// The text without the entries, and without what would be left empty by
    /// that.
    pub(super) fn without(self, entries: &[Entry], text: &str) -> Result<String> {
        match self {
            Self::Json => {
                let (root, object) = parse(text)?;
                for entry in entries {
                    take(&object, entry);
                }
                Ok(root.to_string())
            }
            Self::Toml => {
                let mut document: DocumentMut = text.parse().context("it is no TOML")?;
                for entry in entries {
                    take_toml(&mut document, entry);
                }
                Ok(document.to_string())
            }
            Self::Script if is_ours(text) => Ok(String::new()),
            Self::Script => Ok(text.to_owned()),
        }
    }
}

/// What our scripts begin with.
pub(super) const SCRIPT_OF_OURS: &str = "// Written by `quarterdeck install";

fn is_ours(script: &str) -> bool {
    script.trim().is_empty() || script.starts_with(SCRIPT_OF_OURS)
}

/// A file ends with a line break.
fn ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn parse(text: &str) -> Result<(CstRootNode, CstObject)> {
    let text = match text.trim().is_empty() {
        true => "{}\n",
        false => text,
    };
    let root = CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| anyhow::anyhow!("it is no JSON: {error}"))?;
    let object = root
        .object_value()
        .context("it is JSON, but no object at the outside")?;
    Ok((root, object))
}

/// The object under these keys, made where it is missing.
fn inner(outer: &CstObject, keys: &[&str]) -> Result<CstObject> {
    keys.iter().try_fold(outer.clone(), |object, key| {
        object
            .object_value_or_create(key)
            .with_context(|| format!("{key:?} is there, but is no object"))
    })
}

fn put(object: &CstObject, entry: &Entry) -> Result<()> {
    match entry {
        Entry::Key { path, value } | Entry::Default { path, value } => {
            let (key, outer) = path.split_last().context("an entry without a key")?;
            let parent = inner(object, outer)?;
            match parent.get(key) {
                None => {
                    parent.append(key, input(value));
                }
                Some(present) => {
                    let is = present.value().and_then(|it| it.to_serde_value());
                    if matches!(entry, Entry::Key { .. }) && is.as_ref() != Some(value) {
                        present.set_value(input(value));
                    }
                }
            }
        }
        Entry::Element { path, value, ours } => {
            let (key, outer) = path.split_last().context("an entry without a key")?;
            let array = inner(object, outer)?
                .array_value_or_create(key)
                .with_context(|| format!("{key:?} is there, but is no list"))?;
            let mut found = our_elements(&array, ours);
            match found.pop() {
                Some((_, is)) if found.is_empty() && is == *value => {}
                last => {
                    last.into_iter()
                        .chain(found)
                        .for_each(|(node, _)| node.remove());
                    array.append(input(value));
                }
            }
        }
        Entry::Script(_) => bail!("a script is a file of its own"),
    }
    Ok(())
}

fn take(object: &CstObject, entry: &Entry) {
    let (Entry::Key { path, .. } | Entry::Element { path, .. }) = entry else {
        return;
    };
    let Some((key, outer)) = path.split_last() else {
        return;
    };
    // The objects on the way, to be taken out when they are left empty.
    let mut objects = vec![object.clone()];
    for name in outer {
        match objects.last().and_then(|it| it.object_value(name)) {
            Some(object) => objects.push(object),
            None => return,
        }
    }
    let Some(parent) = objects.last() else {
        return;
    };
    match entry {
        Entry::Key { .. } => {
            // What was not there has left nothing empty.
            let Some(property) = parent.get(key) else {
                return;
            };
            property.remove();
        }
        Entry::Element { ours, .. } => {
            let Some(array) = parent.array_value(key) else {
                return;
            };
            let found = our_elements(&array, ours);
            if found.is_empty() {
                return;
            }
            found.into_iter().for_each(|(node, _)| node.remove());
            if array.elements().is_empty()
                && let Some(property) = parent.get(key)
            {
                property.remove();
            }
        }
        // What was ours was found above.
        Entry::Default { .. } | Entry::Script(_) => {}
    }
    for (object, name) in objects.iter().zip(outer).rev() {
        let empty = object
            .object_value(name)
            .is_some_and(|it| it.properties().is_empty());
        if empty && let Some(property) = object.get(name) {
            property.remove();
        }
    }
}

/// The elements that hold a text which ends as ours do.
fn our_elements(array: &CstArray, ours: &str) -> Vec<(CstNode, Value)> {
    array
        .elements()
        .into_iter()
        .filter_map(|node| {
            let value = node.to_serde_value()?;
            holds_text(&value, ours).then_some((node, value))
        })
        .collect()
}

fn holds_text(value: &Value, end: &str) -> bool {
    match value {
        Value::String(text) => text.ends_with(end) && text.contains("quarterdeck"),
        Value::Array(values) => values.iter().any(|value| holds_text(value, end)),
        Value::Object(fields) => fields.values().any(|value| holds_text(value, end)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(truth) => CstInputValue::Bool(*truth),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(fields) => CstInputValue::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), input(value)))
                .collect(),
        ),
    }
}

/// Only tables of texts and lists of texts are written into TOML.
fn put_toml(document: &mut DocumentMut, entry: &Entry) -> Result<()> {
    let Entry::Key { path, value } = entry else {
        bail!("only keys are written into TOML");
    };
    let (key, outer) = path.split_last().context("an entry without a key")?;
    let mut table = document.as_table_mut();
    for name in outer {
        let item = table.entry(name).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        table = item
            .as_table_mut()
            .with_context(|| format!("{name:?} is there, but is no section of its own"))?;
    }
    let fields = value.as_object().context("an entry that is no table")?;
    let mut section = Table::new();
    for (name, field) in fields {
        section[name] = match field {
            Value::String(text) => toml_edit::value(text),
            Value::Array(texts) => toml_edit::value(
                texts
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<toml_edit::Array>(),
            ),
            other => bail!("{other} cannot be written into TOML"),
        };
    }
    let same = |is: &Table| {
        is.len() == section.len()
            && section.iter().all(|(name, wanted)| {
                is.get(name)
                    .is_some_and(|it| it.to_string().trim() == wanted.to_string().trim())
            })
    };
    if !table.get(key).and_then(Item::as_table).is_some_and(same) {
        table.insert(key, Item::Table(section));
    }
    Ok(())
}

fn take_toml(document: &mut DocumentMut, entry: &Entry) {
    let Entry::Key { path, .. } = entry else {
        return;
    };
    let [outer, key] = path[..] else {
        return;
    };
    let Some(table) = document.get_mut(outer).and_then(Item::as_table_mut) else {
        return;
    };
    if table.remove(key).is_some() && table.is_empty() && table.is_implicit() {
        document.remove(outer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server(command: &str) -> Entry {
        Entry::Key {
            path: vec!["mcpServers", "quarterdeck"],
            value: json!({ "command": command, "args": ["mcp"] }),
        }
    }

    fn hook(command: &str) -> Entry {
        Entry::Element {
            path: vec!["hooks", "PreToolUse"],
            value: json!({ "matcher": "Bash", "hooks": [{ "type": "command", "command": command }] }),
            ours: " hook claude-code".to_owned(),
        }
    }

    /// What goes in comes out again, and the rest stays as it was.
    #[test]
    fn json_round_trips_with_everything_that_people_write() {
        let entries = [
            server("/bin/quarterdeck"),
            hook("/bin/quarterdeck hook claude-code"),
        ];
        for text in [
            "{}\n",
            "{\n  // mine\n  \"theme\": \"dark\", // yes\n}\n",
            "{\"a\":1}",
            "{\n\t\"mcpServers\": {\n\t\t\"other\": { \"command\": \"x\" }\n\t},\n\t\"z\": [1,  2]\n}\n",
            "{\n  \"hooks\": {\n    \"PreToolUse\": [\n      { \"matcher\": \"*\", \"hooks\": [] }\n    ],\n    \"Stop\": []\n  }\n}\n",
        ] {
            let with = Format::Json.with(&entries, text).expect(text);
            let again = Format::Json.with(&entries, &with).expect(&with);
            assert_eq!(again, with, "done twice is done once");
            for line in text.lines().map(|line| line.trim().trim_end_matches(',')) {
                let kept = line.is_empty() || with.contains(line) || line.len() < 3;
                assert!(
                    kept || text.lines().count() == 1,
                    "{line} is gone from {with}"
                );
            }
            let without = Format::Json.without(&entries, &with).expect(&with);
            assert!(!without.contains("quarterdeck"), "{without}");
            let read = |text: &str| {
                let (root, _) = parse(text).expect("parsed");
                root.to_serde_value()
            };
            assert_eq!(read(&without), read(text), "{without}");
        }
    }

    #[test]
    fn an_entry_of_another_path_is_replaced_and_not_doubled() {
        let before = [
            server("/old/quarterdeck"),
            hook("/old/quarterdeck hook claude-code"),
        ];
        let after = [
            server("/new/quarterdeck"),
            hook("/new/quarterdeck hook claude-code"),
        ];
        let text = Format::Json.with(&before, "{}\n").expect("with");
        let text = Format::Json.with(&after, &text).expect("with");
        assert!(!text.contains("/old/"), "{text}");
        assert_eq!(text.matches("hook claude-code").count(), 1);
    }

    #[test]
    fn what_is_in_the_way_is_named_and_nothing_is_done() {
        for (text, named) in [
            ("{\"mcpServers\": []}", "mcpServers"),
            ("[]", "no object"),
            ("{\"a\": ", "no JSON"),
        ] {
            let error = Format::Json.with(&[server("q")], text).expect_err(text);
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
    }

    #[test]
    fn toml_keeps_its_comments() {
        let entry = Entry::Key {
            path: vec!["mcp_servers", "quarterdeck"],
            value: json!({ "command": "/q", "args": ["mcp"] }),
        };
        let entries = [entry];
        let text = "# mine\nmodel = \"o\" # fast\n\n[mcp_servers.other]\ncommand = \"x\"\n";
        let with = Format::Toml.with(&entries, text).expect("with");
        assert!(with.starts_with(text), "{with}");
        assert!(with.contains("[mcp_servers.quarterdeck]\n"), "{with}");
        assert_eq!(Format::Toml.with(&entries, &with).expect("again"), with);
        assert_eq!(
            Format::Toml.without(&entries, &with).expect("without"),
            text
        );
        let alone = Format::Toml.with(&entries, "").expect("with");
        assert_eq!(Format::Toml.without(&entries, &alone).expect("without"), "");
    }
}
