//! One guest call: in a store with its limits, and ended at its deadline.
//!
//! As a rule a store is used once, and always thrown away after a call that
//! failed or was given up: whatever such a call leaves behind dies with it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::SemaphorePermit;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    PoolConcurrencyLimitError, ResourceLimiter, Store, StoreContextMut, UpdateDeadline,
};
use wasmtime_wasi::{WasiCtxView, WasiView};

use crate::calling::call_clock::CallClock;
use crate::calling::call_terms::CallTerms;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::interface::bindings::host;
use crate::interface::wasi::GrantedWasi;

/// How much a guest may hand to the host in one call, in bytes once lifted,
/// unless its kind needs more.
const ANSWER_BYTES: usize = 64 << 10;
/// How many tables' elements a guest may have.
const TABLE_ELEMENTS: usize = 100_000;

/// What the host keeps for one guest.
pub(crate) struct Guest {
    pub(crate) terms: Arc<CallTerms>,
    /// Bytes of linear memory taken so far, over all memories.
    memory: u64,
    /// The time of the call under way.
    clock: Arc<CallClock>,
    /// When it was looked at last while it computed.
    looked_at: Instant,
    /// Lines that it wrote to the log in the call under way.
    pub(crate) lines_logged: u32,
    wasi: Option<Box<GrantedWasi>>,
}

impl Guest {
    fn new(terms: &Arc<CallTerms>) -> Self {
        Guest {
            terms: Arc::clone(terms),
            memory: 0,
            clock: Arc::default(),
            looked_at: Instant::now(),
            lines_logged: 0,
            wasi: None,
        }
    }

    /// A call begins, with all of its time before it.
    fn begin(&mut self) {
        self.clock.begin(self.terms.limits.deadline);
        self.looked_at = Instant::now();
        self.lines_logged = 0;
    }
}

impl PolicyEngine {
    /// Runs `call` in a fresh store. It has the deadline of `terms` for
    /// everything that it does there, and is ended wherever it is then.
    pub(crate) async fn run<T>(
        &self,
        terms: &Arc<CallTerms>,
        call: impl AsyncFnOnce(&mut Store<Guest>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let _slot = self.slot(terms).await?;
        let mut store = self.store(terms);
        self.resume(&mut store, call).await
    }

    /// Room to run in. Waiting for it takes as long as a call at most.
    pub(crate) async fn slot(&self, terms: &CallTerms) -> Result<SemaphorePermit<'_>, Fault> {
        let slots = self.slots(terms);
        match slots.try_acquire() {
            Ok(slot) => Ok(slot),
            Err(_) => tokio::time::timeout(terms.limits.deadline, slots.acquire())
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(Fault::Busy),
        }
    }

    /// Runs `call` in a store that is there already, with the same deadline.
    pub(crate) async fn resume<T>(
        &self,
        store: &mut Store<Guest>,
        call: impl AsyncFnOnce(&mut Store<Guest>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let _ticking = self.ticker().tick();
        store.data_mut().begin();
        store.set_epoch_deadline(1);
        let deadline = store.data().terms.limits.deadline;
        let clock = Arc::clone(&store.data().clock);
        clock
            .watch(call(store))
            .await
            .unwrap_or(Err(Fault::Deadline(deadline)))
            .map_err(|fault| fault.with_limit(store.hostcall_fuel()))
    }

    /// A fresh store; nothing ends what runs in it unless the clock ticks.
    pub(crate) fn store(&self, terms: &Arc<CallTerms>) -> Store<Guest> {
        let mut store = Store::new(self.engine(), Guest::new(terms));
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(ANSWER_BYTES);
        store.epoch_deadline_callback(on_tick);
        store
    }
}

fn on_tick(mut store: StoreContextMut<'_, Guest>) -> wasmtime::Result<UpdateDeadline> {
    let guest = store.data_mut();
    let now = Instant::now();
    let elapsed = now.duration_since(guest.looked_at);
    guest.looked_at = now;
    if !guest.clock.computed(elapsed) {
        return Err(Fault::Deadline(guest.terms.limits.deadline).into());
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
        if grown > self.terms.limits.memory_bytes {
            // An error instead of a failed `memory.grow`, which guests tend to
            // answer with an unexplained trap.
            return Err(Fault::Memory {
                limit: self.terms.limits.memory_bytes,
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
        self.wasi
            .get_or_insert_with(|| Box::new(GrantedWasi::new(&self.terms.grants)))
            .view()
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
    /// The host's own functions, with or without WASI. Who may import what is
    /// settled before.
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
        host::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        if wasi {
            GrantedWasi::add_to(&mut linker)?;
        }
        Ok(kept.get_or_init(|| linker))
    }
}
