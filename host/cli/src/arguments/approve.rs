//! `quarterdeck approve`.

/// What is to be approved, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArguments {
    /// The confirmation's id
    pub id: Option<String>,
    /// Allow this command in this session as long as the host runs
    #[arg(long, requires = "id", group = "scope")]
    pub session: bool,
    /// Allow this command in this folder for good: writes an allow rule, which
    /// `quarterdeck rule list` shows
    #[arg(long, requires = "id", group = "scope")]
    pub always: bool,
    /// Say no instead
    #[arg(long, requires = "id", group = "scope")]
    pub deny: bool,
    /// Show commands as they begin to wait; at a terminal, ask about each
    #[arg(long, conflicts_with = "id")]
    pub watch: bool,
    /// Print as JSON, with --watch a line for each
    #[arg(long)]
    pub json: bool,
}
