//! Who may speak to an HTTP door: the right Host, an Origin of our own, the token.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use quarterdeck_core::ErrorCode;

use crate::token::Token;

/// Checks of every request.
pub(crate) struct Guard {
    token: Token,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Guard {
    /// A guard for a door that listens on `address`. Pages of `origins` may speak
    /// to it besides its own.
    pub(crate) fn new(token: Token, address: SocketAddr, origins: &[String]) -> Self {
        let hosts = own_names(address);
        let own_origins = hosts.iter().map(|name| format!("http://{name}"));
        Self {
            token,
            origins: own_origins.chain(origins.iter().cloned()).collect(),
            hosts,
        }
    }

    /// Refuses a request that came by a name which is not this server's (a page
    /// that had its name rebound to 127.0.0.1), or from another web page.
    pub(crate) fn refuses_sender(&self, headers: &HeaderMap) -> Option<Response> {
        let host = text(headers, header::HOST);
        if !host.is_some_and(|host| contains(&self.hosts, host)) {
            return Some(refusal(
                StatusCode::FORBIDDEN,
                "the Host header does not name this server",
            ));
        }
        if headers.contains_key(header::ORIGIN) {
            let origin = text(headers, header::ORIGIN);
            if !origin.is_some_and(|origin| contains(&self.origins, origin)) {
                return Some(refusal(
                    StatusCode::FORBIDDEN,
                    "requests from other web pages are refused",
                ));
            }
        }
        None
    }

    /// Refuses a request without the right token in its headers.
    pub(crate) fn refuses_token(&self, headers: &HeaderMap) -> Option<Response> {
        if shown_token(headers).is_some_and(|shown| self.token.matches(shown)) {
            return None;
        }
        let mut response = refusal(
            StatusCode::UNAUTHORIZED,
            "this server wants the header `Authorization: Bearer TOKEN`; `quarterdeck serve` prints where the token is",
        );
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Bearer"),
        );
        Some(response)
    }

    /// Whether this is the token.
    pub(crate) fn knows(&self, shown: &str) -> bool {
        self.token.matches(shown)
    }
}

/// The token of an `Authorization` header, right or wrong; the scheme's case does
/// not matter (RFC 9110, 11.1).
pub(crate) fn shown_token(headers: &HeaderMap) -> Option<&str> {
    bearer(headers.get(header::AUTHORIZATION)?)
}

/// The token in the value of such a header.
pub(crate) fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What this server may be called: its address and, for a loopback address, the
/// names of the loopback.
fn own_names(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut names = vec![address.to_string()];
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        names.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
    }
    names
}

fn contains(names: &[String], name: &str) -> bool {
    names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// A header's text, where it is text.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Closes the connection, so that nobody has to read a body that was refused.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Response {
    let body =
        serde_json::json!({ "error": { "code": ErrorCode::PermissionDenied, "message": message } });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let folder = tempfile::tempdir().expect("temporary folder");
        let token = Token::load_or_create(&folder.path().join("token")).expect("token");
        let address = "127.0.0.1:3456".parse().expect("address");
        Guard::new(token, address, &["https://mine.example".to_owned()])
    }

    fn status(guard: &Guard, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("name"),
                value.parse().expect("value"),
            );
        }
        guard
            .refuses_sender(&map)
            .or_else(|| guard.refuses_token(&map))
            .map(|response| response.status())
    }

    #[test]
    fn only_the_right_host_origin_and_token_pass() {
        let guard = guard();
        let token = format!("bearer {}", guard.token.reveal());
        let host = ("host", "127.0.0.1:3456");
        let auth = ("authorization", token.as_str());
        assert_eq!(status(&guard, &[host, auth]), None);
        for own in ["http://127.0.0.1:3456", "https://mine.example"] {
            assert_eq!(status(&guard, &[host, auth, ("origin", own)]), None);
        }
        for refused in [
            vec![auth],
            vec![("host", "evil.example"), auth],
            vec![("host", "127.0.0.1:80"), auth],
            vec![host, auth, ("origin", "http://evil.example")],
            vec![host, auth, ("origin", "null")],
        ] {
            assert_eq!(status(&guard, &refused), Some(StatusCode::FORBIDDEN));
        }
        for refused in [
            vec![host],
            vec![host, ("authorization", "Bearer nonsense")],
            vec![host, ("authorization", "Basic abc")],
        ] {
            assert_eq!(status(&guard, &refused), Some(StatusCode::UNAUTHORIZED));
        }
    }
}
