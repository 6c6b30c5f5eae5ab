//! Playbooks: panes, commands in order, a cascade, readings: one request.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asking::AsksPerson;
use super::write::yes;
use super::{
    CascadeReport, CascadeRequest, CreateSessions, CreatedPanes, Message, ReadReport, ReadSessions,
    WriteMessages, WriteReport,
};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;

/// Messages that are sent together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// For the report
    #[serde(default = "usual_name")]
    pub name: String,
    /// What is typed where
    pub messages: Vec<Message>,
    /// Whether sessions are written to at the same time
    #[serde(default = "yes")]
    pub parallel: bool,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    pub skip_duplicates: bool,
}

fn usual_name() -> String {
    "commands".to_owned()
}

/// Everything that is done, from top to bottom.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Playbook {
    /// Sessions to create first
    #[serde(default)]
    pub layout: Option<CreateSessions>,
    /// Blocks of messages, one after the other
    #[serde(default)]
    pub commands: Vec<Block>,
    /// Then this is said
    #[serde(default)]
    pub cascade: Option<CascadeRequest>,
    /// And this is read
    #[serde(default)]
    pub reads: Option<ReadSessions>,
}

/// What came of one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockReport {
    /// The block.
    pub name: String,
    /// What came of its messages.
    pub write_result: WriteReport,
}

/// What came of a playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlaybookReport {
    /// The sessions created.
    pub layout: Option<CreatedPanes>,
    /// By block.
    pub commands: Vec<BlockReport>,
    /// Who was told.
    pub cascade: Option<CascadeReport>,
    /// What was read.
    pub reads: Option<ReadReport>,
}

impl Host {
    /// Plays a playbook. What fails in one message is in the report; what cannot be
    /// done at all ends it. What waits for a person is put to them through `asks`, block
    /// by block.
    pub async fn play(
        self: &Arc<Self>,
        playbook: &Playbook,
        asks: &dyn AsksPerson,
        caller: &Caller,
    ) -> Result<PlaybookReport, HostError> {
        let mut report = PlaybookReport::default();
        if let Some(layout) = &playbook.layout {
            report.layout = Some(Box::pin(self.create_sessions(layout, caller)).await?);
        }
        for block in &playbook.commands {
            let request = WriteMessages {
                messages: block.messages.clone(),
                parallel: block.parallel,
                skip_duplicates: block.skip_duplicates,
            };
            report.commands.push(BlockReport {
                name: block.name.clone(),
                write_result: Box::pin(self.write_to_sessions(&request, asks, caller)).await?,
            });
        }
        if let Some(cascade) = &playbook.cascade {
            report.cascade = Some(Box::pin(self.send_cascade(cascade, asks, caller)).await?);
        }
        if let Some(reads) = &playbook.reads {
            report.reads = Some(self.read_sessions(reads, caller).await?);
        }
        Ok(report)
    }
}
