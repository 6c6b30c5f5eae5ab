//! What this family's clients put in `input`, and the bytes that it stands for.
//!
//! The bytes are this family's own: its backspace is 0x08 and its delete 0x7f,
//! and its arrows are the same in every mode.

use quarterdeck_core::HostError;
use quarterdeck_core::gate::Input;
use quarterdeck_core::keys::Key;
use schemars::JsonSchema;
use serde::Deserialize;

/// One thing to type, or several.
#[derive(Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "text, a code from 0 to 255, {\"key\": …}, or an array of these is expected"
)]
pub(super) enum Sequence {
    Many(Vec<Item>),
    One(Item),
}

/// One thing to type.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Item {
    /// Text
    Text(String),
    /// ASCII code 0-255
    Code(f64),
    /// A special key
    Key { key: String },
}

/// Names in the order in which they are told to a client that asks for another.
const AVAILABLE: &str = "tab, shift-tab, enter, return, escape, esc, backspace, delete, up, down, left, right, home, end, pageup, pagedown, ctrl-a to ctrl-z, f1 to f12, and alt- with a letter, shift-letter, digit or any of tab, enter, space, backspace, up, down, left, right, home, end, pageup, pagedown, f1 to f12";

impl Sequence {
    /// The items as bytes; the first that is wrong is the answer.
    pub(super) fn into_input(self) -> Result<Vec<Input>, HostError> {
        let items = match self {
            Self::Many(items) => items,
            Self::One(item) => vec![item],
        };
        let types_nothing = |item: &Item| matches!(item, Item::Text(text) if text.is_empty());
        if items.iter().all(types_nothing) {
            return Err(HostError::InvalidParameters(
                "Empty sequence provided".to_owned(),
            ));
        }
        items
            .iter()
            .map(|item| Ok(Input::Bytes(item.bytes()?)))
            .collect()
    }
}

impl Item {
    fn bytes(&self) -> Result<Vec<u8>, HostError> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Code(code) if (0.0..=255.0).contains(code) && code.fract() == 0.0 => {
                // A code beyond ASCII is the character of that number.
                Ok(char::from(*code as u8).to_string().into_bytes())
            }
            Self::Code(code) => Err(HostError::InvalidParameters(format!(
                "Invalid ASCII code: {code}. Must be between 0 and 255."
            ))),
            Self::Key { key } => key_bytes(key).ok_or_else(|| {
                HostError::InvalidParameters(format!(
                    "Unknown key: {key}. Available keys: {AVAILABLE}"
                ))
            }),
        }
    }
}

fn key_bytes(name: &str) -> Option<Vec<u8>> {
    match name.trim().to_ascii_lowercase().as_str() {
        "backspace" => Some(b"\x08".to_vec()),
        "delete" => Some(b"\x7f".to_vec()),
        name => Key::parse(name).ok().map(|key| key.encode(false)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn typed(input: Value) -> Result<String, String> {
        let sequence: Sequence = serde_json::from_value(input).expect("a sequence");
        let mut bytes = Vec::new();
        for part in sequence.into_input().map_err(|error| error.to_string())? {
            match part {
                Input::Bytes(more) => bytes.extend(more),
                other => panic!("{other:?}"),
            }
        }
        Ok(String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn keys_have_this_familys_bytes() {
        for (name, expected) in [
            ("Enter", "\r"),
            ("backspace", "\x08"),
            ("delete", "\x7f"),
            ("up", "\x1b[A"),
            ("ctrl-c", "\x03"),
            ("f5", "\x1b[15~"),
            ("alt-backspace", "\x1b\x7f"),
            ("alt-shift-x", "\x1bX"),
            ("alt-pageup", "\x1b[5;3~"),
        ] {
            assert_eq!(typed(json!([{ "key": name }])).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn text_codes_and_keys_mix() {
        let typed = typed(json!(["ls", 32, "-la", 169, { "key": "enter" }]));
        assert_eq!(typed.as_deref(), Ok("ls -la©\r"));
    }

    #[test]
    fn mistakes_are_told_in_the_words_that_clients_match() {
        assert_eq!(typed(json!([])).unwrap_err(), "Empty sequence provided");
        assert_eq!(
            typed(json!(256)).unwrap_err(),
            "Invalid ASCII code: 256. Must be between 0 and 255."
        );
        let unknown = typed(json!({ "key": "hyper" })).unwrap_err();
        assert!(unknown.starts_with("Unknown key: hyper. Available keys: tab, "));
    }
}
