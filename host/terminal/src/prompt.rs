//! What the marks say about the shell: whether it waits for a line, what it
//! runs, and when a command that the host gave it has ended.
//!
//! Pure: marks and what was typed go in, with the place in the transcript where
//! they lie. Owned by the session's task.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::marks::{Mark, Numbered};
use crate::transcript::Cursor;

/// What the shell is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No prompt was shown yet.
    Starting,
    /// It reads a line.
    AtPrompt,
    /// It runs a command.
    Running,
    /// A command has ended, its prompt is not there yet.
    BetweenPrompts,
}

/// What a mark brought about, for those who wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The integration has been read.
    Loaded,
    /// The shell reads a new line.
    Prompted,
    /// The shell wants more of its command.
    Unfinished,
    /// The shell said what its line holds.
    Line(String),
}

/// How the command that [`Prompt::begin_run`] began has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_status: Option<i32>,
    pub(crate) output: Range<Cursor>,
    pub(crate) duration: Duration,
}

pub(crate) struct Prompt {
    phase: Phase,
    /// Number of the newest prompt. Marks of older ones are replays.
    number: u64,
    pub(crate) loaded: bool,
    pub(crate) answers_line: bool,
    pub(crate) cwd: Option<PathBuf>,
    /// Something was typed on the line since it was known to be empty.
    dirty: bool,
    /// The line goes on with a command that began on an earlier one.
    pub(crate) continued: bool,
    /// Something was typed while no line was being read; it may turn up on the
    /// next one.
    typed_ahead: bool,
    pub(crate) last_status: Option<i32>,
    /// What the shell runs, as far as is known, and since when.
    pub(crate) command: Option<String>,
    pub(crate) since: SystemTime,
    /// What the line was last said to hold, if nothing was typed since.
    line: Option<String>,
    run: Option<Run>,
}

/// A command that the host gave the shell and whose end is awaited.
struct Run {
    command: String,
    prompt: u64,
    began: Instant,
    typed_at: Cursor,
    /// Where the line editor said that it had accepted the line.
    accepted_at: Option<Cursor>,
    output_start: Option<Cursor>,
    output_end: Option<Cursor>,
    exit_status: Option<i32>,
}

impl Prompt {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Starting,
            number: 0,
            loaded: false,
            answers_line: false,
            cwd: None,
            dirty: false,
            continued: false,
            typed_ahead: false,
            last_status: None,
            command: None,
            since: SystemTime::now(),
            line: None,
            run: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the line may hold anything.
    pub(crate) fn line_dirty(&self) -> bool {
        self.dirty || self.continued
    }

    /// Takes a mark that lies at `at`. Marks that do not belong to the newest
    /// prompt are ignored.
    pub(crate) fn mark(&mut self, numbered: Numbered, at: Cursor) -> Option<Effect> {
        let Numbered { prompt, mark } = numbered;
        let current = match mark {
            Mark::PromptStart { .. } => prompt > self.number,
            Mark::Filling => true,
            _ => prompt == self.number,
        };
        if !current {
            return None;
        }
        match mark {
            Mark::Hello { answers_line } => {
                self.loaded = true;
                self.answers_line = answers_line;
                Some(Effect::Loaded)
            }
            Mark::Filling => None,
            Mark::PromptStart { cwd } => {
                self.number = prompt;
                self.loaded = true;
                self.phase = Phase::BetweenPrompts;
                self.cwd = cwd.or(self.cwd.take());
                if let Some(run) = &mut self.run {
                    run.output_end.get_or_insert(at);
                }
                None
            }
            Mark::PromptEnd if self.phase == Phase::BetweenPrompts => {
                self.phase = Phase::AtPrompt;
                self.dirty = std::mem::take(&mut self.typed_ahead);
                self.continued = false;
                self.line = None;
                Some(Effect::Prompted)
            }
            // The line was drawn again.
            Mark::PromptEnd => None,
            Mark::Continuation if self.phase != Phase::Running => {
                self.phase = Phase::AtPrompt;
                self.continued = true;
                self.line = None;
                Some(Effect::Unfinished)
            }
            Mark::Continuation => None,
            Mark::CommandStart { line } => {
                self.phase = Phase::Running;
                self.since = SystemTime::now();
                self.dirty = false;
                self.continued = false;
                if let Some(run) = &mut self.run {
                    run.output_start.get_or_insert(at);
                    run.output_end = None;
                }
                let given = self.run.as_ref().map(|run| run.command.clone());
                self.command = given.or(line).or(self.line.take());
                None
            }
            Mark::CommandEnd { status } => {
                self.phase = Phase::BetweenPrompts;
                self.last_status = Some(status);
                if let Some(run) = &mut self.run {
                    run.exit_status = Some(status);
                    run.output_end = Some(at);
                }
                None
            }
            Mark::Line { text } => {
                if self.phase == Phase::AtPrompt {
                    self.dirty = !text.is_empty();
                    self.line = Some(text.clone());
                }
                Some(Effect::Line(text))
            }
        }
    }

    /// A line editor has accepted a line, at `at`.
    pub(crate) fn line_accepted(&mut self, at: Cursor) {
        if let Some(run) = &mut self.run {
            run.accepted_at.get_or_insert(at);
        }
    }

    /// Somebody typed `bytes`.
    pub(crate) fn typed(&mut self, bytes: &[u8]) {
        match self.phase {
            Phase::AtPrompt => self.dirty = true,
            _ => self.typed_ahead = true,
        }
        // Enter runs what the line was said to hold.
        if bytes != b"\r" {
            self.line = None;
        }
    }

    /// The host types `command`, with the transcript ending at `at`.
    pub(crate) fn begin_run(&mut self, command: String, at: Cursor) {
        self.dirty = true;
        self.run = Some(Run {
            command,
            prompt: self.number,
            began: Instant::now(),
            typed_at: at,
            accepted_at: None,
            output_start: None,
            output_end: None,
            exit_status: None,
        });
    }

    /// Where the output of the run begins, as far as is known now.
    pub(crate) fn run_output_start(&self) -> Option<Cursor> {
        let run = self.run.as_ref()?;
        Some(run.output_start.or(run.accepted_at).unwrap_or(run.typed_at))
    }

    /// Forgets the run.
    pub(crate) fn give_up_run(&mut self) {
        self.run = None;
    }

    /// The end of the run, once a later prompt reads a line: in a paste of
    /// several lines the shell goes through the motions of a prompt before each.
    pub(crate) fn end_run(&mut self, now: Cursor) -> Option<Ended> {
        let ended = self.phase == Phase::AtPrompt
            && self
                .run
                .as_ref()
                .is_some_and(|run| self.number > run.prompt);
        let start = self.run_output_start()?;
        let run = self.run.take_if(|_| ended)?;
        Some(Ended {
            exit_status: run.exit_status,
            output: start..run.output_end.unwrap_or(now).max(start),
            duration: run.began.elapsed(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(prompt: &mut Prompt, number: u64, mark: Mark, at: u64) -> Option<Effect> {
        prompt.mark(
            Numbered {
                prompt: number,
                mark,
            },
            Cursor::from_offset(at),
        )
    }

    fn at_prompt(number: u64) -> Prompt {
        let mut prompt = Prompt::new();
        mark(&mut prompt, number, Mark::PromptStart { cwd: None }, 0);
        assert_eq!(
            mark(&mut prompt, number, Mark::PromptEnd, 0),
            Some(Effect::Prompted)
        );
        prompt
    }

    const STARTED: Mark = Mark::CommandStart { line: None };

    #[test]
    fn a_run_ends_at_the_prompt_that_reads_a_line() {
        let mut prompt = at_prompt(1);
        prompt.begin_run("a\nb".into(), Cursor::from_offset(10));
        mark(&mut prompt, 1, STARTED, 20);
        assert_eq!(prompt.command.as_deref(), Some("a\nb"));
        mark(&mut prompt, 1, Mark::CommandEnd { status: 1 }, 30);
        mark(&mut prompt, 2, Mark::PromptStart { cwd: None }, 31);
        assert_eq!(prompt.end_run(Cursor::from_offset(31)), None);
        mark(&mut prompt, 2, STARTED, 32);
        mark(&mut prompt, 2, Mark::CommandEnd { status: 7 }, 40);
        mark(&mut prompt, 3, Mark::PromptStart { cwd: None }, 41);
        mark(&mut prompt, 3, Mark::PromptEnd, 50);
        let ended = prompt.end_run(Cursor::from_offset(50)).expect("ended");
        assert_eq!(ended.exit_status, Some(7));
        assert_eq!(
            ended.output,
            Cursor::from_offset(20)..Cursor::from_offset(40)
        );
    }

    #[test]
    fn a_line_that_runs_nothing_ends_too() {
        let mut prompt = at_prompt(1);
        prompt.begin_run("# nothing".into(), Cursor::from_offset(10));
        prompt.line_accepted(Cursor::from_offset(20));
        mark(&mut prompt, 1, Mark::CommandEnd { status: 0 }, 20);
        mark(&mut prompt, 2, Mark::PromptStart { cwd: None }, 20);
        mark(&mut prompt, 2, Mark::PromptEnd, 25);
        let ended = prompt.end_run(Cursor::from_offset(25)).expect("ended");
        assert_eq!(
            ended.output,
            Cursor::from_offset(20)..Cursor::from_offset(20)
        );
    }

    #[test]
    fn marks_of_other_prompts_are_replays() {
        let mut prompt = at_prompt(3);
        prompt.begin_run("x".into(), Cursor::START);
        mark(&mut prompt, 3, STARTED, 1);
        for (number, replayed) in [
            (2, Mark::CommandEnd { status: 0 }),
            (4, Mark::CommandEnd { status: 0 }),
            (3, Mark::PromptStart { cwd: None }),
            (3, Mark::PromptEnd),
        ] {
            assert_eq!(mark(&mut prompt, number, replayed, 2), None);
            assert_eq!(prompt.phase(), Phase::Running);
        }
    }

    #[test]
    fn what_was_typed_ahead_makes_the_next_line_dirty() {
        let mut prompt = at_prompt(1);
        mark(&mut prompt, 1, STARTED, 1);
        prompt.typed(b"y");
        mark(&mut prompt, 2, Mark::PromptStart { cwd: None }, 2);
        mark(&mut prompt, 2, Mark::PromptEnd, 2);
        assert!(prompt.line_dirty());
        mark(
            &mut prompt,
            2,
            Mark::Line {
                text: String::new(),
            },
            2,
        );
        assert!(!prompt.line_dirty());
    }

    #[test]
    fn enter_runs_what_the_line_held() {
        let mut prompt = at_prompt(1);
        prompt.typed(b"\x1b[A");
        mark(
            &mut prompt,
            1,
            Mark::Line {
                text: "make".into(),
            },
            2,
        );
        prompt.typed(b"\r");
        mark(&mut prompt, 1, STARTED, 3);
        assert_eq!(prompt.command.as_deref(), Some("make"));
    }
}
