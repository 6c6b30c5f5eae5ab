//! Processor time and memory of a session's whole process tree.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// What a session uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Percent of one core since the last look, or over the session's life at
    /// the first.
    pub cpu_percent: f64,
    /// Resident memory in MB.
    pub memory_mb: f64,
}

/// Reads the process table. Remembers the last reading of each session to tell
/// the share of time in between.
#[derive(Default)]
pub(crate) struct UsageMeter {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    system: System,
    last: HashMap<u32, Reading>,
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    cpu_ms: u64,
}

impl UsageMeter {
    /// Usage of the trees below these processes, in their order. Reads every
    /// process of the machine once: a few milliseconds, so call it off the
    /// async threads.
    pub(crate) fn read(&self, leaders: &[u32]) -> Vec<Usage> {
        let mut table = self
            .table
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        table.system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks(),
        );
        table.last.retain(|pid, _| leaders.contains(pid));
        leaders.iter().map(|&leader| table.usage(leader)).collect()
    }
}

impl Table {
    fn usage(&mut self, leader: u32) -> Usage {
        let mut cpu_ms = 0;
        let mut bytes = 0;
        let mut life_ms = 0;
        for process in self.tree(leader) {
            if let Some(process) = self.system.process(process) {
                cpu_ms += process.accumulated_cpu_time();
                bytes += process.memory();
                if process.pid().as_u32() == leader {
                    life_ms = process.run_time() * 1000;
                }
            }
        }
        let now = Instant::now();
        let (cpu_before, over_ms) = match self.last.get(&leader) {
            Some(last) => (last.cpu_ms, millis(now - last.at)),
            None => (0, life_ms),
        };
        self.last.insert(leader, Reading { at: now, cpu_ms });
        Usage {
            cpu_percent: share(cpu_ms.saturating_sub(cpu_before), over_ms),
            memory_mb: round(bytes as f64 / (1024.0 * 1024.0)),
        }
    }

    fn tree(&self, leader: u32) -> Vec<Pid> {
        let mut tree = vec![Pid::from_u32(leader)];
        let mut next = 0;
        while next < tree.len() {
            let parent = tree[next];
            tree.extend(
                self.system
                    .processes()
                    .values()
                    .filter(|process| process.parent() == Some(parent))
                    .map(|process| process.pid()),
            );
            next += 1;
        }
        tree
    }
}

fn share(cpu_ms: u64, over_ms: u64) -> f64 {
    if over_ms == 0 {
        return 0.0;
    }
    round(cpu_ms as f64 * 100.0 / over_ms as f64)
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// To one decimal: more would be noise.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let usage = UsageMeter::default().read(&[std::process::id()]);
        assert!(usage[0].memory_mb > 1.0, "{usage:?}");
    }

    #[test]
    fn a_process_that_is_gone_uses_nothing() {
        let usage = UsageMeter::default().read(&[u32::MAX - 1]);
        assert_eq!(usage, [Usage::default()]);
    }
}
