//! Which task waits for which.

use std::collections::HashMap;

use policy_planning::Task;

/// The tasks of a batch with their open dependencies. Everything is worked out
/// once, in time linear in the number of tasks and dependencies.
pub(crate) struct Graph<'batch> {
    tasks: &'batch [Task],
    /// The first task of each id.
    by_id: HashMap<&'batch str, usize>,
    chain_ms: Vec<u64>,
    /// For a task that can never run: the one that it waits for and that can
    /// never run either. Following it ends in a circle.
    stuck_behind: Vec<Option<usize>>,
    /// For a task that can never run: a task on the circle that it leads to.
    circle: Vec<Option<usize>>,
}

/// What becomes of a task that waits.
pub(crate) enum Fate {
    /// Its dependencies may yet complete.
    Open,
    /// It waits for itself, through these.
    InCircle(Vec<String>),
    /// It waits for these, which wait for each other.
    BehindCircle(Vec<String>),
}

impl<'batch> Graph<'batch> {
    pub(crate) fn of(tasks: &'batch [Task], default_estimate_ms: u64) -> Self {
        let mut by_id = HashMap::with_capacity(tasks.len());
        for (index, task) in tasks.iter().enumerate() {
            by_id.entry(task.id.as_str()).or_insert(index);
        }
        let blockers = |index: usize| {
            let task: &Task = &tasks[index];
            let first = by_id[task.id.as_str()] == index;
            let ids = if first {
                &task.open_dependencies[..]
            } else {
                &[]
            };
            ids.iter().filter_map(|id| by_id.get(id.as_str()).copied())
        };
        let mut dependents = vec![Vec::new(); tasks.len()];
        let mut open = vec![0usize; tasks.len()];
        for (index, open) in open.iter_mut().enumerate() {
            for blocker in blockers(index) {
                dependents[blocker].push(index);
                *open += 1;
            }
        }

        // Kahn's order: each task after everything that it waits for.
        let mut order: Vec<usize> = (0..tasks.len()).filter(|&index| open[index] == 0).collect();
        let mut done = 0;
        while let Some(&index) = order.get(done) {
            done += 1;
            for &dependent in &dependents[index] {
                open[dependent] -= 1;
                if open[dependent] == 0 {
                    order.push(dependent);
                }
            }
        }

        let mut chain_ms = vec![0u64; tasks.len()];
        for &index in order.iter().rev() {
            let after = dependents[index].iter().map(|&next| chain_ms[next]).max();
            let own = tasks[index].estimate_ms.unwrap_or(default_estimate_ms);
            chain_ms[index] = own.saturating_add(after.unwrap_or(0));
        }

        let stuck_behind: Vec<Option<usize>> = (0..tasks.len())
            .map(|index| {
                let stuck = open[index] > 0;
                stuck.then(|| blockers(index).find(|&blocker| open[blocker] > 0))?
            })
            .collect();
        Self {
            tasks,
            by_id,
            chain_ms,
            circle: circles(&stuck_behind),
            stuck_behind,
        }
    }

    /// Estimated time, in milliseconds, of the longest chain that begins with
    /// the task at this index.
    pub(crate) fn chain_ms(&self, index: usize) -> u64 {
        self.chain_ms[index]
    }

    pub(crate) fn holds(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn fate(&self, task: &Task) -> Fate {
        let Some(&index) = self.by_id.get(task.id.as_str()) else {
            return Fate::Open;
        };
        match self.circle[index] {
            None => Fate::Open,
            Some(entry) if entry == index => Fate::InCircle(self.told_from(index)),
            Some(entry) => Fate::BehindCircle(self.told_from(entry)),
        }
    }

    /// The ids of a circle from one of its tasks on, back to it; not all of a
    /// long one.
    fn told_from(&self, start: usize) -> Vec<String> {
        const TOLD: usize = 6;

        let mut ids = vec![self.tasks[start].id.clone()];
        let mut here = start;
        while let Some(next) = self.stuck_behind[here].filter(|&next| next != start) {
            if ids.len() == TOLD {
                ids.push("…".to_owned());
                break;
            }
            ids.push(self.tasks[next].id.clone());
            here = next;
        }
        ids.push(self.tasks[start].id.clone());
        ids
    }
}

/// For each task that leads to a circle, a task on that circle: for those on it,
/// themselves.
fn circles(stuck_behind: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut circle = vec![None; stuck_behind.len()];
    // In which walk a task was first met; 0 for not yet.
    let mut met = vec![0usize; stuck_behind.len()];
    for start in 0..stuck_behind.len() {
        let walk = start + 1;
        let mut path = Vec::new();
        let mut here = stuck_behind[start].map(|_| start);
        while let Some(index) = here.filter(|&index| met[index] == 0) {
            met[index] = walk;
            path.push(index);
            here = stuck_behind[index];
        }
        let Some(end) = here else { continue };
        if met[end] == walk {
            // A new circle: the path from `end` on.
            for index in path.iter().rev() {
                circle[*index] = Some(*index);
                if *index == end {
                    break;
                }
            }
        }
        let entry = circle[end];
        for index in path {
            circle[index] = circle[index].or(entry);
        }
    }
    circle
}
