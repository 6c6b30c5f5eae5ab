//! The table as `/proc` shows it (proc(5)).

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use quarterdeck_terminal::ProcessStat;

use super::{DiskTraffic, Process};

/// Longer than any `stat`: about fifty numbers and a name of 64 bytes.
const STAT_BYTES: usize = 2048;

/// Every process that can be looked at. One that ends meanwhile is left out.
pub(crate) fn all() -> io::Result<Vec<Process>> {
    let units = Units::now()?;
    let mut buffer = [0_u8; STAT_BYTES];
    let mut path = String::new();
    let mut table = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        path.clear();
        path.push_str("/proc/");
        path.push_str(name.to_str().unwrap_or_default());
        path.push_str("/stat");
        if let Some(text) = read_into(&path, &mut buffer) {
            let stat = ProcessStat::parse(text);
            table.extend(stat.map(|stat| process(pid, &stat, &units)));
        }
    }
    Ok(table)
}

/// `None` for a process that is gone or somebody else's.
pub(crate) fn disk(pid: u32) -> Option<DiskTraffic> {
    let mut buffer = [0_u8; 512];
    let text = read_into(&format!("/proc/{pid}/io"), &mut buffer)?;
    parse_io(std::str::from_utf8(text).ok()?)
}

fn read_into<'a>(path: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let count = File::open(path).ok()?.read(buffer).ok()?;
    Some(&buffer[..count])
}

/// What the numbers of a `stat` count in.
struct Units {
    ticks_per_second: u64,
    page_bytes: u64,
    since_boot: Duration,
}

impl Units {
    fn now() -> io::Result<Self> {
        let uptime = std::fs::read_to_string("/proc/uptime")?;
        let seconds = uptime
            .split_ascii_whitespace()
            .next()
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or_default();
        Ok(Self {
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
            page_bytes: rustix::param::page_size() as u64,
            since_boot: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        })
    }

    fn time(&self, ticks: u64) -> Duration {
        Duration::from_millis(ticks.saturating_mul(1000) / self.ticks_per_second)
    }
}

fn process(pid: u32, stat: &ProcessStat, units: &Units) -> Process {
    let started = units.time(stat.started_ticks);
    Process {
        pid,
        parent: stat.parent,
        session: stat.session,
        age: units.since_boot.saturating_sub(started),
        cpu: units.time(stat.cpu_ticks),
        memory_bytes: stat.memory_pages * units.page_bytes,
    }
}

fn parse_io(text: &str) -> Option<DiskTraffic> {
    let field = |name: &str| -> Option<u64> {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some(DiskTraffic {
        read_bytes: field("read_bytes:")?,
        written_bytes: field("write_bytes:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: Units = Units {
        ticks_per_second: 100,
        page_bytes: 4096,
        since_boot: Duration::from_secs(1000),
    };

    #[test]
    fn ticks_and_pages_become_time_and_bytes() {
        let text = b"77 (bash) S 70 77 70 34816 77 4194304 100 200 0 0 150 50 25 75 20 0 1 0 90000 1000000 300 18446744073709551615";
        let stat = ProcessStat::parse(text).expect("a stat");
        let told = Process {
            pid: 77,
            parent: 70,
            session: 70,
            age: Duration::from_secs(100),
            cpu: Duration::from_secs(3),
            memory_bytes: 300 * 4096,
        };
        assert_eq!(process(77, &stat, &UNITS), told);
    }

    #[test]
    fn traffic_is_what_reached_the_storage() {
        let text = "rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n";
        let traffic = DiskTraffic {
            read_bytes: 4096,
            written_bytes: 8192,
        };
        assert_eq!(parse_io(text), Some(traffic));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_io(&String::from_utf8_lossy(&bytes));
        }
    }
}
