//! Handing tasks in: all of them are taken, or none.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::bad_terms;
use super::estimates::{Ahead, until_all_ended};
use super::kept::{self, KeptTask, Terms, work_key};
use super::open_task::OpenTask;
use super::order;
use super::queue::Queue;
use super::telling::News;
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::host::Host;
use crate::tasks::task::{
    DistributeOutcome, DistributeTasks, Distributed, Lane, NewTask, TaskId, TaskState,
};
use crate::tasks::worker::attempt::WorkerAfter;

/// Tasks that may wait at once.
const MOST_OPEN: usize = 100_000;

impl Queue {
    /// Checks tasks, keeps them, and gives those that can run to workers.
    pub(super) async fn distribute(
        &mut self,
        request: DistributeTasks,
        caller: Caller,
    ) -> Result<DistributeOutcome, HostError> {
        let host = self.host()?;
        let earlier = self.earlier_tasks(&host, &request.tasks).await?;
        self.check_order(&request.tasks, &earlier)?;
        if self.open.len() + request.tasks.len() > MOST_OPEN {
            return Err(HostError::ResourceExhausted(format!(
                "{} tasks wait already, and {MOST_OPEN} may: let some of them end, or cancel some",
                self.open.len()
            )));
        }
        for task in &request.tasks {
            host.agents
                .caps()
                .allow_task(task.id.as_str(), task.timeout)?;
        }
        if request.workers.agent_command.is_some() {
            host.agents.may_start(&[], &caller)?;
        }
        self.check_terms(&host, &request).await?;
        self.notice_ended_sessions(&host, &request).await;
        let submission = self.last_submission + 1;
        let tasks = self.numbered(&request.tasks, submission, &earlier);
        let terms = Terms {
            strategy: request.strategy,
            max_concurrent: request.max_concurrent,
            workers: request.workers,
            caller,
        };
        let (kept_terms, kept_tasks) = (terms.clone(), tasks.clone());
        let write = host
            .store
            .write(move |kept| kept::add(kept, submission, &kept_terms, &kept_tasks));
        write.await.map_err(HostError::from_store)?;
        self.last_submission = submission;
        self.last_task += tasks.len() as u64;
        let terms = Arc::new(terms);
        self.submissions.insert(submission, Arc::clone(&terms));
        self.idle_since = None;
        let ids: Vec<(u64, TaskId)> = tasks
            .iter()
            .map(|task| (task.number, task.spec.id.clone()))
            .collect();
        self.insert(tasks);
        for ((number, _), spec) in ids.iter().zip(&request.tasks) {
            self.tell(News {
                number: *number,
                submission,
                spec,
                state: TaskState::Queued,
                session_id: None,
                error: None,
            });
            self.tell_ticket(spec, &terms);
        }
        self.tell_todo_lists();
        for (needed, (_, state)) in earlier {
            if state != TaskState::Completed {
                let needs = |number: &u64| {
                    self.open
                        .get(number)
                        .is_some_and(|task| task.spec.dependencies.contains(&needed))
                };
                let needing = ids
                    .iter()
                    .map(|(number, _)| *number)
                    .filter(needs)
                    .collect();
                self.fail_those_that_need(&needed, state, needing).await;
            }
        }
        self.round().await;
        Ok(DistributeOutcome {
            distributed: ids
                .into_iter()
                .map(|(number, id)| self.distributed(number, id))
                .collect(),
            queue_length: self.backlog.waiting(),
            estimate: self.estimate(submission),
        })
    }

    /// The tasks as they are kept: numbered in order, with the numbers of what
    /// they need.
    fn numbered(
        &self,
        tasks: &[NewTask],
        submission: u64,
        earlier: &HashMap<TaskId, (u64, TaskState)>,
    ) -> Vec<KeptTask> {
        let first = self.last_task + 1;
        let numbers: HashMap<&TaskId, u64> =
            tasks.iter().map(|task| &task.id).zip(first..).collect();
        let number_of = |id: &TaskId| {
            let open = numbers.get(id).or_else(|| self.by_id.get(id)).copied();
            open.or_else(|| earlier.get(id).map(|(number, _)| *number))
        };
        let now = now_ms();
        (first..)
            .zip(tasks)
            .map(|(number, spec)| KeptTask {
                number,
                submission,
                spec: spec.clone(),
                needs: spec.dependencies.iter().filter_map(number_of).collect(),
                state: TaskState::Queued,
                attempts: 0,
                lost: 0,
                notes: Vec::new(),
                session_id: None,
                submitted_ms: now,
                sending: 0,
            })
            .collect()
    }

    /// Of the tasks that these need, those that have ended: numbers and ends.
    async fn earlier_tasks(
        &self,
        host: &Host,
        tasks: &[NewTask],
    ) -> Result<HashMap<TaskId, (u64, TaskState)>, HostError> {
        let wanted: BTreeSet<TaskId> = tasks
            .iter()
            .flat_map(|task| &task.dependencies)
            .filter(|id| !self.by_id.contains_key(id))
            .cloned()
            .collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let read = host.store.read(move |kept| {
            let mut found = HashMap::new();
            for id in wanted {
                if let Some(ended) = kept::ended(kept, &id)? {
                    found.insert(id, ended);
                }
            }
            Ok(found)
        });
        read.await.map_err(HostError::from_store)
    }

    fn check_order(
        &self,
        tasks: &[NewTask],
        earlier: &HashMap<TaskId, (u64, TaskState)>,
    ) -> Result<(), HostError> {
        let is_open = |id: &TaskId| self.by_id.contains_key(id);
        order::check(tasks, is_open, |id| is_open(id) || earlier.contains_key(id))
            .map_err(|error| HostError::InvalidParameters(error.to_string()))
    }

    async fn check_terms(
        &mut self,
        host: &Host,
        request: &DistributeTasks,
    ) -> Result<(), HostError> {
        let distributors = host.policies.distributors().await;
        if !distributors.names().any(|name| name == request.strategy) {
            let names: Vec<&str> = distributors.names().collect();
            return Err(HostError::InvalidParameters(format!(
                "there is no strategy {:?}: choose {}",
                request.strategy,
                names.join(", ")
            )));
        }
        bad_terms::check(request)?;
        if request.workers.machines {
            return self.reach_machines(host).await;
        }
        let sessions = host.registry.all();
        for wanted in &request.workers.sessions {
            if !sessions
                .iter()
                .any(|session| session.id.as_str() == wanted || session.name == *wanted)
            {
                return Err(HostError::SessionNotFound(wanted.clone()));
            }
        }
        Ok(())
    }

    /// Takes note of sessions that have ended since the queue has used them, before it is
    /// said where a task runs.
    async fn notice_ended_sessions(&mut self, host: &Host, request: &DistributeTasks) {
        if request.workers.machines {
            return;
        }
        for session in host.chosen_workers(&request.workers).await {
            if session.terminal.status().await.has_ended() {
                self.worker_after(session.id.as_str(), Lane::Shell, WorkerAfter::Gone)
                    .await;
            }
        }
    }

    /// Takes tasks into the queue. What they need and is not open has ended; what
    /// ended badly is seen to apart.
    pub(super) fn insert(&mut self, tasks: Vec<KeptTask>) {
        let new: BTreeSet<u64> = tasks.iter().map(|task| task.number).collect();
        for task in tasks {
            let is_open = |needed: &u64| new.contains(needed) || self.open.contains_key(needed);
            let blockers: BTreeSet<u64> = task.needs.iter().copied().filter(is_open).collect();
            for needed in &blockers {
                self.needed_by.entry(*needed).or_default().push(task.number);
            }
            self.todo_lists.add(&task);
            self.by_id.insert(task.spec.id.clone(), task.number);
            let number = task.number;
            let task = OpenTask::new(task, blockers);
            self.backlog.put(task.entry(number));
            self.open.insert(number, task);
        }
    }

    fn distributed(&self, number: u64, id: TaskId) -> Distributed {
        let task = self.open.get(&number);
        let begun = task.and_then(OpenTask::begun);
        Distributed {
            id,
            session_id: begun.map(|begun| begun.worker.clone()),
            state: match (task, begun) {
                // It depends on one that failed: nothing else ends so soon.
                (None, _) => TaskState::Failed,
                (Some(_), Some(_)) => TaskState::Running,
                (Some(_), None) => TaskState::Queued,
            },
        }
    }

    /// How long it is until all tasks of a submission have ended.
    fn estimate(&self, submission: u64) -> Duration {
        let tasks: Vec<(&u64, &OpenTask)> = self
            .open
            .iter()
            .filter(|(_, task)| task.submission == submission)
            .collect();
        let position: HashMap<u64, usize> = tasks
            .iter()
            .enumerate()
            .map(|(at, (number, _))| (**number, at))
            .collect();
        let now = now_ms();
        let ahead: Vec<Ahead> = tasks
            .iter()
            .map(|(_, task)| {
                let begun = task.begun();
                let run_for = begun.map_or(0, |begun| now.saturating_sub(begun.since_ms));
                Ahead {
                    left_ms: self
                        .estimates
                        .guess(&work_key(&task.spec))
                        .saturating_sub(run_for),
                    after: task
                        .blockers
                        .iter()
                        .filter_map(|needed| position.get(needed).copied())
                        .collect(),
                }
            })
            .collect();
        until_all_ended(&ahead, self.at_once(submission))
    }
}
