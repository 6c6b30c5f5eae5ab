//! How a session ends: by itself, or by being closed.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Session;
use crate::ancestry::Leaders;
use crate::keyboard::CommandState;
use crate::outbox::WriteError;
use crate::process;

/// After the program's end, what it wrote may still be on its way.
const DRAIN_PATIENCE: Duration = Duration::from_millis(200);

/// From asking a session's processes to end to killing them.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// From the first kill to giving up on processes that cannot be killed.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// When the processes of a session are counted again for the first time while it is
/// closed. Each time after takes twice as long, up to the longest: counting looks at
/// every process of the machine.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How the program has ended.
pub(super) struct Exit {
    /// `None` where nobody can tell.
    pub(super) status: Option<ExitStatus>,
    /// Until then its last output is waited for.
    pub(super) drain_until: Instant,
}

/// The session is being closed; these wait for it.
pub(super) struct Closing {
    pub(super) next_look: Instant,
    pause: Duration,
    kill_at: Instant,
    give_up_at: Instant,
    replies: Vec<oneshot::Sender<Option<ExitStatus>>>,
}

impl Session {
    pub(super) fn is_ended(&self) -> bool {
        self.exit.is_some() && self.drained
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_ended() && self.closing.is_none()
    }

    /// How the program has ended, once all of its output is there; `None` also
    /// where nobody can tell.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        let exit = self.exit.as_ref().filter(|_| self.drained)?;
        exit.status
    }

    /// Why nothing can be typed any more.
    pub(super) fn closed(&self) -> WriteError {
        if self.lost.is_some() {
            WriteError::Lost
        } else {
            WriteError::Closed
        }
    }

    /// The program has ended; its last output may still be on its way.
    pub(super) fn exited(&mut self, status: io::Result<ExitStatus>) {
        Leaders::lock().remove(self.pid);
        self.resizes.clear();
        if let Err(error) = &status {
            tracing::warn!(pid = self.pid, %error, "nobody tells how the session's program ends");
            self.lost = Some(error.to_string());
        }
        self.exit = Some(Exit {
            status: status.ok(),
            drain_until: Instant::now() + DRAIN_PATIENCE,
        });
        if self.drained {
            self.on_ended();
        }
        self.look_again();
    }

    /// Nothing more comes from the device.
    pub(super) fn drained(&mut self) {
        if !std::mem::replace(&mut self.drained, true) {
            if self.exit.is_some() {
                self.on_ended();
            }
            self.look_again();
        }
    }

    /// Something that closing waits for may have come.
    fn look_again(&mut self) {
        if let Some(closing) = &mut self.closing {
            closing.next_look = Instant::now();
        }
    }

    fn on_ended(&mut self) {
        self.backend.release();
        self.followers.end();
        self.recorders.end();
        self.scripts = None;
        self.integration_deadline = None;
        self.outbox.close(self.closed());
        self.refuse_questions();
        let start = self.prompt.run_output_start();
        self.prompt.give_up_run();
        if let (Some(run), Some(start)) = (self.run.take(), start) {
            run.send_replace(CommandState::SessionEnded {
                exit: self.exit_status(),
                output: start..self.transcript.end().max(start),
            });
        }
        self.check_waits();
        self.tell_change();
    }

    pub(super) fn close(&mut self, reply: Option<oneshot::Sender<Option<ExitStatus>>>) {
        let now = Instant::now();
        let backend = &mut self.backend;
        let closing = self.closing.get_or_insert_with(|| {
            if !backend.close() {
                process::signal_session(self.pid, Signal::HUP);
            }
            Closing {
                next_look: now,
                pause: FIRST_PAUSE,
                kill_at: now + CLOSE_GRACE,
                give_up_at: now + CLOSE_GRACE + KILL_PATIENCE,
                replies: Vec::new(),
            }
        });
        closing.replies.extend(reply);
        self.go_on_closing(now);
    }

    /// Looks whether everybody has ended, and kills those who take too long.
    pub(super) fn go_on_closing(&mut self, now: Instant) {
        let leader_ended = self.exit.is_some();
        let Some(closing) = &mut self.closing else {
            return;
        };
        closing.next_look = now + closing.pause;
        if leader_ended {
            closing.pause = (closing.pause * 2).min(LONGEST_PAUSE);
        }
        let over = now >= closing.give_up_at;
        if !over {
            if !leader_ended && now < closing.kill_at {
                return;
            }
            let left = if now >= closing.kill_at {
                process::signal_session(self.pid, Signal::KILL)
            } else {
                process::session_members(self.pid).len()
            };
            if left > 0 || !leader_ended {
                return;
            }
        }
        if !self.is_ended() {
            if !over && !self.drained {
                return;
            }
            self.drained();
        }
        let replies = self.closing.take().map(|closing| closing.replies);
        for reply in replies.into_iter().flatten() {
            let _ = reply.send(self.exit_status());
        }
    }
}
