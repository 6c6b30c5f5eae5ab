//! `GET /dashboard/state`: what the page shows, in one answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use quarterdeck_core::gate::PendingConfirmation;
use quarterdeck_core::operations::{SessionState, SessionSummary};
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

impl From<SessionSummary> for Session {
    fn from(summary: SessionSummary) -> Self {
        Self {
            session_id: summary.id.to_string(),
            name: inert_text(&summary.name),
            state: summary.state,
            cpu: summary.usage.cpu_percent,
            memory: summary.usage.memory_mb,
            program: summary.program.map(|program| inert_text(&program)),
            working_directory: summary.cwd.map(|cwd| inert_text(&cwd.to_string_lossy())),
            backend: summary.backend.as_str(),
            ended: summary.ended,
            exit_status: summary.exit_status,
            created_at: rfc3339(summary.created_at),
            last_activity: rfc3339(summary.last_activity),
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
