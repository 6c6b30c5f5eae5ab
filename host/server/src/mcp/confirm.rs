//! Asking the person behind a client.
//!
//! When the gate wants a confirmation and the client can put a question to its
//! user (MCP elicitation), the question is put, and a yes makes the call once
//! more. Revisions up to 2025-11-25 ask in the middle of the call; 2026-07-28
//! has no requests from server to client, so the call is answered with
//! "input required" and the client makes it again with the person's answer.
//! Nobody is asked by a client inside a session: it would answer by itself.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::gate::{Answer, PendingConfirmation};
use quarterdeck_core::operations::ApprovalOrigin;
use quarterdeck_core::{Caller, Host, HostError};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, InputRequest, InputRequests, InputRequiredResult,
    JsonObject, ProtocolVersion,
};
use rmcp::service::RequestContext;

use super::client_process::ClientProcess;
use super::notices::Notices;
use super::questions::Questions;
use super::tool::RegisteredTool;

/// The key of the one question in an "input required" answer.
const QUESTION: &str = "confirm";

/// Whom a client's answers come from, and what it was asked.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) client: ClientProcess,
    pub(super) questions: &'a Questions,
}

/// Calls a tool, settling a confirmation on the way if the client can.
pub(super) async fn call(
    host: &Arc<Host>,
    tool: &RegisteredTool,
    caller: Caller,
    asking: Asking<'_>,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> CallToolResponse {
    let arguments = request.arguments.clone().unwrap_or_default();
    if let Some(refused) = take_answer(host, &caller, asking, &request, context).await {
        return tool.failure(&refused).into();
    }
    let make_call = |arguments: JsonObject| {
        tool.call(
            Arc::clone(host),
            caller.clone(),
            arguments,
            Notices::of(context),
        )
    };
    let pending = match make_call(arguments.clone()).await {
        Ok(result) => return result.into(),
        Err(HostError::ConfirmationRequired(pending)) => pending,
        Err(error) => return tool.failure(&error).into(),
    };
    match put_question(host, &caller, asking, &pending, context).await {
        Asked::Yes => match make_call(arguments).await {
            Ok(result) => result.into(),
            Err(error) => tool.failure(&error).into(),
        },
        Asked::No => tool.failure(&HostError::DeclinedByPerson).into(),
        Asked::InAnswer(input_required) => input_required.into(),
        Asked::Nobody => tool
            .failure(&HostError::ConfirmationRequired(pending))
            .into(),
    }
}

enum Asked {
    Yes,
    No,
    /// The client is to ask and call again.
    InAnswer(InputRequiredResult),
    /// The client cannot ask, or did not get an answer.
    Nobody,
}

async fn put_question(
    host: &Arc<Host>,
    caller: &Caller,
    asking: Asking<'_>,
    pending: &PendingConfirmation,
    context: &RequestContext<RoleServer>,
) -> Asked {
    let can_ask = context
        .client_capabilities()
        .and_then(|capabilities| capabilities.elicitation)
        // A client that names no mode means forms.
        .is_some_and(|modes| modes.form.is_some() || modes.url.is_none());
    if !can_ask {
        return Asked::Nobody;
    }
    let Some(process) = asking.client.outside_sessions(host, context).await else {
        return Asked::Nobody;
    };
    let question = question(pending);
    let asks_in_answer = context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
    if asks_in_answer {
        let questions = InputRequests::from([(
            QUESTION.to_owned(),
            InputRequest::Elicitation(ElicitRequest::new(question)),
        )]);
        return Asked::InAnswer(InputRequiredResult::new(
            Some(questions),
            Some(asking.questions.put(&caller.connection, pending)),
        ));
    }
    let patience = Duration::from_secs(pending.expires_in_seconds.max(1));
    match context
        .peer
        .create_elicitation_with_timeout(question, Some(patience))
        .await
    {
        // Closed without an answer: another person, or the same one later, may still say.
        Ok(answer) if answer.action == ElicitationAction::Cancel => Asked::Nobody,
        Ok(answer) => settle(host, caller, process, &pending.confirmation_id, &answer),
        Err(error) => {
            tracing::debug!(%error, "the client did not answer the question");
            Asked::Nobody
        }
    }
}

/// Records what the person said.
fn settle(host: &Host, caller: &Caller, process: u32, id: &str, answer: &ElicitResult) -> Asked {
    let allow = answer.action == ElicitationAction::Accept && !says_no(answer);
    let origin = ApprovalOrigin::Elicitation {
        client: caller
            .client
            .clone()
            .unwrap_or_else(|| "an unnamed client".to_owned()),
        pid: process,
    };
    let answer = match answer.action {
        ElicitationAction::Cancel => Answer::Dismiss,
        _ => Answer::from(allow),
    };
    match host.answer_confirmation(id, answer, &origin) {
        Ok(_) if allow => Asked::Yes,
        Ok(_) => Asked::No,
        // Expired meanwhile, or answered elsewhere: the call made again tells.
        Err(_) if allow => Asked::Yes,
        Err(_) => Asked::No,
    }
}

/// Some clients accept a form whose one field says no.
fn says_no(answer: &ElicitResult) -> bool {
    answer
        .content
        .as_ref()
        .and_then(|content| content.get("run"))
        .is_some_and(|run| run == false)
}

/// On a repeated call of revision 2026-07-28: takes the person's answer that it
/// brings. `Some` when the answer was no, or when there was none. An answer to what was not asked is none, so
/// the call is judged as if it came without.
async fn take_answer(
    host: &Arc<Host>,
    caller: &Caller,
    asking: Asking<'_>,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<HostError> {
    let ticket = request.request_state.as_ref()?;
    let answer = request.input_responses.as_ref()?.get(QUESTION)?;
    let answer: ElicitResult = serde_json::from_value(answer.clone()).ok()?;
    if answer.action == ElicitationAction::Cancel {
        let id = asking.questions.take(&caller.connection, ticket)?;
        let mut waiting = host.waiting_confirmations().into_iter();
        let pending = waiting.find(|it| it.confirmation_id == id)?;
        return Some(HostError::ConfirmationRequired(Box::new(pending)));
    }
    let process = asking.client.outside_sessions(host, context).await?;
    let id = asking.questions.take(&caller.connection, ticket)?;
    match settle(host, caller, process, &id, &answer) {
        Asked::No => Some(HostError::DeclinedByPerson),
        _ => None,
    }
}

fn question(pending: &PendingConfirmation) -> ElicitRequestParams {
    let mut message = format!(
        "Run this command in session {}?\n\n    {}\n\n{}",
        pending.session_id,
        quarterdeck_core::inert_text(&pending.command).replace('\n', "\n    "),
        pending.verdict.reason
    );
    if let Some(suggestion) = &pending.verdict.suggestion {
        message.push_str(&format!("\nInstead, consider: {suggestion}"));
    }
    let schema = ElicitationSchema::builder()
        .optional_bool("run", true)
        .build()
        .unwrap_or_else(|_| ElicitationSchema::new(Default::default()));
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema,
    }
}
