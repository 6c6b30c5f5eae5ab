//! Bringing a session back to its prompt.

use std::time::Duration;

use quarterdeck_terminal::{ForegroundSignal, ShellState, Until};

use super::run::RunOutcome;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::Input;
use crate::host::Host;
use crate::session::Session;

/// Ctrl-C twice, then Ctrl-\, which fewer programs catch.
const INTERRUPTS: [u8; 3] = [0x03, 0x03, 0x1c];

/// How long each of them may take to bring the prompt.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a program may have left behind: modes of the terminal device and of the
/// screen.
const CLEAN_UP: &str = r"stty sane; printf '\033c'";

impl Host {
    /// Ends what runs in a session, and has the shell put the terminal in order.
    /// Folder and variables stay as they are.
    pub async fn reset_session(&self, id: &str, caller: &Caller) -> Result<RunOutcome, HostError> {
        let session = self.registry.get(id)?;
        self.end_what_runs(&session, caller).await?;
        let _turn = session.run_turn.lock().await;
        self.run_at_prompt(&session, CLEAN_UP, || PATIENCE, 0, caller)
            .await
    }

    async fn end_what_runs(&self, session: &Session, caller: &Caller) -> Result<(), HostError> {
        for key in INTERRUPTS {
            if self.brings_the_prompt(session, key, caller).await? {
                return Ok(());
            }
        }
        // Nothing is left but what no program can catch. Where nothing runs, it is
        // the shell that does not answer, and the clean-up will say so.
        if session
            .terminal
            .signal_foreground(ForegroundSignal::Kill)
            .await
            .is_ok()
        {
            // Keys that the program did not read may be on the shell's line now.
            session.terminal.wait(Until::Prompt, None, PATIENCE).await;
            // A shell that is just taking those keys may lose one.
            for _ in INTERRUPTS {
                if self
                    .brings_the_prompt(session, INTERRUPTS[0], caller)
                    .await?
                {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Presses a key; says whether the shell waits with an empty line then.
    async fn brings_the_prompt(
        &self,
        session: &Session,
        key: u8,
        caller: &Caller,
    ) -> Result<bool, HostError> {
        let input = [Input::Bytes(vec![key])];
        self.gate.type_input(session, &input, caller).await?;
        // What the key brings may take a moment to show.
        session
            .terminal
            .wait(Until::Quiet(PATIENCE / 20), None, PATIENCE)
            .await;
        if session.terminal.status().await.integrated {
            session.terminal.wait(Until::Prompt, None, PATIENCE).await;
        }
        let status = session.terminal.status().await;
        Ok(match status.shell {
            ShellState::AtPrompt { line_dirty } => !line_dirty,
            _ => !status.integrated && !status.is_running(),
        })
    }
}
