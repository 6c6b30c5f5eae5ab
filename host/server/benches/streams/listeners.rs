//! The listeners, as a process of their own: this program, started again with a wish.
//!
//! It says that all are connected, is told up to which event they read, says that they
//! know, and then what they have heard.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::load::{self, Load, TYPES, Wanted};
use super::support::counter::{Counter, Tally};

/// Of so many events one is timed by each listener.
const TIMED: u64 = 64;

/// The clients' threads.
const THREADS: usize = 2;

/// What the process is given in place of arguments.
const WISH: &str = "STREAMS_LISTENERS";

#[derive(Serialize, Deserialize)]
pub(crate) struct Wish {
    address: SocketAddr,
    load: Load,
}

/// What all of them have heard.
#[derive(Serialize, Deserialize)]
pub(crate) struct Heard {
    /// Events that came.
    pub(crate) told: u64,
    /// Numbers that the host said were left out.
    pub(crate) missed: u64,
    /// How long half of the events, and 99 of 100, were under way.
    pub(crate) half_within: Duration,
    pub(crate) most_within: Duration,
}

/// The listeners' process, seen by the host's.
pub(crate) struct Listeners {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Listeners {
    /// Starts them and waits until all of them listen.
    pub(crate) fn start(address: SocketAddr, load: &Load) -> Self {
        let wish = Wish {
            address,
            load: *load,
        };
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .env(WISH, serde_json::to_string(&wish).expect("JSON"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("listeners");
        let mut started = Self {
            to: process.stdin.take().expect("piped"),
            from: BufReader::new(process.stdout.take().expect("piped")),
            process,
        };
        started.next::<()>();
        started
    }

    /// Their process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells them which event is the last for which they wait. Every one has to be told
    /// of one after that.
    pub(crate) fn read_up_to(&mut self, event: u64) {
        writeln!(self.to, "{event}").expect("they are there");
        self.next::<()>();
    }

    /// What they have heard when all have read so far.
    pub(crate) fn heard(&mut self) -> Heard {
        self.next()
    }

    fn next<T: for<'a> Deserialize<'a>>(&mut self) -> T {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("what they say")
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What this process is to do in place of measuring.
pub(crate) fn wished_for() -> Option<Wish> {
    let wish = std::env::var(WISH).ok()?;
    Some(serde_json::from_str(&wish).expect("a wish"))
}

/// Listens as wished, and says what was heard.
pub(crate) fn listen(wish: &Wish) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut sleepers = Vec::new();
        for _ in 0..wish.load.dead {
            sleepers.push(Counter::connect(wish.address).await);
        }
        let mut counters = Vec::new();
        for number in 0..wish.load.listeners {
            let mut counter = Counter::connect(wish.address).await;
            if let Wanted::OneTypeOfTen = wish.load.wanted {
                counter.subscribe(TYPES[number % TYPES.len()]).await;
            }
            counters.push(counter);
        }
        let until = Arc::new(AtomicU64::new(u64::MAX));
        let readers: Vec<_> = counters
            .into_iter()
            .map(|counter| tokio::spawn(read(counter, Arc::clone(&until))))
            .collect();
        println!("null");
        let mut last = String::new();
        std::io::stdin().read_line(&mut last).expect("a line");
        let last = last.trim().parse().expect("the number of an event");
        until.store(last, Ordering::Relaxed);
        println!("null");
        let (mut told, mut missed, mut ages) = (0, 0, Vec::new());
        for reader in readers {
            let (tally, its_ages) = reader.await.expect("a reader");
            told += tally.told;
            missed += tally.missed;
            ages.extend(its_ages);
        }
        ages.sort_unstable();
        let within = |share: f64| ages[((ages.len() - 1) as f64 * share) as usize];
        let heard = Heard {
            told,
            missed,
            half_within: within(0.5),
            most_within: within(0.99),
        };
        println!("{}", serde_json::to_string(&heard).expect("JSON"));
        // Who measures looks at this process, and ends it.
        std::future::pending().await
    })
}

/// Reads up to event `until`; also says how long some were under way.
async fn read(mut counter: Counter, until: Arc<AtomicU64>) -> (Tally, Vec<Duration>) {
    let mut ages = Vec::new();
    let mut seen = 0_u64;
    let tally = counter
        .until(
            || until.load(Ordering::Relaxed),
            |text| {
                seen += 1;
                if seen.is_multiple_of(TIMED) {
                    ages.extend(load::age(text));
                }
            },
        )
        .await;
    (tally, ages)
}
