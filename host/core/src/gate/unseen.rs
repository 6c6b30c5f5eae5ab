//! Secrets: typed at a prompt that does not show them, kept nowhere.

use serde_json::json;

use super::Gate;
use crate::audit::EntryKind;
use crate::caller::Caller;
use crate::error::HostError;
use crate::secret::Secret;
use crate::session::Session;

impl Gate {
    /// Types a secret and Enter, if the terminal does not show what is typed.
    /// The audit log says that it was typed and what for, not what it is.
    pub(crate) async fn type_secret(
        &self,
        session: &Session,
        secret: &Secret,
        purpose: &str,
        caller: &Caller,
    ) -> Result<(), HostError> {
        let typist = session.door.typist.lock().await;
        self.agents.may_type(&session.id, caller)?;
        self.keep(
            EntryKind::Secret,
            &json!({ "session": session.id, "caller": caller, "purpose": purpose }),
        )?;
        session
            .door
            .input_begins(session.terminal.status().await.cursor);
        typist
            .keyboard
            .type_unseen(secret.expose())
            .await
            .map_err(|error| HostError::SessionEnded {
                session: session.id.clone(),
                how: error.to_string(),
            })
    }
}
