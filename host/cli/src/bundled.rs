//! The policies that travel inside the program, so that installing it needs no
//! WebAssembly toolchain.

use quarterdeck_core::policy::{BundledPolicy, PolicyKind};

/// A component of `plugins/dist` by its name.
macro_rules! bundled {
    ($kind:ident: $($name:literal),+) => {
        [$(BundledPolicy {
            name: $name,
            kind: PolicyKind::$kind,
            wasm: include_bytes!(concat!("../../../plugins/dist/", $name, ".wasm")),
        }),+]
    };
}

/// Every bundled policy, as `plugins/dist` holds them.
pub(crate) fn policies() -> Vec<BundledPolicy> {
    let approvers = bundled!(Approver: "safety-tiers");
    let distributors =
        bundled!(Distributor: "round-robin", "load-balanced", "priority", "dependency");
    let progress_parsers = bundled!(ProgressParser:
        "generic", "cargo", "npm", "pytest", "make-ninja", "docker", "downloads");
    let recoveries = bundled!(Recovery: "restart", "reset", "failover", "graceful");
    [
        &approvers[..],
        &distributors,
        &progress_parsers,
        &recoveries,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_component_that_is_kept_travels_along() {
        let kept: BTreeSet<String> = std::fs::read_dir("../../plugins/dist")
            .expect("plugins/dist")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|it| it == "wasm"))
            .map(|path| {
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        let bundled: BTreeSet<String> = policies().iter().map(|it| it.name.to_owned()).collect();
        assert_eq!(bundled, kept);
    }
}
