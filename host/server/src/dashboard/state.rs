//! `GET /dashboard/state`: what the page shows, in one answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use quarterdeck_core::gate::PendingConfirmation;
use quarterdeck_core::operations::{MeasuredSession, SessionState};
use quarterdeck_core::policy::PolicyStatus;
use quarterdeck_core::{inert_text, rfc3339};
use serde::Serialize;

use super::Dashboard;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    started_at: String,
    sessions: Vec<Session>,
    waiting: Vec<PendingConfirmation>,
    policies: Vec<PolicyStatus>,
    #[serde(rename = "incidents")]
    policy_problems: Vec<PolicyProblem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    name: String,
    state: SessionState,
    cpu: f64,
    memory: f64,
    program: Option<String>,
    working_directory: Option<String>,
    backend: &'static str,
    ended: bool,
    exit_status: Option<i32>,
    created_at: String,
    last_activity: String,
}

#[derive(Serialize)]
struct PolicyProblem {
    at: String,
    message: String,
}

impl From<MeasuredSession> for Session {
    fn from(MeasuredSession { session, usage }: MeasuredSession) -> Self {
        Self {
            session_id: session.id.to_string(),
            name: inert_text(&session.name),
            state: session.state,
            cpu: usage.cpu_percent,
            memory: usage.memory_mb,
            program: session.program.map(|program| inert_text(&program)),
            working_directory: session.cwd.map(|cwd| inert_text(&cwd.to_string_lossy())),
            backend: session.backend.as_str(),
            ended: session.ended,
            exit_status: session.exit_status,
            created_at: rfc3339(session.created_at),
            last_activity: rfc3339(session.last_activity),
        }
    }
}

pub(super) async fn state(State(dashboard): State<Arc<Dashboard>>) -> Response {
    let host = &dashboard.host;
    let sessions = match host.list_sessions().await {
        Ok(sessions) => sessions.into_iter().map(Into::into).collect(),
        Err(error) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    };
    Json(Shown {
        started_at: rfc3339(host.started_at()),
        sessions,
        waiting: host.waiting_confirmations(),
        policies: host.policies_so_far(),
        policy_problems: host
            .policy_problems()
            .into_iter()
            .map(|problem| PolicyProblem {
                at: rfc3339(problem.at),
                message: problem.message,
            })
            .collect(),
    })
    .into_response()
}
