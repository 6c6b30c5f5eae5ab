//! `/dashboard/screen/{id}`: a session's screen as it changes, and a person's
//! typing into it, which goes through the gate like everybody's.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use quarterdeck_core::gate::Input;
use quarterdeck_core::keys::Key;
use quarterdeck_core::operations::LiveScreen;
use quarterdeck_core::{Caller, HostError};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::person::{NOT_A_PERSON, OtherEnd, caller};
use super::{Dashboard, SignIn};
use crate::peer::Connection;
use crate::standing::{Standing, standing};

/// The time between two pictures in the mean: what changes in between is seen in the
/// next one.
const FRAME: Duration = Duration::from_millis(33);
/// Pictures that may come before their time: a key brings its echo, and an answer soon
/// after, which is not to wait for the next picture's turn.
const AHEAD: u32 = 4;
/// The longest message of a page: a paste.
const LONGEST_MESSAGE: usize = 1024 * 1024;
/// A browser that takes nothing for so long is gone.
const WRITE_PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn screen(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(connection): OtherEnd,
    Extension(sign_in): Extension<SignIn>,
    Path(id): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let live = match dashboard.host.live_screen(&id) {
        Ok(live) => live,
        Err(error) => {
            return (axum::http::StatusCode::NOT_FOUND, error.to_string()).into_response();
        }
    };
    upgrade
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE)
        .on_upgrade(async move |socket| {
            let window = Window {
                caller: caller(&id),
                dashboard,
                sign_in,
                connection,
                session: id,
                standing: None,
            };
            window.show(socket, live).await;
        })
}

/// What the page sends.
#[derive(Deserialize)]
struct Typed {
    /// The page's secret, which no other page knows.
    csrf: String,
    /// The page's number for it, by which a refusal names it.
    #[serde(default)]
    number: u64,
    #[serde(flatten)]
    input: TypedInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypedInput {
    /// Characters as they are; line breaks are Enters.
    Text(String),
    /// A key by its name.
    Key(String),
    /// Text that the program may take as a paste.
    Paste(String),
    /// A whole line, with its Enter.
    Line(String),
}

/// One browser that looks at one session.
struct Window {
    dashboard: Arc<Dashboard>,
    /// What it was opened with, and ends with.
    sign_in: SignIn,
    connection: Connection,
    session: String,
    caller: Caller,
    /// Where the browser stands, once it was looked at.
    standing: Option<Standing>,
}

impl Window {
    async fn show(mut self, mut socket: WebSocket, mut live: LiveScreen) {
        let sign_in = self.sign_in.clone();
        let mut pace = Pace {
            due: Instant::now(),
        };
        loop {
            let picture = async {
                tokio::time::sleep_until(pace.next()).await;
                live.next().await
            };
            let say = tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => self.hear(&text).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => None,
                },
                () = sign_in.is_over() => return,
                picture = picture => {
                    pace.count(Instant::now());
                    match picture {
                        Some(picture) => Some(json!({ "screen": picture })),
                        None => {
                            let closed = json!({ "closed": true }).to_string();
                            let _ = socket.send(Message::text(closed)).await;
                            return;
                        }
                    }
                }
            };
            let Some(say) = say else { continue };
            let sent = socket.send(Message::text(say.to_string()));
            if !matches!(tokio::time::timeout(WRITE_PATIENCE, sent).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Types what the page sent, and says what came of it where that is not simply
    /// to be seen.
    async fn hear(&mut self, text: &str) -> Option<Value> {
        let typed = serde_json::from_str(text)
            .map_err(|error| HostError::InvalidParameters(error.to_string()));
        let (number, taken) = match typed {
            Ok(Typed {
                csrf,
                number,
                input,
            }) => (number, self.take(&csrf, input).await),
            Err(error) => (0, Err(error)),
        };
        taken.err().map(|error| refusal(&error, number))
    }

    async fn take(&mut self, csrf: &str, input: TypedInput) -> Result<(), HostError> {
        let no_person = || HostError::InvalidParameters(NOT_A_PERSON.to_owned());
        if !self.sign_in.sent(csrf) {
            return Err(no_person());
        }
        if self.standing.is_none() {
            let standing = standing(&self.dashboard.host, self.connection).await;
            self.standing = Some(standing);
        }
        if !matches!(self.standing, Some(Standing::Outside { .. })) {
            return Err(no_person());
        }
        let input = match input {
            TypedInput::Text(text) => vec![Input::Text(text)],
            TypedInput::Paste(text) => vec![Input::Paste(text)],
            TypedInput::Key(name) => vec![Input::Key(key(&name)?)],
            TypedInput::Line(text) => [text]
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(Input::Text)
                .chain([Input::Key(key("enter")?)])
                .collect(),
        };
        self.dashboard
            .host
            .type_input(&self.session, &input, &self.caller)
            .await
            .map(drop)
    }
}

/// What the page tells the person. Whoever is asked about a line of their own needs no other
/// program to say yes, and the page types it again then.
fn refusal(error: &HostError, number: u64) -> Value {
    let told = json!({ "code": error.code(), "message": error.to_string(), "number": number });
    let HostError::ConfirmationRequired(pending) = error else {
        return json!({ "refused": told });
    };
    let reason = pending.verdict.reason.trim_end_matches('.');
    json!({ "refused": {
        "code": error.code(),
        "message": format!("{reason}: this waits for your yes, at the top of the page."),
        "number": number,
        "confirmationId": pending.confirmation_id,
    } })
}

/// When pictures may be sent: one in each [`FRAME`], some of them early.
struct Pace {
    /// When the next one would be sent if none came early.
    due: Instant,
}

impl Pace {
    /// When the next one may be sent.
    fn next(&self) -> Instant {
        self.due.checked_sub(FRAME * AHEAD).unwrap_or(self.due)
    }

    /// One is sent.
    fn count(&mut self, now: Instant) {
        self.due = self.due.max(now) + FRAME;
    }
}

fn key(name: &str) -> Result<Key, HostError> {
    Key::parse(name).map_err(|error| HostError::InvalidParameters(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pictures_come_at_once_and_a_flood_at_its_pace() {
        let began = Instant::now() + Duration::from_secs(60);
        let mut pace = Pace { due: began };
        let mut now = began;
        let sent = std::iter::from_fn(|| {
            now = now.max(pace.next());
            pace.count(now);
            Some(now - began)
        });
        let sent: Vec<Duration> = sent.take(60).collect();
        assert_eq!(sent[3], Duration::ZERO, "an echo, and its answer");
        let a_second = sent.iter().filter(|at| at.as_millis() < 1000).count();
        assert!(
            (30..=36).contains(&a_second),
            "{a_second} in the first second"
        );
    }
}
