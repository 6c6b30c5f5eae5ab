//! `quarterdeck explain`: what each policy said to one request, and on what
//! evidence.

mod resolved;
mod saved;
mod shown;
mod underline;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_core::Caller;
use quarterdeck_core::audit::History;
use quarterdeck_core::gate::CommandExplanation;
use quarterdeck_core::policy::{PolicyHost, PolicyKind, PolicyRequest, Settings};
use quarterdeck_server::socket::{AskError, Request, ask};

use crate::Setup;
use crate::arguments::ExplainArguments;
use crate::hosting::{policy_settings, runtime, start_host};
use crate::inside::refuse_inside;
use saved::SavedRequest;
use shown::Explanation;

/// Explains a command, an incident, a screen, or a row of the audit log.
pub(crate) fn run(setup: Setup, arguments: ExplainArguments) -> Result<ExitCode> {
    let runtime = runtime()?;
    let explanation = if let Some(file) = &arguments.incident {
        let request = read_json(PolicyKind::Recovery, file)?;
        runtime.block_on(offline(&setup, request))?
    } else if let Some(file) = &arguments.screen {
        let request = read_json(PolicyKind::ProgressParser, file)?;
        runtime.block_on(offline(&setup, request))?
    } else if let Some(file) = &arguments.replay {
        let request = SavedRequest::read(file)?;
        runtime.block_on(offline(&setup, request))?
    } else if let Some(row) = arguments.audit {
        refuse_inside(&setup, "reading the audit log")?;
        Explanation::of_past(History::open(&setup.paths.audit_file())?.command(row)?)
    } else {
        let cwd = match arguments.cwd {
            Some(cwd) => cwd,
            None => std::env::current_dir().context("finding the current folder")?,
        };
        let cwd = cwd.to_string_lossy().into_owned();
        let command = arguments.command.join(" ");
        let explained = runtime.block_on(command_explained(&setup, command, cwd))?;
        Explanation::of_command(explained)
    };
    let explanation = explanation.with_commands(&setup);
    if let Some(file) = &arguments.save {
        SavedRequest::write(file, &explanation.request)?;
    }
    if arguments.json {
        anstream::println!("{}", explanation.to_json()?);
    } else {
        explanation.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the running host, else one that is started for it.
async fn command_explained(
    setup: &Setup,
    command: String,
    cwd: String,
) -> Result<CommandExplanation> {
    let request = Request::Explain {
        command: command.clone(),
        cwd: Some(cwd.clone()),
    };
    match ask(&setup.paths.shared_socket(), &request).await {
        Ok(explained) => Ok(explained),
        Err(AskError::NoHost(_)) => {
            let host = start_host(setup)?;
            let explained = host
                .explain(&command, Some(cwd), &Caller::command_line())
                .await;
            host.shutdown().await;
            Ok(explained?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks the policies of the folder, without sessions, gate or audit log.
async fn offline(setup: &Setup, request: PolicyRequest) -> Result<Explanation> {
    setup.paths.make()?;
    let settings = Settings {
        watch: false,
        kept_instances: Settings::KEPT_BY_ONE_COMMAND,
        ..policy_settings(setup)
    };
    let policies = PolicyHost::start(settings, |problem| tracing::warn!("{problem}"))
        .context("starting the policies")?;
    let statements = policies.hear(&request).await;
    policies.shutdown().await;
    Ok(Explanation::of_statements(request, statements))
}

/// A request for policies of `kind`, with the names of the WIT.
fn read_json(kind: PolicyKind, file: &Path) -> Result<PolicyRequest> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    PolicyRequest::read(kind, &mut serde_json::Deserializer::from_str(&text))
        .with_context(|| format!("{} is no request to {kind:#}", file.display()))
}
