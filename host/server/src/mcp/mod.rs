//! MCP: tools over the host's operations.
//!
//! [`McpDoor`] is one client's view of the host, whatever transport carries it;
//! rmcp speaks the protocol in all its revisions. A tool family is a folder
//! here ([`native`]), a tool a file in it; [`families`] says which a client sees.

mod agents;
mod choices;
mod client_process;
mod client_settings;
mod confirm;
mod enhanced;
mod families;
pub(crate) mod iterm_mcp;
mod layered_screenshot;
mod mcpretentious;
mod misunderstood;
mod native;
mod native_words;
mod notices;
mod order;
mod persons;
mod policies;
mod questions;
mod reply;
mod screens;
mod subscriptions;
mod terminal;
mod tool;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::request::Parts;
use quarterdeck_core::{
    BackendChoice, Caller, CallerKind, ConnectionId, Host, TRACE_TARGET, Transport,
};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    CompletionInfo, ContentBlock, CustomRequest, CustomResult, ErrorCode, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference,
    ServerCapabilities, ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::transport::common::http_header::HEADER_SESSION_ID;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tracing::Instrument;

use crate::http::rates::CallCount;
pub(crate) use choices::Choices;
use choices::TOOL_FAMILIES;
use client_process::ClientProcess;
pub use client_settings::ClientSettings;
use confirm::Asking;
use families::ChosenTools;
pub use families::{ToolFamily, UnknownFamily};
pub(crate) use iterm_mcp::control;
use iterm_mcp::prompts;
use iterm_mcp::resources::{self, ResourceUri};
use misunderstood::misunderstood;
pub use order::in_order;
pub(crate) use questions::Questions;
use subscriptions::Subscriptions;

/// The header by which a client over HTTP says which agent it is.
const AGENT_HEADER: &str = "quarterdeck-agent";

/// One client's view of the host.
pub struct McpDoor {
    host: Arc<Host>,
    transport: Transport,
    /// Tells this connection's default session from others'.
    connection: ConnectionId,
    /// What it sees unless it has chosen something else.
    tools: ChosenTools,
    choices: Arc<Choices>,
    /// Why no tool can do anything, and what to do about it.
    remedy: Option<String>,
    /// The agent that this connection belongs to.
    agent: Option<String>,
    /// What its new sessions are opened on, unless the host is to choose.
    backend: Option<BackendChoice>,
    /// Where its new sessions start, unless that is the host's folder.
    folder: Option<PathBuf>,
    /// Where a person's answers would come from.
    client: ClientProcess,
    questions: Arc<Questions>,
    subscriptions: Subscriptions,
}

impl McpDoor {
    /// A view for one connection, on the tools of `families`.
    pub fn new(host: Arc<Host>, transport: Transport, families: &[ToolFamily]) -> Self {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
        host.agents().know_tools(families::all_names);
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self {
            host,
            transport,
            connection: format!("{}-{number}", transport.as_str()).into(),
            tools: ChosenTools::of(families),
            choices: Arc::default(),
            remedy: None,
            agent: None,
            backend: None,
            folder: None,
            client: ClientProcess::at(transport),
            questions: Arc::default(),
            subscriptions: Subscriptions::default(),
        }
    }

    /// A view for one connection of a client with these settings; on the tools of
    /// `families` where they name none.
    pub fn of_client(
        host: Arc<Host>,
        transport: Transport,
        families: &[ToolFamily],
        client: ClientSettings,
    ) -> Self {
        let families = client.tools.as_deref().unwrap_or(families);
        let mut door = Self::new(host, transport, families);
        // Its locks let it through, its role binds it.
        door.agent = client.agent;
        door.backend = client.backend;
        // A client in another container has folders that are not here.
        door.folder = client.folder.filter(|folder| folder.is_dir());
        if client.calls_name_backends {
            door.tools.show_that_calls_name_backends();
        }
        door
    }

    /// A view where nothing carries terminals: each tool answers with `remedy`.
    #[must_use]
    pub fn without_backend(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }

    /// A view that shares its memory of what connections have chosen with others.
    #[must_use]
    pub(crate) fn with_choices(mut self, choices: Arc<Choices>) -> Self {
        self.choices = choices;
        self
    }

    /// A view that shares with others which questions wait for an answer.
    #[must_use]
    pub(crate) fn with_questions(mut self, questions: Arc<Questions>) -> Self {
        self.questions = questions;
        self
    }

    /// A view for a client that is this process, which has just connected.
    #[must_use]
    pub(crate) fn of_process(mut self, pid: u32) -> Self {
        self.client = match self.host.is_inside_a_session(pid) {
            true => ClientProcess::InsideASession,
            false => ClientProcess::Known(pid),
        };
        self
    }

    /// What the client sees now.
    fn tools_of(&self, context: &RequestContext<RoleServer>) -> ChosenTools {
        let chosen = self.choices.of(&self.caller(context).connection);
        chosen.unwrap_or_else(|| self.tools.clone())
    }

    /// Whether the client sees resources and prompts now.
    fn brings_resources(&self, context: &RequestContext<RoleServer>) -> bool {
        self.tools_of(context).bring_resources()
    }

    /// Whether it ever may.
    fn may_bring_resources(&self) -> bool {
        self.tools.bring_resources() || self.tools.can_be_switched()
    }

    /// Lets the client switch families, and tells it that its tools are others.
    async fn switch_families(
        &self,
        caller: &Caller,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        let arguments = request.arguments.unwrap_or_default();
        let tools = self.tools_of(context);
        match self.choices.switch(&caller.connection, &tools, arguments) {
            Ok((answer, changed)) => {
                if changed && !self.stands_alone(context) {
                    // A client that has gone meanwhile needs no news.
                    let _ = context.peer.notify_tool_list_changed().await;
                }
                answer
            }
            Err(error) => reply::failure(&error),
        }
    }

    fn caller(&self, context: &RequestContext<RoleServer>) -> Caller {
        let client = context
            .client_info()
            .map(|client| format!("{} {}", client.name, client.version));
        Caller {
            kind: CallerKind::Agent,
            connection: if self.stands_alone(context) {
                ConnectionId::standing_alone(client.as_deref())
            } else {
                self.connection.clone()
            },
            client,
            transport: self.transport,
            agent: self.agent.clone().or_else(|| named_agent(context)),
            fencing_token: None,
            backend: self.backend,
            folder: self.folder.clone(),
        }
    }

    /// Whether this HTTP request belongs to no protocol session, as in the
    /// revisions since 2026-07-28.
    fn stands_alone(&self, context: &RequestContext<RoleServer>) -> bool {
        self.transport == Transport::Http
            && context
                .extensions
                .get::<Parts>()
                .is_some_and(|request| !request.headers.contains_key(HEADER_SESSION_ID))
    }

    /// Carries a call out, once it may be made.
    async fn carry_out(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = self.tools_of(context);
        if request.name == TOOL_FAMILIES && tools.can_be_switched() {
            let caller = self.caller(context);
            if let Err(forbidden) = self.host.agents().may_call(&caller, TOOL_FAMILIES) {
                return Ok(reply::failure(&forbidden).into());
            }
            let answer = self.switch_families(&caller, request, context).await;
            return Ok(answer.into());
        }
        let Some((family, tool)) = tools.get(&request.name) else {
            return Err(ErrorData::invalid_params(
                format!(
                    "there is no tool {:?}; tools/list names those that exist",
                    request.name
                ),
                None,
            ));
        };
        if let Some(remedy) = &self.remedy {
            let told = CallToolResult::error(vec![ContentBlock::text(remedy)]);
            return Ok(told.into());
        }
        let caller = self.caller(context);
        let counted = self.host.count_request(
            family.as_str(),
            caller.connection.as_str(),
            caller.client.as_deref(),
            &request.name,
        );
        if let Some(parts) = context.extensions.get::<Parts>() {
            CallCount::tell(parts, &counted);
        }
        if let Err(too_often) = counted {
            return Ok(tool.failure(&too_often).into());
        }
        if let Err(forbidden) = self.host.agents().may_call(&caller, &request.name) {
            return Ok(tool.failure(&forbidden).into());
        }
        let span = tracing::info_span!(
            target: TRACE_TARGET,
            "tools/call",
            otel.kind = "server",
            otel.name = format!("tools/call {}", request.name),
            gen_ai.tool.name = %request.name,
            client = caller.client.as_deref(),
        );
        let asking = Asking {
            client: self.client,
            questions: &self.questions,
        };
        self.host.find_earlier_sessions().await;
        let call = confirm::call(&self.host, tool, caller, asking, request, context);
        let answer = order::begin(&context.extensions, call);
        Ok(answer.instrument(span).await)
    }
}

/// The agent that an HTTP request names.
fn named_agent(context: &RequestContext<RoleServer>) -> Option<String> {
    let request = context.extensions.get::<Parts>()?;
    let named = request.headers.get(AGENT_HEADER)?.to_str().ok()?.trim();
    (!named.is_empty()).then(|| named.to_owned())
}

impl Drop for McpDoor {
    fn drop(&mut self) {
        // Without a runtime the whole host is ending, sessions and all.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let host = Arc::clone(&self.host);
            let connection = self.connection.clone();
            self.choices.forget(&connection);
            runtime.spawn(async move { host.connection_ended(&connection).await });
        }
    }
}

impl ServerHandler for McpDoor {
    fn get_info(&self) -> ServerConfig {
        let tools = ServerCapabilities::builder().enable_tools();
        let capabilities = match (self.tools.can_be_switched(), self.may_bring_resources()) {
            (false, false) => tools.build(),
            (false, true) => tools
                .enable_resources()
                .enable_resources_subscribe()
                .enable_prompts()
                .enable_completions()
                .build(),
            (true, _) => tools
                .enable_tool_list_changed()
                .enable_resources()
                .enable_resources_subscribe()
                .enable_prompts()
                .enable_completions()
                .build(),
        };
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("quarterdeck", env!("CARGO_PKG_VERSION"))
                    .with_title("Quarterdeck"),
            )
            .with_instructions(self.tools.instructions())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        takes_no_cursor(request)?;
        Ok(ListToolsResult::with_all_items(
            self.tools_of(&context).list(),
        ))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        // Whose request it is remains unsaid: whichever family it is of.
        let all = ChosenTools::of(ToolFamily::ALL);
        let tools = [&self.tools, &all].map(ChosenTools::list);
        tools.into_iter().flatten().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let answer = self.carry_out(request, &context).await?;
        Ok(reply::as_read_by(context.protocol_version(), answer))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(misunderstood(request))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        takes_no_cursor(request)?;
        let listed = match self.brings_resources(&context) {
            true => resources::list(&self.host).await,
            false => Vec::new(),
        };
        Ok(ListResourcesResult::with_all_items(listed))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        takes_no_cursor(request)?;
        let listed = match self.brings_resources(&context) {
            true => resources::templates(),
            false => Vec::new(),
        };
        Ok(ListResourceTemplatesResult::with_all_items(listed))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = self.resource(&request.uri, &context)?;
        let caller = self.caller(&context);
        self.host.find_earlier_sessions().await;
        match resources::read(&self.host, &uri, &caller).await {
            Ok(contents) => Ok(ReadResourceResult::new(vec![contents]).into()),
            Err(error) => Err(ErrorData::resource_not_found(error.to_string(), None)),
        }
    }

    #[allow(
        deprecated,
        reason = "clients of the revisions up to 2025-11-25 know nothing else"
    )]
    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let uri = self.resource(&request.uri, &context)?;
        let added = self
            .subscriptions
            .add(Arc::clone(&self.host), uri, context.peer);
        (added.await).map_err(|error| ErrorData::invalid_params(error.to_string(), None))
    }

    #[allow(
        deprecated,
        reason = "clients of the revisions up to 2025-11-25 know nothing else"
    )]
    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions
            .remove(&self.resource(&request.uri, &context)?);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.may_bring_resources().then(|| {
            self.choices.promise_changes();
            let known = asked.resource_subscriptions.iter().flatten();
            let known = known.filter(|uri| uri.parse::<ResourceUri>().is_ok());
            SubscriptionFilter::builder()
                .tools_list_changed()
                .resource_subscriptions(known.cloned())
                .build()
        })
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let changes = self.choices.changes();
        subscriptions::listen(&self.host, &context, changes, &self.connection).await;
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        takes_no_cursor(request)?;
        let listed = match self.brings_resources(&context) {
            true => prompts::list(),
            false => Vec::new(),
        };
        Ok(ListPromptsResult::with_all_items(listed))
    }

    #[allow(
        deprecated,
        reason = "clients of the revisions up to 2025-11-25 know nothing else"
    )]
    async fn set_level(
        &self,
        _request: rmcp::model::SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let message = "there is no method \"logging/setLevel\" here: this server sends its clients no log messages";
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if !self.brings_resources(&context) {
            return Err(no_such("prompt", &request.name));
        }
        let message = prompts::get(&request.name, &request.arguments.unwrap_or_default())
            .map_err(|error| ErrorData::invalid_params(error, None))?;
        Ok(GetPromptResult::new(vec![message]).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let argument = &request.argument;
        if let Reference::Prompt(prompt) = &request.r#ref
            && !(self.brings_resources(&context) && prompts::is_known(&prompt.name))
        {
            return Err(no_such("prompt", &prompt.name));
        }
        let mut values = match self.brings_resources(&context) {
            true => {
                prompts::complete(&self.host, &request.r#ref, &argument.name, &argument.value).await
            }
            false => Vec::new(),
        };
        let total = u32::try_from(values.len()).unwrap_or(u32::MAX);
        values.truncate(CompletionInfo::MAX_VALUES);
        let more = total as usize > values.len();
        CompletionInfo::with_pagination(values, Some(total), more)
            .map(CompleteResult::new)
            .map_err(|error| ErrorData::internal_error(error, None))
    }
}

impl McpDoor {
    /// The resource of this URI, if the chosen families bring any.
    fn resource(
        &self,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<ResourceUri, ErrorData> {
        if !self.brings_resources(context) {
            return Err(no_such("resource", uri));
        }
        uri.parse()
            .map_err(|error: String| ErrorData::resource_not_found(error, None))
    }
}

/// Lists are told whole, so that no cursor is one of theirs.
fn takes_no_cursor(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(cursor) => Err(ErrorData::invalid_params(
            format!("{cursor:?} is no cursor of this list, which is told whole: leave it out"),
            None,
        )),
    }
}

fn no_such(what: &str, name: &str) -> ErrorData {
    ErrorData::invalid_params(
        format!("there is no {what} {name:?}: choose the tool family iterm-mcp to have some"),
        None,
    )
}
