//! `assign_session_role`, `get_session_role`, `remove_session_role`,
//! `list_session_roles`, `list_available_roles`, `check_tool_permission`,
//! `get_sessions_by_role`.

use std::sync::Arc;

use quarterdeck_core::agents::role::{Role, RoleAssignment, RoleConfig};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::create::{CreateSessions, SplitSession};
use super::{JsonText, answer, speaking_as};

#[derive(Deserialize, JsonSchema)]
pub(super) struct OneSession {
    /// The session's id
    session_id: String,
}

pub(super) struct AssignSessionRole;

#[derive(Deserialize, JsonSchema)]
pub(super) struct AssignArguments {
    /// The session's id
    session_id: String,
    /// devops, builder, debugger, researcher, tester, orchestrator, monitor or custom
    role: String,
    /// What the role means in this session, in place of its default
    #[serde(default)]
    role_config: Option<RoleConfig>,
    /// The agent that gives the role, whose own role has to allow that
    #[serde(default)]
    assigned_by: Option<String>,
}

impl ForeignTool for AssignSessionRole {
    const NAME: &'static str = "assign_session_role";
    const DESCRIPTION: &'static str =
        "Give a session a role: which programs may run there, and which tools its agent may call.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = AssignArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: AssignArguments) -> Outcome {
        let caller = speaking_as(&host, caller, arguments.assigned_by.as_deref(), Self::NAME)?;
        host.agents().may_change_roles(&caller)?;
        let role = parse(&arguments.role)?;
        host.describe_session(&arguments.session_id).await?;
        let config = arguments
            .role_config
            .map(|config| RoleConfig { role, ..config });
        let by = caller.agent.as_deref();
        let assigned = host
            .agents()
            .assign_role(&arguments.session_id, role, config, by)
            .await?;
        let mut told = describe(&assigned);
        told["status"] = "success".into();
        answer(&told)
    }
}

pub(super) struct GetSessionRole;

impl ForeignTool for GetSessionRole {
    const NAME: &'static str = "get_session_role";
    const DESCRIPTION: &'static str = "Get a session's role and what it means.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = OneSession;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, session: OneSession) -> Outcome {
        host.describe_session(&session.session_id).await?;
        match host.agents().role_of(&session.session_id) {
            Some(assigned) => answer(&describe(&assigned)),
            None => answer(&json!({
                "session_id": session.session_id,
                "has_role": false,
                "role": null,
                "description": null,
                "can_spawn_agents": true,
                "can_modify_roles": true,
                "priority": 5,
            })),
        }
    }
}

pub(super) struct RemoveSessionRole;

#[derive(Deserialize, JsonSchema)]
pub(super) struct RemoveArguments {
    /// The session's id
    session_id: String,
    /// The agent that takes the role away, whose own role has to allow that
    #[serde(default)]
    removed_by: Option<String>,
}

impl ForeignTool for RemoveSessionRole {
    const NAME: &'static str = "remove_session_role";
    const DESCRIPTION: &'static str = "Take a session's role away: everything is allowed again.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = RemoveArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: RemoveArguments) -> Outcome {
        let caller = speaking_as(&host, caller, arguments.removed_by.as_deref(), Self::NAME)?;
        host.agents().may_change_roles(&caller)?;
        let (status, message) = match host.agents().remove_role(&arguments.session_id).await? {
            true => ("success", "Role removed successfully"),
            false => ("not_found", "No role was assigned to this session"),
        };
        answer(&json!({
            "status": status,
            "session_id": arguments.session_id,
            "message": message,
        }))
    }
}

pub(super) struct ListSessionRoles;

#[derive(Deserialize, JsonSchema)]
pub(super) struct FilterArguments {
    /// Only this role
    #[serde(default)]
    role_filter: Option<String>,
}

impl ForeignTool for ListSessionRoles {
    const NAME: &'static str = "list_session_roles";
    const DESCRIPTION: &'static str = "List the roles that sessions have.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = FilterArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: FilterArguments) -> Outcome {
        let filter = arguments.role_filter.as_deref().map(parse).transpose()?;
        let roles = host.agents().roles();
        let assignments: Vec<Value> = (roles.iter())
            .filter(|assigned| filter.is_none_or(|role| assigned.config.role == role))
            .map(describe)
            .collect();
        answer(&json!({ "count": assignments.len(), "assignments": assignments }))
    }
}

pub(super) struct ListAvailableRoles;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Nothing {}

impl ForeignTool for ListAvailableRoles {
    const NAME: &'static str = "list_available_roles";
    const DESCRIPTION: &'static str =
        "List all roles and what they mean unless a session's own configuration says otherwise.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Nothing;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, _: Nothing) -> Outcome {
        let roles = host.agents().role_configs();
        answer(&json!({ "count": roles.len(), "roles": roles }))
    }
}

pub(super) struct CheckToolPermission;

#[derive(Deserialize, JsonSchema)]
pub(super) struct CheckArguments {
    /// The session's id
    session_id: String,
    /// A tool or a program
    tool_name: String,
}

impl ForeignTool for CheckToolPermission {
    const NAME: &'static str = "check_tool_permission";
    const DESCRIPTION: &'static str = "Check whether a session's role allows a tool or a program.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = CheckArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: CheckArguments) -> Outcome {
        let (id, tool) = (&arguments.session_id, &arguments.tool_name);
        host.describe_session(id).await?;
        let assigned = host.agents().role_of(id).map(|assigned| assigned.config);
        let unlisted = assigned.as_ref().and_then(|role| beyond_lists(role, tool));
        let refused = host.agents().would_allow(id, tool).err().or(unlisted);
        let role = assigned.map(|config| config.role);
        answer(&json!({
            "session_id": id,
            "tool_name": tool,
            "allowed": refused.is_none(),
            "reason": refused.map(|error| error.to_string()),
            "role": role,
            "has_role": role.is_some(),
        }))
    }
}

/// What a role forbids besides the tools and programs of its lists.
fn beyond_lists(role: &RoleConfig, tool: &str) -> Option<HostError> {
    if [CreateSessions::NAME, SplitSession::NAME].contains(&tool) {
        return role.allows_spawning().err();
    }
    let changes_roles = [AssignSessionRole::NAME, RemoveSessionRole::NAME].contains(&tool);
    let allowed = changes_roles.then(|| role.allows_changing_roles());
    allowed.and_then(Result::err)
}

pub(super) struct GetSessionsByRole;

#[derive(Deserialize, JsonSchema)]
pub(super) struct RoleArguments {
    /// The role
    role: String,
}

impl ForeignTool for GetSessionsByRole {
    const NAME: &'static str = "get_sessions_by_role";
    const DESCRIPTION: &'static str = "Get the sessions that have a role.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = RoleArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: RoleArguments) -> Outcome {
        let role = parse(&arguments.role)?;
        let roles = host.agents().roles();
        let sessions: Vec<&str> = (roles.iter())
            .filter(|assigned| assigned.config.role == role)
            .map(|assigned| assigned.session_id.as_str())
            .collect();
        answer(&json!({ "role": role, "count": sessions.len(), "session_ids": sessions }))
    }
}

fn parse(role: &str) -> Result<Role, HostError> {
    (role.parse()).map_err(|error: quarterdeck_core::agents::role::UnknownRole| {
        HostError::InvalidParameters(error.to_string())
    })
}

fn describe(assigned: &RoleAssignment) -> Value {
    let RoleAssignment {
        session_id,
        config,
        assigned_at,
        assigned_by,
    } = assigned;
    json!({
        "session_id": session_id,
        "has_role": true,
        "role": config.role,
        "description": config.description,
        "available_tools": config.available_tools,
        "restricted_tools": config.restricted_tools,
        "can_spawn_agents": config.can_spawn_agents,
        "can_modify_roles": config.can_modify_roles,
        "priority": config.priority,
        "assigned_at": assigned_at,
        "assigned_by": assigned_by,
    })
}
