//! Text and keys: judged line by line, before and as they are typed.
//!
//! Two looks are taken. Before anything is typed, the whole input is played
//! through a model of the line, and every line that it would submit is judged:
//! a refusal then leaves the session untouched. While it is typed, at each
//! Enter, a shell with integration is asked what its line really holds, since
//! history, searches and completion may have made it another one; that line is
//! judged if it is not the one foreseen.

use std::time::Duration;

use quarterdeck_policy::{Certainty, Entry};
use quarterdeck_terminal::keys::Key;
use quarterdeck_terminal::{Cursor, ShellState, Status, Until};

use super::continuation::{Unfinished, waits_for_more};
use super::door::Typist;
use super::judge::Line;
use super::keystroke::{Keystroke, strokes};
use super::typed_line::{Effect, Submission, TypedLine};
use super::{Gate, VerdictReport};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

/// After an Enter at a prompt, the keys that follow wait for the next prompt
/// this long, so that short commands do not find them typed ahead.
const PAUSE_AFTER_ENTER: Duration = Duration::from_millis(250);

/// One piece of what is to be typed.
#[derive(Clone, Debug)]
pub enum Input {
    /// Text; line breaks in it are Enters.
    Text(String),
    /// A named key.
    Key(Key),
    /// Text that arrives as a paste: where the program understands bracketed
    /// paste, its line breaks do not submit.
    Paste(String),
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

/// A piece as it goes to the session.
enum Piece {
    Keys(Vec<u8>),
    BracketedPaste(String),
}

impl Gate {
    /// Types `input`, as far as the policies let it through.
    pub(crate) async fn type_input(
        &self,
        session: &Session,
        input: &[Input],
        caller: &Caller,
    ) -> Result<Typed, HostError> {
        let mut typist = session.door.typist.lock().await;
        let status = session.terminal.status().await;
        if let ShellState::Exited(exit) = &status.shell {
            return Err(HostError::SessionEnded {
                session: session.id.clone(),
                how: exit.to_string(),
            });
        }
        let pieces = pieces(input, &status);
        if asks_the_shell(&status) {
            typist.line = line_at_prompt(&typist, &status).await;
        }
        if begins_a_command(&status) {
            typist.unfinished = Unfinished::default();
        }
        let foreseen = self
            .judge_before_typing(session, &status, &mut typist, &pieces, caller)
            .await?;

        let mut typing = Typing {
            gate: self,
            session,
            caller,
            foreseen: foreseen.into(),
            verdict: None,
            bytes: 0,
        };
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
    async fn judge_before_typing(
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
struct Foreseen {
    text: String,
    verdict: Option<VerdictReport>,
}

/// One input on its way.
struct Typing<'a> {
    gate: &'a Gate,
    session: &'a Session,
    caller: &'a Caller,
    foreseen: std::collections::VecDeque<Foreseen>,
    verdict: Option<VerdictReport>,
    bytes: usize,
}

impl Typing<'_> {
    async fn piece(&mut self, typist: &mut Typist, piece: &Piece) -> Result<(), HostError> {
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
            match typist.line.apply(&stroke.keystroke) {
                Effect::Edited => unsent.extend_from_slice(&stroke.bytes),
                Effect::Submitted(submission) => {
                    self.write(typist, &std::mem::take(&mut unsent)).await?;
                    let was_at_prompt = self.judge_at_enter(typist, &submission).await?;
                    self.write(typist, &stroke.bytes).await?;
                    if was_at_prompt && stroke.keystroke == Keystroke::Submit {
                        // Met or not: a program that goes on gets the keys.
                        self.session
                            .terminal
                            .wait(Until::Prompt, None, PAUSE_AFTER_ENTER)
                            .await;
                    }
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
        let foreseen = self.foreseen.pop_front();
        let status = self.session.terminal.status().await;
        let asks = asks_the_shell(&status);
        if begins_a_command(&status) {
            typist.unfinished = Unfinished::default();
        }
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

    async fn write(&mut self, typist: &mut Typist, bytes: &[u8]) -> Result<(), HostError> {
        if bytes.is_empty() {
            return Ok(());
        }
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

/// Whether a shell with integration reads the keys, at its prompt or waiting for
/// the rest of a command.
fn asks_the_shell(status: &Status) -> bool {
    matches!(
        status.shell,
        ShellState::AtPrompt { .. } | ShellState::Continuation { .. }
    )
}

/// Whether the next line stands for itself: it is the first of a command, or a
/// program reads it.
fn begins_a_command(status: &Status) -> bool {
    matches!(
        status.shell,
        ShellState::AtPrompt { .. } | ShellState::Running { .. }
    )
}

/// What the shell's line holds before the first key of an input.
async fn line_at_prompt(typist: &Typist, status: &Status) -> TypedLine {
    if matches!(status.shell, ShellState::AtPrompt { line_dirty: false }) {
        return TypedLine::default();
    }
    match typist.keyboard.shell_line().await {
        Ok(line) => TypedLine::holding(&line.text),
        Err(_) => typist.line.clone(),
    }
}

/// The line that Enter would submit, from the shell itself; where it does not
/// answer, what the keys add up to, and the gate says that it does not know.
async fn shell_line(typist: &Typist, submission: &Submission) -> Line {
    match typist.keyboard.shell_line().await {
        Ok(line) => Line {
            text: line.text,
            entry: Entry::Typed,
            certainty: Certainty::Exact,
        },
        Err(error) => {
            tracing::debug!(%error, "the shell did not say what its line holds");
            Line {
                text: submission.text.clone(),
                entry: Entry::Typed,
                certainty: Certainty::Unknown,
            }
        }
    }
}

/// A refused line does not stay behind for the next Enter. A line that waits
/// for a confirmation does stay when it was there before the call, so that the
/// same call made again finds it.
async fn drop_refused_line(typist: &mut Typist, status: &Status, refusal: &HostError) {
    let stays = matches!(refusal, HostError::ConfirmationRequired(_))
        && matches!(status.shell, ShellState::AtPrompt { line_dirty: true });
    if stays || !asks_the_shell(status) {
        return;
    }
    if typist.keyboard.clear_line().await.is_ok() {
        typist.line.clear();
        typist.unfinished = Unfinished::default();
    }
}

/// The lines that typing `pieces` onto `line` submits, without typing them.
fn submissions(line: &TypedLine, pieces: &[Piece]) -> Vec<(Submission, Entry)> {
    let mut line = line.clone();
    let mut pasted = false;
    let mut submissions = Vec::new();
    for piece in pieces {
        match piece {
            Piece::BracketedPaste(text) => {
                line.insert(text);
                pasted = true;
            }
            Piece::Keys(keys) => {
                for stroke in strokes(keys) {
                    if let Effect::Submitted(submission) = line.apply(&stroke.keystroke) {
                        let entry = if std::mem::take(&mut pasted) {
                            Entry::Pasted
                        } else {
                            Entry::Typed
                        };
                        submissions.push((submission, entry));
                    }
                }
            }
        }
    }
    submissions
}

/// Turns what was asked for into bytes, as the session's program expects them.
fn pieces(input: &[Input], status: &Status) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in input {
        match part {
            Input::Paste(text) if status.bracketed_paste => {
                pieces.push(Piece::BracketedPaste(pasteable(text)));
            }
            Input::Text(text) | Input::Paste(text) => {
                push_keys(&mut pieces, enters(text).as_bytes());
            }
            Input::Key(key) => push_keys(&mut pieces, &key.bytes(status.application_cursor)),
        }
    }
    pieces
}

fn push_keys(pieces: &mut Vec<Piece>, bytes: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Keys(keys)) => keys.extend_from_slice(bytes),
        _ => pieces.push(Piece::Keys(bytes.to_vec())),
    }
}

/// Line breaks as the Enter key sends them.
fn enters(text: &str) -> String {
    text.replace("\r\n", "\r").replace('\n', "\r")
}

/// Text that cannot end its own paste: control characters other than tab and
/// line breaks are left out.
fn pasteable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_cannot_end_itself() {
        assert_eq!(pasteable("a\u{1b}[201~\rb\u{7}"), "a[201~\nb");
    }

    #[test]
    fn every_line_of_an_input_is_foreseen() {
        let pieces = [
            Piece::Keys(b"ls\rrm -rf".to_vec()),
            Piece::Keys(b" ~\recho".to_vec()),
        ];
        let texts: Vec<_> = submissions(&TypedLine::default(), &pieces)
            .into_iter()
            .map(|(submission, _)| submission.text)
            .collect();
        assert_eq!(texts, ["ls", "rm -rf ~"]);
    }

    #[test]
    fn what_stood_on_the_line_before_counts() {
        let pieces = [Piece::Keys(b"f ~\r".to_vec())];
        let (submission, _) = &submissions(&TypedLine::holding("rm -r"), &pieces)[0];
        assert_eq!(submission.text, "rm -rf ~");
    }

    #[test]
    fn a_pasted_text_is_one_submission() {
        let pieces = [
            Piece::BracketedPaste("echo a\nrm -rf ~\necho b".into()),
            Piece::Keys(b"\r".to_vec()),
        ];
        let submissions = submissions(&TypedLine::default(), &pieces);
        assert_eq!(submissions.len(), 1);
        assert_eq!(submissions[0].0.text, "echo a\nrm -rf ~\necho b");
        assert_eq!(submissions[0].1, Entry::Pasted);
    }
}
