//! What the author of a policy for Quarterdeck needs: a trait for each kind of
//! policy, one macro that makes a component of a type, and typed configuration.
//!
//! A whole approver:
//!
//! ```
//! use quarterdeck_sdk::NoConfig;
//! use quarterdeck_sdk::approver::{Approver, Request, Verdict};
//!
//! struct NoPush;
//!
//! impl Approver for NoPush {
//!     type Config = NoConfig;
//!
//!     fn configure(_: NoConfig) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn review(&self, request: &Request) -> Verdict {
//!         match request.command_line.find("git push") {
//!             Some(at) => Verdict::dangerous("Nobody pushes from here.")
//!                 .with_rule("no-push")
//!                 .with_span(at..at + "git push".len()),
//!             None => Verdict::safe("Not a push."),
//!         }
//!     }
//! }
//!
//! quarterdeck_sdk::export!(approver: NoPush);
//!
//! // Policies are plain types: test them like any other.
//! let request = Request::for_test("git push origin main");
//! assert_eq!(NoPush.review(&request).rule.as_deref(), Some("no-push"));
//! ```
//!
//! With `crate-type = ["cdylib", "rlib"]`, `cargo build --release --target wasm32-wasip2` makes
//! the component, and copying it into the plugins folder of a running host puts
//! it in charge. The README has the rest.
//!
//! # Configuration
//!
//! The table `[config]` of the sidecar `<name>.toml` arrives as whatever type the
//! policy names, with errors in the words of the sidecar:
//!
//! ```
//! use quarterdeck_sdk::approver::{Approver, Request, Verdict};
//! use quarterdeck_sdk::serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! #[serde(crate = "quarterdeck_sdk::serde", deny_unknown_fields)]
//! struct Config {
//!     forbidden: Vec<String>,
//! }
//!
//! struct Words(Vec<String>);
//!
//! impl Approver for Words {
//!     type Config = Config;
//!
//!     fn configure(config: Config) -> Result<Self, String> {
//!         if config.forbidden.is_empty() {
//!             return Err("`forbidden` must name at least one word".to_owned());
//!         }
//!         Ok(Self(config.forbidden))
//!     }
//!
//!     fn review(&self, request: &Request) -> Verdict {
//!         let found = self.0.iter().find(|word| request.command_line.contains(*word));
//!         match found {
//!             Some(word) => Verdict::review(format!("`{word}` is not for everybody.")),
//!             None => Verdict::safe("Nothing forbidden."),
//!         }
//!     }
//! }
//! ```
//!
//! # What it must never do
//!
//! Decide anything, keep state between calls, or hide what the interface says:
//! the records are those of the WIT package `quarterdeck:policy`.
//!
//! # Where to start reading
//!
//! The module of your kind: [`approver`], [`distributor`], [`progress_parser`],
//! [`recovery`]. [`types`] has what they share.

pub mod approver;
#[doc(hidden)]
pub mod bindings;
mod configured;
pub mod distributor;
pub mod host;
pub mod progress_parser;
pub mod recovery;
pub mod types;

#[doc(hidden)]
pub use configured::Configured;
pub use serde;
pub use serde_json;

/// The configuration of a policy that has none: a sidecar with a `[config]` that
/// is not empty is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Makes a component of a policy: `export!(KIND: TYPE)`, once in a crate, where
/// `KIND` is `approver`, `distributor`, `progress_parser` or `recovery`, and
/// `TYPE` implements the trait of that kind.
///
/// In a native build (`cargo test`) it only checks the type.
///
/// ```
/// # use quarterdeck_sdk::{NoConfig, recovery::{Action, Decision, Incident, Recovery}};
/// struct Restart;
///
/// impl Recovery for Restart {
///     type Config = NoConfig;
///
///     fn configure(_: NoConfig) -> Result<Self, String> {
///         Ok(Self)
///     }
///
///     fn decide(&self, incident: &Incident) -> Decision {
///         if incident.attempts < incident.max_attempts {
///             Decision::new(Action::Restart, "It may have been bad luck.")
///         } else {
///             Decision::new(Action::GiveUp, "It was not.")
///         }
///     }
/// }
///
/// quarterdeck_sdk::export!(recovery: Restart);
/// ```
///
/// A type of another kind is an error where it is exported:
///
/// ```compile_fail
/// struct NotAPolicy;
/// quarterdeck_sdk::export!(approver: NotAPolicy);
/// ```
#[macro_export]
macro_rules! export {
    (approver: $policy:ty) => {
        $crate::__component!(approver, Approver, $policy, {
            impl $crate::bindings::approver::exports::quarterdeck::policy::approve::Guest
                for Exported
            {
                fn review(
                    request: $crate::approver::Request,
                ) -> $crate::approver::Verdict {
                    $crate::approver::Approver::review(POLICY.get(), &request)
                }
            }
            $crate::bindings::approver::export_approver!(
                Exported with_types_in $crate::bindings::approver
            );
        });
    };
    (distributor: $policy:ty) => {
        $crate::__component!(distributor, Distributor, $policy, {
            impl $crate::bindings::distributor::exports::quarterdeck::policy::distribute::Guest
                for Exported
            {
                fn distribute(
                    batch: $crate::distributor::Batch,
                ) -> $crate::distributor::Plan {
                    $crate::distributor::Distributor::distribute(POLICY.get(), &batch)
                }
            }
            $crate::bindings::distributor::export_distributor!(
                Exported with_types_in $crate::bindings::distributor
            );
        });
    };
    (progress_parser: $policy:ty) => {
        $crate::__component!(progress_parser, ProgressParser, $policy, {
            use $crate::bindings::progress_parser::exports::quarterdeck::policy::parse_progress;

            struct ExportedParser(
                $crate::progress_parser::ParserResource<
                    <$policy as $crate::progress_parser::ProgressParser>::Parser,
                >,
            );
            impl parse_progress::GuestParser for ExportedParser {
                fn new(session: $crate::types::Session) -> Self {
                    Self($crate::progress_parser::ParserResource::new(
                        $crate::progress_parser::ProgressParser::parser(POLICY.get(), &session),
                    ))
                }

                fn feed(
                    &self,
                    chunk: Vec<$crate::progress_parser::Piece>,
                ) -> Vec<$crate::progress_parser::Update> {
                    self.0.feed(&chunk)
                }
            }
            impl parse_progress::Guest for Exported {
                type Parser = ExportedParser;
            }
            $crate::bindings::progress_parser::export_progress_parser!(
                Exported with_types_in $crate::bindings::progress_parser
            );
        });
    };
    (recovery: $policy:ty) => {
        $crate::__component!(recovery, Recovery, $policy, {
            impl $crate::bindings::recovery::exports::quarterdeck::policy::recover::Guest
                for Exported
            {
                fn decide(
                    incident: $crate::recovery::Incident,
                ) -> $crate::recovery::Decision {
                    $crate::recovery::Recovery::decide(POLICY.get(), &incident)
                }
            }
            $crate::bindings::recovery::export_recovery!(
                Exported with_types_in $crate::bindings::recovery
            );
        });
    };
}

/// What all kinds have in common: the check of the type everywhere, and in a
/// guest the policy itself and its `configure`. `$exports` sees `POLICY` and
/// `Exported`.
#[doc(hidden)]
#[macro_export]
macro_rules! __component {
    ($kind:ident, $trait:ident, $policy:ty, { $($exports:tt)* }) => {
        const _: fn() = || {
            fn implements<P: $crate::$kind::$trait>() {}
            implements::<$policy>();
        };

        #[cfg(target_family = "wasm")]
        #[allow(missing_docs, unsafe_code, unused_qualifications, reason = "generated")]
        const _: () = {
            struct Exported;

            static POLICY: $crate::Configured<$policy> = $crate::Configured::new();

            impl $crate::bindings::configuring::exports::quarterdeck::policy::configuration::Guest
                for Exported
            {
                fn configure(config: String) -> Result<(), String> {
                    POLICY.configure(&config, <$policy as $crate::$kind::$trait>::configure)
                }
            }
            $crate::bindings::configuring::export_configuration!(
                Exported with_types_in $crate::bindings::configuring
            );

            $($exports)*
        };
    };
}
