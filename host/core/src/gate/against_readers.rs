//! Holds [`TypedLine`] to what real readers of lines make of the same keys: bash's
//! readline, and the terminal's own line discipline.
//!
//! A few hundred inputs are tried with every test run. To look for longer:
//! `QUARTERDECK_FUZZ_MINUTES=60 cargo test -p quarterdeck-core against_readers`.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use quarterdeck_terminal::{Cursor, Keyboard, OpenRequest, Terminal, Until, pty};
use regex::Regex;

use super::keystroke::strokes;
use super::typed_line::{Effect, TypedLine};

/// Keys that every reader takes alike.
const SHARED: &[&[u8]] = &[b"\x7f", b"\x15", b"\x17"];
/// Keys of a line editor.
const EDITING: &[&[u8]] = &[
    b"\x01", b"\x02", b"\x05", b"\x06", b"\x08", b"\x0b", b"\x1b[D", b"\x1b[C", b"\x1b[H",
    b"\x1b[F", b"\x1b[3~",
];
/// Inputs that are tried unless more time is given.
const INPUTS: u32 = 150;
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that says which lines it has read.
struct Reader {
    terminal: Terminal,
    keyboard: Keyboard,
    heard: Cursor,
    lines: u32,
}

impl Reader {
    /// `read` is a loop's condition that puts a line into `line`.
    async fn start(read: &str) -> Self {
        let script =
            format!("n=0; while {read}; do n=$((n+1)); printf '\\n@%s:%s@\\n' $n \"$line\"; done");
        let opened = pty::open(OpenRequest {
            shell: Some("bash".into()),
            args: ["--norc", "--noprofile", "-c", &script]
                .map(Into::into)
                .to_vec(),
            env: vec![("LC_ALL".into(), "C.UTF-8".into())],
            ..OpenRequest::default()
        })
        .await
        .expect("bash starts");
        let mut reader = Self {
            terminal: opened.terminal,
            keyboard: opened.keyboard,
            heard: Cursor::default(),
            lines: 0,
        };
        reader.is_asked().await;
        reader
    }

    /// A line editor shows its prompt once the keys are its own: what is typed before is
    /// edited by the kernel.
    async fn is_asked(&mut self) {
        self.heard = self.wait(r"\?").await.1;
    }

    async fn wait(&self, pattern: &str) -> (String, Cursor) {
        let until = Until::Pattern(Regex::new(pattern).expect("a pattern"));
        let waited = self.terminal.wait(until, Some(self.heard), PATIENCE).await;
        (waited.matched.unwrap_or_default(), waited.cursor)
    }

    /// Types the keys and Enter; gives the line that was read.
    async fn reads(&mut self, keys: &[u8]) -> String {
        self.keyboard.write(keys).await.expect("it takes keys");
        self.keyboard.write(b"\r").await.expect("it takes keys");
        self.lines += 1;
        let (matched, after) = self.wait(&format!("(?s)@{}:[^@]*@", self.lines)).await;
        self.heard = after;
        self.is_asked().await;
        let begin = format!("@{}:", self.lines);
        let line = matched
            .strip_prefix(&begin)
            .and_then(|it| it.strip_suffix('@'));
        line.unwrap_or_else(|| panic!("nothing was read of {keys:?}"))
            .to_owned()
    }
}

/// Keys that are no end of a line. `@` frames what is read, and `?` asks for it.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    let text = proptest::string::string_regex("[a-zé日 '\";|&~/.-]{1,6}").expect("a pattern");
    let one_of =
        |keys: &'static [&'static [u8]]| proptest::sample::select(keys).prop_map(<[u8]>::to_vec);
    let key = prop_oneof![
        4 => text.prop_map(String::into_bytes),
        2 => one_of(SHARED),
        2 => one_of(EDITING),
    ];
    proptest::collection::vec(key, 1..12).prop_map(|keys| keys.concat())
}

/// The line that the gate takes the keys for, and whether it doubts it.
fn foreseen(keys: &[u8]) -> (String, bool) {
    let mut line = TypedLine::default();
    for stroke in strokes(keys) {
        let effect = line.apply(&stroke);
        assert_eq!(effect, Effect::Edited, "{keys:?} hands nothing over");
    }
    match line.apply(&strokes(b"\r")[0]) {
        Effect::Submitted(submission) => (submission.text, submission.uncertain),
        Effect::Edited => unreachable!("an Enter hands the line over"),
    }
}

#[tokio::test]
async fn what_the_gate_foresees_is_what_is_read() {
    let mut editor = Reader::start("IFS= read -re -p '?' line").await;
    let mut discipline = Reader::start("IFS= read -r -p '?' line").await;
    let minutes = std::env::var("QUARTERDECK_FUZZ_MINUTES").ok();
    let minutes: Option<u64> = minutes.and_then(|minutes| minutes.parse().ok());
    let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    let mut runner = TestRunner::default();
    let mut tried = 0;
    while until.map_or(tried < INPUTS, |until| Instant::now() < until) {
        let input = keys().new_tree(&mut runner).expect("keys").current();
        let (line, uncertain) = foreseen(&input);
        // A line editor reads what is foreseen, doubted or not.
        assert_eq!(editor.reads(&input).await, line, "{input:?}");
        // What is not doubted, every reader reads so.
        if !uncertain {
            assert_eq!(discipline.reads(&input).await, line, "{input:?}");
        }
        tried += 1;
    }
    if minutes.is_some() {
        eprintln!("{tried} inputs");
    }
}
