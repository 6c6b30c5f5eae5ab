//! Reading many sessions at once.

use std::sync::Arc;

use quarterdeck_policy::TRACE_TARGET;

use super::target::Target;
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::operations::View;
use crate::pattern::Pattern;
use crate::session::{Session, SessionId};

/// Lines that are read of a session for which nobody has said how many.
const USUAL_LINES: usize = 100;

/// The most that is returned of one session.
const MOST_BYTES: usize = 256 * 1024;

/// Sessions to read, and how much.
#[derive(Clone, Debug, Default)]
pub struct ReadTarget {
    /// Which.
    pub target: Target,
    /// How many of the last lines, if not as many as are usual for each session.
    pub lines: Option<usize>,
}

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub struct ReadSessions {
    /// Which sessions; the active one if none is given.
    pub targets: Vec<ReadTarget>,
    /// Whether sessions are read at the same time.
    pub parallel: bool,
    /// Only lines that match are returned.
    pub filter: Option<Pattern>,
}

/// The end of one session's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOutput {
    /// The session.
    pub session: SessionId,
    /// Its name.
    pub name: String,
    /// The agent that works there.
    pub agent: Option<String>,
    /// The lines.
    pub text: String,
    /// How many.
    pub line_count: usize,
    /// Whether there is more above.
    pub truncated: bool,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSessionsResult {
    /// By session, in the order of the targets.
    pub outputs: Vec<SessionOutput>,
    /// Targets, and members of targets, that mean no session.
    pub without_session: Vec<Target>,
}

impl Host {
    /// Reads the ends of sessions, in the order of the targets, and says which targets
    /// mean none.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "execute_read_request",
        skip_all
    )]
    pub async fn read_sessions(
        &self,
        request: &ReadSessions,
        caller: &Caller,
    ) -> Result<ReadSessionsResult, HostError> {
        let active = [ReadTarget::default()];
        let targets = match request.targets.is_empty() {
            true => &active[..],
            false => &request.targets,
        };
        let mut meant: Vec<(Arc<Session>, Option<usize>)> = Vec::new();
        let mut without_session: Vec<Target> = Vec::new();
        for target in targets {
            for absent in self.absent(&target.target, caller) {
                if !without_session.contains(&absent) {
                    without_session.push(absent);
                }
            }
            for session in self.resolve(&target.target, caller) {
                if meant.iter().all(|(known, _)| known.id != session.id) {
                    meant.push((session, target.lines));
                }
            }
        }
        let filter = request.filter.as_ref();
        let read = (meant.iter()).map(|(session, lines)| self.read_end(session, *lines, filter));
        let outputs = match request.parallel {
            true => futures_util::future::try_join_all(read).await?,
            false => {
                let mut outputs = Vec::new();
                for one in read {
                    outputs.push(one.await?);
                }
                outputs
            }
        };
        Ok(ReadSessionsResult {
            outputs,
            without_session,
        })
    }

    async fn read_end(
        &self,
        session: &Session,
        lines: Option<usize>,
        filter: Option<&Pattern>,
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
            .filter(|line| filter.is_none_or(|filter| filter.is_match(line)))
            .collect();
        let mut shown = &matching[matching.len().saturating_sub(most)..];
        while shown.iter().map(|line| line.len() + 1).sum::<usize>() > MOST_BYTES {
            shown = &shown[1..];
        }
        Ok(SessionOutput {
            session: session.id.clone(),
            name: session.name.clone(),
            agent: self.agents.agent_of(id).map(|agent| agent.name),
            text: shown.join("\n"),
            line_count: shown.len(),
            truncated: shown.len() < matching.len(),
        })
    }
}
