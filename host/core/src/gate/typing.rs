//! Text and keys: judged line by line, before and as they are typed.
//!
//! Two looks are taken. Before anything is typed, the whole input is played
//! through a model of the line, and every line that it would submit is judged:
//! a refusal then leaves the session untouched. While it is typed, at each
//! Enter, a shell with integration is asked what its line really holds, since
//! history, searches and completion may have made it another one; that line is
//! judged if it is not the one foreseen.

use std::time::Duration;

use quarterdeck_policy::{Certainty, Entry, TRACE_TARGET};
use quarterdeck_terminal::{Cursor, Status, Until};

use super::continuation::{Unfinished, waits_for_more};
use super::door::Typist;
use super::input::{Input, Piece, pieces, submissions};
use super::judge::Line;
use super::keystroke::{Keystroke, strokes};
use super::shell_line::{
    asks_the_shell, drop_refused_line, forget_lines_of_other_programs, look_at_the_line, shell_line,
};
use super::typed_line::{Effect, Submission};
use super::{Gate, VerdictReport};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

/// After an Enter at a prompt, the keys that follow in the same input wait for
/// the next prompt this long, so that short commands do not find them typed ahead.
const PAUSE_AFTER_ENTER: Duration = Duration::from_millis(250);

/// What comes of an earlier Enter is waited for this long.
const SETTLING_PATIENCE: Duration = Duration::from_secs(1);

/// The session once it is clear what the last Enter did, so that keys and
/// questions meant for a prompt do not reach the program that it has started.
pub(super) async fn settled_status(session: &Session) -> Status {
    let status = session.terminal.status().await;
    if status.settled {
        return status;
    }
    session
        .terminal
        .wait(Until::Settled, None, SETTLING_PATIENCE)
        .await;
    session.terminal.status().await
}

/// What typing came to.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Bytes typed.
    pub bytes: usize,
    /// The strictest verdict on the lines that were submitted; `None` when
    /// none was.
    pub verdict: Option<VerdictReport>,
    /// End of the transcript before the first key.
    pub cursor: Cursor,
}

impl Gate {
    /// Types `input`, as far as the policies let it through.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "gate.type",
        skip_all,
        fields(session = %session.id)
    )]
    pub(crate) async fn type_input(
        &self,
        session: &Session,
        input: &[Input],
        caller: &Caller,
    ) -> Result<Typed, HostError> {
        let mut typist = session.door.typist.lock().await;
        self.agents.may_type(&session.id, caller)?;
        let status = settled_status(session).await;
        if let Some(how) = status.ending() {
            return Err(HostError::SessionEnded {
                session: session.id.clone(),
                how,
            });
        }
        let pieces = pieces(input, &status);
        look_at_the_line(&mut typist, &status).await;
        let foreseen = self
            .judge_before_typing(session, &status, &mut typist, &pieces, caller)
            .await?;

        session.door.input_begins(status.cursor);
        let mut typing = Typing::new(self, session, caller, foreseen);
        for piece in &pieces {
            typing.piece(&mut typist, piece).await?;
        }
        Ok(Typed {
            bytes: typing.bytes,
            verdict: typing.verdict,
            cursor: status.cursor,
        })
    }

    /// Judges every line that the input would submit. A line whose content
    /// cannot be foreseen at a prompt is left to the look at its Enter.
    pub(super) async fn judge_before_typing(
        &self,
        session: &Session,
        status: &Status,
        typist: &mut Typist,
        pieces: &[Piece],
        caller: &Caller,
    ) -> Result<Vec<Foreseen>, HostError> {
        let asks_at_enter = asks_the_shell(status);
        let mut unfinished = typist.unfinished.clone();
        let mut foreseen = Vec::new();
        for (submission, entry) in submissions(&typist.line, pieces) {
            let first = foreseen.is_empty();
            let text = unfinished.joined_with(&submission.text);
            unfinished = Unfinished::after(&text, waits_for_more(&text));
            let left_for_its_enter = submission.uncertain && asks_at_enter && first;
            if left_for_its_enter || is_blank(&text, submission.uncertain) {
                foreseen.push(Foreseen {
                    text,
                    verdict: None,
                });
                continue;
            }
            let line = Line {
                text,
                entry,
                certainty: match submission.uncertain {
                    true => Certainty::Unknown,
                    false if asks_at_enter && first => Certainty::Exact,
                    false => Certainty::Typed,
                },
            };
            match self.pass(session, status, caller, &line).await {
                Ok(verdict) => foreseen.push(Foreseen {
                    text: line.text,
                    verdict: Some(verdict),
                }),
                Err(refusal) => {
                    if first {
                        drop_refused_line(typist, status, &refusal).await;
                    }
                    return Err(refusal);
                }
            }
        }
        Ok(foreseen)
    }
}

/// A line that the input was found to submit; `verdict` is `None` where it has
/// to be judged at its Enter.
pub(super) struct Foreseen {
    text: String,
    verdict: Option<VerdictReport>,
}

/// One input on its way.
pub(super) struct Typing<'a> {
    gate: &'a Gate,
    pub(super) session: &'a Session,
    caller: &'a Caller,
    foreseen: std::collections::VecDeque<Foreseen>,
    verdict: Option<VerdictReport>,
    bytes: usize,
    /// An Enter was typed at a prompt just before.
    pauses: bool,
}

impl<'a> Typing<'a> {
    pub(super) fn new(
        gate: &'a Gate,
        session: &'a Session,
        caller: &'a Caller,
        foreseen: Vec<Foreseen>,
    ) -> Self {
        Self {
            gate,
            session,
            caller,
            foreseen: foreseen.into(),
            verdict: None,
            bytes: 0,
            pauses: false,
        }
    }

    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "backend.type",
        skip_all,
        fields(backend = self.session.backend.as_str())
    )]
    pub(super) async fn piece(
        &mut self,
        typist: &mut Typist,
        piece: &Piece,
    ) -> Result<(), HostError> {
        match piece {
            Piece::BracketedPaste(text) => {
                typist.line.insert(text);
                let mut bytes = b"\x1b[200~".to_vec();
                bytes.extend_from_slice(text.as_bytes());
                bytes.extend_from_slice(b"\x1b[201~");
                self.write(typist, &bytes).await
            }
            Piece::Keys(keys) => self.keys(typist, keys).await,
        }
    }

    async fn keys(&mut self, typist: &mut Typist, keys: &[u8]) -> Result<(), HostError> {
        let mut unsent = Vec::new();
        for stroke in strokes(keys) {
            match typist.line.apply(&stroke) {
                Effect::Edited => unsent.extend_from_slice(&stroke.bytes),
                Effect::Submitted(submission) => {
                    self.write(typist, &std::mem::take(&mut unsent)).await?;
                    let was_at_prompt = self.judge_at_enter(typist, &submission).await?;
                    self.write(typist, &stroke.bytes).await?;
                    self.pauses = was_at_prompt && stroke.keystroke == Keystroke::Submit;
                }
            }
        }
        self.write(typist, &unsent).await
    }

    /// Makes sure that the line about to be submitted was judged as what it is.
    /// Returns whether a shell with integration is at its prompt.
    async fn judge_at_enter(
        &mut self,
        typist: &mut Typist,
        submission: &Submission,
    ) -> Result<bool, HostError> {
        self.pause_after_enter().await;
        let foreseen = self.foreseen.pop_front();
        let status = self.session.terminal.status().await;
        let asks = asks_the_shell(&status);
        forget_lines_of_other_programs(typist, &status);
        let mut line = if asks {
            shell_line(typist, submission).await
        } else {
            Line {
                text: submission.text.clone(),
                entry: Entry::Typed,
                certainty: if submission.uncertain {
                    Certainty::Unknown
                } else {
                    Certainty::Typed
                },
            }
        };
        line.text = typist.unfinished.joined_with(&line.text);
        let as_foreseen = foreseen
            .filter(|foreseen| foreseen.text.trim() == line.text.trim())
            .filter(|foreseen| foreseen.verdict.is_some() || line.text.trim().is_empty());
        let verdict = match as_foreseen {
            Some(foreseen) => foreseen.verdict,
            None if is_blank(&line.text, line.certainty == Certainty::Unknown) => None,
            None => match self
                .gate
                .pass(self.session, &status, self.caller, &line)
                .await
            {
                Ok(verdict) => Some(verdict),
                Err(refusal) => {
                    drop_refused_line(typist, &status, &refusal).await;
                    return Err(refusal);
                }
            },
        };
        typist.unfinished = Unfinished::after(&line.text, asks || waits_for_more(&line.text));
        if let Some(verdict) = verdict
            && self
                .verdict
                .as_ref()
                .is_none_or(|strictest| verdict.tier >= strictest.tier)
        {
            self.verdict = Some(verdict);
        }
        Ok(asks)
    }

    async fn pause_after_enter(&mut self) {
        if std::mem::take(&mut self.pauses) {
            // Met or not: a program that goes on gets the keys.
            self.session
                .terminal
                .wait(Until::Prompt, None, PAUSE_AFTER_ENTER)
                .await;
        }
    }

    async fn write(&mut self, typist: &mut Typist, bytes: &[u8]) -> Result<(), HostError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.pause_after_enter().await;
        typist
            .keyboard
            .write(bytes)
            .await
            .map_err(|error| HostError::SessionEnded {
                session: self.session.id.clone(),
                how: error.to_string(),
            })?;
        self.bytes += bytes.len();
        Ok(())
    }
}

/// Nothing to judge: an Enter on an empty line.
fn is_blank(text: &str, uncertain: bool) -> bool {
    text.trim().is_empty() && !uncertain
}
