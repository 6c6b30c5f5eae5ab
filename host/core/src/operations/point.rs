//! The mouse.

use quarterdeck_terminal::mouse::MouseReport;

use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Input, Typed};
use crate::host::Host;

impl Host {
    /// Tells the program in a session what the mouse does, in the form that it
    /// has asked for. Goes through the gate like every other input.
    pub async fn point(
        &self,
        id: &str,
        report: MouseReport,
        caller: &Caller,
    ) -> Result<Typed, HostError> {
        let session = self.registry.get(id)?;
        let screen = session.terminal.screen().await;
        let bytes = report.encode(screen.mouse).ok_or_else(|| {
            HostError::InvalidParameters(
                "the program reads the mouse in X10's form, which ends at column and row 222"
                    .to_owned(),
            )
        })?;
        let input = [Input::Bytes(bytes)];
        self.gate.type_input(&session, &input, caller).await
    }
}
