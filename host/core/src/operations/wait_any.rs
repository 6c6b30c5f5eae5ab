//! Waiting for the first of several sessions and tasks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SessionActivity;
use super::agent_activity::catch_up;
use crate::coding_agents::{Activity, AgentActivity};
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};
use crate::tasks::TaskReport;

/// What a session is waited for to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitedFor {
    /// Its agent has worked and is idle, or its shell waits for a command.
    Done,
    /// Its agent, or its shell, is idle.
    Idle,
    /// Its agent asks for permission or something else.
    Asking,
    /// Its agent has reached a limit.
    RateLimited,
    /// Its agent's program or its shell has ended.
    Ended,
}

impl WaitedFor {
    /// What is waited for where nobody says.
    pub const USUAL: [Self; 4] = [Self::Done, Self::Asking, Self::RateLimited, Self::Ended];

    fn is_met_by(self, now: &AgentActivity) -> bool {
        match self {
            Self::Done => {
                now.activity == Activity::Idle && (now.turns > 0 || now.program.is_none())
            }
            Self::Idle => now.activity == Activity::Idle,
            Self::Asking => now.activity.is_asking(),
            Self::RateLimited => now.activity == Activity::RateLimited,
            Self::Ended => now.activity.has_ended(),
        }
    }
}

/// What to wait for.
#[derive(Clone, Debug)]
pub struct WaitAny {
    /// Any of these sessions …
    pub sessions: Vec<SessionId>,
    /// … or the end of any of these tasks.
    pub tasks: Vec<String>,
    /// What the sessions are waited for to do: any of these.
    pub until: Vec<WaitedFor>,
    /// How long.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct WaitAnyOutcome {
    /// The sessions that did what they were waited for to do; one that was closed
    /// counts as ended.
    pub sessions: Vec<String>,
    /// The tasks that have ended.
    pub tasks: Vec<String>,
    /// What goes on now in all of the sessions that there are.
    pub states: Vec<SessionActivity>,
    /// How all of the tasks are.
    pub reports: Vec<TaskReport>,
}

enum Met {
    Session(String),
    Task(String),
}

impl Host {
    /// Waits until the first of them is met; the outcome names all that are met by then,
    /// and none where time ran out.
    pub async fn wait_any(self: &Arc<Self>, request: WaitAny) -> Result<WaitAnyOutcome, HostError> {
        if request.sessions.is_empty() && request.tasks.is_empty() {
            return Err(HostError::InvalidParameters(
                "there is nothing to wait for: give sessions or taskIds".to_owned(),
            ));
        }
        let waits: FuturesUnordered<BoxFuture<'_, Result<Met, HostError>>> =
            FuturesUnordered::new();
        for id in &request.sessions {
            let session = self.registry.get(id.as_str())?;
            let until = request.until.clone();
            waits.push(Box::pin(async move {
                self.session_does(&session, &until).await;
                Ok(Met::Session(session.id.to_string()))
            }));
        }
        for id in &request.tasks {
            waits.push(Box::pin(async move {
                // The id is checked, and whoever has ended is told at once.
                self.task_reports(Some(vec![id.clone()]), None, request.timeout)
                    .await?;
                Ok(Met::Task(id.clone()))
            }));
        }
        let met = first_and_whoever_else(waits, request.timeout).await?;
        let mut outcome = WaitAnyOutcome {
            sessions: Vec::new(),
            tasks: Vec::new(),
            states: (request.sessions.iter())
                .filter_map(|id| self.activity_in(&*self.registry.get(id.as_str()).ok()?))
                .collect(),
            reports: match request.tasks.is_empty() {
                true => Vec::new(),
                false => {
                    self.task_reports(Some(request.tasks), None, Duration::ZERO)
                        .await?
                }
            },
        };
        for met in met {
            match met {
                Met::Session(id) => outcome.sessions.push(id),
                Met::Task(id) if outcome.has_ended(&id) => outcome.tasks.push(id),
                Met::Task(_) => {}
            }
        }
        Ok(outcome)
    }

    /// Waits until a session does one of these things, or is closed.
    async fn session_does(&self, session: &Session, until: &[WaitedFor]) {
        let Some(mut watch) = self.coding_agents.watch(&session.id) else {
            return;
        };
        catch_up(session, &mut watch).await;
        // An error means that the session was closed.
        let _ = watch
            .wait_for(|now| until.iter().any(|it| it.is_met_by(now)))
            .await;
    }
}

impl WaitAnyOutcome {
    fn has_ended(&self, task: &str) -> bool {
        (self.reports.iter()).any(|report| report.id.as_str() == task && report.state.has_ended())
    }
}

/// The first that is met within this time, with whoever else is met by then.
async fn first_and_whoever_else(
    mut waits: FuturesUnordered<BoxFuture<'_, Result<Met, HostError>>>,
    timeout: Duration,
) -> Result<Vec<Met>, HostError> {
    let mut met = Vec::new();
    if let Ok(Some(first)) = tokio::time::timeout(timeout, waits.next()).await {
        met.push(first?);
        while let Some(Some(other)) = waits.next().now_or_never() {
            met.push(other?);
        }
    }
    Ok(met)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding_agents::Evidence;

    #[test]
    fn an_agent_is_done_when_it_has_worked_and_a_shell_when_nothing_runs() {
        let now = |program: Option<&str>, activity, turns| AgentActivity {
            program: program.map(str::to_owned),
            activity,
            before: Activity::Unknown,
            evidence: Evidence::Screen,
            why: String::new(),
            since_ms: 0,
            resets_at_ms: None,
            turns,
        };
        for (now, met) in [
            (
                now(Some("claude"), Activity::Idle, 0),
                vec![WaitedFor::Idle],
            ),
            (
                now(Some("claude"), Activity::Idle, 1),
                vec![WaitedFor::Done, WaitedFor::Idle],
            ),
            (
                now(None, Activity::Idle, 0),
                vec![WaitedFor::Done, WaitedFor::Idle],
            ),
            (now(Some("claude"), Activity::Working, 1), vec![]),
            (now(Some("claude"), Activity::Unknown, 1), vec![]),
            (
                now(Some("claude"), Activity::AskingQuestion, 1),
                vec![WaitedFor::Asking],
            ),
            (
                now(Some("claude"), Activity::Crashed, 1),
                vec![WaitedFor::Ended],
            ),
        ] {
            let all = [
                WaitedFor::Done,
                WaitedFor::Idle,
                WaitedFor::Asking,
                WaitedFor::RateLimited,
                WaitedFor::Ended,
            ];
            let found: Vec<WaitedFor> = (all.into_iter()).filter(|it| it.is_met_by(&now)).collect();
            assert_eq!(found, met, "{now:?}");
        }
    }
}
