//! `orchestrate_playbook`, `send_cascade_message`, `select_panes_by_hierarchy`,
//! `send_hierarchical_message`.

use std::sync::Arc;

use quarterdeck_core::orchestration::{CascadeRequest, HierarchyTarget, Playbook};
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer};

pub(super) struct OrchestratePlaybook;

#[derive(Deserialize, JsonSchema)]
pub(super) struct PlaybookArguments {
    /// What is done, from top to bottom
    playbook: Playbook,
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
        answer(&host.play(&arguments.playbook, &person, &caller).await?)
    }
}

pub(super) struct SendCascadeMessage;

impl ForeignTool for SendCascadeMessage {
    const NAME: &'static str = "send_cascade_message";
    const DESCRIPTION: &'static str = "Tell agents something: an agent gets the message for it, else the one for its team, else the broadcast. What an agent was told before is skipped, unless skip_duplicates is false.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = CascadeRequest;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, request: CascadeRequest) -> Outcome {
        Self::call_asking(host, caller, request, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        request: CascadeRequest,
        person: Person,
    ) -> Outcome {
        answer(&host.send_cascade(&request, &person, &caller).await?)
    }
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

fn yes() -> bool {
    true
}

impl ForeignTool for SelectPanesByHierarchy {
    const NAME: &'static str = "select_panes_by_hierarchy";
    const DESCRIPTION: &'static str = "Find sessions by team and agent.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = SelectArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: SelectArguments) -> Outcome {
        answer(&host.select_panes(&arguments.targets, arguments.set_active, &caller))
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
        let sent = host.send_hierarchical(
            &arguments.targets,
            arguments.broadcast.as_deref(),
            arguments.skip_duplicates,
            arguments.execute,
            &person,
            &caller,
        );
        let (report, refused) = sent.await?;
        answer(&json!({
            "results": report.results,
            "delivered": report.delivered_count,
            "skipped": report.skipped_count,
            "delivered_count": report.delivered_count,
            "skipped_count": report.skipped_count,
            "errors": refused,
        }))
    }
}
