//! `quarterdeck approve`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use quarterdeck_server::socket::{AskError, Request, ask};
use serde_json::Value;

use crate::Setup;

/// Lists what waits, or answers one.
pub(crate) fn run(setup: &Setup, id: Option<String>, deny: bool, json: bool) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match id {
            Some(id) => answer(setup, id, !deny, json).await,
            None => list(setup, json).await,
        }
    })
}

async fn list(setup: &Setup, json: bool) -> Result<ExitCode> {
    let mut waiting: Vec<Value> = Vec::new();
    for socket in setup.paths.sockets() {
        match ask::<Vec<Value>>(&socket, &Request::Confirmations).await {
            Ok(more) => waiting.extend(more),
            Err(AskError::NoHost(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if json {
        anstream::println!("{}", serde_json::to_string(&waiting)?);
    } else if waiting.is_empty() {
        anstream::println!("nothing waits for approval");
    }
    for pending in waiting.iter().filter(|_| !json) {
        anstream::println!(
            "{}  session {}  {} s left\n    {}\n    {}",
            text(pending, "confirmationId"),
            text(pending, "sessionId"),
            pending["expiresInSeconds"],
            text(pending, "command").escape_debug(),
            text(&pending["verdict"], "reason"),
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn answer(setup: &Setup, id: String, allow: bool, json: bool) -> Result<ExitCode> {
    let mut hosts = 0;
    let mut unknown = None;
    for socket in setup.paths.sockets() {
        let request = Request::Answer {
            id: id.clone(),
            answer: allow.into(),
        };
        match ask::<Value>(&socket, &request).await {
            Ok(pending) => {
                let said = if allow { "approved" } else { "denied" };
                if json {
                    anstream::println!("{pending}");
                } else {
                    anstream::println!("{said}: {}", text(&pending, "command").escape_debug());
                }
                return Ok(ExitCode::SUCCESS);
            }
            Err(AskError::NoHost(_)) => {}
            // Another host may know the id.
            Err(error @ AskError::Refused { .. }) if matches!(&error, AskError::Refused { code, .. } if code == "INVALID_PARAMETERS") =>
            {
                hosts += 1;
                unknown = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    match unknown {
        Some(error) => Err(error.into()),
        None => bail!(
            "no host of this user is running ({hosts} found below {})",
            setup.paths.runtime_dir.display()
        ),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("?")
}
