//! `quarterdeck service`.

use clap::Subcommand;

/// What about the service.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Start the host now and with every login
    ///
    /// Writes a unit for systemd, or a launch agent on macOS, that runs
    /// `quarterdeck serve` with the flags (--config, --plugins-dir, --gate, --verbose) and
    /// the settings in the environment (QUARTERDECK_…) that this command is given. Refused from inside a hosted session.
    Install {
        /// Show what would be written, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop the host and remove the service
    Uninstall,
    /// Say whether it is installed, runs and answers; exits with 3 if it does not
    Status,
}
