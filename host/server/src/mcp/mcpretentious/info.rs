//! `mcpretentious-info`.

use std::sync::Arc;

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

    async fn call(host: Arc<Host>, _: Caller, arguments: OneTerminal) -> Outcome {
        let id = arguments.terminal_id;
        let session = id.session(&host).await?;
        let windows = host.windows().await;
        let window = windows.get(&session.id);
        said(json(&Facts {
            terminal_id: id.as_str(),
            backend: backend_name(session.backend),
            session_id: TerminalId::of(&session, window).session_name(),
            window_id: window.map(|window| window.window.as_str()),
            dimensions: Dimensions {
                columns: session.size.columns(),
                rows: session.size.rows(),
            },
        })?)
    }
}
