//! Which sessions are followed, and what is believed of each: what the rest of the host
//! asks, and the way to a session's [`Follower`]. Maps are locked for moments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quarterdeck_terminal::{ShellState, Status};
use tokio::sync::{Notify, mpsc, watch};

use super::activity::{Activity, AgentActivity};
use super::belief::HookTold;
use super::follower::Follower;
use super::known_rules::KnownRules;
use super::rules::AgentRules;
use crate::clock::now_ms;
use crate::events::EventBus;
use crate::session::{Session, SessionId};

/// What one follower is told may wait.
const TOLD_WAITING: usize = 16;

/// The coding agents of a host.
#[derive(Clone)]
pub(crate) struct CodingAgents {
    inner: Arc<Followers>,
}

/// What the registry and its followers share.
pub(super) struct Followers {
    programs: Vec<String>,
    pub(super) rules: KnownRules,
    pub(super) events: Arc<EventBus>,
    in_front: Mutex<BTreeMap<SessionId, AgentInFront>>,
    followed: Mutex<BTreeMap<SessionId, Arc<Followed>>>,
}

/// The way to a follower.
pub(super) struct Followed {
    pub(super) activity: watch::Sender<AgentActivity>,
    told: mpsc::Sender<Told>,
    /// Somebody has begun to wait.
    pub(super) hurry: Notify,
}

/// What a follower is told from outside.
pub(super) enum Told {
    /// By a hook of its agent.
    Hook(HookTold),
    /// A prompt was submitted.
    Prompted,
}

/// A coding agent that has a session's terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentInFront {
    /// The program's name.
    pub program: String,
    /// Its process.
    pub pid: Option<u32>,
}

impl CodingAgents {
    /// Looks for programs with these names, and for those that `rules_folder` or the
    /// bundled rules know.
    pub(crate) fn new(
        programs: Vec<String>,
        rules_folder: Option<PathBuf>,
        events: Arc<EventBus>,
    ) -> Self {
        Self {
            inner: Arc::new(Followers {
                programs,
                rules: KnownRules::in_folder(rules_folder),
                events,
                in_front: Mutex::default(),
                followed: Mutex::default(),
            }),
        }
    }

    /// Follows a session until it is over.
    pub(crate) fn follow(&self, session: &Arc<Session>) {
        let (told, telling) = mpsc::channel(TOLD_WAITING);
        let followed = Arc::new(Followed {
            activity: watch::channel(AgentActivity::of_shell(Activity::Unknown, now_ms())).0,
            told,
            hurry: Notify::new(),
        });
        self.inner
            .followed()
            .insert(session.id.clone(), Arc::clone(&followed));
        let follower = Follower::new(Arc::clone(&self.inner), session.id.clone(), followed);
        let changes = session.terminal.changes();
        tokio::spawn(follower.follow(Arc::downgrade(session), changes, telling));
    }

    /// Forgets a session that is over.
    pub(crate) fn forget(&self, id: &SessionId) {
        self.inner.followed().remove(id);
    }

    /// Those that are in front now.
    pub(crate) fn in_front(&self) -> Vec<AgentInFront> {
        self.inner.in_front().values().cloned().collect()
    }

    /// Whether a session runs a program that is known to be an agent's.
    pub(crate) fn know(&self, status: &Status) -> bool {
        self.inner.agent_in(status).is_some()
    }

    /// What goes on in a session, from now on. While this is held, looks are frequent.
    pub(crate) fn watch(&self, id: &SessionId) -> Option<watch::Receiver<AgentActivity>> {
        let followed = self.inner.followed().get(id).cloned()?;
        let receiver = followed.activity.subscribe();
        followed.hurry.notify_one();
        Some(receiver)
    }

    /// What was believed of a session when it was looked at last.
    pub(crate) fn activity(&self, id: &SessionId) -> Option<AgentActivity> {
        let followed = self.inner.followed().get(id).cloned()?;
        let activity = followed.activity.borrow().clone();
        Some(activity)
    }

    /// The rules for the agent that a session runs.
    pub(crate) async fn rules(&self, program: &str) -> Option<Arc<AgentRules>> {
        self.inner.rules.of(program).await
    }

    /// A hook of the agent in this session has told something.
    pub(crate) async fn hears(&self, id: &SessionId, told: HookTold) {
        self.tell(id, Told::Hook(told)).await;
    }

    /// A prompt was seen to be submitted in this session.
    pub(crate) async fn is_prompted(&self, id: &SessionId) {
        self.tell(id, Told::Prompted).await;
    }

    async fn tell(&self, id: &SessionId, told: Told) {
        let followed = self.inner.followed().get(id).cloned();
        if let Some(followed) = followed {
            // A follower that has ended need not be told.
            let _ = followed.told.send(told).await;
        }
    }
}

impl Followers {
    pub(super) fn in_front(&self) -> MutexGuard<'_, BTreeMap<SessionId, AgentInFront>> {
        self.in_front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self) -> MutexGuard<'_, BTreeMap<SessionId, Arc<Followed>>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coding agent that a session runs, by the program in front or, where
    /// that is an interpreter, by the command that was given.
    pub(super) fn agent_in(&self, status: &Status) -> Option<AgentInFront> {
        let known = |name: &str| {
            let named = self.programs.iter().any(|program| program == name);
            (named || self.rules.know(name)).then(|| name.to_owned())
        };
        let command = match &status.shell {
            ShellState::Running {
                command: Some(command),
                ..
            } => command.split_whitespace().next(),
            _ => None,
        };
        let by_command = || {
            let program = Path::new(command?).file_name()?;
            known(program.to_str()?)
        };
        let foreground = status.foreground.as_ref();
        foreground
            .and_then(|foreground| known(&foreground.name))
            .or_else(by_command)
            .map(|program| AgentInFront {
                program,
                pid: foreground.map(|foreground| foreground.pid),
            })
    }
}
