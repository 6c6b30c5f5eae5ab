//! What a tool is, and the set of them.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
use rmcp::model::{CallToolResult, JsonObject, Tool, ToolAnnotations};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply;

/// One tool: its words, its shapes, and the operation behind it.
pub(super) trait NativeTool: 'static {
    /// The name that clients call.
    const NAME: &'static str;
    /// For people.
    const TITLE: &'static str;
    /// For models: what it does and when to use it.
    const DESCRIPTION: &'static str;
    /// What it may do.
    const EFFECT: Effect;
    /// What it takes.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// What it answers.
    type Output: Serialize + JsonSchema + Send;

    /// Carries it out.
    fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Self::Output, HostError>> + Send;

    /// The answer as a model reads it best.
    fn text(output: &Self::Output) -> String;
}

/// What a tool may do to the world; becomes MCP's annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Only looks.
    Reads,
    /// Changes the host's own state, and nothing is lost by it.
    Arranges,
    /// Ends something.
    Ends,
    /// Runs whatever the caller says.
    RunsAnything,
}

impl Effect {
    fn annotations(self) -> ToolAnnotations {
        let annotations = ToolAnnotations::new();
        match self {
            Self::Reads => annotations.read_only(true).open_world(false),
            Self::Arranges => annotations
                .read_only(false)
                .destructive(false)
                .open_world(false),
            Self::Ends => annotations
                .read_only(false)
                .destructive(true)
                .idempotent(true)
                .open_world(false),
            Self::RunsAnything => annotations
                .read_only(false)
                .destructive(true)
                .open_world(true),
        }
    }
}

/// An outcome, with the error still typed: the caller may be able to settle a
/// confirmation.
pub(super) type Outcome = Result<CallToolResult, HostError>;

type Call =
    dyn Fn(Arc<Host>, Caller, JsonObject) -> Pin<Box<dyn Future<Output = Outcome> + Send>>
        + Send
        + Sync;

/// A tool ready to be called.
pub(super) struct RegisteredTool {
    tool: Tool,
    call: Box<Call>,
}

impl RegisteredTool {
    /// Calls it with arguments as they came.
    pub(super) async fn call(
        &self,
        host: Arc<Host>,
        caller: Caller,
        arguments: JsonObject,
    ) -> Outcome {
        (self.call)(host, caller, arguments).await
    }
}

/// The tools that a client sees.
#[derive(Default)]
pub(super) struct Toolbox {
    order: Vec<&'static str>,
    tools: HashMap<&'static str, RegisteredTool>,
}

impl Toolbox {
    /// Adds a tool.
    pub(super) fn with<T: NativeTool>(mut self) -> Self {
        let tool = Tool::new(T::NAME, T::DESCRIPTION, schema::<T::Arguments>())
            .with_title(T::TITLE)
            .with_raw_output_schema(Arc::new(schema::<T::Output>()))
            .with_annotations(T::EFFECT.annotations());
        let call: Box<Call> = Box::new(|host, caller, arguments| {
            Box::pin(async move {
                let arguments = parse::<T::Arguments>(arguments)?;
                let output = T::call(host, caller, arguments).await?;
                reply::success(&output, T::text(&output))
            })
        });
        self.order.push(T::NAME);
        self.tools.insert(T::NAME, RegisteredTool { tool, call });
        self
    }

    /// All tools as `tools/list` shows them.
    pub(super) fn list(&self) -> Vec<Tool> {
        self.order
            .iter()
            .map(|name| self.tools[name].tool.clone())
            .collect()
    }

    /// The tool of this name.
    pub(super) fn get(&self, name: &str) -> Option<&RegisteredTool> {
        self.tools.get(name)
    }
}

/// Arguments as typed values; the error names the argument that is wrong.
fn parse<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, HostError> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let what = error.into_inner();
        HostError::InvalidParameters(if path == "." {
            format!("the arguments are not right: {what}")
        } else {
            format!("the argument {path} is not right: {what}")
        })
    })
}

/// A type's JSON Schema, without what only costs a model's context: the
/// dialect, the type's name, numeric formats and bounds that follow from them.
fn schema<T: JsonSchema>() -> JsonObject {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut value = schema.to_value();
    trim(&mut value);
    match value {
        Value::Object(object) => object,
        // Only a schema of `true` is no object: anything goes.
        _ => JsonObject::new(),
    }
}

fn trim(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove("$schema");
            object.remove("title");
            if object.get("format").is_some_and(Value::is_string) {
                object.remove("format");
                object.remove("minimum");
                object.remove("maximum");
            }
            for (key, value) in object.iter_mut() {
                // A property may be called "title": only its schema is trimmed.
                if key == "properties" {
                    if let Value::Object(properties) = value {
                        properties.values_mut().for_each(trim);
                    }
                } else {
                    trim(value);
                }
            }
        }
        Value::Array(array) => array.iter_mut().for_each(trim),
        _ => {}
    }
}
