//! What the marks say about the shell: whether it waits for a line, what it
//! runs, and when a command that the host gave it has ended.
//!
//! Pure: marks and what was typed go in, with the place in the transcript where
//! they lie. Owned by the session's task.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

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
    /// The shell reads a new line.
    Prompted,
    /// The shell wants more of its command.
    Unfinished,
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

/// How the command that [`Prompt::begin_run`] began has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_status: Option<i32>,
    pub(crate) output: Range<Cursor>,
    pub(crate) duration: Duration,
    /// The shell ran nothing: a comment, or a line that it could not parse. The
    /// output then begins where the editor let go of the line, which with zsh is
    /// before the line feed that ends it.
    pub(crate) ran_nothing: bool,
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
    /// Something was typed on the line since it was known to be empty.
    dirty: bool,
    /// The line goes on with a command that began on an earlier one.
    pub(crate) continued: bool,
    /// Something was typed while no line was being read; it may turn up on the
    /// next one.
    typed_ahead: bool,
    /// The terminal has replied to a program since the line was known to be empty. What
    /// nobody read of it stands there.
    replied: bool,
    /// The same while no line was being read.
    replied_ahead: bool,
    /// The line was accepted, as far as can be told by what was typed; the mark
    /// that says so is still on its way.
    entered: bool,
    /// Until when that mark is expected.
    accepting_until: Option<Instant>,
    /// When a line was last accepted, as far as can be told by what was typed.
    entered_at: Option<Instant>,
    /// The question that waits for its answer; nothing was typed since.
    asked: Option<Asked>,
    pub(crate) last_status: Option<i32>,
    /// What the shell runs, as far as is known, and since when.
    pub(crate) command: Option<String>,
    pub(crate) since: SystemTime,
    /// What the line was last said to hold, if nothing was typed since.
    line: Option<String>,
    /// Where what the shell runs, or ran last, has printed.
    pub(crate) output: Option<CommandOutput>,
    run: Option<Run>,
}

/// Where a command's output is in the transcript: what stands before it is the prompt
/// and the line, what stands behind it the next prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandOutput {
    /// Its first byte.
    pub start: Cursor,
    /// The end; none while the command runs.
    pub end: Option<Cursor>,
}

/// The shell was asked what its line holds.
struct Asked {
    question: Question,
    /// The terminal has replied to a program meanwhile, which comes behind the question.
    replied_since: bool,
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
            answers: Answers::Never,
            answer: None,
            cwd: None,
            dirty: false,
            continued: false,
            typed_ahead: false,
            replied: false,
            replied_ahead: false,
            entered: false,
            accepting_until: None,
            entered_at: None,
            asked: None,
            last_status: None,
            command: None,
            since: SystemTime::now(),
            line: None,
            output: None,
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

    /// Whether the line may hold anything.
    pub(crate) fn line_dirty(&self) -> bool {
        self.dirty || self.continued || self.replied
    }

    /// Whether nothing can be there that somebody typed: only what the terminal replied
    /// to a program.
    pub(crate) fn line_replied(&self) -> bool {
        self.replied && !self.dirty && !self.continued
    }

    /// Whether the terminal has replied to a program since somebody entered or cleared a
    /// line. For shells that write no marks.
    pub(crate) fn unread_reply(&self) -> bool {
        self.replied || self.replied_ahead
    }

    /// A program has asked the terminal something, and whoever reads next gets the reply.
    pub(crate) fn terminal_replies(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.replied_since = true;
        }
        match self.phase {
            Phase::AtPrompt if !self.entered => {
                self.replied = true;
                self.line = None;
            }
            _ => self.replied_ahead = true,
        }
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
        self.asked = Some(Asked {
            question,
            replied_since: false,
        });
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
            Mark::Filling => None,
            Mark::PromptStart { cwd } => {
                self.number = prompt;
                self.loaded = true;
                self.phase = Phase::BetweenPrompts;
                self.cwd = cwd.or(self.cwd.take());
                self.output_ends(at);
                if let Some(run) = &mut self.run {
                    run.output_end.get_or_insert(at);
                }
                None
            }
            Mark::PromptEnd if self.phase == Phase::BetweenPrompts => {
                self.phase = Phase::AtPrompt;
                self.dirty = std::mem::take(&mut self.typed_ahead);
                // A part of it may have ended a line by itself.
                self.replied |= std::mem::take(&mut self.replied_ahead);
                self.entered = false;
                self.accepting_until = None;
                self.continued = false;
                self.line = None;
                self.answer = None;
                Some(Effect::Prompted)
            }
            Mark::PromptEnd if self.phase == Phase::Inherited => {
                self.phase = Phase::AtPrompt;
                self.dirty = true;
                Some(Effect::Prompted)
            }
            // The line was drawn again.
            Mark::PromptEnd => self.answer.take().map(Effect::Line),
            Mark::Continuation if self.answer.is_some() => self.answer.take().map(Effect::Line),
            Mark::Continuation if self.phase != Phase::Running => {
                self.phase = Phase::AtPrompt;
                self.accepting_until = None;
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
                self.output = Some(CommandOutput {
                    start: at,
                    end: None,
                });
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
                self.output_ends(at);
                if let Some(run) = &mut self.run {
                    run.exit_status = Some(status);
                    run.output_end = Some(at);
                }
                None
            }
            // A late answer tells of a line that has changed since.
            Mark::Line { question, .. }
                if self.asked.as_ref().map(|it| it.question) != Some(question) =>
            {
                None
            }
            Mark::Line { text, commands, .. } => {
                let replied_since = self.asked.take().is_some_and(|asked| asked.replied_since);
                if self.phase == Phase::Inherited {
                    self.phase = Phase::AtPrompt;
                }
                if self.phase == Phase::AtPrompt {
                    let empty = text.is_empty() && !commands;
                    self.dirty = !empty && !self.line_replied();
                    self.replied = replied_since || (self.replied && !empty);
                    self.line = Some(text.clone());
                }
                let held = LineHeld { text, commands };
                if self.answers == Answers::ThenRedraws {
                    self.answer = Some(held);
                    return None;
                }
                Some(Effect::Line(held))
            }
        }
    }

    fn output_ends(&mut self, at: Cursor) {
        if let Some(output) = &mut self.output {
            output.end.get_or_insert(at);
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
        self.asked = None;
        if self.phase == Phase::AtPrompt {
            self.dirty = true;
            // Enter, as a terminal and as an editor know it, and bash's ctrl-o. Ctrl-C
            // leaves the line as well, for another prompt.
            let leaves = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x0f | 0x03);
            let enter = bytes.iter().position(leaves);
            let beyond = enter.is_some_and(|at| at + 1 < bytes.len());
            self.typed_ahead |= self.entered || beyond;
            if enter.is_some() {
                self.enter();
            }
        } else {
            self.typed_ahead = true;
            // Enter, Ctrl-C and Ctrl-U: whoever reads without telling has a fresh line.
            let fresh = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x03 | 0x15);
            self.replied_ahead &= !bytes.iter().any(fresh);
        }
        // Enter runs what the line was said to hold.
        if bytes != b"\r" {
            self.line = None;
        }
    }

    /// The host types `command`, with the transcript ending at `at`.
    pub(crate) fn begin_run(&mut self, command: String, at: Cursor) {
        self.dirty = true;
        self.enter();
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
            ran_nothing: run.output_start.is_none(),
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

    fn held(text: &str, question: Question) -> Mark {
        Mark::Line {
            text: text.into(),
            question,
            commands: false,
        }
    }

    const STARTED: Mark = Mark::CommandStart { line: None };

    #[test]
    fn a_shell_that_was_inherited_is_known_from_its_next_mark_on() {
        let line = |text: &str| held(text, Question::FIRST);
        let mut prompt = Prompt::inherited(Answers::AtOnce);
        prompt.ask(Question::FIRST);
        assert_eq!(
            mark(&mut prompt, 57, line("ls"), 1),
            Some(Effect::Line(LineHeld {
                text: "ls".into(),
                commands: false,
            }))
        );
        assert!(prompt.phase() == Phase::AtPrompt && prompt.line_dirty());

        let mut prompt = Prompt::inherited(Answers::AtOnce);
        mark(&mut prompt, 57, Mark::CommandEnd { status: 3 }, 1);
        mark(&mut prompt, 58, Mark::PromptStart { cwd: None }, 1);
        let prompted = mark(&mut prompt, 58, Mark::PromptEnd, 1);
        assert_eq!(prompted, Some(Effect::Prompted));
        assert_eq!(prompt.last_status, Some(3));

        let mut prompt = Prompt::inherited(Answers::AtOnce);
        mark(&mut prompt, 57, STARTED, 1);
        assert_eq!(prompt.phase(), Phase::Running);
    }

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
        prompt.ask(Question::FIRST);
        mark(&mut prompt, 2, held("", Question::FIRST), 2);
        assert!(!prompt.line_dirty());
    }

    #[test]
    fn what_is_typed_before_the_start_is_known_is_typed_ahead_too() {
        for typed in [&[b"make\r".as_slice(), b"rm"] as &[&[u8]], &[b"make\rrm"]] {
            let mut prompt = at_prompt(1);
            for bytes in typed {
                prompt.typed(bytes);
            }
            mark(&mut prompt, 1, STARTED, 1);
            mark(&mut prompt, 2, Mark::PromptStart { cwd: None }, 2);
            mark(&mut prompt, 2, Mark::PromptEnd, 2);
            assert!(prompt.line_dirty(), "{typed:?}");
        }
    }

    #[test]
    fn an_answer_that_comes_late_does_not_count() {
        let mut prompt = at_prompt(1);
        prompt.ask(Question::FIRST);
        prompt.typed(b"\x19");
        for asked_again in [false, true] {
            if asked_again {
                prompt.ask(Question::FIRST.next());
            }
            let late = held("", Question::FIRST);
            assert_eq!(mark(&mut prompt, 1, late, 2), None);
            assert!(prompt.line_dirty());
        }
    }

    #[test]
    fn an_enter_unsettles_until_its_mark() {
        let now = Instant::now();
        let mut prompt = at_prompt(1);
        assert!(prompt.is_settled(now) && prompt.reads_line(now));
        prompt.typed(b"make\r");
        assert!(!prompt.is_settled(now) && !prompt.reads_line(now));
        let later = now + 2 * ACCEPTING_PATIENCE;
        assert!(prompt.reads_line(later), "a search has taken the Enter");
        mark(&mut prompt, 1, STARTED, 1);
        assert!(prompt.is_settled(now) && !prompt.reads_line(now));
        mark(&mut prompt, 1, Mark::CommandEnd { status: 0 }, 2);
        assert!(!prompt.is_settled(now));
        mark(&mut prompt, 2, Mark::PromptStart { cwd: None }, 2);
        mark(&mut prompt, 2, Mark::PromptEnd, 2);
        assert!(prompt.is_settled(now) && prompt.reads_line(now));
    }

    #[test]
    fn enter_runs_what_the_line_held() {
        let mut prompt = at_prompt(1);
        prompt.typed(b"\x1b[A");
        prompt.ask(Question::FIRST);
        mark(&mut prompt, 1, held("make", Question::FIRST), 2);
        prompt.typed(b"\r");
        mark(&mut prompt, 1, STARTED, 3);
        assert_eq!(prompt.command.as_deref(), Some("make"));
    }

    #[test]
    fn what_the_terminal_replied_may_stand_on_the_next_line() {
        let mut prompt = at_prompt(1);
        mark(&mut prompt, 1, STARTED, 1);
        prompt.terminal_replies();
        mark(&mut prompt, 2, Mark::PromptStart { cwd: None }, 2);
        mark(&mut prompt, 2, Mark::PromptEnd, 2);
        assert!(prompt.line_dirty() && prompt.line_replied());

        // It does, and nobody typed it.
        prompt.ask(Question::FIRST);
        mark(&mut prompt, 2, held("1R", Question::FIRST), 2);
        assert!(prompt.line_replied());

        // It does not, unless another reply comes behind the question.
        for replied_since in [true, false] {
            prompt.ask(Question::FIRST);
            if replied_since {
                prompt.terminal_replies();
            }
            mark(&mut prompt, 2, held("", Question::FIRST), 2);
            assert_eq!(prompt.line_dirty(), replied_since);
        }

        // What somebody typed as well is not thrown away with it.
        prompt.terminal_replies();
        prompt.typed(b"l");
        assert!(prompt.line_dirty() && !prompt.line_replied());
    }

    #[test]
    fn an_editor_that_takes_commands_is_not_at_an_empty_line() {
        let mut prompt = at_prompt(1);
        prompt.typed(b"\x1b");
        prompt.ask(Question::FIRST);
        let commands = Mark::Line {
            text: String::new(),
            question: Question::FIRST,
            commands: true,
        };
        mark(&mut prompt, 1, commands, 2);
        assert!(prompt.line_dirty());
    }
}
