//! `session_list`.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarterdeck_core::operations::MeasuredSession;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::shapes::SessionShape;

/// As many lost sessions are told of.
const MOST_LOST_TOLD: usize = 50;

pub(super) struct SessionList;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    sessions: Vec<Summary>,
    total: usize,
    /// Names by id of those that died with the host before this one. Rare, so the
    /// schema, which every conversation pays for, does not speak of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    lost: Option<BTreeMap<String, String>>,
}

/// Those that were used last; there may be hundreds.
fn lost(host: &Host) -> Option<BTreeMap<String, String>> {
    let lost = host.lost_sessions().iter().rev().take(MOST_LOST_TOLD);
    let lost: BTreeMap<String, String> = lost
        .map(|session| (session.id.clone(), session.name.clone()))
        .collect();
    Some(lost).filter(|lost| !lost.is_empty())
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    #[serde(flatten)]
    shape: SessionShape,
    backend: String,
    working_directory: Option<String>,
    program: Option<String>,
    columns: u16,
    rows: u16,
    tags: Vec<String>,
    ended: bool,
    exit_status: Option<i32>,
    shell_integration: bool,
}

impl From<MeasuredSession> for Summary {
    fn from(measured: MeasuredSession) -> Self {
        let shape = SessionShape::from(&measured);
        let session = measured.session;
        Self {
            shape,
            backend: session.backend.as_str().to_owned(),
            working_directory: session.cwd.map(|cwd| cwd.to_string_lossy().into_owned()),
            program: session.program,
            columns: session.size.columns(),
            rows: session.size.rows(),
            tags: session.tags,
            ended: session.ended,
            exit_status: session.exit_status,
            shell_integration: session.integrated,
        }
    }
}

impl NativeTool for SessionList {
    const NAME: &'static str = "session_list";
    const TITLE: &'static str = "List sessions";
    const DESCRIPTION: &'static str = "Lists all sessions with what they do and use.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, _: Arguments) -> Result<Output, HostError> {
        let sessions: Vec<Summary> = host
            .list_sessions()
            .await?
            .into_iter()
            .map(Into::into)
            .collect();
        Ok(Output {
            total: sessions.len(),
            sessions,
            lost: lost(&host),
        })
    }

    fn text(output: &Output) -> String {
        let gone =
            output.lost.iter().flatten().map(|(id, name)| {
                format!("{id}  lost  {name}  died with the host before this one")
            });
        if output.sessions.is_empty() && output.lost.is_none() {
            return "no sessions".to_owned();
        }
        output
            .sessions
            .iter()
            .map(|session| {
                format!(
                    "{}  {}  {}  {}  {}",
                    session.shape.session_id,
                    session.shape.status,
                    session.shape.name,
                    session.program.as_deref().unwrap_or("-"),
                    session.working_directory.as_deref().unwrap_or("-"),
                )
            })
            .chain(gone)
            .collect::<Vec<_>>()
            .join("\n")
    }
}
