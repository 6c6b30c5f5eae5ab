//! `get_notifications`, `get_agent_status_summary`, `notify`.

use std::sync::Arc;

use quarterdeck_core::agents::AgentLine;
use quarterdeck_core::agents::notifications::{
    LONGEST_SUMMARY, Level, Notification, NotificationFilter,
};
use quarterdeck_core::coding_agents::AgentActivity;
use quarterdeck_core::{Caller, Host, HostError, ms_of_rfc3339};
use rmcp::model::{CallToolResult, ContentBlock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer, speaking_as};

/// A notification, as clients are told of it.
#[derive(Serialize)]
pub(super) struct ToldNotification {
    agent: String,
    timestamp: String,
    level: Level,
    summary: String,
    context: Option<String>,
    action_hint: Option<String>,
}

impl From<Notification> for ToldNotification {
    fn from(notification: Notification) -> Self {
        Self {
            agent: notification.agent,
            timestamp: notification.timestamp,
            level: notification.level,
            summary: notification.summary,
            context: notification.context,
            action_hint: notification.action_hint,
        }
    }
}

pub(super) struct GetNotifications;

#[derive(Deserialize, JsonSchema)]
pub(super) struct GetArguments {
    /// How many at most
    #[serde(default = "usual_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: usize,
    /// Only these
    #[serde(default)]
    level: Option<Level>,
    /// Only of this agent
    #[serde(default)]
    agent: Option<String>,
    /// Only from this time on (RFC 3339)
    #[serde(default)]
    since: Option<String>,
}

fn usual_limit() -> usize {
    10
}

impl ForeignTool for GetNotifications {
    const NAME: &'static str = "get_notifications";
    const DESCRIPTION: &'static str = "Get the newest notifications of agents, newest first.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = GetArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: GetArguments) -> Outcome {
        if !(1..=100).contains(&arguments.limit) {
            return Err(HostError::InvalidParameters(format!(
                "limit is {}: give 1 to 100",
                arguments.limit
            )));
        }
        let since = arguments.since.as_deref().map(|since| {
            ms_of_rfc3339(since).ok_or_else(|| {
                HostError::InvalidParameters(format!(
                    "since is {since:?}: give a time such as 2026-03-01T12:00:00Z"
                ))
            })
        });
        let filter = NotificationFilter {
            limit: arguments.limit,
            level: arguments.level,
            agent: arguments.agent,
            since_ms: since.transpose()?,
        };
        let (found, total) = host.agents().notifications(&filter);
        let found: Vec<ToldNotification> = found.into_iter().map(Into::into).collect();
        answer(&json!({
            "notifications": found,
            "total_count": total,
            "has_more": total > found.len(),
        }))
    }
}

pub(super) struct GetAgentStatusSummary;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Nothing {}

impl ForeignTool for GetAgentStatusSummary {
    const NAME: &'static str = "get_agent_status_summary";
    const DESCRIPTION: &'static str =
        "One line for each agent: what it said last, and how many sessions it has locked.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Nothing;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, _: Nothing) -> Outcome {
        let lines = host.agent_summary().await;
        let lines: Vec<ToldLine> = lines.into_iter().map(ToldLine::from).collect();
        let mut result = CallToolResult::success(vec![ContentBlock::text(summary(&lines))]);
        result.structured_content = Some(json!({ "agents": lines }));
        Ok(result)
    }
}

/// How one agent is doing, as clients are told of it.
#[derive(Serialize)]
struct ToldLine {
    agent: String,
    level: Level,
    summary: String,
    locks: Vec<String>,
    session_id: Option<String>,
    is_processing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<AgentActivity>,
}

impl From<AgentLine> for ToldLine {
    fn from(line: AgentLine) -> Self {
        let (level, summary) = match line.said {
            Some(said) => (said.level, said.summary),
            None => (Level::Info, "No activity recorded".to_owned()),
        };
        Self {
            agent: line.agent,
            level,
            summary,
            locks: line.locks,
            session_id: line.session_id,
            is_processing: line.is_processing,
            activity: line.activity,
        }
    }
}

/// The summary as this family's clients show it.
fn summary(lines: &[ToldLine]) -> String {
    if lines.is_empty() {
        return "━━━ No notifications ━━━".to_owned();
    }
    let mut text = vec!["━━━ Agent Status ━━━".to_owned()];
    for line in lines {
        let locks = match line.locks.as_slice() {
            [only] => format!("[1 lock: {only}]"),
            locks => format!("[{} locks]", locks.len()),
        };
        let of_program = (line.activity.as_ref()).filter(|now| now.program.is_some());
        let runs = match (of_program, line.is_processing) {
            (Some(now), _) => format!(" {}", now.activity.as_str()),
            (None, true) => " ▶".to_owned(),
            (None, false) => String::new(),
        };
        let (agent, summary) = (&line.agent, &line.summary);
        text.push(format!(
            "{agent:<12} {} {summary:<20} {locks}{runs}",
            line.level.sign()
        ));
    }
    text.push("━━━━━━━━━━━━━━━━━━━━".to_owned());
    text.join("\n")
}

pub(super) struct Notify;

#[derive(Deserialize, JsonSchema)]
pub(super) struct NotifyArguments {
    /// The agent's name
    agent: String,
    /// How it is meant
    level: Level,
    /// One line, up to 100 characters
    summary: String,
    /// More about it
    #[serde(default)]
    context: Option<String>,
    /// What could be done
    #[serde(default)]
    action_hint: Option<String>,
}

impl ForeignTool for Notify {
    const NAME: &'static str = "notify";
    const DESCRIPTION: &'static str = "Add a notification for an agent.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = NotifyArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: NotifyArguments) -> Outcome {
        speaking_as(&host, caller, Some(&arguments.agent), Self::NAME)?;
        if arguments.summary.trim().is_empty() {
            return Err(HostError::InvalidParameters(format!(
                "summary is empty: say in up to {LONGEST_SUMMARY} characters what there is to say"
            )));
        }
        let kept = host.agents().notify(
            &arguments.agent,
            arguments.level,
            &arguments.summary,
            arguments.context,
            arguments.action_hint,
        );
        let kept = kept.await?;
        answer(&json!({
            "message": format!("Notification added for {}", kept.agent),
            "notification": ToldNotification::from(kept),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_has_a_line() {
        let line = |agent: &str, level, locks: &[&str]| ToldLine {
            agent: agent.to_owned(),
            level,
            summary: "built".to_owned(),
            locks: locks.iter().map(|lock| (*lock).to_owned()).collect(),
            session_id: None,
            is_processing: agent == "bob",
            activity: None,
        };
        let text = summary(&[
            line("alice", Level::Success, &["s1"]),
            line("bob", Level::Info, &[]),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "alice        ✓ built                [1 lock: s1]");
        assert_eq!(lines[2], "bob          ℹ built                [0 locks] ▶");
    }
}
