//! The tools of iterm-mcp, as its clients know them: sessions by agent and team,
//! many at once, with locks, roles and notifications.
//!
//! Arguments come at the top level or under `request`; [`fields`] holds them to what the
//! tool knows. An answer is JSON, as text and as structured content; a list is an array
//! in the text, under a name of its own in the structured content. What goes beyond that
//! server: errors are marked as such, every writer passes the gate, locks bind all of
//! them.
//!
//! Each file has its tools' fields and answers, and turns them into the host's requests
//! and from its outcomes; fields are `Serialize` where a schema shows what they are unless
//! given. gRPC, which the same clients speak, takes these words, too.

mod agents;
pub(crate) mod cascade;
pub(crate) mod create;
pub(crate) mod encoding;
mod fields;
mod hierarchy;
mod keys;
pub(crate) mod layout;
mod locks;
mod looks;
mod modify;
mod monitoring;
mod notifications;
pub(crate) mod pattern;
pub(crate) mod playbook;
pub(super) mod prompts;
pub(crate) mod read;
pub(super) mod resources;
mod roles;
mod sessions;
mod tags;
pub(crate) mod target;
mod teams;
mod telemetry;
mod told_session;
mod wait;
pub(crate) mod write;

use std::sync::{Arc, OnceLock};

use quarterdeck_core::agents::AgentsError;
use quarterdeck_core::prompts::PromptReceipt;
use quarterdeck_core::{Caller, Host, HostError};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use keys::control;

use super::tool::{Dialect, Outcome, Toolbox};

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with_foreign::<sessions::ListSessions>()
                .with_foreign::<sessions::SetActiveSession>()
                .with_foreign::<create::CreateSessions>()
                .with_foreign::<create::SplitSession>()
                .with_foreign::<sessions::CheckSessionStatus>()
                .with_foreign::<write::WriteToSessions>()
                .with_foreign::<write::WriteToTerminal>()
                .with_foreign::<read::ReadSessions>()
                .with_foreign::<keys::SendControlCharacter>()
                .with_foreign::<keys::SendSpecialKey>()
                .with_foreign::<agents::RegisterAgent>()
                .with_foreign::<agents::ListAgents>()
                .with_foreign::<agents::RemoveAgent>()
                .with_foreign::<teams::CreateTeam>()
                .with_foreign::<teams::ListTeams>()
                .with_foreign::<teams::RemoveTeam>()
                .with_foreign::<teams::AssignAgentToTeam>()
                .with_foreign::<teams::RemoveAgentFromTeam>()
                .with_foreign::<playbook::OrchestratePlaybook>()
                .with_foreign::<cascade::SendCascadeMessage>()
                .with_foreign::<hierarchy::SelectPanesByHierarchy>()
                .with_foreign::<hierarchy::SendHierarchicalMessage>()
                .with_foreign::<modify::ModifySessions>()
                .with_foreign::<monitoring::StartMonitoringSession>()
                .with_foreign::<monitoring::StopMonitoringSession>()
                .with_foreign::<monitoring::ReadSessionLog>()
                .with_foreign::<locks::LockSession>()
                .with_foreign::<locks::UnlockSession>()
                .with_foreign::<locks::RequestSessionAccess>()
                .with_foreign::<tags::SetSessionTags>()
                .with_foreign::<notifications::GetNotifications>()
                .with_foreign::<notifications::GetAgentStatusSummary>()
                .with_foreign::<notifications::Notify>()
                .with_foreign::<wait::WaitForAgent>()
                .with_foreign::<roles::AssignSessionRole>()
                .with_foreign::<roles::GetSessionRole>()
                .with_foreign::<roles::RemoveSessionRole>()
                .with_foreign::<roles::ListSessionRoles>()
                .with_foreign::<roles::ListAvailableRoles>()
                .with_foreign::<roles::CheckToolPermission>()
                .with_foreign::<roles::GetSessionsByRole>(),
        )
    }))
}

/// JSON as text.
struct JsonText;

impl Dialect for JsonText {
    fn arguments(mut arguments: JsonObject, schema: &JsonObject) -> Result<JsonObject, HostError> {
        if arguments.get("request").is_some_and(Value::is_object)
            && let Some(Value::Object(request)) = arguments.remove("request")
        {
            for (name, value) in request {
                arguments.entry(name).or_insert(value);
            }
        }
        fields::only_known(&mut arguments, schema)?;
        Ok(arguments)
    }

    fn failure(error: &HostError) -> CallToolResult {
        let mut body = json!({ "error": told(error), "code": error.code() });
        let details = match error {
            HostError::Refused(refusal) => serde_json::to_value(refusal),
            HostError::ConfirmationRequired(pending) => serde_json::to_value(pending),
            _ => Ok(Value::Null),
        };
        if let Ok(details @ Value::Object(_)) = details {
            body["details"] = details;
        }
        let mut result = CallToolResult::error(vec![ContentBlock::text(format!("{body:#}"))]);
        result.structured_content = Some(body);
        result
    }
}

/// An answer that is one object.
fn answer(body: &impl Serialize) -> Outcome {
    let body = serde_json::to_value(body)
        .map_err(|error| HostError::Internal(format!("the answer is not JSON: {error}")))?;
    let mut result = CallToolResult::success(vec![ContentBlock::text(format!("{body:#}"))]);
    result.structured_content = Some(body);
    Ok(result)
}

/// An error, with what to do about it in the names of these tools.
fn told(error: &HostError) -> String {
    match error {
        HostError::SessionNotFound(_) | HostError::NoSessionMeant(_) => {
            format!("{error} with list_sessions")
        }
        HostError::Locked { .. } => format!("{error} with request_session_access"),
        HostError::Agents(AgentsError::LockOfNoTime) => format!("{error} as ttl_seconds"),
        HostError::Agents(AgentsError::TooManyTags(_)) => format!("{error}, with append: false"),
        other => other.to_string(),
    }
}

/// An answer that is a list of things called `name`.
fn list(name: &str, items: Vec<Value>) -> Outcome {
    let items = Value::Array(items);
    let mut result = CallToolResult::success(vec![ContentBlock::text(format!("{items:#}"))]);
    result.structured_content = Some(json!({ name: items }));
    Ok(result)
}

/// Why a prompt does not count as told; `None` where it was submitted.
fn not_submitted(receipt: &PromptReceipt) -> Option<String> {
    (!receipt.was_submitted()).then(|| {
        let problem = receipt.problem.clone();
        problem.unwrap_or_else(|| "it was not submitted".to_owned())
    })
}

/// What most switches are unless they are set.
fn yes() -> bool {
    true
}

/// The caller as the agent that its request names, whose role has to allow the tool.
/// A connection that belongs to an agent speaks for no other.
fn speaking_as(
    host: &Host,
    caller: Caller,
    agent: Option<&str>,
    tool: &str,
) -> Result<Caller, HostError> {
    let Some(agent) = agent.filter(|agent| !agent.is_empty()) else {
        return Ok(caller);
    };
    if let Some(own) = caller.agent.as_deref()
        && own != agent
    {
        return Err(HostError::InvalidParameters(format!(
            "this connection belongs to agent {own:?} and cannot speak for {agent:?}"
        )));
    }
    let caller = Caller {
        agent: Some(agent.to_owned()),
        ..caller
    };
    host.agents().may_call(&caller, tool)?;
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use quarterdeck_core::HostError;
    use serde_json::{Value, json};

    use super::super::tool::Dialect;
    use super::{JsonText, toolbox};

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }

    #[test]
    fn arguments_may_come_under_request() {
        let Value::Object(given) = json!({ "request": { "name": "a" }, "description": "d" }) else {
            unreachable!("an object")
        };
        let tools = toolbox().list();
        let tool = tools.iter().find(|it| it.name == "create_team");
        let schema = &tool.expect("listed").input_schema;
        let arguments = JsonText::arguments(given, schema).expect("known fields");
        assert_eq!(
            Value::Object(arguments),
            json!({ "name": "a", "description": "d" })
        );
    }

    #[test]
    fn an_error_says_what_and_which() {
        let failure = JsonText::failure(&HostError::SessionNotFound("abcd1234".to_owned()));
        let body = failure.structured_content.expect("an object");
        assert_eq!(body["code"], "SESSION_NOT_FOUND");
        assert_eq!(failure.is_error, Some(true));
    }
}
