//! A component rewritten so that its instances are born configured: the memory
//! and globals that `configure` left behind become its initial ones.

use std::sync::Arc;

use wasmtime::component::{Component, Instance, Lift, WasmList};
use wasmtime::{Store, error::format_err};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::Limits;
use crate::calling::call_terms::CallTerms;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::{Fault, one_line};
use crate::calling::guest::{Guest, Linkers};
use crate::interface::configure::ConfigureError;
use crate::loading::inspect::Inspection;
use crate::loading::prepared::Prepared;

/// How many bytes of state may be read out of an instance at once: all of its
/// memory.
const STATE_BYTES: usize = Limits::MAX_MEMORY_BYTES as usize + (1 << 20);

/// Runs `configure` on an instance of `wasm` and returns the component that
/// starts where it ended.
///
/// Fails for components that the rewriting does not support (those that change
/// their tables, for example); they are configured instance by instance then.
pub(crate) async fn configured(
    engine: &PolicyEngine,
    linkers: &Linkers,
    terms: &Arc<CallTerms>,
    inspection: &Inspection,
    wasm: &[u8],
    config: &Arc<str>,
) -> wasmtime::Result<Vec<u8>> {
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(wasm)?;
    let component = Component::new(engine.engine(), &instrumented)?;
    let prepared = Prepared::link(engine, linkers, &component, inspection, None)?;
    let mut snapshot = Err(format_err!("no snapshot was taken"));
    engine
        .run(terms, async |store| {
            let instance = prepared.bare(store).await?;
            prepared
                .configure(store, &instance, config)
                .await
                .map_err(|error| match error {
                    ConfigureError::Refused(text) => Fault::Garbage(text),
                    ConfigureError::Fault(fault) => fault,
                })?;
            store.set_hostcall_fuel(STATE_BYTES);
            let mut state = State {
                store,
                instance,
                failure: None,
            };
            snapshot = wizer.snapshot_component(&context, &mut state).await;
            match state.failure {
                Some(error) => Err(Fault::Garbage(one_line(&error))),
                None => Ok(()),
            }
        })
        .await?;
    snapshot
}

/// Reads the state of an instance through the functions that the rewriting put
/// into the component. The trait has no way to fail, so a failure is kept and
/// makes the snapshot void.
struct State<'a> {
    store: &'a mut Store<Guest>,
    instance: Instance,
    failure: Option<wasmtime::Error>,
}

impl State<'_> {
    async fn read<R: Lift + Send + Sync + 'static>(
        &mut self,
        interface: &str,
        function: &str,
    ) -> Option<R> {
        let result = self.try_read(interface, function).await;
        result.map_err(|error| self.failure = Some(error)).ok()
    }

    async fn try_read<R: Lift + Send + Sync + 'static>(
        &mut self,
        interface: &str,
        function: &str,
    ) -> wasmtime::Result<R> {
        let index = self
            .instance
            .get_export_index(&mut *self.store, None, interface)
            .and_then(|interface| {
                self.instance
                    .get_export_index(&mut *self.store, Some(&interface), function)
            })
            .ok_or_else(|| format_err!("the rewritten component lacks {interface}#{function}"))?;
        let function = self
            .instance
            .get_typed_func::<(), (R,)>(&mut *self.store, index)?;
        Ok(function.call_async(&mut *self.store, ()).await?.0)
    }
}

impl ComponentInstanceState for State<'_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        match self.read::<WasmList<u8>>(instance, func).await {
            Some(bytes) => contents(bytes.as_le_slice(&*self.store)),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.read(instance, func).await.unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.read(instance, func).await.unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.read::<f32>(instance, func)
            .await
            .map_or(0, f32::to_bits)
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.read::<f64>(instance, func)
            .await
            .map_or(0, f64::to_bits)
    }
}
