//! Programs that become sessions of their own: judged before there is a session
//! to judge them in.

use quarterdeck_policy::{Certainty, Entry, PromptState, ReviewRequest, SessionFacts, Tier};

use super::judge::{Line, caller_facts};
use super::verdict::{Decision, Refusal, VerdictReport};
use super::{Gate, Mode};
use crate::caller::Caller;
use crate::clock::now_ms;
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
        let session = SessionId::not_yet();
        let line = Line {
            text: command.to_owned(),
            entry: Entry::Command,
            certainty: Certainty::Exact,
        };
        if self.settings.mode == Mode::Off {
            let decision = Decision::LetThrough { mode: Mode::Off };
            self.keep_verdict(None, caller, &line, &decision, None)?;
            return Ok(VerdictReport::gate_off());
        }
        let request = ReviewRequest {
            command_line: command.to_owned(),
            entry: line.entry,
            certainty: line.certainty,
            session: SessionFacts {
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
            },
            caller: caller_facts(caller),
            recent: Vec::new(),
            time_ms: now_ms(),
            attributes: Vec::new(),
        };
        let ruling = self.policies.approvers().await.review(&request).await;
        let report = VerdictReport::new(&ruling.verdict, line.certainty);
        let (decision, outcome) = match report.tier {
            Tier::Safe => (Decision::Allowed, Ok(report)),
            _ if self.settings.mode == Mode::Warn => {
                (Decision::LetThrough { mode: Mode::Warn }, Ok(report))
            }
            Tier::Review => match self.confirmations.redeem(&session, command) {
                Some(by) => (Decision::Confirmed { by }, Ok(report)),
                None => {
                    let pending = self.confirmations.request(&session, command, report);
                    let confirmation = pending.confirmation_id.clone();
                    (
                        Decision::ConfirmationRequired { confirmation },
                        Err(HostError::ConfirmationRequired(Box::new(pending))),
                    )
                }
            },
            Tier::Dangerous => {
                let refusal = Refusal {
                    command: command.to_owned(),
                    session_id: session,
                    verdict: report,
                };
                (
                    Decision::Refused,
                    Err(HostError::Refused(Box::new(refusal))),
                )
            }
        };
        self.keep_verdict(None, caller, &line, &decision, Some(&ruling))?;
        outcome
    }
}
