//! The versions of the WIT package that this host speaks.
//!
//! A version is frozen once released: not a byte of its WIT changes, because a
//! component built against it has to run for as long as the host speaks it.
//! (Measured: an added record field or enum case breaks every component, a new
//! function breaks every host.) What a policy needs to know beyond it travels in
//! `attributes`; what that cannot carry is a new version, which lives beside the
//! old one:
//!
//! 1. The released WIT moves to a folder of its own, and the new one begins as a
//!    copy of it.
//! 2. `bindings` gets the bindings of the new worlds, next to those of the old.
//! 3. Here, [`WitVersion`] gets a case, for the kinds that changed.
//! 4. The façade of each such kind (`facade` of its folder in `kinds`) gets a case that says the
//!    same request in the new words, and its answer in the host's.
//!
//! Nothing else knows of versions: callers, checks, limits and swaps deal in the
//! host's own types. A version is settled once, when a component is loaded.
//! Which of them a component was built for is in its status.
//!
//! The tests hold a second, tiny version of the world `approver` against this.

use crate::PolicyKind;

/// A version of the package `quarterdeck:policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WitVersion {
    /// 0.1.0, and whatever patch release of it.
    V0_1,
    /// A version of the world `approver` that was never released.
    #[cfg(test)]
    V0_2,
}

impl WitVersion {
    /// The version that `text` names, if the host speaks it for policies of
    /// `kind` (or for what all kinds share, where there is none).
    pub(crate) fn spoken(kind: Option<PolicyKind>, text: &str) -> Option<Self> {
        if text.starts_with("0.1.") {
            return Some(WitVersion::V0_1);
        }
        #[cfg(test)]
        if text.starts_with("0.2.") && matches!(kind, None | Some(PolicyKind::Approver)) {
            return Some(WitVersion::V0_2);
        }
        // Version 0.1 is spoken for all kinds alike.
        let _ = kind;
        None
    }

    /// The name of the interface that every policy of this version exports.
    pub(crate) fn configuration(self) -> &'static str {
        match self {
            WitVersion::V0_1 => "quarterdeck:policy/configuration@0.1.0",
            #[cfg(test)]
            WitVersion::V0_2 => "quarterdeck:policy/configuration@0.2.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
    use wit_parser::Resolve;

    use crate::{PolicyAnswer, PolicyKind, PolicyRequest, Tier, Verdict, Workbench};

    /// An approver of version 0.2.0 that answers the tier of this number, and
    /// because of what it was configured with.
    fn approver_of_0_2(tier: u8) -> Vec<u8> {
        let wat = format!(
            r#"(module
            (memory (export "memory") 1)
            (global $free (mut i32) (i32.const 4096))
            (global $config (mut i64) (i64.const 0))
            (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get $size))))
            (func (export "quarterdeck:policy/configuration@0.2.0#configure")
                (param $at i32) (param $length i32) (result i32)
                (i32.store (i32.const 1028) (local.get $at))
                (i32.store (i32.const 1032) (local.get $length))
                (i32.const 512))
            (func (export "quarterdeck:policy/approve@0.2.0#review")
                (param $command i32) (param $length i32) (param $agent i32) (result i32)
                (if (local.get $agent) (then (unreachable)))
                (if (i32.eqz (local.get $length)) (then (unreachable)))
                (i32.store8 (i32.const 1024) (i32.const {tier}))
                (i32.const 1024)))"#
        );
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wit-0.2.0");
        let (package, _) = resolve.push_dir(wit).unwrap();
        let world = resolve.select_world(&[package], Some("approver")).unwrap();
        let mut module = wat::parse_str(wat).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .unwrap();
        ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .unwrap()
            .encode()
            .unwrap()
    }

    async fn verdict(workbench: &Workbench, wasm: Vec<u8>) -> (String, Verdict) {
        let sidecar = b"[config]\nrule = 7";
        let policy = workbench
            .open_bytes("rules", wasm, Some(sidecar))
            .await
            .unwrap();
        let request = PolicyRequest::harmless(PolicyKind::Approver);
        match policy.ask(&request).await {
            Ok(PolicyAnswer::Verdict(verdict)) => (policy.facts().wit_version.clone(), verdict),
            answer => panic!("{answer:?}"),
        }
    }

    #[tokio::test]
    async fn a_second_version_of_a_world_lives_beside_the_first() {
        let workbench = Workbench::new(None).unwrap();
        for (number, tier) in [
            (0, Tier::Safe),
            (1, Tier::Review),
            (2, Tier::Dangerous),
            (3, Tier::Dangerous),
        ] {
            let (version, verdict) = verdict(&workbench, approver_of_0_2(number)).await;
            assert_eq!((&*version, verdict.tier), ("0.2.0", tier));
            assert_eq!(verdict.reason, r#"{"rule":7}"#);
        }
        let old = include_bytes!("../../../../plugins/dist/safety-tiers.wasm").to_vec();
        let opened = workbench.open_bytes("old", old, None).await.unwrap();
        assert_eq!(opened.facts().wit_version, "0.1.0");
    }
}
