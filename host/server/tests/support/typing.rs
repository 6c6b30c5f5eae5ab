//! A session in which something is typed and seen, to feel what streams cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quarterdeck_core::gate::Input;
use quarterdeck_core::operations::{Condition, CreateSession, RunCommand};
use quarterdeck_core::{Caller, Host};

/// Nobody waits longer for a key.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session whose terminal echoes.
pub(crate) struct Typing {
    host: Arc<Host>,
    session: String,
    caller: Caller,
    typed: u64,
}

impl Typing {
    pub(crate) async fn begin(host: &Arc<Host>) -> Self {
        let caller = Caller::command_line();
        let opened = host.create_session(CreateSession::default(), &caller).await;
        let session = opened.expect("a session").id.to_string();
        let cat = RunCommand {
            command: "cat >/dev/null".to_owned(),
            session_id: Some(session.clone()),
            timeout: Duration::from_millis(500),
            max_bytes: 1_000,
        };
        host.run_command(cat, &caller).await.expect("cat runs");
        Self {
            host: Arc::clone(host),
            session,
            caller,
            typed: 0,
        }
    }

    /// How long it takes from typing a word to seeing it.
    pub(crate) async fn once(&mut self) -> Duration {
        self.typed += 1;
        let word = format!("word{:06}.", self.typed);
        let began = Instant::now();
        let input = [Input::Text(format!("{word}\n"))];
        (self.host)
            .type_input(&self.session, &input, &self.caller)
            .await
            .expect("typed");
        let seen = self
            .host
            .wait_for(&self.session, Condition::Pattern(word), None, PATIENCE)
            .await
            .expect("seen");
        assert!(seen.met, "{seen:?}");
        began.elapsed()
    }

    /// The median of `times` times.
    #[allow(dead_code, reason = "the measurements use it, the tests do not")]
    pub(crate) async fn median(&mut self, times: usize) -> Duration {
        let mut taken = Vec::with_capacity(times);
        for _ in 0..times {
            taken.push(self.once().await);
        }
        taken.sort_unstable();
        taken[times / 2]
    }
}
