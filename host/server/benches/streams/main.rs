//! How fast events reach those who listen, beside those who do not read, and what
//! whoever types feels of it.
//!
//! A host of its own, its stream on a free port, clients that read frames as fast as
//! they come. These are a process of their own ([`listeners`]), so that what the host
//! takes of the machine and what they take can be told apart. The two last loads are
//! those of the requirements: a thousand listeners, ten thousand events a second, a
//! minute; once each of them wants everything, once each wants one type of ten.
//! `STREAMS_SECONDS` says how long each lasts.

use std::time::{Duration, Instant};

use quarterdeck_core::Host;

use listeners::{Heard, Listeners};
use load::{Load, Wanted};
use support::Stage;
use support::typing::Typing;

mod listeners;
mod load;
#[path = "../../tests/support/mod.rs"]
mod support;

/// Typing is timed so often.
const TYPED: usize = 200;

const LOADS: [Load; 5] = [
    Load::new(1, 0, Wanted::Everything, 1_000, 3),
    Load::new(100, 0, Wanted::Everything, 1_000, 3),
    Load::new(100, 100, Wanted::Everything, 1_000, 3),
    Load::new(1_000, 50, Wanted::Everything, 10_000, 60),
    Load::new(1_000, 50, Wanted::OneTypeOfTen, 10_000, 60),
];

fn main() {
    if let Some(wish) = listeners::wished_for() {
        return listeners::listen(&wish);
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let stage = Stage::set().await;
        publishing(&stage.host);
        let mut typing = Typing::begin(&stage.host).await;
        let calm = typing.median(TYPED).await;
        println!("typing to sight, nobody listens: half within {calm:?}");
        for load in LOADS {
            let load = load.as_wished();
            let (outcome, busy) = under(&stage, &load, &mut typing).await;
            outcome.print(&load);
            println!(
                "  typing to sight meanwhile: half within {busy:?}, {:.1} times as long",
                busy.as_secs_f64() / calm.as_secs_f64()
            );
        }
        stage.clear().await;
    });
}

/// What it costs whoever tells of something, with nobody listening.
fn publishing(host: &Host) {
    const TIMES: usize = 10_000;
    let began = Instant::now();
    for number in 0..TIMES {
        host.events().publish(load::event(number));
    }
    println!("publishing an event: {:?}", began.elapsed() / TIMES as u32);
}

/// What came of a load.
struct Outcome {
    heard: Heard,
    /// How long the events took to be told.
    publishing: Duration,
    /// How long it took until the last of them had come.
    arriving: Duration,
    /// Processor time.
    host: Duration,
    listeners: Duration,
    more_mib: u64,
}

/// The outcome, and how long typing took meanwhile.
async fn under(stage: &Stage, load: &Load, typing: &mut Typing) -> (Outcome, Duration) {
    let mut listeners = Listeners::start(stage.address, load);
    let clients = listeners.id().to_string();
    let before = resident_mib();
    let (host, others) = (processor_time("self"), processor_time(&clients));
    let began = Instant::now();
    let publishing = async {
        let most = load.publish(&stage.host, resident_mib).await;
        (most, began.elapsed())
    };
    let ((most, publishing), busy) = tokio::join!(publishing, typing.median(TYPED));
    // On a thread that may wait.
    let heard = tokio::task::block_in_place(|| {
        listeners.read_up_to(stage.host.events().last());
        load::finish(&stage.host);
        listeners.heard()
    });
    let outcome = Outcome {
        publishing,
        arriving: began.elapsed(),
        host: processor_time("self") - host,
        listeners: processor_time(&clients) - others,
        more_mib: most.saturating_sub(before),
        heard,
    };
    (outcome, busy)
}

impl Outcome {
    fn print(&self, load: &Load) {
        let deliveries = load.deliveries();
        println!(
            "{load}, {:.0} events a second for {:.0} s",
            load.events() as f64 / self.publishing.as_secs_f64(),
            self.publishing.as_secs_f64(),
        );
        println!(
            "  {} of {deliveries} did not come ({} numbers told to be missed); half within {:?}, 99 of 100 within {:?}; {:.0} deliveries a second",
            deliveries.saturating_sub(self.heard.told),
            self.heard.missed,
            self.heard.half_within,
            self.heard.most_within,
            self.heard.told as f64 / self.arriving.as_secs_f64(),
        );
        let cores = |time: Duration| time.as_secs_f64() / self.arriving.as_secs_f64();
        println!(
            "  of the processor: host {:.2} cores, listeners {:.2}; at most {} MiB more",
            cores(self.host),
            cores(self.listeners),
            self.more_mib,
        );
    }
}

/// What a process (`self`, or its number) has had of the processor (Linux).
fn processor_time(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before may hold blanks. proc(5): utime and stime are the 14th and 15th.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
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
