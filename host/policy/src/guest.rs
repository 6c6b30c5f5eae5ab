//! One guest call: a fresh store with its limits, thrown away afterwards.
//!
//! A store is never used twice: whatever a call leaves behind, an error or an
//! unfinished future included, dies with it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use wasmtime::component::Linker;
use wasmtime::{
    PoolConcurrencyLimitError, ResourceLimiter, Store, StoreContextMut, UpdateDeadline,
};
use wasmtime_wasi::{WasiCtxView, WasiView};

use crate::Limits;
use crate::engine::PolicyEngine;
use crate::fault::Fault;
use crate::wasi::EmptyWasi;

/// How much a guest may hand to the host in one call, in bytes once lifted.
const ANSWER_BYTES: usize = 64 << 10;
/// How many tables' elements a guest may have.
const TABLE_ELEMENTS: usize = 100_000;

/// What the host keeps for one running guest.
pub(crate) struct Guest {
    limits: Limits,
    /// Bytes of linear memory taken so far, over all memories.
    memory: u64,
    ends: Instant,
    wasi: Option<Box<EmptyWasi>>,
}

impl Guest {
    fn new(limits: Limits) -> Self {
        Guest {
            limits,
            memory: 0,
            ends: Instant::now() + limits.deadline,
            wasi: None,
        }
    }
}

impl PolicyEngine {
    /// Runs `call` in a fresh store. It has `limits.deadline` for everything
    /// that it does there, and is ended wherever it is then.
    pub(crate) async fn run<T>(
        &self,
        limits: Limits,
        call: impl AsyncFnOnce(&mut Store<Guest>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let _slot = match self.slots().try_acquire() {
            Ok(slot) => slot,
            Err(_) => tokio::time::timeout(limits.deadline, self.slots().acquire())
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(Fault::Busy)?,
        };
        let _ticking = self.ticker().tick();
        let mut store = self.store(limits);
        // The epoch ends a guest that computes; the timer ends one that waits
        // in a function of WASI.
        tokio::time::timeout(limits.deadline + GRACE, call(&mut store))
            .await
            .unwrap_or(Err(Fault::Deadline(limits.deadline)))
    }

    /// A fresh store; nothing ends what runs in it unless the clock ticks.
    pub(crate) fn store(&self, limits: Limits) -> Store<Guest> {
        let mut store = Store::new(self.engine(), Guest::new(limits));
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(ANSWER_BYTES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(on_tick);
        store
    }
}

/// How much later than the epoch the timer fires.
const GRACE: Duration = Duration::from_millis(2);

fn on_tick(store: StoreContextMut<'_, Guest>) -> wasmtime::Result<UpdateDeadline> {
    let guest = store.data();
    if Instant::now() >= guest.ends {
        return Err(Fault::Deadline(guest.limits.deadline).into());
    }
    Ok(UpdateDeadline::Yield(1))
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self
            .memory
            .saturating_add(desired.saturating_sub(current) as u64);
        if grown > self.limits.memory_bytes {
            // An error instead of a failed `memory.grow`, which guests tend to
            // answer with an unexplained trap.
            return Err(Fault::Memory {
                limit: self.limits.memory_bytes,
            }
            .into());
        }
        self.memory = grown;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.get_or_insert_default().view()
    }
}

impl Fault {
    /// Reads off an error of an instantiation what went wrong.
    pub(crate) fn of_start(error: &wasmtime::Error) -> Fault {
        if error.is::<PoolConcurrencyLimitError>() {
            return Fault::Busy;
        }
        match Fault::of_call(error) {
            Fault::Garbage(detail) => Fault::Start(detail),
            fault => fault,
        }
    }
}

/// The two sets of imports that guests are linked with.
#[derive(Default)]
pub(crate) struct Linkers {
    without_wasi: OnceLock<Linker<Guest>>,
    with_wasi: OnceLock<Linker<Guest>>,
}

impl Linkers {
    /// Nothing, or WASI with nothing behind it.
    pub(crate) fn linker(
        &self,
        engine: &PolicyEngine,
        wasi: bool,
    ) -> wasmtime::Result<&Linker<Guest>> {
        let kept = if wasi {
            &self.with_wasi
        } else {
            &self.without_wasi
        };
        if let Some(linker) = kept.get() {
            return Ok(linker);
        }
        let mut linker = Linker::new(engine.engine());
        if wasi {
            EmptyWasi::add_to(&mut linker)?;
        }
        Ok(kept.get_or_init(|| linker))
    }
}
