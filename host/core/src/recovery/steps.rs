//! The steps that mend a session, and the look at what came of them.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::{ForegroundSignal, Until};

use super::handing_over::HandedOver;
use super::mending::Turn;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Input, PAUSE_AFTER_INTERRUPT};
use crate::host::Host;
use crate::operations::CreateSession;
use crate::session::Session;
use crate::tasks::TaskId;

/// Ctrl-C, which interrupts the program in front.
const INTERRUPT: u8 = 0x03;

/// Ctrl-\, which ends it where an interrupt does not.
const QUIT: u8 = 0x1c;

/// A new shell may take so long to its first prompt.
const STARTING_PATIENCE: Duration = Duration::from_secs(10);

/// A program may take so long to end when it is told to, each time.
const ENDING_PATIENCE: Duration = Duration::from_secs(1);

/// What is typed after a Ctrl-C waits until that has had its effect.
const QUIT_PATIENCE: Duration = PAUSE_AFTER_INTERRUPT.saturating_add(ENDING_PATIENCE);

/// What was killed is gone, and its shell back, within this.
const KILLED_PATIENCE: Duration = Duration::from_secs(5);

/// A session that is well answers and comes to its prompt within this.
const WELLNESS_PATIENCE: Duration = Duration::from_secs(2);

/// A command of a recovery may run so long.
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);

impl Host {
    /// Opens the session's shell again in the same place, under the same name, and
    /// closes the old one. What belonged to that follows.
    pub(super) async fn restart(
        self: &Arc<Self>,
        broken: &Arc<Session>,
        turn: &mut Turn,
    ) -> Result<(Arc<Session>, HandedOver), String> {
        let reopening = broken.reopening.as_ref().ok_or(
            "what it was opened with cannot be started again: it was found, or needs a login",
        )?;
        let status = broken.terminal.status().await;
        let working_directory = status
            .cwd
            .filter(|folder| folder.is_dir())
            .or_else(|| reopening.working_directory.clone())
            .filter(|folder| folder.is_dir());
        let session = self
            .open(CreateSession {
                name: Some(broken.name.clone()),
                command: None,
                tags: broken.tags.list(),
                working_directory,
                columns: Some(status.size.columns()),
                rows: Some(status.size.rows()),
                ..(**reopening).clone()
            })
            .await
            .map_err(|error| error.to_string())?
            .keep();
        turn.covers(&session.id);
        let handed_over = match self.hand_over(broken, &session).await {
            Ok(handed_over) => handed_over,
            Err(error) => {
                self.session_ends(&session.id);
                session.terminal.close().await;
                return Err(error.to_string());
            }
        };
        self.session_ends(&broken.id);
        broken.terminal.close().await;
        session
            .terminal
            .wait(Until::Prompt, None, STARTING_PATIENCE)
            .await;
        Ok((session, handed_over))
    }

    /// Ends what runs, asking first and insisting in the end, so that the shell
    /// comes back to a clean prompt.
    pub(super) async fn reset(&self, session: &Session) -> Result<(), String> {
        let status = session.terminal.status().await;
        if let Some(how) = status.ending() {
            return Err(format!("there is no shell left to reset ({how})"));
        }
        let caller = Caller::recovery("reset");
        for (key, patience) in [(INTERRUPT, ENDING_PATIENCE), (QUIT, QUIT_PATIENCE)] {
            let input = [Input::Bytes(vec![key])];
            let typing = self.gate.type_input(session, &input, &caller);
            // Whoever types now and waits may be what has to be ended.
            let typed = tokio::time::timeout(patience, typing).await;
            if let Ok(Err(HostError::SessionEnded { how, .. })) = typed {
                return Err(format!("nothing can be typed into it ({how})"));
            }
            if comes_to_prompt(session, ENDING_PATIENCE).await {
                return Ok(());
            }
        }
        for (signal, patience) in [
            (ForegroundSignal::Terminate, ENDING_PATIENCE),
            (ForegroundSignal::Kill, KILLED_PATIENCE),
        ] {
            // What runs may have ended in between, which is what is wanted.
            let _ = session.terminal.signal_foreground(signal).await;
            // A stopped program does not hear the first one.
            let goes_on = ForegroundSignal::Continue;
            let _ = session.terminal.signal_foreground(goes_on).await;
            if comes_to_prompt(session, patience).await {
                return Ok(());
            }
        }
        Err("what runs does not end".to_owned())
    }

    /// Moves what belongs to a session to another one.
    pub(super) async fn fail_over(
        self: &Arc<Self>,
        broken: &Session,
        backup: &str,
    ) -> Result<(Arc<Session>, HandedOver), String> {
        let backup = self
            .registry
            .get(backup)
            .map_err(|error| error.to_string())?;
        let handed_over = self
            .hand_over(broken, &backup)
            .await
            .map_err(|error| error.to_string())?;
        self.events
            .publish(handed_over.as_event(&broken.id, &backup.id));
        Ok((backup, handed_over))
    }

    /// Runs a command that a recovery wants run; it passes the gate like any other.
    pub(super) async fn run_for_recovery(
        &self,
        session: &Session,
        command: &str,
        strategy: &str,
    ) -> Result<(), String> {
        let caller = Caller::recovery(strategy);
        let refused = |error: crate::HostError| error.to_string();
        let mut running = self
            .gate
            .run(session, command, &caller)
            .await
            .map_err(refused)?;
        self.gate
            .follow(session, &mut running, COMMAND_PATIENCE)
            .await
            .map_err(refused)?;
        Ok(())
    }
}

async fn comes_to_prompt(session: &Session, patience: Duration) -> bool {
    let waited = session.terminal.wait(Until::Prompt, None, patience).await;
    if waited.met {
        return true;
    }
    // Without marks, the shell is in front again.
    let status = session.terminal.status().await;
    !status.integrated && !status.has_ended() && !status.is_running()
}

/// Whether a session is as it should be: it answers, and its shell lives and waits, or
/// works: `tasks` that it was given begin there at once.
pub(super) async fn wellness(session: &Session, tasks: &[TaskId]) -> Result<(), String> {
    let looked = tokio::time::timeout(WELLNESS_PATIENCE, async {
        if tasks.is_empty() {
            session
                .terminal
                .wait(Until::Settled, None, WELLNESS_PATIENCE)
                .await;
        }
        session.terminal.status().await
    });
    let status = looked
        .await
        .map_err(|_| "the session does not answer".to_owned())?;
    if let Some(how) = status.ending() {
        return Err(format!("its shell has ended ({how})"));
    }
    if status.is_running() && tasks.is_empty() {
        return Err("something still runs in it".to_owned());
    }
    Ok(())
}
