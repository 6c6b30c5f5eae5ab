//! What approvers are asked: a command line, how it came to be, where it would run and
//! who wants it.

use std::path::Path;

use quarterdeck_policy::{CallerFacts, Certainty, Entry, PromptState, ReviewRequest, SessionFacts};
use quarterdeck_terminal::{ShellState, Status};

use super::Gate;
use super::continuation::EarlierLines;
use super::surroundings;
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::session::Session;

/// A command line, and how it came to be.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) entry: Entry,
    pub(super) certainty: Certainty,
    /// Those of its lines that were handed over before.
    pub(super) earlier: Option<EarlierLines>,
}

/// What the approvers are asked, and the audit rows of what it shows as recent.
pub(super) struct Asked {
    pub(super) request: ReviewRequest,
    pub(super) recent: Vec<i64>,
}

impl Asked {
    fn in_session(
        session: SessionFacts,
        caller: CallerFacts,
        line: &Line,
        (recent, texts): (Vec<i64>, Vec<String>),
    ) -> Self {
        Self {
            request: ReviewRequest {
                command_line: line.text.clone(),
                entry: line.entry,
                certainty: line.certainty,
                session,
                caller,
                recent: texts,
                time_ms: now_ms(),
                attributes: line
                    .earlier
                    .into_iter()
                    .flat_map(EarlierLines::attributes)
                    .collect(),
            },
            recent,
        }
    }

    /// A whole command that is judged outside any session.
    pub(super) fn outside(caller: &Caller, command: &str, mut facts: SessionFacts) -> Self {
        let project = surroundings::project(facts.cwd.as_deref().map(Path::new));
        facts.attributes.extend(project);
        Self {
            request: ReviewRequest {
                command_line: command.to_owned(),
                entry: Entry::Command,
                certainty: Certainty::Exact,
                session: facts,
                caller: caller.into(),
                recent: Vec::new(),
                time_ms: now_ms(),
                attributes: Vec::new(),
            },
            recent: Vec::new(),
        }
    }
}

impl Gate {
    /// What the approvers are asked about a line in a session.
    pub(super) async fn asked(
        &self,
        session: &Session,
        status: &Status,
        caller: &Caller,
        line: &Line,
    ) -> Asked {
        let (role, team) = self.agents.facts_of(&session.id);
        let agent_role = (caller.agent.as_deref()).and_then(|it| self.agents.role_of_agent(it));
        let session_facts = SessionFacts {
            role,
            team,
            ..session_facts(session, status).await
        };
        let caller = CallerFacts {
            role: agent_role,
            ..caller.into()
        };
        Asked::in_session(session_facts, caller, line, session.door.recent())
    }
}

/// A session as policies see it.
pub(crate) async fn session_facts(session: &Session, status: &Status) -> SessionFacts {
    SessionFacts {
        id: session.id.to_string(),
        name: session.name.clone(),
        backend: session.backend.as_str().to_owned(),
        // On another machine nobody knows it.
        cwd: status
            .cwd
            .as_ref()
            .filter(|_| session.remote_host.is_none())
            .map(|cwd| cwd.to_string_lossy().into_owned()),
        program: status
            .foreground
            .as_ref()
            .map(|program| program.name.clone()),
        prompt: match status.shell {
            ShellState::AtPrompt { .. } => PromptState::AtPrompt,
            ShellState::Running { .. } => PromptState::Running,
            ShellState::Unknown | ShellState::Exited(_) => PromptState::Unknown,
        },
        full_screen: status.full_screen,
        tags: session.tags.list(),
        role: None,
        team: None,
        attributes: surroundings::of_session(session, status).await,
    }
}
