//! How long the shortest things take in a session, beside the same thing on a
//! plain terminal device. The ratios hold on any machine, the times do not.

use std::process::Command;
use std::time::{Duration, Instant};

use quarterdeck_terminal::{CommandState, FinishedCommand, Opened, Until};
use regex::Regex;

mod support;
use support::{Measured, Plain, home, prompted};

const ROUNDS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!(
        "{:<48} {:>9} {:>9} {:>8}",
        "", "median µs", "p95 µs", "× echo"
    );
    let unit = plain_echo();
    unit.print("a byte to a plain device's cat and back", &unit);
    process().print("sh -c true as a process", &unit);
    runtime.block_on(sessions(&unit));
}

fn plain_echo() -> Measured {
    let mut plain = Plain::start("exec cat").expect("started");
    let mut buffer = [0; 64];
    let once = |_| {
        let begun = Instant::now();
        rustix::io::write(&plain.master, b"x").expect("written");
        assert!(plain.read(&mut buffer) > 0, "cat has ended");
        begun.elapsed()
    };
    let measured = Measured::new((0..ROUNDS).map(once).collect());
    plain.child.kill().expect("killed");
    plain.child.wait().expect("waited for");
    measured
}

fn process() -> Measured {
    let once = |_| {
        let begun = Instant::now();
        assert!(
            Command::new("sh")
                .args(["-c", "true"])
                .status()
                .expect("run")
                .success()
        );
        begun.elapsed()
    };
    Measured::new((0..200).map(once).collect())
}

async fn sessions(unit: &Measured) {
    let home = home();
    for shell in ["bash", "zsh", "fish"] {
        let begun = Instant::now();
        let opened = prompted(shell, &home).await;
        Measured::new(vec![begun.elapsed()])
            .print(&format!("{shell}: open, to the first prompt"), unit);
        let rounds = if shell == "fish" { 100 } else { ROUNDS };
        runs(&opened, "true", rounds)
            .await
            .print(&format!("{shell}: run `true`"), unit);
        runs(&opened, "echo hi", rounds)
            .await
            .print(&format!("{shell}: run `echo hi`, output read"), unit);
        runs(&opened, "sh -c true", rounds)
            .await
            .print(&format!("{shell}: run `sh -c true`"), unit);
        typed(&opened)
            .await
            .print(&format!("{shell}: a key, to sight on the screen"), unit);
        opened.keyboard.clear_line().await.expect("cleared");
        lines(&opened)
            .await
            .print(&format!("{shell}: what the line holds"), unit);
        opened.terminal.close().await;
    }
    let opened = prompted("bash", &home).await;
    runs(&opened, "seq 1 5000", 1).await;
    let mut reads = Vec::new();
    let mut screens = Vec::new();
    let mut statuses = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let end = opened.terminal.status().await.cursor;
        statuses.push(begun.elapsed());
        let begun = Instant::now();
        opened.terminal.read(end.back(16 * 1024), 16 * 1024).await;
        reads.push(begun.elapsed());
        let begun = Instant::now();
        opened.terminal.screen().await;
        screens.push(begun.elapsed());
    }
    Measured::new(reads).print("read 16 KiB", unit);
    Measured::new(screens).print("the screen", unit);
    Measured::new(statuses).print("the status", unit);
    opened.terminal.close().await;
    at_once(&home, 20, unit).await;
    at_once(&home, 100, unit).await;
}

/// Runs a command and reads its output.
async fn runs(opened: &Opened, command: &str, rounds: usize) -> Measured {
    let mut durations = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        let mut running = opened.keyboard.run(command).await.expect("typed");
        let state = running.finished(PATIENCE).await;
        let CommandState::Finished(FinishedCommand {
            exit_status: Some(0),
            output,
            ..
        }) = state
        else {
            panic!("{command}: {state:?}");
        };
        opened
            .terminal
            .read_until(output.start, output.end, 16 * 1024)
            .await;
        durations.push(begun.elapsed());
    }
    Measured::new(durations)
}

/// Types one character and waits until it is there.
async fn typed(opened: &Opened) -> Measured {
    let any = Regex::new("k").expect("a pattern");
    let mut durations = Vec::new();
    for _ in 0..100 {
        let from = opened.terminal.status().await.cursor;
        let begun = Instant::now();
        opened.keyboard.write(b"k").await.expect("typed");
        let waited = opened
            .terminal
            .wait(Until::Pattern(any.clone()), Some(from), PATIENCE)
            .await;
        assert!(waited.met, "{waited:?}");
        durations.push(begun.elapsed());
    }
    Measured::new(durations)
}

async fn lines(opened: &Opened) -> Measured {
    let mut durations = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        opened.keyboard.shell_line().await.expect("answered");
        durations.push(begun.elapsed());
    }
    Measured::new(durations)
}

/// Opens many sessions at once, and has each sleep for half a second.
async fn at_once(home: &tempfile::TempDir, count: usize, unit: &Measured) {
    let begun = Instant::now();
    let opened = futures(count, || prompted("bash", home)).await;
    Measured::new(vec![begun.elapsed()])
        .print(&format!("{count} sessions of bash opened at once"), unit);
    let begun = Instant::now();
    let mut sleeping = Vec::new();
    for opened in &opened {
        sleeping.push(opened.keyboard.run("sleep 0.5").await.expect("typed"));
    }
    for running in &mut sleeping {
        let state = running.finished(PATIENCE).await;
        assert!(matches!(state, CommandState::Finished(_)), "{state:?}");
    }
    let slept = begun.elapsed().saturating_sub(Duration::from_millis(500));
    Measured::new(vec![slept]).print(
        &format!("`sleep 0.5` in {count} at once, beyond 0.5 s"),
        unit,
    );
    let begun = Instant::now();
    for opened in &opened {
        opened.terminal.close().await;
    }
    Measured::new(vec![begun.elapsed()]).print(
        &format!("{count} sessions closed, one after the other"),
        unit,
    );
}

/// Begins all, then waits for each.
async fn futures<T, F: Future<Output = T>>(count: usize, begin: impl Fn() -> F) -> Vec<T> {
    let mut waiting: Vec<_> = (0..count).map(|_| Box::pin(begin())).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
