//! Rounds: which task goes to which worker now. A distributor says; the queue
//! sees to it that there is something to say.

use std::time::Duration;

use quarterdeck_policy::{Batch, Plan, TaskFacts, WorkerFacts};
use quarterdeck_terminal::Until;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::attempt::{Attempt, WorkerAfter, carry_out};
use super::backlog::Place;
use super::kept::{Ending, Terms, work_key};
use super::queue::{Back, OpenTask, Queue, RunningTask};
use super::task::{Lane, TaskState};
use super::workers::{OPENED_UNASKED, tags_when_opened};
use crate::clock::now_ms;
use crate::coding_agents::Activity;
use crate::host::Host;
use crate::operations::CreateSession;

/// What failed for reasons that may pass is tried again after so long.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A session in which something else is in front is looked at again after its
/// next prompt, or after so long.
const OCCUPIED_PATIENCE: Duration = Duration::from_secs(600);

/// As long as nobody's prompt is awaited, it is looked at again after so long.
const OCCUPIED_PAUSE: Duration = Duration::from_secs(2);

/// An agent's program that was started for tasks is waited for this long.
const AGENT_STARTS_WITHIN: Duration = Duration::from_secs(30);

impl Queue {
    /// Gives to workers what they have room for.
    pub(super) async fn round(&mut self) {
        let Ok(host) = self.host() else {
            return;
        };
        for (submission, lane) in self.backlog.lanes_with_ready_tasks() {
            if let Some(terms) = self.submissions.get(&submission).cloned() {
                self.round_of(&host, submission, &terms, lane).await;
            }
        }
    }

    /// A round for the tasks of one submission that want the same of a worker.
    async fn round_of(&mut self, host: &Host, submission: u64, terms: &Terms, lane: Lane) {
        let ready = self.backlog.ready(submission, lane);
        let running = u32::try_from(self.backlog.running(submission)).unwrap_or(u32::MAX);
        let limit = terms.max_concurrent.unwrap_or(u32::MAX);
        let room = limit.saturating_sub(running);
        if room == 0 {
            return self.backlog.none_runs_because(
                submission,
                lane,
                "maxConcurrent tasks run already",
            );
        }
        let chosen = host.chosen_workers(&terms.workers).await;
        let workers = self.workers.facts(&chosen, lane);
        let free = workers.iter().filter(|worker| worker.running == 0).count();
        let nobody_left = !terms.workers.sessions.is_empty() && !self.workers.any_lives(&chosen);
        if nobody_left {
            return self.none_of_them_lives(submission, terms).await;
        }
        if lane == Lane::Shell || terms.workers.agent_command.is_some() {
            let short = u32::try_from(ready.saturating_sub(free))
                .unwrap_or(u32::MAX)
                .min(room);
            self.open_workers(submission, terms, lane, workers.is_empty(), short);
        }
        if free == 0 {
            let reason = match workers.is_empty() {
                true => self.workers.why_none(submission),
                false => "every worker is busy".to_owned(),
            };
            return self.backlog.none_runs_because(submission, lane, &reason);
        }
        let batch = self.batch(submission, terms, lane, workers, running);
        let distribution = host
            .policies
            .distributors()
            .await
            .distribute(&terms.strategy, &batch)
            .await;
        if distribution.fallback.is_some() {
            self.look_again_in(TRY_AGAIN_AFTER);
        }
        self.carry_out_plan(terms, distribution.plan);
    }

    /// How many tasks of a submission may run at once, as far as can be foreseen.
    pub(super) fn at_once(&self, submission: u64) -> usize {
        let limit = self
            .submissions
            .get(&submission)
            .and_then(|terms| terms.max_concurrent);
        let workers =
            self.backlog.running(submission) + self.workers.opened_for(submission) as usize;
        limit
            .map_or(workers, |limit| workers.min(limit as usize))
            .max(1)
    }

    fn batch(
        &self,
        submission: u64,
        terms: &Terms,
        lane: Lane,
        workers: Vec<WorkerFacts>,
        running: u32,
    ) -> Batch {
        let now = now_ms();
        Batch {
            tasks: self
                .backlog
                .asked_about(submission, lane)
                .iter()
                .filter_map(|number| self.open.get(number))
                .map(|task| self.facts(task, now))
                .collect(),
            limit: terms.max_concurrent.unwrap_or(u32::MAX),
            running,
            workers,
            state: self
                .strategy_states
                .get(&terms.strategy)
                .cloned()
                .unwrap_or_default(),
            time_ms: now,
        }
    }

    fn facts(&self, task: &OpenTask, now: u64) -> TaskFacts {
        let spec = &task.spec;
        TaskFacts {
            id: spec.id.to_string(),
            kind: spec.work.kind().to_owned(),
            priority: spec.priority,
            dependencies: spec.dependencies.iter().map(ToString::to_string).collect(),
            open_dependencies: task
                .blockers
                .iter()
                .filter_map(|needed| self.open.get(needed))
                .map(|needed| needed.spec.id.to_string())
                .collect(),
            waiting_ms: now.saturating_sub(task.ready_ms),
            estimate_ms: self.estimates.of(&work_key(spec)),
            tags: Vec::new(),
            attributes: Vec::new(),
        }
    }

    fn carry_out_plan(&mut self, terms: &Terms, plan: Plan) {
        self.strategy_states
            .insert(terms.strategy.clone(), plan.state);
        for waiting in plan.waits {
            let number = self.number_of(&waiting.task_id);
            if let Some(task) = number.and_then(|number| self.open.get_mut(&number)) {
                task.waits_for = Some(waiting.reason);
            }
        }
        for assignment in plan.assignments {
            if let Some(number) = self.number_of(&assignment.task_id) {
                self.assign(number, assignment.session_id, terms);
            }
        }
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        let id = super::TaskId::try_from(id.to_owned()).ok()?;
        self.by_id.get(&id).copied()
    }

    fn assign(&mut self, number: u64, session: String, terms: &Terms) {
        let (Some(task), Ok(host)) = (self.open.get_mut(&number), self.host.upgrade().ok_or(()))
        else {
            return;
        };
        let (cancel, cancelled) = oneshot::channel();
        task.waits_for = None;
        task.running = Some(RunningTask {
            session: session.clone(),
            since_ms: now_ms(),
            cancel: Some(cancel),
        });
        let attempt = Attempt {
            number,
            spec: task.spec.clone(),
            caller: terms.caller.clone(),
            session_id: session.clone(),
            attempts: task.attempts,
            lost: task.lost,
            notes: task.notes.clone(),
            any_shell: terms.workers.is_explicit(),
            cancelled,
        };
        let (id, entry) = (task.spec.id.clone(), task.entry(number));
        self.backlog.put(entry, Place::Running);
        self.workers.takes(&session, number);
        self.tell(&id, TaskState::Running, Some(session.clone()), None);
        self.beside.spawn(async move {
            let (end, worker) = carry_out(host, attempt).await;
            Back::Attempt {
                number,
                session,
                end,
                worker,
            }
        });
    }

    /// Fails what only sessions could do that are gone.
    async fn none_of_them_lives(&mut self, submission: u64, terms: &Terms) {
        let waiting: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, task)| task.submission == submission && task.running.is_none())
            .map(|(number, _)| *number)
            .collect();
        let error = format!(
            "of the sessions that were to do it, {}, none lives any more",
            terms.workers.sessions.join(", ")
        );
        for number in waiting {
            let ending = Ending::failed(error.clone());
            self.ends_unrun(number, ending).await;
        }
    }

    /// Opens sessions where there are too few workers and more were allowed.
    fn open_workers(
        &mut self,
        submission: u64,
        terms: &Terms,
        lane: Lane,
        nobody: bool,
        short: u32,
    ) {
        if !terms.workers.sessions.is_empty()
            || self.look_again.is_some_and(|at| at > Instant::now())
        {
            return;
        }
        let allowed = match (terms.workers.open_up_to, nobody) {
            (Some(allowed), _) => allowed,
            (None, true) if lane == Lane::Program || terms.workers.tags.is_empty() => {
                OPENED_UNASKED
            }
            (None, _) => 0,
        };
        let opening = allowed
            .saturating_sub(self.workers.opened_for(submission))
            .min(short);
        for _ in 0..opening {
            let Ok(host) = self.host() else {
                return;
            };
            let (tags, caller) = (tags_when_opened(&terms.workers), terms.caller.clone());
            let command = terms.workers.agent_command.clone();
            let command = command.filter(|_| lane == Lane::Program);
            self.workers.opens(submission);
            self.beside.spawn(async move {
                let request = CreateSession {
                    name: Some("task worker".to_owned()),
                    tags,
                    command,
                    ..CreateSession::default()
                };
                let opened = host.create_session(request, &caller).await;
                if let (Ok(session), Lane::Program) = (&opened, lane)
                    && let Some(mut agent) = host.coding_agents.watch(&session.id)
                {
                    let ready = agent.wait_for(|now| {
                        now.activity.has_ended()
                            || (now.program.is_some() && now.activity == Activity::Idle)
                    });
                    // Ready or not: whoever gives it a task looks again.
                    let _ = tokio::time::timeout(AGENT_STARTS_WITHIN, ready).await;
                }
                Back::Opened {
                    submission,
                    opened: opened
                        .map(|it| it.id.to_string())
                        .map_err(|error| error.to_string()),
                }
            });
        }
    }

    /// A session was opened for a submission, or could not be.
    pub(super) fn was_opened(&mut self, submission: u64, opened: Result<String, String>) {
        self.workers.opened(submission, opened.as_deref().ok());
        self.round_due = true;
        if let Err(error) = opened {
            tracing::warn!(%error, "cannot open a session for tasks");
            self.look_again_in(TRY_AGAIN_AFTER);
            self.workers.cannot_open(error);
        }
        if self.open.is_empty() {
            self.idle_since = Some(Instant::now());
        }
    }

    /// What becomes of a worker after an attempt.
    pub(super) async fn worker_after(&mut self, session: &str, lane: Lane, after: WorkerAfter) {
        match after {
            WorkerAfter::Free => {}
            WorkerAfter::Gone => {
                if self.workers.is_gone(session) {
                    self.close(session).await;
                }
            }
            WorkerAfter::Occupied if self.workers.is_own(session) => self.close(session).await,
            WorkerAfter::Occupied => self.look_when_free(session, lane),
        }
    }

    fn look_when_free(&mut self, session: &str, lane: Lane) {
        let Some(host) = self.host.upgrade() else {
            return;
        };
        self.workers.is_occupied(session, lane);
        let session = session.to_owned();
        self.beside.spawn(async move {
            let found = host.registry.get(&session);
            let agent = (found.as_ref().ok())
                .filter(|_| lane == Lane::Program)
                .and_then(|found| host.coding_agents.watch(&found.id));
            // A task that waits must not keep the host alive.
            drop(host);
            if let Some(mut agent) = agent {
                // What runs there and is no agent's program may take a prompt, too.
                let takes = agent.wait_for(|now| match now.program {
                    Some(_) => now.activity == Activity::Idle,
                    None => now.activity == Activity::Working,
                });
                // An error means that the session is over: then it is found to be gone.
                let _ = tokio::time::timeout(OCCUPIED_PATIENCE, takes).await;
                return Back::Freed { session, lane };
            }
            tokio::time::sleep(OCCUPIED_PAUSE).await;
            if let (Ok(found), Lane::Shell) = (found, lane) {
                found
                    .terminal
                    .wait(Until::Prompt, None, OCCUPIED_PATIENCE)
                    .await;
            }
            Back::Freed { session, lane }
        });
    }

    /// Closes a session that the queue has opened.
    pub(super) async fn close(&mut self, session: &str) {
        self.workers.forget(session);
        if let Ok(host) = self.host() {
            // It may have been closed by somebody else.
            let _ = host.close_session(session).await;
        }
    }
}
