//! Sessions that the queue opens for tasks, and closes.

use tokio::time::Instant;

use super::kept::Terms;
use super::queue::{Back, Queue};
use super::rounds::TRY_AGAIN_AFTER;
use super::workers::{OPENED_UNASKED, tags_when_opened};
use crate::operations::CreateSession;
use crate::tasks::task::Lane;
use crate::tasks::worker::opened::agent_is_ready;

impl Queue {
    /// Opens sessions where there are too few workers and more were allowed.
    pub(super) fn open_workers(
        &mut self,
        submission: u64,
        terms: &Terms,
        lane: Lane,
        nobody: bool,
        short: u32,
    ) {
        if !terms.workers.sessions.is_empty()
            || self.look_again.is_some_and(|at| at > Instant::now())
        {
            return;
        }
        let allowed = match (terms.workers.open_up_to, nobody) {
            (Some(allowed), _) => allowed,
            (None, true) if lane == Lane::Program || terms.workers.tags.is_empty() => {
                OPENED_UNASKED
            }
            (None, _) => 0,
        };
        let opening = allowed
            .saturating_sub(self.workers.opened_for(submission))
            .min(short);
        for _ in 0..opening {
            let Ok(host) = self.host() else {
                return;
            };
            let (tags, caller) = (tags_when_opened(&terms.workers), terms.caller.clone());
            let command = terms.workers.agent_command.clone();
            let command = command.filter(|_| lane == Lane::Program);
            self.workers.opens(submission);
            let failed = Back::Opened {
                submission,
                opened: Err("a session for tasks could not be opened: the log tells why".to_owned()),
            };
            self.beside.spawn(failed, async move {
                let request = CreateSession {
                    name: Some("task worker".to_owned()),
                    tags,
                    command,
                    ..CreateSession::default()
                };
                let opened = host.create_session(request, &caller).await;
                if let (Ok(session), Lane::Program) = (&opened, lane) {
                    agent_is_ready(&host, &session.id).await;
                }
                Back::Opened {
                    submission,
                    opened: opened
                        .map(|it| it.id.to_string())
                        .map_err(|error| error.to_string()),
                }
            });
        }
    }

    /// A session was opened for a submission, or could not be.
    pub(super) fn was_opened(&mut self, submission: u64, opened: Result<String, String>) {
        self.workers.opened(submission, opened.as_deref().ok());
        self.round_due = true;
        if let Err(error) = opened {
            tracing::warn!(%error, "cannot open a session for tasks");
            self.look_again_in(TRY_AGAIN_AFTER);
            self.workers.cannot_open(error);
        }
        if self.open.is_empty() {
            self.idle_since = Some(Instant::now());
        }
    }

    /// Closes a session that the queue has opened.
    pub(super) async fn close(&mut self, session: &str) {
        self.workers.forget(session);
        if let Ok(host) = self.host() {
            // It may have been closed by somebody else.
            let _ = host.end_session(session).await;
        }
    }
}
