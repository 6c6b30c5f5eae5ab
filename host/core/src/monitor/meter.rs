//! What sessions use, over the time between two looks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use quarterdeck_terminal::CommandTally;
use schemars::JsonSchema;
use serde::Serialize;

use super::processes::{self, DiskTraffic, NetworkTraffic, Process};
use crate::clock::whole_ms;
use crate::session::SessionId;

/// Looks further back are forgotten.
const LONGEST_PERIOD: Duration = Duration::from_secs(65);

/// Looks that follow each other faster replace the last one, so that the memory
/// for them is bounded.
const CLOSEST_LOOKS: Duration = Duration::from_millis(400);

/// What a session uses: its whole process tree, over a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Percent of one core: two busy cores are 200.
    #[serde(rename = "cpu")]
    pub cpu_percent: f64,
    /// Resident memory in MB (2^20 bytes).
    #[serde(rename = "memory")]
    pub memory_mb: f64,
    /// Mean time from Enter to a command's first output, or to its end if it prints
    /// nothing, in milliseconds; 0 where no command has answered in the period. In a
    /// [`PerformanceReport`](super::PerformanceReport) the period is the last minute.
    #[serde(rename = "responseTime")]
    pub response_ms: f64,
    /// Bytes a second that storage was read for.
    pub disk_read: f64,
    /// Bytes a second that are to be stored.
    pub disk_written: f64,
    /// Bytes a second that went out over TCP connections which the tree held at two
    /// looks, as far as they were acknowledged. What a connection carried after the
    /// last look at it is not known; null where the system tells nothing (Linux does).
    pub network_sent: Option<f64>,
    /// Bytes a second that came in over them.
    pub network_received: Option<f64>,
    /// Processes in the tree.
    pub processes: u32,
    /// Commands that ended in the period.
    pub commands: u64,
    /// Those of them with an exit status other than 0.
    pub failed_commands: u64,
    /// Commands that answered in the period.
    pub answered_commands: u64,
    /// The period, in milliseconds.
    pub period_ms: u64,
}

/// One session to look at.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) id: SessionId,
    /// Its program's process, the root of the tree.
    pub(crate) leader: u32,
    pub(crate) commands: CommandTally,
}

/// What a tree has used since it began.
#[derive(Clone, Copy, Debug, Default)]
struct Consumed {
    cpu: Duration,
    memory_bytes: u64,
    disk: DiskTraffic,
    /// Added up by the meter, which remembers connections.
    network: Option<NetworkTraffic>,
    processes: u32,
    age: Duration,
    commands: CommandTally,
}

struct Look {
    at: Instant,
    consumed: Consumed,
}

/// Keeps the looks of the last minute. Owned by the monitor's task.
#[derive(Default)]
pub(crate) struct Meter {
    looks: HashMap<SessionId, VecDeque<Look>>,
    /// What went over connections of each session's tree since it began.
    networks: HashMap<SessionId, NetworkTraffic>,
    /// Connections as they were at the last look, by inode.
    connections: HashMap<u64, NetworkTraffic>,
}

impl Meter {
    /// Takes a look, and forgets sessions that are not among `sessions`.
    pub(crate) fn look(&mut self, at: Instant, table: &Table, sessions: &[Watched]) {
        self.looks
            .retain(|id, _| sessions.iter().any(|session| session.id == *id));
        self.networks
            .retain(|id, _| sessions.iter().any(|session| session.id == *id));
        for session in sessions {
            let network = self.network_of(table, session);
            let mut consumed = table
                .trees
                .get(&session.leader)
                .copied()
                .unwrap_or_default();
            consumed.commands = session.commands;
            consumed.network = network;
            let looks = self.looks.entry(session.id.clone()).or_default();
            if looks.back().is_some_and(|last| last.at == at) {
                looks.pop_back();
            }
            let close = |(last, before): (&Look, &Look)| last.at - before.at < CLOSEST_LOOKS;
            if looks
                .iter()
                .rev()
                .zip(looks.iter().rev().skip(1))
                .next()
                .is_some_and(close)
            {
                looks.pop_back();
            }
            looks.push_back(Look { at, consumed });
            while looks
                .front()
                .is_some_and(|look| at - look.at > LONGEST_PERIOD)
            {
                looks.pop_front();
            }
        }
        if let Some(connections) = &table.connections {
            self.connections.clone_from(connections);
        }
    }

    /// Adds what is new on the connections of a session's tree.
    fn network_of(&mut self, table: &Table, session: &Watched) -> Option<NetworkTraffic> {
        let connections = table.connections.as_ref()?;
        let sum = self.networks.entry(session.id.clone()).or_default();
        for inode in table.sockets.get(&session.leader).into_iter().flatten() {
            if let Some(traffic) = connections.get(inode) {
                let before = self.connections.get(inode).copied().unwrap_or_default();
                *sum += traffic.since(before);
            }
        }
        Some(*sum)
    }

    /// What a session used up to the last look, over the `period` before it or, as
    /// looks are only so often, somewhat more; over its life where it is younger.
    pub(crate) fn usage(&self, id: &SessionId, period: Duration) -> Usage {
        let Some(looks) = self.looks.get(id) else {
            return Usage::default();
        };
        let Some(last) = looks.back() else {
            return Usage::default();
        };
        let far_enough = looks.iter().rev().find(|look| last.at - look.at >= period);
        // What a young session did before the first look counts as well.
        let young = last.consumed.age <= period;
        match far_enough.or_else(|| looks.front().filter(|_| looks.len() > 1 && !young)) {
            Some(start) => used(&start.consumed, &last.consumed, last.at - start.at),
            None => used(&Consumed::default(), &last.consumed, last.consumed.age),
        }
    }
}

fn used(before: &Consumed, after: &Consumed, period: Duration) -> Usage {
    let seconds = period.as_secs_f64();
    let each_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
    let bytes = |before: u64, after: u64| round(each_second(after.saturating_sub(before) as f64));
    let (ran, run) = (&before.commands, &after.commands);
    let network = (after.network).map(|after| (before.network.unwrap_or_default(), after));
    let answered = run.answered.saturating_sub(ran.answered);
    let answer_time = run.answer_time.saturating_sub(ran.answer_time);
    Usage {
        cpu_percent: round(each_second(
            after.cpu.saturating_sub(before.cpu).as_secs_f64() * 100.0,
        )),
        memory_mb: round(after.memory_bytes as f64 / f64::from(1 << 20)),
        response_ms: match answered {
            0 => 0.0,
            count => round(answer_time.as_secs_f64() * 1e3 / count as f64),
        },
        disk_read: bytes(before.disk.read_bytes, after.disk.read_bytes),
        disk_written: bytes(before.disk.written_bytes, after.disk.written_bytes),
        network_sent: network.map(|(before, after)| bytes(before.sent_bytes, after.sent_bytes)),
        network_received: network
            .map(|(before, after)| bytes(before.received_bytes, after.received_bytes)),
        processes: after.processes,
        commands: run.ended.saturating_sub(ran.ended),
        failed_commands: run.failed.saturating_sub(ran.failed),
        answered_commands: answered,
        period_ms: whole_ms(period),
    }
}

/// To one decimal: more would be noise.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The trees below some processes, at one moment.
pub(crate) struct Table {
    trees: HashMap<u32, Consumed>,
    /// Inodes of the sockets in each tree, by its leader.
    sockets: HashMap<u32, HashSet<u64>>,
    /// Every connection; `None` where the system does not tell.
    connections: Option<HashMap<u64, NetworkTraffic>>,
}

impl Table {
    /// Reads every process of the machine once: a few milliseconds, so call it off
    /// the async threads.
    pub(crate) fn read(leaders: &[u32]) -> std::io::Result<Self> {
        let connections = processes::connections()
            .inspect_err(|error| tracing::debug!(%error, "no figures of the network"))
            .ok();
        // Without a connection there is no need to look at anybody's descriptors.
        let sockets = |pid: u32| -> Vec<u64> {
            match &connections {
                Some(connections) if !connections.is_empty() => processes::sockets(pid).collect(),
                _ => Vec::new(),
            }
        };
        let table = Self::of(&processes::all()?, leaders, processes::disk, sockets);
        Ok(Self {
            connections,
            ..table
        })
    }

    /// Whether it was read with all of these in view.
    pub(crate) fn covers(&self, leaders: &[u32]) -> bool {
        leaders.iter().all(|leader| self.trees.contains_key(leader))
    }

    fn of(
        table: &[Process],
        leaders: &[u32],
        disk: impl Fn(u32) -> Option<DiskTraffic>,
        sockets: impl Fn(u32) -> Vec<u64>,
    ) -> Self {
        let mut held: HashMap<u32, HashSet<u64>> = HashMap::new();
        let mut trees: HashMap<u32, Consumed> = leaders
            .iter()
            .map(|&leader| (leader, Consumed::default()))
            .collect();
        let by_pid: HashMap<u32, &Process> =
            table.iter().map(|process| (process.pid, process)).collect();
        let mut owners: HashMap<u32, Option<u32>> = HashMap::new();
        for process in table {
            let Some(owner) = owner(process, &by_pid, &trees, &mut owners) else {
                continue;
            };
            let Some(tree) = trees.get_mut(&owner) else {
                continue;
            };
            let traffic = disk(process.pid).unwrap_or_default();
            tree.cpu += process.cpu;
            tree.memory_bytes += process.memory_bytes;
            tree.disk.read_bytes += traffic.read_bytes;
            tree.disk.written_bytes += traffic.written_bytes;
            tree.processes += 1;
            held.entry(owner).or_default().extend(sockets(process.pid));
            if process.pid == owner {
                tree.age = process.age;
            }
        }
        Self {
            trees,
            sockets: held,
            connections: None,
        }
    }
}

/// The leader whose tree a process is in: the nearest among its ancestors or, for
/// one whose ancestors have ended, the leader of its process session.
fn owner(
    process: &Process,
    by_pid: &HashMap<u32, &Process>,
    leaders: &HashMap<u32, Consumed>,
    known: &mut HashMap<u32, Option<u32>>,
) -> Option<u32> {
    let mut path = Vec::new();
    let mut at = Some(process);
    let found = loop {
        let Some(here) = at else { break None };
        if let Some(&owner) = known.get(&here.pid) {
            break owner;
        }
        if leaders.contains_key(&here.pid) {
            break Some(here.pid);
        }
        // A table read while processes come and go may hold a circle.
        if path.contains(&here.pid) {
            break None;
        }
        path.push(here.pid);
        if leaders.contains_key(&here.session) {
            break Some(here.session);
        }
        at = by_pid.get(&here.parent).copied();
    };
    for pid in path {
        known.insert(pid, found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32, session: u32, cpu_ms: u64) -> Process {
        Process {
            pid,
            parent,
            session,
            age: Duration::from_secs(10),
            cpu: Duration::from_millis(cpu_ms),
            memory_bytes: 1 << 20,
        }
    }

    fn watched(id: &str, leader: u32) -> Watched {
        Watched {
            id: SessionId::found(id).expect("an id"),
            leader,
            commands: CommandTally::default(),
        }
    }

    fn no_disk(_: u32) -> Option<DiskTraffic> {
        None
    }

    fn no_sockets(_: u32) -> Vec<u64> {
        Vec::new()
    }

    fn sent(bytes: u64) -> NetworkTraffic {
        NetworkTraffic {
            sent_bytes: bytes,
            received_bytes: 2 * bytes,
        }
    }

    #[test]
    fn traffic_adds_up_over_connections_that_come_and_go() {
        let mut meter = Meter::default();
        let session = watched("aaaaaaaa", 10);
        let began = Instant::now();
        // Inode and bytes at each second; 9 is somebody else's.
        let seconds: [&[(u64, u64)]; 4] = [
            &[(1, 1_000), (9, 5_000)],
            &[(1, 3_000), (2, 500), (9, 9_000)],
            &[(2, 1_500)],
            &[(3, 100)],
        ];
        for (second, connections) in (0..).zip(seconds) {
            let mut table = Table::of(&[process(10, 1, 10, 0)], &[10], no_disk, |_| vec![1, 2, 3]);
            let all = connections
                .iter()
                .map(|(inode, bytes)| (*inode, sent(*bytes)));
            table.connections = Some(all.collect());
            let at = began + Duration::from_secs(second);
            meter.look(at, &table, std::slice::from_ref(&session));
        }
        let usage = |seconds| meter.usage(&session.id, Duration::from_secs(seconds));
        assert_eq!(usage(1).network_sent, Some(100.0));
        assert_eq!(usage(2).network_sent, Some(550.0));
        assert_eq!(usage(3).network_sent, Some(1_200.0));
        assert_eq!(usage(3).network_received, Some(2_400.0));
    }

    #[test]
    fn where_the_system_tells_nothing_traffic_is_unknown() {
        let mut meter = Meter::default();
        let session = watched("aaaaaaaa", 10);
        let table = Table::of(&[process(10, 1, 10, 0)], &[10], no_disk, no_sockets);
        meter.look(Instant::now(), &table, std::slice::from_ref(&session));
        let usage = meter.usage(&session.id, Duration::from_secs(5));
        assert_eq!((usage.network_sent, usage.network_received), (None, None));
    }

    #[test]
    fn a_tree_is_what_descends_and_what_was_left_behind() {
        let table = [
            process(1, 0, 1, 1),
            process(10, 1, 10, 10),
            process(11, 10, 10, 100),
            process(12, 11, 12, 1_000),
            process(13, 1, 10, 10_000),
            process(20, 10, 20, 100_000),
            process(99, 1, 99, 1_000_000),
        ];
        let trees = Table::of(&table, &[10, 20], no_disk, no_sockets).trees;
        assert_eq!(trees[&10].cpu, Duration::from_millis(11_110));
        assert_eq!(trees[&10].processes, 4);
        assert_eq!(trees[&20].cpu, Duration::from_millis(100_000));
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let table = [process(2, 3, 2, 1), process(3, 2, 3, 1)];
        assert_eq!(
            Table::of(&table, &[9], no_disk, no_sockets).trees[&9].processes,
            0
        );
    }

    #[test]
    fn usage_is_over_the_period_that_was_asked_for() {
        let mut meter = Meter::default();
        let session = watched("aaaaaaaa", 10);
        let began = Instant::now();
        let cpu_by_second = [0, 1_000, 1_000, 1_000, 1_500, 3_500];
        for (second, cpu_ms) in (0..).zip(cpu_by_second) {
            let table = Table::of(&[process(10, 1, 10, cpu_ms)], &[10], no_disk, no_sockets);
            let at = began + Duration::from_secs(second);
            meter.look(at, &table, std::slice::from_ref(&session));
        }
        let cpu = |seconds| {
            meter
                .usage(&session.id, Duration::from_secs(seconds))
                .cpu_percent
        };
        assert_eq!(cpu(1), 200.0);
        assert_eq!(cpu(2), 125.0);
        assert_eq!(cpu(5), 70.0);
        assert_eq!(cpu(8), 70.0, "no further back than there are looks");
        assert_eq!(cpu(60), 35.0, "it is ten seconds old");
    }

    #[test]
    fn a_young_session_is_measured_over_its_life() {
        let mut meter = Meter::default();
        let session = watched("aaaaaaaa", 10);
        let table = Table::of(&[process(10, 1, 10, 5_000)], &[10], no_disk, no_sockets);
        meter.look(Instant::now(), &table, std::slice::from_ref(&session));
        let usage = meter.usage(&session.id, Duration::from_secs(5));
        assert_eq!((usage.cpu_percent, usage.memory_mb), (50.0, 1.0));
    }

    #[test]
    fn a_table_that_is_looked_at_twice_counts_once() {
        let mut meter = Meter::default();
        let session = watched("aaaaaaaa", 10);
        let began = Instant::now();
        let tables = [0, 1_000, 1_000]
            .map(|cpu_ms| Table::of(&[process(10, 1, 10, cpu_ms)], &[10], no_disk, no_sockets));
        for (second, table) in [0, 1, 1].into_iter().zip(&tables) {
            let at = began + Duration::from_secs(second);
            meter.look(at, table, std::slice::from_ref(&session));
        }
        let usage = meter.usage(&session.id, Duration::from_secs(8));
        assert_eq!((usage.cpu_percent, usage.period_ms), (100.0, 1_000));
        assert!(tables[0].covers(&[10]) && !tables[0].covers(&[10, 20]));
    }

    #[test]
    fn looks_are_bounded_and_end_with_their_session() {
        let mut meter = Meter::default();
        let session = watched("aaaaaaaa", 10);
        let table = Table::of(&[process(10, 1, 10, 0)], &[10], no_disk, no_sockets);
        let began = Instant::now();
        for look in 0..10_000 {
            let at = began + Duration::from_millis(10 * look);
            meter.look(at, &table, std::slice::from_ref(&session));
        }
        assert!(meter.looks[&session.id].len() < 400);
        meter.look(began + Duration::from_secs(200), &table, &[]);
        assert!(meter.looks.is_empty());
    }
}
