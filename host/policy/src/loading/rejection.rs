//! Why a version of a policy was not put in charge.
//!
//! Every text here is read by the person who just saved a file: it says what
//! is wrong with it and what to do.

use std::path::PathBuf;

use crate::calling::fault::Fault;
use crate::folder::grants::MissingGrant;
use crate::folder::sidecar::SidecarError;
use crate::loading::core_module::CoreModule;
use crate::loading::left_out::left_out;
use crate::{PolicyKind, Tier};

/// Why a component, or a component with its sidecar, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error(
        "the file is empty; copy the component again, best under another name and then renamed"
    )]
    Empty,
    #[error(
        "the file is cut short after {size} bytes; copy it again, best under another name and then renamed"
    )]
    CutShort { size: u64 },
    #[error(
        "this is text, not a component; WAT has to be assembled first (`wasm-tools parse`), and source code built"
    )]
    Text,
    #[error(
        "this is compiled machine code, not WebAssembly; the plugins folder takes WebAssembly components only, and the host compiles them itself"
    )]
    CompiledCode,
    #[error("this is not WebAssembly (its first bytes are {first})")]
    NotWasm { first: String },
    #[error("this is a core module, not a component; {0}")]
    CoreModule(CoreModule),
    #[error("this is not a valid component: {0}")]
    Invalid(String),
    #[error("it uses {part}, which policies are run without; {remedy} ({error})")]
    LeftOut {
        part: &'static str,
        remedy: &'static str,
        error: String,
    },
    #[error(
        "the JSON Schema that it carries for its configuration is not one: {0}; build the component anew with a mended config.schema.json"
    )]
    ConfigSchema(String),
    #[error(
        "the [config] of its sidecar is not what the component takes: {0}; `quarterdeck plugin inspect` shows what it takes"
    )]
    ConfigDiffers(String),
    #[error(
        "compiling it was ended ({0}): it takes too much memory or processor time; build it smaller"
    )]
    Compiler(String),
    #[error(
        "it exports no policy interface (found: {found}); an approver exports `quarterdeck:policy/approve@0.1.0` and `quarterdeck:policy/configuration@0.1.0`"
    )]
    NoPolicy {
        found: String,
        /// Whether what is there could be the beginning of a policy that was
        /// cut between two of its sections.
        perhaps_cut: bool,
    },
    #[error("it is two policies in one ({first} and {second}); build one component for each")]
    TwoKinds {
        first: PolicyKind,
        second: PolicyKind,
    },
    #[error(
        "it was built for `{found}`, but this host speaks versions 0.1.x of `quarterdeck:policy`; build it against the WIT package of this version, or update the host"
    )]
    OtherVersion { found: String },
    #[error(
        "it does not export `quarterdeck:policy/configuration@0.1.0`, which every policy has to; build it against the world `{0}`"
    )]
    NoConfiguration(PolicyKind),
    #[error("{kind:#} may not import `{import}`: {fix}")]
    ForbiddenImport {
        kind: PolicyKind,
        import: String,
        fix: &'static str,
    },
    #[error(
        "it imports `{function}` of `{import}`, which it is not granted; add `{}` under `[grants]` in its sidecar, or {}",
        missing.grant,
        missing.otherwise
    )]
    NotGranted {
        import: String,
        function: String,
        missing: MissingGrant,
    },
    #[error(
        "its sidecar grants it to read {}, which cannot be read: {reason}; make the folder, or take it out of `read` under `[grants]`",
        folder.display()
    )]
    GrantedFolder { folder: PathBuf, reason: String },
    #[error("its sidecar says `{key}`, which is for approvers alone; this is {kind:#}")]
    ForApprovers { key: &'static str, kind: PolicyKind },
    #[error(
        "its sidecar grants it something, but an approver is granted nothing, so that a verdict depends on its request alone; take out `[grants]`, and hand what it needs to know to `configure` by `[config]`"
    )]
    GrantsToApprover,
    #[error("it has {size} bytes, and {limit} is the limit; strip it, or raise the limit")]
    TooLarge { size: u64, limit: u64 },
    #[error("{0}")]
    File(String),
    #[error(
        "its SHA-256 is {found}, but the sidecar pins {pinned}; replace the component, or change `sha256` if the new one is meant"
    )]
    PinMismatch { pinned: String, found: String },
    #[error("it does not fit the world `{kind}` of quarterdeck:policy@0.1.0: {detail}")]
    WrongShape { kind: PolicyKind, detail: String },
    #[error("started on trial, it {0}")]
    StartFault(Fault),
    #[error(
        "it is {is:#}, but `{name}` is {was:#}{}; give it another name{}",
        if *bundled { " that is bundled" } else { "" },
        if *bundled { String::new() } else { format!(", or take away {name}.wasm first if `{name}` is to end") }
    )]
    OtherKind {
        name: String,
        was: PolicyKind,
        is: PolicyKind,
        /// Whether `name` is a bundled policy's, which nothing of another kind replaces.
        bundled: bool,
    },
    #[error("`configure` refused the sidecar's [config]: {0}")]
    Configure(String),
    #[error("`configure` {0}")]
    ConfigureFault(Fault),
    #[error("asked something harmless on trial, it {0}")]
    TrialFault(Fault),
    #[error(
        "asked the same thing twice on trial, it answered differently; a policy has to be deterministic"
    )]
    Unsteady,
    #[error("it judges `{command}` {tier}, but the sidecar says that it must refuse that command")]
    MustRefuse { command: String, tier: Tier },
    #[error("the sidecar cannot be used: {0}")]
    Sidecar(#[from] SidecarError),
    #[error("loading it failed inside the host ({0}); please report this with the component")]
    Host(String),
}

impl Rejection {
    /// What the parser or the compiler says against a component.
    pub(crate) fn of_bytes(error: String) -> Self {
        match left_out(&error) {
            Some((part, remedy)) => Rejection::LeftOut {
                part,
                remedy,
                error,
            },
            None => Rejection::Invalid(error),
        }
    }

    /// What the policy did wrong while it was tried out, if that is why.
    pub(crate) fn fault_on_trial(&self) -> Option<&Fault> {
        match self {
            Rejection::StartFault(fault)
            | Rejection::ConfigureFault(fault)
            | Rejection::TrialFault(fault) => Some(fault).filter(|fault| fault.blames_policy()),
            _ => None,
        }
    }

    /// Whether another attempt soon may end otherwise: the file is perhaps not
    /// written to its end yet, or the host had no room to try it out.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Rejection::Empty
            | Rejection::CutShort { .. }
            | Rejection::NoPolicy {
                perhaps_cut: true, ..
            }
            | Rejection::NoConfiguration(_) => true,
            Rejection::StartFault(fault)
            | Rejection::ConfigureFault(fault)
            | Rejection::TrialFault(fault) => !fault.blames_policy(),
            _ => false,
        }
    }
}
