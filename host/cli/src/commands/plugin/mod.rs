//! `quarterdeck plugin`: one file for each of its subcommands.

mod add;
mod bench;
mod build;
mod check;
mod config;
mod diff;
mod enable;
pub(crate) mod folder;
mod inspect;
mod list;
mod new;
mod origin;
mod promote;
mod remove;
mod rollback;
pub(crate) mod sidecar;
pub(crate) mod taken_over;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::audit::Scope;

use crate::Setup;
use crate::arguments::PluginCommand;
use crate::hosting::plugins_dir;
use crate::inside::refuse_inside;
use folder::PluginsFolder;
pub(crate) use new::Language;
use origin::Origin;

/// Looks at policies, and changes those of the plugins folder.
pub(crate) fn run(setup: &Setup, command: PluginCommand) -> Result<ExitCode> {
    // Whoever asks for the folder is about to change it.
    let folder = || {
        refuse_inside(setup, "changing policies")?;
        PluginsFolder::open(plugins_dir(setup))
    };
    match command {
        PluginCommand::List { json } => list::run(setup, json),
        PluginCommand::Check { file, json } => check::run(setup, &file, json),
        PluginCommand::Diff {
            file,
            name,
            since,
            limit,
            json,
        } => diff::run(setup, &file, name.as_deref(), Scope { since, limit }, json),
        PluginCommand::New {
            name,
            kind,
            lang,
            into,
        } => new::run(&name, kind, lang, into),
        PluginCommand::Build { folder } => build::run(setup, &folder),
        PluginCommand::Test { file, cases } => test::run(setup, &file, cases.as_deref()),
        PluginCommand::Bench {
            file,
            command,
            request,
        } => bench::run(setup, &file, &command, request.as_deref()),
        PluginCommand::Inspect { policy, json } => inspect::run(setup, &policy, json),
        PluginCommand::Add { from, name, sha256 } => {
            let origin = Origin::parse(&from)?;
            add::run(setup, &folder()?, &origin, name, sha256)
        }
        PluginCommand::Remove { name } => remove::run(setup, &folder()?, &name),
        PluginCommand::Enable { name } => enable::run(setup, &folder()?, &name, true),
        PluginCommand::Disable { name } => enable::run(setup, &folder()?, &name, false),
        PluginCommand::Promote { name } => promote::run(setup, &folder()?, &name),
        PluginCommand::Rollback { name } => rollback::run(setup, &folder()?, &name),
    }
}
