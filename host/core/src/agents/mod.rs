//! Agents and teams: who works in which session, and who may type there. What they do
//! to many sessions at once is [orchestration](crate::orchestration).
//!
//! [`Agents`] owns all that is known of them. What outlives the host is one value
//! (`state`), changed by one at a time: a change is tried on a copy, kept by the
//! store, and only then shown, so that readers (the gate among them) never wait for
//! a disk and never see what could be lost. What concerns only this host, the active
//! sessions and how sessions look, is on the [`desk`].
//!
//! Pure parts: [`roster`], [`lease`], [`role`], [`programs`], [`notifications`],
//! [`colours`], [`focus`]. The rest are operations of the host, a file each.

mod admission;
pub mod caps;
mod changing;
pub mod colours;
mod deliveries;
pub mod desk;
mod error;
pub mod focus;
mod following;
pub mod import;
mod kept;
pub mod lease;
mod listing;
pub mod masking;
mod monitoring;
mod moving;
pub(crate) mod noticing;
pub mod notifications;
mod output_files;
mod permitting;
pub(crate) mod presence;
pub mod profile;
pub mod programs;
mod registering;
pub mod role;
pub mod roster;
mod sharing;
mod state;
mod status;
mod teams;
mod telemetry;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::broadcast;

pub use error::AgentsError;
pub use following::SeenOutput;
pub use listing::{SessionFilter, SharedSession, TagMatch};
pub use monitoring::{Monitoring, OutputLines};
pub(crate) use moving::BACKUP_TAG;
pub use moving::{Belongings, TakeOverRefusal};
pub use output_files::OutputFile;
pub use registering::RegisteredAgent;
pub use sharing::{AccessAnswer, LockAnswer, UnlockAnswer};
pub use status::{AgentLine, Said};
pub use teams::CreatedTeam;
pub use telemetry::{PaneTelemetry, Telemetry};

use crate::error::HostError;
use crate::store::{Store, StoreError};
use caps::AgentCaps;
use deliveries::Deliveries;
use desk::Desk;
use state::State;

/// Listeners that fall further behind are told that they missed something.
const CHANGES_WAITING: usize = 256;

/// Something about agents that has changed, for whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentsChanged {
    /// Agents, or the teams that they are in.
    Agents,
    /// Teams.
    Teams,
    /// Locks, tags, roles or looks of sessions.
    Sessions,
    /// Notifications.
    Notifications,
}

/// All that the host knows of agents.
pub struct Agents {
    store: Store,
    caps: AgentCaps,
    /// Held by whoever changes the state, until the store has kept it.
    turn: tokio::sync::Mutex<()>,
    state: RwLock<State>,
    deliveries: Mutex<Deliveries>,
    desk: Mutex<Desk>,
    /// The names that are tools, not programs, in a role's lists.
    tools: OnceLock<BTreeSet<String>>,
    /// Where teams' profiles are written for iTerm2, if at all.
    profiles_folder: Option<PathBuf>,
    changes: broadcast::Sender<AgentsChanged>,
}

impl Agents {
    /// What an earlier host has kept in `store`.
    pub fn open(
        store: Store,
        profiles_folder: Option<PathBuf>,
        caps: AgentCaps,
    ) -> Result<Self, StoreError> {
        let (state, deliveries) = store.read_blocking(kept::restore)?;
        Ok(Self {
            store,
            caps,
            turn: tokio::sync::Mutex::default(),
            state: RwLock::new(state),
            deliveries: Mutex::new(deliveries),
            desk: Mutex::default(),
            tools: OnceLock::new(),
            profiles_folder,
            changes: broadcast::channel(CHANGES_WAITING).0,
        })
    }

    /// Says which names are tools. The first to say so is believed.
    pub fn know_tools(&self, names: impl FnOnce() -> BTreeSet<String>) {
        self.tools.get_or_init(names);
    }

    /// The limits that agents have.
    pub(crate) fn caps(&self) -> &AgentCaps {
        &self.caps
    }

    /// What changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<AgentsChanged> {
        self.changes.subscribe()
    }

    fn is_tool(&self, name: &str) -> bool {
        self.tools.get().is_some_and(|tools| tools.contains(name))
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, what: AgentsChanged) {
        // Nobody listening is fine.
        let _ = self.changes.send(what);
    }
}

fn not_kept(error: StoreError) -> HostError {
    HostError::Internal(format!("{error}; nothing was changed"))
}
