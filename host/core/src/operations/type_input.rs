//! Typing text and keys.

use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Input, Typed};
use crate::host::Host;

/// More at once is a mistake, or a file that should be written by a command.
const LONGEST_INPUT: usize = 1024 * 1024;

impl Host {
    /// Types into a session, through the gate.
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
        self.session_is_active(&session.id);
        self.gate.type_input(&session, input, caller).await
    }
}
