//! Telling an agent something: one message into one session, and cascades.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::TRACE_TARGET;
use quarterdeck_terminal::{ShellState, Until};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::asking::AsksPerson;
use super::cascade::{Addressed, Cascade, Reach};
use super::on_its_way::OnItsWay;
use super::write::Encoding;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Input, PendingConfirmation};
use crate::host::Host;
use crate::keys::Key;
use crate::prompts::{PromptAgent, PromptReceipt, READY_WITHIN};
use crate::session::Session;

/// A shell that is starting is waited for this long before anything is typed.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// For a shell to show its prompt again before a tab is typed there.
const PROMPT_PATIENCE: Duration = Duration::from_secs(2);

/// Messages of which each agent gets the most specific.
#[derive(Clone, Debug)]
pub struct CascadeRequest {
    /// What is said to whom.
    pub cascade: Cascade,
    /// Whether an agent is spared what it was told before.
    pub skip_duplicates: bool,
    /// Whether Enter follows.
    pub execute: bool,
}

/// What came of it for one agent.
#[derive(Debug)]
pub struct CascadeResult {
    /// The agent; of a team that nobody knows, the team.
    pub agent: String,
    /// Its session, if it is on the roster.
    pub session: Option<String>,
    /// Which of the messages it was.
    pub reach: Reach,
    /// What came of that.
    pub outcome: CascadeOutcome,
}

impl CascadeResult {
    /// Whether the agent was told.
    pub fn was_delivered(&self) -> bool {
        match &self.outcome {
            CascadeOutcome::Typed => true,
            CascadeOutcome::Prompted(receipt) => receipt.was_submitted(),
            CascadeOutcome::Duplicate
            | CascadeOutcome::SessionGone
            | CascadeOutcome::UnknownTeam
            | CascadeOutcome::Failed(_) => false,
        }
    }
}

/// What came of a message for one agent.
#[derive(Debug)]
pub enum CascadeOutcome {
    /// It was typed.
    Typed,
    /// It was handed to the coding agent in front: the receipt says how far it came.
    Prompted(PromptReceipt),
    /// The agent was told the same before.
    Duplicate,
    /// The agent has no session, or one that is gone.
    SessionGone,
    /// There is no such team.
    UnknownTeam,
    /// It was not typed.
    Failed(HostError),
}

/// What came of a message for one session.
pub(super) enum Told {
    /// Its agent had it before and was spared.
    Duplicate,
    /// It was typed.
    Typed,
    /// It was handed to the coding agent in front: the receipt says how far it came.
    Prompted(PromptReceipt),
}

/// What came of telling one agent.
struct ToldAgent {
    /// Its place in the results.
    place: usize,
    addressed: Addressed,
    outcome: CascadeOutcome,
}

impl ToldAgent {
    /// What a person has to confirm first.
    fn waits(&self) -> Option<&PendingConfirmation> {
        match &self.outcome {
            CascadeOutcome::Failed(HostError::ConfirmationRequired(pending)) => Some(pending),
            _ => None,
        }
    }
}

impl From<ToldAgent> for CascadeResult {
    fn from(told: ToldAgent) -> Self {
        Self {
            agent: told.addressed.agent,
            session: told.addressed.session_id,
            reach: told.addressed.reach,
            outcome: told.outcome,
        }
    }
}

impl Host {
    /// Tells each agent the most specific message that there is for it; returns what came
    /// of it by agent. What waits for a person is put to them through `asks`, of all agents at once.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "execute_cascade_request",
        skip_all
    )]
    pub async fn send_cascade(
        self: &Arc<Self>,
        request: &CascadeRequest,
        asks: &dyn AsksPerson,
        caller: &Caller,
    ) -> Result<Vec<CascadeResult>, HostError> {
        let resolving =
            tracing::info_span!(target: TRACE_TARGET, "agent_registry.resolve_cascade_targets");
        let (addressed, unknown) = resolving.in_scope(|| {
            let state = self.agents.state();
            let unknown = request.cascade.unknown_teams(&state.roster);
            let unknown: Vec<String> = unknown.map(str::to_owned).collect();
            (request.cascade.resolve(&state.roster), unknown)
        });
        let (request, caller) = (Arc::new(request.clone()), Arc::new(caller.clone()));
        let numbered: Vec<(usize, Addressed)> = addressed.into_iter().enumerate().collect();
        let mut outcomes = self.tell_agents(numbered, &request, &caller).await?;
        let waiting: Vec<PendingConfirmation> = (outcomes.iter())
            .filter_map(|told| told.waits().cloned())
            .collect();
        if !waiting.is_empty() && asks.ask(waiting).await {
            let (again, told): (Vec<_>, Vec<_>) =
                outcomes.into_iter().partition(|it| it.waits().is_some());
            let again = again.into_iter().map(|it| (it.place, it.addressed));
            outcomes = told;
            outcomes.extend(self.tell_agents(again.collect(), &request, &caller).await?);
        }
        outcomes.sort_unstable_by_key(|outcome| outcome.place);
        let unknown = unknown.into_iter().map(|team| CascadeResult {
            agent: team,
            session: None,
            reach: Reach::Team,
            outcome: CascadeOutcome::UnknownTeam,
        });
        let told = outcomes.into_iter().map(CascadeResult::from);
        Ok(told.chain(unknown).collect())
    }

    async fn tell_agents(
        self: &Arc<Self>,
        addressed: Vec<(usize, Addressed)>,
        request: &Arc<CascadeRequest>,
        caller: &Arc<Caller>,
    ) -> Result<Vec<ToldAgent>, HostError> {
        // Judging is work: on tasks of their own, so that all processors share it.
        let mut telling = JoinSet::new();
        for (place, it) in addressed {
            let (host, request, caller) =
                (Arc::clone(self), Arc::clone(request), Arc::clone(caller));
            let told = async move { host.tell_agent(place, it, &request, &caller).await };
            telling.spawn(told.in_current_span());
        }
        let mut outcomes = Vec::with_capacity(telling.len());
        while let Some(told) = telling.join_next().await {
            outcomes.push(told.map_err(|error| {
                HostError::Internal(format!(
                    "a cascade was cut short, look at each agent: {error}"
                ))
            })?);
        }
        Ok(outcomes)
    }

    async fn tell_agent(
        &self,
        place: usize,
        addressed: Addressed,
        request: &CascadeRequest,
        caller: &Caller,
    ) -> ToldAgent {
        let session = addressed
            .session_id
            .as_deref()
            .map(|id| self.registry.get(id));
        let outcome = match session {
            Some(Ok(session)) => {
                let told = self.tell_session(
                    &session,
                    &addressed.message,
                    request.execute,
                    Encoding::Never,
                    request.skip_duplicates,
                    caller,
                );
                match told.await {
                    Ok(Told::Typed) => CascadeOutcome::Typed,
                    Ok(Told::Prompted(receipt)) => CascadeOutcome::Prompted(receipt),
                    Ok(Told::Duplicate) => CascadeOutcome::Duplicate,
                    Err(error) => CascadeOutcome::Failed(error),
                }
            }
            _ => CascadeOutcome::SessionGone,
        };
        ToldAgent {
            place,
            addressed,
            outcome,
        }
    }

    /// Tells a session something: a coding agent that waits for a prompt is prompted,
    /// anything else is typed. A session without an agent is spared nothing.
    pub(super) async fn tell_session(
        &self,
        session: &Arc<Session>,
        text: &str,
        execute: bool,
        encoding: Encoding,
        skip_duplicates: bool,
        caller: &Caller,
    ) -> Result<Told, HostError> {
        let agent = self
            .agents
            .agent_of(session.id.as_str())
            .map(|agent| agent.name);
        let claimed_for = agent.as_deref().filter(|_| skip_duplicates);
        let Some(message) = OnItsWay::begin(&self.agents, &session.id, text, claimed_for) else {
            return Ok(Told::Duplicate);
        };
        let told = Box::pin(self.type_message(session, text, execute, encoding, caller)).await;
        if told.is_ok() {
            message.was_typed();
        }
        let arrived = match &told {
            Ok(Told::Prompted(receipt)) => receipt.was_submitted(),
            told => told.is_ok(),
        };
        if arrived {
            message.has_arrived();
            if let Some(agent) = &agent {
                self.agents.delivered(agent, text).await?;
            }
        }
        told
    }

    /// Whether a coding agent is in front whose screen can be read, and that takes a
    /// prompt now or later. What answers its question is typed like anything else, and so
    /// is what its shell gets once it has ended.
    async fn takes_prompts(&self, session: &Session) -> bool {
        let Some(now) = self.coding_agents.activity(&session.id) else {
            return false;
        };
        match now.program {
            Some(program) if !now.activity.is_asking() && !now.activity.has_ended() => {
                let rules = self.coding_agents.rules(&program).await;
                rules.is_some_and(|rules| rules.prompt_box.is_some())
            }
            _ => false,
        }
    }

    async fn type_message(
        &self,
        session: &Arc<Session>,
        text: &str,
        execute: bool,
        encoding: Encoding,
        caller: &Caller,
    ) -> Result<Told, HostError> {
        if execute && !text.trim().is_empty() && self.takes_prompts(session).await {
            let request = PromptAgent {
                id: None,
                text: text.trim_end_matches(['\r', '\n']).to_owned(),
                ready_within: READY_WITHIN,
            };
            let prompted = self.prompt_agent(&session.id, request, caller).await?;
            return Ok(Told::Prompted(prompted));
        }
        let line = match execute {
            true => text.trim_end_matches(['\r', '\n']),
            false => text,
        };
        // A tab that is typed as a key would have a shell complete what stands before it.
        let holds_tabs = execute && line.contains('\t');
        let status = session.terminal.status().await;
        let patience = match status.shell {
            // Typed into a shell that still reads its files, text shows twice.
            ShellState::Running { command: None, .. } => Some(START_PATIENCE),
            // Only at its prompt a shell takes pastes; what runs may be about to end.
            ShellState::Running { .. } if holds_tabs => Some(PROMPT_PATIENCE),
            _ => None,
        };
        if let Some(patience) = patience.filter(|_| status.integrated) {
            session.terminal.wait(Until::Prompt, None, patience).await;
        }
        if execute && encoding.applies_to(line) {
            self.gate.run_encoded(session, line, caller).await?;
            return Ok(Told::Typed);
        }
        if holds_tabs {
            crate::gate::tabs::are_text(session).await?;
        }
        let mut input = Vec::new();
        if holds_tabs || line.contains('\n') {
            input.push(Input::Paste(line.to_owned()));
        } else if !line.is_empty() {
            input.push(Input::Text(line.to_owned()));
        }
        if execute {
            input.push(Input::Key(Key::ENTER));
        }
        self.type_input(session.id.as_str(), &input, caller).await?;
        Ok(Told::Typed)
    }
}
