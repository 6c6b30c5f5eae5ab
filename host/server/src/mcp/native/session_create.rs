//! `session_create`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use quarterdeck_core::operations::CreateSession;
use quarterdeck_core::{BackendChoiceError, Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::shapes::VerdictShape;

pub(super) struct SessionCreate;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    name: Option<String>,
    /// First command to start; judged like any other
    command: Option<String>,
    /// Absolute path
    working_directory: Option<PathBuf>,
    /// auto, pty, tmux, iterm2
    backend: Option<String>,
    columns: Option<u16>,
    rows: Option<u16>,
    env: Option<BTreeMap<String, String>>,
    tags: Option<Vec<String>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    session_id: String,
    name: String,
    /// active when a command was started, else idle
    status: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictShape>,
}

impl NativeTool for SessionCreate {
    const NAME: &'static str = "session_create";
    const TITLE: &'static str = "Open a session";
    const DESCRIPTION: &'static str =
        "Opens a terminal session with a shell in it. For single commands session_run is enough.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let backend = arguments
            .backend
            .map(|backend| backend.parse())
            .transpose()
            .map_err(|error: BackendChoiceError| HostError::InvalidParameters(error.to_string()))?;
        let created = host
            .create_session(
                CreateSession {
                    own_tmux_session: false,
                    profile: None,
                    name: arguments.name,
                    command: arguments.command,
                    working_directory: arguments.working_directory,
                    columns: arguments.columns,
                    rows: arguments.rows,
                    backend,
                    env: arguments.env.unwrap_or_default().into_iter().collect(),
                    tags: arguments.tags.unwrap_or_default(),
                    shell: None,
                },
                &caller,
            )
            .await?;
        Ok(Output {
            session_id: created.id.to_string(),
            name: created.name,
            status: if created.verdict.is_some() {
                "active".to_owned()
            } else {
                "idle".to_owned()
            },
            created_at: rfc3339(created.created_at),
            verdict: created.verdict.map(Into::into),
        })
    }

    fn text(output: &Output) -> String {
        format!("opened session {} ({})", output.session_id, output.name)
    }
}
