//! The queue: owns every task that has not ended, and every worker's turn.
//!
//! It takes questions from a channel and answers in one; attempts run beside it
//! and come back to it. Everything that it tells is in the store already.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::attempt::{AttemptEnd, keep};
use super::backlog::Backlog;
use super::beside::Beside;
use super::estimates::Estimates;
use super::kept::{self, Ending, KeptTask, KeptTasks, Terms};
use super::machines::SentOut;
use super::moving::ChangeOfWorker;
use super::next::{Next, next};
use super::open_task::OpenTask;
use super::telling::News;
use super::todo_lists::TodoLists;
use super::workers::Workers;
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::tasks::fate::Fate;
use crate::tasks::task::{DistributeOutcome, DistributeTasks, Lane, TaskId, TaskReport, TaskState};
use crate::tasks::worker::attempt::WorkerAfter;
use quarterdeck_terminal::deadline::sleep_until;

/// Sessions that the queue has opened stay open for so long after the last task.
const OWN_SESSIONS_STAY: Duration = Duration::from_secs(30);

/// What is asked of the queue.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Takes tasks.
    Distribute {
        request: Box<DistributeTasks>,
        caller: Caller,
        reply: oneshot::Sender<Result<DistributeOutcome, HostError>>,
    },
    /// Answered once all of these have ended, or all there are.
    Ended {
        ids: Option<Vec<String>>,
        reply: oneshot::Sender<()>,
    },
    /// What is known of the tasks that have not ended: of these ids, or all.
    Report {
        ids: Option<Vec<String>>,
        reply: oneshot::Sender<Vec<TaskReport>>,
    },
    /// Calls off what has not ended of these; the answer is what was called off.
    Cancel {
        ids: Vec<String>,
        reply: oneshot::Sender<Vec<TaskId>>,
    },
    /// What a session had to do is another one's. Answered with the tasks that wait
    /// for that one.
    Move {
        change: ChangeOfWorker,
        reply: oneshot::Sender<Vec<TaskId>>,
    },
    /// No more tasks are begun.
    Stop { reply: oneshot::Sender<()> },
}

/// What runs beside the queue comes back as one of these.
pub(super) enum Back {
    /// An attempt has ended.
    Attempt {
        number: u64,
        session: String,
        end: AttemptEnd,
        worker: WorkerAfter,
    },
    /// An attempt that had left for a machine has ended.
    Errand { number: u64, end: AttemptEnd },
    /// An occupied session may be free again.
    Freed { session: String, lane: Lane },
    /// A session was opened, or not.
    Opened {
        submission: u64,
        opened: Result<String, String>,
    },
}

/// Somebody who waits for the end of tasks.
pub(super) struct EndWaiter {
    pub(super) left: HashSet<u64>,
    pub(super) reply: oneshot::Sender<()>,
}

/// The state of the runtime task.
pub(super) struct Queue {
    pub(super) host: Weak<Host>,
    pub(super) open: BTreeMap<u64, OpenTask>,
    pub(super) backlog: Backlog,
    pub(super) by_id: HashMap<TaskId, u64>,
    /// Number → those that wait for it.
    pub(super) needed_by: HashMap<u64, Vec<u64>>,
    pub(super) submissions: BTreeMap<u64, Arc<Terms>>,
    pub(super) workers: Workers,
    /// Task → the session in the place of its own, which is asked before any other.
    pub(super) prefers: BTreeMap<u64, String>,
    pub(super) sent: SentOut,
    /// Strategy → what it handed back last.
    pub(super) strategy_states: HashMap<String, Vec<u8>>,
    pub(super) estimates: Estimates,
    pub(super) todo_lists: TodoLists,
    pub(super) beside: Beside<Back>,
    /// Something has changed that a round may make use of.
    pub(super) round_due: bool,
    /// When to look again without anything having changed.
    pub(super) look_again: Option<Instant>,
    /// Since when there is nothing left to do.
    pub(super) idle_since: Option<Instant>,
    pub(super) waiting: Vec<EndWaiter>,
    pub(super) last_task: u64,
    pub(super) last_submission: u64,
}

/// Runs the queue until its host is gone or stops it.
pub(in crate::tasks) async fn run(host: Weak<Host>, mut asked: mpsc::Receiver<Ask>) {
    let Some(mut happenings) = host.upgrade().map(|host| host.events.subscribe()) else {
        return;
    };
    let mut queue = Queue::new(host);
    if let Err(error) = queue.take_over().await {
        tracing::error!(%error, "the tasks that an earlier host has left cannot be read: none is begun");
        return;
    }
    loop {
        if queue.round_due {
            queue.round_due = false;
            queue.round().await;
        }
        let wake = queue.wakes_at();
        tokio::select! {
            question = asked.recv() => match question {
                None => return,
                Some(Ask::Stop { reply }) => {
                    queue.beside.shutdown().await;
                    // Whoever asked may have gone.
                    let _ = reply.send(());
                    return;
                }
                Some(question) => queue.answer(question).await,
            },
            Some(back) = queue.beside.next() => {
                queue.takes_back(back).await;
                while let Some(back) = queue.beside.ended() {
                    queue.takes_back(back).await;
                }
            }
            happened = happenings.recv() => queue.hears(happened).await,
            heard = queue.sent.hears() => queue.hears_of_machines(heard),
            () = sleep_until(wake) => queue.wakes().await,
        }
    }
}

impl Queue {
    fn new(host: Weak<Host>) -> Self {
        Self {
            host,
            open: BTreeMap::new(),
            backlog: Backlog::default(),
            by_id: HashMap::new(),
            needed_by: HashMap::new(),
            submissions: BTreeMap::new(),
            workers: Workers::default(),
            prefers: BTreeMap::new(),
            sent: SentOut::default(),
            strategy_states: HashMap::new(),
            estimates: Estimates::default(),
            todo_lists: TodoLists::default(),
            beside: Beside::new(),
            round_due: false,
            look_again: None,
            idle_since: None,
            waiting: Vec::new(),
            last_task: 0,
            last_submission: 0,
        }
    }

    /// Takes over what an earlier host has left. What ran when it ended is run
    /// again, and says so.
    async fn take_over(&mut self) -> Result<(), HostError> {
        let host = self.host()?;
        host.store
            .write_later("that old tasks are forgotten", kept::forget_old);
        let KeptTasks {
            submissions,
            tasks,
            broken,
            runs,
            last_submission,
            last_task,
        } = host
            .store
            .read(kept::load)
            .await
            .map_err(HostError::from_store)?;
        (self.last_submission, self.last_task) = (last_submission, last_task);
        for (work, duration) in runs {
            self.estimates.learn(&work, duration);
        }
        self.submissions = submissions
            .into_iter()
            .map(|(number, terms)| (number, Arc::new(terms)))
            .collect();
        let (sent, here): (Vec<&KeptTask>, Vec<&KeptTask>) = tasks
            .iter()
            .filter(|task| task.state == TaskState::Running)
            .partition(|task| self.is_for_machines(task.submission));
        let sent: Vec<KeptTask> = sent.into_iter().cloned().collect();
        let lost: Vec<(u64, String)> = here
            .into_iter()
            .map(|task| (task.number, task.session_id.clone().unwrap_or_default()))
            .collect();
        self.insert(tasks);
        for (number, session) in lost {
            self.was_lost_with_its_host(&host, number, &session).await?;
        }
        self.follow_what_was_sent(&host, sent).await?;
        for (number, needed, state) in broken {
            self.fail_those_that_need(&needed, state, vec![number])
                .await;
        }
        self.round_due = true;
        Ok(())
    }

    async fn was_lost_with_its_host(
        &mut self,
        host: &Host,
        number: u64,
        session: &str,
    ) -> Result<(), HostError> {
        let Some(task) = self.open.get_mut(&number) else {
            return Ok(());
        };
        let lives_on = host.outlives_its_host(session).await?;
        let fate = match lives_on {
            false => Fate::Lost("the host ended under it".to_owned()),
            true => Fate::Impossible(format!(
                "the host ended while it ran in session {session}, which lives on: it may run there still, so it is not run again; look there"
            )),
        };
        match next(
            &task.spec,
            task.attempts,
            task.lost,
            task.notes.clone(),
            session,
            fate,
        ) {
            Next::NotStarted => {}
            Next::Again { lost, notes } => {
                (task.lost, task.notes) = (lost, notes.clone());
                let write = host
                    .store
                    .write(move |kept| kept::given_back(kept, number, lost, &notes));
                write.await.map_err(HostError::from_store)?;
            }
            Next::End {
                lost,
                notes,
                ending,
            } => {
                let kept = ending.clone();
                let write = host
                    .store
                    .write(move |store| kept::ends(store, number, lost, &notes, &kept));
                write.await.map_err(HostError::from_store)?;
                self.has_ended(number, &ending).await;
            }
        }
        Ok(())
    }

    pub(super) fn host(&self) -> Result<Arc<Host>, HostError> {
        self.host
            .upgrade()
            .ok_or_else(|| HostError::Internal("the host has gone".to_owned()))
    }

    async fn answer(&mut self, question: Ask) {
        // Whoever asked may have gone: answers that nobody takes are dropped.
        match question {
            Ask::Distribute {
                request,
                caller,
                reply,
            } => {
                let answer = self.distribute(*request, caller).await;
                let _ = reply.send(answer);
            }
            Ask::Report { ids, reply } => {
                let numbers = self.numbers(ids);
                let reports = numbers
                    .into_iter()
                    .filter_map(|number| self.report(number))
                    .collect();
                let _ = reply.send(reports);
            }
            Ask::Cancel { ids, reply } => {
                let cancelled = self.cancel(ids).await;
                let _ = reply.send(cancelled);
            }
            Ask::Ended { ids, reply } => {
                let left: HashSet<u64> = self.numbers(ids).into_iter().collect();
                self.waiting.retain(|waiting| !waiting.reply.is_closed());
                match left.is_empty() {
                    true => drop(reply.send(())),
                    false => self.waiting.push(EndWaiter { left, reply }),
                }
            }
            Ask::Move { change, reply } => {
                let moved = self.change_worker(&change).await;
                let _ = reply.send(moved);
            }
            Ask::Stop { reply } => drop(reply.send(())),
        }
    }

    /// Numbers of what has not ended of these, or of all.
    fn numbers(&self, ids: Option<Vec<String>>) -> Vec<u64> {
        let Some(ids) = ids else {
            return self.open.keys().copied().collect();
        };
        ids.into_iter()
            .filter_map(|id| TaskId::try_from(id).ok())
            .filter_map(|id| self.by_id.get(&id).copied())
            .collect()
    }

    fn report(&self, number: u64) -> Option<TaskReport> {
        let task = self.open.get(&number)?;
        let mut report = task.report();
        if !task.blockers.is_empty() {
            let needed = task
                .blockers
                .iter()
                .filter_map(|needed| self.open.get(needed));
            let names: Vec<&str> = needed.map(|needed| needed.spec.id.as_str()).collect();
            report.waits_for = Some(format!("waits for {}", names.join(", ")));
        } else if task.is_waiting() && report.waits_for.is_none() {
            let reason = self.backlog.reason(task.submission, task.spec.work.lane());
            report.waits_for = reason.map(str::to_owned);
        } else if let Some(silent) = self.machine_is_silent(task) {
            report.waits_for = Some(silent);
        }
        Some(report)
    }

    async fn takes_back(&mut self, back: Back) {
        match back {
            Back::Attempt {
                number,
                session,
                end,
                worker,
            } => self.attempt_ended(number, &session, end, worker).await,
            Back::Errand { number, end } => self.errand_ended(number, end).await,
            Back::Freed { session, lane } => {
                self.workers.is_free(&session, lane);
                self.round_due = true;
            }
            Back::Opened { submission, opened } => self.was_opened(submission, opened),
        }
    }

    async fn attempt_ended(
        &mut self,
        number: u64,
        session: &str,
        end: AttemptEnd,
        worker: WorkerAfter,
    ) {
        let lane = self
            .open
            .get(&number)
            .map_or(Lane::Shell, |task| task.spec.work.lane());
        self.worker_after(session, lane, worker).await;
        self.after_attempt(number, end).await;
    }

    /// What becomes of a task after an attempt.
    pub(super) async fn after_attempt(&mut self, number: u64, end: AttemptEnd) {
        match end {
            AttemptEnd::Ended(ending) => self.has_ended(number, &ending).await,
            AttemptEnd::NotStarted => self.waits_again(number, None).await,
            AttemptEnd::Back { lost, notes } => self.waits_again(number, Some((lost, notes))).await,
            AttemptEnd::Broken => self.is_broken(number).await,
        }
        self.round_due = true;
    }

    /// What carried out an attempt has failed, so that nobody knows how far it came.
    async fn is_broken(&mut self, number: u64) {
        let (Some(task), Ok(host)) = (self.open.get(&number), self.host()) else {
            return;
        };
        let how = "what carried it out has failed, as the host's log tells";
        let worker = task.begun().map(|begun| begun.worker.clone());
        let (tried, worker) = (task.tried(number), worker.unwrap_or_default());
        match keep(&host, tried, &worker, Fate::Lost(how.to_owned())).await {
            AttemptEnd::Ended(ending) => self.has_ended(number, &ending).await,
            AttemptEnd::Back { lost, notes } => self.waits_again(number, Some((lost, notes))).await,
            AttemptEnd::NotStarted | AttemptEnd::Broken => self.waits_again(number, None).await,
        }
    }

    async fn waits_again(&mut self, number: u64, lost: Option<(u32, Vec<String>)>) {
        let Some(task) = self.open.get_mut(&number) else {
            return;
        };
        let cancelled = task.comes_back();
        self.backlog.put(task.entry(number));
        let ran = lost.is_some();
        if let Some((lost, notes)) = lost {
            (task.lost, task.notes) = (lost, notes);
            task.attempts += 1;
        }
        let cancelled = cancelled.then_some(match task.attempts {
            0 => "cancelled before it ran",
            _ => "cancelled before it ran again",
        });
        if ran {
            let (spec, why) = (Arc::clone(&task.spec), task.notes.last().cloned());
            let submission = task.submission;
            self.tell(News {
                number,
                submission,
                spec: &spec,
                state: TaskState::Queued,
                session_id: None,
                error: why,
            });
        }
        if let Some(why) = cancelled {
            self.ends_unrun(number, Ending::cancelled(why)).await;
        }
    }

    /// Looks again at the latest after `pause`.
    pub(super) fn look_again_in(&mut self, pause: Duration) {
        let then = Instant::now() + pause;
        self.look_again = Some(self.look_again.map_or(then, |at| at.min(then)));
    }

    fn wakes_at(&self) -> Option<Instant> {
        let closes = self.idle_since.map(|since| since + OWN_SESSIONS_STAY);
        let lists = self.todo_lists.due_at();
        [self.look_again, closes, lists].into_iter().flatten().min()
    }

    async fn wakes(&mut self) {
        let now = Instant::now();
        self.tell_todo_lists();
        if self.look_again.is_some_and(|at| at <= now) {
            self.look_again = None;
            self.end_what_was_to_end().await;
            self.round_due = !self.open.is_empty();
        }
        if self
            .idle_since
            .is_some_and(|since| since + OWN_SESSIONS_STAY <= now)
        {
            self.idle_since = None;
            for session in self.workers.own() {
                self.close(&session).await;
            }
        }
    }
}
