//! How many agents there may be, how deep they may start each other, and how long they
//! and tasks may take. Pure.

use std::time::Duration;

/// The limits. Whoever meets one is told its name in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCaps {
    /// Agents that are registered at once; `agents.max`.
    pub agents: usize,
    /// How deep agents start agents: 1 is started by nobody's agent; `agents.max_depth`.
    pub depth: u32,
    /// What one agent's own session has handed to others of its program, and they have
    /// not ended; `agents.max_delegations`.
    pub delegations: usize,
    /// How long an agent's program may work without a pause, before it is interrupted;
    /// `agents.max_work_seconds`.
    pub work: Option<Duration>,
    /// The longest time that a task may ask for; `tasks.max_seconds`.
    pub task: Duration,
}

impl Default for AgentCaps {
    fn default() -> Self {
        Self {
            agents: 1_000,
            depth: 5,
            delegations: 64,
            work: None,
            task: Duration::from_secs(24 * 3_600),
        }
    }
}

/// A limit on agents that was met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapReached {
    /// As many agents as there may be.
    #[error(
        "{registered} agents are registered, {more} more would be above the limit agents.max = {most}; take some out, or raise it in the configuration"
    )]
    Agents {
        /// How many there are.
        registered: usize,
        /// How many more were wanted.
        more: usize,
        /// How many there may be.
        most: usize,
    },
    /// An agent that was started too deep to start others.
    #[error(
        "agent {by} was itself started {} deep, and the limit is agents.max_depth = {deepest}: have whoever started it start this one, or raise it in the configuration",
        .depth.saturating_sub(1)
    )]
    Depth {
        /// The agent.
        by: String,
        /// How deep the one would be that it starts.
        depth: u32,
        /// How deep any may be.
        deepest: u32,
    },
    /// A task that asks for more time than it may.
    #[error(
        "the task {task:?} asks for {} ms, and the limit is tasks.max_seconds = {}: ask for less, or raise it in the configuration",
        .asked.as_millis(), .longest.as_secs()
    )]
    Task {
        /// The task.
        task: String,
        /// What it asks for.
        asked: Duration,
        /// What it may ask for.
        longest: Duration,
    },
}

impl AgentCaps {
    /// Whether `more` agents fit beside those that are `registered`.
    pub(super) fn allow_agents(&self, registered: usize, more: usize) -> Result<(), CapReached> {
        match registered + more <= self.agents {
            true => Ok(()),
            false => Err(CapReached::Agents {
                registered,
                more,
                most: self.agents,
            }),
        }
    }

    /// Whether an agent may start others that would be `depth` deep.
    pub(super) fn allow_depth(&self, depth: u32, by: &str) -> Result<(), CapReached> {
        match depth <= self.depth {
            true => Ok(()),
            false => Err(CapReached::Depth {
                by: by.to_owned(),
                depth,
                deepest: self.depth,
            }),
        }
    }

    /// Why one more delegation is too many; `None` if it is not.
    pub(crate) fn refuse_delegation(&self, under_way: usize) -> Option<String> {
        (under_way >= self.delegations).then(|| {
            format!(
                "{under_way} of its delegations are under way, and the limit is agents.max_delegations = {}: wait for some to end",
                self.delegations
            )
        })
    }

    /// Whether a task may ask for so much time.
    pub(crate) fn allow_task(&self, id: &str, timeout: Duration) -> Result<(), CapReached> {
        match timeout <= self.task {
            true => Ok(()),
            false => Err(CapReached::Task {
                task: id.to_owned(),
                asked: timeout,
                longest: self.task,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_met_names_its_setting() {
        let caps = AgentCaps {
            agents: 2,
            depth: 1,
            delegations: 1,
            work: None,
            task: Duration::from_secs(1),
        };
        assert!(caps.allow_agents(1, 1).is_ok());
        assert!(caps.allow_depth(1, "ada").is_ok());
        assert_eq!(caps.refuse_delegation(0), None);
        assert!(caps.allow_task("t", Duration::from_secs(1)).is_ok());
        for (refused, setting) in [
            (caps.allow_agents(1, 2), "agents.max = 2"),
            (caps.allow_depth(2, "ada"), "agents.max_depth = 1"),
            (
                caps.allow_task("t", Duration::from_millis(1_001)),
                "tasks.max_seconds = 1",
            ),
        ] {
            let said = refused.expect_err("above the limit").to_string();
            assert!(said.contains(setting), "{said}");
        }
        let said = caps.refuse_delegation(1).expect("one too many");
        assert!(said.contains("agents.max_delegations = 1"), "{said}");
    }
}
