//! Playbooks: panes, commands in order, a cascade, readings: one request.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::{Until, WaitEnd};

use super::asking::AsksPerson;
use super::read::ReadTarget;
use super::target::Target;
use super::{
    CascadeOutcome, CascadeRequest, CascadeResult, CreateSessions, CreatedPane, ReadSessions,
    ReadSessionsResult, WriteMessages, WriteOutcome, WriteResult,
};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;

/// Before sessions are read, what was typed there may take this long to answer. What takes
/// longer, like a server that stays in front, is read as far as it is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Where prompts cannot be told, an answer is over when nothing was shown for so long.
const QUIET: Duration = Duration::from_millis(300);

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
    pub reads: Option<ReadSessionsResult>,
}

impl Playbook {
    /// The playbook with names as it means them: one that its own layout has given is that
    /// pane's, whoever else goes by it, say from an earlier run.
    fn with_names_of(&self, panes: &[CreatedPane]) -> Self {
        let meant = |target: &Target| match target {
            Target::Named(name) => {
                let own = panes.iter().filter(|pane| pane.name == *name);
                let own: Vec<Target> = own
                    .map(|pane| Target::Session(pane.session.to_string()))
                    .collect();
                match own.is_empty() {
                    true => vec![target.clone()],
                    false => own,
                }
            }
            _ => vec![target.clone()],
        };
        let mut played = self.clone();
        for message in (played.blocks.iter_mut()).flat_map(|block| &mut block.write.messages) {
            message.targets = message.targets.iter().flat_map(meant).collect();
        }
        if let Some(reads) = &mut played.reads {
            let targets = reads.targets.iter().flat_map(|read| {
                meant(&read.target).into_iter().map(|target| ReadTarget {
                    target,
                    lines: read.lines,
                })
            });
            reads.targets = targets.collect();
        }
        played
    }
}

impl PlaybookReport {
    /// The sessions into which something was typed.
    fn typed_into(&self) -> impl Iterator<Item = &str> {
        let by_blocks = self.blocks.iter().flat_map(|block| &block.results);
        let by_blocks = by_blocks.filter_map(|result| match result {
            WriteResult::Session {
                id,
                outcome: WriteOutcome::Typed,
                ..
            } => Some(id.as_str()),
            _ => None,
        });
        let by_cascade = self.cascade.iter().flatten();
        let by_cascade = by_cascade
            .filter(|result| matches!(result.outcome, CascadeOutcome::Typed))
            .filter_map(|result| result.session.as_deref());
        by_blocks.chain(by_cascade)
    }
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
        let playbook = playbook.with_names_of(report.layout.as_deref().unwrap_or_default());
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
            self.answers_of(&report).await;
            report.reads = Some(self.read_sessions(reads, caller).await?);
        }
        Ok(report)
    }

    /// Waits until what was typed has answered, in all sessions at once.
    async fn answers_of(&self, report: &PlaybookReport) {
        let answers = report.typed_into().map(async |id| {
            let Ok(session) = self.registry.get(id) else {
                return;
            };
            let waited = session.terminal.wait(Until::Prompt, None, ANSWERS_WITHIN);
            if waited.await.end == WaitEnd::NoIntegration {
                let quiet = Until::Quiet(QUIET);
                session.terminal.wait(quiet, None, ANSWERS_WITHIN).await;
            }
        });
        futures_util::future::join_all(answers).await;
    }
}
