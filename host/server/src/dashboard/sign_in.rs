//! Signing in with the token, once: the browser keeps a cookie that scripts cannot
//! read, the page a second secret that a request which changes something has to
//! bring along.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Form;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::Dashboard;
use crate::http::guard::text;
use crate::peer::Connection;
use crate::standing::{Standing, standing};

/// How long a browser stays signed in.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// Browsers signed in at once; the oldest has to sign in again.
const MOST: usize = 64;
/// What the cookie's name begins with. The port follows: browsers do not tell the
/// cookies of two ports of one machine apart.
const COOKIE: &str = "quarterdeck-";
/// The header that brings the page's secret.
const CSRF_HEADER: &str = "x-csrf-token";

/// The browsers that are signed in to one door.
#[derive(Default)]
pub(crate) struct SignIns(Mutex<HashMap<String, SignIn>>);

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// What a request that changes something has to bring.
    pub(super) csrf: String,
    until: Instant,
    /// Cancelled when the browser signs out, or has to make room for another.
    ended: CancellationToken,
}

impl SignIns {
    /// The sign-in whose cookie a request brings, if it is good.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<SignIn> {
        let known = self.live();
        cookies(headers).find_map(|cookie| known.get(cookie).cloned())
    }

    /// Signs a browser in; returns its cookie.
    fn begin(&self) -> String {
        let mut known = self.live();
        if known.len() >= MOST {
            let oldest = known
                .iter()
                .min_by_key(|(_, sign_in)| sign_in.until)
                .map(|(cookie, _)| cookie.clone());
            let oldest = oldest.and_then(|cookie| known.remove(&cookie));
            oldest.inspect(|sign_in| sign_in.ended.cancel());
        }
        let cookie = secret();
        let sign_in = SignIn {
            csrf: secret(),
            until: Instant::now() + LIFETIME,
            ended: CancellationToken::new(),
        };
        known.insert(cookie.clone(), sign_in);
        cookie
    }

    fn end(&self, headers: &HeaderMap) {
        let mut known = self.live();
        for cookie in cookies(headers) {
            if let Some(sign_in) = known.remove(cookie) {
                sign_in.ended.cancel();
            }
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<String, SignIn>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, sign_in| sign_in.until > now);
        known
    }
}

impl SignIn {
    /// Returns when it is good no more: what was opened with it ends then, too.
    pub(crate) async fn is_over(&self) {
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = tokio::time::sleep_until(self.until.into()) => {}
        }
    }

    /// Whether this is the page's secret.
    pub(super) fn sent(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }

    /// Whether a request brings the page's secret in its headers.
    pub(super) fn sent_in(&self, headers: &HeaderMap) -> bool {
        text_of(headers, CSRF_HEADER).is_some_and(|csrf| self.sent(csrf))
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The values of our cookies in a request.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(name, _)| name.starts_with(COOKIE))
        .map(|(_, value)| value)
}

/// 256 random bits.
fn secret() -> String {
    format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    )
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cookie(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let line = format!("other=1; {COOKIE}3456={cookie}");
        headers.insert(header::COOKIE, line.parse().expect("a header"));
        headers
    }

    #[test]
    fn a_cookie_is_good_until_the_browser_signs_out() {
        let sign_ins = SignIns::default();
        let cookie = sign_ins.begin();
        let headers = with_cookie(&cookie);
        let sign_in = sign_ins.of(&headers).expect("signed in");
        assert!(sign_in.sent(&sign_in.csrf) && !sign_in.sent("") && !sign_in.sent(&cookie));
        assert!(sign_ins.of(&with_cookie("")).is_none());
        assert!(sign_ins.of(&HeaderMap::new()).is_none());
        sign_ins.end(&headers);
        assert!(sign_ins.of(&headers).is_none());
    }

    #[test]
    fn no_more_browsers_are_remembered_than_may_be() {
        let sign_ins = SignIns::default();
        let first = sign_ins.begin();
        for _ in 0..MOST {
            sign_ins.begin();
        }
        assert_eq!(sign_ins.live().len(), MOST);
        assert!(sign_ins.of(&with_cookie(&first)).is_none());
    }
}
