//! Roles: which programs may run in a session, and which tools its agent may call.
//! Pure.
//!
//! A role's lists hold names of both, as iterm-mcp's clients write them: `git` is a
//! program, `create_sessions` a tool. What is denied is denied. A list of what is
//! allowed restricts the kind of thing that it names: one that names only programs
//! leaves the tools alone, or no agent with a role could call anything.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AgentsError;
use crate::error::HostError;

/// What a session is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Infrastructure and deployments.
    Devops,
    /// Compiling and packaging.
    Builder,
    /// Finding what is wrong.
    Debugger,
    /// Gathering information.
    Researcher,
    /// Running tests.
    Tester,
    /// Directing other agents.
    Orchestrator,
    /// Watching.
    Monitor,
    /// Whatever its configuration says.
    Custom,
}

/// A name that no role has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no role {0:?}; the roles are devops, builder, debugger, researcher, tester, orchestrator, monitor and custom"
)]
pub struct UnknownRole(String);

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Devops,
        Self::Builder,
        Self::Debugger,
        Self::Researcher,
        Self::Tester,
        Self::Orchestrator,
        Self::Monitor,
        Self::Custom,
    ];

    /// The word that clients use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Devops => "devops",
            Self::Builder => "builder",
            Self::Debugger => "debugger",
            Self::Researcher => "researcher",
            Self::Tester => "tester",
            Self::Orchestrator => "orchestrator",
            Self::Monitor => "monitor",
            Self::Custom => "custom",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let lower = name.trim().to_lowercase();
        (Self::ALL.into_iter())
            .find(|role| role.as_str() == lower)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

/// What a role means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleConfig {
    /// The role
    pub role: Role,
    /// What it is for
    #[serde(default)]
    pub description: String,
    /// Programs and tools that are allowed; empty for all
    #[serde(default)]
    pub available_tools: Vec<String>,
    /// Programs and tools that are denied, whatever else is allowed
    #[serde(default)]
    pub restricted_tools: Vec<String>,
    /// Commands that run when a session with this role is created
    #[serde(default)]
    pub default_commands: Vec<String>,
    /// Environment variables of such a session
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Whether its agent may create sessions for other agents
    #[serde(default)]
    pub can_spawn_agents: bool,
    /// Whether its agent may give and take roles
    #[serde(default)]
    pub can_modify_roles: bool,
    /// 1 (first) to 5
    #[serde(default = "usual_priority")]
    #[schemars(range(min = 1, max = 5))]
    pub priority: u8,
}

fn usual_priority() -> u8 {
    3
}

impl RoleConfig {
    /// Refuses a priority out of its range.
    pub(crate) fn check(&self) -> Result<(), AgentsError> {
        match self.priority {
            1..=5 => Ok(()),
            priority => Err(AgentsError::Priority {
                role: self.role,
                priority,
            }),
        }
    }

    /// Whether its agent may create sessions.
    pub fn allows_spawning(&self) -> Result<(), HostError> {
        match self.can_spawn_agents {
            true => Ok(()),
            false => Err(HostError::ForbiddenByRole {
                role: self.role,
                what: "creating sessions".to_owned(),
                instead: "only roles with can_spawn_agents create them".to_owned(),
            }),
        }
    }

    /// Whether its agent may give and take roles.
    pub fn allows_changing_roles(&self) -> Result<(), HostError> {
        match self.can_modify_roles {
            true => Ok(()),
            false => Err(HostError::ForbiddenByRole {
                role: self.role,
                what: "changing roles".to_owned(),
                instead: "only roles with can_modify_roles change them".to_owned(),
            }),
        }
    }

    /// What a role means unless somebody says otherwise.
    pub fn default_of(role: Role) -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        let (description, available, restricted, priority): (_, &[&str], &[&str], _) = match role {
            Role::Devops => (
                "Infrastructure, deployments and system operations",
                &[
                    "docker",
                    "kubectl",
                    "terraform",
                    "ansible",
                    "aws",
                    "gcloud",
                    "az",
                ],
                &[],
                2,
            ),
            Role::Builder => (
                "Compilation, packaging and artifacts",
                &["npm", "yarn", "pip", "cargo", "go", "make", "docker", "git"],
                &[],
                3,
            ),
            Role::Debugger => (
                "Investigating issues and analysing logs",
                &[
                    "gdb", "lldb", "strace", "dtrace", "tail", "grep", "awk", "jq",
                ],
                &[],
                2,
            ),
            Role::Researcher => (
                "Gathering information and analysis",
                &["curl", "wget", "git", "grep", "find", "cat", "less"],
                &["rm", "docker", "kubectl"],
                4,
            ),
            Role::Tester => (
                "Running tests and quality assurance",
                &["pytest", "jest", "mocha", "cargo", "go", "npm", "make"],
                &[],
                3,
            ),
            Role::Orchestrator => ("Directing other agents and workflows", &[], &[], 1),
            Role::Monitor => (
                "Observing and reporting on the state of systems",
                &["tail", "grep", "ps", "top", "htop", "docker", "kubectl"],
                &["rm", "kill", "pkill"],
                4,
            ),
            Role::Custom => ("Whatever its configuration says", &[], &[], 3),
        };
        Self {
            role,
            description: description.to_owned(),
            available_tools: words(available),
            restricted_tools: words(restricted),
            default_commands: Vec::new(),
            environment: BTreeMap::new(),
            can_spawn_agents: role == Role::Orchestrator,
            can_modify_roles: role == Role::Orchestrator,
            priority,
        }
    }

    /// Why something may not be used; `None` if it may. `tools` tells a tool's name
    /// from a program's.
    pub fn denies(&self, used: &Used<'_>, tools: &dyn Fn(&str) -> bool) -> Option<Denial> {
        let name = used.name();
        if self.restricted_tools.iter().any(|denied| denied == name) {
            return Some(Denial::Restricted);
        }
        let is_tool = matches!(used, Used::Tool(_));
        let mut of_this_kind = self
            .available_tools
            .iter()
            .filter(|it| tools(it) == is_tool);
        let restricts = of_this_kind.clone().next().is_some();
        (restricts && !of_this_kind.any(|allowed| allowed == name)).then_some(Denial::NotAvailable)
    }

    /// Whether it says anything about programs at all.
    pub fn restricts_programs(&self, tools: &dyn Fn(&str) -> bool) -> bool {
        let mut names = self.available_tools.iter().chain(&self.restricted_tools);
        names.any(|name| !tools(name))
    }
}

/// What is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used<'a> {
    /// A tool of a door.
    Tool(&'a str),
    /// A program in a session.
    Program(&'a str),
}

impl<'a> Used<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Tool(name) | Self::Program(name) => name,
        }
    }
}

/// Why a role does not let something through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The role denies it.
    Restricted,
    /// The role allows others.
    NotAvailable,
}

/// The role of one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// The session.
    pub session_id: String,
    /// What its role means here.
    pub config: RoleConfig,
    /// RFC 3339.
    pub assigned_at: String,
    /// The agent that gave it.
    pub assigned_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_tool(name: &str) -> bool {
        name.contains('_')
    }

    fn config(available: &[&str], restricted: &[&str]) -> RoleConfig {
        RoleConfig {
            available_tools: available.iter().map(|it| (*it).to_owned()).collect(),
            restricted_tools: restricted.iter().map(|it| (*it).to_owned()).collect(),
            ..RoleConfig::default_of(Role::Custom)
        }
    }

    #[test]
    fn the_deny_list_comes_first() {
        let config = config(&["git", "rm"], &["rm", "create_sessions"]);
        let denies = |used| config.denies(&used, &is_tool);
        assert_eq!(denies(Used::Program("rm")), Some(Denial::Restricted));
        assert_eq!(denies(Used::Program("git")), None);
        assert_eq!(denies(Used::Program("curl")), Some(Denial::NotAvailable));
        assert_eq!(
            denies(Used::Tool("create_sessions")),
            Some(Denial::Restricted)
        );
    }

    #[test]
    fn a_list_of_programs_leaves_tools_alone_and_the_other_way_round() {
        let programs = config(&["git"], &[]);
        assert_eq!(
            programs.denies(&Used::Tool("read_sessions"), &is_tool),
            None
        );
        let tools = config(&["read_sessions"], &[]);
        assert_eq!(tools.denies(&Used::Program("git"), &is_tool), None);
        assert_eq!(
            tools.denies(&Used::Tool("write_to_sessions"), &is_tool),
            Some(Denial::NotAvailable)
        );
        assert!(!tools.restricts_programs(&is_tool));
    }

    #[test]
    fn every_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().to_uppercase().parse(), Ok(role));
            assert_eq!(RoleConfig::default_of(role).role, role);
        }
        assert!("chef".parse::<Role>().is_err());
    }
}
