//! The page's scripts and its style sheet.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// Names below `/assets/`, and what is there.
macro_rules! assets {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("assets/", $name)))),+]
    };
}

const ASSETS: [(&str, &str); 13] = assets![
    "colors.js",
    "dashboard.css",
    "dashboard.js",
    "events.js",
    "keys.js",
    "page.js",
    "plots.js",
    "policies.js",
    "screen.js",
    "sessions.js",
    "state.js",
    "waiting.js",
    "work.js",
];

/// A route for each.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.iter().fold(Router::new(), |router, &(name, text)| {
        let content_type = match name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        };
        let served =
            move || async move { ([(header::CONTENT_TYPE, content_type)], text).into_response() };
        router.route(&format!("/assets/{name}"), get(served))
    })
}
