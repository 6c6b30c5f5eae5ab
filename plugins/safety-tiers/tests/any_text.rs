//! Whatever the text, there is an answer, soon, and a danger in it is not
//! hidden by what stands around it.

#[path = "support/hostile.rs"]
mod hostile;

use std::time::{Duration, Instant};

use policy_safety_tiers::{Certainty, Entry, Request, Rules, Tier, review};
use proptest::prelude::*;

fn request(command_line: impl Into<String>) -> Request {
    Request {
        command_line: command_line.into(),
        cwd: Some("/home/dev/shop".to_owned()),
        ..Request::default()
    }
}

fn tier(command_line: impl Into<String>) -> Tier {
    review(&Rules::default(), &request(command_line)).tier
}

/// Pieces of which shell lines are made, to be put together at random.
fn fragment() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "rm",
        "-rf",
        "~",
        "/",
        "$X",
        "${X:-",
        "}",
        "$(",
        ")",
        "`",
        "'",
        "\"",
        "\\",
        "|",
        "||",
        "&&",
        "&",
        ";",
        ";;",
        "\n",
        "\r\n",
        "<",
        ">",
        ">>",
        "<<EOF\n",
        "EOF\n",
        "<<<",
        "<(",
        ">(",
        "((",
        "))",
        "$((",
        "[[",
        "]]",
        "{",
        "}",
        "{a,b}",
        "if",
        "then",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "while",
        "case",
        "esac",
        "function f",
        "f()",
        "()",
        "X=",
        "X=(",
        "eval",
        "sh -c",
        "xargs",
        "find . -exec",
        "sudo",
        "env",
        "#",
        "!",
        "!!",
        "*",
        "?",
        "[a-z]",
        "$'",
        "\\x41",
        "é",
        "\u{202e}",
        "\0",
        "\u{1}",
        "\u{3}",
        "curl x",
        "base64 -d",
        "alias x=",
        "trap",
        "cd",
        "..",
        "=",
        "~root",
        "2>&1",
        "&>",
        "@(a|b)",
    ])
    .prop_map(str::to_owned);
    prop_oneof![8 => fixed, 1 => "[a-z /.~$-]{0,12}", 1 => any::<String>()]
}

fn line() -> impl Strategy<Value = String> {
    let spaced = (fragment(), prop::bool::ANY)
        .prop_map(|(text, space)| if space { text + " " } else { text });
    prop::collection::vec(spaced, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_line_has_an_answer_with_a_span_inside_it(line in line(), hook in any::<bool>()) {
        let entry = if hook { Entry::Hook } else { Entry::Command };
        let request = Request { entry, recent: vec![line.clone()], ..request(line.clone()) };
        let verdict = review(&Rules::default(), &request);
        prop_assert!(!verdict.reason.is_empty());
        if let Some(span) = verdict.span {
            prop_assert!(span.start < span.end);
            prop_assert!(line.get(span.start..span.end).is_some(), "{span:?} of {line:?}");
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(line in line()) {
        prop_assert_eq!(review(&Rules::default(), &request(line.clone())), review(&Rules::default(), &request(line)));
    }

    #[test]
    fn a_danger_is_seen_after_any_complete_line(words in prop::collection::vec("[a-z0-9./=-]{1,8}", 1..6)) {
        let line = format!("{}\nrm -rf ~", words.join(" "));
        prop_assert_eq!(tier(line), Tier::Dangerous);
    }

    #[test]
    fn quoting_a_command_hides_nothing(quoting in prop::collection::vec(0_u8..4, 8)) {
        let mut line = String::new();
        for (character, how) in "rm -rf /".chars().zip(quoting) {
            match how {
                _ if character == ' ' => line.push(' '),
                0 => line.push(character),
                1 => line.push_str(&format!("'{character}'")),
                2 => line.push_str(&format!("\"{character}\"")),
                _ => line.push_str(&format!("\\{character}")),
            }
        }
        prop_assert_eq!(tier(line.clone()), Tier::Dangerous, "{}", line);
    }

    #[test]
    fn quoted_text_is_only_text(text in "[ -&(-~]{0,40}") {
        let verdict = review(&Rules::default(), &request(format!("echo '{text}'")));
        prop_assert_eq!(verdict.tier, Tier::Safe, "{}", text);
    }

    #[test]
    fn what_is_typed_into_a_program_has_an_answer(line in line(), program in "vim|python3|psql|less|ssh|make|") {
        let verdict = review(&Rules::default(), &Request {
            entry: Entry::Keys,
            certainty: Certainty::Unknown,
            program: Some(program),
            full_screen: true,
            ..request(line)
        });
        prop_assert!(!verdict.reason.is_empty());
    }
}

#[test]
fn hostile_texts_are_answered_in_bounded_time() {
    // Generous: a debug build is some twenty times slower than the component,
    // and the machine may be busy.
    const DEADLINE: Duration = Duration::from_secs(20);

    for (name, text) in hostile::texts() {
        let began = Instant::now();
        let _answered = tier(text);
        assert!(
            began.elapsed() < DEADLINE,
            "{name} took {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_danger_behind_too_much_text_is_never_safe() {
    for filler in ["a ", "a;", "'x' ", "$(a) ", "# x\n"] {
        let line = format!("echo {}\nrm -rf ~", filler.repeat(300_000));
        assert!(tier(line) > Tier::Safe, "{filler:?}");
    }
}

#[test]
fn what_is_nested_too_deeply_is_never_safe() {
    for (open, close) in [
        ("$(", ")"),
        ("(", ")"),
        ("{ ", "; }"),
        ("if ", "; then :; fi"),
    ] {
        let line = format!("{}rm -rf ~{}", open.repeat(200), close.repeat(200));
        assert!(tier(line) > Tier::Safe, "{open:?}");
    }
}
