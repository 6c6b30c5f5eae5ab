//! What still has to be written to a session's program.
//!
//! A program reads when it likes, so writing waits without holding up anything
//! else. Bounded by its writers: each waits until what it gave is written.

use std::collections::VecDeque;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Why something could not be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The session's program has ended.
    #[error("the session has ended, so nothing can be typed into it; open another")]
    Closed,
    /// What is typed would be shown.
    #[error("the terminal shows what is typed, so a secret was not typed")]
    Shown,
    /// What carried the session has gone.
    #[error(
        "what carried the session has gone (a tmux server that was killed, for example), so nothing can be typed into it; open another"
    )]
    Lost,
    /// There is no connection to what carries the session now.
    #[error(
        "iTerm2 cannot be reached at the moment, so nothing was typed; Quarterdeck goes on trying to reach it, try again in a while"
    )]
    NotReached,
    /// The carrier takes text only.
    #[error(
        "iTerm2 takes text only, and what was to be typed is no UTF-8; nothing of it was typed"
    )]
    NotText,
    /// The connection went, or the answer did not come, while it was typed.
    #[error(
        "iTerm2 did not confirm what was typed: it may have arrived or not; look at the screen before you repeat it"
    )]
    Unconfirmed,
    /// The program does not read.
    #[error(
        "the program in the session has read only {written} of {total} bytes and then nothing for {} s; \
         wait for it, or interrupt it with ctrl-c", PATIENCE.as_secs()
    )]
    Stalled {
        /// Bytes of this piece that it took.
        written: usize,
        /// Bytes of this piece.
        total: usize,
    },
}

/// How long a program may read nothing while something waits to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that asks and never reads gets no more than this to read.
pub(crate) const MOST_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    last_progress: Option<Instant>,
}

struct Piece {
    bytes: Vec<u8>,
    written: usize,
    done: Option<oneshot::Sender<Result<(), WriteError>>>,
}

impl Outbox {
    /// Puts `bytes` behind all else; `done` hears when they are written.
    pub(crate) fn push(
        &mut self,
        bytes: Vec<u8>,
        done: Option<oneshot::Sender<Result<(), WriteError>>>,
    ) {
        if bytes.is_empty() {
            if let Some(done) = done {
                let _ = done.send(Ok(()));
            }
            return;
        }
        if self.pieces.is_empty() {
            self.last_progress = Some(Instant::now());
        }
        self.pieces.push_back(Piece {
            bytes,
            written: 0,
            done,
        });
    }

    /// Puts what the terminal answers to its program behind all else. What a program
    /// asks without ever reading the answers is forgotten from
    /// [`MOST_ANSWER_BYTES`] on.
    pub(crate) fn answer(&mut self, answer: Vec<u8>) {
        match self.pieces.back_mut() {
            Some(Piece {
                bytes, done: None, ..
            }) => {
                if bytes.len() + answer.len() <= MOST_ANSWER_BYTES {
                    bytes.extend(answer);
                }
            }
            _ => self.push(answer, None),
        }
    }

    /// What to write next; empty when there is nothing.
    pub(crate) fn next(&self) -> &[u8] {
        self.pieces
            .front()
            .map_or(&[], |piece| &piece.bytes[piece.written..])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// `count` bytes of [`Outbox::next`] are written.
    pub(crate) fn written(&mut self, count: usize) {
        self.last_progress = Some(Instant::now());
        if let Some(piece) = self.pieces.front_mut() {
            piece.written += count;
            if piece.written >= piece.bytes.len()
                && let Some(Piece {
                    done: Some(done), ..
                }) = self.pieces.pop_front()
            {
                let _ = done.send(Ok(()));
            }
        }
    }

    /// When the program will have been waited for long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.last_progress
            .filter(|_| !self.is_empty())
            .map(|progress| progress + PATIENCE)
    }

    /// Gives up on everything: the program does not read.
    pub(crate) fn give_up(&mut self) {
        for piece in self.pieces.drain(..) {
            if let Some(done) = piece.done {
                let _ = done.send(Err(WriteError::Stalled {
                    written: piece.written,
                    total: piece.bytes.len(),
                }));
            }
        }
    }

    /// There is nobody any more to write to.
    pub(crate) fn close(&mut self, why: WriteError) {
        for piece in self.pieces.drain(..) {
            if let Some(done) = piece.done {
                let _ = done.send(Err(why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_nobody_reads_are_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..10_000 {
            outbox.answer(vec![b'c'; 100]);
        }
        assert!(outbox.next().len() <= MOST_ANSWER_BYTES);
        outbox.written(outbox.next().len());
        assert!(outbox.is_empty());
        outbox.answer(b"again".to_vec());
        assert_eq!(outbox.next(), b"again");
    }

    #[test]
    fn answers_come_after_what_was_typed_before_them() {
        let mut outbox = Outbox::default();
        let (done, mut typed) = oneshot::channel();
        outbox.answer(b"1".to_vec());
        outbox.push(b"typed".to_vec(), Some(done));
        outbox.answer(b"2".to_vec());
        let mut written = Vec::new();
        while !outbox.is_empty() {
            written.push(outbox.next()[0]);
            outbox.written(1);
        }
        assert_eq!(written, b"1typed2");
        assert!(matches!(typed.try_recv(), Ok(Ok(()))));
    }
}
