//! What is published of a hook event, with the names of the claude-mpm document.

use std::time::Instant;

use super::delegations::{Ending, Finished};
use super::{Delegations, HookEvent, HookMoment, TodoLists};
use crate::events::{
    self, AgentDelegation, AgentProcess, AgentStatus, ClaudeStatus, DelegationStatus, Happening,
    TicketCreated, TodoUpdate,
};

/// Everything that listeners are told of it; nothing of a command, which is
/// judged.
pub(crate) fn happenings(
    event: HookEvent,
    delegations: &mut Delegations,
    todo_lists: &mut TodoLists,
    now: Instant,
) -> Vec<Happening> {
    let HookEvent {
        agent,
        session,
        process,
        what,
        ..
    } = event;
    let program = agent.clone();
    let status = |status: AgentProcess, message: String| {
        let program = program.clone();
        vec![Happening::from(ClaudeStatus {
            status,
            pid: process,
            message,
            session_id: None,
            program,
        })]
    };
    match what {
        HookMoment::Command { .. } => Vec::new(),
        HookMoment::SessionStart => status(
            AgentProcess::Running,
            format!("{agent} has begun session {session}"),
        ),
        HookMoment::SessionEnd { reason } => {
            delegations.forget(&session);
            todo_lists.forget(&session);
            let why = reason
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            status(
                AgentProcess::Stopped,
                format!("{agent} has ended session {session}{why}"),
            )
        }
        HookMoment::TurnStart => status(AgentProcess::Running, format!("{agent} works")),
        HookMoment::TurnEnd => status(
            AgentProcess::Running,
            format!("{agent} waits for its person"),
        ),
        HookMoment::Notification { message } => status(AgentProcess::Running, message),
        HookMoment::DelegationStart { agent, task, id } => {
            handed_out(delegations, &session, &agent, &task, id, now)
        }
        HookMoment::DelegationEnd {
            agent,
            task,
            failed,
            id,
        } => {
            let ending = Ending {
                id: id.as_deref(),
                agent: agent.as_deref(),
                task: task.as_deref(),
            };
            came_back(delegations, &session, ending, failed, now)
        }
        HookMoment::Todos { todos } => {
            vec![list(todos)]
        }
        HookMoment::TodoChanged { todo } => todo_lists
            .change(&session, todo)
            .map(list)
            .into_iter()
            .collect(),
        HookMoment::TicketCreated { ticket } => vec![TicketCreated::from(ticket).into()],
    }
}

/// A task goes to `agent`: what is told of that.
pub(crate) fn handed_out(
    delegations: &mut Delegations,
    session: &str,
    agent: &str,
    task: &str,
    id: Option<String>,
    now: Instant,
) -> Vec<Happening> {
    delegations.begin(session, agent, task, id, now);
    let begun = AgentDelegation {
        agent: agent.to_owned(),
        task: task.to_owned(),
        status: DelegationStatus::Started,
        duration_ms: None,
    };
    vec![begun.into(), agents(delegations)]
}

/// A task comes back from an agent: what is told of that, if it was under way.
pub(crate) fn came_back(
    delegations: &mut Delegations,
    session: &str,
    ending: Ending<'_>,
    failed: bool,
    now: Instant,
) -> Vec<Happening> {
    match delegations.end(session, ending, now) {
        Some(over) => vec![ended(over, failed), agents(delegations)],
        None => Vec::new(),
    }
}

fn list(todos: Vec<super::Todo>) -> Happening {
    let todos = todos.into_iter().map(events::Todo::from).collect();
    TodoUpdate::of(todos).into()
}

fn ended(over: Finished, failed: bool) -> Happening {
    Happening::from(AgentDelegation {
        agent: over.agent,
        task: over.task,
        status: match failed {
            true => DelegationStatus::Failed,
            false => DelegationStatus::Completed,
        },
        duration_ms: u64::try_from(over.took.as_millis()).ok(),
    })
}

/// Who is at work.
pub(crate) fn agents(delegations: &Delegations) -> Happening {
    Happening::from(AgentStatus {
        active_agents: delegations.active(),
        agent_stats: delegations.tallies(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::hooks::{Ticket, Todo};

    /// What a listener gets of these moments, one second apart.
    fn told(moments: Vec<HookMoment>) -> Vec<Value> {
        let mut delegations = Delegations::default();
        let mut todo_lists = TodoLists::default();
        let mut now = Instant::now();
        let mut told = Vec::new();
        for what in moments {
            let event = HookEvent {
                agent: "claude-code".to_owned(),
                session: "s1".to_owned(),
                cwd: None,
                process: Some(7),
                what,
            };
            now += Duration::from_secs(1);
            let published = happenings(event, &mut delegations, &mut todo_lists, now);
            told.extend(published.iter().map(|what| json!(what)));
        }
        told
    }

    #[test]
    fn a_delegation_is_told_from_its_begin_to_its_end() {
        let start = || HookMoment::DelegationStart {
            agent: "engineer".to_owned(),
            task: "implement it".to_owned(),
            id: None,
        };
        let end = |failed| HookMoment::DelegationEnd {
            agent: None,
            task: None,
            failed,
            id: None,
        };
        let told = told(vec![start(), end(false), end(false), start(), end(true)]);
        let delegation = |status: &str, duration: Option<u64>| {
            let mut data = json!({ "agent": "engineer", "task": "implement it", "status": status });
            if let Some(duration) = duration {
                data["duration_ms"] = json!(duration);
            }
            json!({ "type": "agent.delegation", "data": data })
        };
        let agents = |active: &[&str], stats: Value| json!({ "type": "agent.status", "data": { "active_agents": active, "agent_stats": stats } });
        let stats = |tasks: u64| json!({ "engineer": { "tasks": tasks, "avg_duration_ms": 1000 } });
        assert_eq!(
            told,
            [
                delegation("started", None),
                agents(&["engineer"], json!({})),
                delegation("completed", Some(1000)),
                agents(&[], stats(1)),
                // An end that is told twice is told once.
                delegation("started", None),
                agents(&["engineer"], stats(1)),
                delegation("failed", Some(1000)),
                agents(&[], stats(2)),
            ]
        );
    }

    #[test]
    fn lists_and_tickets_have_the_documents_form() {
        let todo = |id: &str, status: &str| Todo {
            id: id.to_owned(),
            content: "do it".to_owned(),
            status: status.to_owned(),
            priority: None,
        };
        let told = told(vec![
            HookMoment::Todos {
                todos: vec![
                    todo("1", "completed"),
                    todo("2", "in_progress"),
                    todo("3", "new"),
                ],
            },
            HookMoment::TicketCreated {
                ticket: Ticket {
                    id: "T-1".to_owned(),
                    title: "monitor".to_owned(),
                    priority: Some("high".to_owned()),
                    assigned_to: None,
                },
            },
        ]);
        assert_eq!(told[0]["type"], "todo.update");
        assert_eq!(
            told[0]["data"]["stats"],
            json!({ "total": 3, "completed": 1, "in_progress": 1, "pending": 1 })
        );
        assert_eq!(told[0]["data"]["todos"][1]["status"], "in_progress");
        let ticket = json!({ "id": "T-1", "title": "monitor", "priority": "high" });
        assert_eq!(told[1], json!({ "type": "ticket.created", "data": ticket }));
    }

    #[test]
    fn a_session_is_told_with_the_process_behind_it() {
        let told = told(vec![
            HookMoment::SessionStart,
            HookMoment::SessionEnd {
                reason: Some("clear".to_owned()),
            },
        ]);
        assert_eq!(told[0]["type"], "claude.status");
        assert_eq!(told[0]["data"]["pid"], 7);
        assert_eq!(told[0]["data"]["status"], "running");
        assert_eq!(told[1]["data"]["status"], "stopped");
    }
}
