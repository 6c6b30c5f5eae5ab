//! `quarterdeck approve`: the commands that wait for a person, and the answers.

mod watch;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use quarterdeck_core::gate::{Answer, ApprovalScope};
use quarterdeck_core::{ErrorCode, spelled_out};
use quarterdeck_server::socket::{AskError, Request, ask_in_time};
use serde::{Deserialize, Serialize};

use crate::Setup;
use crate::arguments::ApproveArguments;
use crate::inside::refuse_inside;

/// A host that takes longer is said to hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// A command that waits, as hosts tell it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    confirmation_id: String,
    command: String,
    session_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cwd: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    verdict: Reasons,
    expires_in_seconds: u64,
}

/// Why it waits. What else a host tells of it is passed on as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reasons {
    reason: String,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

/// Lists what waits, watches it, or answers one.
pub(crate) fn run(setup: &Setup, arguments: &ApproveArguments) -> Result<ExitCode> {
    match &arguments.id {
        Some(id) => {
            refuse_inside(setup, "approving")?;
            answer_one(setup, id, arguments.answer(), arguments.json)
        }
        None if arguments.watch => watch::run(setup, arguments.json),
        None => list(setup, arguments.json),
    }
}

impl ApproveArguments {
    fn answer(&self) -> Answer {
        match (self.deny, self.session, self.always) {
            (true, _, _) => Answer::Deny,
            (_, true, _) => Answer::Allow(ApprovalScope::Session),
            (_, _, true) => Answer::Allow(ApprovalScope::Always),
            _ => Answer::Allow(ApprovalScope::Once),
        }
    }
}

fn list(setup: &Setup, json: bool) -> Result<ExitCode> {
    let waiting = waiting(setup)?;
    if json {
        anstream::println!("{}", serde_json::to_string(&waiting)?);
    } else if waiting.is_empty() {
        anstream::println!("nothing waits for approval");
    }
    for pending in waiting.iter().filter(|_| !json) {
        anstream::println!("{}", pending.shown());
    }
    Ok(ExitCode::SUCCESS)
}

/// What waits at all hosts of this user.
fn waiting(setup: &Setup) -> Result<Vec<Waiting>> {
    let mut waiting: Vec<Waiting> = Vec::new();
    for socket in setup.paths.sockets() {
        match ask_in_time(&socket, &Request::Confirmations, PATIENCE) {
            Ok::<Vec<Waiting>, _>(more) => waiting.extend(more),
            Err(AskError::NoHost(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(waiting)
}

impl Waiting {
    fn shown(&self) -> String {
        let mut place = match self.session_id.as_str() {
            "new" => "in a session that is opened for it".to_owned(),
            id => format!("session {id}"),
        };
        if let Some(client) = &self.client {
            place.push_str(&format!("  asked by {client}"));
        }
        if let Some(cwd) = &self.cwd {
            place.push_str(&format!("  in {cwd}"));
        }
        format!(
            "{}  {}  {} s left\n    {}\n    {}",
            self.confirmation_id,
            spelled_out(&place),
            self.expires_in_seconds,
            spelled_out(&self.command),
            self.verdict.reason,
        )
    }
}

fn answer_one(setup: &Setup, id: &str, answer: Answer, json: bool) -> Result<ExitCode> {
    let pending = answered(setup, id, answer)?;
    if json {
        anstream::println!("{}", serde_json::to_string(&pending)?);
    } else {
        anstream::println!("{}: {}", said(answer), spelled_out(&pending.command));
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings an answer to the host that knows the confirmation.
fn answered(setup: &Setup, id: &str, answer: Answer) -> Result<Waiting> {
    let request = Request::Answer {
        id: id.to_owned(),
        answer,
    };
    let mut unknown = None;
    for socket in setup.paths.sockets() {
        match ask_in_time(&socket, &request, PATIENCE) {
            Ok(pending) => return Ok(pending),
            Err(AskError::NoHost(_)) => {}
            // Another host may know the id.
            Err(AskError::Refused {
                code: ErrorCode::InvalidParameters,
                message,
            }) => {
                unknown = Some(message);
            }
            Err(error) => return Err(error.into()),
        }
    }
    match unknown {
        Some(message) => bail!(message),
        None => bail!(
            "no host of this user is running (none answers below {}); `quarterdeck serve` starts one",
            setup.paths.runtime_dir.display()
        ),
    }
}

fn said(answer: Answer) -> &'static str {
    match answer {
        Answer::Allow(ApprovalScope::Once) => "approved",
        Answer::Allow(ApprovalScope::Session) => "approved for this session",
        Answer::Allow(ApprovalScope::Always) => "approved for good",
        Answer::Deny => "denied",
        Answer::Dismiss => "put away",
    }
}
