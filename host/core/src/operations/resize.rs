//! Changing a session's size.

use quarterdeck_terminal::{ResizeError, Size};

use crate::error::HostError;
use crate::host::Host;

impl Host {
    /// Gives a session another size; programs in it are told. Returns the one that it has
    /// got, which its carrier decides.
    pub async fn resize_session(
        &self,
        id: &str,
        columns: u16,
        rows: u16,
    ) -> Result<Size, HostError> {
        let session = self.registry.get(id)?;
        let size = Size::new(columns, rows)
            .map_err(|error| HostError::InvalidParameters(error.to_string()))?;
        session
            .terminal
            .resize(size)
            .await
            .map_err(|error| match error {
                ResizeError::Closed => HostError::SessionEnded {
                    session: session.id.clone(),
                    how: "so that it has no size to change".to_owned(),
                },
                ResizeError::Unanswered => HostError::Internal(format!(
                    "session {}: {error}; look at it for the size that it has",
                    session.id
                )),
            })
    }
}
