//! Signing in with the token, once, and out again; and the page itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Dashboard;
use super::sign_ins::{COOKIE, LIFETIME};
use crate::http::guard::text;
use crate::peer::Connection;
use crate::standing::{Standing, standing};

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct SignInForm {
    token: String,
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(connection): Extension<Connection>,
    Form(form): Form<SignInForm>,
) -> Response {
    if !dashboard.guard.knows(form.token.trim()) {
        let page = page("This is not the token.");
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    if let Standing::Inside = standing(&dashboard.host, connection).await {
        let page = page("A program inside a session cannot sign in: a person does, in a browser.");
        return (StatusCode::FORBIDDEN, page).into_response();
    }
    let value = dashboard.sign_ins.begin();
    let cookie = cookie(connection, &value, LIFETIME);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// `POST /sign-out`, with the page's secret as a field of the form.
pub(super) async fn sign_out(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let csrf = form.get("csrf").map_or("", String::as_str);
    if dashboard
        .sign_ins
        .of(&headers)
        .is_some_and(|sign_in| sign_in.sent(csrf))
    {
        dashboard.sign_ins.end(&headers);
    }
    let cookie = cookie(connection, "", Duration::ZERO);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

fn cookie(connection: Connection, value: &str, lifetime: Duration) -> HeaderValue {
    let port = connection.local.map_or(0, |local| local.port());
    let cookie = format!(
        "{COOKIE}{port}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}",
        lifetime.as_secs()
    );
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

/// The page that asks for the token, with a remark.
pub(super) fn page(remark: &'static str) -> Html<String> {
    Html(include_str!("assets/sign-in.html").replace("{{remark}}", remark))
}

/// `GET /`: the dashboard, or the page that asks for the token.
pub(super) async fn front_page(
    State(dashboard): State<Arc<Dashboard>>,
    headers: HeaderMap,
) -> Response {
    // A client that wants no page has taken the wrong address.
    let wants_page = text(&headers, header::ACCEPT)
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"));
    if !wants_page {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    match dashboard.sign_ins.of(&headers) {
        Some(sign_in) => {
            let html = include_str!("assets/dashboard.html").replace("{{csrf}}", &sign_in.csrf);
            Html(html).into_response()
        }
        None => page("").into_response(),
    }
}
