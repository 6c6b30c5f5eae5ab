//! Playbooks: panes, commands in order, a cascade, readings: one request.

use std::sync::Arc;

use super::asking::AsksPerson;
use super::{
    CascadeRequest, CascadeResult, CreateSessions, CreatedPane, ReadSessions, SessionOutput,
    WriteMessages, WriteResult,
};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;

/// Messages that are sent together.
#[derive(Clone, Debug)]
pub struct Block {
    /// For the report.
    pub name: String,
    /// What is typed where.
    pub write: WriteMessages,
}

/// Everything that is done, from top to bottom.
#[derive(Clone, Debug, Default)]
pub struct Playbook {
    /// Sessions to create first.
    pub layout: Option<CreateSessions>,
    /// Blocks of messages, one after the other.
    pub blocks: Vec<Block>,
    /// Then this is said.
    pub cascade: Option<CascadeRequest>,
    /// And this is read.
    pub reads: Option<ReadSessions>,
}

/// What came of one block.
#[derive(Debug)]
pub struct BlockReport {
    /// The block.
    pub name: String,
    /// What came of its messages.
    pub results: Vec<WriteResult>,
}

/// What came of a playbook.
#[derive(Debug, Default)]
pub struct PlaybookReport {
    /// The sessions created.
    pub layout: Option<Vec<CreatedPane>>,
    /// By block.
    pub blocks: Vec<BlockReport>,
    /// Who was told.
    pub cascade: Option<Vec<CascadeResult>>,
    /// What was read.
    pub reads: Option<Vec<SessionOutput>>,
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
        for block in &playbook.blocks {
            report.blocks.push(BlockReport {
                name: block.name.clone(),
                results: Box::pin(self.write_to_sessions(&block.write, asks, caller)).await?,
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
