//! Typing text and keys.

use quarterdeck_policy::TRACE_TARGET;
use quarterdeck_terminal::keys::Key;

use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Input, Typed};
use crate::host::Host;

/// More at once is a mistake, or a file that should be written by a command.
const LONGEST_INPUT: usize = 1024 * 1024;

impl Host {
    /// Types into a session, through the gate.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "session.type",
        skip_all,
        fields(
            otel.name = name_in_traces(input),
            session.id = %id,
            agent.name = caller.agent.as_deref(),
        )
    )]
    pub async fn type_input(
        &self,
        id: &str,
        input: &[Input],
        caller: &Caller,
    ) -> Result<Typed, HostError> {
        let length: usize = input
            .iter()
            .map(|part| match part {
                Input::Text(text) | Input::Paste(text) => text.len(),
                Input::Bytes(bytes) => bytes.len(),
                Input::Key(_) => 1,
            })
            .sum();
        if length == 0 {
            return Err(HostError::InvalidParameters(
                "input is empty: give text, {\"key\": …} or {\"paste\": …}".to_owned(),
            ));
        }
        if length > LONGEST_INPUT {
            return Err(HostError::InvalidParameters(format!(
                "input has {length} bytes, more than the {LONGEST_INPUT} that are typed at once; write a file by a command instead"
            )));
        }
        let session = self.registry.get(id)?;
        self.session_is_active(&session);
        self.gate.type_input(&session, input, caller).await
    }
}

/// What typing this is called in traces: as in those of iterm-mcp.
fn name_in_traces(input: &[Input]) -> &'static str {
    match input {
        [Input::Bytes(bytes)] if matches!(bytes[..], [0..=0x1f]) => {
            "session.send_control_character"
        }
        [Input::Key(_)] => "session.send_special_key",
        [.., Input::Key(key)] if *key == Key::ENTER => "session.execute_command",
        [.., Input::Text(text)] if text.ends_with(['\n', '\r']) => "session.execute_command",
        _ => "session.send_text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_tell_keys_from_text() {
        let key = Key::parse("up").expect("a key");
        for (input, name) in [
            (Input::Text("ls".to_owned()), "session.send_text"),
            (Input::Text("ls\n".to_owned()), "session.execute_command"),
            (Input::Paste("ls".to_owned()), "session.send_text"),
            (Input::Key(key), "session.send_special_key"),
            (Input::Bytes(vec![3]), "session.send_control_character"),
            (Input::Bytes(b"ls".to_vec()), "session.send_text"),
        ] {
            assert_eq!(name_in_traces(&[input]), name);
        }
    }
}
