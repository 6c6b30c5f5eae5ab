//! A prompt for an agent's program: judged as a whole before the first key, pasted, and
//! submitted by an Enter of its own once somebody has seen it arrive.

use quarterdeck_terminal::{Cursor, Status};
use tokio::sync::MutexGuard;

use super::Gate;
use super::door::Typist;
use super::input::{Input, Piece, pieces};
use super::shell_line::look_at_the_line;
use super::typing::{Typing, settled_status};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

/// A prompt that was let through, on its way into a session. Nobody else types there
/// while it lives.
pub(crate) struct PromptTyping<'a> {
    typing: Typing<'a>,
    typist: MutexGuard<'a, Typist>,
    paste: Vec<Piece>,
    /// End of the transcript before the first key.
    pub(crate) began: Cursor,
}

impl Gate {
    /// Judges a prompt; nothing is typed yet. `None` where no program is in front that
    /// could take it.
    pub(crate) async fn begin_prompt<'a>(
        &'a self,
        session: &'a Session,
        prompt: &str,
        caller: &'a Caller,
    ) -> Result<Option<PromptTyping<'a>>, HostError> {
        let mut typist = session.door.typist.lock().await;
        self.agents.may_type(&session.id, caller)?;
        let status = settled_status(session).await;
        if let Some(how) = status.ending() {
            return Err(HostError::SessionEnded {
                session: session.id.clone(),
                how,
            });
        }
        if !(status.is_running() || status.full_screen) {
            return Ok(None);
        }
        let mut foreseen_pieces = pieces(&[Input::Paste(one_piece(prompt, &status))], &status);
        foreseen_pieces.push(Piece::Keys(b"\r".to_vec()));
        look_at_the_line(&mut typist, session, &status).await;
        let foreseen = self
            .judge_before_typing(session, &status, &mut typist, &foreseen_pieces, caller)
            .await?;
        foreseen_pieces.pop();
        Ok(Some(PromptTyping {
            typing: Typing::new(self, session, caller, foreseen),
            typist,
            paste: foreseen_pieces,
            began: status.cursor,
        }))
    }
}

impl PromptTyping<'_> {
    /// Pastes the prompt.
    pub(crate) async fn paste(&mut self) -> Result<(), HostError> {
        self.typing.session.door.input_begins(self.began);
        for piece in &self.paste {
            self.typing.piece(&mut self.typist, piece).await?;
        }
        Ok(())
    }

    /// Presses Enter.
    pub(crate) async fn enter(&mut self) -> Result<(), HostError> {
        self.keys(b"\r".to_vec()).await
    }

    /// Types one character.
    pub(crate) async fn key(&mut self, key: char) -> Result<(), HostError> {
        self.keys(key.to_string().into_bytes()).await
    }

    /// Takes the last character away.
    pub(crate) async fn erase(&mut self) -> Result<(), HostError> {
        self.keys(b"\x7f".to_vec()).await
    }

    async fn keys(&mut self, bytes: Vec<u8>) -> Result<(), HostError> {
        let keys = Piece::Keys(bytes);
        self.typing.piece(&mut self.typist, &keys).await
    }
}

/// Where pastes are not told from keys, a line break would send half of a prompt.
fn one_piece(prompt: &str, status: &Status) -> String {
    match status.bracketed_paste {
        true => prompt.to_owned(),
        false => prompt.replace("\r\n", " ").replace(['\r', '\n'], " "),
    }
}
