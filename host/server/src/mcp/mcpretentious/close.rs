//! `mcpretentious-close`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneTerminal, PlainText, said};

pub(super) struct Close;

impl ForeignTool for Close {
    const NAME: &'static str = "mcpretentious-close";
    const DESCRIPTION: &'static str = "Closes a terminal session with everything that runs in it.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = OneTerminal;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: OneTerminal) -> Outcome {
        let id = arguments.terminal_id;
        let session = id.session(&host, &caller).await?;
        host.close_session(session.id.as_str(), &caller)
            .await
            .map_err(|error| id.name_in(error))?;
        said(format!("Terminal {} closed", id.as_str()))
    }
}
