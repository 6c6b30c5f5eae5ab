//! Telling an agent something: one message into one session, and cascades.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::{ShellState, Until};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cascade::{Addressed, Cascade};
use super::write::{Encoding, yes};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::gate::Input;
use crate::host::Host;
use crate::keys::Key;
use crate::session::Session;

/// A shell that is starting is waited for this long before anything is typed.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How much of a message is kept for lists.
const SHOWN_OF_MESSAGE: usize = 200;

/// A cascade as clients ask for it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CascadeRequest {
    /// What is said to whom
    #[serde(flatten)]
    pub cascade: Cascade,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    pub skip_duplicates: bool,
    /// Whether Enter follows
    #[serde(default = "yes")]
    pub execute: bool,
}

/// What came of it for one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CascadeResult {
    /// The agent.
    pub agent: String,
    /// Its session; empty where it has none.
    pub session_id: String,
    /// Which of the messages it was: `agent`, `team` or `broadcast`.
    pub message_type: &'static str,
    /// Whether it was typed.
    pub delivered: bool,
    /// Why not: `duplicate`, `locked`, `session_not_found`, or an error in words.
    pub skipped_reason: Option<String>,
}

/// What came of it for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CascadeReport {
    /// By agent.
    pub results: Vec<CascadeResult>,
    /// How many were told.
    pub delivered_count: usize,
    /// How many were not.
    pub skipped_count: usize,
}

impl Host {
    /// Tells each agent the most specific message that there is for it.
    pub async fn send_cascade(
        &self,
        request: &CascadeRequest,
        caller: &Caller,
    ) -> Result<CascadeReport, HostError> {
        let addressed = request.cascade.resolve(&self.agents.state().roster);
        let tell = addressed
            .into_iter()
            .map(|it| self.tell_agent(it, request, caller));
        let results = futures::future::join_all(tell).await;
        let delivered_count = results.iter().filter(|result| result.delivered).count();
        Ok(CascadeReport {
            skipped_count: results.len() - delivered_count,
            delivered_count,
            results,
        })
    }

    async fn tell_agent(
        &self,
        addressed: Addressed,
        request: &CascadeRequest,
        caller: &Caller,
    ) -> CascadeResult {
        let session = addressed
            .session_id
            .as_deref()
            .map(|id| self.registry.get(id));
        let skipped_reason = match session {
            Some(Ok(session)) => {
                let told = self.tell_session(
                    &session,
                    &addressed.message,
                    request.execute,
                    Encoding::Never,
                    request.skip_duplicates,
                    caller,
                );
                match told.await {
                    Ok(true) => None,
                    Ok(false) => Some("duplicate".to_owned()),
                    Err(HostError::Locked { .. }) => Some("locked".to_owned()),
                    Err(error) => Some(error.to_string()),
                }
            }
            _ => Some("session_not_found".to_owned()),
        };
        CascadeResult {
            agent: addressed.agent,
            session_id: addressed.session_id.unwrap_or_default(),
            message_type: addressed.reach.as_str(),
            delivered: skipped_reason.is_none(),
            skipped_reason,
        }
    }

    /// Types a message into a session. `false` if its agent had it before and is to
    /// be spared; a session without an agent is spared nothing.
    pub(super) async fn tell_session(
        &self,
        session: &Arc<Session>,
        text: &str,
        execute: bool,
        encoding: Encoding,
        skip_duplicates: bool,
        caller: &Caller,
    ) -> Result<bool, HostError> {
        let agent = self
            .agents
            .agent_of(session.id.as_str())
            .map(|agent| agent.name);
        if let Some(agent) = agent.as_deref().filter(|_| skip_duplicates)
            && !self.agents.claim(agent, text)
        {
            return Ok(false);
        }
        self.agents
            .desk()
            .session_mut(session.id.as_str())
            .under_way += 1;
        let typed = Box::pin(self.type_message(session, text, execute, encoding, caller)).await;
        {
            let mut desk = self.agents.desk();
            let on_desk = desk.session_mut(session.id.as_str());
            on_desk.under_way = on_desk.under_way.saturating_sub(1);
            if typed.is_ok() {
                on_desk.messages += 1;
                on_desk.last_message_ms = Some(now_ms());
                on_desk.last_message = Some(text.chars().take(SHOWN_OF_MESSAGE).collect());
            }
        }
        match (typed, agent) {
            (Ok(()), Some(agent)) => self.agents.delivered(&agent, text).await?,
            (Ok(()), None) => {}
            (Err(error), agent) => {
                if let Some(agent) = agent.filter(|_| skip_duplicates) {
                    self.agents.unclaim(&agent, text);
                }
                return Err(error);
            }
        }
        Ok(true)
    }

    async fn type_message(
        &self,
        session: &Arc<Session>,
        text: &str,
        execute: bool,
        encoding: Encoding,
        caller: &Caller,
    ) -> Result<(), HostError> {
        let status = session.terminal.status().await;
        if let ShellState::Running { command: None, .. } = status.shell
            && status.integrated
        {
            // Typed into a shell that still reads its files, text shows twice.
            session
                .terminal
                .wait(Until::Prompt, None, START_PATIENCE)
                .await;
        }
        let line = if execute {
            text.trim_end_matches(['\r', '\n'])
        } else {
            text
        };
        if execute && encoding.applies_to(line) {
            return self.gate.run_encoded(session, line, caller).await.map(drop);
        }
        let mut input = Vec::new();
        if line.contains('\n') {
            input.push(Input::Paste(line.to_owned()));
        } else if !line.is_empty() {
            input.push(Input::Text(line.to_owned()));
        }
        if execute {
            input.push(Input::Key(Key::ENTER));
        }
        self.type_input(session.id.as_str(), &input, caller)
            .await
            .map(drop)
    }
}
