//! The policies that travel inside the program, so that installing it needs no
//! WebAssembly toolchain.

use quarterdeck_core::policy::BundledPolicy;

/// Every bundled policy, as `plugins/dist` holds them.
pub fn policies() -> Vec<BundledPolicy> {
    vec![BundledPolicy {
        name: "safety-tiers",
        wasm: include_bytes!("../../../plugins/dist/safety-tiers.wasm"),
    }]
}
