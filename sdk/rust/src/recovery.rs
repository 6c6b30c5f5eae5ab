//! What is done about a broken session: kind `recovery`.

use serde::de::DeserializeOwned;

pub use crate::bindings::recovery::exports::quarterdeck::policy::recover::{
    Action, Cause, Decision, Incident,
};
pub use crate::types::Session;

/// Decides what is done about a session with which something went wrong.
pub trait Recovery: Sized + Send + Sync + 'static {
    /// What the sidecar's `[config]` holds; [`NoConfig`](crate::NoConfig) for
    /// nothing.
    type Config: DeserializeOwned;

    /// Called once, on loading.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, in a sentence for the person who
    /// wrote the sidecar. The policy is then not loaded.
    fn configure(config: Self::Config) -> Result<Self, String>;

    /// Chooses the next step. Called again after each step that did not mend
    /// it, with `attempts` one higher.
    fn decide(&self, incident: &Incident) -> Decision;
}

impl Decision {
    /// Takes this step at once.
    #[must_use]
    pub fn new(action: Action, reason: impl Into<String>) -> Self {
        Self {
            action,
            reason: reason.into(),
            delay_ms: 0,
        }
    }

    /// Waits before the step.
    #[must_use]
    pub fn after_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }
}

impl Incident {
    /// An incident for tests: just noticed, nothing tried yet, at most three
    /// attempts, no backups, an empty screen.
    #[must_use]
    pub fn for_test(cause: Cause) -> Self {
        Self {
            id: "test".to_owned(),
            cause,
            session: Session::for_test("test"),
            detail: String::new(),
            exit_status: None,
            screen: Vec::new(),
            attempts: 0,
            max_attempts: 3,
            age_ms: 0,
            backups: Vec::new(),
            attributes: Vec::new(),
        }
    }
}
