//! Those who wait for something in a session. Looked at after each piece of
//! output, never on a clock; owned by the session's task.

use std::cell::OnceCell;
use std::process::ExitStatus;
use std::time::Duration;

use regex::Regex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::deadline::LONGEST_WAIT;
use crate::emulator::Emulator;
use crate::transcript::{Cursor, Transcript};

/// What to wait for.
#[derive(Debug, Clone)]
pub enum Until {
    /// A match in the text after the cursor or, while a program fills the whole
    /// screen, on that screen, of which the transcript keeps nothing. `^` and `$` mean what they mean in
    /// the pattern's own mode; once a long text had no match, a match that
    /// would span more than its last 16 KiB is not found.
    Pattern(Regex),
    /// The shell reads a line. Needs shell integration.
    Prompt,
    /// The shell reads a line or runs something: not the moment between an Enter
    /// and what comes of it. Met at once where nobody knows.
    Settled,
    /// Nothing was shown and nothing typed for so long.
    Quiet(Duration),
    /// The session's program has ended.
    Exit,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// What was waited for came.
    Met,
    /// The time was over.
    TimedOut,
    /// The session ended first.
    SessionEnded,
    /// There are no marks in this session, so nobody knows when it prompts.
    NoIntegration,
    /// More than a thousand wait for this session already.
    TooMany,
}

/// The answer to a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waited {
    /// Whether what was waited for came.
    pub met: bool,
    /// Why the wait is over.
    pub end: WaitEnd,
    /// The text that matched the pattern.
    pub matched: Option<String>,
    /// After the match; the end of the transcript where there is none.
    pub cursor: Cursor,
    /// Exit status of the last command, where marks tell.
    pub exit_status: Option<i32>,
    /// How the session's program ended, if it has and somebody can tell.
    pub exit: Option<ExitStatus>,
}

/// What the session's task knows at one moment.
pub(crate) struct Moment<'a> {
    pub(crate) transcript: &'a Transcript,
    /// While a program fills the whole screen.
    pub(crate) full_screen: Option<&'a Emulator>,
    pub(crate) at_prompt: bool,
    pub(crate) settled: bool,
    pub(crate) integrated: bool,
    pub(crate) last_activity: Instant,
    pub(crate) last_status: Option<i32>,
    pub(crate) ended: bool,
    pub(crate) exit: Option<ExitStatus>,
    pub(crate) screen_text: OnceCell<String>,
}

/// The most that wait for one session.
const MOST: usize = 1000;

/// How much of what had no match is looked at again with what follows it.
const OVERLAP_BYTES: usize = 16 * 1024;

#[derive(Default)]
pub(crate) struct Waits {
    waiting: Vec<Waiting>,
}

struct Waiting {
    until: Until,
    from: Cursor,
    deadline: Instant,
    reply: oneshot::Sender<Waited>,
}

impl Waits {
    /// Answers now, or keeps it until it can be answered.
    pub(crate) fn add(
        &mut self,
        until: Until,
        from: Cursor,
        timeout: Duration,
        reply: oneshot::Sender<Waited>,
        moment: &Moment<'_>,
    ) {
        let waiting = Waiting {
            until,
            from,
            deadline: after(Instant::now(), timeout),
            reply,
        };
        if self.waiting.len() >= MOST {
            let _ = waiting.reply.send(moment.waited(WaitEnd::TooMany, None));
            return;
        }
        self.waiting.push(waiting);
        self.check(moment);
    }

    /// Answers those whose time has come.
    pub(crate) fn check(&mut self, moment: &Moment<'_>) {
        let now = Instant::now();
        let mut index = 0;
        while index < self.waiting.len() {
            let waiting = &mut self.waiting[index];
            if waiting.reply.is_closed() {
                self.waiting.swap_remove(index);
                continue;
            }
            match waiting.look(moment, now) {
                Some(waited) => {
                    let waiting = self.waiting.swap_remove(index);
                    let _ = waiting.reply.send(waited);
                }
                None => index += 1,
            }
        }
    }

    /// When to check again if nothing happens until then.
    pub(crate) fn next_deadline(&self, last_activity: Instant) -> Option<Instant> {
        self.waiting
            .iter()
            .map(|waiting| match waiting.until {
                Until::Quiet(quiet) => waiting.deadline.min(after(last_activity, quiet)),
                _ => waiting.deadline,
            })
            .min()
    }
}

fn after(instant: Instant, duration: Duration) -> Instant {
    instant + duration.min(LONGEST_WAIT)
}

impl Waiting {
    fn look(&mut self, moment: &Moment<'_>, now: Instant) -> Option<Waited> {
        let met = match &self.until {
            Until::Pattern(pattern) => {
                if let Some((matched, cursor)) = find(pattern, &mut self.from, moment.transcript) {
                    let mut waited = moment.waited(WaitEnd::Met, Some(matched));
                    waited.cursor = cursor;
                    return Some(waited);
                }
                if let Some(found) = moment.screen_text().and_then(|text| pattern.find(text)) {
                    return Some(moment.waited(WaitEnd::Met, Some(found.as_str().to_owned())));
                }
                false
            }
            Until::Prompt if !moment.ended && !moment.integrated => {
                return Some(moment.waited(WaitEnd::NoIntegration, None));
            }
            Until::Prompt => moment.at_prompt,
            Until::Settled => moment.settled,
            Until::Quiet(quiet) => now >= after(moment.last_activity, *quiet),
            Until::Exit => moment.ended,
        };
        if met {
            Some(moment.waited(WaitEnd::Met, None))
        } else if moment.ended {
            Some(moment.waited(WaitEnd::SessionEnded, None))
        } else if now >= self.deadline {
            Some(moment.waited(WaitEnd::TimedOut, None))
        } else {
            None
        }
    }
}

/// Looks for the pattern in what is new, and in a little of what is not; `from` becomes
/// where to look next time.
fn find(pattern: &Regex, from: &mut Cursor, transcript: &Transcript) -> Option<(String, Cursor)> {
    loop {
        let excerpt = transcript.read(*from, transcript.end(), usize::MAX);
        if let Some(found) = pattern.find(&excerpt.text) {
            return Some((found.as_str().to_owned(), excerpt.cursor_after(found.end())));
        }
        if let Some(keep) = excerpt.text.len().checked_sub(OVERLAP_BYTES) {
            let keep = excerpt.text.floor_char_boundary(keep);
            let line = memchr::memrchr(b'\n', &excerpt.text.as_bytes()[..keep]);
            *from = excerpt.cursor_after(line.map_or(keep, |newline| newline + 1));
        } else if excerpt.next < transcript.end() {
            *from = excerpt.next;
        }
        if excerpt.next >= transcript.end() {
            return None;
        }
    }
}

impl Moment<'_> {
    /// What a program that fills the whole screen shows; made once for all who wait.
    fn screen_text(&self) -> Option<&str> {
        let emulator = self.full_screen?;
        let text = (self.screen_text).get_or_init(|| emulator.screen().text());
        Some(text)
    }

    fn waited(&self, end: WaitEnd, matched: Option<String>) -> Waited {
        Waited {
            met: end == WaitEnd::Met,
            end,
            matched,
            cursor: self.transcript.end(),
            exit_status: self.last_status,
            exit: self.exit,
        }
    }
}
