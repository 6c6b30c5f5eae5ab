//! The task that has a session's output read by the progress parsers.
//!
//! Only what runs is read: parsers begin with a command that takes a while and
//! prints something, each in an instance of its own, and go with its end. So a short
//! command costs nothing, and what could be progress in its output is read at its end.

use std::sync::Weak;
use std::time::Duration;

use quarterdeck_policy::{
    FollowedSession, OutputPiece as Piece, ProgressStatus, ProgressUpdate, ReportedProgress,
    SessionFacts,
};
use quarterdeck_terminal::deadline::sleep_until;
use quarterdeck_terminal::{Follower, OutputPiece, ProgressState};
use tokio::time::Instant;

use super::board::{Source, Standing};
use crate::events;
use crate::host::Host;
use crate::tasks::TaskId;

/// A command that has run so long, and printed what could be progress, is read as it
/// goes on.
const PATIENCE: Duration = Duration::from_millis(300);

/// One that has run so long is read whatever it prints: parsers know programs that
/// print no figures.
const LONG: Duration = Duration::from_secs(3);

/// Output is collected so long before it is read on.
const BREATH: Duration = Duration::from_millis(100);

/// A parser that has said nothing for so long has nothing to say about a command.
const SILENCE: Duration = Duration::from_secs(30);

/// Text that waits until it is clear whether a command takes a while.
const WAITING_BYTES: usize = 64 * 1024;

/// The parser that guesses: it speaks where no other does.
const GUESSER: &str = "generic";

/// Follows a session's output until it ends.
pub(crate) async fn follow(host: Weak<Host>, session: SessionFacts, mut follower: Follower) {
    let mut reader = Reader {
        host,
        session,
        // Without marks all that ever comes is one command's.
        command: Some(Command::new(None)),
        marked: false,
    };
    loop {
        let due = reader.due();
        let pieces = tokio::select! {
            pieces = follower.next() => pieces,
            () = sleep_until(due) => {
                if reader.read().await.is_none() {
                    return;
                }
                continue;
            }
        };
        let Some(pieces) = pieces else { break };
        for piece in pieces {
            reader.take(piece).await;
        }
        if reader.command.as_ref().is_some_and(Command::is_read) {
            reader.read().await;
            tokio::time::sleep(BREATH).await;
        }
    }
    reader.end().await;
}

struct Reader {
    host: Weak<Host>,
    session: SessionFacts,
    command: Option<Command>,
    /// The session's shell tells where commands begin and end.
    marked: bool,
}

/// What runs.
struct Command {
    began: Instant,
    /// The task that it belongs to.
    task: Option<TaskId>,
    /// What is not read yet.
    waiting: Vec<Piece>,
    waiting_bytes: usize,
    /// Those who read it; `None` before they began.
    parsers: Option<Vec<Parser>>,
    /// Something of it was reported.
    told: Option<Standing>,
}

struct Parser {
    reads: FollowedSession,
    /// The items that it has told of, as they stand.
    items: Vec<ProgressUpdate>,
}

impl Command {
    fn new(task: Option<TaskId>) -> Self {
        Self {
            began: Instant::now(),
            task,
            waiting: Vec::new(),
            waiting_bytes: 0,
            parsers: None,
            told: None,
        }
    }

    fn is_read(&self) -> bool {
        self.parsers.is_some()
    }

    fn push(&mut self, piece: Piece) {
        if let Piece::Text(text) = &piece {
            self.waiting_bytes += text.len();
        }
        self.waiting.push(piece);
        // The newest output says how far it is.
        while self.waiting_bytes > WAITING_BYTES {
            let oldest = self
                .waiting
                .iter()
                .position(|it| matches!(it, Piece::Text(_)));
            let Some(oldest) = oldest.filter(|at| *at + 1 < self.waiting.len()) else {
                break;
            };
            if let Piece::Text(text) = self.waiting.remove(oldest) {
                self.waiting_bytes -= text.len();
            }
        }
    }

    fn take_waiting(&mut self) -> Vec<Piece> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Whether what waits could say how far something is.
    fn may_tell(&self) -> bool {
        self.waiting.iter().any(|piece| match piece {
            Piece::Text(text) => looks_like_progress(text),
            Piece::Reported(_) => true,
            _ => false,
        })
    }
}

impl Reader {
    /// When what waits is to be read, if nothing else comes.
    fn due(&self) -> Option<Instant> {
        let command = self.command.as_ref()?;
        if command.is_read() || command.waiting.is_empty() {
            return None;
        }
        if command.may_tell() {
            return Some(command.began + PATIENCE);
        }
        // Before its first prompt a shell only reads its own files.
        (self.marked && command.waiting_bytes > 0).then(|| command.began + LONG)
    }

    async fn take(&mut self, piece: OutputPiece) {
        let piece = match piece {
            OutputPiece::CommandStart(line) => {
                self.marked = true;
                self.command = Some(Command::new(self.current_task()));
                Piece::CommandStart(line)
            }
            OutputPiece::CommandEnd(status) => {
                if let Some(command) = &mut self.command {
                    command.push(Piece::CommandEnd(status));
                    if command.is_read() || command.may_tell() {
                        self.read().await;
                    }
                }
                self.command = None;
                return;
            }
            OutputPiece::Prompt => {
                if !self.marked {
                    self.marked = true;
                    self.command = None;
                }
                return;
            }
            OutputPiece::Text(text) => Piece::Text(text),
            OutputPiece::Progress(progress) => Piece::Reported(ReportedProgress {
                state: match progress.map(|progress| progress.state) {
                    None => 0,
                    Some(ProgressState::Normal) => 1,
                    Some(ProgressState::Error) => 2,
                    Some(ProgressState::Indeterminate) => 3,
                    Some(ProgressState::Paused) => 4,
                },
                percent: progress.and_then(|progress| progress.percent),
            }),
        };
        if let Some(command) = &mut self.command {
            command.push(piece);
        }
    }

    /// The task that the session works on.
    fn current_task(&self) -> Option<TaskId> {
        let host = self.host.upgrade()?;
        host.registry.get(&self.session.id).ok()?.task.id()
    }

    /// Has what waits read, and tells what came of it. `None` once the host is gone.
    async fn read(&mut self) -> Option<()> {
        let host = self.host.upgrade()?;
        // Without marks nobody tells where a task's command begins.
        let task = (!self.marked).then(|| self.current_task());
        let Some(command) = &mut self.command else {
            return Some(());
        };
        if let Some(task) = task {
            command.task = task;
        }
        if command.parsers.is_none() {
            let parsers = host.policies.progress_parsers().await;
            let (guessers, others): (Vec<&str>, Vec<&str>) =
                parsers.names().partition(|name| *name == GUESSER);
            let begun = others
                .into_iter()
                .chain(guessers)
                .filter_map(|name| parsers.follow(name, &self.session))
                .map(|reads| Parser {
                    reads,
                    items: Vec::new(),
                });
            command.parsers = Some(begun.collect());
        }
        let chunk = command.take_waiting();
        let Some(parsers) = &mut command.parsers else {
            return Some(());
        };
        if chunk.is_empty() || parsers.is_empty() {
            return Some(());
        }
        for parser in parsers.iter_mut() {
            for update in parser.reads.feed(&chunk).await {
                parser.items.retain(|item| item.item != update.item);
                parser.items.push(update);
            }
        }
        let Some((said_by, standing)) = chosen(parsers) else {
            if command.began.elapsed() > SILENCE {
                parsers.clear();
            }
            return Some(());
        };
        if command.began.elapsed() > SILENCE {
            parsers.retain(|parser| !parser.items.is_empty());
        }
        if command.told.as_ref() == Some(&standing) {
            return Some(());
        }
        let begins = command.told.replace(standing.clone()).is_none();
        let session = self.session.id.clone();
        let update = events::ProgressUpdate {
            session_id: session.clone(),
            progress: standing.percentage(),
            milestone: Some(standing.label.clone()).filter(|label| !label.is_empty()),
            task_id: command.task.as_ref().map(TaskId::to_string),
        };
        match &command.task {
            Some(task) => (host.progress).write_of_task(task, session, standing, &said_by),
            None => {
                let source = Source::Session(session);
                if begins {
                    host.progress.begin_anew(&source);
                }
                let name = self.session.name.clone();
                host.progress.write(source, name, standing, &said_by);
            }
        }
        host.events.publish(update);
        Some(())
    }

    /// The session has ended; what was under way stays as it was.
    async fn end(&mut self) {
        let unread =
            (self.command.as_ref()).is_some_and(|command| command.is_read() || command.may_tell());
        if unread {
            self.read().await;
        }
    }
}

/// The parser that knows most: one that can say how far it is before one that
/// cannot, and the one that guesses last.
fn chosen(parsers: &[Parser]) -> Option<(String, Standing)> {
    let counts = |parser: &&Parser| {
        (parser.items.iter()).any(|item| item.percent.is_some() || item.total.is_some())
    };
    let parser = parsers
        .iter()
        .find(counts)
        .or_else(|| parsers.iter().find(|parser| !parser.items.is_empty()))?;
    Some((
        parser.reads.policy().to_owned(),
        standing_of(&parser.items)?,
    ))
}

/// Several items as one: the item for the whole if it can say how far it is, else
/// the mean of the others.
fn standing_of(items: &[ProgressUpdate]) -> Option<Standing> {
    let whole = items.iter().find(|item| item.item.is_empty());
    if let Some(whole) = whole.filter(|whole| whole.percent.is_some() || items.len() == 1) {
        return Some(Standing {
            label: whole.label.clone(),
            status: whole.status,
            completed: whole.completed,
            total: whole.total,
            percent: whole.percent,
        });
    }
    let parts: Vec<&ProgressUpdate> = items.iter().filter(|it| !it.item.is_empty()).collect();
    let newest = parts.last()?;
    let is = |status: ProgressStatus| move |item: &&ProgressUpdate| item.status == status;
    let finished = parts
        .iter()
        .copied()
        .filter(is(ProgressStatus::Completed))
        .count();
    let percent = parts
        .iter()
        .map(|part| match part.status {
            ProgressStatus::Completed => 100.0,
            _ => part.percent.unwrap_or(0.0),
        })
        .sum::<f64>()
        / parts.len() as f64;
    let single = parts.len() == 1;
    Some(Standing {
        label: if newest.label.is_empty() {
            newest.item.clone()
        } else {
            newest.label.clone()
        },
        status: if parts
            .iter()
            .copied()
            .any(|it| is(ProgressStatus::Failed)(&it))
        {
            ProgressStatus::Failed
        } else if finished == parts.len() {
            ProgressStatus::Completed
        } else {
            ProgressStatus::Running
        },
        completed: match single {
            true => newest.completed,
            false => Some(finished as u64),
        },
        total: match single {
            true => newest.total,
            false => Some(parts.len() as u64),
        },
        percent: Some(percent),
    })
}

/// A percent sign, two numbers with `/` or `of` between them, or a line that is drawn
/// over.
fn looks_like_progress(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let between_digits = |at: usize, after: usize| {
        is_digit(bytes[..at].iter().rev().find(|byte| **byte != b' '))
            && is_digit(bytes[after..].iter().find(|byte| **byte != b' '))
    };
    let drawn_over = |at: usize| {
        bytes
            .get(at + 1)
            .is_some_and(|next| !b"\r\n".contains(next))
    };
    memchr::memchr3_iter(b'%', b'/', b'\r', bytes).any(|at| match bytes[at] {
        b'/' => between_digits(at, at + 1),
        b'\r' => drawn_over(at),
        _ => true,
    }) || memchr::memmem::find_iter(bytes, b" of ").any(|at| between_digits(at, at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, status: ProgressStatus, percent: Option<f64>) -> ProgressUpdate {
        ProgressUpdate {
            item: name.to_owned(),
            label: String::new(),
            status,
            completed: None,
            total: None,
            percent,
        }
    }

    #[test]
    fn only_what_could_be_progress_is_read() {
        for text in [
            "50%",
            "50 % done",
            "3/4",
            "Step 3 / 4",
            "step 3 of 10",
            "  % Total    % Received",
            "\rworking",
        ] {
            assert!(looks_like_progress(text), "{text}");
        }
        for text in [
            "",
            "/",
            "a\r\nb\r\n",
            "/usr/bin/2",
            "total 0",
            "a of b",
            "10 of them",
            "100",
        ] {
            assert!(!looks_like_progress(text), "{text}");
        }
    }

    #[test]
    fn several_items_make_one() {
        use ProgressStatus::{Completed, Failed, Running};
        let whole = item("", Running, Some(30.0));
        let part = |name, status, percent| item(name, status, Some(percent));
        for (items, status, percent) in [
            (vec![whole.clone()], Running, 30.0),
            (vec![part("a", Running, 10.0), whole], Running, 30.0),
            (
                vec![part("a", Completed, 100.0), part("b", Running, 50.0)],
                Running,
                75.0,
            ),
            (
                vec![part("a", Completed, 100.0), part("b", Failed, 0.0)],
                Failed,
                50.0,
            ),
            (vec![part("a", Completed, 100.0)], Completed, 100.0),
        ] {
            let standing = standing_of(&items).expect("something is known");
            assert_eq!(standing.status, status, "{items:?}");
            assert_eq!(standing.percentage(), percent, "{items:?}");
        }
        assert_eq!(standing_of(&[]), None);
    }
}
