//! Reading many sessions at once.

use std::sync::Arc;

use quarterdeck_policy::TRACE_TARGET;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target::Target;
use super::write::{pattern, yes};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::operations::View;
use crate::session::Session;

/// Lines that are read of a session for which nobody has said how many.
const USUAL_LINES: usize = 100;

/// The most that is returned of one session.
const MOST_BYTES: usize = 256 * 1024;

/// Sessions to read, and how much.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReadTarget {
    /// Which
    #[serde(flatten)]
    pub target: Target,
    /// How many of the last lines
    #[serde(default)]
    pub max_lines: Option<usize>,
}

/// What is to be read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReadSessions {
    /// Which sessions; the active one if none is given
    #[serde(default)]
    pub targets: Vec<ReadTarget>,
    /// Whether sessions are read at the same time
    #[serde(default = "yes")]
    pub parallel: bool,
    /// A regular expression: only lines that match are returned
    #[serde(default)]
    pub filter_pattern: Option<String>,
}

/// The end of one session's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionOutput {
    /// The session.
    pub session_id: String,
    /// Its name.
    pub name: String,
    /// The agent that works there.
    pub agent: Option<String>,
    /// The lines.
    pub content: String,
    /// How many.
    pub line_count: usize,
    /// Whether there is more above.
    pub truncated: bool,
}

/// The ends of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReadReport {
    /// In the order of the targets.
    pub outputs: Vec<SessionOutput>,
    /// How many sessions were read.
    pub total_sessions: usize,
}

impl Host {
    /// Reads the ends of sessions. Targets that mean no session are left out, as in
    /// a team without members.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "execute_read_request",
        skip_all
    )]
    pub async fn read_sessions(
        &self,
        request: &ReadSessions,
        caller: &Caller,
    ) -> Result<ReadReport, HostError> {
        let given = request
            .filter_pattern
            .as_deref()
            .filter(|it| !it.is_empty());
        let filter = given.map(|it| pattern("filter_pattern", it)).transpose()?;
        let active = [ReadTarget::default()];
        let targets = match request.targets.is_empty() {
            true => &active[..],
            false => &request.targets,
        };
        let mut meant: Vec<(Arc<Session>, Option<usize>)> = Vec::new();
        for target in targets {
            for session in self.resolve(&target.target, caller) {
                if meant.iter().all(|(known, _)| known.id != session.id) {
                    meant.push((session, target.max_lines.filter(|lines| *lines > 0)));
                }
            }
        }
        let read = (meant.iter()).map(|(session, lines)| self.read_end(session, *lines, &filter));
        let outputs: Vec<SessionOutput> = if request.parallel {
            futures_util::future::try_join_all(read).await?
        } else {
            let mut outputs = Vec::new();
            for one in read {
                outputs.push(one.await?);
            }
            outputs
        };
        Ok(ReadReport {
            total_sessions: outputs.len(),
            outputs,
        })
    }

    async fn read_end(
        &self,
        session: &Session,
        lines: Option<usize>,
        filter: &Option<regex::Regex>,
    ) -> Result<SessionOutput, HostError> {
        let id = session.id.as_str();
        let usual = || self.agents.desk().session(id).max_lines;
        let most = lines.or_else(usual).unwrap_or(USUAL_LINES);
        let view = match session.terminal.status().await.full_screen {
            true => View::Screen { lines: None },
            false => View::Scrollback {
                start: None,
                lines: most.saturating_add(session.terminal.status().await.size.rows().into()),
            },
        };
        let text = self.read_session(id, view).await?.text;
        let text = text.trim_end();
        let matching: Vec<&str> = (text.lines())
            .map(str::trim_end)
            .filter(|line| filter.as_ref().is_none_or(|filter| filter.is_match(line)))
            .collect();
        let mut shown = &matching[matching.len().saturating_sub(most)..];
        while shown.iter().map(|line| line.len() + 1).sum::<usize>() > MOST_BYTES {
            shown = &shown[1..];
        }
        Ok(SessionOutput {
            session_id: id.to_owned(),
            name: session.name.clone(),
            agent: self.agents.agent_of(id).map(|agent| agent.name),
            content: shown.join("\n"),
            line_count: shown.len(),
            truncated: shown.len() < matching.len(),
        })
    }
}
