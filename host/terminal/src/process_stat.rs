//! What Linux tells of a process in `/proc/<pid>/stat` (proc(5)): the one place that
//! reads it.

use std::io;

/// A process at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessStat {
    state: u8,
    /// Its parent, or whoever adopted it.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session, by its leader.
    pub session: u32,
    /// The process group that has its terminal; none without one.
    pub terminal_group: Option<u32>,
    /// Processor time of its own and of children that were waited for, in clock ticks.
    pub cpu_ticks: u64,
    /// When it was started, in clock ticks since the system was.
    pub started_ticks: u64,
    /// Its memory, in pages.
    pub memory_pages: u64,
}

impl ProcessStat {
    /// What is told of a process now.
    pub fn read(pid: u32) -> io::Result<Self> {
        let text = std::fs::read(format!("/proc/{pid}/stat"))?;
        Self::parse(&text).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{pid}/stat has an unknown form"),
            )
        })
    }

    /// Reads the text of a `stat`. The name in parentheses may hold anything,
    /// parentheses too.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let name_end = memchr::memrchr(b')', text)?;
        let fields = std::str::from_utf8(&text[name_end + 1..]).ok()?;
        // Numbered as in proc(5); the state is the third.
        let mut numbered = (3..).zip(fields.split_ascii_whitespace());
        let mut field = |wanted: u32| -> Option<&str> {
            let (_, text) = numbered.find(|(number, _)| *number == wanted)?;
            Some(text)
        };
        let state = *field(3)?.as_bytes().first()?;
        let parent = field(4)?.parse().ok()?;
        let group = field(5)?.parse().ok()?;
        let session = field(6)?.parse().ok()?;
        // -1 without a terminal.
        let terminal_group = field(8)?.parse().ok();
        let mut number = |wanted: u32| -> Option<u64> { field(wanted)?.parse().ok() };
        Some(Self {
            state,
            parent,
            group,
            session,
            terminal_group,
            cpu_ticks: number(14)? + number(15)? + number(16)? + number(17)?,
            started_ticks: number(22)?,
            memory_pages: number(24)?,
        })
    }

    /// Whether it has ended, and nobody has buried it yet.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        for name in ["bash", "a) Z 99 (x)", ")", "(", "1 2 3"] {
            let text = format!(
                "77 ({name}) S 70 76 75 34816 74 4194304 100 200 0 0 150 50 25 75 20 0 1 0 90000 1000000 300 18446744073709551615"
            );
            let stat = ProcessStat::parse(text.as_bytes()).expect(name);
            let told = ProcessStat {
                state: b'S',
                parent: 70,
                group: 76,
                session: 75,
                terminal_group: Some(74),
                cpu_ticks: 300,
                started_ticks: 90_000,
                memory_pages: 300,
            };
            assert_eq!(stat, told, "{name}");
            assert!(!stat.is_dead());
        }
        assert_eq!(ProcessStat::parse(b"12 (cut"), None);
        assert_eq!(ProcessStat::parse(b"12 (a) Z 7 12 42"), None);
    }

    #[test]
    fn this_process_is_found() {
        let own = ProcessStat::read(std::process::id()).expect("own stat");
        assert!(!own.is_dead());
        assert!(own.memory_pages > 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ProcessStat::parse(&bytes);
        }
    }
}
