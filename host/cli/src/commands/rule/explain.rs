//! `quarterdeck rule explain`: `quarterdeck explain`, and the allow rules that
//! name the command.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::allow_rules::AllowRulesFile;

use crate::Setup;
use crate::arguments::ExplainArguments;
use crate::commands::explain;

pub(super) fn run(setup: Setup, arguments: ExplainArguments) -> Result<ExitCode> {
    let command = arguments.command.join(" ");
    let json = arguments.json;
    let allowed = AllowRulesFile::at(setup.paths.allow_rules_file()).load()?;
    let status = explain::run(setup, arguments)?;
    for rule in &allowed {
        if !json && rule.command == command {
            anstream::println!("{} {}", rule.id(), super::list::shown(rule));
        }
    }
    Ok(status)
}
