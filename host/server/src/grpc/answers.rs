//! What the domain answers, turned into what goes over gRPC: the same as the tools of
//! iterm-mcp tell, in the messages of its service.

use quarterdeck_core::agents::SharedSession;
use quarterdeck_core::agents::roster::Agent;
use quarterdeck_core::{ErrorCode, HostError};
use tonic::Status;

use super::proto;
use crate::mcp::iterm_mcp::cascade::Cascaded;
use crate::mcp::iterm_mcp::create::ToldPanes;
use crate::mcp::iterm_mcp::playbook::Played;
use crate::mcp::iterm_mcp::read::ToldOutputs;
use crate::mcp::iterm_mcp::write::WrittenAll;

/// A count as gRPC's clients take it.
pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// An error as a status, for calls whose answer has no place for one.
pub(super) fn status(error: &HostError) -> Status {
    let message = error.to_string();
    match error.code() {
        ErrorCode::SessionNotFound => Status::not_found(message),
        ErrorCode::InvalidParameters => Status::invalid_argument(message),
        ErrorCode::PermissionDenied => Status::permission_denied(message),
        ErrorCode::ResourceExhausted | ErrorCode::RateLimitExceeded => {
            Status::resource_exhausted(message)
        }
        ErrorCode::ConfirmationRequired
        | ErrorCode::SessionLocked
        | ErrorCode::SessionBusy
        | ErrorCode::SessionEnded => Status::failed_precondition(message),
        ErrorCode::InternalError => Status::internal(message),
    }
}

/// An outcome in the answer that has a place for errors.
pub(super) fn outcome(done: Result<String, HostError>) -> proto::StatusResponse {
    match done {
        Ok(message) => proto::StatusResponse {
            message,
            success: true,
        },
        Err(error) => proto::StatusResponse {
            message: error.to_string(),
            success: false,
        },
    }
}

impl From<SharedSession> for proto::Session {
    fn from(shared: SharedSession) -> Self {
        Self {
            persistent_id: shared.session.id.uuid().to_string(),
            id: shared.session.id.to_string(),
            name: shared.session.name,
            is_processing: shared.is_processing,
            agent: shared.agent.unwrap_or_default(),
        }
    }
}

impl From<SharedSession> for proto::SessionStatus {
    fn from(shared: SharedSession) -> Self {
        Self {
            name: shared.session.name,
            persistent_id: shared.session.id.uuid().to_string(),
            id: shared.session.id.to_string(),
            is_processing: shared.is_processing,
            agent: shared.agent.unwrap_or_default(),
        }
    }
}

impl From<ToldPanes> for proto::CreateSessionsResponse {
    fn from(panes: ToldPanes) -> Self {
        let sessions = panes
            .sessions
            .into_iter()
            .map(|pane| proto::CreatedSession {
                session_id: pane.session_id,
                name: pane.name,
                agent: pane.agent.unwrap_or_default(),
                persistent_id: pane.persistent_id,
            });
        Self {
            sessions: sessions.collect(),
            window_id: panes.window_id,
        }
    }
}

impl From<WrittenAll> for proto::WriteToSessionsResponse {
    fn from(written: WrittenAll) -> Self {
        let results = written
            .results
            .into_iter()
            .map(|result| proto::WriteResult {
                session_id: result.session_id,
                session_name: result.session_name.unwrap_or_default(),
                success: result.success,
                // The one place for words: how to have it typed all the same, too.
                error: result.error.or(result.hint).unwrap_or_default(),
                skipped: result.skipped,
                skipped_reason: result.skipped_reason.unwrap_or_default().to_owned(),
            });
        Self {
            results: results.collect(),
            sent_count: count(written.sent_count),
            skipped_count: count(written.skipped_count),
            error_count: count(written.error_count),
        }
    }
}

impl From<ToldOutputs> for proto::ReadSessionsResponse {
    fn from(read: ToldOutputs) -> Self {
        let outputs = read.outputs.into_iter().map(|output| proto::SessionOutput {
            session_id: output.session_id,
            name: output.name,
            agent: output.agent.unwrap_or_default(),
            content: output.content,
            line_count: count(output.line_count),
            truncated: output.truncated,
        });
        Self {
            outputs: outputs.collect(),
            total_sessions: count(read.total_sessions),
        }
    }
}

impl From<Cascaded> for proto::CascadeMessageResponse {
    fn from(cascaded: Cascaded) -> Self {
        let results = cascaded
            .results
            .into_iter()
            .map(|result| proto::CascadeResult {
                agent: result.agent,
                session_id: result.session_id,
                message_type: result.message_type.to_owned(),
                delivered: result.delivered,
                skipped_reason: result.skipped_reason.unwrap_or_default(),
            });
        Self {
            results: results.collect(),
            delivered_count: count(cascaded.delivered_count),
            skipped_count: count(cascaded.skipped_count),
        }
    }
}

impl From<Played> for proto::OrchestrateResponse {
    fn from(played: Played) -> Self {
        let commands = played
            .commands
            .into_iter()
            .map(|block| proto::PlaybookCommandResult {
                name: block.name,
                write_result: Some(block.write_result.into()),
            });
        Self {
            layout: played.layout.map(Into::into),
            commands: commands.collect(),
            cascade: played.cascade.map(Into::into),
            reads: played.reads.map(Into::into),
        }
    }
}

impl From<Agent> for proto::Agent {
    fn from(agent: Agent) -> Self {
        Self {
            name: agent.name,
            session_id: agent.session_id,
            teams: agent.teams,
            created_at: agent.created_at,
            metadata: agent.metadata.into_iter().collect(),
        }
    }
}
