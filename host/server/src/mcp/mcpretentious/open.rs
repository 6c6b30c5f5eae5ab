//! `mcpretentious-open`.

use std::sync::Arc;

use quarterdeck_core::operations::CreateSession;
use quarterdeck_core::{BackendChoice, Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::terminal_id::{TerminalId, backend_name};
use super::{PlainText, said};

/// The size of a terminal that is not given one.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

pub(super) struct Open;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Initial width in columns (20-500, default: 80)
    #[schemars(range(min = 20, max = 500))]
    columns: Option<u16>,
    /// Initial height in rows (5-200, default: 24)
    #[schemars(range(min = 5, max = 200))]
    rows: Option<u16>,
    /// Some clients name a backend in each call.
    #[schemars(skip)]
    backend: Option<String>,
}

impl ForeignTool for Open {
    const NAME: &'static str = "mcpretentious-open";
    const DESCRIPTION: &'static str = "Opens a new terminal session, with optional dimensions. Returns a terminal ID for the other tools.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let columns = arguments.columns.unwrap_or(DEFAULT_SIZE.0);
        let rows = arguments.rows.unwrap_or(DEFAULT_SIZE.1);
        check_size(columns, rows)?;
        let backend = arguments.backend.map(|name| name.parse::<BackendChoice>());
        let backend = backend
            .transpose()
            .map_err(|error| HostError::InvalidParameters(error.to_string()))?;
        let request = CreateSession {
            columns: Some(columns),
            rows: Some(rows),
            backend,
            ..CreateSession::default()
        };
        let created = host.create_session(request, &caller).await?;
        let session = host.describe_session(created.id.as_str()).await?;
        let mut text = format!(
            "{} terminal opened with ID: {}",
            backend_name(session.backend),
            TerminalId::of(&session).as_str()
        );
        if arguments.columns.is_some() || arguments.rows.is_some() {
            text.push_str(&format!(" ({columns}×{rows})"));
        }
        said(text)
    }
}

/// The bounds that this family's clients know.
pub(super) fn check_size(columns: u16, rows: u16) -> Result<(), HostError> {
    if (20..=500).contains(&columns) && (5..=200).contains(&rows) {
        return Ok(());
    }
    Err(HostError::InvalidParameters(format!(
        "A terminal cannot be {columns}×{rows}: columns must be between 20 and 500, rows between 5 and 200"
    )))
}
