//! What a person does by pressing a button.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use quarterdeck_core::gate::Answer;
use quarterdeck_core::operations::{ApprovalOrigin, CreateSession};
use quarterdeck_core::{ErrorCode, HostError};
use serde::Deserialize;
use serde_json::json;

use super::Dashboard;
use super::person::{NOT_A_PERSON, OtherEnd, caller};
use crate::http::guard::refusal;
use crate::standing::{Standing, standing};

/// A person's answer to a confirmation.
#[derive(Deserialize)]
pub(super) struct Answered {
    answer: Answer,
}

/// `POST /dashboard/confirmations/{id}`.
pub(super) async fn answer(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(connection): OtherEnd,
    Path(id): Path<String>,
    Json(answered): Json<Answered>,
) -> Response {
    let Standing::Outside { pid, user } = standing(&dashboard.host, connection).await else {
        return refusal(StatusCode::FORBIDDEN, NOT_A_PERSON);
    };
    let origin = ApprovalOrigin::Process { pid, user };
    match dashboard
        .host
        .answer_confirmation(&id, answered.answer, &origin)
    {
        Ok(pending) => Json(pending).into_response(),
        Err(error) => failed(&error),
    }
}

/// `POST /dashboard/sessions`.
pub(super) async fn open_session(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(connection): OtherEnd,
) -> Response {
    if !is_person(&dashboard, connection).await {
        return refusal(StatusCode::FORBIDDEN, NOT_A_PERSON);
    }
    let asked = CreateSession::default();
    match dashboard.host.create_session(asked, &caller("page")).await {
        Ok(created) => Json(json!({ "sessionId": created.id })).into_response(),
        Err(error) => failed(&error),
    }
}

/// `POST /dashboard/sessions/{id}/close`.
pub(super) async fn close_session(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(connection): OtherEnd,
    Path(id): Path<String>,
) -> Response {
    if !is_person(&dashboard, connection).await {
        return refusal(StatusCode::FORBIDDEN, NOT_A_PERSON);
    }
    match dashboard.host.close_session(&id, &caller("page")).await {
        Ok(_) => Json(json!({ "sessionId": id })).into_response(),
        Err(error) => failed(&error),
    }
}

async fn is_person(dashboard: &Dashboard, connection: crate::peer::Connection) -> bool {
    let standing = standing(&dashboard.host, connection).await;
    matches!(standing, Standing::Outside { .. })
}

fn failed(error: &HostError) -> Response {
    let status = match error.code() {
        ErrorCode::SessionNotFound => StatusCode::NOT_FOUND,
        ErrorCode::InvalidParameters => StatusCode::BAD_REQUEST,
        ErrorCode::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorCode::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::ConfirmationRequired
        | ErrorCode::SessionBusy
        | ErrorCode::SessionEnded
        | ErrorCode::SessionLocked
        | ErrorCode::ResourceExhausted
        | ErrorCode::RateLimitExceeded => StatusCode::CONFLICT,
    };
    let body = json!({ "error": { "code": error.code(), "message": error.to_string() } });
    (status, Json(body)).into_response()
}
