//! Any text has an answer whose span lies inside it, and is never judged milder
//! with a danger on a line behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy_safety_tiers::{Certainty, Entry, Prompt, Request, Rules, explain};

fuzz_target!(|input: (String, u8, Option<String>, Vec<String>)| {
    let (command_line, shape, program, recent) = input;
    let request = Request {
        entry: [Entry::Command, Entry::Typed, Entry::Keys, Entry::Hook][usize::from(shape & 3)],
        certainty: [Certainty::Exact, Certainty::Unknown][usize::from(shape >> 2 & 1)],
        prompt: [Prompt::AtPrompt, Prompt::Running, Prompt::Unknown][usize::from(shape >> 3 & 3) % 3],
        full_screen: shape & 128 != 0,
        cwd: Some("/home/dev/shop".to_owned()),
        program,
        recent,
        command_line,
        ..Request::default()
    };
    let explained = explain(&Rules::default(), &request);
    assert!(!explained.verdict.reason.is_empty());
    if let Some(span) = explained.verdict.span {
        assert!(span.start < span.end);
        assert!(request.command_line.get(span.start..span.end).is_some());
    }
});
