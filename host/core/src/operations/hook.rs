//! A coding agent's hook.

use std::sync::PoisonError;
use std::time::Instant;

use crate::caller::{Caller, CallerKind, Transport};
use crate::error::HostError;
use crate::events::{
    self, AgentDelegation, AgentProcess, AgentStatus, ClaudeStatus, DelegationStatus,
    TicketCreated, TodoUpdate,
};
use crate::gate::{HookCommand, HookJudgement};
use crate::hooks::{Delegations, HookEvent, HookMoment};
use crate::host::Host;
use crate::session::SessionId;

impl Host {
    /// Takes a hook event: judges a command, or tells everybody what happened.
    /// `None` for what needs no answer.
    pub async fn hook(&self, event: HookEvent) -> Result<Option<HookJudgement>, HostError> {
        let HookEvent {
            agent,
            session,
            cwd,
            process,
            what,
        } = event;
        let claude = |status: AgentProcess, message: String| {
            self.events.publish(ClaudeStatus {
                status,
                pid: process,
                message,
                session_id: None,
                program: agent.clone(),
            });
        };
        match what {
            HookMoment::Command { command, can_ask } => {
                let hook = HookCommand {
                    agent: &agent,
                    session: SessionId::of_agent(&agent, &session),
                    command: &command,
                    cwd,
                    can_ask,
                };
                let caller = Caller {
                    kind: CallerKind::Agent,
                    client: Some(agent.clone()),
                    transport: Transport::Hook,
                    connection: hook.session.to_string(),
                };
                return self.gate.judge_hook(&caller, hook).await.map(Some);
            }
            HookMoment::SessionStart => {
                claude(
                    AgentProcess::Running,
                    format!("{agent} has begun session {session}"),
                );
            }
            HookMoment::SessionEnd { reason } => {
                self.with_delegations(|it| it.forget(&session));
                let why = reason
                    .map(|reason| format!(": {reason}"))
                    .unwrap_or_default();
                claude(
                    AgentProcess::Stopped,
                    format!("{agent} has ended session {session}{why}"),
                );
            }
            HookMoment::TurnStart => {
                claude(AgentProcess::Running, format!("{agent} works"));
            }
            HookMoment::TurnEnd => {
                claude(
                    AgentProcess::Running,
                    format!("{agent} waits for its person"),
                );
            }
            HookMoment::Notification { message } => {
                claude(AgentProcess::Running, message);
            }
            HookMoment::DelegationStart { agent, task } => {
                self.with_delegations(|it| it.begin(&session, &agent, &task, Instant::now()));
                self.events.publish(AgentDelegation {
                    agent,
                    task,
                    status: DelegationStatus::Started,
                    duration_ms: None,
                });
                self.publish_agents();
            }
            HookMoment::DelegationEnd {
                agent,
                task,
                failed,
            } => {
                let over = self.with_delegations(|it| {
                    it.end(&session, agent.as_deref(), task.as_deref(), Instant::now())
                });
                if let Some(over) = over {
                    self.events.publish(AgentDelegation {
                        agent: over.agent,
                        task: over.task,
                        status: match failed {
                            true => DelegationStatus::Failed,
                            false => DelegationStatus::Completed,
                        },
                        duration_ms: u64::try_from(over.took.as_millis()).ok(),
                    });
                    self.publish_agents();
                }
            }
            HookMoment::Todos { todos } => {
                let todos = todos.into_iter().map(events::Todo::from).collect();
                self.events.publish(TodoUpdate::of(todos));
            }
            HookMoment::TicketCreated { ticket } => {
                self.events.publish(TicketCreated::from(ticket));
            }
        }
        Ok(None)
    }

    fn publish_agents(&self) {
        let (active_agents, agent_stats) = self.with_delegations(|it| (it.active(), it.tallies()));
        self.events.publish(AgentStatus {
            active_agents,
            agent_stats,
        });
    }

    fn with_delegations<T>(&self, change: impl FnOnce(&mut Delegations) -> T) -> T {
        let mut delegations = self
            .delegations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut delegations)
    }
}
