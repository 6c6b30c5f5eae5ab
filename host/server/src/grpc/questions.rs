//! Requests as they come over gRPC, turned into the domain's. What a client leaves out
//! arrives as an empty text or 0 there; which of several names counts, and how layouts
//! and encodings are called, is as in the tools of iterm-mcp.

use quarterdeck_core::HostError;
use quarterdeck_core::orchestration::cascade::Cascade;
use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{
    Block, CascadeRequest, CreateSessions, Message, PaneSpec, Playbook, ReadSessions, ReadTarget,
    WriteMessages,
};

use super::proto;
use crate::mcp::iterm_mcp::encoding::encoding_named;
use crate::mcp::iterm_mcp::layout::layout_named;
use crate::mcp::iterm_mcp::pattern::pattern;
use crate::mcp::iterm_mcp::playbook::usual_name;
use crate::mcp::iterm_mcp::target::TargetFields;

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
        Self::from(TargetFields {
            session_id: Some(target.session_id),
            name: Some(target.name),
            agent: Some(target.agent),
            team: Some(target.team),
        })
    }
}

impl From<proto::SetActiveSessionRequest> for Target {
    fn from(request: proto::SetActiveSessionRequest) -> Self {
        use proto::set_active_session_request::Target as Named;
        let named = match request.target {
            Some(Named::SessionId(id)) => given(id).map(Self::Session),
            Some(Named::Name(name)) => given(name).map(Self::Named),
            Some(Named::Agent(agent)) => given(agent).map(Self::Agent),
            None => None,
        };
        named.unwrap_or_default()
    }
}

impl TryFrom<proto::CreateSessionsRequest> for CreateSessions {
    type Error = HostError;

    fn try_from(request: proto::CreateSessionsRequest) -> Result<Self, HostError> {
        let pane = |config: proto::SessionConfig| PaneSpec {
            name: given(config.name),
            agent: given(config.agent),
            team: given(config.team),
            command: given(config.command),
            lines: lines(config.max_lines),
            monitor: config.monitor,
            ..PaneSpec::default()
        };
        Ok(Self {
            layout: layout_named(&request.layout)?,
            panes: request.sessions.into_iter().map(pane).collect(),
            window: given(request.window_id),
        })
    }
}

impl TryFrom<proto::SessionMessage> for Message {
    type Error = HostError;

    fn try_from(message: proto::SessionMessage) -> Result<Self, HostError> {
        Ok(Self {
            content: message.content,
            targets: message.targets.into_iter().map(Target::from).collect(),
            condition: pattern("condition", Some(message.condition))?,
            execute: message.execute,
            encoding: encoding_named(&message.use_encoding)?,
        })
    }
}

fn messages(messages: Vec<proto::SessionMessage>) -> Result<Vec<Message>, HostError> {
    messages.into_iter().map(Message::try_from).collect()
}

impl TryFrom<proto::WriteToSessionsRequest> for WriteMessages {
    type Error = HostError;

    fn try_from(request: proto::WriteToSessionsRequest) -> Result<Self, HostError> {
        Ok(Self {
            messages: messages(request.messages)?,
            parallel: request.parallel,
            skip_duplicates: request.skip_duplicates,
        })
    }
}

impl TryFrom<proto::ReadSessionsRequest> for ReadSessions {
    type Error = HostError;

    fn try_from(request: proto::ReadSessionsRequest) -> Result<Self, HostError> {
        let target = |target: proto::ReadTarget| ReadTarget {
            target: Target::from(TargetFields {
                session_id: Some(target.session_id),
                name: Some(target.name),
                agent: Some(target.agent),
                team: Some(target.team),
            }),
            lines: lines(target.max_lines),
        };
        Ok(Self {
            targets: request.targets.into_iter().map(target).collect(),
            parallel: request.parallel,
            filter: pattern("filter_pattern", Some(request.filter_pattern))?,
        })
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

impl TryFrom<proto::PlaybookCommand> for Block {
    type Error = HostError;

    fn try_from(command: proto::PlaybookCommand) -> Result<Self, HostError> {
        Ok(Self {
            name: given(command.name).unwrap_or_else(usual_name),
            write: WriteMessages {
                messages: messages(command.messages)?,
                parallel: command.parallel,
                skip_duplicates: command.skip_duplicates,
            },
        })
    }
}

impl TryFrom<proto::Playbook> for Playbook {
    type Error = HostError;

    fn try_from(playbook: proto::Playbook) -> Result<Self, HostError> {
        let blocks = playbook.commands.into_iter().map(Block::try_from);
        Ok(Self {
            layout: playbook.layout.map(CreateSessions::try_from).transpose()?,
            blocks: blocks.collect::<Result<_, HostError>>()?,
            cascade: playbook.cascade.map(CascadeRequest::from),
            reads: playbook.reads.map(ReadSessions::try_from).transpose()?,
        })
    }
}
