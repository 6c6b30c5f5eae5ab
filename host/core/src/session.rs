//! One session as the registry keeps it.

use std::borrow::Borrow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use quarterdeck_policy::SessionFacts;
use quarterdeck_terminal::Terminal;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::gate::Door;
use crate::operations::CreateSession;
use crate::seen::Seen;
use crate::tasks::TaskId;

/// Names a session for its whole life: eight lower-case letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    /// A new random id. 36^8 values: the registry still checks for a collision.
    pub(crate) fn random() -> Self {
        Self::drawn_from(b"abcdefghijklmnopqrstuvwxyz0123456789")
    }

    /// A new random id of hexadecimal digits.
    pub(crate) fn random_hex() -> Self {
        Self::drawn_from(b"0123456789abcdef")
    }

    fn drawn_from(alphabet: &[u8]) -> Self {
        Self(
            (0..8)
                .map(|_| char::from(alphabet[rand::random_range(0..alphabet.len())]))
                .collect(),
        )
    }

    /// In place of the id of a session that is yet to be opened.
    pub(crate) fn not_yet() -> Self {
        Self("new".to_owned())
    }

    /// In place of the id of a session, that of a coding agent's own session in
    /// which its hook was called: `agent:id`. No terminal has such an id.
    pub(crate) fn of_agent(agent: &str, id: &str) -> Self {
        Self(format!("{agent}:{id}"))
    }

    /// An id that a session of an earlier host had, if it can be one.
    pub(crate) fn found(id: &str) -> Option<Self> {
        let possible = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        (id.len() == 8 && id.chars().all(possible)).then(|| Self(id.to_owned()))
    }

    /// The same as a UUID, for clients to whom a session's lasting name is one. It is made
    /// of the id alone: nobody has to keep it, and it is the same in every host that
    /// finds the session.
    pub fn uuid(&self) -> Uuid {
        let digest: [u8; 32] = Sha256::digest(format!("quarterdeck session {}", self.0)).into();
        let bytes = std::array::from_fn(|at| digest[at]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Whether `name` is this id, or its [UUID](Self::uuid).
    pub(crate) fn goes_by(&self, name: &str) -> bool {
        // A UUID is longer than an id: looked at only where it can be one.
        self.0 == name || (name.len() > self.0.len() && self.uuid().to_string() == name)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that a session is looked up by what a caller calls it.
impl Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A terminal with its name, its door and what is known of it.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) name: String,
    pub(crate) backend: BackendKind,
    /// What it was opened with, in words.
    pub(crate) program: String,
    pub(crate) tags: Tags,
    pub(crate) created_at: SystemTime,
    /// The machine that its shell is on, where that is another one: no marks come
    /// from there.
    pub(crate) remote_host: Option<String>,
    /// What it was opened with; `None` where that cannot be done again.
    pub(crate) reopening: Option<Box<CreateSession>>,
    /// Everything but typing.
    pub(crate) terminal: Terminal,
    /// Typing, which only the gate can do.
    pub(crate) door: Door,
    /// Held by a `session_run` from its first byte to its answer, so that two
    /// of them never share a prompt.
    pub(crate) run_turn: tokio::sync::Mutex<()>,
    /// How far callers have followed it.
    pub(crate) seen: Seen,
    /// What people see it by on tmux.
    pub(crate) shown_by: ShownBy,
    /// What it works on.
    pub(crate) task: CurrentTask,
    /// Whether `session.end` has been told.
    pub(crate) end_told: AtomicBool,
    /// The activity that the store has of it, in milliseconds since the Unix epoch; 0 for
    /// none since it was opened.
    pub(crate) activity_kept_ms: AtomicU64,
}

/// Who a session is when it begins.
pub(crate) struct Identity {
    pub(crate) id: SessionId,
    pub(crate) name: String,
    pub(crate) backend: BackendKind,
    pub(crate) program: String,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: SystemTime,
    pub(crate) remote_host: Option<String>,
    pub(crate) reopening: Option<Box<CreateSession>>,
}

impl Identity {
    /// Of one that was found on a backend, rather than opened.
    pub(crate) fn found(id: SessionId, name: String, backend: BackendKind, program: &str) -> Self {
        Self {
            id,
            name,
            backend,
            program: program.to_owned(),
            tags: Vec::new(),
            created_at: SystemTime::now(),
            remote_host: None,
            reopening: None,
        }
    }
}

impl Session {
    /// A session that nobody has used yet.
    pub(crate) fn new(identity: Identity, terminal: Terminal, door: Door) -> Arc<Self> {
        Arc::new(Self {
            id: identity.id,
            name: identity.name,
            backend: identity.backend,
            program: identity.program,
            tags: Tags::new(identity.tags),
            created_at: identity.created_at,
            remote_host: identity.remote_host,
            reopening: identity.reopening,
            terminal,
            door,
            run_turn: tokio::sync::Mutex::default(),
            seen: Seen::default(),
            shown_by: ShownBy::default(),
            task: CurrentTask::default(),
            end_told: AtomicBool::default(),
            activity_kept_ms: AtomicU64::default(),
        })
    }

    /// What policies are told of it that does not change.
    pub(crate) fn facts(&self) -> SessionFacts {
        SessionFacts {
            id: self.id.to_string(),
            name: self.name.clone(),
            backend: self.backend.as_str().to_owned(),
            tags: self.tags.list(),
            ..SessionFacts::default()
        }
    }
}

/// Words to find a session by, which may change while it lives.
pub(crate) struct Tags(RwLock<Vec<String>>);

impl Tags {
    fn new(tags: Vec<String>) -> Self {
        Self(RwLock::new(tags))
    }

    /// The words as they are now.
    pub(crate) fn list(&self) -> Vec<String> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set(&self, tags: Vec<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tags;
    }
}

/// The tmux session that shows a session and no other, or was the last that did: the session
/// goes by its name, also when the pane has gone.
#[derive(Default)]
pub(crate) struct ShownBy(RwLock<Option<String>>);

impl ShownBy {
    /// The tmux session's name.
    pub(crate) fn name(&self) -> Option<String> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set(&self, name: Option<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = name;
    }
}

/// The task whose command runs in a session, as the task's attempt says.
#[derive(Default)]
pub(crate) struct CurrentTask(RwLock<Option<TaskId>>);

impl CurrentTask {
    /// The task; `None` where what runs is nobody's task.
    pub(crate) fn id(&self) -> Option<TaskId> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set(&self, task: Option<TaskId>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = task;
    }
}

/// What carries a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// A pseudo-terminal of the host's own.
    #[default]
    Pty,
    /// A pane of a tmux server.
    Tmux,
    /// A pane of iTerm2.
    Iterm2,
}

impl BackendKind {
    /// The backend's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pty => "pty",
            Self::Tmux => "tmux",
            Self::Iterm2 => "iterm2",
        }
    }
}
