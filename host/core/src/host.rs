//! The host: what every door calls.
//!
//! One method for each operation: what every door offers is in a file of its own under
//! [`operations`](crate::operations), what concerns one subject in that subject's folder
//! (`agents`, `recordings`, `hooks`, …). Doors translate; they decide nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use quarterdeck_policy::PolicyHost;
use quarterdeck_terminal::Size;
use quarterdeck_terminal::tmux::Socket;
use tokio::sync::OnceCell;

use crate::agents::Agents;
use crate::agents::caps::AgentCaps;
use crate::agents::noticing::note_what_happens;
use crate::agents::presence::tell_who_is_present;
use crate::audit::{AuditError, AuditLog, Retention, keep_short};
use crate::backends::{BackendChoice, Tmux};
use crate::clock::now_ms;
use crate::coding_agents::{
    CodingAgents, ResumeSettings, interrupt_after, resume_when_limits_are_lifted,
};
use crate::default_sessions::DefaultSessions;
use crate::events::{EventBus, EventHistory, EventSettings};
use crate::gate::{Gate, GateSettings};
use crate::hooks::{Delegations, TodoLists};
use crate::iterm2::Iterm2;
use crate::life::{LostSessions, mark_lost, tell_end};
use crate::monitor::{Monitor, MonitorSettings};
use crate::operations::SshSettings;
use crate::policy_problems::{RecentProblem, RecentProblems};
use crate::progress::ProgressBoard;
use crate::rates::{RateLimits, RateSettings};
use crate::recordings::Recordings;
use crate::recovery::{Mending, RecoverySettings};
use crate::registry::Registry;
use crate::session::BackendKind;
use crate::store::{Store, StoreError};
use crate::swaps::tell_swaps;
use crate::tasks::{Machines, Tasks};

/// How sessions are opened.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// The shell; `None` takes `$SHELL`, else bash, else sh.
    pub shell: Option<PathBuf>,
    /// Size of a session that nobody gave one.
    pub size: Size,
    /// Lines kept above the screen.
    pub scrollback_lines: usize,
    /// Bytes of output kept for reading by cursor.
    pub transcript_bytes: usize,
    /// Whether bash, zsh and fish are told to report prompts and commands.
    pub shell_integration: bool,
    /// How many sessions may be open at once.
    pub max_sessions: usize,
    /// For how long the default session of a client that nobody hears the end of may
    /// be left unused.
    pub default_idle: Duration,
    /// How sessions on other machines are opened.
    pub ssh: SshSettings,
    /// What carries a session that asks for nothing else.
    pub backend: BackendChoice,
    /// The tmux server of sessions on tmux.
    pub tmux_socket: Socket,
    /// How to work with iTerm2; none where it cannot be.
    pub iterm2: Option<quarterdeck_terminal::iterm2::Settings>,
}

/// Everything that a host is started with.
pub struct HostSettings {
    /// Sessions.
    pub sessions: SessionSettings,
    /// The gate.
    pub gate: GateSettings,
    /// Policies.
    pub policies: quarterdeck_policy::Settings,
    /// Whether an agent may have policies loaded; people always may.
    pub agents_may_change_policies: bool,
    /// The audit log's file.
    pub audit_path: PathBuf,
    /// How much of it is kept.
    pub audit_retention: Retention,
    /// What outlives the host.
    pub store_path: PathBuf,
    /// Which events outlive it, and for how long.
    pub events: EventSettings,
    /// How often callers may ask.
    pub rates: RateSettings,
    /// Names of the programs that are coding agents, whose output is told as events.
    pub coding_agents: Vec<String>,
    /// Where the user's own rules for agents' screens are; nowhere where there is none.
    pub agent_rules: Option<PathBuf>,
    /// How agents are told to go on when a limit is lifted; `None`: they are not.
    pub resume_agents: Option<ResumeSettings>,
    /// The way to other machines; `None`: tasks are done here alone.
    pub machines: Option<Arc<dyn Machines>>,
    /// How many agents there may be, how deep, and for how long.
    pub caps: AgentCaps,
    /// Watching.
    pub monitor: MonitorSettings,
    /// Mending.
    pub recovery: RecoverySettings,
    /// Where teams' profiles are written for iTerm2; nowhere where there is none.
    pub profiles_folder: Option<PathBuf>,
    /// Where the output of monitored sessions is written.
    pub output_logs: PathBuf,
}

/// The host could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy engine.
    #[error(transparent)]
    Policies(#[from] quarterdeck_policy::StartError),
}

/// A running host. Shared by every door.
pub struct Host {
    pub(crate) sessions: SessionSettings,
    pub(crate) registry: Registry,
    pub(crate) defaults: DefaultSessions,
    pub(crate) tmux: Tmux,
    pub(crate) iterm2: Iterm2,
    /// Set once the sessions of an earlier host were looked for.
    pub(crate) looked_for_sessions: OnceCell<()>,
    pub(crate) gate: Gate,
    pub(crate) policies: PolicyHost,
    pub(crate) policy_settings: quarterdeck_policy::Settings,
    pub(crate) agents_may_change_policies: bool,
    /// Held by whoever replays the audit log.
    pub(crate) diff_turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) monitor: Monitor,
    pub(crate) recovery: RecoverySettings,
    pub(crate) mending: Arc<Mending>,
    pub(crate) progress: ProgressBoard,
    /// For tasks of the host's own, which end with it.
    pub(crate) this: Weak<Self>,
    pub(crate) store: Store,
    pub(crate) tasks: Tasks,
    pub(crate) machines: Option<Arc<dyn Machines>>,
    pub(crate) lost_sessions: LostSessions,
    pub(crate) events: Arc<EventBus>,
    pub(crate) delegations: Mutex<Delegations>,
    pub(crate) todo_lists: Mutex<TodoLists>,
    pub(crate) event_history: EventHistory,
    pub(crate) coding_agents: CodingAgents,
    pub(crate) resumes_agents: bool,
    pub(crate) rates: RateLimits,
    pub(crate) started_at: SystemTime,
    pub(crate) agents: Arc<Agents>,
    pub(crate) output_logs: PathBuf,
    pub(crate) recordings: Recordings,
    policy_problems: RecentProblems,
}

impl Host {
    /// Starts a host; call it inside a runtime. Policies are compiled in the
    /// background: the first command waits for them, nothing else does.
    pub fn start(settings: HostSettings) -> Result<Arc<Self>, StartError> {
        // Hosts are told by it, also once the file is another.
        let _ = crate::operations::own_name();
        let audit = Arc::new(AuditLog::open(&settings.audit_path)?);
        if settings.audit_retention.has_end() {
            tokio::spawn(keep_short(Arc::downgrade(&audit), settings.audit_retention));
        }
        let store = open_store(&settings.store_path)?;
        let events = Arc::new(EventBus::after(EventHistory::last_number(&store)?));
        let policy_problems = RecentProblems::default();
        // Beside the stores: each takes a third of a start.
        let policies = std::thread::spawn({
            let settings = settings.policies.clone();
            let problems = policy_problems.clone();
            let events = Arc::clone(&events);
            move || PolicyHost::start(settings, move |problem| problems.tell(&problem, &events))
        });
        let event_history =
            EventHistory::start(Arc::clone(&events), store.clone(), settings.events);
        let lost_sessions = mark_lost(&store);
        let longest_work = settings.caps.work;
        let agents = Agents::open(store.clone(), settings.profiles_folder, settings.caps)?;
        let agents = Arc::new(agents);
        let (monitor, watcher) = Monitor::new(settings.monitor)?;
        let policies = policies
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        tokio::spawn(tell_swaps(
            policies.changes(),
            Arc::clone(&events),
            Arc::clone(&audit),
        ));
        let host = Arc::new_cyclic(|this| Self {
            registry: Registry::new(settings.sessions.max_sessions),
            defaults: DefaultSessions::default(),
            tmux: Tmux::new(settings.sessions.tmux_socket.clone()),
            iterm2: Iterm2::new(settings.sessions.iterm2.clone()),
            looked_for_sessions: OnceCell::new(),
            sessions: settings.sessions,
            gate: Gate::new(
                settings.gate,
                policies.clone(),
                audit,
                Arc::clone(&events),
                Arc::clone(&agents),
            ),
            policies,
            policy_settings: settings.policies,
            agents_may_change_policies: settings.agents_may_change_policies,
            diff_turn: Arc::default(),
            store,
            tasks: Tasks::default(),
            machines: settings.machines,
            coding_agents: CodingAgents::new(
                settings.coding_agents,
                settings.agent_rules,
                Arc::clone(&events),
            ),
            resumes_agents: settings.resume_agents.is_some(),
            rates: RateLimits::new(settings.rates),
            started_at: SystemTime::now(),
            event_history,
            lost_sessions,
            events,
            delegations: Mutex::default(),
            todo_lists: Mutex::default(),
            monitor,
            recovery: settings.recovery,
            mending: Arc::default(),
            progress: ProgressBoard::default(),
            this: Weak::clone(this),
            agents,
            recordings: Recordings::new(settings.output_logs.join("recordings")),
            output_logs: settings.output_logs,
            policy_problems,
        });
        tokio::spawn(watcher.watch(Arc::downgrade(&host)));
        tokio::spawn(tell_who_is_present(
            Arc::downgrade(&host),
            host.agents.changes(),
        ));
        tokio::spawn(note_what_happens(
            Arc::downgrade(&host),
            host.events.subscribe(),
        ));
        if let Some(most) = longest_work {
            tokio::spawn(interrupt_after(Arc::downgrade(&host), most));
        }
        if let Some(settings) = settings.resume_agents {
            let host = Arc::downgrade(&host);
            tokio::spawn(resume_when_limits_are_lifted(host, settings));
        }
        Ok(host)
    }

    /// The newest problems with policies, oldest first.
    pub fn policy_problems(&self) -> Vec<RecentProblem> {
        self.policy_problems.all()
    }

    /// What happens on this host, from now on and before.
    pub fn events(&self) -> &EventBus {
        &self.events
    }

    /// What happened before, for longer than memory keeps it.
    pub fn event_history(&self) -> &EventHistory {
        &self.event_history
    }

    /// Since when this host runs.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// Ends every session, save those on tmux and iTerm2, which a later host finds
    /// again, and stops watching policies.
    pub async fn shutdown(&self) {
        self.tasks.stop().await;
        let closing = self
            .registry
            .all()
            .into_iter()
            .filter(|session| session.backend == BackendKind::Pty)
            .map(|session| async move {
                session.terminal.close().await;
                tell_end(&session, &self.events);
            });
        futures_util::future::join_all(closing).await;
        self.policies.shutdown().await;
        self.event_history.finish().await;
        self.monitor.history.keep_end(now_ms().cast_signed()).await;
    }
}

/// The first host of a user keeps what outlives it; one beside it forgets.
fn open_store(path: &Path) -> Result<Store, StoreError> {
    match Store::open(path) {
        Err(StoreError::InUse { path }) => {
            tracing::info!(
                "another host keeps {}: what this one knows is forgotten when it ends",
                path.display()
            );
            Store::temporary()
        }
        opened => opened,
    }
}
