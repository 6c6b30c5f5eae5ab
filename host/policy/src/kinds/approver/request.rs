//! What an approver is asked: plain mirrors of the WIT records, so that nobody
//! outside this crate meets a type of the engine.

use serde::{Deserialize, Serialize};

/// One question to the approvers: may this run?
///
/// Mirrors `request` of `quarterdeck:policy/approve`. Its JSON and TOML forms use
/// the names of the WIT; read from there, everything but the command line may be
/// left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReviewRequest {
    /// What will run, or what is typed into a program; may span lines.
    pub command_line: String,
    /// How the text came to be.
    #[serde(default)]
    pub entry: Entry,
    /// How sure the host is of `command_line`.
    #[serde(default)]
    pub certainty: Certainty,
    /// Where it would run.
    #[serde(default)]
    pub session: SessionFacts,
    /// Who asks.
    #[serde(default)]
    pub caller: CallerFacts,
    /// Command lines accepted in this session before, oldest first. Of more
    /// than [`ReviewRequest::MAX_RECENT`] the newest are passed on.
    #[serde(default)]
    pub recent: Vec<String>,
    /// When it was asked, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub time_ms: u64,
    /// Named facts that this version of the interface has no field for.
    #[serde(default)]
    pub attributes: Vec<(String, String)>,
}

impl ReviewRequest {
    /// How many of `recent` a policy is shown at most.
    pub const MAX_RECENT: usize = 20;
}

/// How the text came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A whole command, handed over as such.
    #[default]
    Command,
    /// Typed, possibly in pieces, and ended with Enter.
    Typed,
    /// Pasted.
    Pasted,
    /// Named keys, as in a full-screen program.
    Keys,
    /// A coding agent's own shell tool, told of by its hook.
    Hook,
}

/// How sure the host is that the command line is what will run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The shell itself said what its line holds, or it is handed over whole.
    #[default]
    Exact,
    /// Put together from the keys typed since the last Enter.
    Typed,
    /// Keys were typed whose effect the host cannot know.
    Unknown,
}

/// What the host knows about the shell of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptState {
    /// The shell waits for a command line.
    AtPrompt,
    /// The shell runs a command: what is typed goes to that program.
    Running,
    /// The session has no shell integration, so nobody knows.
    #[default]
    Unknown,
}

/// What a policy is told about a session. Mirrors `session` of
/// `quarterdeck:policy/types`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct SessionFacts {
    /// Stable for the life of the session.
    pub id: String,
    /// The name that a person or an agent gave it.
    pub name: String,
    /// What carries it: `pty`, `tmux` or `iterm2`.
    pub backend: String,
    /// The shell's working directory, where the host knows it.
    pub cwd: Option<String>,
    /// Name of the program in the foreground, without its folder.
    pub program: Option<String>,
    /// Whether the shell waits for a command.
    pub prompt: PromptState,
    /// Whether a full-screen program has taken the alternate screen.
    pub full_screen: bool,
    /// Labels that people and agents put on the session.
    pub tags: Vec<String>,
    /// The role that the session plays in its team.
    pub role: Option<String>,
    /// The team that the session belongs to.
    pub team: Option<String>,
    /// Named facts that this version of the interface has no field for.
    pub attributes: Vec<(String, String)>,
}

/// Who asks. Mirrors `caller` of `quarterdeck:policy/types`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct CallerFacts {
    /// `agent`, `human`, `task`, `recovery`, `playbook` or `hook`.
    pub kind: String,
    /// The name of the agent, where there is one.
    pub agent: Option<String>,
    /// The client program as it named itself, with its version.
    pub client: Option<String>,
    /// The caller's role.
    pub role: Option<String>,
    /// The door it came through: `stdio`, `http`, `grpc`, `cli`, `hook`, …
    pub transport: String,
}

/// A person at the command line.
impl Default for CallerFacts {
    fn default() -> Self {
        CallerFacts {
            kind: String::from("human"),
            agent: None,
            client: None,
            role: None,
            transport: String::from("cli"),
        }
    }
}
