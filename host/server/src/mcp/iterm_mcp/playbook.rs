//! `orchestrate_playbook`.

use std::sync::Arc;

use quarterdeck_core::orchestration::{
    Block, BlockReport, CascadeRequest, Playbook, PlaybookReport,
};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::cascade::{CascadeArguments, Cascaded};
use super::create::{CreateArguments, ToldPanes};
use super::read::{ReadArguments, ToldOutputs};
use super::write::{MessagesFields, WrittenAll};
use super::{JsonText, answer};

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
