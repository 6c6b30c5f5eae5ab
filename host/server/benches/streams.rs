//! How fast events reach those who listen, beside those who do not read.
//!
//! A host of its own, its stream on a free port, real WebSocket clients. What the
//! host could not deliver in time is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use quarterdeck_core::Host;
use quarterdeck_core::events::{ErrorSeverity, SystemError};
use tokio_tungstenite::tungstenite::Message;

use support::{Socket, Stage};

#[path = "../tests/support/mod.rs"]
mod support;

/// Listeners, those among them that never read, events a second, and seconds.
const LOADS: [(usize, usize, usize, u64); 3] =
    [(1, 0, 1_000, 3), (100, 0, 1_000, 3), (100, 100, 1_000, 3)];

#[tokio::main]
async fn main() {
    let stage = Stage::set().await;
    publishing(&stage.host);
    for (fast, dead, rate, seconds) in LOADS {
        fan_out(&stage, fast, dead, rate, seconds).await;
    }
    stage.clear().await;
}

/// What it costs whoever tells of something, with nobody listening.
fn publishing(host: &Host) {
    const TIMES: u32 = 10_000;
    let began = Instant::now();
    for number in 0..TIMES {
        host.events().publish(numbered(u64::from(number)));
    }
    println!("publishing an event: {:?}", began.elapsed() / TIMES);
}

async fn fan_out(stage: &Stage, fast: usize, dead: usize, rate: usize, seconds: u64) {
    let began = Instant::now();
    let total = rate * seconds as usize;
    let received = Arc::new(AtomicUsize::new(0));
    let mut sleepers = Vec::new();
    for _ in 0..dead {
        sleepers.push(listening(stage).await);
    }
    let mut readers = Vec::new();
    for _ in 0..fast {
        let socket = listening(stage).await;
        let received = Arc::clone(&received);
        readers.push(tokio::spawn(read(socket, began, total, received)));
    }
    let before = resident_mib();
    let per_tick = rate.div_ceil(200);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let publishing = Instant::now();
    let mut told = 0;
    while told < total {
        ticks.tick().await;
        for _ in 0..per_tick.min(total - told) {
            stage.host.events().publish(numbered(nanoseconds(began)));
            told += 1;
        }
    }
    let published = publishing.elapsed();
    let mut delays = Vec::new();
    for reader in readers {
        delays.extend(reader.await.expect("a reader"));
    }
    delays.sort_unstable();
    let at =
        |share: f64| Duration::from_nanos(delays[((delays.len() - 1) as f64 * share) as usize]);
    println!(
        "{fast} listeners beside {dead} that do not read, {:.0} events a second: {} of {} delivered, half within {:?}, 99 of 100 within {:?}, {:.0} deliveries a second, {} MiB more",
        told as f64 / published.as_secs_f64(),
        received.load(Ordering::Relaxed),
        told * fast,
        at(0.5),
        at(0.99),
        received.load(Ordering::Relaxed) as f64 / publishing.elapsed().as_secs_f64(),
        resident_mib().saturating_sub(before),
    );
}

/// Reads `total` events; returns how long each was under way, in nanoseconds.
async fn read(
    mut socket: Socket,
    began: Instant,
    total: usize,
    received: Arc<AtomicUsize>,
) -> Vec<u64> {
    let mut delays = Vec::with_capacity(total);
    let mut missed = 0;
    while delays.len() + missed < total {
        let message = socket.next().await.expect("a message").expect("a frame");
        let Message::Text(text) = message else {
            continue;
        };
        if let Some((_, rest)) = text.split_once("\"missed\":") {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
            missed += digits
                .and_then(|it| it.parse::<usize>().ok())
                .expect("a number");
            continue;
        }
        let Some((_, rest)) = text.split_once("\"error\":\"") else {
            continue;
        };
        let sent: u64 = rest
            .split('"')
            .next()
            .and_then(|it| it.parse().ok())
            .expect("a time");
        delays.push(nanoseconds(began).saturating_sub(sent));
        received.fetch_add(1, Ordering::Relaxed);
    }
    delays
}

/// From the greeting on it listens.
async fn listening(stage: &Stage) -> Socket {
    let mut socket = stage.connect("/events").await;
    socket.next().await.expect("a greeting").expect("a frame");
    socket
}

fn numbered(number: u64) -> SystemError {
    SystemError {
        error: number.to_string(),
        component: "measurement".to_owned(),
        severity: ErrorSeverity::Warning,
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn resident_mib() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident: u64 = pages
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    resident * 4096 / (1 << 20)
}
