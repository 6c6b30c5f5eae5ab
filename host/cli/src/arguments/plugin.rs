//! `quarterdeck plugin`.

use std::path::PathBuf;

use clap::Subcommand;
use quarterdeck_core::audit::Since;
use quarterdeck_core::policy::PolicyKind;

use crate::commands::plugin::Language;

/// What about policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the policies of the running host, or those that a host would load
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a project for a policy that builds and passes its test at once
    New {
        /// The policy's name
        name: String,
        /// approver, distributor, progress-parser or recovery
        #[arg(long, default_value = "approver")]
        kind: PolicyKind,
        /// The language
        #[arg(long, default_value = "rust")]
        lang: Language,
        /// The project's folder, which is made [default: ./NAME]
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Build the policy in a folder, and check what came out
    ///
    /// Tells the language by Cargo.toml, package.json, policy.py or Makefile, and
    /// uses its tools; says which one is missing and how to get it. The component
    /// is dist/NAME.wasm. Example:
    ///
    ///     quarterdeck plugin build no-push
    #[command(verbatim_doc_comment)]
    Build {
        /// The project's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Load a component as a host would, and say what is wrong with it
    ///
    /// Uses the sidecar FILE.toml beside it, where there is one. Exits with 1
    /// when a host would refuse it.
    Check {
        /// The component
        file: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold a policy of any kind to a file of cases
    ///
    /// Calls it as a host would, with the limits and grants of the sidecar
    /// FILE.toml beside it. Shows what differs, and exits with 1 if something
    /// does. Examples:
    ///
    ///     quarterdeck plugin test                       in a project that is built
    ///     quarterdeck plugin test my-policy.wasm --cases my-cases.toml
    #[command(verbatim_doc_comment)]
    Test {
        /// The component, or the folder of the project that it was built in
        #[arg(default_value = ".")]
        file: PathBuf,
        /// The cases, in TOML: `kind` and [[case]]s [default: the project's cases.toml]
        ///
        /// For an approver: command, tier and, as you like, rule, piece and
        /// config. The other kinds have a name, config, and batch (distributor),
        /// output (progress-parser) or incident and expect (recovery).
        #[arg(long)]
        cases: Option<PathBuf>,
    },
    /// Time a policy's calls, beside what a hook process costs
    ///
    /// Example:
    ///
    ///     quarterdeck plugin bench dist/my-policy.wasm --command 'git push'
    #[command(verbatim_doc_comment)]
    Bench {
        /// The component
        file: PathBuf,
        /// The command that an approver judges
        #[arg(long, default_value = "git fetch && git push origin main")]
        command: String,
        /// A request in TOML to ask instead, with the names of the WIT
        #[arg(long, value_name = "FILE", conflicts_with = "command")]
        request: Option<PathBuf>,
    },
    /// List the past commands whose verdict a component would change
    ///
    /// Puts the commands of the audit log to the component, with the sidecar
    /// FILE.toml beside it where there is one, as if it ruled in the place of the
    /// policy of its name. Exits with 0 when nothing would change, with 1 when
    /// something would, and with 2 when nothing could be compared.
    Diff {
        /// The component
        file: PathBuf,
        /// The policy that it would replace [default: the file's name]
        #[arg(long)]
        name: Option<String>,
        /// From when on: an age (24h, 7d), a day or a time [default: ever]
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "1970-01-01",
            hide_default_value = true
        )]
        since: Since,
        /// Replay the newest so many commands
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        limit: usize,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a policy or a component is, imports, exports and may do
    ///
    /// Claims of the component's own metadata (authors, version) are shown as
    /// they are; nobody verified them. Example:
    ///
    ///     quarterdeck plugin inspect safety-tiers
    #[command(verbatim_doc_comment)]
    Inspect {
        /// A policy's name, or a component's file
        #[arg(value_name = "NAME|FILE")]
        policy: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a component into the plugins folder, if a host would take it
    ///
    /// It comes from a file, from https:// (http:// on this machine), or from an
    /// OCI registry, with the login that `docker login` has left. A running host
    /// takes it over at once. What it replaces is kept for `plugin rollback`. A file's
    /// sidecar comes along, unless the folder has one of its name. Examples:
    ///
    ///     quarterdeck plugin add dist/no-push.wasm
    ///     quarterdeck plugin add https://example.org/no-push.wasm --sha256 HEX
    ///     quarterdeck plugin add oci://ghcr.io/someone/no-push:1.0
    #[command(verbatim_doc_comment)]
    Add {
        /// The component
        #[arg(value_name = "FILE|URL|OCI-REFERENCE")]
        from: String,
        /// The policy's name [default: as the file or the repository]
        #[arg(long)]
        name: Option<String>,
        /// Refuse a component with another SHA-256; a URL needs it
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Take a component and its sidecar out of the plugins folder; a sidecar that is a
    /// bundled policy's, too, stays
    Remove {
        /// The policy
        name: String,
    },
    /// Have a policy asked again
    Enable {
        /// The policy
        name: String,
    },
    /// Have a policy asked no more, also a bundled one
    Disable {
        /// The policy
        name: String,
    },
    /// Have a policy rule that was in shadow: asked, but not obeyed
    ///
    /// A sidecar that says `mode = "shadow"` puts an approver there; this makes
    /// it say `mode = "ruling"`. Example:
    ///
    ///     quarterdeck plugin promote no-push
    #[command(verbatim_doc_comment)]
    Promote {
        /// The policy
        name: String,
    },
    /// Put back the version that was replaced or removed last
    ///
    /// By command or by file, as long as a host had taken it over. What a host
    /// would refuse is not put back.
    Rollback {
        /// The policy
        name: String,
    },
}
