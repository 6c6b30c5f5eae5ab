//! Mending sessions: an incident in, a decision out, a step taken, looked at again,
//! until the session is well or given up.
//!
//! What is to be done is decided by a policy of kind `recovery`, which goes by the
//! name of its strategy; what it may do at all, and how often, is bounded here
//! ([`RecoverySettings`]). Commands that a policy wants to run pass the gate.

mod handing_over;
mod mending;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::{
    IncidentCause, IncidentFacts, Recoveries, RecoveryAction, RecoveryRuling,
};
use tokio::time::Instant;

pub use handing_over::HandedOver;
pub(crate) use mending::Mending;
use mending::Turn;

use crate::agents::BACKUP_TAG;
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::events::SessionRecovery;
use crate::gate::session_facts;
use crate::host::Host;
use crate::monitor::Trouble;
use crate::session::{Session, SessionId};
use crate::tasks::TaskId;

/// Lines of the screen that a recovery is shown.
const SCREEN_LINES: usize = 40;

/// A recovery is asked so often at most, waits included.
const MOST_QUESTIONS: usize = 100;

/// An incident that the monitor noticed may be waited for so long.
const PATIENCE_WITH_INCIDENTS: Duration = Duration::from_secs(15 * 60);

/// How sessions are mended. The defaults are those of the enhanced-iterm-mcp
/// document's own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverySettings {
    /// Whether incidents that the monitor notices are mended without being asked.
    pub automatic: bool,
    /// The recovery that decides where nobody names one.
    pub strategy: String,
    /// Steps for one incident, at most.
    pub max_retries: u32,
    /// How long a caller waits for its session to be mended.
    pub timeout: Duration,
}

impl Default for RecoverySettings {
    fn default() -> Self {
        Self {
            automatic: false,
            strategy: "graceful".to_owned(),
            max_retries: 3,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What is to be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverSession {
    /// Which session.
    pub session_id: String,
    /// The name of a recovery; the configured one where there is none.
    pub strategy: Option<String>,
    /// Steps at most, up to ten; the configured number where there is none.
    pub max_retries: Option<u32>,
}

impl RecoverSession {
    /// No caller may ask for more steps.
    const MOST_RETRIES: u32 = 10;
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryOutcome {
    /// Whether the session, or the one in its place, is well.
    pub recovered: bool,
    /// The session that was to be mended.
    pub session_id: SessionId,
    /// The session in its place, where there is one.
    pub new_session_id: Option<SessionId>,
    /// What has become of the session that was to be mended, where another is in its
    /// place.
    pub left_behind: Option<String>,
    /// What the session in its place has from it.
    pub handed_over: Option<HandedOver>,
    /// The recovery that decided.
    pub strategy: String,
    /// Steps that were taken.
    pub attempts: u32,
    /// What was done and what came of it, a sentence for each decision.
    pub story: Vec<String>,
}

impl Host {
    /// Mends a session as far as a recovery knows how, unless it is locked against the
    /// caller: what runs in it would be ended.
    pub async fn recover_session(
        self: &Arc<Self>,
        request: RecoverSession,
        caller: &Caller,
    ) -> Result<RecoveryOutcome, HostError> {
        let session = self.registry.get(&request.session_id)?;
        self.agents.may_end(&session.id, caller)?;
        let recoveries = self.policies.recoveries().await;
        let strategy = request
            .strategy
            .unwrap_or_else(|| self.recovery.strategy.clone());
        if !recoveries.names().any(|name| name == strategy) {
            let names: Vec<&str> = recoveries.names().collect();
            return Err(HostError::InvalidParameters(format!(
                "there is no recovery strategy {strategy:?}; those that are loaded are {}",
                names.join(", ")
            )));
        }
        let max_attempts = request
            .max_retries
            .unwrap_or(self.recovery.max_retries)
            .min(RecoverSession::MOST_RETRIES);
        let trouble = self.trouble_as_asked(&session).await;
        let asked = AskedRecovery {
            recoveries,
            strategy,
            max_attempts,
            patience: self.recovery.timeout,
            by_itself: false,
        };
        self.mend(session, trouble, asked).await.ok_or_else(|| {
            HostError::InvalidParameters(format!(
                "session {} is being recovered already; wait for that to end",
                request.session_id
            ))
        })
    }

    /// Mends a session on the monitor's word, where the configuration says so.
    pub(crate) fn mend_by_itself(self: &Arc<Self>, id: &SessionId, trouble: &Trouble) {
        let most = self.recovery.max_retries;
        if !self.recovery.automatic || !self.mending.may_begin_by_itself(id, most) {
            return;
        }
        let Ok(session) = self.registry.get(id.as_str()) else {
            return;
        };
        let (host, trouble) = (Arc::clone(self), trouble.clone());
        tokio::spawn(async move {
            let asked = AskedRecovery {
                recoveries: host.policies.recoveries().await,
                strategy: host.recovery.strategy.clone(),
                max_attempts: host.recovery.max_retries,
                patience: PATIENCE_WITH_INCIDENTS,
                by_itself: true,
            };
            host.mend(session, trouble, asked).await;
            host.mending
                .keep(|id| host.registry.get(id.as_str()).is_ok());
        });
    }

    /// What is wrong with a session that somebody wants mended: at the least, that
    /// somebody does.
    async fn trouble_as_asked(&self, session: &Session) -> Trouble {
        let status = session.terminal.status().await;
        let cause = match (&status.lost, status.has_ended(), status.ending()) {
            (Some(_), ..) => IncidentCause::BackendLost,
            (None, true, _) => IncidentCause::Exited,
            _ => IncidentCause::Requested,
        };
        Trouble {
            cause,
            detail: match status.ending() {
                Some(ending) => format!("its shell has ended ({ending})"),
                None => "a recovery was asked for".to_owned(),
            },
        }
    }

    /// `None` while another recovery has the session.
    async fn mend(
        self: &Arc<Self>,
        session: Arc<Session>,
        trouble: Trouble,
        asked: AskedRecovery,
    ) -> Option<RecoveryOutcome> {
        let turn = self.mending.begin(&session.id)?;
        let mut course = RecoveryCourse {
            host: self,
            turn,
            began: Instant::now(),
            incident: format!("{}-{}", session.id, now_ms()),
            broken: session.id.clone(),
            current: session,
            trouble,
            asked,
            attempts: 0,
            story: Vec::new(),
            handed_over: None,
        };
        let recovered = course.run().await;
        let outcome = course.outcome(recovered).await;
        if course.asked.by_itself {
            self.mending
                .ended_by_itself(&course.broken, &course.current.id, recovered);
        }
        let what = format!(
            "{} after {} steps by `{}`: {}",
            if recovered { "recovered" } else { "given up" },
            outcome.attempts,
            outcome.strategy,
            outcome.story.join("; ")
        );
        tracing::info!(session = %outcome.session_id, "{what}");
        self.monitor.history.keep_recovery(
            outcome.session_id.to_string(),
            course.trouble.detail.clone(),
            what,
            now_ms().cast_signed(),
        );
        self.events.publish(SessionRecovery {
            session_id: outcome.session_id.to_string(),
            new_session_id: outcome.new_session_id.as_ref().map(ToString::to_string),
            strategy: outcome.strategy.clone(),
            attempts: outcome.attempts,
            recovered,
        });
        Some(outcome)
    }

    /// Sessions that could take over: those that wait at a prompt and are nobody else's,
    /// the ones with the tag `backup` first. The session that an incident began with is
    /// none, nor is the one that has its place now.
    async fn backups_of(&self, broken: [&SessionId; 2]) -> Vec<SessionId> {
        let [_, current] = broken;
        let mut backups = Vec::new();
        for session in self.registry.all() {
            let free = self
                .agents
                .may_take_over(current.as_str(), session.id.as_str());
            if broken.contains(&&session.id) || session.remote_host.is_some() || free.is_err() {
                continue;
            }
            let status = session.terminal.status().await;
            if !status.has_ended() && !status.is_running() {
                let reserve = session.tags.list().iter().any(|tag| tag == BACKUP_TAG);
                backups.push((!reserve, session.id.clone()));
            }
        }
        // Stable: the oldest of each kind comes first.
        backups.sort_by_key(|(other, _)| *other);
        backups.into_iter().map(|(_, id)| id).collect()
    }
}

/// Who decides, and within which bounds.
struct AskedRecovery {
    recoveries: Recoveries,
    strategy: String,
    max_attempts: u32,
    patience: Duration,
    /// Nobody asked for it.
    by_itself: bool,
}

/// One incident, from its beginning to its end.
struct RecoveryCourse<'a> {
    host: &'a Arc<Host>,
    turn: Turn,
    began: Instant,
    incident: String,
    /// The session that it began with.
    broken: SessionId,
    /// The session that is looked at now.
    current: Arc<Session>,
    trouble: Trouble,
    asked: AskedRecovery,
    attempts: u32,
    story: Vec<String>,
    /// What moved last: with each step, all that moved before.
    handed_over: Option<HandedOver>,
}

impl RecoveryCourse<'_> {
    /// Whether the session is well in the end.
    async fn run(&mut self) -> bool {
        for _ in 0..MOST_QUESTIONS {
            let facts = self.facts().await;
            let ruling = self
                .asked
                .recoveries
                .decide(&self.asked.strategy, &facts)
                .await;
            let delay = Duration::from_millis(ruling.decision.delay_ms);
            let left = self.asked.patience.saturating_sub(self.began.elapsed());
            if ruling.decision.action == RecoveryAction::GiveUp {
                self.tell(&ruling, "given up".to_owned());
                return false;
            }
            if delay >= left {
                self.tell(
                    &ruling,
                    format!("given up: it is to wait {} s, too long", delay.as_secs()),
                );
                return false;
            }
            tokio::time::sleep(delay).await;
            let stepped = self.step(&ruling).await;
            let well = match stepped {
                Ok(()) => steps::wellness(&self.current, self.tasks_there()).await,
                Err(why) => Err(why),
            };
            match well {
                Ok(()) => {
                    self.tell(&ruling, "the session is well".to_owned());
                    return true;
                }
                Err(why) => self.tell(&ruling, why),
            }
        }
        false
    }

    /// Does what was decided. A wait counts as a step too: a policy that begins with
    /// one comes to the next, and one that only waits comes to its end.
    async fn step(&mut self, ruling: &RecoveryRuling) -> Result<(), String> {
        let host = self.host;
        if ruling.decision.action != RecoveryAction::GiveUp {
            self.attempts += 1;
        }
        match &ruling.decision.action {
            RecoveryAction::Restart => {
                let (session, handed_over) = host.restart(&self.current, &mut self.turn).await?;
                self.has_moved(session, handed_over);
            }
            RecoveryAction::Reset => host.reset(&self.current).await?,
            RecoveryAction::Failover(backup) => {
                let (session, handed_over) = host.fail_over(&self.current, backup).await?;
                self.has_moved(session, handed_over);
            }
            RecoveryAction::Run(command) => {
                host.run_for_recovery(&self.current, command, &self.asked.strategy)
                    .await?;
            }
            RecoveryAction::Wait | RecoveryAction::GiveUp => {}
        }
        Ok(())
    }

    fn has_moved(&mut self, session: Arc<Session>, handed_over: HandedOver) {
        let words = handed_over.in_words();
        if !words.is_empty() {
            (self.story).push(format!("{} has now {}", session.id, words.join(", ")));
        }
        self.current = session;
        self.handed_over = Some(handed_over);
    }

    /// The tasks that the session that is looked at has from the one before it.
    fn tasks_there(&self) -> &[TaskId] {
        (self.handed_over.as_ref()).map_or(&[], |handed_over| &handed_over.tasks)
    }

    async fn facts(&self) -> IncidentFacts {
        let status = self.current.terminal.status().await;
        let text = self.current.terminal.screen().await.text();
        let lines: Vec<String> = text.lines().map(crate::text::inert).collect();
        let backups = self.host.backups_of([&self.broken, &self.current.id]).await;
        IncidentFacts {
            id: self.incident.clone(),
            cause: self.trouble.cause,
            session: session_facts(&self.current, &status).await,
            detail: self.trouble.detail.clone(),
            exit_status: match &status.shell {
                quarterdeck_terminal::ShellState::Exited(exit) => exit.and_then(|exit| exit.code()),
                _ => None,
            },
            screen: lines[lines.len().saturating_sub(SCREEN_LINES)..].to_vec(),
            attempts: self.attempts,
            max_attempts: self.asked.max_attempts,
            age_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            backups: backups.iter().map(ToString::to_string).collect(),
            attributes: Vec::new(),
        }
    }

    fn tell(&mut self, ruling: &RecoveryRuling, what_came: String) {
        let action = match &ruling.decision.action {
            RecoveryAction::Restart => "restart".to_owned(),
            RecoveryAction::Reset => "reset".to_owned(),
            RecoveryAction::Failover(backup) => format!("failover to {backup}"),
            RecoveryAction::Run(command) => format!("run `{}`", crate::text::inert(command)),
            RecoveryAction::Wait => "wait".to_owned(),
            RecoveryAction::GiveUp => "give up".to_owned(),
        };
        self.story.push(format!(
            "{action} ({}): {what_came}",
            ruling.decision.reason
        ));
    }

    async fn outcome(&self, recovered: bool) -> RecoveryOutcome {
        let moved = self.current.id != self.broken;
        RecoveryOutcome {
            recovered,
            session_id: self.broken.clone(),
            new_session_id: moved.then(|| self.current.id.clone()),
            left_behind: match moved {
                true => Some(self.host.left_behind(&self.broken).await),
                false => None,
            },
            handed_over: self.handed_over.clone(),
            strategy: self.asked.strategy.clone(),
            attempts: self.attempts,
            story: self.story.clone(),
        }
    }
}
