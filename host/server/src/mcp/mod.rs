//! MCP: tools over the host's operations.
//!
//! [`McpDoor`] is one client's view of the host, whatever transport carries it;
//! rmcp speaks the protocol in all its revisions. A tool family is a folder
//! here ([`native`]), a tool a file in it; [`families`] says which a client sees.

mod confirm;
mod families;
mod iterm_mcp;
mod layered_screenshot;
mod mcpretentious;
mod native;
mod policies;
mod reply;
mod screens;
mod terminal;
mod tool;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::request::Parts;
use quarterdeck_core::{Caller, CallerKind, Host, Transport};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::common::http_header::HEADER_SESSION_ID;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use families::ChosenTools;
pub use families::{ToolFamily, UnknownFamily};

/// The header by which a client over HTTP says which agent it is.
const AGENT_HEADER: &str = "quarterdeck-agent";

/// One client's view of the host.
pub struct McpDoor {
    host: Arc<Host>,
    transport: Transport,
    /// Tells this connection's default session from others'.
    connection: String,
    tools: ChosenTools,
    /// Why no tool can do anything, and what to do about it.
    remedy: Option<String>,
    /// The agent that this connection belongs to.
    agent: Option<String>,
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
            connection: format!("{}-{number}", transport.as_str()),
            tools: ChosenTools::of(families),
            remedy: None,
            agent: None,
        }
    }

    /// A view where nothing carries terminals: each tool answers with `remedy`.
    #[must_use]
    pub fn without_backend(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }

    /// A view for an agent: its locks let it through, its role binds it.
    #[must_use]
    pub fn for_agent(mut self, agent: Option<String>) -> Self {
        self.agent = agent;
        self
    }

    fn caller(&self, context: &RequestContext<RoleServer>) -> Caller {
        let client = context
            .client_info()
            .map(|client| format!("{} {}", client.name, client.version));
        Caller {
            kind: CallerKind::Agent,
            connection: if self.stands_alone(context) {
                // All that ties such requests together is the client's name.
                format!("http-client-{}", client.as_deref().unwrap_or("unnamed"))
            } else {
                self.connection.clone()
            },
            client,
            transport: self.transport,
            agent: self.agent.clone().or_else(|| named_agent(context)),
            fencing_token: None,
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
            let connection = std::mem::take(&mut self.connection);
            runtime.spawn(async move { host.connection_ended(&connection).await });
        }
    }
}

impl ServerHandler for McpDoor {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new("quarterdeck", env!("CARGO_PKG_VERSION"))
                    .with_title("Quarterdeck"),
            )
            .with_instructions(self.tools.instructions())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.list()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.list().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.tools.get(&request.name) else {
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
        let caller = self.caller(&context);
        if let Err(forbidden) = self.host.agents().may_call(&caller, &request.name) {
            return Ok(tool.failure(&forbidden).into());
        }
        Ok(confirm::call(&self.host, tool, caller, request, &context).await)
    }
}
