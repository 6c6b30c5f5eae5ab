//! The queue's side of other machines: what leaves this host, and what becomes of it.
//!
//! Which machine takes a task is for the work queue to settle, so a distributor sees all
//! of them as one worker with room: it says what leaves next.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::WorkerFacts;
use tokio::sync::{mpsc, watch};

use super::attempt::AttemptEnd;
use super::following::{ErrandCourse, Following, ON_ITS_WAY};
use super::kept::{self, Ending, KeptTask, Terms};
use super::open_task::OpenTask;
use super::queue::{Back, Queue};
use super::rounds::AS_MANY_AS_MAY;
use super::telling::News;
use crate::error::HostError;
use crate::host::Host;
use crate::tasks::errand::{Errand, ErrandKey, ErrandSentBefore, Machine, Machines, OwnerId};
use crate::tasks::task::{Lane, TaskState};

/// For each slot so many errands are out: a machine that is done with one finds the
/// next one there.
const OUT_FOR_EACH_SLOT: u32 = 2;

/// News that wait for the queue.
const COURSES: usize = 256;

/// What fails for reasons that may pass is tried again after so long.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the queue knows of errands.
pub(super) struct SentOut {
    /// How many are out, by the tags that they ask for.
    out: HashMap<BTreeSet<String>, u32>,
    /// Once the first errand is meant for machines.
    line: Option<Line>,
    courses: mpsc::Receiver<ErrandCourse>,
    /// Given to whoever follows an errand.
    course: mpsc::Sender<ErrandCourse>,
}

/// The way to the machines.
struct Line {
    machines: Arc<dyn Machines>,
    owner: OwnerId,
    roster: watch::Receiver<Arc<[Machine]>>,
    /// Whether the roster may change.
    open: bool,
}

/// What the queue hears.
pub(super) enum Heard {
    /// There are other machines than before.
    Roster,
    /// Of an errand.
    Course(ErrandCourse),
}

impl Default for SentOut {
    fn default() -> Self {
        let (course, courses) = mpsc::channel(COURSES);
        Self {
            out: HashMap::new(),
            line: None,
            courses,
            course,
        }
    }
}

impl SentOut {
    /// Waits for news. Never ends where nothing was sent.
    pub(super) async fn hears(&mut self) -> Heard {
        let line = self.line.as_mut().filter(|line| line.open);
        let roster = async {
            match line {
                Some(line) => line.open = line.roster.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = roster => Heard::Roster,
            Some(course) = self.courses.recv() => Heard::Course(course),
        }
    }

    fn out(&self, tags: &[String]) -> u32 {
        self.out.get(&set_of(tags)).copied().unwrap_or(0)
    }

    fn leaves(&mut self, tags: &[String]) {
        *self.out.entry(set_of(tags)).or_default() += 1;
    }

    fn is_back(&mut self, tags: &[String]) {
        let tags = set_of(tags);
        if let Some(out) = self.out.get_mut(&tags) {
            *out -= 1;
            if *out == 0 {
                self.out.remove(&tags);
            }
        }
    }
}

fn set_of(tags: &[String]) -> BTreeSet<String> {
    tags.iter().cloned().collect()
}

impl Queue {
    /// Whether a submission's tasks are meant for machines.
    pub(super) fn is_for_machines(&self, submission: u64) -> bool {
        self.submissions
            .get(&submission)
            .is_some_and(|terms| terms.workers.machines)
    }

    /// Finds the way to the machines, and takes news from there.
    pub(super) async fn reach_machines(&mut self, host: &Host) -> Result<(), HostError> {
        if self.open_line(host).await? {
            self.listen();
        }
        Ok(())
    }

    /// Finds the way to the machines. Whether it was not open yet; then [`Self::listen`]
    /// is to follow.
    async fn open_line(&mut self, host: &Host) -> Result<bool, HostError> {
        let Some(machines) = host.machines.as_ref().filter(|_| self.sent.line.is_none()) else {
            return Ok(false);
        };
        let owner = host.store.write(kept::owner).await;
        self.sent.line = Some(Line {
            machines: Arc::clone(machines),
            owner: owner.map_err(HostError::from_store)?,
            roster: machines.roster(),
            open: true,
        });
        Ok(true)
    }

    fn listen(&self) {
        if let Some(line) = &self.sent.line {
            line.machines.listen(line.owner.clone());
        }
    }

    /// Follows what an earlier host has sent, and begins to listen.
    pub(super) async fn follow_what_was_sent(
        &mut self,
        host: &Arc<Host>,
        sent: Vec<KeptTask>,
    ) -> Result<(), HostError> {
        let any = self
            .submissions
            .values()
            .any(|terms| terms.workers.machines);
        if !any {
            return Ok(());
        }
        self.open_line(host).await?;
        for task in sent {
            match (
                self.submissions.get(&task.submission).cloned(),
                &self.sent.line,
            ) {
                (Some(terms), Some(_)) => self.goes_on_following(task, &terms),
                _ => {
                    let ending = Ending::failed(
                        "it was sent to machines, and this host has no way to them any more (nats.url in the configuration): what became of it is unknown",
                    );
                    self.ends_unrun(task.number, ending).await;
                }
            }
        }
        self.listen();
        Ok(())
    }

    fn goes_on_following(&mut self, kept: KeptTask, terms: &Terms) {
        let Some(task) = self.open.get_mut(&kept.number) else {
            return;
        };
        // What is kept counts the attempt that is out.
        task.attempts = kept.attempts.saturating_sub(1);
        let was_sent = kept.session_id.is_some();
        let worker = kept.session_id.filter(|worker| worker != ON_ITS_WAY);
        let way = ErrandSentBefore {
            was_sent,
            worker: worker.clone(),
        };
        self.follow(kept.number, terms, Some(way), worker);
    }

    /// Sends a task out to the machines.
    pub(super) fn send_out(&mut self, number: u64, terms: &Terms) {
        self.follow(number, terms, None, None);
    }

    fn follow(
        &mut self,
        number: u64,
        terms: &Terms,
        way: Option<ErrandSentBefore>,
        worker: Option<String>,
    ) {
        let (Some(task), Some(host)) = (self.open.get_mut(&number), self.host.upgrade()) else {
            return;
        };
        let Some(line) = &self.sent.line else {
            return;
        };
        let (tried, called_off) = (task.tried(number), task.leaves());
        match (&way, worker) {
            // By chance: a store that was put back would count what it has sent again.
            (None, _) => task.sending = rand::random(),
            (Some(_), Some(worker)) => task.has_begun_at(&worker),
            (Some(_), None) => {}
        }
        let errand = Errand {
            key: ErrandKey {
                owner: line.owner.clone(),
                task: number,
                sending: task.sending,
            },
            task: crate::tasks::NewTask {
                dependencies: Vec::new(),
                ..(*task.spec).clone()
            },
            caller: terms.caller.clone(),
            tags: terms.workers.tags.clone(),
            agent_command: terms.workers.agent_command.clone(),
        };
        let entry = task.entry(number);
        let machines = Arc::clone(&line.machines);
        // At once: nobody listens before all that was sent is asked after.
        let told = way
            .as_ref()
            .map(|way| machines.send(errand.clone(), Some(way)));
        let following = Following {
            host,
            machines,
            errand,
            course: self.sent.course.clone(),
            worker: way.and_then(|way| way.worker),
        };
        self.sent.leaves(&terms.workers.tags);
        self.backlog.put(entry);
        let broken = Back::Errand {
            number,
            end: AttemptEnd::Broken,
        };
        self.beside.spawn(broken, async move {
            let end = following.until_its_end(tried, called_off, told).await;
            Back::Errand { number, end }
        });
    }

    /// An attempt that was out has ended.
    pub(super) async fn errand_ended(&mut self, number: u64, end: AttemptEnd) {
        // What was heard of it comes first.
        while let Ok(course) = self.sent.courses.try_recv() {
            self.learns_course(course);
        }
        let submission = self.open.get(&number).map(|task| task.submission);
        let terms = submission.and_then(|it| self.submissions.get(&it));
        if let Some(terms) = terms.cloned() {
            self.sent.is_back(&terms.workers.tags);
        }
        if let (AttemptEnd::Broken, Some(key)) = (&end, self.errand_key(number)) {
            // Nobody follows it any more, and it is sent again.
            if let Some(line) = &self.sent.line {
                line.machines.recall(&key);
            }
        }
        self.after_attempt(number, end).await;
        self.round_due = true;
    }

    /// What machines know the last sending of a task by.
    fn errand_key(&self, number: u64) -> Option<ErrandKey> {
        Some(ErrandKey {
            owner: self.sent.line.as_ref()?.owner.clone(),
            task: number,
            sending: self.open.get(&number)?.sending,
        })
    }

    /// News of machines.
    pub(super) fn hears_of_machines(&mut self, heard: Heard) {
        match heard {
            Heard::Roster => self.round_due = !self.open.is_empty(),
            Heard::Course(course) => self.learns_course(course),
        }
    }

    fn learns_course(&mut self, course: ErrandCourse) {
        match course {
            ErrandCourse::Begun { number, worker } => {
                let Some(task) = self.open.get_mut(&number) else {
                    return;
                };
                task.has_begun_at(&worker);
                let (spec, submission) = (Arc::clone(&task.spec), task.submission);
                self.tell(News {
                    number,
                    submission,
                    spec: &spec,
                    state: TaskState::Running,
                    session_id: Some(worker),
                    error: None,
                });
            }
            ErrandCourse::Progress {
                number,
                percent,
                milestone,
            } => {
                let Some(task) = self.open.get_mut(&number) else {
                    return;
                };
                (task.progress, task.milestone) = (percent, milestone);
                let update = task.update();
                if let Ok(host) = self.host() {
                    host.events.publish(update);
                }
            }
        }
    }

    /// What a running task waits for, whose machine is not heard of.
    pub(super) fn machine_is_silent(&self, task: &OpenTask) -> Option<String> {
        let begun = task.begun()?;
        let line = self.sent.line.as_ref();
        let line = line.filter(|_| self.is_for_machines(task.submission))?;
        let (machine, _) = begun.worker.split_once('/')?;
        if line.roster.borrow().iter().any(|it| it.name == machine) {
            return None;
        }
        let trouble = line.machines.trouble();
        Some(trouble.map_or_else(
            || {
                format!(
                    "the machine {machine} was not heard of for a while: if it stays silent, the task goes to another one as soon as one is free"
                )
            },
            |trouble| trouble.to_string(),
        ))
    }

    /// A round for tasks that are meant for machines: the distributor says which of them
    /// leave next, as if all machines were one worker.
    pub(super) async fn round_for_machines(
        &mut self,
        host: &Host,
        submission: u64,
        terms: &Terms,
        lane: Lane,
    ) {
        let running = u32::try_from(self.backlog.running(submission)).unwrap_or(u32::MAX);
        if terms.max_concurrent.is_some_and(|limit| limit <= running) {
            let reason = AS_MANY_AS_MAY;
            return self.backlog.none_runs_because(submission, lane, reason);
        }
        let tags = &terms.workers.tags;
        let slots = match &self.sent.line {
            None => {
                let reason = "this host has no way to machines any more: set nats.url in its configuration, or cancel it";
                return self.backlog.none_runs_because(submission, lane, reason);
            }
            Some(line) => {
                let roster = line.roster.borrow();
                let able = roster.iter().filter(|machine| machine.has(tags));
                able.fold(0, |slots: u32, machine| slots.saturating_add(machine.slots))
            }
        };
        let (out, capacity) = (self.sent.out(tags), slots.saturating_mul(OUT_FOR_EACH_SLOT));
        if out >= capacity {
            let trouble = host.machines.as_ref().and_then(|it| it.trouble());
            let reason = match (trouble, slots) {
                (Some(trouble), _) => trouble.to_string(),
                (None, 0) => nobody_takes(tags),
                (None, _) => "every machine is busy".to_owned(),
            };
            return self.backlog.none_runs_because(submission, lane, &reason);
        }
        let workers = vec![WorkerFacts {
            session_id: ON_ITS_WAY.to_owned(),
            running: out,
            capacity,
            load: f64::from(out) / f64::from(capacity),
            tags: tags.clone(),
            attributes: Vec::new(),
        }];
        let batch = self.batch(submission, terms, lane, workers, running);
        let distributors = host.policies.distributors().await;
        let distribution = distributors.distribute(&terms.strategy, &batch).await;
        if distribution.fallback.is_some() {
            self.look_again_in(TRY_AGAIN_AFTER);
        }
        let ready = self.backlog.ready(submission, lane);
        self.carry_out_plan(terms, distribution.plan);
        // A distributor sees a part of many tasks.
        let left = self.backlog.ready(submission, lane);
        self.round_due |= left > 0 && left < ready;
    }
}

fn nobody_takes(tags: &[String]) -> String {
    match tags {
        [] => "no machine takes tasks now: run `quarterdeck worker` on one".to_owned(),
        tags => {
            let tags = tags.join(",");
            format!(
                "no machine that takes tasks now has the tags {tags}: run `quarterdeck worker --tags {tags}` on one"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_is_counted_by_its_tags_in_whatever_order() {
        let tags = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
        let mut sent = SentOut::default();
        sent.leaves(&tags("a,b"));
        sent.leaves(&tags("b,a"));
        sent.leaves(&[]);
        assert_eq!((sent.out(&tags("a,b")), sent.out(&[])), (2, 1));
        sent.is_back(&tags("a,b"));
        sent.is_back(&[]);
        sent.is_back(&tags("never,sent"));
        assert_eq!((sent.out(&tags("b,a")), sent.out(&[])), (1, 0));
        assert_eq!(sent.out.len(), 1, "nothing is kept of what is not out");
    }

    #[test]
    fn a_task_that_nobody_takes_says_what_to_start() {
        let tags = ["gpu".to_owned(), "linux".to_owned()];
        assert!(nobody_takes(&tags).contains("`quarterdeck worker --tags gpu,linux`"));
        assert!(nobody_takes(&[]).contains("`quarterdeck worker`"));
    }
}
