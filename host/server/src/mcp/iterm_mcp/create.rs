//! `create_sessions`, `split_session`.

use std::sync::Arc;

use quarterdeck_core::agents::role::{Role, RoleConfig};
use quarterdeck_core::orchestration::{self, AgentProgram, CreatedPane, PaneSpec};
use quarterdeck_core::{Caller, Host, HostError, Side};
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::layout::layout_named;
use super::target::TargetFields;
use super::{JsonText, answer};

pub(super) struct CreateSessions;

/// A coding agent's program.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AgentType {
    /// Claude Code.
    Claude,
    /// Gemini CLI.
    Gemini,
    /// Codex.
    Codex,
    /// GitHub Copilot.
    Copilot,
}

impl From<AgentType> for AgentProgram {
    fn from(agent: AgentType) -> Self {
        match agent {
            AgentType::Claude => Self::Claude,
            AgentType::Gemini => Self::Gemini,
            AgentType::Codex => Self::Codex,
            AgentType::Copilot => Self::Copilot,
        }
    }
}

/// One pane to be.
#[derive(Serialize, Deserialize, JsonSchema)]
struct PaneFields {
    /// Its name; made up from team and agent if there is none
    #[serde(default)]
    name: Option<String>,
    /// The agent that will work there
    #[serde(default)]
    agent: Option<String>,
    /// The agent's program, started at once
    #[serde(default)]
    agent_type: Option<AgentType>,
    /// The agent's team
    #[serde(default)]
    team: Option<String>,
    /// A first command
    #[serde(default)]
    command: Option<String>,
    /// Lines that are read of it by default
    #[serde(default)]
    max_lines: Option<usize>,
    /// Whether its output is followed
    #[serde(default)]
    monitor: bool,
    /// What it is for
    #[serde(default)]
    role: Option<Role>,
    /// What that role means here
    #[serde(default)]
    role_config: Option<RoleConfig>,
}

impl From<PaneFields> for PaneSpec {
    fn from(fields: PaneFields) -> Self {
        Self {
            name: fields.name,
            agent: fields.agent,
            program: fields.agent_type.map(AgentProgram::from),
            team: fields.team,
            command: fields.command,
            lines: fields.max_lines,
            monitor: fields.monitor,
            role: fields.role,
            role_config: fields.role_config,
        }
    }
}

/// Panes to be.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CreateArguments {
    /// One for each pane; the layout may have more
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(length(min = 1))]
    sessions: Vec<PaneFields>,
    /// SINGLE, HORIZONTAL_SPLIT (side by side), VERTICAL_SPLIT (stacked), QUAD, TRIPLE_RIGHT or TRIPLE_BOTTOM
    #[serde(default)]
    layout: String,
    /// A window that has to be there; panes have one of their own
    #[serde(default)]
    window_id: Option<String>,
}

fn at_least_one<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PaneFields>, D::Error> {
    let panes = Vec::deserialize(from)?;
    match panes.is_empty() {
        true => Err(D::Error::custom(
            "the list is empty: give an object, {} at the least, for each session",
        )),
        false => Ok(panes),
    }
}

impl TryFrom<CreateArguments> for orchestration::CreateSessions {
    type Error = HostError;

    fn try_from(arguments: CreateArguments) -> Result<Self, HostError> {
        Ok(Self {
            layout: layout_named(&arguments.layout)?,
            panes: arguments.sessions.into_iter().map(Into::into).collect(),
            window: arguments.window_id.filter(|id| !id.is_empty()),
        })
    }
}

/// A pane that is, as clients are told of it.
#[derive(Serialize)]
pub(crate) struct ToldPane {
    pub(crate) session_id: String,
    pub(crate) name: String,
    pub(crate) agent: Option<String>,
    pub(crate) persistent_id: String,
    /// Why its first command does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_error: Option<String>,
    /// Why its agent, team, role or monitoring is not as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_error: Option<String>,
}

impl From<CreatedPane> for ToldPane {
    fn from(pane: CreatedPane) -> Self {
        Self {
            session_id: pane.session.to_string(),
            name: pane.name,
            agent: pane.agent,
            persistent_id: pane.session.uuid().to_string(),
            command_error: pane.not_started.map(|error| error.to_string()),
            setup_error: pane.not_set_up.map(|error| error.to_string()),
        }
    }
}

/// Panes that are.
#[derive(Serialize)]
pub(crate) struct ToldPanes {
    pub(crate) sessions: Vec<ToldPane>,
    /// That of the first; empty where sessions have none.
    pub(crate) window_id: String,
}

impl From<Vec<CreatedPane>> for ToldPanes {
    fn from(panes: Vec<CreatedPane>) -> Self {
        let window = panes.first().and_then(|pane| pane.window.clone());
        Self {
            sessions: panes.into_iter().map(ToldPane::from).collect(),
            window_id: window.unwrap_or_default(),
        }
    }
}

impl ForeignTool for CreateSessions {
    const NAME: &'static str = "create_sessions";
    const DESCRIPTION: &'static str = "Create terminal sessions in a layout, each with an agent, a team, a role and a first command of its own. Commands are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = CreateArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: CreateArguments) -> Outcome {
        let created = host
            .create_sessions(&arguments.try_into()?, &caller)
            .await?;
        answer(&ToldPanes::from(created))
    }
}

pub(super) struct SplitSession;

/// Where a new pane goes.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// Over the target.
    Above,
    /// Under it.
    Below,
    /// At its left.
    Left,
    /// At its right.
    Right,
}

impl From<Direction> for Side {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Above => Self::Above,
            Direction::Below => Self::Below,
            Direction::Left => Self::Left,
            Direction::Right => Self::Right,
        }
    }
}

/// A pane to be, beside another.
#[derive(Deserialize, JsonSchema)]
pub(super) struct SplitArguments {
    /// Beside which session
    target: TargetFields,
    /// On which side
    direction: Direction,
    /// An iTerm2 profile
    #[serde(default)]
    profile: Option<String>,
    /// The new pane
    #[serde(flatten)]
    pane: PaneFields,
}

impl ForeignTool for SplitSession {
    const NAME: &'static str = "split_session";
    const DESCRIPTION: &'static str =
        "Create a terminal session beside another, in the same folder.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = SplitArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: SplitArguments) -> Outcome {
        let request = orchestration::SplitSession {
            target: arguments.target.into(),
            side: arguments.direction.into(),
            profile: arguments.profile,
            pane: arguments.pane.into(),
        };
        answer(&ToldPane::from(
            host.split_session(&request, &caller).await?,
        ))
    }
}
