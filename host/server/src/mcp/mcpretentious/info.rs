//! `mcpretentious-info`.

use std::sync::Arc;

use quarterdeck_core::operations::SessionWindow;
use quarterdeck_core::{Caller, Host};
use serde::Serialize;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::list::json;
use super::terminal_id::{TerminalId, backend_name};
use super::{OneTerminal, PlainText, said};

pub(super) struct Info;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    terminal_id: &'a str,
    backend: &'static str,
    session_id: &'a str,
    /// Null on a backend without windows.
    window_id: Option<&'a str>,
    dimensions: Dimensions,
}

#[derive(Serialize)]
struct Dimensions {
    columns: u16,
    rows: u16,
}

impl ForeignTool for Info {
    const NAME: &'static str = "mcpretentious-info";
    const DESCRIPTION: &'static str = "Gets a terminal's metadata: session, window and dimensions.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = OneTerminal;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: OneTerminal) -> Outcome {
        let id = arguments.terminal_id;
        let session = id.session(&host, &caller).await?;
        let windows = host.windows().await;
        said(json(&Facts {
            terminal_id: id.as_str(),
            backend: backend_name(session.backend),
            session_id: TerminalId::of(&session).session_name(),
            window_id: windows.get(&session.id).map(SessionWindow::id),
            dimensions: Dimensions {
                columns: session.size.columns(),
                rows: session.size.rows(),
            },
        })?)
    }
}
