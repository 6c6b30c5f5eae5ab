//! The session that a caller has without asking for one.
//!
//! It is opened by the first command, and what it prints is told once.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::Until;

use super::read::read_text;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::Input;
use crate::host::Host;
use crate::session::Session;
use crate::text::inert;

/// How much new output is told at once; the rest the next time.
const MAX_OUTPUT: usize = 64 * 1024;

/// How long the prompt after a command may take to be counted to it.
const PROMPT_PATIENCE: Duration = Duration::from_millis(250);

/// What the caller's own session has printed.
#[derive(Clone, Debug)]
pub struct OwnOutput {
    /// Its text.
    pub text: String,
    /// Whether there is more than is told at once: it comes as news.
    pub more: bool,
    /// What ran there already, and got the command as a line of input.
    pub read_by: Option<String>,
}

/// The caller's own session at one moment.
#[derive(Clone, Debug)]
pub struct OwnSessionState {
    /// The screen as text.
    pub screen: String,
    /// Whether its shell lives.
    pub alive: bool,
}

impl Host {
    /// Gives the caller's own session a command and returns what it printed
    /// within `duration`. While a program runs there, the program gets it as a
    /// line of input.
    pub async fn run_in_own_session(
        &self,
        command: &str,
        duration: Duration,
        caller: &Caller,
    ) -> Result<OwnOutput, HostError> {
        let session = self.session_or_default(None, caller).await?;
        let turn = session.run_turn.lock().await;
        // The time that judging takes is not the command's.
        let ran = self
            .run_at_prompt(&session, command, || duration, MAX_OUTPUT, caller)
            .await;
        drop(turn);
        match ran {
            Ok(outcome) => {
                session.seen.tell_after(outcome.cursor);
                if !outcome.timed_out && !outcome.truncated {
                    self.skip_prompt(&session).await;
                }
                Ok(OwnOutput {
                    text: outcome.output,
                    more: outcome.truncated,
                    read_by: None,
                })
            }
            Err(error @ (HostError::SessionBusy { .. } | HostError::LineNotEmpty { .. })) => {
                let line = Input::Text(format!("{command}\n"));
                self.gate.type_input(&session, &[line], caller).await?;
                // The prompt means that the program has ended; nothing else tells
                // that it has answered.
                session.terminal.wait(Until::Prompt, None, duration).await;
                let new = tell_new(&session).await;
                Ok(OwnOutput {
                    read_by: match error {
                        HostError::SessionBusy { command, .. } => Some(command),
                        _ => None,
                    },
                    ..new
                })
            }
            Err(error) => Err(error),
        }
    }

    /// What the caller's own session shows; `None` before its first command.
    pub async fn own_session_state(&self, caller: &Caller) -> Option<OwnSessionState> {
        let session = self.own_session(caller).await?;
        let screen = session.terminal.screen().await.text();
        Some(OwnSessionState {
            screen: inert(screen.trim_end_matches([' ', '\n'])),
            alive: !session.terminal.status().await.has_ended(),
        })
    }

    /// What the caller's own session has printed and nobody was told yet;
    /// `None` before its first command.
    pub async fn own_session_news(&self, caller: &Caller) -> Option<OwnOutput> {
        let session = self.own_session(caller).await?;
        Some(tell_new(&session).await)
    }

    async fn own_session(&self, caller: &Caller) -> Option<Arc<Session>> {
        let id = self.defaults.of(&caller.connection)?;
        self.registry.get(id.as_str()).ok()
    }

    /// The prompt that follows a command is no news.
    async fn skip_prompt(&self, session: &Session) {
        let prompt = session
            .terminal
            .wait(Until::Prompt, None, PROMPT_PATIENCE)
            .await;
        if prompt.met {
            session
                .seen
                .tell_after(session.terminal.status().await.cursor);
        }
    }
}

async fn tell_new(session: &Session) -> OwnOutput {
    let new = read_text(session, session.seen.told(), None, MAX_OUTPUT).await;
    session.seen.tell_after(new.cursor);
    OwnOutput {
        text: new.text,
        more: new.more,
        read_by: None,
    }
}
