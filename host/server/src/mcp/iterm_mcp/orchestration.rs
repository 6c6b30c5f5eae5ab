//! `orchestrate_playbook`, `send_cascade_message`, `select_panes_by_hierarchy`,
//! `send_hierarchical_message`.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarterdeck_core::orchestration::cascade::{Cascade, Reach};
use quarterdeck_core::orchestration::{
    self, Block, BlockReport, CascadeOutcome, CascadeRequest, CascadeResult, NotThere, Playbook,
    PlaybookReport, Resolved,
};
use quarterdeck_core::prompts::PromptReceipt;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::create::{CreateArguments, ToldPanes};
use super::read::{ReadArguments, ToldOutputs};
use super::write::{MessagesFields, WrittenAll};
use super::{JsonText, answer, not_submitted, yes};

pub(super) struct OrchestratePlaybook;

/// Messages that are sent together.
#[derive(Serialize, Deserialize, JsonSchema)]
struct BlockFields {
    /// For the report
    #[serde(default = "usual_name")]
    name: String,
    #[serde(flatten)]
    messages: MessagesFields,
}

/// What a block without a name is called.
pub(crate) fn usual_name() -> String {
    "commands".to_owned()
}

/// Everything that is done, from top to bottom.
#[derive(Deserialize, JsonSchema)]
struct PlaybookFields {
    /// Sessions to create first
    #[serde(default)]
    layout: Option<CreateArguments>,
    /// Blocks of messages, one after the other
    #[serde(default)]
    commands: Vec<BlockFields>,
    /// Then this is said
    #[serde(default)]
    cascade: Option<CascadeArguments>,
    /// And this is read
    #[serde(default)]
    reads: Option<ReadArguments>,
}

impl TryFrom<PlaybookFields> for Playbook {
    type Error = HostError;

    fn try_from(fields: PlaybookFields) -> Result<Self, HostError> {
        let block = |block: BlockFields| {
            Ok(Block {
                name: block.name,
                write: block.messages.try_into()?,
            })
        };
        Ok(Self {
            layout: fields.layout.map(TryInto::try_into).transpose()?,
            blocks: (fields.commands.into_iter().map(block)).collect::<Result<_, HostError>>()?,
            cascade: fields.cascade.map(CascadeRequest::from),
            reads: fields.reads.map(TryInto::try_into).transpose()?,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct PlaybookArguments {
    /// What is done, from top to bottom
    playbook: PlaybookFields,
}

/// What came of one block, as clients are told of it.
#[derive(Serialize)]
pub(crate) struct ToldBlock {
    pub(crate) name: String,
    pub(crate) write_result: WrittenAll,
}

impl From<BlockReport> for ToldBlock {
    fn from(block: BlockReport) -> Self {
        Self {
            name: block.name,
            write_result: block.results.into(),
        }
    }
}

/// What came of a playbook.
#[derive(Serialize)]
pub(crate) struct Played {
    pub(crate) layout: Option<ToldPanes>,
    pub(crate) commands: Vec<ToldBlock>,
    pub(crate) cascade: Option<Cascaded>,
    pub(crate) reads: Option<ToldOutputs>,
}

impl From<PlaybookReport> for Played {
    fn from(report: PlaybookReport) -> Self {
        Self {
            layout: report.layout.map(ToldPanes::from),
            commands: report.blocks.into_iter().map(ToldBlock::from).collect(),
            cascade: report.cascade.map(Cascaded::from),
            reads: report.reads.map(ToldOutputs::from),
        }
    }
}

impl ForeignTool for OrchestratePlaybook {
    const NAME: &'static str = "orchestrate_playbook";
    const DESCRIPTION: &'static str = "Create sessions, send blocks of commands, cascade a message and read what came of it, in one call. Commands are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = PlaybookArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: PlaybookArguments) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: PlaybookArguments,
        person: Person,
    ) -> Outcome {
        let playbook = arguments.playbook.try_into()?;
        answer(&Played::from(host.play(&playbook, &person, &caller).await?))
    }
}

pub(super) struct SendCascadeMessage;

/// A cascade as clients ask for it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CascadeArguments {
    /// For every agent that has nothing more specific
    #[serde(default)]
    broadcast: Option<String>,
    /// Team name to message
    #[serde(default)]
    teams: BTreeMap<String, String>,
    /// Agent name to message
    #[serde(default)]
    agents: BTreeMap<String, String>,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    skip_duplicates: bool,
    /// Whether Enter follows
    #[serde(default = "yes")]
    execute: bool,
}

impl From<CascadeArguments> for CascadeRequest {
    fn from(arguments: CascadeArguments) -> Self {
        Self {
            cascade: Cascade {
                broadcast: arguments.broadcast,
                teams: arguments.teams,
                agents: arguments.agents,
            },
            skip_duplicates: arguments.skip_duplicates,
            execute: arguments.execute,
        }
    }
}

/// What came of a cascade for one agent, as clients are told of it.
#[derive(Serialize)]
pub(crate) struct CascadedOne {
    pub(crate) agent: String,
    /// Empty where the agent has none.
    pub(crate) session_id: String,
    /// `agent`, `team` or `broadcast`.
    pub(crate) message_type: &'static str,
    pub(crate) delivered: bool,
    /// `duplicate`, `locked`, `session_not_found`, or an error in words.
    pub(crate) skipped_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<PromptReceipt>,
}

impl From<CascadeResult> for CascadedOne {
    fn from(result: CascadeResult) -> Self {
        let skipped_reason = match &result.outcome {
            CascadeOutcome::Typed => None,
            CascadeOutcome::Prompted(receipt) => not_submitted(receipt),
            CascadeOutcome::Duplicate => Some("duplicate".to_owned()),
            CascadeOutcome::SessionGone => Some("session_not_found".to_owned()),
            CascadeOutcome::Failed(HostError::Locked { .. }) => Some("locked".to_owned()),
            CascadeOutcome::Failed(error) => Some(error.to_string()),
        };
        Self {
            delivered: result.was_delivered(),
            agent: result.agent,
            session_id: result.session.unwrap_or_default(),
            message_type: match result.reach {
                Reach::Agent => "agent",
                Reach::Team => "team",
                Reach::Broadcast => "broadcast",
            },
            skipped_reason,
            receipt: match result.outcome {
                CascadeOutcome::Prompted(receipt) => Some(receipt),
                _ => None,
            },
        }
    }
}

/// What came of it for all.
#[derive(Serialize)]
pub(crate) struct Cascaded {
    pub(crate) results: Vec<CascadedOne>,
    pub(crate) delivered_count: usize,
    pub(crate) skipped_count: usize,
}

impl From<Vec<CascadeResult>> for Cascaded {
    fn from(results: Vec<CascadeResult>) -> Self {
        let delivered = (results.iter()).filter(|result| result.was_delivered());
        let delivered_count = delivered.count();
        Self {
            delivered_count,
            skipped_count: results.len() - delivered_count,
            results: results.into_iter().map(CascadedOne::from).collect(),
        }
    }
}

impl ForeignTool for SendCascadeMessage {
    const NAME: &'static str = "send_cascade_message";
    const DESCRIPTION: &'static str = "Tell agents something: an agent gets the message for it, else the one for its team, else the broadcast. What an agent was told before is skipped, unless skip_duplicates is false.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = CascadeArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: CascadeArguments) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: CascadeArguments,
        person: Person,
    ) -> Outcome {
        let request = arguments.into();
        let sent = host.send_cascade(&request, &person, &caller).await?;
        answer(&Cascaded::from(sent))
    }
}

/// A place in the hierarchy, and what is said there.
#[derive(Deserialize, JsonSchema)]
struct HierarchyTarget {
    /// The team
    #[serde(default)]
    team: Option<String>,
    /// The agent, a member of the team if one is named
    #[serde(default)]
    agent: Option<String>,
    /// What is said; the broadcast if nothing is given
    #[serde(default)]
    message: Option<String>,
}

/// Places, as the host takes them.
fn places(targets: Vec<HierarchyTarget>) -> Vec<orchestration::HierarchyTarget> {
    let place = |target: HierarchyTarget| orchestration::HierarchyTarget {
        team: target.team,
        agent: target.agent,
        message: target.message,
    };
    targets.into_iter().map(place).collect()
}

/// What one place came to, as clients are told of it.
#[derive(Serialize)]
struct ToldPlace {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl From<Resolved> for ToldPlace {
    fn from(resolved: Resolved) -> Self {
        let (session, error) = match resolved.session {
            Ok(session) => (Some(session), None),
            Err(why) => (None, Some(why_not_there(why))),
        };
        Self {
            agent: resolved.agent,
            team: resolved.team,
            session_id: session.as_ref().map(|session| session.id.to_string()),
            session_name: session.map(|session| session.name),
            error,
        }
    }
}

fn why_not_there(why: NotThere) -> &'static str {
    match why {
        NotThere::UnknownAgent => "unknown_agent",
        NotThere::AgentNotInTeam => "agent_not_in_team",
        NotThere::TeamHasNoAgents => "team_has_no_agents",
        NotThere::SessionGone => "session_not_found",
    }
}

/// All of them.
fn told_places(resolved: Vec<Resolved>) -> Vec<ToldPlace> {
    resolved.into_iter().map(ToldPlace::from).collect()
}

pub(super) struct SelectPanesByHierarchy;

#[derive(Deserialize, JsonSchema)]
pub(super) struct SelectArguments {
    /// Places in the hierarchy
    targets: Vec<HierarchyTarget>,
    /// Whether the first session found becomes the active one
    #[serde(default = "yes")]
    set_active: bool,
}

impl ForeignTool for SelectPanesByHierarchy {
    const NAME: &'static str = "select_panes_by_hierarchy";
    const DESCRIPTION: &'static str = "Find sessions by team and agent.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = SelectArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: SelectArguments) -> Outcome {
        let places = places(arguments.targets);
        let selected = host.select_panes(&places, arguments.set_active, &caller);
        answer(&json!({
            "resolved": told_places(selected.resolved),
            "active_session": selected.active,
        }))
    }
}

pub(super) struct SendHierarchicalMessage;

#[derive(Deserialize, JsonSchema)]
pub(super) struct HierarchicalArguments {
    /// Places in the hierarchy, and what is said there
    targets: Vec<HierarchyTarget>,
    /// For every agent that has nothing more specific
    #[serde(default)]
    broadcast: Option<String>,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    skip_duplicates: bool,
    /// Whether Enter follows
    #[serde(default = "yes")]
    execute: bool,
}

impl ForeignTool for SendHierarchicalMessage {
    const NAME: &'static str = "send_hierarchical_message";
    const DESCRIPTION: &'static str =
        "Tell agents something by their place in the hierarchy; the most specific message wins.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = HierarchicalArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: HierarchicalArguments) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: HierarchicalArguments,
        person: Person,
    ) -> Outcome {
        let places = places(arguments.targets);
        let sent = host.send_hierarchical(
            &places,
            arguments.broadcast.as_deref(),
            arguments.skip_duplicates,
            arguments.execute,
            &person,
            &caller,
        );
        let sent = sent.await?;
        let cascaded = Cascaded::from(sent.results);
        answer(&json!({
            "results": cascaded.results,
            "delivered": cascaded.delivered_count,
            "skipped": cascaded.skipped_count,
            "delivered_count": cascaded.delivered_count,
            "skipped_count": cascaded.skipped_count,
            "errors": told_places(sent.refused),
        }))
    }
}
