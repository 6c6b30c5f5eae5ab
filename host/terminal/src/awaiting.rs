//! Whether a program waits for input from its terminal, as the system tells.
//!
//! What is typed while nobody reads stays in the terminal, and whoever reads next gets
//! it: the shell, if the program ends without a look at it. Linux tells in which system
//! call each thread is, and with which arguments; elsewhere nobody can say.

/// What is known of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// It waits for input from the terminal, perhaps among other things.
    Input,
    /// It computes, sleeps, or waits for something else.
    Nothing,
    /// The system does not tell.
    Unknown,
}

/// What the processes of the foreground group `group` wait for just now, that descend
/// from `shell`. A program that takes keys one by one is busy only for moments, so of
/// that it is not said that it waits for nothing.
#[cfg(target_os = "linux")]
pub fn foreground_awaits(shell: u32, group: u32) -> Awaits {
    if !linux::gives_whole_lines(shell) {
        return Awaits::Unknown;
    }
    let Some(family) = linux::descendants(shell) else {
        return Awaits::Unknown;
    };
    let mut known = Awaits::Nothing;
    for process in family {
        if process == shell || linux::group_of(process) != Some(group) {
            continue;
        }
        match linux::awaits(process) {
            Awaits::Input => return Awaits::Input,
            Awaits::Unknown => known = Awaits::Unknown,
            Awaits::Nothing => {}
        }
    }
    known
}

/// Whether the foreground group `group`, of which the processes are `shell` or descend
/// from it, still works on what it was given: none of them waits for input from the
/// terminal, or an interrupt has not reached it yet.
#[cfg(target_os = "linux")]
pub fn foreground_is_busy(shell: u32, group: u32) -> bool {
    let family = linux::descendants(shell).unwrap_or_default();
    let mut group = family
        .into_iter()
        .filter(|process| linux::group_of(*process) == Some(group))
        .peekable();
    group.peek().is_some()
        && group.all(|process| {
            linux::awaits(process) == Awaits::Nothing || linux::is_to_be_interrupted(process)
        })
}

/// Nobody can tell.
#[cfg(not(target_os = "linux"))]
pub fn foreground_is_busy(_shell: u32, _group: u32) -> bool {
    false
}

/// Whether the terminal of a process shows keys as it takes them, a Ctrl-C as `^C`, as it
/// does for whoever has no line editor.
#[cfg(target_os = "linux")]
pub fn shows_keys(process: u32) -> bool {
    use rustix::termios::LocalModes;
    linux::has_modes(process, LocalModes::ECHO | LocalModes::ECHOCTL)
}

/// Nobody can tell.
#[cfg(not(target_os = "linux"))]
pub fn shows_keys(_process: u32) -> bool {
    false
}

/// Whether a process waits for input from the terminal, with nothing else that it would
/// do until then: what a shell's `read` does.
#[cfg(target_os = "linux")]
pub fn reads_a_line(process: u32) -> bool {
    linux::SystemCall::of(process, process).is_ok_and(|call| {
        call.is(&[libc::SYS_read]) && linux::is_terminal(process, call.argument(0))
    })
}

/// Nobody can tell.
#[cfg(not(target_os = "linux"))]
pub fn foreground_awaits(_shell: u32, _group: u32) -> Awaits {
    Awaits::Unknown
}

/// Nobody can tell.
#[cfg(not(target_os = "linux"))]
pub fn reads_a_line(_process: u32) -> bool {
    false
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{awaits, descendants, gives_whole_lines, group_of};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io;
    use std::os::unix::fs::FileExt;

    use rustix::termios::LocalModes;

    use super::Awaits;
    use crate::process_stat::ProcessStat;

    /// More processes than a foreground program has.
    const MOST_PROCESSES: usize = 256;
    /// More descriptors than a program polls that reads a terminal.
    const MOST_POLLED: u64 = 1024;

    /// The system call that a thread waits in, with its arguments; see proc(5).
    pub(super) struct SystemCall {
        number: libc::c_long,
        arguments: [u64; 6],
    }

    impl SystemCall {
        pub(super) fn of(process: u32, thread: u32) -> io::Result<Self> {
            let text = fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall"))?;
            Ok(Self::parse(&text))
        }

        /// `running`, and -1 for what waits without a system call, are none.
        fn parse(text: &str) -> Self {
            let mut words = text.split_ascii_whitespace();
            let number = words.next().and_then(|word| word.parse().ok());
            let mut arguments = [0; 6];
            for (argument, word) in arguments.iter_mut().zip(words) {
                *argument = u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0);
            }
            Self {
                number: number.unwrap_or(-1),
                arguments,
            }
        }

        pub(super) fn is(&self, numbers: &[libc::c_long]) -> bool {
            numbers.contains(&self.number)
        }

        pub(super) fn argument(&self, index: usize) -> u64 {
            self.arguments[index]
        }
    }

    /// Calls that wait for one descriptor, their first argument.
    const READ: &[libc::c_long] = &[libc::SYS_read, libc::SYS_readv];
    #[cfg(target_arch = "x86_64")]
    const POLL: &[libc::c_long] = &[libc::SYS_poll, libc::SYS_ppoll];
    #[cfg(not(target_arch = "x86_64"))]
    const POLL: &[libc::c_long] = &[libc::SYS_ppoll];
    #[cfg(target_arch = "x86_64")]
    const SELECT: &[libc::c_long] = &[libc::SYS_select, libc::SYS_pselect6];
    #[cfg(not(target_arch = "x86_64"))]
    const SELECT: &[libc::c_long] = &[libc::SYS_pselect6];
    #[cfg(target_arch = "x86_64")]
    const EPOLL: &[libc::c_long] = &[
        libc::SYS_epoll_wait,
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_pwait2,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const EPOLL: &[libc::c_long] = &[libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2];
    /// What it waits for stands in memory that it shares with the kernel.
    const RING: &[libc::c_long] = &[libc::SYS_io_uring_enter];

    /// What a process waits for, over all its threads.
    pub(crate) fn awaits(process: u32) -> Awaits {
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
            // It has ended.
            return Awaits::Nothing;
        };
        let mut known = Awaits::Nothing;
        for thread in threads.flatten() {
            let Some(thread) = thread.file_name().to_str().and_then(|it| it.parse().ok()) else {
                continue;
            };
            match thread_awaits(process, thread) {
                Ok(Awaits::Input) => return Awaits::Input,
                Ok(Awaits::Nothing) => {}
                Err(error) if has_ended(&error) => {}
                Ok(Awaits::Unknown) | Err(_) => known = Awaits::Unknown,
            }
        }
        known
    }

    fn has_ended(error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
    }

    fn thread_awaits(process: u32, thread: u32) -> io::Result<Awaits> {
        let call = SystemCall::of(process, thread)?;
        let input_if = |is: bool| if is { Awaits::Input } else { Awaits::Nothing };
        if call.is(READ) {
            return Ok(input_if(is_terminal(process, call.argument(0))));
        }
        if call.is(POLL) {
            return polls_terminal(process, call.argument(0), call.argument(1)).map(input_if);
        }
        if call.is(SELECT) {
            return selects_terminal(process, call.argument(0), call.argument(1)).map(input_if);
        }
        if call.is(EPOLL) {
            return watches_terminal(process, call.argument(0)).map(input_if);
        }
        Ok(if call.is(RING) {
            Awaits::Unknown
        } else {
            Awaits::Nothing
        })
    }

    /// An array of `struct pollfd`: a descriptor, what is asked, what is answered.
    fn polls_terminal(process: u32, at: u64, count: u64) -> io::Result<bool> {
        let bytes = memory(process, at, count.min(MOST_POLLED) * 8)?;
        Ok(bytes.as_chunks::<8>().0.iter().any(|entry| {
            let [a, b, c, d, asked, ..] = *entry;
            let descriptor = i32::from_ne_bytes([a, b, c, d]);
            let reads = i16::from(asked) & libc::POLLIN != 0;
            reads && u64::try_from(descriptor).is_ok_and(|it| is_terminal(process, it))
        }))
    }

    /// A set of bits, the first `count` of which mean a descriptor each.
    fn selects_terminal(process: u32, count: u64, at: u64) -> io::Result<bool> {
        if at == 0 {
            return Ok(false);
        }
        let bytes = memory(process, at, count.min(MOST_POLLED).div_ceil(64) * 8)?;
        let words = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|it| u64::from_ne_bytes(*it));
        let set = words.enumerate().flat_map(|(index, word)| {
            let bits = (0..64).filter(move |bit| word >> bit & 1 == 1);
            bits.map(move |bit| index as u64 * 64 + bit)
        });
        Ok(set
            .take_while(|it| *it < count)
            .any(|it| is_terminal(process, it)))
    }

    /// `tfd:` stands before each descriptor that is watched; see proc(5).
    fn watches_terminal(process: u32, set: u64) -> io::Result<bool> {
        let text = fs::read_to_string(format!("/proc/{process}/fdinfo/{set}"))?;
        Ok(text
            .lines()
            .filter_map(|line| line.strip_prefix("tfd:")?.split_ascii_whitespace().next())
            .filter_map(|word| word.parse().ok())
            .any(|descriptor| is_terminal(process, descriptor)))
    }

    fn memory(process: u32, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        File::open(format!("/proc/{process}/mem"))?.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    pub(super) fn is_terminal(process: u32, descriptor: u64) -> bool {
        fs::read_link(format!("/proc/{process}/fd/{descriptor}"))
            .is_ok_and(|device| device.starts_with("/dev/pts") || device.starts_with("/dev/tty"))
    }

    /// Whether the terminal of a process collects lines for whoever reads, as it does
    /// unless a program asks for each key.
    pub(crate) fn gives_whole_lines(process: u32) -> bool {
        has_modes(process, LocalModes::ICANON)
    }

    /// Whether the terminal of a process works in these modes.
    pub(super) fn has_modes(process: u32, wanted: LocalModes) -> bool {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(format!("/proc/{process}/fd/0"), flags, Mode::empty())
            .and_then(|terminal| rustix::termios::tcgetattr(&terminal))
            .is_ok_and(|modes| modes.local_modes.contains(wanted))
    }

    /// Whether a Ctrl-C waits for a process that the system has not let run since.
    pub(crate) fn is_to_be_interrupted(process: u32) -> bool {
        fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|status| interrupt_is_pending(&status))
    }

    /// Reads the sets of signals off the text of a `status`; see proc(5).
    pub(super) fn interrupt_is_pending(status: &str) -> bool {
        let holds = |name: &str| {
            let mut lines = status.lines();
            let set = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
            set.is_some_and(|set| set >> (libc::SIGINT - 1) & 1 == 1)
        };
        (holds("SigPnd") || holds("ShdPnd")) && !holds("SigBlk")
    }

    pub(crate) fn group_of(process: u32) -> Option<u32> {
        ProcessStat::read(process).ok().map(|stat| stat.group)
    }

    /// A process and all below it; `None` where the kernel does not tell of children
    /// or of system calls.
    pub(crate) fn descendants(process: u32) -> Option<Vec<u32>> {
        fs::metadata("/proc/thread-self/children").ok()?;
        fs::metadata("/proc/thread-self/syscall").ok()?;
        let mut family = vec![process];
        let mut next = 0;
        while let Some(&parent) = family.get(next)
            && family.len() < MOST_PROCESSES
        {
            next += 1;
            let threads = fs::read_dir(format!("/proc/{parent}/task"));
            for thread in threads.into_iter().flatten().flatten() {
                let children = fs::read_to_string(thread.path().join("children"));
                family.extend(
                    children
                        .unwrap_or_default()
                        .split_ascii_whitespace()
                        .filter_map(|it| it.parse::<u32>().ok()),
                );
            }
        }
        Some(family)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{OpenRequest, Terminal, pty};

    async fn running(script: &str) -> Terminal {
        let opened = pty::open(OpenRequest {
            shell: Some("sh".into()),
            args: ["-c", &format!("{script}; :")].map(Into::into).to_vec(),
            ..OpenRequest::default()
        });
        opened.await.expect("a shell").terminal
    }

    /// Looks until the answer is what is expected.
    async fn comes_to(terminal: &Terminal, expected: Awaits) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            // A script's programs are in its own group.
            let shell = terminal.pid();
            if foreground_awaits(shell, shell) == expected {
                // What reads is not busy, and nothing else is said of it.
                return expected != Awaits::Input || !foreground_is_busy(shell, shell);
            }
            if Instant::now() > end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn a_process_that_does_something_else_waits_for_no_line() {
        assert!(!reads_a_line(std::process::id()));
        assert!(!reads_a_line(u32::MAX));
    }

    #[test]
    fn an_interrupt_waits_for_whoever_has_not_blocked_it() {
        let status = |thread, process, blocked| {
            let set = |interrupt| {
                if interrupt {
                    "0000000000000002"
                } else {
                    "0000000000010004"
                }
            };
            format!(
                "Name:\tsh\nSigPnd:\t{}\nShdPnd:\t{}\nSigBlk:\t{}\nSigIgn:\t{}\n",
                set(thread),
                set(process),
                set(blocked),
                set(false)
            )
        };
        for (given, waits) in [
            (status(false, false, false), false),
            (status(true, false, false), true),
            (status(false, true, false), true),
            (status(false, true, true), false),
            (String::new(), false),
        ] {
            assert_eq!(linux::interrupt_is_pending(&given), waits, "{given}");
        }
    }

    #[tokio::test]
    async fn programs_that_read_are_told_from_those_that_do_not() {
        const SELECT: &str = "python3 -c 'import select; select.select([0], [], [])'";
        const POLL: &str =
            "python3 -c 'import select as s; p = s.poll(); p.register(0, 1); p.poll()'";
        const EPOLL: &str =
            "python3 -c 'import select as s; p = s.epoll(); p.register(0, 1); p.poll()'";
        const OTHER: &str = "python3 -c 'import os, select; select.select([os.pipe()[0]], [], [])'";
        for (script, expected) in [
            ("cat", Awaits::Input),
            ("sleep 60 | cat; cat", Awaits::Nothing),
            ("sleep 60", Awaits::Nothing),
            (SELECT, Awaits::Input),
            (POLL, Awaits::Input),
            (EPOLL, Awaits::Input),
            (OTHER, Awaits::Nothing),
            ("stty -icanon; sleep 60", Awaits::Unknown),
        ] {
            let terminal = running(script).await;
            assert!(comes_to(&terminal, expected).await, "{script}");
            terminal.close().await;
        }
    }
}
