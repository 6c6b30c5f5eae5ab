//! Terms under which tasks cannot be taken.

use crate::tasks::task::{DistributeTasks, Lane, TaskId};

/// Terms under which nothing could be done. A door says it in the words of its own
/// arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTerms {
    /// None may run.
    #[error("no task could run: let one at least run at once")]
    NoneAtOnce,
    /// Machines are asked for, and something that only this host has.
    #[error(
        "machines are asked for, and {}, which this host alone has: leave one of them out; tags choose among machines", .0.as_str()
    )]
    NotOfMachines(OfThisHost),
    /// A prompt, and no agent that could answer it.
    #[error(
        "the task {:?} is a prompt: say in which sessions the agents run that can answer it, or which command starts one", .task.as_str()
    )]
    NobodyAnswers {
        /// The prompt.
        task: TaskId,
        /// Whether machines are to do it, which have to start one.
        machines: bool,
    },
}

/// What only this host has, and no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfThisHost {
    /// Sessions, by id or name.
    Sessions,
    /// The sessions of a team's agents.
    Team,
    /// The sessions with a role.
    Role,
    /// Sessions that are opened.
    OpenedSessions,
}

impl OfThisHost {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Team => "a team",
            Self::Role => "a role",
            Self::OpenedSessions => "sessions to be opened",
        }
    }
}

/// Whether anything could be done under these terms, whatever sessions and machines there
/// are.
pub(super) fn check(request: &DistributeTasks) -> Result<(), BadTerms> {
    let workers = &request.workers;
    if request.max_concurrent == Some(0) {
        return Err(BadTerms::NoneAtOnce);
    }
    let of_this_host = [
        (!workers.sessions.is_empty(), OfThisHost::Sessions),
        (workers.team.is_some(), OfThisHost::Team),
        (workers.role.is_some(), OfThisHost::Role),
        (workers.open_up_to.is_some(), OfThisHost::OpenedSessions),
    ];
    let asked_for = of_this_host.into_iter().find(|(asked_for, _)| *asked_for);
    if let (true, Some((_, what))) = (workers.machines, asked_for) {
        return Err(BadTerms::NotOfMachines(what));
    }
    let agents_run = workers.is_explicit() && !workers.machines;
    let prompt = (request.tasks.iter()).find(|task| task.work.lane() == Lane::Program);
    match prompt {
        Some(prompt) if !agents_run && workers.agent_command.is_none() => {
            Err(BadTerms::NobodyAnswers {
                task: prompt.id.clone(),
                machines: workers.machines,
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::task::{NewTask, Work, WorkerChoice};

    fn checked(workers: WorkerChoice) -> Result<(), BadTerms> {
        let id = TaskId::try_from("ask".to_owned()).expect("an id");
        let prompt = "why".to_owned();
        check(&DistributeTasks {
            tasks: vec![NewTask::new(id, Work::Analysis { prompt })],
            strategy: "round-robin".to_owned(),
            max_concurrent: None,
            workers,
        })
    }

    #[test]
    fn a_prompt_needs_somebody_who_answers() {
        let of_machines = |tags: &[&str], agent_command: Option<&str>| WorkerChoice {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            machines: true,
            agent_command: agent_command.map(str::to_owned),
            ..WorkerChoice::default()
        };
        let here = |tags: &[&str]| WorkerChoice {
            machines: false,
            ..of_machines(tags, None)
        };
        assert_eq!(checked(here(&["crew"])), Ok(()), "an agent may run there");
        assert_eq!(checked(of_machines(&["gpu"], Some("claude"))), Ok(()));
        for (workers, machines) in [(here(&[]), false), (of_machines(&["gpu"], None), true)] {
            let task = TaskId::try_from("ask".to_owned()).expect("an id");
            let nobody = BadTerms::NobodyAnswers { task, machines };
            assert_eq!(checked(workers), Err(nobody));
        }
    }
}
