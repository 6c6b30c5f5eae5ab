//! Creating sessions for agents: panes of a layout, each with its agent, team, role
//! and first command.

use std::iter;
use std::time::Duration;

use quarterdeck_policy::TRACE_TARGET;
use quarterdeck_terminal::iterm2::Appearance;
use quarterdeck_terminal::{Beside, Side};

use super::BadRequest;
use super::pane_title::PanePlace;
use super::target::Target;
use crate::agents::AgentsError;
use crate::agents::role::{Role, RoleConfig};
use crate::agents::roster::{Agent, check_names};
use crate::backends::BackendChoice;
use crate::caller::Caller;
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::error::HostError;
use crate::host::Host;
use crate::operations::{CreateSession, Layout, NamedLayout, OpenLayout, RunCommand};
use crate::session::{BackendKind, SessionId};

/// Panes in one request.
pub(super) const MOST_PANES: usize = 100;

/// How long one of a role's first commands may take before the next is tried.
const FIRST_COMMAND_PATIENCE: Duration = Duration::from_secs(10);

/// A coding agent's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentProgram {
    /// Claude Code.
    Claude,
    /// Gemini CLI.
    Gemini,
    /// Codex.
    Codex,
    /// GitHub Copilot.
    Copilot,
}

impl AgentProgram {
    /// The command that starts it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Gemini => "gemini",
            Self::Codex => "codex",
            Self::Copilot => "gh copilot",
        }
    }
}

/// One pane to be.
#[derive(Clone, Debug, Default)]
pub struct PaneSpec {
    /// Its name; made up from team and agent if there is none.
    pub name: Option<String>,
    /// The agent that will work there.
    pub agent: Option<String>,
    /// The agent's program, started at once.
    pub program: Option<AgentProgram>,
    /// The agent's team.
    pub team: Option<String>,
    /// A first command.
    pub command: Option<String>,
    /// Lines that are read of it by default.
    pub lines: Option<usize>,
    /// Whether its output is followed.
    pub monitor: bool,
    /// What it is for.
    pub role: Option<Role>,
    /// What that role means here.
    pub role_config: Option<RoleConfig>,
}

/// Panes to be.
#[derive(Clone, Debug)]
pub struct CreateSessions {
    /// One for each pane; the layout may have more, and then those are plain.
    pub panes: Vec<PaneSpec>,
    /// How the first of them are arranged.
    pub layout: NamedLayout,
    /// A window that has to be there. The panes have one of their own beside it.
    pub window: Option<String>,
}

/// A pane that is.
#[derive(Debug)]
pub struct CreatedPane {
    /// The session.
    pub session: SessionId,
    /// Its name.
    pub name: String,
    /// The agent that works there.
    pub agent: Option<String>,
    /// The window that it was opened in, where sessions have windows; not told of a split.
    pub window: Option<String>,
    /// Why its first command does not run.
    pub not_started: Option<HostError>,
    /// Why its agent, team, role or monitoring is not as asked for; then nothing was
    /// started in it.
    pub not_set_up: Option<HostError>,
}

/// A pane to be, beside another.
#[derive(Clone, Debug)]
pub struct SplitSession {
    /// Beside which session.
    pub target: Target,
    /// On which side.
    pub side: Side,
    /// An iTerm2 profile.
    pub profile: Option<String>,
    /// The new pane.
    pub pane: PaneSpec,
}

impl Host {
    /// Creates the sessions of a layout, in the order of the request. First all of them, so that there are all or
    /// none; then agents, roles and commands, each of which passes the gate.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "execute_create_sessions",
        skip_all,
        fields(sessions = request.panes.len())
    )]
    pub async fn create_sessions(
        &self,
        request: &CreateSessions,
        caller: &Caller,
    ) -> Result<Vec<CreatedPane>, HostError> {
        self.may_spawn(caller)?;
        let layout = request.layout;
        let count = layout.places().max(request.panes.len());
        if count > MOST_PANES {
            return Err(BadRequest::TooManyPanes(count).into());
        }
        let specs: Vec<PaneSpec> = (0..count)
            .map(|number| request.panes.get(number).cloned().unwrap_or_default())
            .collect();
        check(&specs)?;
        self.may_start_agents(&specs, caller)?;
        if let Some(window) = &request.window {
            self.knows_window(window).await?;
        }
        let opened = self.open_panes(layout, &specs, caller).await?;
        let mut panes = Vec::new();
        for (spec, session) in specs.iter().zip(opened) {
            panes.push(Box::pin(self.settle_in(spec, &session, caller)).await);
        }
        let windows = self.windows().await;
        for pane in &mut panes {
            let window = windows.get(&pane.session);
            pane.window = window.map(|window| window.id().to_owned());
        }
        Ok(panes)
    }

    async fn knows_window(&self, asked: &str) -> Result<(), HostError> {
        let windows = self.windows().await;
        let mut known: Vec<String> = (windows.values())
            .map(|window| window.id().to_owned())
            .collect();
        if known.iter().any(|window| window == asked) {
            return Ok(());
        }
        known.sort_unstable();
        known.dedup();
        let asked = asked.to_owned();
        Err(BadRequest::NoWindow { asked, known }.into())
    }

    /// Creates a session beside another, in the same folder.
    pub async fn split_session(
        &self,
        request: &SplitSession,
        caller: &Caller,
    ) -> Result<CreatedPane, HostError> {
        self.may_spawn(caller)?;
        let target = self.one_session(&request.target, caller)?;
        let target = self.registry.get(target.as_str())?;
        let specs = [request.pane.clone()];
        check(&specs)?;
        self.may_start_agents(&specs, caller)?;
        let pane = CreateSession {
            working_directory: target.terminal.status().await.cwd,
            backend: Some(BackendChoice::Only(target.backend)),
            profile: request.profile.clone(),
            ..self.plain_pane(&specs[0], 0, caller).await?
        };
        let beside = target.terminal.backend_handle().map(|handle| Beside {
            handle,
            side: request.side,
        });
        let opened = self.open_beside(pane, beside).await?.keep();
        Ok(Box::pin(self.settle_in(&specs[0], &opened.id, caller)).await)
    }

    /// Opens the panes of a layout, and what is more than it has as sessions of their
    /// own; all or none.
    async fn open_panes(
        &self,
        layout: NamedLayout,
        specs: &[PaneSpec],
        caller: &Caller,
    ) -> Result<Vec<SessionId>, HostError> {
        let mut panes = Vec::with_capacity(specs.len());
        for (number, spec) in specs.iter().enumerate() {
            panes.push(self.plain_pane(spec, number, caller).await?);
        }
        let more = panes.split_off(layout.places());
        let layouts = iter::once(layout.arrange(panes)?).chain(more.into_iter().map(Layout::Pane));
        let mut opened = Vec::new();
        for layout in layouts {
            let request = OpenLayout {
                layout,
                backend: None,
            };
            match Box::pin(self.open_layout(request, caller)).await {
                Ok(panes) => opened.extend(panes.into_iter().map(|pane| pane.id)),
                Err(error) => {
                    for id in &opened {
                        // Whatever is gone already need not be closed.
                        let _ = self.end_session(id.as_str()).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(opened)
    }

    /// What pane number `number` (from 0) is opened with, if the policies let its
    /// environment be set.
    async fn plain_pane(
        &self,
        spec: &PaneSpec,
        number: usize,
        caller: &Caller,
    ) -> Result<CreateSession, HostError> {
        let place = PanePlace {
            name: spec.name.clone(),
            agent: spec.agent.clone(),
            team: spec.team.clone(),
        };
        let env = self.config_for(spec).map(|config| config.environment);
        let pane = CreateSession {
            name: Some(place.title(number)),
            env: env.unwrap_or_default().into_iter().collect(),
            ..CreateSession::default()
        };
        self.judge_environment(&pane, caller).await?;
        Ok(pane)
    }

    /// Registers the agent, gives the role, starts what is to run. The session is there
    /// by now: whatever goes wrong is told with its id.
    async fn settle_in(
        &self,
        spec: &PaneSpec,
        session: &SessionId,
        caller: &Caller,
    ) -> CreatedPane {
        let id = session.as_str();
        let mut set_up = self.set_up(spec, session, caller).await;
        let mut started = Ok(());
        if let (Ok(()), Some(config)) = (&set_up, self.config_for(spec)) {
            for command in &config.default_commands {
                started = started.and(self.run_first(id, command, caller).await);
            }
            let by = caller.agent.as_deref();
            let assigned = self.agents.assign_role(id, config.role, Some(config), by);
            set_up = assigned.await.map(drop);
        }
        if set_up.is_ok() {
            started = started.and(self.start_in(id, spec, caller).await);
        }
        CreatedPane {
            session: session.clone(),
            // One that is gone already has none any more.
            name: (self.registry.get(id)).map_or_else(|_| id.to_owned(), |it| it.name.clone()),
            agent: spec
                .agent
                .clone()
                .filter(|name| self.agents.agent(name).is_some()),
            window: None,
            not_started: started.err(),
            not_set_up: set_up.err(),
        }
    }

    /// The first command and the agent's program.
    async fn start_in(&self, id: &str, spec: &PaneSpec, caller: &Caller) -> Result<(), HostError> {
        let program = spec.program.map(|program| program.command().to_owned());
        let mut started = Ok(());
        for command in spec.command.clone().into_iter().chain(program) {
            let ran = match self.registry.get(id) {
                Ok(session) => self.gate.run(&session, &command, caller).await.map(drop),
                Err(gone) => Err(gone),
            };
            started = started.and(ran);
        }
        started
    }

    async fn set_up(
        &self,
        spec: &PaneSpec,
        session: &SessionId,
        caller: &Caller,
    ) -> Result<(), HostError> {
        let id = session.as_str();
        if let Some(name) = &spec.agent {
            // One that moves here stays in its teams.
            let before = self.agents.agent(name);
            let (teams, metadata) = before
                .map(|agent| (agent.teams, agent.metadata))
                .unwrap_or_default();
            let new = spec.team.iter().filter(|team| !teams.contains(*team));
            let agent = Agent {
                name: name.clone(),
                session_id: id.to_owned(),
                teams: teams.iter().chain(new).cloned().collect(),
                metadata,
                created_at: rfc3339_of_ms(now_ms()),
                depth: 1,
            };
            self.agents.register(agent, caller).await?;
        }
        if let Some(team) = &spec.team {
            self.show_team(team, session).await;
        }
        {
            let mut desk = self.agents.desk();
            desk.session_mut(id).max_lines = spec.lines;
        }
        if spec.monitor {
            self.start_monitoring(session, &[], spec.lines).await?;
        }
        Ok(())
    }

    /// Where a session is a pane of iTerm2, it gets its team's colour and badge: a profile
    /// that was just written may not be known there yet.
    async fn show_team(&self, team: &str, session: &SessionId) {
        let on_iterm2 = (self.registry.get(session.as_str()))
            .is_ok_and(|session| session.backend == BackendKind::Iterm2);
        let profile = self.agents.profile_of(team).filter(|_| on_iterm2);
        let Some(profile) = profile else { return };
        let look = Appearance {
            badge: Some(profile.badge()),
            tab_color: Some(Some(profile.colour.on_screen())),
            ..Appearance::default()
        };
        if let Err(error) = self.set_appearance(session.as_str(), &look).await {
            tracing::warn!(%session, %error, "cannot show a session's team");
        }
    }

    async fn run_first(&self, id: &str, command: &str, caller: &Caller) -> Result<(), HostError> {
        let request = RunCommand {
            command: command.to_owned(),
            session_id: Some(id.to_owned()),
            timeout: FIRST_COMMAND_PATIENCE,
            max_bytes: 0,
        };
        Box::pin(self.run_command(request, caller)).await.map(drop)
    }

    fn config_for(&self, spec: &PaneSpec) -> Option<RoleConfig> {
        spec.role_config.clone().or_else(|| {
            let role = spec.role?;
            Some(self.agents.state().config_of(role))
        })
    }

    /// Before anything is opened: whether what is to work there may.
    fn may_start_agents(&self, specs: &[PaneSpec], caller: &Caller) -> Result<(), HostError> {
        let names: Vec<&str> = (specs.iter())
            .filter_map(|spec| spec.agent.as_deref())
            .collect();
        let starts_any = !names.is_empty() || specs.iter().any(|spec| spec.program.is_some());
        match starts_any {
            true => self.agents.may_start(&names, caller),
            false => Ok(()),
        }
    }

    /// An agent with a role creates sessions only if the role says so.
    fn may_spawn(&self, caller: &Caller) -> Result<(), HostError> {
        let state = self.agents.state();
        let role = (caller.agent.as_deref())
            .and_then(|agent| state.roster.agent(agent))
            .and_then(|agent| state.roles.get(&agent.session_id));
        role.map_or(Ok(()), |assigned| assigned.config.allows_spawning())
    }
}

/// An agent works in one session: two panes for one would lose the first.
/// What is wrong about panes is told before one of them is opened.
fn check(specs: &[PaneSpec]) -> Result<(), HostError> {
    for (number, spec) in specs.iter().enumerate() {
        spec.role_config
            .as_ref()
            .map_or(Ok(()), RoleConfig::check)?;
        check_names(spec.agent.as_deref(), spec.team.as_deref()).map_err(AgentsError::from)?;
        if let Some(agent) = &spec.agent
            && specs[..number]
                .iter()
                .any(|other| other.agent.as_ref() == Some(agent))
        {
            return Err(BadRequest::AgentTwice(agent.clone()).into());
        }
    }
    Ok(())
}
