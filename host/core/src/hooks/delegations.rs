//! Who works for whom: tasks that agents have handed to others, and how long
//! they took.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::events::AgentStats;

/// Tasks under way at once; of more than these, the oldest are forgotten.
const MOST_UNDER_WAY: usize = 4096;
/// Agents whose work is counted.
const MOST_AGENTS: usize = 256;

/// A task that is under way.
#[derive(Debug)]
struct UnderWay {
    session: String,
    agent: String,
    task: String,
    /// What the agent calls it, where it says.
    id: Option<String>,
    since: Instant,
}

/// What is told of a task that is over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ending<'a> {
    /// What the agent that handed it out calls it.
    pub(crate) id: Option<&'a str>,
    /// Who has done it.
    pub(crate) agent: Option<&'a str>,
    /// What it was.
    pub(crate) task: Option<&'a str>,
}

/// A task that is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) agent: String,
    pub(crate) task: String,
    pub(crate) took: Duration,
}

/// All of them. Behind one lock in the host, held for one change.
#[derive(Debug, Default)]
pub(crate) struct Delegations {
    under_way: VecDeque<UnderWay>,
    done: BTreeMap<String, (u64, Duration)>,
    /// Those that are registered for a session which is there.
    present: Vec<String>,
}

impl Delegations {
    /// A task has been handed to `agent`.
    pub(crate) fn begin(
        &mut self,
        session: &str,
        agent: &str,
        task: &str,
        id: Option<String>,
        now: Instant,
    ) {
        if self.under_way.len() == MOST_UNDER_WAY {
            self.under_way.pop_front();
        }
        self.under_way.push_back(UnderWay {
            session: session.to_owned(),
            agent: agent.to_owned(),
            task: task.to_owned(),
            id,
            since: now,
        });
    }

    /// How many tasks a session has handed out that are under way.
    pub(crate) fn under_way_for(&self, session: &str) -> usize {
        let of_session = self.under_way.iter().filter(|it| it.session == session);
        of_session.count()
    }

    /// A task is over: the one of this id, else of those without an id the one that was
    /// begun first and that all else fits. `None` if none was under way, as when it was told
    /// twice, and where it may be one of several whose ids are yet to be told.
    pub(crate) fn end(
        &mut self,
        session: &str,
        ending: Ending<'_>,
        now: Instant,
    ) -> Option<Finished> {
        let fits = |it: &UnderWay| {
            it.session == session
                && ending.agent.is_none_or(|agent| it.agent == agent)
                && ending.task.is_none_or(|task| it.task == task)
        };
        let under_way = || self.under_way.iter();
        let at = match ending.id {
            Some(id) => under_way()
                .position(|it| it.session == session && it.id.as_deref() == Some(id))
                .or_else(|| under_way().position(|it| it.id.is_none() && fits(it)))?,
            None => {
                let first = under_way().position(fits)?;
                let agent = &self.under_way[first].agent;
                if under_way().any(|it| fits(it) && it.agent != *agent && it.id.is_some()) {
                    return None;
                }
                first
            }
        };
        let over = self.under_way.remove(at)?;
        let took = now.saturating_duration_since(over.since);
        if self.done.len() < MOST_AGENTS || self.done.contains_key(&over.agent) {
            let (tasks, time) = self.done.entry(over.agent.clone()).or_default();
            *tasks += 1;
            *time += took;
        }
        Some(Finished {
            agent: over.agent,
            task: over.task,
            took,
        })
    }

    /// A session is over, and with it what it had handed out.
    pub(crate) fn forget(&mut self, session: &str) {
        self.under_way.retain(|it| it.session != session);
    }

    /// Whether a session has handed out what it calls `id`, and that is under way.
    pub(crate) fn is_under_way(&self, session: &str, id: &str) -> bool {
        let is_it = |it: &UnderWay| it.session == session && it.id.as_deref() == Some(id);
        self.under_way.iter().any(is_it)
    }

    /// The agents that are registered for a session which is there. Whether those are
    /// others than before.
    pub(crate) fn are_present(&mut self, mut agents: Vec<String>) -> bool {
        agents.sort_unstable();
        let changed = self.present != agents;
        self.present = agents;
        changed
    }

    /// The agents that have something to do or are registered for a session, each once, by
    /// name.
    pub(crate) fn active(&self) -> Vec<String> {
        let at_work = self.under_way.iter().map(|it| &it.agent);
        let mut active: Vec<String> = at_work.chain(&self.present).cloned().collect();
        active.sort_unstable();
        active.dedup();
        active
    }

    /// What each agent has done.
    pub(crate) fn tallies(&self) -> BTreeMap<String, AgentStats> {
        self.done
            .iter()
            .map(|(agent, (tasks, time))| {
                let average = time.as_millis() / u128::from(*tasks).max(1);
                let stats = AgentStats {
                    tasks: *tasks,
                    avg_duration_ms: u64::try_from(average).unwrap_or(u64::MAX),
                };
                (agent.clone(), stats)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(agent: &'a str, task: Option<&'a str>) -> Ending<'a> {
        Ending {
            agent: Some(agent),
            task,
            ..Ending::default()
        }
    }

    #[test]
    fn an_id_tells_which_of_several_is_over() {
        let mut delegations = Delegations::default();
        let now = Instant::now();
        for (agent, id) in [("engineer", "1"), ("qa", "2"), ("qa", "3")] {
            delegations.begin("s", agent, "work", Some(id.to_owned()), now);
        }
        let id = |id| Ending {
            id: Some(id),
            ..Ending::default()
        };
        let nobody = delegations.end("s", Ending::default(), now);
        assert_eq!(nobody, None, "one of two agents, and nothing says which");
        assert_eq!(delegations.end("s", id("2"), now).expect("qa").agent, "qa");
        assert_eq!(delegations.end("s", id("2"), now), None, "told twice");
        assert!(delegations.end("s", of("qa", None), now).is_some());
        assert_eq!(delegations.end("s", id("3"), now), None, "told already");
        let last = delegations.end("s", Ending::default(), now);
        assert_eq!(last.expect("the only one").agent, "engineer");
    }

    #[test]
    fn a_task_is_timed_from_its_begin_to_its_end_and_counted_once() {
        let mut delegations = Delegations::default();
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        delegations.begin("s", "engineer", "build", None, start);
        delegations.begin("s", "qa", "test", None, later(1));
        delegations.begin("s", "engineer", "document", None, later(2));
        assert_eq!(delegations.active(), ["engineer", "qa"]);
        let over = delegations
            .end("s", of("engineer", Some("document")), later(6))
            .expect("under way");
        assert_eq!((&*over.task, over.took.as_secs()), ("document", 4));
        let over = delegations.end("s", of("engineer", None), later(8));
        assert_eq!(over.expect("under way").task, "build");
        assert_eq!(delegations.end("s", of("engineer", None), later(9)), None);
        let tally = delegations.tallies()["engineer"];
        assert_eq!((tally.tasks, tally.avg_duration_ms), (2, 6000));
        assert_eq!(delegations.active(), ["qa"]);
        delegations.forget("s");
        assert!(delegations.active().is_empty());
    }

    #[test]
    fn other_sessions_are_left_alone_and_memory_is_bounded() {
        let mut delegations = Delegations::default();
        let now = Instant::now();
        delegations.begin("one", "qa", "test", None, now);
        assert_eq!(delegations.end("two", of("qa", None), now), None);
        for number in 0..2 * MOST_UNDER_WAY {
            delegations.begin("two", &format!("agent {number}"), "", None, now);
        }
        assert_eq!(delegations.active().len(), MOST_UNDER_WAY);
    }
}
