//! The clock that ends runaway calls: a thread that counts the engine's epoch
//! up once a millisecond, but only while a policy runs, so that an idle host
//! sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// How often a running policy is interrupted, so that its neighbours on the
/// same thread get their turn and its deadline is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// How long the clock goes on after the last call: waking it costs more than a
/// call does.
const LINGER: Duration = Duration::from_millis(200);

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Calls under way.
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// Keeps the clock running while it is held.
pub(crate) struct Ticking<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new()
            .name(String::from("policy-clock"))
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.tick(&engine)
            })?;
        Ok(Ticker {
            shared,
            thread: Some(thread),
        })
    }

    /// Has the clock run until the returned guard is dropped.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        // Either this sees that the clock sleeps, or the clock, which looks at
        // `running` after it has said so, sees this call.
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        Ticking(&self.shared)
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.as_ref().map(JoinHandle::thread) {
            Thread::unpark(thread);
        }
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // The thread cannot panic, and there would be nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn tick(&self, engine: &Engine) {
        let mut last_call = Instant::now();
        while !self.stopped.load(Ordering::SeqCst) {
            if self.running.load(Ordering::SeqCst) > 0 {
                last_call = Instant::now();
            } else if last_call.elapsed() > LINGER {
                self.sleep();
                last_call = Instant::now();
                continue;
            }
            thread::sleep(TICK);
            engine.increment_epoch();
        }
    }

    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}
