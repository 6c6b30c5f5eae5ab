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
fn each_command_keeps_its_own_output_and_end() {
    let mut prompt = at_prompt(1);
    for (number, status) in [(1, 7), (2, 0)] {
        mark(&mut prompt, number, STARTED, 10 * number);
        let ended = Mark::CommandEnd { status };
        mark(&mut prompt, number, ended, 10 * number + 5);
        let next = Mark::PromptStart { cwd: None };
        mark(&mut prompt, number + 1, next, 10 * number + 6);
        mark(&mut prompt, number + 1, Mark::PromptEnd, 10 * number + 8);
    }
    mark(&mut prompt, 3, STARTED, 30);
    let output = |number, end, exit_status| CommandOutput {
        number,
        start: Cursor::from_offset(10 * number),
        end,
        exit_status,
    };
    let ended = |at| Some(Cursor::from_offset(at));
    assert_eq!(
        prompt.outputs.earlier(),
        [output(1, ended(15), Some(7)), output(2, ended(25), Some(0))]
    );
    assert_eq!(prompt.outputs.last(), Some(output(3, None, None)));
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
