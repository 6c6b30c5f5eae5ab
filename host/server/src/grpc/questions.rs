//! Requests as they come over gRPC, turned into the domain's. What a client leaves out
//! arrives as an empty text or 0 there.

use quarterdeck_core::HostError;
use quarterdeck_core::orchestration::cascade::Cascade;
use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{
    Block, CascadeRequest, CreateSessions, Encoding, Message, PaneSpec, Playbook, ReadSessions,
    ReadTarget, WriteMessages,
};

use super::proto;

/// A text, unless it was left out.
pub(super) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A number of lines, unless it was left out.
fn lines(number: i32) -> Option<usize> {
    usize::try_from(number).ok().filter(|lines| *lines > 0)
}

impl From<proto::SessionTarget> for Target {
    fn from(target: proto::SessionTarget) -> Self {
        Self {
            session_id: given(target.session_id),
            name: given(target.name),
            agent: given(target.agent),
            team: given(target.team),
        }
    }
}

impl From<proto::SetActiveSessionRequest> for Target {
    fn from(request: proto::SetActiveSessionRequest) -> Self {
        use proto::set_active_session_request::Target as Named;
        let mut target = Self::default();
        match request.target {
            Some(Named::SessionId(id)) => target.session_id = given(id),
            Some(Named::Name(name)) => target.name = given(name),
            Some(Named::Agent(agent)) => target.agent = given(agent),
            None => {}
        }
        target
    }
}

impl From<proto::CreateSessionsRequest> for CreateSessions {
    fn from(request: proto::CreateSessionsRequest) -> Self {
        let pane = |config: proto::SessionConfig| PaneSpec {
            name: given(config.name),
            agent: given(config.agent),
            team: given(config.team),
            command: given(config.command),
            max_lines: lines(config.max_lines),
            monitor: config.monitor,
            ..PaneSpec::default()
        };
        Self {
            sessions: request.sessions.into_iter().map(pane).collect(),
            layout: request.layout,
            window_id: given(request.window_id),
        }
    }
}

fn message(message: proto::SessionMessage) -> Result<Message, HostError> {
    let use_encoding: Encoding =
        (message.use_encoding.parse()).map_err(HostError::InvalidParameters)?;
    Ok(Message {
        content: message.content,
        targets: message.targets.into_iter().map(Target::from).collect(),
        condition: given(message.condition),
        execute: message.execute,
        use_encoding,
    })
}

impl TryFrom<proto::WriteToSessionsRequest> for WriteMessages {
    type Error = HostError;

    fn try_from(request: proto::WriteToSessionsRequest) -> Result<Self, HostError> {
        let messages: Result<_, _> = request.messages.into_iter().map(message).collect();
        Ok(Self {
            messages: messages?,
            parallel: request.parallel,
            skip_duplicates: request.skip_duplicates,
        })
    }
}

impl From<proto::ReadSessionsRequest> for ReadSessions {
    fn from(request: proto::ReadSessionsRequest) -> Self {
        let target = |target: proto::ReadTarget| ReadTarget {
            target: Target {
                session_id: given(target.session_id),
                name: given(target.name),
                agent: given(target.agent),
                team: given(target.team),
            },
            max_lines: lines(target.max_lines),
        };
        Self {
            targets: request.targets.into_iter().map(target).collect(),
            parallel: request.parallel,
            filter_pattern: given(request.filter_pattern),
        }
    }
}

impl From<proto::CascadeMessageRequest> for CascadeRequest {
    fn from(request: proto::CascadeMessageRequest) -> Self {
        Self {
            cascade: Cascade {
                broadcast: given(request.broadcast),
                teams: request.teams.into_iter().collect(),
                agents: request.agents.into_iter().collect(),
            },
            skip_duplicates: request.skip_duplicates,
            execute: request.execute,
        }
    }
}

impl TryFrom<proto::Playbook> for Playbook {
    type Error = HostError;

    fn try_from(playbook: proto::Playbook) -> Result<Self, HostError> {
        let block = |command: proto::PlaybookCommand| {
            let messages: Result<_, HostError> =
                command.messages.into_iter().map(message).collect();
            Ok(Block {
                name: given(command.name).unwrap_or_else(|| "commands".to_owned()),
                messages: messages?,
                parallel: command.parallel,
                skip_duplicates: command.skip_duplicates,
            })
        };
        let commands: Result<_, HostError> = playbook.commands.into_iter().map(block).collect();
        Ok(Self {
            layout: playbook.layout.map(CreateSessions::from),
            commands: commands?,
            cascade: playbook.cascade.map(CascadeRequest::from),
            reads: playbook.reads.map(ReadSessions::from),
        })
    }
}
