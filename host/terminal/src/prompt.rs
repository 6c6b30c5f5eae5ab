//! What the marks say about the shell: whether it waits for a line, what it
//! runs, and when a command that the host gave it has ended.
//!
//! Pure: marks and what was typed go in, with the place in the transcript where
//! they lie. Owned by the session's task.
//!
//! `line` keeps what may stand on the line, `outputs` where each command's output lies, `run`
//! what came of the one that the host gave the shell.

mod line;
mod outputs;
mod run;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use self::line::Line;
pub use self::outputs::CommandOutput;
use self::outputs::Outputs;
pub(crate) use self::run::Ended;
use self::run::Run;
use crate::marks::{Answers, Mark, Numbered, Question};
use crate::transcript::Cursor;

/// How long a shell may take from Enter to the mark that tells what came of it.
const ACCEPTING_PATIENCE: Duration = Duration::from_millis(250);

/// What the shell is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No prompt was shown yet.
    Starting,
    /// The shell has written its marks to an earlier host, and none to this one.
    Inherited,
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
    /// There will be none.
    Unable,
    /// The shell has nothing more to run and makes its prompt.
    Prompting,
    /// The shell reads a new line.
    Prompted,
    /// The shell wants more of its command.
    Unfinished,
    /// The shell said what its line holds, and draws it again.
    Said,
    /// The shell said what its line holds.
    Line(LineHeld),
}

/// What the shell said about its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineHeld {
    pub(crate) text: String,
    /// Its editor has vi's keys, and may take text for commands.
    pub(crate) commands: bool,
}

pub(crate) struct Prompt {
    phase: Phase,
    /// Number of the newest prompt. Marks of older ones are replays.
    number: u64,
    pub(crate) loaded: bool,
    answers: Answers,
    /// What the line was said to hold, until the prompt is drawn again.
    answer: Option<LineHeld>,
    pub(crate) cwd: Option<PathBuf>,
    line: Line,
    /// Where the editor showed an empty line last.
    empty_at: Option<Cursor>,
    /// The line was accepted, as far as can be told by what was typed; the mark
    /// that says so is still on its way.
    entered: bool,
    /// Until when that mark is expected.
    accepting_until: Option<Instant>,
    /// When a line was last accepted, as far as can be told by what was typed.
    entered_at: Option<Instant>,
    pub(crate) last_status: Option<i32>,
    /// What the shell runs, as far as is known, and since when.
    pub(crate) command: Option<String>,
    pub(crate) since: SystemTime,
    pub(crate) outputs: Outputs,
    run: Option<Run>,
}

impl Prompt {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Starting,
            number: 0,
            loaded: false,
            answers: Answers::Never,
            answer: None,
            cwd: None,
            line: Line::default(),
            empty_at: None,
            entered: false,
            accepting_until: None,
            entered_at: None,
            last_status: None,
            command: None,
            since: SystemTime::now(),
            outputs: Outputs::default(),
            run: None,
        }
    }

    /// Of a shell that has served an earlier host: what it does shows at its next
    /// mark.
    pub(crate) fn inherited(answers: Answers) -> Self {
        Self {
            phase: Phase::Inherited,
            loaded: true,
            answers,
            ..Self::new()
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the shell can say what its line holds.
    pub(crate) fn answers_line(&self) -> bool {
        self.answers != Answers::Never
    }

    /// Whether the line may hold anything, as far as is known of what was typed.
    pub(crate) fn line_dirty(&self) -> bool {
        self.line.may_hold_anything()
    }

    /// Whether something was shown at the prompt since the editor showed an empty line: what
    /// somebody types, where the carrier does not tell of it. It may also be a prompt that
    /// is drawn bit by bit.
    pub(crate) fn shown_at_prompt(&self, now: Cursor) -> bool {
        self.empty_at != Some(now)
    }

    /// Whether the line goes on with a command that began on an earlier one.
    pub(crate) fn continued(&self) -> bool {
        self.line.continued
    }

    /// Whether nothing can be on the line that somebody typed: only what the terminal
    /// replied to a program.
    pub(crate) fn line_replied(&self) -> bool {
        self.line.holds_a_reply_alone()
    }

    /// Whether the terminal has replied to a program since somebody entered or cleared a
    /// line. For shells that write no marks.
    pub(crate) fn unread_reply(&self) -> bool {
        self.line.unread_reply()
    }

    /// A program has asked the terminal something, and whoever reads next gets the reply.
    pub(crate) fn terminal_replies(&mut self) {
        let reads = self.phase == Phase::AtPrompt && !self.entered;
        self.line.replies(reads);
    }

    /// Whether the shell is known to read a line, or something runs: not before its
    /// first prompt, and not between an Enter and what comes of it. An Enter that only takes what a search or a
    /// menu offers brings no mark, so that counts after a while too.
    pub(crate) fn is_settled(&self, now: Instant) -> bool {
        !matches!(self.phase, Phase::Starting | Phase::BetweenPrompts) && !self.is_accepting(now)
    }

    /// Whether the shell reads a line, as far as is known.
    pub(crate) fn reads_line(&self, now: Instant) -> bool {
        self.phase == Phase::AtPrompt && !self.is_accepting(now)
    }

    fn is_accepting(&self, now: Instant) -> bool {
        self.accepting_until().is_some_and(|until| now < until)
    }

    /// Until when an Enter at the prompt may still bring a mark.
    pub(crate) fn accepting_until(&self) -> Option<Instant> {
        self.accepting_until
            .filter(|_| self.phase == Phase::AtPrompt)
    }

    /// The shell is asked what its line holds.
    pub(crate) fn ask(&mut self, question: Question) {
        self.line.ask(question);
    }

    /// What the line was said to hold by a shell that has not drawn it since: after
    /// `stty -echo` it draws nothing.
    pub(crate) fn take_undrawn(&mut self) -> Option<LineHeld> {
        self.answer.take()
    }

    /// Takes a mark that lies at `at`. Marks that do not belong to the newest
    /// prompt are ignored.
    pub(crate) fn mark(&mut self, numbered: Numbered, at: Cursor) -> Option<Effect> {
        let Numbered { prompt, mark } = numbered;
        if self.phase == Phase::Inherited && self.number == 0 {
            // Whatever it is at, it is there now.
            self.number = match mark {
                Mark::PromptStart { .. } => prompt.saturating_sub(1),
                _ => prompt,
            };
        }
        let current = match mark {
            Mark::PromptStart { .. } => prompt > self.number,
            Mark::Filling => true,
            _ => prompt == self.number,
        };
        if !current {
            return None;
        }
        match mark {
            Mark::Hello { answers } => {
                self.loaded = true;
                self.answers = answers;
                Some(Effect::Loaded)
            }
            Mark::Unable => Some(Effect::Unable),
            Mark::Filling => None,
            Mark::PromptStart { cwd } => {
                self.number = prompt;
                self.loaded = true;
                self.phase = Phase::BetweenPrompts;
                self.cwd = cwd.or(self.cwd.take());
                self.outputs.ends(at, None);
                if let Some(run) = &mut self.run {
                    run.output_ends_by(at);
                }
                Some(Effect::Prompting)
            }
            Mark::PromptEnd if self.phase == Phase::BetweenPrompts => {
                self.phase = Phase::AtPrompt;
                self.empty_at = Some(at);
                self.line.begins();
                self.entered = false;
                self.accepting_until = None;
                self.answer = None;
                Some(Effect::Prompted)
            }
            Mark::PromptEnd if self.phase == Phase::Inherited => {
                self.phase = Phase::AtPrompt;
                self.line.is_unknown();
                Some(Effect::Prompted)
            }
            // The line was drawn again.
            Mark::PromptEnd => {
                let answer = self.answer.take()?;
                self.empty_at = answer.text.is_empty().then_some(at);
                Some(Effect::Line(answer))
            }
            Mark::Continuation if self.answer.is_some() => self.answer.take().map(Effect::Line),
            Mark::Continuation if self.phase != Phase::Running => {
                self.phase = Phase::AtPrompt;
                self.accepting_until = None;
                self.line.goes_on();
                Some(Effect::Unfinished)
            }
            Mark::Continuation => None,
            Mark::CommandStart { line } => {
                self.phase = Phase::Running;
                self.since = SystemTime::now();
                let held = self.line.runs();
                self.outputs.begins(at);
                if let Some(run) = &mut self.run {
                    run.output_begins(at);
                }
                let given = self.run.as_ref().map(|run| run.command.clone());
                self.command = given.or(line).or(held);
                None
            }
            Mark::CommandEnd { status } => {
                self.phase = Phase::BetweenPrompts;
                self.last_status = Some(status);
                self.outputs.ends(at, Some(status));
                if let Some(run) = &mut self.run {
                    run.ended(status, at);
                }
                None
            }
            // A late answer tells of a line that has changed since.
            Mark::Line { question, .. } if !self.line.is_asked(question) => None,
            Mark::Line { text, commands, .. } => {
                if self.phase == Phase::Inherited {
                    self.phase = Phase::AtPrompt;
                }
                self.line
                    .said(&text, commands, self.phase == Phase::AtPrompt);
                self.empty_at = text.is_empty().then_some(at);
                let held = LineHeld { text, commands };
                if self.answers == Answers::ThenRedraws {
                    self.answer = Some(held);
                    return Some(Effect::Said);
                }
                Some(Effect::Line(held))
            }
        }
    }

    /// Whether a mark is that of a line which is read where a command runs, as far as is
    /// known: a replay, or the shell has told nothing of the command's end.
    pub(crate) fn is_untold_prompt(&self, numbered: &Numbered) -> bool {
        self.phase == Phase::Running
            && numbered.mark == Mark::PromptEnd
            && numbered.prompt == self.number
    }

    /// The shell reads a line at `at` and has told nothing before: somebody has taken away
    /// its hook. It is put back when the shell is asked what its line holds.
    pub(crate) fn prompted_untold(&mut self, at: Cursor) -> Effect {
        self.phase = Phase::AtPrompt;
        self.line.is_unknown();
        self.entered = false;
        self.accepting_until = None;
        self.last_status = None;
        self.outputs.ends(at, None);
        if let Some(run) = &mut self.run {
            run.ended_untold(at);
        }
        Effect::Prompted
    }

    /// A line editor has accepted a line, at `at`.
    pub(crate) fn line_accepted(&mut self, at: Cursor) {
        if let Some(run) = &mut self.run {
            run.accepted(at);
        }
    }

    /// Somebody typed `bytes`.
    pub(crate) fn typed(&mut self, bytes: &[u8]) {
        if self.phase == Phase::AtPrompt {
            if self.line.typed(bytes, self.entered) {
                self.enter();
            }
        } else {
            self.line.typed_ahead(bytes);
        }
    }

    /// The host types `command`, with the transcript ending at `at`.
    pub(crate) fn begin_run(&mut self, command: String, at: Cursor) {
        self.line.is_unknown();
        self.enter();
        self.run = Some(Run::begin(command, self.number, at));
    }

    fn enter(&mut self) {
        self.entered = true;
        let now = Instant::now();
        self.entered_at = Some(now);
        self.accepting_until = Some(now + ACCEPTING_PATIENCE);
    }

    /// When the line that runs was entered; now, if nobody typed it here.
    pub(crate) fn entered_at(&mut self) -> Instant {
        self.entered_at.take().unwrap_or_else(Instant::now)
    }

    /// Where the output of the run begins, as far as is known now.
    pub(crate) fn run_output_start(&self) -> Option<Cursor> {
        self.run.as_ref().map(Run::output_start)
    }

    /// Forgets the run.
    pub(crate) fn give_up_run(&mut self) {
        self.run = None;
    }

    /// How the run has ended, before the prompt is there that is made for the next line.
    /// Of several lines nobody knows yet: the shell goes through the motions of a prompt
    /// before each.
    pub(crate) fn ended_run(&self, now: Cursor) -> Option<Ended> {
        let run = self.run.as_ref()?;
        let ended = run.is_one_line() && self.number > run.prompt;
        ended
            .then(|| run.end(now))
            .filter(|ended| ended.exit_status.is_some())
    }

    /// The end of the run, once a later prompt reads a line.
    pub(crate) fn end_run(&mut self, now: Cursor) -> Option<Ended> {
        let at_prompt = self.phase == Phase::AtPrompt;
        let run = (self.run).take_if(|run| at_prompt && run.is_over(self.number))?;
        Some(run.end(now))
    }
}

#[cfg(test)]
mod tests;
