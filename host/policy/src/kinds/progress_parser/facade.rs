//! The façade of kind `progress-parser`: one instance for each session that is
//! followed, with one resource `parser` in it.

use std::sync::Arc;

use wasmtime::component::ResourceAny;

use crate::calling::call_terms::CallTerms;
use crate::calling::callable::{Callable, Live};
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::interface::bindings::progress_parser::ProgressParserIndices;
use crate::interface::bindings::progress_parser::exports::quarterdeck::policy::parse_progress as wit;
use crate::interface::borrowed_lists::LentSession;
use crate::kinds::presentable::presentable;
use crate::loading::prepared::Prepared;
use crate::loading::rejection::Rejection;
use crate::{OutputPiece, ProgressStatus, ProgressUpdate, SessionFacts};

/// The longest item and label that are passed on, in bytes.
const LONGEST_TEXT: usize = 200;
/// How many bytes of updates one chunk may bring, once lifted.
const UPDATE_BYTES: usize = 256 << 10;

/// A component that answers `parse-progress`, ready to follow sessions.
pub(crate) struct ProgressParser(pub(crate) Callable<ProgressParserIndices>);

/// A parser at work for one session.
pub(crate) struct LiveParser {
    live: Live<ProgressParserIndices>,
    parser: ResourceAny,
}

impl ProgressParser {
    /// Checks that a linked component has the exports of the world.
    pub(crate) fn new(prepared: Prepared) -> Result<Self, Rejection> {
        Callable::new(prepared).map(ProgressParser)
    }

    /// Makes a parser for `session`, in an instance of its own.
    pub(crate) async fn start(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
        session: &SessionFacts,
    ) -> Result<LiveParser, Fault> {
        let live = self.0.live(engine, terms).await?;
        LiveParser::new(engine, live, session).await
    }

    /// The same for a trial, which takes the slot of a call instead of a place
    /// among the sessions that are followed. The caller holds that slot.
    pub(crate) async fn start_on_trial(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
        session: &SessionFacts,
    ) -> Result<LiveParser, Fault> {
        let live = self.0.live_on_trial(engine, terms).await?;
        LiveParser::new(engine, live, session).await
    }
}

impl LiveParser {
    async fn new(
        engine: &PolicyEngine,
        mut live: Live<ProgressParserIndices>,
        session: &SessionFacts,
    ) -> Result<LiveParser, Fault> {
        let exports = &live.exports;
        let lent = LentSession::of(session);
        let parser = engine
            .resume(&mut live.store, async |store| {
                exports
                    .quarterdeck_policy_parse_progress()
                    .parser()
                    .call_constructor(store, lent.session())
                    .await
                    .map_err(|error| Fault::of_call(&error))
            })
            .await?;
        Ok(LiveParser { live, parser })
    }

    /// Feeds one chunk. After a fault the parser must not be used again.
    pub(crate) async fn feed(
        &mut self,
        engine: &PolicyEngine,
        chunk: &[OutputPiece],
    ) -> Result<Vec<ProgressUpdate>, Fault> {
        let exports = &self.live.exports;
        let parser = self.parser;
        let pieces: Vec<wit::Piece<'_>> = chunk.iter().map(piece).collect();
        engine
            .resume(&mut self.live.store, async |store| {
                store.set_hostcall_fuel(UPDATE_BYTES);
                let updates = exports
                    .quarterdeck_policy_parse_progress()
                    .parser()
                    .call_feed(store, parser, &pieces)
                    .await
                    .map_err(|error| Fault::of_call(&error))?;
                Ok(updates.into_iter().map(clean).collect())
            })
            .await
    }
}

fn piece(piece: &OutputPiece) -> wit::Piece<'_> {
    match piece {
        OutputPiece::Text(text) => wit::Piece::Text(text),
        OutputPiece::PromptStart => wit::Piece::PromptStart,
        OutputPiece::CommandStart(command) => wit::Piece::CommandStart(command.as_deref()),
        OutputPiece::CommandEnd(status) => wit::Piece::CommandEnd(*status),
        OutputPiece::Reported(reported) => wit::Piece::Reported(wit::ReportedProgress {
            state: reported.state,
            percent: reported.percent,
        }),
    }
}

/// Takes over an update: its texts are shown to people and models, and its
/// percentage is drawn.
fn clean(update: wit::Update) -> ProgressUpdate {
    ProgressUpdate {
        item: presentable(&update.item, LONGEST_TEXT),
        label: presentable(&update.label, LONGEST_TEXT),
        status: match update.status {
            wit::Status::Running => ProgressStatus::Running,
            wit::Status::Waiting => ProgressStatus::Waiting,
            wit::Status::Completed => ProgressStatus::Completed,
            wit::Status::Failed => ProgressStatus::Failed,
        },
        completed: update.completed,
        total: update.total,
        percent: update
            .percent
            .filter(|percent| percent.is_finite())
            .map(|percent| percent.clamp(0.0, 100.0)),
    }
}
