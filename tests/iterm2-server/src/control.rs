//! The door for those who test: a line each way on a Unix socket.
//!
//! | line | what it does | answer |
//! | --- | --- | --- |
//! | `cookie` | issues a cookie | the cookie |
//! | `drop` | ends all connections | `ok` |
//! | `drop-replies N` | the next N requests are carried out, and their connections end | `ok` |
//! | `silence N` | the next N requests are carried out and never answered | `ok` |
//! | `delay MS` | replies come later by so much | `ok` |
//! | `shuffle N` | N replies are gathered and sent last first; 0 ends it | `ok` |
//! | `half-frame` | the next reply is cut in half, and its connection ends | `ok` |
//! | `too-old on`, `too-old off` | refuses clients as too old (406) | `ok` |
//! | `restart MS` | the application goes away for so long, and restores its windows | `ok` |
//! | `press SESSION TEXT` | a person presses keys | `ok` |
//! | `served KIND` | requests that were carried out | a number |
//! | `clear` | ends all faults | `ok` |

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use quarterdeck_iterm2::proto::{KeystrokeNotification, Notification, NotificationType};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::application::{Application, Event};
use crate::faults::Faults;
use crate::subscriptions::Subject;

/// A way to the control door.
#[derive(Debug, Clone)]
pub struct Control {
    socket: PathBuf,
}

/// A line that was not taken.
#[derive(Debug, Error)]
pub enum ControlError {
    /// Nobody answers at the door.
    #[error("nobody answers at {}; is the test server running?", socket.display())]
    Door {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The line was refused.
    #[error("the test server refuses `{line}`: {reason}")]
    Refused {
        /// The line.
        line: String,
        /// What it said.
        reason: String,
    },
}

impl Control {
    /// The door at a socket.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// Says a line and returns the answer.
    pub async fn say(&self, line: &str) -> Result<String, ControlError> {
        let answer = self.ask(line).await.map_err(|source| ControlError::Door {
            socket: self.socket.clone(),
            source,
        })?;
        match answer.strip_prefix("error: ") {
            None => Ok(answer),
            Some(reason) => Err(ControlError::Refused {
                line: line.to_owned(),
                reason: reason.to_owned(),
            }),
        }
    }

    async fn ask(&self, line: &str) -> io::Result<String> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        Ok(answer.trim_end().to_owned())
    }
}

/// Answers at the door.
pub(crate) async fn listen(door: UnixListener, events: mpsc::Sender<Event>) {
    while let Ok((stream, _)) = door.accept().await {
        tokio::spawn(converse(stream, events.clone()));
    }
}

async fn converse(stream: UnixStream, events: mpsc::Sender<Event>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let (answer, answered) = oneshot::channel();
        let asked = events.send(Event::Control { line, answer }).await;
        let Ok(answer) = answered.await else {
            break;
        };
        if asked.is_err() {
            break;
        }
        writer.write_all(format!("{answer}\n").as_bytes()).await?;
    }
    Ok(())
}

impl Application {
    pub(crate) fn control(&mut self, line: &str) -> String {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.parse::<u64>().ok();
        let count = || number().and_then(|number| usize::try_from(number).ok());
        let done = match word {
            "cookie" => return self.admission.issue_cookie(),
            "served" => return self.served.get(rest).copied().unwrap_or(0).to_string(),
            "drop" => {
                self.drop_clients();
                Some(())
            }
            "drop-replies" => count().map(|count| self.faults.drops = count),
            "silence" => count().map(|count| self.faults.silences = count),
            "delay" => number().map(|ms| self.faults.delay = Duration::from_millis(ms)),
            "shuffle" => count().map(|count| {
                self.faults.shuffle = count;
                self.release();
            }),
            "half-frame" => {
                self.faults.half_frame = true;
                Some(())
            }
            "too-old" => {
                self.admission.refuse_as_too_old(rest == "on");
                Some(())
            }
            "restart" => number().map(|ms| self.restart_application(Duration::from_millis(ms))),
            "press" => rest
                .split_once(' ')
                .and_then(|(session, text)| self.press(session, text)),
            "clear" => {
                self.faults = Faults::default();
                self.admission.refuse_as_too_old(false);
                self.release();
                Some(())
            }
            _ => None,
        };
        match done {
            Some(()) => "ok".to_owned(),
            None => "error: not a line of this door; see control.rs".to_owned(),
        }
    }

    /// Goes away and comes back as iTerm2 does: sessions keep their ids, tabs do not, cookies
    /// and subscriptions are gone.
    fn restart_application(&mut self, absence: Duration) {
        self.admission.go_away(absence);
        self.drop_clients();
        self.subscriptions.clear();
        self.broadcast.clear();
        self.transaction = None;
        self.layout.number_tabs_anew();
    }

    /// A person presses keys: those who watch are told, and the session gets them unless
    /// somebody asked to have them left alone.
    fn press(&mut self, session: &str, text: &str) -> Option<()> {
        let session = self.resolve(session)?;
        for character in text.chars() {
            let key = character.to_string();
            let keystroke = KeystrokeNotification {
                characters: Some(key.clone()),
                characters_ignoring_modifiers: Some(key.to_lowercase()),
                modifiers: Vec::new(),
                key_code: Some(key_code(character)),
                session: Some(session.clone()),
                action: None,
            };
            let notification = Notification {
                keystroke_notification: Some(keystroke),
                ..Notification::default()
            };
            let kind = NotificationType::NotifyOnKeystroke;
            self.add_news(kind, Some(session.clone()), notification);
            let filtered = self.subscriptions.iter().any(|subscription| {
                let about = subscription
                    .session
                    .as_deref()
                    .is_none_or(|id| id == session);
                matches!(&subscription.subject, Subject::Filter(patterns) if about
                    && patterns.iter().any(|pattern| pattern.characters.contains(&key)))
            });
            if !filtered {
                self.type_into(&session, &key, false);
            }
        }
        Some(())
    }
}

/// The virtual key codes of a few keys on an American keyboard; 0, which is A, for others.
fn key_code(character: char) -> i32 {
    match character.to_ascii_lowercase() {
        's' => 0x01,
        'q' => 0x0c,
        'x' => 0x07,
        'y' => 0x10,
        '\r' => 0x24,
        ' ' => 0x31,
        _ => 0x00,
    }
}
