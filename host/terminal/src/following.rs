//! Output for those who follow a session: text as it came, and what the marks say.
//!
//! The session's task writes into a queue that a follower empties. A follower that
//! falls behind loses the oldest text, never a mark, and the task never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::stream::Progress;

/// Text that waits for one follower, at most.
const TEXT_BYTES: usize = 256 * 1024;

/// Pieces that wait for one follower, at most.
const PIECES: usize = 4096;

/// A piece of output, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputPiece {
    /// Text without escape sequences; may hold carriage returns and end in the
    /// middle of a line.
    Text(String),
    /// The shell reads a line.
    Prompt,
    /// A command begins; its command line, where known.
    CommandStart(Option<String>),
    /// A command has ended; its exit status, where known.
    CommandEnd(Option<i32>),
    /// The program said by OSC 9;4 how far it is; `None`: nothing any more.
    Progress(Option<Progress>),
}

/// Follows the output of one session.
#[derive(Debug)]
pub struct Follower(Arc<Queue>);

impl Follower {
    /// What has come since the last call; waits until something has. `None` once
    /// nothing more will come.
    pub async fn next(&mut self) -> Option<Vec<OutputPiece>> {
        loop {
            // Before looking, so that what comes in between wakes.
            let more = self.0.more.notified();
            {
                let mut waiting = self.0.lock();
                if !waiting.pieces.is_empty() {
                    waiting.text_bytes = 0;
                    return Some(waiting.pieces.drain(..).collect());
                }
                if waiting.over {
                    return None;
                }
            }
            more.await;
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    pieces: VecDeque<OutputPiece>,
    text_bytes: usize,
    over: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A queue is whole between any two of its operations.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, piece: OutputPiece) {
        if let OutputPiece::Text(text) = &piece {
            self.text_bytes += text.len();
            if let Some(OutputPiece::Text(last)) = self.pieces.back_mut() {
                last.push_str(text);
                self.make_room();
                return;
            }
        }
        self.pieces.push_back(piece);
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.text_bytes > TEXT_BYTES {
            let oldest = (self.pieces.iter_mut()).find_map(|piece| match piece {
                OutputPiece::Text(text) if !text.is_empty() => Some(text),
                _ => None,
            });
            let Some(text) = oldest else { break };
            let excess = (self.text_bytes - TEXT_BYTES).min(text.len());
            let cut = text.ceil_char_boundary(excess);
            text.drain(..cut);
            self.text_bytes -= cut;
        }
        while self.pieces.len() > PIECES {
            if let Some(OutputPiece::Text(text)) = self.pieces.pop_front() {
                self.text_bytes -= text.len();
            }
        }
    }
}

/// The task's side: everybody who follows one session.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    queues: Vec<Arc<Queue>>,
    over: bool,
}

impl Followers {
    pub(crate) fn add(&mut self) -> Follower {
        let queue = Arc::new(Queue::default());
        queue.lock().over = self.over;
        if !self.over {
            self.queues.push(Arc::clone(&queue));
        }
        Follower(queue)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    pub(crate) fn tell(&mut self, piece: &OutputPiece) {
        self.queues.retain(|queue| {
            let follows = Arc::strong_count(queue) > 1;
            if follows {
                queue.lock().push(piece.clone());
                queue.more.notify_one();
            }
            follows
        });
    }

    /// Nothing more will come.
    pub(crate) fn end(&mut self) {
        self.over = true;
        for queue in self.queues.drain(..) {
            queue.lock().over = true;
            queue.more.notify_one();
        }
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_and_then_the_end() {
        let mut followers = Followers::default();
        let mut follower = followers.add();
        for piece in [
            OutputPiece::Text("a".into()),
            OutputPiece::Text("b".into()),
            OutputPiece::CommandEnd(Some(0)),
        ] {
            followers.tell(&piece);
        }
        followers.end();
        let pieces = follower.next().await.expect("pieces");
        assert_eq!(
            pieces,
            [
                OutputPiece::Text("ab".into()),
                OutputPiece::CommandEnd(Some(0))
            ]
        );
        assert_eq!(follower.next().await, None);
    }

    #[tokio::test]
    async fn who_falls_behind_loses_the_oldest_text_and_no_mark() {
        let mut followers = Followers::default();
        let mut follower = followers.add();
        followers.tell(&OutputPiece::CommandStart(Some("flood".into())));
        for _ in 0..100 {
            followers.tell(&OutputPiece::Text("é".repeat(5_000)));
        }
        followers.tell(&OutputPiece::Text("the end".into()));
        followers.tell(&OutputPiece::CommandEnd(Some(0)));
        let pieces = follower.next().await.expect("pieces");
        let [
            OutputPiece::CommandStart(_),
            OutputPiece::Text(text),
            OutputPiece::CommandEnd(_),
        ] = pieces.as_slice()
        else {
            panic!("{} pieces", pieces.len());
        };
        assert!(text.len() <= TEXT_BYTES && text.ends_with("the end"));
    }

    #[test]
    fn who_has_gone_costs_nothing() {
        let mut followers = Followers::default();
        drop(followers.add());
        followers.tell(&OutputPiece::Prompt);
        assert!(followers.is_empty());
    }
}
