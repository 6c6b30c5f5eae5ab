//! What wit-bindgen makes of the interfaces.
//!
//! The worlds of the package each export `configuration`, and code generated
//! four times over would clash. So what every kind exports is generated once,
//! in [`configuring`], and each kind adds its own interface; a component is
//! linked from the two. Shared interfaces are mapped, so that a `Session` is the
//! same type for every kind.

#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    dead_code,
    clippy::all,
    reason = "generated"
)]

pub mod configuring {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package quarterdeck:sdk; world configuring { export quarterdeck:policy/configuration@0.1.0; }",
        world: "quarterdeck:sdk/configuring",
        pub_export_macro: true,
        export_macro_name: "export_configuration",
    });
}

/// What a policy other than an approver may import.
pub mod importing {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package quarterdeck:sdk; world importing { import quarterdeck:policy/types@0.1.0; import quarterdeck:policy/host@0.1.0; }",
        world: "quarterdeck:sdk/importing",
        additional_derives: [PartialEq],
        generate_all,
    });
}

pub mod approver {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package quarterdeck:sdk; world approving { export quarterdeck:policy/approve@0.1.0; }",
        world: "quarterdeck:sdk/approving",
        pub_export_macro: true,
        export_macro_name: "export_approver",
        additional_derives: [PartialEq],
        with: { "quarterdeck:policy/types@0.1.0": crate::bindings::importing::quarterdeck::policy::types },
    });
}

pub mod distributor {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package quarterdeck:sdk; world distributing { export quarterdeck:policy/distribute@0.1.0; }",
        world: "quarterdeck:sdk/distributing",
        pub_export_macro: true,
        export_macro_name: "export_distributor",
        additional_derives: [PartialEq],
        with: { "quarterdeck:policy/types@0.1.0": crate::bindings::importing::quarterdeck::policy::types },
    });
}

pub mod progress_parser {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package quarterdeck:sdk; world parsing { export quarterdeck:policy/parse-progress@0.1.0; }",
        world: "quarterdeck:sdk/parsing",
        pub_export_macro: true,
        export_macro_name: "export_progress_parser",
        additional_derives: [PartialEq],
        with: { "quarterdeck:policy/types@0.1.0": crate::bindings::importing::quarterdeck::policy::types },
    });
}

pub mod recovery {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package quarterdeck:sdk; world recovering { export quarterdeck:policy/recover@0.1.0; }",
        world: "quarterdeck:sdk/recovering",
        pub_export_macro: true,
        export_macro_name: "export_recovery",
        additional_derives: [PartialEq],
        with: { "quarterdeck:policy/types@0.1.0": crate::bindings::importing::quarterdeck::policy::types },
    });
}
