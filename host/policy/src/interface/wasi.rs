//! WASI 0.2 with nothing behind it but what is granted, for guests whose
//! language cannot be built without: no files, no network, no environment, no
//! arguments; output goes nowhere, the clocks stand still and the random numbers
//! are the same in every call. So a verdict, to which nothing is granted, cannot
//! depend on them.

use std::time::Duration;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{
    FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView,
};

use crate::Grants;
use crate::calling::guest::Guest;

/// How many handles (streams, pollables) a guest may hold.
const MAX_HANDLES: usize = 256;
/// How many random bytes a guest may ask for at once.
const MAX_RANDOM_BYTES: u64 = 4096;

pub(crate) struct GrantedWasi {
    context: WasiCtx,
    handles: ResourceTable,
}

impl GrantedWasi {
    pub(crate) fn new(grants: &Grants) -> Self {
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(MAX_HANDLES);
        // Without further words a context has no folders, no environment and no
        // arguments, and swallows output.
        let mut context = WasiCtxBuilder::new();
        context
            .secure_random(Deterministic::new(vec![0x51]))
            .insecure_random(Deterministic::new(vec![0x51]))
            .insecure_random_seed(0x51)
            .max_random_size(MAX_RANDOM_BYTES)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        if !grants.clock {
            context.wall_clock(Frozen).monotonic_clock(Frozen);
        }
        for name in &grants.environment {
            if let Ok(value) = std::env::var(name) {
                context.env(name, value);
            }
        }
        for folder in &grants.read {
            let seen_as = folder.to_string_lossy();
            if let Err(error) = context.preopened_dir(folder, &seen_as, FsPerms::ReadOnly) {
                // It was there when the policy was loaded.
                tracing::warn!("{seen_as} cannot be granted to a policy: {error:#}");
            }
        }
        GrantedWasi {
            context: context.build(),
            handles,
        }
    }

    pub(crate) fn add_to(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
        wasmtime_wasi::p2::add_to_linker_async(linker)
    }

    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.context,
            table: &mut self.handles,
        }
    }
}

/// A clock that stands at the beginning.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1
    }

    /// Not 0, which Go's runtime takes for a clock that is broken.
    fn now(&self) -> u64 {
        1
    }
}
