//! Rounds: which task goes to which worker now. A distributor says; the queue
//! sees to it that there is something to say.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::{Batch, Plan, TaskFacts, WorkerFacts};
use quarterdeck_terminal::Until;
use tokio::time::Instant;

use super::attempt::{AttemptEnd, carry_out};
use super::kept::{Ending, Terms, work_key};
use super::open_task::OpenTask;
use super::queue::{Back, Queue};
use super::telling::News;
use super::workers::{LifeOfWorkers, MENDED_WITHIN};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::coding_agents::Activity;
use crate::host::Host;
use crate::session::Session;
use crate::tasks::task::{Lane, TaskState};
use crate::tasks::worker::attempt::{Attempt, WorkerAfter};
use crate::tasks::worker::prompting::SILENCE_AFTER_ANSWER;

/// What failed for reasons that may pass is tried again after so long.
pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why nothing more begins, where a submission has a limit.
pub(super) const AS_MANY_AS_MAY: &str = "as many run already as may at once";

/// A session in which something else is in front is looked at again after its
/// next prompt, or after so long.
const OCCUPIED_PATIENCE: Duration = Duration::from_secs(600);

/// As long as nobody's prompt is awaited, it is looked at again after so long.
const OCCUPIED_PAUSE: Duration = Duration::from_secs(2);

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
        if terms.workers.machines {
            return self.round_for_machines(host, submission, terms, lane).await;
        }
        let running = u32::try_from(self.backlog.running(submission)).unwrap_or(u32::MAX);
        let limit = terms.max_concurrent.unwrap_or(u32::MAX);
        let room = limit.saturating_sub(running);
        if room == 0 {
            return self
                .backlog
                .none_runs_because(submission, lane, AS_MANY_AS_MAY);
        }
        let chosen = host.chosen_workers(&terms.workers).await;
        if !terms.workers.sessions.is_empty() {
            match self.workers.life_of(&chosen, Instant::now()) {
                LifeOfWorkers::Lives => {}
                LifeOfWorkers::MayBeMended { until } => {
                    self.look_again_in(until.saturating_duration_since(Instant::now()));
                    let reason = format!(
                        "its session has ended: it waits {} s, from that end, for the session to be mended or another one to take over",
                        MENDED_WITHIN.as_secs()
                    );
                    return self.backlog.none_runs_because(submission, lane, &reason);
                }
                LifeOfWorkers::Over => return self.none_of_them_lives(submission, terms).await,
            }
        }
        let (chosen, locked) = without_locked(host, chosen, &terms.caller);
        let mut workers = self.workers.facts(&chosen, lane, &self.busy_workers());
        let preferred = self.assign_preferred(submission, lane, terms, &mut workers, room);
        let (room, running) = (room - preferred, running + preferred);
        let ready = self.backlog.ready(submission, lane);
        if room == 0 || ready == 0 {
            return;
        }
        let free = workers.iter().filter(|worker| worker.running == 0).count();
        if lane == Lane::Shell || terms.workers.agent_command.is_some() {
            let short = u32::try_from(ready.saturating_sub(free))
                .unwrap_or(u32::MAX)
                .min(room);
            self.open_workers(submission, terms, lane, workers.is_empty(), short);
        }
        if free == 0 {
            let reason = match (workers.is_empty(), locked) {
                (true, Some((session, owner))) => {
                    self.look_again_in(TRY_AGAIN_AFTER);
                    format!("session {session} is locked by {owner}")
                }
                (true, None) => self.workers.why_none(submission),
                (false, _) => "every worker is busy".to_owned(),
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

    /// Gives the tasks that have moved with their session to the one in its place, as
    /// far as it is free: that is decided, no distributor is asked. Returns how many.
    fn assign_preferred(
        &mut self,
        submission: u64,
        lane: Lane,
        terms: &Terms,
        workers: &mut [WorkerFacts],
        room: u32,
    ) -> u32 {
        let could_run = |task: &OpenTask| {
            let this_round = task.submission == submission && task.spec.work.lane() == lane;
            this_round && task.blockers.is_empty() && task.is_waiting()
        };
        let ready: Vec<(u64, String)> = (self.prefers.iter())
            .filter(|(number, _)| self.open.get(number).is_some_and(could_run))
            .map(|(number, session)| (*number, session.clone()))
            .collect();
        let mut assigned = 0;
        for (number, preferred) in ready {
            let free = (workers.iter_mut())
                .find(|worker| worker.session_id == preferred && worker.running == 0);
            if let Some(worker) = free.filter(|_| assigned < room) {
                (worker.running, worker.load) = (1, 1.0);
                self.assign(number, preferred, terms);
                assigned += 1;
            }
        }
        assigned
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

    pub(super) fn batch(
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

    pub(super) fn carry_out_plan(&mut self, terms: &Terms, plan: Plan) {
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
                match terms.workers.machines {
                    true => self.send_out(number, terms),
                    false => self.assign(number, assignment.session_id, terms),
                }
            }
        }
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        let id = crate::tasks::TaskId::try_from(id.to_owned()).ok()?;
        self.by_id.get(&id).copied()
    }

    fn assign(&mut self, number: u64, session: String, terms: &Terms) {
        let (Some(task), Ok(host)) = (self.open.get_mut(&number), self.host.upgrade().ok_or(()))
        else {
            return;
        };
        self.prefers.remove(&number);
        let tried = task.tried(number);
        let attempt = Attempt {
            spec: task.spec.clone(),
            caller: terms.caller.clone(),
            session_id: session.clone(),
            any_shell: terms.workers.is_explicit(),
            prompt_id: format!("task-{number}-{}", task.attempts + 1),
            is_errand: false,
            has_begun: false,
            called_off: task.begins_in(&session),
        };
        let (spec, submission) = (Arc::clone(&task.spec), task.submission);
        self.backlog.put(task.entry(number));
        self.tell(News {
            number,
            submission,
            spec: &spec,
            state: TaskState::Running,
            session_id: Some(session.clone()),
            error: None,
        });
        let back = move |(end, worker)| Back::Attempt {
            number,
            session: session.clone(),
            end,
            worker,
        };
        let broken = back((AttemptEnd::Broken, WorkerAfter::Occupied));
        self.beside.spawn(broken, async move {
            back(carry_out(&host, tried, attempt).await)
        });
    }

    /// The workers that have a task.
    fn busy_workers(&self) -> HashSet<&str> {
        let running = self.backlog.all_running();
        let begun = running.filter_map(|number| self.open.get(&number)?.begun());
        begun.map(|begun| begun.worker.as_str()).collect()
    }

    /// Fails what only sessions could do that are gone.
    async fn none_of_them_lives(&mut self, submission: u64, terms: &Terms) {
        let waiting: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, task)| task.submission == submission && task.is_waiting())
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
        let freed = Back::Freed {
            session: session.clone(),
            lane,
        };
        self.beside.spawn(freed, async move {
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
                let takes = tokio::time::timeout(OCCUPIED_PATIENCE, takes).await;
                // An error means that the session is over: then it is found to be gone.
                let unread = takes.is_ok_and(|now| now.is_ok_and(|now| now.program.is_none()));
                if let (Ok(found), true) = (found, unread) {
                    let silence = Until::Quiet(SILENCE_AFTER_ANSWER);
                    (found.terminal)
                        .wait(silence, None, OCCUPIED_PATIENCE)
                        .await;
                }
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
}

/// Leaves out sessions that somebody else has locked, and tells one of them with its
/// owner.
fn without_locked(
    host: &Host,
    mut sessions: Vec<Arc<Session>>,
    caller: &Caller,
) -> (Vec<Arc<Session>>, Option<(String, String)>) {
    let mut locked = None;
    sessions.retain(|session| {
        let Some(owner) = host.agents.locked_against(&session.id, caller) else {
            return true;
        };
        locked = Some((session.id.to_string(), owner));
        false
    });
    (sessions, locked)
}
