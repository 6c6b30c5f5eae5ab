//! The tools of the Terminal Session server, as its clients know them.
//!
//! Every answer is one object with `success` (or `status`), as structured
//! content and as JSON text. A call that was not carried out has `success:
//! false` and says why in `error`, in that server's words where it had some;
//! what the gate has to say about a command is in `error` too.

mod auto;
mod close_session;
mod create_session;
mod execute_command;
mod expect;
mod list_sessions;
mod send;
mod ssh_connect;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quarterdeck_core::HostError;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde_json::{Value, json};

use super::tool::{Dialect, Outcome, Toolbox};

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with_foreign::<create_session::CreateSession>()
                .with_foreign::<execute_command::ExecuteCommand>()
                .with_foreign::<ssh_connect::SshConnect>()
                .with_foreign::<expect::Expect>()
                .with_foreign::<send::Send>()
                .with_foreign::<close_session::CloseSession>()
                .with_foreign::<list_sessions::ListSessions>()
                .with_foreign::<auto::AutoCommand>()
                .with_foreign::<auto::GetState>()
                .with_foreign::<auto::GetIncremental>(),
        )
    }))
}

/// One object for every answer.
struct OneObject;

impl Dialect for OneObject {
    /// Some clients put all arguments under the key `params`.
    fn arguments(mut arguments: JsonObject, _: &JsonObject) -> Result<JsonObject, HostError> {
        if let Some(Value::Object(params)) = arguments.remove("params") {
            for (name, value) in params {
                arguments.entry(name).or_insert(value);
            }
        }
        Ok(arguments)
    }

    fn failure(error: &HostError) -> CallToolResult {
        let text = match error {
            HostError::SessionNotFound(id) => format!("Session {id} not found"),
            HostError::SessionEnded { .. } => "Session terminated".to_owned(),
            HostError::SessionBusy {
                session, command, ..
            } => format!(
                "Session {session} still runs {command}; wait for its output with terminal_expect_tool, or interrupt it by sending \"\\u0003\" with terminal_send_tool, which also gives commands to a shell within the shell"
            ),
            HostError::LineNotEmpty { session, .. } => format!(
                "Something stands on the command line of session {session} already; drop it by sending \"\\u0003\" with terminal_send_tool"
            ),
            other => other.to_string(),
        };
        let mut answer = json!({ "success": false, "error": text });
        let details = match error {
            HostError::Refused(refusal) => serde_json::to_value(refusal),
            HostError::ConfirmationRequired(pending) => serde_json::to_value(pending),
            _ => Ok(Value::Null),
        };
        if let Ok(details @ Value::Object(_)) = details {
            answer["code"] = error.code().as_str().into();
            answer["details"] = details;
        }
        let mut result = CallToolResult::error(vec![ContentBlock::text(answer.to_string())]);
        result.structured_content = Some(answer);
        result
    }
}

/// An answer, also one that tells of something that did not work out in the
/// session: that is no error of the call.
fn answer(answer: Value) -> Outcome {
    let mut result = CallToolResult::success(vec![ContentBlock::text(answer.to_string())]);
    result.structured_content = Some(answer);
    Ok(result)
}

/// An argument that has to be there, told in the words that clients match.
fn required(argument: Option<String>, name: &str) -> Result<String, HostError> {
    argument
        .filter(|value| !value.is_empty())
        .ok_or_else(|| HostError::InvalidParameters(format!("{name} is required")))
}

/// Seconds as clients give them.
fn seconds(seconds: f64) -> Result<Duration, HostError> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        HostError::InvalidParameters(format!("{seconds} is no number of seconds to wait"))
    })
}

#[cfg(test)]
mod tests {
    use quarterdeck_core::HostError;
    use serde_json::{Value, json};

    use super::super::tool::Dialect;
    use super::{OneObject, toolbox};

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }

    #[test]
    fn arguments_may_come_under_params() {
        let Value::Object(given) = json!({ "params": { "shell": "/bin/sh" }, "other": 1 }) else {
            unreachable!("an object")
        };
        let arguments =
            Value::Object(OneObject::arguments(given, &serde_json::Map::new()).expect("arguments"));
        assert_eq!(arguments, json!({ "shell": "/bin/sh", "other": 1 }));
    }

    #[test]
    fn an_error_is_an_object_with_the_words_that_clients_match() {
        let failure = OneObject::failure(&HostError::SessionNotFound("abcd1234".to_owned()));
        let expected = json!({ "success": false, "error": "Session abcd1234 not found" });
        assert_eq!(failure.structured_content, Some(expected.clone()));
        let text = failure.content[0].as_text().expect("text");
        assert_eq!(
            serde_json::from_str::<Value>(&text.text).ok(),
            Some(expected)
        );
    }
}
