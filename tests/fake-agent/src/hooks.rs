//! Its hooks, with the payloads of Claude Code.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// The program that is called; none if there are no words.
pub(crate) struct Hooks(Vec<String>);

impl Hooks {
    pub(crate) fn new(command: Vec<String>) -> Self {
        Self(command)
    }

    /// A prompt was submitted.
    pub(crate) fn turn_begins(&self) {
        self.call(json!({ "hook_event_name": "UserPromptSubmit", "prompt": "" }));
    }

    /// It is done with a prompt.
    pub(crate) fn turn_ends(&self) {
        self.call(json!({ "hook_event_name": "Stop", "stop_hook_active": false }));
    }

    fn call(&self, mut payload: Value) {
        let Some((program, arguments)) = self.0.split_first() else {
            return;
        };
        payload["session_id"] = json!(format!("fake-{}", std::process::id()));
        payload["cwd"] = json!(".");
        let called = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Ok(mut child) = called {
            if let Some(mut stdin) = child.stdin.take() {
                // A hook that does not read is the hook's affair.
                let _ = stdin.write_all(payload.to_string().as_bytes());
            }
            // As with agents, whose hooks hold them up.
            let _ = child.wait();
        }
    }
}
