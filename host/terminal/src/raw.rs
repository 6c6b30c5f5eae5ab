//! Output byte for byte, for those who record a session.
//!
//! The session's task writes into a bounded queue of each recorder and never waits: one
//! that falls behind is told how much it has missed.

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::request::Size;

/// Pieces that wait for one recorder, at most; each is one reading of at most 64 KiB.
const PIECES: usize = 256;

/// What a recorder is told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawPiece {
    /// What the program wrote, escape sequences, marks and all.
    Written(Vec<u8>),
    /// The terminal has another size.
    Resized(Size),
    /// So many bytes came while the recorder was busy, and are gone.
    Missed(u64),
}

/// The pieces of one session, for one recorder; ends with the session.
pub type RawOutput = mpsc::Receiver<RawPiece>;

/// The task's side: everybody who records one session.
#[derive(Debug, Default)]
pub(crate) struct Recorders(Vec<Recorder>);

#[derive(Debug)]
struct Recorder {
    pieces: mpsc::Sender<RawPiece>,
    missed: u64,
}

impl Recorders {
    pub(crate) fn add(&mut self) -> RawOutput {
        let (pieces, output) = mpsc::channel(PIECES);
        self.0.push(Recorder { pieces, missed: 0 });
        output
    }

    pub(crate) fn written(&mut self, bytes: &[u8]) {
        self.0
            .retain_mut(|recorder| recorder.tell(RawPiece::Written(bytes.to_vec())));
    }

    pub(crate) fn resized(&mut self, size: Size) {
        self.0
            .retain_mut(|recorder| recorder.tell(RawPiece::Resized(size)));
    }

    /// Nothing more will come.
    pub(crate) fn end(&mut self) {
        self.0.clear();
    }
}

impl Recorder {
    /// `false` when nobody listens any more.
    fn tell(&mut self, piece: RawPiece) -> bool {
        if self.missed > 0 {
            match self.pieces.try_send(RawPiece::Missed(self.missed)) {
                Ok(()) => self.missed = 0,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(_)) => {}
            }
        }
        let bytes = match &piece {
            RawPiece::Written(bytes) => bytes.len() as u64,
            RawPiece::Resized(_) | RawPiece::Missed(_) => 0,
        };
        if self.missed > 0 {
            self.missed += bytes;
            return true;
        }
        match self.pieces.try_send(piece) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.missed += bytes;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_falls_behind_is_told_how_much_is_gone() {
        let mut recorders = Recorders::default();
        let mut output = recorders.add();
        for _ in 0..PIECES + 10 {
            recorders.written(b"abc");
        }
        for _ in 0..PIECES {
            assert_eq!(output.try_recv(), Ok(RawPiece::Written(b"abc".to_vec())));
        }
        recorders.written(b"new");
        assert_eq!(output.try_recv(), Ok(RawPiece::Missed(30)));
        assert_eq!(output.try_recv(), Ok(RawPiece::Written(b"new".to_vec())));
        drop(output);
        recorders.written(b"unheard");
        assert!(recorders.0.is_empty());
    }
}
