//! The engine that runs every policy, and the clock that ends runaway calls.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    RegallocAlgorithm, Store, Strategy,
};

use crate::Limits;
use crate::calling::call_terms::CallTerms;
use crate::calling::known_functions::KnownFunctions;
use crate::calling::ticker::Ticker;

/// How many calls are under way at the same time at most. A call is over in
/// microseconds, so this many only pile up when policies run wild.
const MAX_CALLS: u32 = 128;
/// How many components are tried out at the same time at most. Counted apart, so that
/// a mended policy is taken over however wild the broken one runs.
pub(crate) const MAX_TRIALS: u32 = 8;
/// Stack of a guest, in bytes. Rust guests keep their data stack in linear
/// memory; this one holds return addresses and spilled registers.
const MAX_WASM_STACK: usize = 512 << 10;
/// A guest's stack and what the host puts on top when the guest calls it.
const ASYNC_STACK: usize = 1 << 20;
/// Memory that a slot of the pool keeps mapped between calls, so that a small
/// guest is reset by copying instead of by a system call. The kernel says which
/// pages were written to (Linux 6.7), so more is not slower; before that, all of
/// it is copied.
const KEEP_RESIDENT: usize = 512 << 10;

/// The engine with what it needs to be used safely. Dropping the last clone of
/// the `Arc` around it stops its clock.
pub(crate) struct PolicyEngine {
    engine: Engine,
    /// Compiles what `engine` runs; made when it is first needed.
    quick: OnceLock<Engine>,
    ticker: Ticker,
    slots: Semaphore,
    trials: Semaphore,
    places: Arc<Semaphore>,
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This machine or its limits do not allow WebAssembly to be run.
    #[error("the WebAssembly engine cannot run on this machine: {0:#}")]
    Engine(wasmtime::Error),
    /// The clock that ends runaway calls needs a thread.
    #[error("the thread that ends runaway policies cannot be started: {0}")]
    Clock(#[from] std::io::Error),
}

impl PolicyEngine {
    /// Makes an engine with a pool of instances, or without one where address
    /// space is short (a container's limit, an emulator). Up to `kept` instances
    /// are kept between calls: counted apart, so that they never take the room of a
    /// call, and each of them costs a start some microseconds.
    pub(crate) fn new(kept: u32) -> Result<Arc<Self>, EngineError> {
        let engine = probed(&config(Some(kept)))
            .or_else(|error| {
                tracing::info!("no pool of instances, policies start a little slower: {error:#}");
                probed(&config(None))
            })
            .map_err(EngineError::Engine)?;
        Ok(Arc::new(PolicyEngine {
            ticker: Ticker::start(engine.clone())?,
            engine,
            quick: OnceLock::new(),
            slots: Semaphore::new(MAX_CALLS as usize),
            trials: Semaphore::new(MAX_TRIALS as usize),
            places: Arc::new(Semaphore::new(kept as usize)),
        }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles in half the time, to code that is half as large again and somewhat
    /// slower; and what it compiled before in a half of that.
    #[allow(
        unsafe_code,
        reason = "there is no other way to load compiled code; see the SAFETY comment"
    )]
    pub(crate) fn compile_quickly(&self, wasm: &[u8]) -> wasmtime::Result<Component> {
        let quick = match self.quick.get() {
            Some(quick) => quick,
            None => {
                let mut config = config(None);
                config
                    .cranelift_opt_level(OptLevel::None)
                    .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
                    .enable_incremental_compilation(Arc::new(KnownFunctions::default()))?;
                let made = Engine::new(&config)?;
                self.quick.get_or_init(|| made)
            }
        };
        let code = quick.precompile_component(wasm)?;
        // SAFETY: the line above has compiled it, and the engine checks that the
        // settings agree in all that matters to who runs the code.
        unsafe { Component::deserialize(&self.engine, &code) }
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// Permits to hold an instance between calls.
    pub(crate) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    /// Permits to hold an instance for one call under `terms`.
    pub(crate) fn slots(&self, terms: &CallTerms) -> &Semaphore {
        match terms.trial {
            true => &self.trials,
            false => &self.slots,
        }
    }

    /// Names the compiler and its settings: code compiled under another name
    /// does not run here.
    pub(crate) fn code_format(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// An engine that has shown that it can hold an instance.
fn probed(config: &Config) -> wasmtime::Result<Engine> {
    let engine = Engine::new(config)?;
    let module = wasmtime::Module::new(&engine, EMPTY_MODULE)?;
    // No imports and no code to run: the synchronous form is enough.
    wasmtime::Instance::new(&mut Store::new(&engine, ()), &module, &[])?;
    Ok(engine)
}

/// `(module (memory 1))`.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01";

/// With a pool that has room to keep so many instances between calls, or without one.
fn config(kept: Option<u32>) -> Config {
    let mut config = Config::new();
    config
        // Winch compiles faster but knows no epochs.
        .strategy(Strategy::Cranelift)
        .epoch_interruption(true)
        // Policies need neither streams nor async functions, and small calls
        // cost three to four times as much with support for them.
        .concurrency_support(false)
        .max_wasm_stack(MAX_WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        // For debuggers and profilers; the engine finds its own way.
        .native_unwind_info(false)
        // Verdicts may not depend on the machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    config.allocation_strategy(match kept {
        Some(kept) => InstanceAllocationStrategy::Pooling(pool(MAX_CALLS + MAX_TRIALS + kept)),
        None => InstanceAllocationStrategy::OnDemand,
    });
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    // Guests made of several modules (an interpreter with its libraries) take
    // several core instances each.
    const CORE_INSTANCES_EACH: u32 = 16;
    const TABLES_EACH: u32 = 2;
    // One that is composed of two has the memories of both.
    const MEMORIES_EACH: u32 = 2;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * CORE_INSTANCES_EACH)
        .total_memories(instances * MEMORIES_EACH)
        .total_tables(instances * TABLES_EACH)
        .total_stacks(instances)
        .max_memory_size(Limits::MAX_MEMORY_BYTES as usize)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(64 << 10)
        // An interpreter's function table is larger than the default allows.
        .table_elements(100_000)
        .max_core_instances_per_component(64)
        .max_unused_warm_slots(32);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_runs_with_and_without_a_pool() {
        probed(&config(Some(1))).unwrap();
        probed(&config(None)).unwrap();
    }

    #[test]
    fn what_is_compiled_quickly_runs() {
        let engine = PolicyEngine::new(1).unwrap();
        // `(component)`.
        let empty = b"\0asm\x0d\0\x01\0";
        engine.compile_quickly(empty).unwrap();
        engine.compile_quickly(b"garbage").unwrap_err();
    }

    #[test]
    fn the_same_settings_have_the_same_code_format() {
        let format = PolicyEngine::new(1).unwrap().code_format();
        assert_eq!(format, PolicyEngine::new(2).unwrap().code_format());
        assert_eq!(format.len(), 16);
    }
}
