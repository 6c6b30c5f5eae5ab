//! `mcpretentious-open`.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use quarterdeck_core::operations::CreateSession;
use quarterdeck_core::{BackendChoice, Caller, Host, HostError};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::terminal_id::{TerminalId, backend_name};
use super::{PlainText, said};

/// The size of a terminal that is not given one.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// The tool, with `A` for what clients see of its arguments.
pub(super) struct Open<A>(PhantomData<A>);

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Initial width in columns (20-500, default: 80)
    #[schemars(range(min = 20, max = 500))]
    columns: Option<u16>,
    /// Initial height in rows (5-200, default: 24)
    #[schemars(range(min = 5, max = 200))]
    rows: Option<u16>,
    /// Backend to use for this terminal (default: the best that is there)
    #[schemars(with = "Option<String>", extend("enum" = ["pty", "tmux", "iterm"]))]
    backend: Option<BackendChoice>,
}

/// The same, without a word of backends: some clients name one all the same.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct WithoutBackend(Arguments);

impl From<WithoutBackend> for Arguments {
    fn from(WithoutBackend(arguments): WithoutBackend) -> Self {
        arguments
    }
}

impl JsonSchema for WithoutBackend {
    fn schema_name() -> Cow<'static, str> {
        Arguments::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Arguments::json_schema(generator);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("backend");
        }
        schema
    }
}

impl<A> ForeignTool for Open<A>
where
    A: DeserializeOwned + JsonSchema + Into<Arguments> + Send + 'static,
{
    const NAME: &'static str = "mcpretentious-open";
    const DESCRIPTION: &'static str = "Opens a new terminal session, with optional dimensions. Returns a terminal ID for the other tools.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = A;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: A) -> Outcome {
        open(&host, &caller, arguments.into()).await
    }
}

async fn open(host: &Host, caller: &Caller, arguments: Arguments) -> Outcome {
    let columns = arguments.columns.unwrap_or(DEFAULT_SIZE.0);
    let rows = arguments.rows.unwrap_or(DEFAULT_SIZE.1);
    check_size(columns, rows)?;
    let request = CreateSession {
        columns: Some(columns),
        rows: Some(rows),
        // Where the client's configuration insists on one, a call cannot choose.
        backend: caller.backend.or(arguments.backend),
        own_tmux_session: true,
        ..CreateSession::default()
    };
    let created = host.create_session(request, caller).await?;
    let session = host.describe_session(created.id.as_str()).await?;
    let id = TerminalId::of(&session);
    let mut text = format!(
        "{} terminal opened with ID: {}",
        backend_name(session.backend),
        id.as_str()
    );
    if arguments.columns.is_some() || arguments.rows.is_some() {
        text.push_str(&format!(" ({columns}×{rows})"));
    }
    said(text)
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
