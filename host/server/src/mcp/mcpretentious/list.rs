//! `mcpretentious-list`.

use std::sync::Arc;

use quarterdeck_core::operations::SessionWindow;
use quarterdeck_core::{BackendKind, Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::terminal_id::{TerminalId, backend_name};
use super::{PlainText, said};

pub(super) struct List;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    terminal_id: String,
    session_id: String,
    backend: &'static str,
    /// On tmux, whether somebody looks at its tmux session.
    #[serde(skip_serializing_if = "Option::is_none")]
    attached: Option<bool>,
    /// On tmux, how many windows that session has.
    #[serde(skip_serializing_if = "Option::is_none")]
    window_count: Option<usize>,
}

impl ForeignTool for List {
    const NAME: &'static str = "mcpretentious-list";
    const DESCRIPTION: &'static str = "Lists all open terminal sessions of every backend.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, _: Arguments) -> Outcome {
        host.find_sessions_of(&caller).await?;
        let windows = host.windows().await;
        let sessions = host.describe_sessions().await;
        let listed: Vec<Listed> = sessions
            .iter()
            .map(|session| {
                let id = TerminalId::of(session);
                let shown = match windows.get(&session.id) {
                    Some(SessionWindow::Tmux(pane)) => Some((pane.attached, pane.windows)),
                    // Its pane has gone.
                    None if session.backend == BackendKind::Tmux => Some((false, 0)),
                    _ => None,
                };
                Listed {
                    session_id: id.session_name().to_owned(),
                    terminal_id: id.as_str().to_owned(),
                    backend: backend_name(session.backend),
                    attached: shown.map(|(attached, _)| attached),
                    window_count: shown.map(|(_, windows)| windows),
                }
            })
            .collect();
        said(json(&listed)?)
    }
}

/// An answer that clients parse.
pub(super) fn json(answer: &impl Serialize) -> Result<String, HostError> {
    serde_json::to_string(answer)
        .map_err(|error| HostError::Internal(format!("the answer is not JSON: {error}")))
}
