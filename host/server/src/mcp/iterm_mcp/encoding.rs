//! How clients say that a command is to travel encoded.

use quarterdeck_core::HostError;
use quarterdeck_core::orchestration::Encoding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// true, false or "auto"
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Word", into = "Word")]
#[schemars(with = "Word")]
pub(super) struct UseEncoding(Encoding);

/// true, false or "auto"
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "true, false or \"auto\" is expected")]
enum Word {
    Yes(bool),
    Word(String),
}

impl Default for UseEncoding {
    fn default() -> Self {
        Self(Encoding::Never)
    }
}

impl TryFrom<Word> for UseEncoding {
    type Error = String;

    fn try_from(word: Word) -> Result<Self, String> {
        match word {
            Word::Yes(false) => Ok(Self(Encoding::Never)),
            Word::Yes(true) => Ok(Self(Encoding::Always)),
            Word::Word(word) => encoding_named(&word)
                .map(Self)
                .map_err(|error| error.to_string()),
        }
    }
}

impl From<UseEncoding> for Word {
    fn from(UseEncoding(encoding): UseEncoding) -> Self {
        match encoding {
            Encoding::Never => Self::Yes(false),
            Encoding::Always => Self::Yes(true),
            Encoding::Auto => Self::Word("auto".to_owned()),
        }
    }
}

impl From<UseEncoding> for Encoding {
    fn from(UseEncoding(encoding): UseEncoding) -> Self {
        encoding
    }
}

/// The same as one word, which gRPC's clients give; an empty one is none.
pub(crate) fn encoding_named(word: &str) -> Result<Encoding, HostError> {
    match word.to_lowercase().as_str() {
        "" | "false" | "none" | "never" => Ok(Encoding::Never),
        "true" | "base64" | "always" => Ok(Encoding::Always),
        "auto" => Ok(Encoding::Auto),
        _ => Err(HostError::InvalidParameters(format!(
            "use_encoding is true, false or \"auto\", not {word:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn encoding_is_a_truth_or_a_word() {
        let read = |value| {
            let read = serde_json::from_value::<UseEncoding>(value).ok();
            read.map(Encoding::from)
        };
        for (value, expected) in [
            (json!(true), Some(Encoding::Always)),
            (json!(false), Some(Encoding::Never)),
            (json!("auto"), Some(Encoding::Auto)),
            (json!("base64"), Some(Encoding::Always)),
            (json!("rot13"), None),
        ] {
            assert_eq!(read(value.clone()), expected, "{value}");
        }
        for encoding in [Encoding::Never, Encoding::Auto, Encoding::Always] {
            let written = serde_json::to_value(UseEncoding(encoding)).expect("a value");
            assert_eq!(read(written), Some(encoding));
        }
    }
}
