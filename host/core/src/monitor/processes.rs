//! The process table, read once for all sessions.

#[cfg(target_os = "linux")]
mod connections;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use connections::{connections, sockets};
#[cfg(target_os = "linux")]
pub(crate) use linux::{all, disk};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{all, connections, disk, sockets};

use std::time::Duration;

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// The process session that it belongs to; 0 where the system does not tell.
    pub(crate) session: u32,
    /// How long it has lived.
    pub(crate) age: Duration,
    /// Processor time of its own and, on Linux, of its children that have ended:
    /// what a short-lived child used is not lost between two looks.
    pub(crate) cpu: Duration,
    /// Resident memory, shared pages included, as `ps` counts it.
    pub(crate) memory_bytes: u64,
}

/// What a process and its children that have ended have read from and written to
/// storage: what the kernel fetched and what is to be stored, not what came from
/// its cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DiskTraffic {
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
}

/// What went over TCP connections since they were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkTraffic {
    /// As far as the other end has acknowledged it.
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
}

impl NetworkTraffic {
    /// What came after `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            sent_bytes: self.sent_bytes.saturating_sub(before.sent_bytes),
            received_bytes: self.received_bytes.saturating_sub(before.received_bytes),
        }
    }
}

impl std::ops::AddAssign for NetworkTraffic {
    fn add_assign(&mut self, more: Self) {
        self.sent_bytes += more.sent_bytes;
        self.received_bytes += more.received_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_in_the_table_with_its_memory() {
        let table = all().expect("a process table");
        let own = table
            .iter()
            .find(|process| process.pid == std::process::id())
            .expect("this process");
        assert!(own.memory_bytes > 1 << 20, "{own:?}");
        assert_ne!(own.parent, 0);
        assert!(disk(own.pid).is_some());
    }

    #[test]
    fn a_process_that_is_gone_has_no_traffic() {
        assert_eq!(disk(u32::MAX - 1), None);
    }
}
