//! Programs that become sessions of their own: judged before there is a session
//! to judge them in.

use quarterdeck_policy::{PromptState, SessionFacts};

use super::asked::Asked;
use super::verdict::{Decision, VerdictReport};
use super::{Gate, Mode};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::SessionId;

impl Gate {
    /// Judges the command line that opening a session amounts to. A person's yes
    /// to it is good for one session.
    pub(crate) async fn pass_opening(
        &self,
        command: &str,
        name: &str,
        caller: &Caller,
    ) -> Result<VerdictReport, HostError> {
        let facts = SessionFacts {
            id: String::new(),
            name: name.to_owned(),
            backend: "none".to_owned(),
            cwd: None,
            program: None,
            prompt: PromptState::AtPrompt,
            full_screen: false,
            tags: Vec::new(),
            role: None,
            team: None,
            attributes: Vec::new(),
        };
        let asked = Asked::outside(caller, command, facts);
        if self.settings.mode == Mode::Off {
            let decision = Decision::LetThrough { mode: Mode::Off };
            self.keep_verdict(asked, caller, decision, None)?;
            return Ok(VerdictReport::gate_off());
        }
        let ruling = self.ask(&asked.request).await;
        let report = VerdictReport::new(&ruling.verdict, asked.request.certainty);
        let (decision, outcome) =
            self.decide(&SessionId::not_yet(), &asked.request, &ruling, report)?;
        self.keep_verdict(asked, caller, decision, Some(&ruling))?;
        outcome
    }
}
