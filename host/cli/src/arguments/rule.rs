//! `quarterdeck rule`.

use std::path::PathBuf;

use clap::Subcommand;
use quarterdeck_core::allow_rules::Until;
use quarterdeck_core::policy::Tier;

use super::{ExplainArguments, tier};

/// What about rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// Make a rule out of an example
    ///
    /// The rule is about the example's program, its first operands and its
    /// flags, wherever they stand in a command line: behind sudo, in a pipe, in
    /// quotes. It is written only if the approver takes it and it decides the
    /// example. What is dangerous without it becomes less only if --overrides
    /// names the rule that says so. A running host heeds it at once. Example:
    ///
    ///     quarterdeck rule add 'terraform apply' --tier dangerous \
    ///         --why 'Applying goes through the pipeline.'
    #[command(verbatim_doc_comment)]
    Add(RuleAddArguments),
    /// Allow one exact command without being asked again
    ///
    /// The narrower the better: it holds in the current folder unless you say
    /// otherwise. What is dangerous passes only if --overrides names the rule
    /// that says so. Every use is kept in the audit log. Example:
    ///
    ///     quarterdeck rule allow 'git push origin main' --until 8h
    #[command(verbatim_doc_comment)]
    Allow(RuleAllowArguments),
    /// List rules of your own
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take away a rule of your own or an allow rule, by its id
    Remove {
        /// As `quarterdeck rule list` names it
        rule: String,
    },
    /// Hold every rule of your own to its examples; exits with 1 if one fails
    Test,
    /// Show what each policy says to a command, and why
    ///
    /// The same as `quarterdeck explain`, with the allow rules that name the
    /// command.
    Explain(ExplainArguments),
}

/// A rule that is to be made.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleAddArguments {
    /// The example
    pub command: String,
    /// safe, review or dangerous
    #[arg(long, value_parser = tier)]
    pub tier: Tier,
    /// One sentence for whoever is refused or asked
    #[arg(long, value_name = "REASON")]
    pub why: String,
    /// What to do instead
    #[arg(long, value_name = "SUGGESTION")]
    pub instead: Option<String>,
    /// Make less of what this rule of the approver calls dangerous
    #[arg(long, value_name = "RULE")]
    pub overrides: Option<String>,
    /// The rule's id [default: own/ and the example's words]
    #[arg(long)]
    pub id: Option<String>,
    /// A command that it must leave alone; may be given again
    #[arg(long, value_name = "COMMAND")]
    pub not: Vec<String>,
}

/// A standing yes.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleAllowArguments {
    /// The command line, to the letter
    pub command: String,
    /// The folder that it has to run in [default: the current folder]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// It may run in any folder
    #[arg(long, conflicts_with = "cwd")]
    pub anywhere: bool,
    /// Only if this client asks, for example claude-code
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// Only in this session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Until when: a span (30m, 8h, 7d), a day or a time [default: for good]
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Until>,
    /// Also if this rule of an approver says that it is dangerous
    #[arg(long, value_name = "RULE")]
    pub overrides: Option<String>,
    /// Why
    #[arg(long, value_name = "REASON")]
    pub why: Option<String>,
}
