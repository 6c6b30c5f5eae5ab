//! `quarterdeck rule`: a file for each of its subcommands.
//!
//! Rules of one's own belong to the bundled approver and live in its sidecar;
//! [`own_rules`] reads and writes them there. Allow rules are the gate's, in a
//! file of their own.

mod add;
mod allow;
mod explain;
mod list;
mod own_rules;
mod remove;
mod test;

use std::process::ExitCode;

use anyhow::Result;

use crate::Setup;
use crate::arguments::RuleCommand;
use crate::inside::refuse_inside;

/// Looks at rules, and changes them.
pub(crate) fn run(setup: Setup, command: RuleCommand) -> Result<ExitCode> {
    match command {
        RuleCommand::Add(arguments) => {
            refuse_inside(&setup, "changing rules")?;
            add::run(&setup, arguments)
        }
        RuleCommand::Allow(arguments) => {
            refuse_inside(&setup, "allowing commands")?;
            allow::run(&setup, arguments)
        }
        RuleCommand::Remove { rule } => {
            refuse_inside(&setup, "changing rules")?;
            remove::run(&setup, &rule)
        }
        RuleCommand::List { json } => list::run(&setup, json),
        RuleCommand::Test => test::run(&setup),
        RuleCommand::Explain(arguments) => explain::run(setup, arguments),
    }
}
