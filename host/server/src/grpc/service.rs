//! The eighteen methods.

use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_core::agents::SessionFilter;
use quarterdeck_core::agents::roster::{self, Team};
use quarterdeck_core::gate::Input;
use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{AsksNobody, Playbook, WriteMessages};
use quarterdeck_core::{Caller, CallerKind, Host, HostError, Transport, rfc3339};
use tonic::{Request, Response, Status};

use super::answers::{count, outcome, status};
use super::proto::i_term_service_server::ITermService;
use super::proto::{self, Empty, StatusResponse};
use super::questions::given;
use crate::mcp::control;
use crate::mcp::iterm_mcp::cascade::Cascaded;
use crate::mcp::iterm_mcp::create::ToldPanes;
use crate::mcp::iterm_mcp::playbook::Played;
use crate::mcp::iterm_mcp::read::ToldOutputs;
use crate::mcp::iterm_mcp::write::WrittenAll;

/// The service, over a host.
pub(super) struct Service {
    host: Arc<Host>,
}

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    pub(super) fn new(host: Arc<Host>) -> Self {
        Self { host }
    }

    fn agents(&self) -> &quarterdeck_core::agents::Agents {
        self.host.agents()
    }

    /// The name of the session that `id` names, for the answer.
    async fn name(&self, id: &str) -> Result<String, HostError> {
        Ok(self.host.describe_session(id).await?.name)
    }

    async fn focus(&self, identifier: &str) -> Result<String, HostError> {
        let id = self.host.session_by_identifier(identifier)?;
        let agent = self.agents().agent_of(id.as_str()).map(|agent| agent.name);
        self.host.focus_session(&id, agent.as_deref())?;
        Ok(format!(
            "Focused session: {}",
            self.name(id.as_str()).await?
        ))
    }

    async fn press(
        &self,
        target: Target,
        control_char: &str,
        caller: &Caller,
    ) -> Result<String, HostError> {
        let byte = control(control_char)?;
        // As a caret and a letter, whichever way it was asked for.
        let pressed = char::from(byte ^ 0x40);
        let sessions = self.host.sessions_meant(&target, caller)?;
        for (id, _) in &sessions {
            self.host
                .type_input(id.as_str(), &[Input::Bytes(vec![byte])], caller)
                .await?;
        }
        Ok(format!(
            "Sent Ctrl+{pressed} to {} session(s)",
            sessions.len()
        ))
    }
}

/// Who asks: known by its address, and by the agent that it says it is.
fn caller<T>(request: &Request<T>) -> Caller {
    let text = |name: &str| {
        let value = request.metadata().get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let from = request
        .remote_addr()
        .map_or_else(|| "socket".to_owned(), |from| from.to_string());
    Caller {
        kind: CallerKind::Agent,
        client: text("user-agent"),
        transport: Transport::Grpc,
        connection: format!("grpc-{from}").into(),
        agent: text("quarterdeck-agent"),
        fencing_token: None,
        backend: None,
        folder: None,
    }
}

fn told(team: Team, members: usize) -> proto::Team {
    proto::Team {
        name: team.name,
        description: team.description,
        parent_team: team.parent_team.unwrap_or_default(),
        created_at: team.created_at,
        member_count: count(members),
    }
}

#[tonic::async_trait]
impl ITermService for Service {
    async fn list_sessions(&self, _: Request<Empty>) -> Answer<proto::SessionList> {
        let sessions = self.host.shared_sessions(&SessionFilter::default()).await;
        let sessions = sessions.map_err(|error| status(&error))?;
        Ok(Response::new(proto::SessionList {
            sessions: sessions.into_iter().map(Into::into).collect(),
        }))
    }

    async fn focus_session(
        &self,
        request: Request<proto::SessionIdentifier>,
    ) -> Answer<StatusResponse> {
        let focused = self.focus(&request.into_inner().identifier).await;
        Ok(Response::new(outcome(focused)))
    }

    async fn check_session_status(
        &self,
        request: Request<proto::SessionIdentifier>,
    ) -> Answer<proto::SessionStatus> {
        let looked = async {
            let id = self
                .host
                .session_by_identifier(&request.into_inner().identifier)?;
            self.host.shared_session(id.as_str()).await
        };
        let info = looked.await.map_err(|error| status(&error))?;
        Ok(Response::new(info.into()))
    }

    async fn set_active_session(
        &self,
        request: Request<proto::SetActiveSessionRequest>,
    ) -> Answer<StatusResponse> {
        let caller = caller(&request);
        let set = async {
            let id = self
                .host
                .one_session(&request.into_inner().into(), &caller)?;
            self.host.set_active_session(&id, &caller);
            Ok(format!(
                "Active session set to: {}",
                self.name(id.as_str()).await?
            ))
        };
        Ok(Response::new(outcome(set.await)))
    }

    async fn create_sessions(
        &self,
        request: Request<proto::CreateSessionsRequest>,
    ) -> Answer<proto::CreateSessionsResponse> {
        let caller = caller(&request);
        let created = async {
            let request = request.into_inner().try_into()?;
            self.host.create_sessions(&request, &caller).await
        };
        let created = created.await.map_err(|error| status(&error))?;
        Ok(Response::new(ToldPanes::from(created).into()))
    }

    async fn write_to_sessions(
        &self,
        request: Request<proto::WriteToSessionsRequest>,
    ) -> Answer<proto::WriteToSessionsResponse> {
        let caller = caller(&request);
        let written = async {
            let messages = WriteMessages::try_from(request.into_inner())?;
            let written = self.host.write_to_sessions(&messages, &AsksNobody, &caller);
            written.await
        };
        let written = written.await.map_err(|error| status(&error))?;
        Ok(Response::new(WrittenAll::from(written).into()))
    }

    async fn read_sessions(
        &self,
        request: Request<proto::ReadSessionsRequest>,
    ) -> Answer<proto::ReadSessionsResponse> {
        let caller = caller(&request);
        let read = async {
            let request = request.into_inner().try_into()?;
            self.host.read_sessions(&request, &caller).await
        };
        let read = read.await.map_err(|error| status(&error))?;
        Ok(Response::new(ToldOutputs::from(read).into()))
    }

    async fn send_control_character(
        &self,
        request: Request<proto::ControlCharRequest>,
    ) -> Answer<StatusResponse> {
        let caller = caller(&request);
        let request = request.into_inner();
        let target = request.target.map(Target::from).unwrap_or_default();
        let pressed = self.press(target, &request.control_char, &caller).await;
        Ok(Response::new(outcome(pressed)))
    }

    async fn register_agent(
        &self,
        request: Request<proto::RegisterAgentRequest>,
    ) -> Answer<proto::Agent> {
        let caller = caller(&request);
        let request = request.into_inner();
        let registered = async {
            let session = self.host.describe_session(&request.session_id).await?;
            let agent = roster::Agent {
                name: request.name,
                session_id: session.id.to_string(),
                teams: request.teams,
                metadata: request.metadata.into_iter().collect(),
                created_at: rfc3339(SystemTime::now()),
                depth: 1,
            };
            self.agents().register(agent, &caller).await
        };
        Ok(Response::new(
            (registered.await)
                .map_err(|error| status(&error))?
                .agent
                .into(),
        ))
    }

    async fn list_agents(
        &self,
        request: Request<proto::ListAgentsRequest>,
    ) -> Answer<proto::AgentList> {
        let team = given(request.into_inner().team);
        let agents = self.agents().agents(team.as_deref());
        Ok(Response::new(proto::AgentList {
            agents: agents.into_iter().map(Into::into).collect(),
        }))
    }

    async fn remove_agent(
        &self,
        request: Request<proto::AgentIdentifier>,
    ) -> Answer<StatusResponse> {
        let name = request.into_inner().name;
        let removed = self
            .agents()
            .remove_agent(&name)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(StatusResponse {
            success: removed,
            message: match removed {
                true => format!("Agent '{name}' removed"),
                false => format!("Agent '{name}' not found"),
            },
        }))
    }

    async fn create_team(&self, request: Request<proto::CreateTeamRequest>) -> Answer<proto::Team> {
        let request = request.into_inner();
        let parent = given(request.parent_team);
        let created =
            self.agents()
                .create_team(&request.name, &request.description, parent.as_deref());
        let team = created.await.map_err(|error| status(&error))?.team;
        let members = self
            .agents()
            .agents(None)
            .iter()
            .filter(|agent| agent.is_in(&team.name))
            .count();
        Ok(Response::new(told(team, members)))
    }

    async fn list_teams(&self, _: Request<Empty>) -> Answer<proto::TeamList> {
        let teams = self.agents().teams().into_iter();
        Ok(Response::new(proto::TeamList {
            teams: teams
                .map(|(team, _, members)| told(team, members))
                .collect(),
        }))
    }

    async fn remove_team(&self, request: Request<proto::TeamIdentifier>) -> Answer<StatusResponse> {
        let name = request.into_inner().name;
        let removed = self
            .agents()
            .remove_team(&name)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(StatusResponse {
            success: removed,
            message: match removed {
                true => format!("Team '{name}' removed"),
                false => format!("Team '{name}' not found"),
            },
        }))
    }

    async fn assign_agent_to_team(
        &self,
        request: Request<proto::AgentTeamAssignment>,
    ) -> Answer<StatusResponse> {
        let proto::AgentTeamAssignment {
            agent_name,
            team_name,
        } = request.into_inner();
        let added = self
            .agents()
            .join(&agent_name, &team_name)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(StatusResponse {
            success: added,
            message: match added {
                true => format!("Agent '{agent_name}' added to team '{team_name}'"),
                false => format!(
                    "Agent '{agent_name}' does not exist or is in team '{team_name}' already"
                ),
            },
        }))
    }

    async fn remove_agent_from_team(
        &self,
        request: Request<proto::AgentTeamAssignment>,
    ) -> Answer<StatusResponse> {
        let proto::AgentTeamAssignment {
            agent_name,
            team_name,
        } = request.into_inner();
        let left = self
            .agents()
            .leave(&agent_name, &team_name)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(StatusResponse {
            success: left,
            message: match left {
                true => format!("Agent '{agent_name}' removed from team '{team_name}'"),
                false => format!("Agent '{agent_name}' is not in team '{team_name}'"),
            },
        }))
    }

    async fn send_cascade_message(
        &self,
        request: Request<proto::CascadeMessageRequest>,
    ) -> Answer<proto::CascadeMessageResponse> {
        let caller = caller(&request);
        let sent = self
            .host
            .send_cascade(&request.into_inner().into(), &AsksNobody, &caller)
            .await;
        let sent = sent.map_err(|error| status(&error))?;
        Ok(Response::new(Cascaded::from(sent).into()))
    }

    async fn orchestrate_playbook(
        &self,
        request: Request<proto::OrchestrateRequest>,
    ) -> Answer<proto::OrchestrateResponse> {
        let caller = caller(&request);
        let played = async {
            let playbook = request.into_inner().playbook.unwrap_or_default();
            self.host
                .play(&Playbook::try_from(playbook)?, &AsksNobody, &caller)
                .await
        };
        let played = played.await.map_err(|error| status(&error))?;
        Ok(Response::new(Played::from(played).into()))
    }
}
