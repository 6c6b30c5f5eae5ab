//! How fast events reach those who listen, beside those who do not read, and what
//! whoever types feels of it.
//!
//! A host of its own, its stream on a free port, clients that read frames as fast as
//! they come. The last load is that of the requirements: a thousand listeners, ten
//! thousand events a second, a minute. The clients run in this process and take their
//! part of the machine. `STREAMS_SECONDS` shortens it.

use std::time::{Duration, Instant};

use quarterdeck_core::Host;
use quarterdeck_core::events::{ErrorSeverity, SystemError};

use support::Stage;
use support::counter::{Counter, Tally};
use support::typing::Typing;

#[path = "../tests/support/mod.rs"]
mod support;

/// Listeners, those among them that never read, events a second, and seconds.
const LOADS: [(usize, usize, usize, u64); 4] = [
    (1, 0, 1_000, 3),
    (100, 0, 1_000, 3),
    (100, 100, 1_000, 3),
    (1_000, 50, 10_000, 60),
];

/// Of so many events one is timed by each listener.
const TIMED: u64 = 64;

/// Typing is timed so often.
const TYPED: usize = 200;

/// The clients' own threads, apart from the host's.
const CLIENT_THREADS: usize = 2;

fn main() {
    let host = tokio::runtime::Runtime::new().expect("a runtime");
    let clients = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CLIENT_THREADS)
        .enable_all()
        .build()
        .expect("a runtime");
    host.block_on(async {
        let stage = Stage::set().await;
        publishing(&stage.host);
        let mut typing = Typing::begin(&stage.host).await;
        let calm = typing.median(TYPED).await;
        println!("typing to sight, nobody listens: half within {calm:?}");
        for (fast, dead, rate, seconds) in LOADS {
            let seconds = std::env::var("STREAMS_SECONDS")
                .ok()
                .and_then(|it| it.parse().ok())
                .unwrap_or(seconds);
            let fan_out = fan_out(&stage, &clients, (fast, dead), rate, seconds);
            let busy = async {
                // After the listeners have come.
                tokio::time::sleep(Duration::from_millis(500)).await;
                typing.median(TYPED).await
            };
            let ((), busy) = tokio::join!(fan_out, busy);
            println!(
                "  typing to sight meanwhile: half within {busy:?}, {:.1} times as long",
                busy.as_secs_f64() / calm.as_secs_f64()
            );
        }
        stage.clear().await;
    });
    clients.shutdown_background();
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

async fn fan_out(
    stage: &Stage,
    clients: &tokio::runtime::Runtime,
    (fast, dead): (usize, usize),
    rate: usize,
    seconds: u64,
) {
    let began = Instant::now();
    let total = rate * seconds as usize;
    let address = stage.address;
    let connected = clients.spawn(async move {
        let mut sleepers = Vec::new();
        for _ in 0..dead {
            sleepers.push(Counter::connect(address).await);
        }
        let mut readers = Vec::new();
        for _ in 0..fast {
            readers.push(Counter::connect(address).await);
        }
        (sleepers, readers)
    });
    let (sleepers, listeners) = connected.await.expect("listeners");
    let before = resident_mib();
    let until = stage.host.events().last() + total as u64;
    let readers: Vec<_> = listeners
        .into_iter()
        .map(|listener| clients.spawn(read(listener, began, until)))
        .collect();
    let per_tick = rate.div_ceil(200);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let publishing = Instant::now();
    let (mut told, mut most) = (0, before);
    while told < total {
        ticks.tick().await;
        for _ in 0..per_tick.min(total - told) {
            stage.host.events().publish(numbered(nanoseconds(began)));
            told += 1;
        }
        if told % rate == 0 {
            most = most.max(resident_mib());
        }
    }
    let published = publishing.elapsed();
    let (mut delays, mut received, mut missed) = (Vec::new(), 0, 0);
    for reader in readers {
        let (tally, timed) = reader.await.expect("a reader");
        delays.extend(timed);
        received += tally.told;
        missed += tally.missed;
    }
    drop(sleepers);
    delays.sort_unstable();
    let at =
        |share: f64| Duration::from_nanos(delays[((delays.len() - 1) as f64 * share) as usize]);
    println!(
        "{fast} listeners beside {dead} that do not read, {:.0} events a second for {seconds} s: {missed} missed, half within {:?}, 99 of 100 within {:?}, {:.0} deliveries a second, at most {} MiB more",
        told as f64 / published.as_secs_f64(),
        at(0.5),
        at(0.99),
        received as f64 / publishing.elapsed().as_secs_f64(),
        most.saturating_sub(before),
    );
}

/// Reads up to event `until`; also says how long some were under way, in nanoseconds.
async fn read(mut listener: Counter, began: Instant, until: u64) -> (Tally, Vec<u64>) {
    let mut delays = Vec::new();
    let mut seen = 0_u64;
    let tally = listener
        .until(until, |text| {
            seen += 1;
            if seen.is_multiple_of(TIMED)
                && let Some(sent) = time_in(text)
            {
                delays.push(nanoseconds(began).saturating_sub(sent));
            }
        })
        .await;
    (tally, delays)
}

/// When the event was published, which is what its error says.
fn time_in(text: &[u8]) -> Option<u64> {
    let (_, rest) = std::str::from_utf8(text).ok()?.split_once("\"error\":\"")?;
    rest.split('"').next()?.parse().ok()
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
