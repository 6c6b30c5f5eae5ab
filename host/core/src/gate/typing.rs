//! Text and keys: judged line by line, before and as they are typed.
//!
//! Two looks are taken. Before anything is typed, the whole input is played
//! through a model of the line, and every line that it would submit is judged:
//! a refusal then leaves the session untouched. While it is typed, at each
//! Enter, a shell with integration is asked what its line really holds, since
//! history, searches and completion may have made it another one; that line is
//! judged if it is not the one foreseen.

use std::mem;
use std::time::Duration;

use quarterdeck_policy::{Certainty, TRACE_TARGET};
use quarterdeck_terminal::awaiting::shows_keys;
use quarterdeck_terminal::{Cursor, Status, Until};
use tokio::time::{Instant, timeout_at};

use super::asked::Line;
use super::continuation::{EarlierLines, Unfinished, waits_for_more};
use super::door::{Interrupted, Typist};
use super::input::{Input, Piece, pieces, submissions};
use super::keystroke::{Keystroke, Stroke, strokes};
use super::shell_line::{
    asks_the_shell, drop_refused_line, forget_finished_lines, line_of_keys, look_at_the_line,
    look_at_the_prompt, shell_line,
};
use super::surroundings::{is_busy, takes_answers};
use super::typed_line::{Effect, Submission};
use super::{Gate, VerdictReport};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

/// After an Enter at a prompt, the keys that follow in the same input wait for
/// the next prompt this long, so that short commands do not find them typed ahead.
const PAUSE_AFTER_ENTER: Duration = Duration::from_millis(250);

/// What comes of a Ctrl-C is waited for this long. A shell without a line editor throws
/// away what has reached it when the signal does, and with it what was typed after.
pub(crate) const PAUSE_AFTER_INTERRUPT: Duration = Duration::from_secs(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// A Ctrl-C is looked for in so many bytes of what was shown after it was typed.
const LONGEST_ECHO: usize = 64 * 1024;

/// What comes of an earlier Enter is waited for this long.
const SETTLING_PATIENCE: Duration = Duration::from_secs(1);

/// The session once it is clear what the last Enter did, so that keys and
/// questions meant for a prompt do not reach the program that it has started; and
/// once a shell that was started just now is there, whose first files a Ctrl-C
/// would end.
pub(super) async fn settled_status(session: &Session) -> Status {
    let status = session.terminal.status().await;
    if status.settled {
        return status;
    }
    let patience = match status.is_starting() {
        true => STARTING_PATIENCE,
        false => SETTLING_PATIENCE,
    };
    session.terminal.wait(Until::Settled, None, patience).await;
    session.terminal.status().await
}

/// A shell's first prompt is waited for this long: one whose first files ask
/// something has to get its answer.
const STARTING_PATIENCE: Duration = Duration::from_secs(3);

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
        fields(session.id = %session.id)
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
        look_at_the_line(&mut typist, session, &status).await;
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
            // Of lines to come it is seen at their Enter.
            let awaited = asks_at_enter || !first || typist.prompts.ask_for_more();
            let (text, earlier) = unfinished.joined_with(&submission.text, awaited);
            unfinished = goes_on_after(&text, session, status);
            let left_for_its_enter = submission.uncertain && asks_at_enter && first;
            if left_for_its_enter || is_blank(&text, submission.uncertain) {
                foreseen.push(Foreseen {
                    text,
                    earlier,
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
                earlier,
            };
            match self.pass(session, status, caller, &line).await {
                Ok(verdict) => foreseen.push(Foreseen {
                    text: line.text,
                    earlier,
                    verdict: Some(verdict),
                }),
                Err(refusal) if first => {
                    return Err(drop_refused_line(typist, status, refusal).await);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(foreseen)
    }
}

/// A line that the input was found to submit; `verdict` is `None` where it has
/// to be judged at its Enter.
pub(super) struct Foreseen {
    text: String,
    earlier: Option<EarlierLines>,
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
    /// A line begins where no shell can be asked.
    line_begins: bool,
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
            line_begins: false,
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
            if self.goes_on(typist, &stroke) {
                self.write(typist, &mem::take(&mut unsent)).await?;
                look_at_the_prompt(typist, self.session).await;
            }
            if stroke.keystroke == Keystroke::Interrupt {
                typist.line.apply(&stroke);
                self.write(typist, &mem::take(&mut unsent)).await?;
                // Some programs want a second one soon.
                typist.interrupted = None;
                let status = self.session.terminal.status().await;
                self.write(typist, &stroke.bytes).await?;
                typist.interrupted = shows_keys(self.session.terminal.pid()).then(|| Interrupted {
                    at: Instant::now(),
                    shown_until: status.cursor,
                });
                continue;
            }
            match typist.line.apply(&stroke) {
                Effect::Edited => unsent.extend_from_slice(&stroke.bytes),
                Effect::Submitted(submission) => {
                    self.write(typist, &mem::take(&mut unsent)).await?;
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
        forget_finished_lines(typist, &status);
        let line = match asks {
            true => shell_line(typist, submission).await,
            false => line_of_keys(typist, submission),
        };
        let as_foreseen = foreseen
            .filter(|foreseen| foreseen.text.trim() == line.text.trim())
            .filter(|foreseen| foreseen.earlier == line.earlier)
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
                Err(refusal) => return Err(drop_refused_line(typist, &status, refusal).await),
            },
        };
        typist.prompts.line_ends();
        self.line_begins = !asks;
        typist.unfinished = match asks {
            true => Unfinished::at_prompt(&line.text),
            false => goes_on_after(&line.text, self.session, &status),
        };
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

    /// Whether a line begins with this stroke that a shell without marks may take
    /// for the rest of a command.
    fn goes_on(&mut self, typist: &mut Typist, stroke: &Stroke) -> bool {
        if stroke.keystroke == Keystroke::Interrupt {
            typist.prompts.interrupted();
            self.line_begins = true;
            return false;
        }
        mem::take(&mut self.line_begins) && !typist.unfinished.is_empty()
    }

    async fn pause_after_enter(&mut self) {
        if mem::take(&mut self.pauses) {
            // Met or not: a program that goes on gets the keys.
            self.session
                .terminal
                .wait(Until::Prompt, None, PAUSE_AFTER_ENTER)
                .await;
        }
    }

    /// Waits until the terminal has shown a Ctrl-C, and whoever got it reads again.
    async fn pause_after_interrupt(&self, typist: &mut Typist) {
        let Some(Interrupted { at, shown_until }) = typist.interrupted.take() else {
            return;
        };
        let terminal = &self.session.terminal;
        let settled = async {
            let mut changes = terminal.changes();
            loop {
                changes.mark_unchanged();
                let shown = terminal.read(shown_until, LONGEST_ECHO).await;
                if shown.text.contains("^C") || changes.changed().await.is_err() {
                    break;
                }
            }
            while is_busy(terminal).await {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        _ = timeout_at(at + PAUSE_AFTER_INTERRUPT, settled).await;
    }

    async fn write(&mut self, typist: &mut Typist, bytes: &[u8]) -> Result<(), HostError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.pause_after_enter().await;
        self.pause_after_interrupt(typist).await;
        typist
            .keyboard
            .write(bytes)
            .await
            .map_err(|error| HostError::SessionEnded {
                session: self.session.id.clone(),
                how: error.to_string(),
            })?;
        typist.typed_at = Some(tokio::time::Instant::now());
        self.bytes += bytes.len();
        Ok(())
    }
}

/// What the next line would go on with, where no shell can be asked.
fn goes_on_after(text: &str, session: &Session, status: &Status) -> Unfinished {
    let waits = waits_for_more(text) && !takes_answers(session, status);
    Unfinished::after(text, waits)
}

/// Nothing to judge: an Enter on an empty line.
fn is_blank(text: &str, uncertain: bool) -> bool {
    text.trim().is_empty() && !uncertain
}
