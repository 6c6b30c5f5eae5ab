//! `mcpretentious-list`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
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

    async fn call(host: Arc<Host>, _: Caller, _: Arguments) -> Outcome {
        let sessions = host.describe_sessions().await;
        let windows = host.windows().await;
        let listed: Vec<Listed> = sessions
            .iter()
            .map(|session| {
                let window = windows.get(&session.id);
                let id = TerminalId::of(session, window);
                Listed {
                    session_id: id.session_name().to_owned(),
                    terminal_id: id.as_str().to_owned(),
                    backend: backend_name(session.backend),
                    attached: window.map(|window| window.attached),
                    window_count: window.map(|window| window.windows),
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
