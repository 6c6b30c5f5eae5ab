//! `send_control_character`, `send_special_key`.

use std::sync::Arc;

use quarterdeck_core::gate::Input;
use quarterdeck_core::keys::Key;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::sessions::OneSession;
use super::{JsonText, answer, speaking_as};

pub(super) struct SendControlCharacter;

#[derive(Deserialize, JsonSchema)]
pub(super) struct ControlArguments {
    /// The character that is pressed with Control: "c" for Ctrl-C
    control_char: String,
    #[serde(flatten)]
    session: OneSession,
    /// The agent on whose behalf you press it
    #[serde(default)]
    requesting_agent: Option<String>,
}

impl ForeignTool for SendControlCharacter {
    const NAME: &'static str = "send_control_character";
    const DESCRIPTION: &'static str = "Press a character with Control in one or more sessions.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = ControlArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: ControlArguments) -> Outcome {
        let agent = arguments.requesting_agent.as_deref();
        let caller = speaking_as(&host, caller, agent, Self::NAME)?;
        let byte = control(&arguments.control_char)?;
        let mut results = Vec::new();
        let meant = host.sessions_meant(&arguments.session.target(&host)?, &caller)?;
        let single = meant.len() == 1;
        for (id, name) in meant {
            let sent = host
                .type_input(id.as_str(), &[Input::Bytes(vec![byte])], &caller)
                .await;
            let error = match sent {
                Ok(_) => None,
                Err(error) if single => return Err(error),
                Err(error) => Some(error.to_string()),
            };
            results.push(json!({
                "session_id": id,
                "session_name": name,
                "success": error.is_none(),
                "error": error,
            }));
        }
        answer(&json!({ "control_char": arguments.control_char, "results": results }))
    }
}

/// The byte of a character with Control (ECMA-48, 5.2: the columns 4 and 5 of ASCII).
pub(crate) fn control(name: &str) -> Result<u8, HostError> {
    let lower = name.trim().to_lowercase();
    let bare = (["ctrl-", "ctrl+", "c-", "^"].iter())
        .find_map(|prefix| lower.strip_prefix(prefix).filter(|rest| !rest.is_empty()))
        .unwrap_or(&lower);
    let mut characters = bare.chars();
    match (characters.next(), characters.next()) {
        (Some('?'), None) => Ok(0x7f),
        (Some(c), None) if matches!(c.to_ascii_uppercase(), '@'..='_') => {
            Ok(c.to_ascii_uppercase() as u8 & 0x1f)
        }
        _ => Err(HostError::InvalidParameters(format!(
            "control_char {name:?} is not one of a to z, @, [, \\, ], ^, _ and ?"
        ))),
    }
}

pub(super) struct SendSpecialKey;

#[derive(Deserialize, JsonSchema)]
pub(super) struct KeyArguments {
    /// enter, tab, escape, backspace, delete, space, up, down, left, right, home, end, pageup, pagedown, f1 to f12; ctrl-, alt- and shift- may stand before it
    key: String,
    #[serde(flatten)]
    session: OneSession,
    /// The agent on whose behalf you press it
    #[serde(default)]
    requesting_agent: Option<String>,
}

impl ForeignTool for SendSpecialKey {
    const NAME: &'static str = "send_special_key";
    const DESCRIPTION: &'static str = "Press a special key in a session. What Enter submits is judged by safety policies before it runs.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = KeyArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: KeyArguments) -> Outcome {
        let agent = arguments.requesting_agent.as_deref();
        let caller = speaking_as(&host, caller, agent, Self::NAME)?;
        let name = arguments.key.replace('_', "");
        let key = Key::parse(&name).map_err(|_| {
            HostError::InvalidParameters(
                quarterdeck_core::keys::UnknownKey {
                    name: arguments.key.clone(),
                }
                .to_string(),
            )
        })?;
        let id = host.one_session(&arguments.session.target(&host)?, &caller)?;
        host.type_input(id.as_str(), &[Input::Key(key)], &caller)
            .await?;
        answer(&json!({ "session_id": id, "key": arguments.key, "sent": true }))
    }
}

#[cfg(test)]
mod tests {
    use super::control;

    #[test]
    fn control_characters_are_ascii_s_own() {
        for (name, byte) in [
            ("c", 3),
            ("C", 3),
            ("ctrl-c", 3),
            ("^D", 4),
            ("C-z", 26),
            ("[", 27),
            ("\\", 28),
            ("@", 0),
            ("?", 127),
            ("^", 30),
        ] {
            assert_eq!(control(name).expect(name), byte, "{name}");
        }
        for name in ["", "cc", "é", "1", "ctrl-"] {
            assert!(control(name).is_err(), "{name}");
        }
    }
}
