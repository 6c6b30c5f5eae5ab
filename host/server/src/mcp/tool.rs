//! What a tool is, and the set of them.

mod shape;
mod wording;

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

use super::notices::Notices;
use super::persons::Person;
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

    /// Carries it out, and tells of progress meanwhile where the client wants to be
    /// told and the tool knows of any.
    fn call_noticed(
        host: Arc<Host>,
        caller: Caller,
        arguments: Self::Arguments,
        _notices: Option<Notices>,
    ) -> impl Future<Output = Result<Self::Output, HostError>> + Send {
        Self::call(host, caller, arguments)
    }

    /// The answer as a model reads it best.
    fn text(output: &Self::Output) -> String;

    /// A picture that goes with it, as a PNG file.
    fn png(_output: &Self::Output) -> Option<&[u8]> {
        None
    }
}

/// A tool of a family that other servers' clients know. What it answers is the
/// family's own affair: these clients match on texts.
pub(super) trait ForeignTool: 'static {
    /// The name that clients call.
    const NAME: &'static str;
    /// For models: what it does and when to use it.
    const DESCRIPTION: &'static str;
    /// What it may do.
    const EFFECT: Effect;
    /// What it takes.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// How its family speaks.
    type Dialect: Dialect;

    /// What a client is answered when a call was not carried out.
    fn failure(error: &HostError) -> CallToolResult {
        Self::Dialect::failure(error)
    }

    /// Carries it out.
    fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Outcome> + Send;

    /// Carries it out, and stops in the middle for what a person has to confirm, where
    /// it types into several sessions.
    fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: Self::Arguments,
        _person: Person,
    ) -> impl Future<Output = Outcome> + Send {
        Self::call(host, caller, arguments)
    }
}

/// How a family's clients put their arguments, and how they are told of errors.
pub(super) trait Dialect: 'static {
    /// Arguments in the shape that the tool declares with `schema`.
    fn arguments(arguments: JsonObject, _schema: &JsonObject) -> Result<JsonObject, HostError> {
        Ok(arguments)
    }

    /// What a client is answered when a call was not carried out.
    fn failure(error: &HostError) -> CallToolResult;
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

type Call = dyn Fn(
        Arc<Host>,
        Caller,
        JsonObject,
        Option<Notices>,
        Person,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send>>
    + Send
    + Sync;

/// A tool ready to be called.
pub(super) struct RegisteredTool {
    tool: Tool,
    call: Box<Call>,
    failure: fn(&HostError) -> CallToolResult,
}

impl RegisteredTool {
    /// Calls it with arguments as they came.
    pub(super) fn call(
        &self,
        host: Arc<Host>,
        caller: Caller,
        arguments: JsonObject,
        notices: Option<Notices>,
        person: Person,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let arguments = without_own_name(&self.tool, arguments);
        (self.call)(host, caller, arguments, notices, person)
    }

    /// What its clients are answered when a call was not carried out.
    pub(super) fn failure(&self, error: &HostError) -> CallToolResult {
        (self.failure)(error)
    }
}

/// Documents write a call down as `{"tool": NAME, …}`, and some clients send it as it
/// stands there.
fn without_own_name(tool: &Tool, mut arguments: JsonObject) -> JsonObject {
    let properties = tool.input_schema.get("properties");
    let takes_it = properties.is_some_and(|it| it.get("tool").is_some());
    if !takes_it && arguments.get("tool").and_then(Value::as_str) == Some(&*tool.name) {
        arguments.remove("tool");
    }
    arguments
}

/// A tool of the host's own as `tools/list` shows it.
pub(super) fn described<A: JsonSchema, O: JsonSchema>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
) -> Tool {
    Tool::new(name, description, input_schema::<A>())
        .with_title(title)
        .with_raw_output_schema(Arc::new(output_schema::<O>()))
        .with_annotations(effect.annotations())
}

/// The tools that a client sees.
#[derive(Default)]
pub(super) struct Toolbox {
    order: Vec<&'static str>,
    tools: HashMap<&'static str, RegisteredTool>,
}

impl Toolbox {
    /// Adds a tool.
    pub(super) fn with<T: NativeTool>(self) -> Self {
        let tool =
            described::<T::Arguments, T::Output>(T::NAME, T::TITLE, T::DESCRIPTION, T::EFFECT);
        let schema = Arc::clone(&tool.input_schema);
        let call: Box<Call> = Box::new(move |host, caller, arguments, notices, _person| {
            let arguments = shape::check(&schema, arguments);
            Box::pin(async move {
                let arguments = parse::<T::Arguments>(arguments?)?;
                let output = T::call_noticed(host, caller, arguments, notices).await?;
                reply::success(&output, T::text(&output), T::png(&output))
            })
        });
        self.add(T::NAME, tool, call, reply::failure)
    }

    /// Adds a tool of a family with a dialect.
    pub(super) fn with_foreign<T: ForeignTool>(self) -> Self {
        let tool = Tool::new(T::NAME, T::DESCRIPTION, input_schema::<T::Arguments>())
            .with_annotations(T::EFFECT.annotations());
        let schema = Arc::clone(&tool.input_schema);
        let call: Box<Call> = Box::new(move |host, caller, arguments, _notices, person| {
            let arguments = T::Dialect::arguments(arguments, &schema)
                .and_then(|arguments| shape::check(&schema, arguments));
            Box::pin(async move {
                let arguments = parse::<T::Arguments>(arguments?)?;
                T::call_asking(host, caller, arguments, person).await
            })
        });
        self.add(T::NAME, tool, call, T::failure)
    }

    fn add(
        mut self,
        name: &'static str,
        tool: Tool,
        call: Box<Call>,
        failure: fn(&HostError) -> CallToolResult,
    ) -> Self {
        self.order.push(name);
        self.tools.insert(
            name,
            RegisteredTool {
                tool,
                call,
                failure,
            },
        );
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
pub(super) fn parse<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, HostError> {
    let mut arguments = Value::Object(arguments);
    write_whole_numbers_as_such(&mut arguments);
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let what = wording::in_words(&error.into_inner().to_string());
        HostError::InvalidParameters(if path == "." {
            format!("the arguments are not right: {what}")
        } else {
            format!("the argument {path} is not right: {what}")
        })
    })
}

/// JSON Schema takes 100.0 for an integer, serde does not.
fn write_whole_numbers_as_such(value: &mut Value) {
    // From here on two integers may be the same number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = (number.as_f64()).filter(|it| it.fract() == 0.0 && it.abs() < EXACT);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_as_such),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_as_such),
        _ => {}
    }
}

/// The schema of what a tool takes.
fn input_schema<T: JsonSchema>() -> JsonObject {
    let mut arguments = schema::<T>();
    // What a tool is for is said of the tool; this tells of a type of ours.
    arguments.remove("description");
    let mut arguments = Value::Object(arguments);
    leave_out_null(&mut arguments);
    object(arguments)
}

/// What a tool answers. Some clients, the official TypeScript one among them, hold errors
/// to this schema too, in which nothing of the output is.
fn output_schema<T: JsonSchema>() -> JsonObject {
    let mut output = schema::<T>();
    output.remove("required");
    output
}

/// A type's JSON Schema, without what only costs a model's context: the
/// dialect, the type's name, numeric formats and bounds that follow from them.
fn schema<T: JsonSchema>() -> JsonObject {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut value = schema.to_value();
    trim(&mut value);
    object(value)
}

fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(object) => object,
        // Only a schema of `true` is no object: anything goes.
        _ => JsonObject::new(),
    }
}

/// An optional argument is left out rather than null. Null is taken all the
/// same, but several clients stumble over two types for one argument.
fn leave_out_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(values)) = object.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            if let Some(Value::Array(variants)) = object.get_mut("anyOf") {
                variants.retain(|variant| variant["type"] != "null");
                if let [Value::Object(only)] = variants.as_mut_slice() {
                    let only = std::mem::take(only);
                    object.remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            object.values_mut().for_each(leave_out_null);
        }
        Value::Array(array) => array.iter_mut().for_each(leave_out_null),
        _ => {}
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        for (given, meant) in [
            (json!(100.0), json!(100)),
            (json!([-3.0, { "a": 2e3 }]), json!([-3, { "a": 2000 }])),
            (json!(1.5), json!(1.5)),
            (json!(1e300), json!(1e300)),
            (json!("1.0"), json!("1.0")),
        ] {
            let mut value = given.clone();
            write_whole_numbers_as_such(&mut value);
            assert_eq!(value, meant, "{given}");
        }
    }

    #[test]
    fn a_call_may_hold_the_name_of_its_tool() {
        let tool = |schema: Value| match schema {
            Value::Object(schema) => Tool::new("look", "Looks.", schema),
            _ => unreachable!("an object"),
        };
        let kept = |tool: &Tool, given: &str| {
            let arguments = JsonObject::from_iter([("tool".to_owned(), json!(given))]);
            !without_own_name(tool, arguments).is_empty()
        };
        let plain = tool(json!({ "properties": { "at": {} } }));
        assert!(!kept(&plain, "look"));
        assert!(kept(&plain, "another"), "that is a mistake, and is told");
        assert!(kept(&tool(json!({ "properties": { "tool": {} } })), "look"));
    }

    #[test]
    fn the_argument_that_is_wrong_is_named() {
        #[derive(Debug, serde::Deserialize)]
        struct Arguments {
            #[expect(dead_code, reason = "it is never right")]
            lines: u64,
        }
        let Value::Object(given) = json!({ "lines": "many" }) else {
            unreachable!("an object")
        };
        let error = parse::<Arguments>(given)
            .expect_err("no number")
            .to_string();
        assert_eq!(
            error,
            "the argument lines is not right: the text \"many\" is given, a whole number from 0 is expected"
        );
    }
}
