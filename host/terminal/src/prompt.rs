//! What the marks say about the shell: whether it waits for a line, what it
//! runs, and when a command that the host gave it has ended.
//!
//! Pure: marks and what was typed go in, with the place in the transcript where
//! they lie. Owned by the session's task.
//!
//! `line` keeps what may stand on the line, `run` where a command's output lies.

mod line;
mod run;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use self::line::Line;
pub use self::run::CommandOutput;
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
    /// Where what the shell runs, or ran last, has printed.
    pub(crate) output: Option<CommandOutput>,
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
                self.output_ends(at);
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
                self.output = Some(CommandOutput {
                    start: at,
                    end: None,
                });
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
                self.output_ends(at);
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
                    return None;
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
        self.output_ends(at);
        if let Some(run) = &mut self.run {
            run.ended_untold(at);
        }
        Effect::Prompted
    }

    fn output_ends(&mut self, at: Cursor) {
        if let Some(output) = &mut self.output {
            output.end.get_or_insert(at);
        }
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
