//! The bindings of the four worlds, and what they have in common.
//!
//! The types that several worlds use are generated once, with the approver's,
//! so that a session is lowered by the same code for every kind.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::PolicyKind;
use crate::calling::guest::Guest;

pub(crate) mod approver {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "approver",
        exports: { default: async },
        // Requests are lent to the guest's bindings, not copied.
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(crate) mod distributor {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "distributor",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: false },
        with: { "quarterdeck:policy/types": crate::interface::bindings::approver::quarterdeck::policy::types },
    });
}

pub(crate) mod progress_parser {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "progress-parser",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: false },
        with: {
            "quarterdeck:policy/types": crate::interface::bindings::approver::quarterdeck::policy::types,
            "quarterdeck:policy/host": crate::interface::bindings::distributor::quarterdeck::policy::host,
        },
    });
}

pub(crate) mod recovery {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "recovery",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: false },
        with: {
            "quarterdeck:policy/types": crate::interface::bindings::approver::quarterdeck::policy::types,
            "quarterdeck:policy/host": crate::interface::bindings::distributor::quarterdeck::policy::host,
        },
    });
}

/// A second version of the first world: see [`crate::interface::version`].
#[cfg(test)]
pub(crate) mod approver_0_2 {
    wasmtime::component::bindgen!({
        path: "tests/wit-0.2.0",
        world: "approver",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(crate) use approver::quarterdeck::policy::types;
pub(crate) use distributor::quarterdeck::policy::host;

/// One world: where its exports are in a component, and the exports of an
/// instance.
pub(crate) trait World: Sized + Send + Sync + 'static {
    const KIND: PolicyKind;
    /// The exports of one instance, ready to be called.
    type Exports: Send + Sync + 'static;

    /// Finds the exports of a linked component.
    fn find(component: &InstancePre<Guest>) -> wasmtime::Result<Self>;

    /// Takes the exports of an instance, comparing their types with the world's.
    fn load(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Self::Exports>;
}

macro_rules! world {
    ($indices:ty, $exports:ty, $kind:expr) => {
        impl World for $indices {
            const KIND: PolicyKind = $kind;
            type Exports = $exports;

            fn find(component: &InstancePre<Guest>) -> wasmtime::Result<Self> {
                Self::new(component)
            }

            fn load(
                &self,
                store: &mut Store<Guest>,
                instance: &Instance,
            ) -> wasmtime::Result<Self::Exports> {
                <$indices>::load(self, store, instance)
            }
        }
    };
}

world!(
    approver::ApproverIndices,
    approver::Approver,
    PolicyKind::Approver
);
#[cfg(test)]
world!(
    approver_0_2::ApproverIndices,
    approver_0_2::Approver,
    PolicyKind::Approver
);
world!(
    distributor::DistributorIndices,
    distributor::Distributor,
    PolicyKind::Distributor
);
world!(
    progress_parser::ProgressParserIndices,
    progress_parser::ProgressParser,
    PolicyKind::ProgressParser
);
world!(
    recovery::RecoveryIndices,
    recovery::Recovery,
    PolicyKind::Recovery
);
