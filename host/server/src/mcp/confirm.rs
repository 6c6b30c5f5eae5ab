//! Asking the person behind a client.
//!
//! When the gate wants a confirmation and the client can put a question to its
//! user (MCP elicitation), the question is put, and a yes makes the call once
//! more. A tool that types into many sessions stops instead, with one question for all
//! that waits, and goes on with the answer: what it has typed is not typed again.
//! Revisions up to 2025-11-25 ask in the middle of the call; 2026-07-28
//! has no requests from server to client, so the call is answered with
//! "input required" and the client makes it again with the person's answer.
//! Nobody is asked by a client inside a session: it would answer by itself.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::gate::PendingConfirmation;
use quarterdeck_core::operations::ApprovalOrigin;
use quarterdeck_core::{Caller, Host, HostError};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, InputRequest, InputRequests, InputRequiredResult,
    ProtocolVersion,
};
use rmcp::service::RequestContext;
use tokio::sync::{mpsc, oneshot};

use super::client_process::ClientProcess;
use super::notices::Notices;
use super::persons::{Stop, person};
use super::questions::{Question, Questions};
use super::tool::{Outcome, RegisteredTool};

/// The key of the one question in an "input required" answer.
const QUESTION: &str = "confirm";

/// The field of a form that says whether the one command runs, or all of them; with a
/// number behind it, one of several.
const RUN: &str = "run";

/// Whom a client's answers come from, and what it was asked.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) client: ClientProcess,
    pub(super) questions: &'a Questions,
}

/// A tool at work, which may stop for a person's answer.
struct WorkingCall {
    tool: String,
    work: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    stops: mpsc::Receiver<Stop>,
}

/// One that has stopped.
pub(super) struct StoppedCall {
    call: WorkingCall,
    answered: oneshot::Sender<bool>,
}

/// How far a call has come.
enum Came {
    ToItsEnd(Outcome),
    /// The client is to ask, and call again.
    ToAQuestion(InputRequiredResult),
}

/// Calls a tool, settling confirmations on the way if the client can.
pub(super) async fn call(
    host: &Arc<Host>,
    tool: &RegisteredTool,
    caller: Caller,
    asking: Asking<'_>,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> CallToolResponse {
    let door = Door {
        host,
        caller: &caller,
        asking,
        context,
    };
    let begin = |may_ask: bool| {
        let (person, stops) = person(may_ask);
        let arguments = request.arguments.clone().unwrap_or_default();
        let (host, caller) = (Arc::clone(host), caller.clone());
        WorkingCall {
            tool: request.name.to_string(),
            work: tool.call(host, caller, arguments, Notices::of(context), person),
            stops,
        }
    };
    let mut may_ask = true;
    let first = match door.answer_brought(&request).await {
        None => begin(may_ask),
        Some((said, Some(stopped))) => {
            may_ask = said != Said::Nothing;
            let _ = stopped.answered.send(may_ask);
            stopped.call
        }
        Some((Said::No, None)) => return tool.failure(&HostError::DeclinedByPerson).into(),
        Some((said, None)) => {
            may_ask = said != Said::Nothing;
            begin(may_ask)
        }
    };
    let pending = match door.carry(first).await {
        Came::ToAQuestion(input_required) => return input_required.into(),
        Came::ToItsEnd(Ok(result)) => return result.into(),
        Came::ToItsEnd(Err(HostError::ConfirmationRequired(pending))) => pending,
        Came::ToItsEnd(Err(error)) => return tool.failure(&error).into(),
    };
    let asked = match may_ask {
        true => door.put_question(std::slice::from_ref(&*pending)).await,
        false => Asked::Said(Said::Nothing),
    };
    match asked {
        Asked::Said(Said::Yes) => match door.carry(begin(true)).await {
            Came::ToAQuestion(input_required) => input_required.into(),
            Came::ToItsEnd(Ok(result)) => result.into(),
            Came::ToItsEnd(Err(error)) => tool.failure(&error).into(),
        },
        Asked::Said(Said::No) => tool.failure(&HostError::DeclinedByPerson).into(),
        Asked::Said(Said::Nothing) => tool
            .failure(&HostError::ConfirmationRequired(pending))
            .into(),
        Asked::InAnswer(question) => {
            let waiting = vec![*pending];
            let stopped = None;
            door.input_required(question, Question { waiting, stopped })
                .into()
        }
    }
}

/// What a person said to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Yes, to one of several at least.
    Yes,
    No,
    /// The client cannot ask, or did not get an answer.
    Nothing,
}

enum Asked {
    Said(Said),
    /// The client is to ask this, and call again.
    InAnswer(ElicitRequestParams),
}

/// One request, and where it came from.
struct Door<'a> {
    host: &'a Arc<Host>,
    caller: &'a Caller,
    asking: Asking<'a>,
    context: &'a RequestContext<RoleServer>,
}

impl Door<'_> {
    /// Carries a call to its end, or to a question that its client has to put.
    async fn carry(&self, mut call: WorkingCall) -> Came {
        loop {
            let stop = tokio::select! {
                outcome = &mut call.work => return Came::ToItsEnd(outcome),
                Some(stop) = call.stops.recv() => stop,
            };
            let Stop { waiting, answered } = stop;
            match self.put_question(&waiting).await {
                Asked::Said(said) => {
                    let _ = answered.send(said != Said::Nothing);
                }
                Asked::InAnswer(question) => {
                    let stopped = Some(StoppedCall { call, answered });
                    let question = self.input_required(question, Question { waiting, stopped });
                    return Came::ToAQuestion(question);
                }
            }
        }
    }

    fn input_required(&self, asked: ElicitRequestParams, about: Question) -> InputRequiredResult {
        let request = InputRequest::Elicitation(ElicitRequest::new(asked));
        let questions = InputRequests::from([(QUESTION.to_owned(), request)]);
        let ticket = self.asking.questions.put(&self.caller.connection, about);
        InputRequiredResult::new(Some(questions), Some(ticket))
    }

    async fn put_question(&self, waiting: &[PendingConfirmation]) -> Asked {
        let can_ask = self
            .context
            .client_capabilities()
            .and_then(|capabilities| capabilities.elicitation)
            // A client that names no mode means forms.
            .is_some_and(|modes| modes.form.is_some() || modes.url.is_none());
        if !can_ask {
            return Asked::Said(Said::Nothing);
        }
        let outside = self.asking.client.outside_sessions(self.host, self.context);
        let Some(process) = outside.await else {
            return Asked::Said(Said::Nothing);
        };
        let question = question(waiting);
        let asks_in_answer = self
            .context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        if asks_in_answer {
            return Asked::InAnswer(question);
        }
        let seconds = waiting.iter().map(|it| it.expires_in_seconds).min();
        let patience = Duration::from_secs(seconds.unwrap_or_default().max(1));
        let answered = self
            .context
            .peer
            .create_elicitation_with_timeout(question, Some(patience));
        match answered.await {
            // Closed without an answer: another person, or the same one later, may still say.
            Ok(answer) if answer.action == ElicitationAction::Cancel => Asked::Said(Said::Nothing),
            Ok(answer) => Asked::Said(self.settle(process, waiting, &answer)),
            Err(error) => {
                tracing::debug!(%error, "the client did not answer the question");
                Asked::Said(Said::Nothing)
            }
        }
    }

    /// Records what the person said to each command.
    fn settle(&self, process: u32, waiting: &[PendingConfirmation], answer: &ElicitResult) -> Said {
        let origin = ApprovalOrigin::Elicitation {
            client: (self.caller.client.clone()).unwrap_or_else(|| "an unnamed client".to_owned()),
            pid: process,
        };
        let mut said = Said::No;
        for (number, command) in (1..).zip(commands(waiting)) {
            let allow = says_yes(answer, number);
            for pending in command {
                // Expired meanwhile, or answered elsewhere: the call that goes on tells.
                let _ = (self.host).answer_confirmation(&pending.confirmation_id, allow, &origin);
            }
            if allow {
                said = Said::Yes;
            }
        }
        said
    }

    /// On a repeated call of revision 2026-07-28: what the person said, and the call that
    /// was stopped for it. An answer to what was not asked is none, so the call is judged
    /// as if it came without.
    async fn answer_brought(
        &self,
        request: &CallToolRequestParams,
    ) -> Option<(Said, Option<StoppedCall>)> {
        let ticket = request.request_state.as_ref()?;
        let answer = request.input_responses.as_ref()?.get(QUESTION)?;
        let answer: ElicitResult = serde_json::from_value(answer.clone()).ok()?;
        let outside = self.asking.client.outside_sessions(self.host, self.context);
        let process = outside.await;
        if process.is_none() && answer.action != ElicitationAction::Cancel {
            return None;
        }
        let question = (self.asking.questions).take(&self.caller.connection, ticket)?;
        let said = match process {
            Some(process) if answer.action != ElicitationAction::Cancel => {
                self.settle(process, &question.waiting, &answer)
            }
            _ => Said::Nothing,
        };
        let stopped = question.stopped.filter(|it| it.call.tool == request.name);
        Some((said, stopped))
    }
}

/// Whether a person lets command `number` of a question run. A form that is accepted
/// without being filled in agrees to what it shows; a filled-in one has to say `true`:
/// some clients accept with "no" in words, or with another form's fields.
fn says_yes(answer: &ElicitResult, number: usize) -> bool {
    if answer.action != ElicitationAction::Accept {
        return false;
    }
    let Some(content) = &answer.content else {
        return true;
    };
    let Some(form) = content.as_object() else {
        return false;
    };
    let of_all = form.get(RUN);
    let of_this = form.get(&field(number));
    let said: Vec<_> = of_all.into_iter().chain(of_this).collect();
    form.is_empty() || (!said.is_empty() && said.into_iter().all(|it| *it == true))
}

/// What waits, by command: one answer does for the same in several sessions.
fn commands(waiting: &[PendingConfirmation]) -> Vec<Vec<&PendingConfirmation>> {
    let mut commands: Vec<Vec<&PendingConfirmation>> = Vec::new();
    for pending in waiting {
        let same = commands.iter_mut().find(|command| {
            let reason = &command[0].verdict.reason;
            command[0].command == pending.command && *reason == pending.verdict.reason
        });
        match same {
            Some(command) => command.push(pending),
            None => commands.push(vec![pending]),
        }
    }
    commands
}

fn field(number: usize) -> String {
    format!("{RUN}{number}")
}

fn question(waiting: &[PendingConfirmation]) -> ElicitRequestParams {
    let commands = commands(waiting);
    let mut message = match commands.as_slice() {
        [command] => format!("Run this command in {}?", sessions(command)),
        _ => "Run these commands?".to_owned(),
    };
    let mut form = ElicitationSchema::builder();
    if commands.len() == 1 {
        form = form.optional_bool(RUN, true);
    }
    for (number, command) in (1..).zip(&commands) {
        let PendingConfirmation {
            command: line,
            verdict,
            ..
        } = command[0];
        if commands.len() > 1 {
            form = form.optional_bool(field(number), true);
            message.push_str(&format!("\n\n{number}. In {}:", sessions(command)));
        }
        message.push_str(&format!(
            "\n\n    {}\n\n{}",
            quarterdeck_core::inert_text(line).replace('\n', "\n    "),
            verdict.reason
        ));
        if let Some(suggestion) = &verdict.suggestion {
            message.push_str(&format!("\nInstead, consider: {suggestion}"));
        }
    }
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: (form.build())
            .unwrap_or_else(|_| ElicitationSchema::new(Default::default())),
    }
}

/// `session a`, or `sessions a, b`.
fn sessions(command: &[&PendingConfirmation]) -> String {
    let ids: Vec<&str> = command.iter().map(|it| it.session_id.as_str()).collect();
    match ids.as_slice() {
        [one] => format!("session {one}"),
        ids => format!("sessions {}", ids.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn accepted(content: Option<Value>) -> ElicitResult {
        let mut answer = json!({"action": "accept"});
        if let Some(content) = content {
            answer["content"] = content;
        }
        serde_json::from_value(answer).expect("an answer")
    }

    #[test]
    fn a_form_that_is_filled_in_has_to_say_true() {
        assert!(says_yes(&accepted(None), 1));
        for yes in [
            json!({}),
            json!({"run": true}),
            json!({"run2": false, "run1": true}),
        ] {
            assert!(says_yes(&accepted(Some(yes.clone())), 1), "{yes}");
        }
        for no in [
            json!({"run": false}),
            json!({"run": "false"}),
            json!({"run": "no"}),
            json!({"run": 0}),
            json!({"run": null}),
            json!({"other": false}),
            json!({"run": true, "run1": false}),
            json!({"run": false, "run1": true}),
            json!({"run2": true}),
        ] {
            assert!(!says_yes(&accepted(Some(no.clone())), 1), "{no}");
        }
    }
}
