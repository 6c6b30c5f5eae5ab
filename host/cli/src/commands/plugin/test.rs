//! `quarterdeck plugin test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use quarterdeck_policy_building::built_in;
use quarterdeck_policy_testing::{Cases, Subject};

use super::check::ensure_file;
use crate::Setup;

/// Holds a component of any kind to a file of cases, in the engine that a host
/// runs it in.
pub(super) fn run(setup: &Setup, file: &Path, cases: Option<&Path>) -> Result<ExitCode> {
    let file = match file.is_dir() {
        true => built_in(file)?,
        false => file.to_owned(),
    };
    ensure_file(&file)?;
    let cases = match cases {
        Some(cases) => cases.to_owned(),
        None => cases_of(&file)?,
    };
    let cases = Cases::read(&cases)?;
    let mut subject = Subject::read(&file, Some(&setup.paths.policy_cache()))?;
    let differences = cases
        .run(&mut subject)
        .with_context(|| file.display().to_string())?;
    for difference in &differences {
        print(&difference.to_string());
    }
    let (all, wrong) = (cases.len(), differences.len());
    anstream::println!("{}: {} of {all} cases", file.display(), all - wrong);
    Ok(if differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The cases of the project that a component was built in: beside it, or above
/// its `dist`.
fn cases_of(component: &Path) -> Result<PathBuf> {
    component
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("cases.toml"))
        .find(|cases| cases.is_file())
        .with_context(|| {
            format!(
                "there is no cases.toml beside {} or in the folder above; name the cases with --cases FILE",
                component.display()
            )
        })
}

/// What was expected in red, what came in green: as in any other diff, what is
/// gone and what is there.
fn print(difference: &str) {
    for line in difference.lines() {
        let colour = match line.trim_start().chars().next() {
            Some('-') => AnsiColor::Red.on_default(),
            Some('+') => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        anstream::println!("{colour}{line}{colour:#}");
    }
}
