//! `quarterdeck audit`.

use std::path::PathBuf;

use clap::Subcommand;
use quarterdeck_core::audit::Since;
use quarterdeck_core::policy::Tier;

use super::tier;

/// What about the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List rows, oldest first: what was judged, decided, answered, how it ended, and who changed the rules
    ///
    /// Example:
    ///
    ///     quarterdeck audit list --since 24h --tier dangerous
    #[command(verbatim_doc_comment)]
    List {
        #[command(flatten)]
        filter: AuditFilter,
        /// The newest so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// Print as JSON, a line for each
        #[arg(long)]
        json: bool,
    },
    /// Write rows as JSON lines, with what is needed to verify the chain elsewhere
    Export {
        #[command(flatten)]
        filter: AuditFilter,
        /// Into this new file [default: standard output]
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
    },
    /// Walk the hash chain; exits with 1 at the first row that does not hold
    ///
    /// Notices rows that were changed, removed or put in another order. Where old rows
    /// were taken off (`[audit]` in the configuration), it says from where on it holds. Whoever
    /// can write the file can also write a new chain: keep an export elsewhere,
    /// if that matters.
    Verify,
    /// How often each policy in shadow mode differed from those that rule
    Shadows {
        /// From when on: an age (24h, 7d), a day or a time [default: ever]
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "1970-01-01",
            hide_default_value = true
        )]
        since: Since,
        /// Look at the newest so many commands
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        limit: usize,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which rows of the audit log.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditFilter {
    /// From when on: an age (24h, 7d), a day or a time [default: ever]
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "1970-01-01",
        hide_default_value = true
    )]
    pub since: Since,
    /// About this session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// With this verdict: safe, review or dangerous
    #[arg(long, value_parser = tier)]
    pub tier: Option<Tier>,
    /// With this decision
    #[arg(long, value_parser = [
        "allowed", "confirmed", "allowed-by-rule", "let-through",
        "confirmation-required", "left-to-caller", "refused", "only-asked",
    ])]
    pub decision: Option<String>,
    /// Of this kind
    #[arg(long, value_parser = ["verdict", "outcome", "approval", "secret", "allow-rule", "change", "shortened"])]
    pub kind: Option<String>,
    /// Whose command, or what a change is about, holds this text
    #[arg(long)]
    pub text: Option<String>,
}
