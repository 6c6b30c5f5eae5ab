//! How long tasks take, going by past runs. Pure.

use std::collections::HashMap;
use std::time::Duration;

/// What a task takes of which nothing is known.
const UNKNOWN_MS: u64 = 1_000;

/// As many different pieces of work are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// How much a new run counts: the last few runs decide.
const WEIGHT: f64 = 0.3;

/// Durations of past runs, by what was done.
#[derive(Debug, Default)]
pub(super) struct Estimates {
    by_work: HashMap<String, f64>,
}

/// A task that has not ended, as far as its time goes.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    /// How long it takes from now.
    pub(super) left_ms: u64,
    /// Positions of those that it waits for.
    pub(super) after: Vec<usize>,
}

impl Estimates {
    /// Keeps a run's duration.
    pub(super) fn learn(&mut self, work: &str, duration_ms: u64) {
        let duration = duration_ms as f64;
        if let Some(known) = self.by_work.get_mut(work) {
            *known += WEIGHT * (duration - *known);
        } else if self.by_work.len() < MOST_REMEMBERED {
            self.by_work.insert(work.to_owned(), duration);
        }
    }

    /// How long this takes, where it was done before.
    pub(super) fn of(&self, work: &str) -> Option<u64> {
        self.by_work.get(work).map(|known| known.round() as u64)
    }

    /// How long a task takes that needs a number.
    pub(super) fn guess(&self, work: &str) -> u64 {
        self.of(work).unwrap_or(UNKNOWN_MS)
    }
}

/// How long it is until all of them have ended, `at_once` at a time: at least
/// what the longest chain takes, and at least what the work takes.
pub(super) fn until_all_ended(ahead: &[Ahead], at_once: usize) -> Duration {
    let mut waits_for: Vec<usize> = ahead.iter().map(|task| task.after.len()).collect();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); ahead.len()];
    for (at, task) in ahead.iter().enumerate() {
        for &needed in &task.after {
            before[needed].push(at);
        }
    }
    let mut begins = vec![0_u64; ahead.len()];
    let mut ready: Vec<usize> = (0..ahead.len()).filter(|&at| waits_for[at] == 0).collect();
    let mut chain = 0;
    while let Some(at) = ready.pop() {
        let ends = begins[at].saturating_add(ahead[at].left_ms);
        chain = chain.max(ends);
        for &next in &before[at] {
            begins[next] = begins[next].max(ends);
            waits_for[next] -= 1;
            if waits_for[next] == 0 {
                ready.push(next);
            }
        }
    }
    let work = ahead
        .iter()
        .fold(0_u64, |sum, task| sum.saturating_add(task.left_ms));
    Duration::from_millis(chain.max(work / at_once.max(1) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_decide() {
        let mut estimates = Estimates::default();
        assert_eq!(
            (estimates.of("make"), estimates.guess("make")),
            (None, UNKNOWN_MS)
        );
        for duration in [100, 100, 1_000] {
            estimates.learn("make", duration);
        }
        assert_eq!(estimates.of("make"), Some(370));
    }

    #[test]
    fn both_the_chain_and_the_work_take_their_time() {
        let task = |left_ms, after: &[usize]| Ahead {
            left_ms,
            after: after.to_vec(),
        };
        let chain = [task(100, &[2]), task(100, &[0]), task(100, &[])];
        assert_eq!(until_all_ended(&chain, 8), Duration::from_millis(300));
        let wide = [
            task(100, &[]),
            task(100, &[]),
            task(100, &[]),
            task(100, &[]),
        ];
        assert_eq!(until_all_ended(&wide, 2), Duration::from_millis(200));
        assert_eq!(until_all_ended(&[], 0), Duration::ZERO);
    }
}
