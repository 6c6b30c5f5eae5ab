//! How fast a session takes in what its program writes, beside a reader that
//! throws everything away and the bare library that emulates; what that does to other sessions; and the memory.

use std::time::{Duration, Instant};

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::term::test::TermSize;
use alacritty_terminal::term::{Config, Term};
use alacritty_terminal::vte::ansi::Processor;
use quarterdeck_terminal::{CommandState, FinishedCommand, Opened};

mod support;
use support::{Measured, Plain, home, prompted};

const MEGABYTES: usize = 100;
const PATIENCE: Duration = Duration::from_secs(120);

/// Three kinds of output, 100 MB of each.
fn outputs() -> [(&'static str, String); 3] {
    let bytes = MEGABYTES * 1_000_000;
    [
        (
            "lines of 79 characters",
            format!("yes {} | head -c {bytes}", "x".repeat(79)),
        ),
        (
            "coloured lines",
            format!(
                "yes \"$(printf '\\033[1;31mred \\033[0mplain \\033[38;5;99mand more\\033[m')\" | head -c {bytes}"
            ),
        ),
        (
            "lines of Japanese",
            format!("yes {} | head -c {bytes}", "日本語".repeat(9)),
        ),
    ]
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // First, while nothing is left over from what was freed.
    runtime.block_on(memory());
    println!(
        "\n{:<24} {:>11} {:>13} {:>13} {:>8} {:>13}",
        "", "plain MB/s", "library MB/s", "session MB/s", "ratio", "of processor"
    );
    for (what, command) in outputs() {
        let plain = plain_read(&command, |_| ());
        let library = library_read(&command);
        let session = runtime.block_on(session_read(&command));
        println!(
            "{what:<24} {:>11.0} {:>13.0} {:>13.0} {:>8.2} {:>13.2}",
            plain.rate(),
            library.rate(),
            session.rate(),
            library.elapsed.as_secs_f64() / session.elapsed.as_secs_f64(),
            library.processor.as_secs_f64() / session.processor.as_secs_f64(),
        );
    }
    runtime.block_on(beside_a_flood());
}

/// What reading all of an output took.
struct Reading {
    elapsed: Duration,
    /// Of all threads of this process; what else the machine does is not in it.
    processor: Duration,
}

/// A reading that has begun.
struct Begun {
    at: Instant,
    processor: Duration,
}

impl Begun {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            processor: processor_time(),
        }
    }

    fn over(self) -> Reading {
        Reading {
            elapsed: self.at.elapsed(),
            processor: processor_time() - self.processor,
        }
    }
}

impl Reading {
    fn rate(&self) -> f64 {
        MEGABYTES as f64 / self.elapsed.as_secs_f64()
    }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("it is not negative")
}

fn plain_read(command: &str, mut take: impl FnMut(&[u8])) -> Reading {
    // Raw, so that line feeds are not made into two bytes: the session's device
    // does that, at a cost that is the kernel's.
    let mut plain = Plain::start(&format!("stty opost onlcr; {command}")).expect("started");
    let begun = Begun::now();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match plain.read(&mut buffer) {
            0 => break,
            count => take(&buffer[..count]),
        }
    }
    plain.child.wait().expect("waited for");
    begun.over()
}

/// The same into the emulator's library, and nothing else.
fn library_read(command: &str) -> Reading {
    let size = TermSize::new(120, 40);
    let mut term = Term::new(Config::default(), &size, VoidListener);
    let mut parser: Processor = Processor::new();
    plain_read(command, |bytes| parser.advance(&mut term, bytes))
}

async fn session_read(command: &str) -> Reading {
    let home = home();
    let opened = prompted("bash", &home).await;
    let begun = Begun::now();
    run(&opened, command).await;
    let reading = begun.over();
    opened.terminal.close().await;
    reading
}

async fn run(opened: &Opened, command: &str) {
    let mut running = opened.keyboard.run(command).await.expect("typed");
    let state = running.finished(PATIENCE).await;
    assert!(
        matches!(
            state,
            CommandState::Finished(FinishedCommand {
                exit_status: Some(0),
                ..
            })
        ),
        "{state:?}"
    );
}

/// `echo hi` in one session, while another one is idle or floods.
async fn beside_a_flood() {
    let home = home();
    let flooding = prompted("bash", &home).await;
    let beside = prompted("bash", &home).await;
    let idle = echoes(&beside).await;
    let mut flood = flooding.keyboard.run("yes").await.expect("typed");
    let flooded = echoes(&beside).await;
    assert!(matches!(
        flood.finished(Duration::ZERO).await,
        CommandState::StillRunning { .. }
    ));
    flooding.terminal.close().await;
    beside.terminal.close().await;
    println!(
        "\n{:<48} {:>9} {:>9} {:>8}",
        "", "median µs", "p95 µs", "× idle"
    );
    idle.print("`echo hi`, the other session idle", &idle);
    flooded.print("`echo hi`, the other session flooding", &idle);
}

async fn echoes(opened: &Opened) -> Measured {
    let mut durations = Vec::new();
    for _ in 0..500 {
        let begun = Instant::now();
        run(opened, "echo hi").await;
        durations.push(begun.elapsed());
    }
    Measured::new(durations)
}

async fn memory() {
    let home = home();
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: usize = status
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .unwrap_or(0);
        pages * 4
    };
    println!("{:<48} {:>9}", "", "KiB each");
    let before = resident();
    let mut opened = Vec::new();
    for _ in 0..20 {
        opened.push(prompted("bash", &home).await);
    }
    println!(
        "{:<48} {:>9}",
        "an idle session, of 20",
        resident().saturating_sub(before) / 20
    );
    let before = resident();
    for opened in &opened[..5] {
        run(opened, "seq 1 20000").await;
    }
    println!(
        "{:<48} {:>9}",
        "more with 10,000 short lines above, of 5",
        resident().saturating_sub(before) / 5
    );
    let before = resident();
    for opened in &opened[5..10] {
        run(opened, &format!("yes {} | head -n 200000", "x".repeat(119))).await;
    }
    println!(
        "{:<48} {:>9}",
        "more with everything full, of 5",
        resident().saturating_sub(before) / 5
    );
    for opened in &opened {
        opened.terminal.close().await;
    }
}
