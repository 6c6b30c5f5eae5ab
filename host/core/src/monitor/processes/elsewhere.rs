//! The table as sysinfo reads it, where there is no `/proc`. What short-lived
//! processes used between two looks is not seen.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{DiskTraffic, NetworkTraffic, Process};

/// Every process that can be looked at.
pub(crate) fn all() -> io::Result<Vec<Process>> {
    let kind = ProcessRefreshKind::nothing()
        .with_cpu()
        .with_memory()
        .without_tasks();
    let system = look(ProcessesToUpdate::All, kind)?;
    Ok(system
        .processes()
        .values()
        .map(|process| Process {
            pid: process.pid().as_u32(),
            parent: process.parent().map_or(0, Pid::as_u32),
            session: process.session_id().map_or(0, Pid::as_u32),
            age: Duration::from_secs(process.run_time()),
            cpu: Duration::from_millis(process.accumulated_cpu_time()),
            memory_bytes: process.memory(),
        })
        .collect())
}

/// `None` for a process that is gone or somebody else's.
pub(crate) fn disk(pid: u32) -> Option<DiskTraffic> {
    let pid = Pid::from_u32(pid);
    let kind = ProcessRefreshKind::nothing().with_disk_usage();
    let system = look(ProcessesToUpdate::Some(&[pid]), kind).ok()?;
    let usage = system.process(pid)?.disk_usage();
    Some(DiskTraffic {
        read_bytes: usage.total_read_bytes,
        written_bytes: usage.total_written_bytes,
    })
}

/// This system tells nobody.
pub(crate) fn connections() -> io::Result<HashMap<u64, NetworkTraffic>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// See [`connections`].
pub(crate) fn sockets(_pid: u32) -> impl Iterator<Item = u64> {
    std::iter::empty()
}

fn look(which: ProcessesToUpdate<'_>, kind: ProcessRefreshKind) -> io::Result<System> {
    let mut system = System::new().map_err(io::Error::other)?;
    system.refresh_processes_specifics(which, true, kind);
    Ok(system)
}
