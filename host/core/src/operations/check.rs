//! A verdict without a session: `quarterdeck check`.

use quarterdeck_policy::{PromptState, SessionFacts};

use crate::caller::Caller;
use crate::gate::VerdictReport;
use crate::host::Host;

impl Host {
    /// What the approvers say to a command line typed at a shell in `cwd`.
    pub async fn check(&self, command: &str, cwd: Option<String>, caller: &Caller) -> VerdictReport {
        let facts = SessionFacts {
            id: String::new(),
            name: "check".to_owned(),
            backend: "none".to_owned(),
            cwd,
            program: None,
            prompt: PromptState::AtPrompt,
            full_screen: false,
            tags: Vec::new(),
            role: None,
            team: None,
            attributes: Vec::new(),
        };
        self.gate.check(caller, command, facts).await
    }
}
