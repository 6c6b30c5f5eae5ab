//! What is there already: sessions of earlier hosts, and panes that a person has opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quarterdeck_iterm2::{CallError, Interest, SessionId, VariableScope};
use serde_json::Value;
use tokio::net::UnixStream;

use super::application::Application;
use super::error::Iterm2Error;
use super::mirrored::Mirrored;
use super::relay::frames::{FromRelay, Hello, Running};
use super::relayed::{RelayLink, Relayed};
use super::sizing;
use crate::backend::Backend;
use crate::integration::ShellKind;
use crate::marks::MarkKey;
use crate::opening::{Before, Keeping, KeptMarks, Marking, OpenError, Opened, begin};
use crate::request::{OpenRequest, Size};

/// How long a relay may take to say hello to a host that comes later.
const HELLO_PATIENCE: Duration = Duration::from_secs(2);

/// The variables of a pane that say what it is to hosts.
pub(super) const RELAYED: &str = "quarterdeckRelayed";
const SESSION: &str = "quarterdeckSession";

/// A pane that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPane {
    /// What iTerm2 calls its session.
    pub handle: String,
    /// What its tab shows.
    pub title: String,
    /// The pane that the host was started from.
    pub is_own: bool,
    /// A relay runs there: it is a session that was opened, by whatever host.
    pub is_relayed: bool,
    /// The id that it had as a session of an earlier host.
    pub session_id: Option<String>,
}

/// Where a pane is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPane {
    /// What iTerm2 calls its session.
    pub handle: String,
    /// What iTerm2 calls its window.
    pub window: String,
    /// Which of the window's tabs it is in, from 1.
    pub tab: usize,
}

/// A session of an earlier host that lives on.
pub struct FoundRelay {
    /// The id that the session had.
    pub session_id: String,
    /// What iTerm2 calls its session.
    pub handle: String,
    link: RelayLink,
    running: Running,
    recent: Vec<u8>,
}

impl Application {
    /// Sessions of earlier hosts whose relays live, and that no other host has; `known` are the ids of
    /// those that need not be looked at. Sockets of those that ended without a word are removed.
    pub async fn relays(&self, known: &[&str]) -> Vec<FoundRelay> {
        let Ok(entries) = std::fs::read_dir(&self.settings.relays) else {
            return Vec::new();
        };
        let sockets = entries.flatten().map(|entry| entry.path());
        let is_unknown = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            path.extension().is_none() && name.is_some_and(|name| !known.contains(&name))
        };
        let sockets: Vec<PathBuf> = sockets.filter(is_unknown).collect();
        let mut found = Vec::new();
        for socket in sockets {
            found.extend(find(&socket).await);
        }
        found
    }

    /// Goes on with a session of an earlier host. Its transcript begins with what was written recently.
    pub fn rejoin(&self, found: FoundRelay, request: &OpenRequest) -> Opened {
        let FoundRelay {
            link,
            running,
            recent,
            ..
        } = found;
        let keeping = Keeping {
            size: running.size().unwrap_or(request.size),
            scrollback_lines: request.scrollback_lines,
            transcript_bytes: request.transcript_bytes,
        };
        let marking = running.marks.as_ref().and_then(|marks| {
            Some(Marking::of_earlier_host(KeptMarks {
                shell: ShellKind::of_program(Path::new(&marks.shell))?,
                key: MarkKey::of(&marks.key),
            }))
        });
        let pid = running.pid;
        let pane = SessionId::new(&found.handle);
        let backend = Backend::Relayed(Relayed::new(self.client.clone(), pane, link, running));
        begin(
            backend,
            pid,
            marking,
            keeping,
            Some(Before::Written(recent)),
        )
    }

    /// All panes, and sessions that are not shown.
    pub async fn panes(&self) -> Result<Vec<FoundPane>, Iterm2Error> {
        let layout = self.client.list_sessions().await?;
        let own = own_pane();
        let names = [RELAYED, SESSION].map(|name| format!("user.{name}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        for pane in layout.panes() {
            let scope = VariableScope::Session(pane.session.clone());
            let variables = match self.client.variables(&scope, &names).await {
                Ok(variables) => variables,
                // It has gone meanwhile.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            let text = |index: usize| variables.get(index).and_then(Value::as_str);
            found.push(FoundPane {
                handle: pane.session.to_string(),
                title: pane.title.clone(),
                is_own: own.as_ref() == Some(&pane.session),
                is_relayed: text(0).is_some(),
                session_id: text(1).map(str::to_owned),
            });
        }
        Ok(found)
    }

    /// Where every pane is that a window shows.
    pub async fn shown_panes(&self) -> Result<Vec<ShownPane>, Iterm2Error> {
        let layout = self.client.list_sessions().await?;
        let mut shown = Vec::new();
        for window in &layout.windows {
            for (tab, number) in window.tabs.iter().zip(1..) {
                shown.extend(tab.panes().into_iter().map(|pane| ShownPane {
                    handle: pane.session.to_string(),
                    window: window.id.to_string(),
                    tab: number,
                }));
            }
        }
        Ok(shown)
    }

    /// The socket of the relay that runs in a pane, if one was opened there.
    pub(super) async fn relay_of(&self, pane: &SessionId) -> Result<Option<String>, Iterm2Error> {
        let scope = VariableScope::Session(pane.clone());
        let name = format!("user.{RELAYED}");
        let values = self.client.variables(&scope, &[&name]).await;
        let values = values.map_err(|error| match error.is_not_found() {
            true => Iterm2Error::NoPane {
                pane: pane.to_string(),
            },
            false => error.into(),
        })?;
        Ok(values.first().and_then(Value::as_str).map(str::to_owned))
    }

    /// Writes on a pane what hosts are to know of it.
    pub(super) async fn note(
        &self,
        pane: &SessionId,
        name: &str,
        value: &str,
    ) -> Result<(), CallError> {
        let scope = VariableScope::Session(pane.clone());
        let value = Value::from(value);
        self.client.set_user_variable(&scope, name, &value).await
    }

    /// Attaches to a pane that is there: its lines are followed from now on. Of `request`, the
    /// size is the pane's. Its shell's marks are not ours to believe.
    pub async fn attach(&self, handle: &str, request: &OpenRequest) -> Result<Opened, OpenError> {
        let pane = SessionId::new(handle);
        if own_pane().as_ref() == Some(&pane) {
            let pane = handle.to_owned();
            return Err(Iterm2Error::OwnPane { pane }.into());
        }
        let no_pane = |error: CallError| match error.is_not_found() {
            true => Iterm2Error::NoPane {
                pane: handle.to_owned(),
            },
            false => error.into(),
        };
        self.note(&pane, SESSION, &request.session_id)
            .await
            .map_err(no_pane)?;
        let notices = self.client.notices();
        let interests = [Interest::Screens, Interest::Prompts];
        for interest in interests {
            let interest = interest(Some(pane.clone()));
            self.client.subscribe(interest).await.map_err(no_pane)?;
        }
        let names = ["pid", "columns", "rows"];
        let scope = VariableScope::Session(pane.clone());
        let variables = self.client.variables(&scope, &names).await;
        let variables = variables.map_err(no_pane)?;
        let number = |index: usize| variables.get(index).and_then(Value::as_u64);
        let small = |index: usize| number(index).and_then(|it| u16::try_from(it).ok());
        let shown = sizing::size_of(&self.client, &pane).await;
        let told = small(1).zip(small(2));
        let told = told.and_then(|(columns, rows)| Size::new(columns, rows).ok());
        let size = shown.or(told).unwrap_or(request.size);
        let pid = number(0)
            .and_then(|pid| u32::try_from(pid).ok())
            .unwrap_or(0);
        let keeping = Keeping {
            size,
            scrollback_lines: request.scrollback_lines,
            transcript_bytes: request.transcript_bytes,
        };
        let above = u32::try_from(request.scrollback_lines).unwrap_or(u32::MAX);
        let carrier = Mirrored::new(self.client.clone(), notices, pane, pid, size, above);
        Ok(begin(Backend::Mirrored(carrier), pid, None, keeping, None))
    }
}

/// The relay at a socket, if it lives and is free.
async fn find(socket: &Path) -> Option<FoundRelay> {
    let session_id = socket.file_name()?.to_str()?.to_owned();
    let stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        Err(error) => {
            if error.kind() == std::io::ErrorKind::ConnectionRefused {
                let _ = std::fs::remove_file(socket);
            }
            return None;
        }
    };
    let mut link = RelayLink::over(stream);
    let told = tokio::time::timeout(HELLO_PATIENCE, hear_hello(&mut link)).await;
    // Another host has it, where it says nothing.
    let (Hello { pane, running, .. }, recent) = told.ok()??;
    Some(FoundRelay {
        session_id,
        handle: SessionId::new(&pane).to_string(),
        link,
        running: running?,
        recent,
    })
}

/// What a relay says first, and what its program has written recently.
async fn hear_hello(link: &mut RelayLink) -> Option<(Hello, Vec<u8>)> {
    let Some(FromRelay::Hello(hello)) = link.heard.recv().await else {
        return None;
    };
    let recent = match hello.recent_follows {
        true => match link.heard.recv().await? {
            FromRelay::Output(recent) => recent,
            _ => return None,
        },
        false => Vec::new(),
    };
    Some((*hello, recent))
}

/// The pane of this process, where it runs in one.
fn own_pane() -> Option<SessionId> {
    let pane = std::env::var("ITERM_SESSION_ID").ok()?;
    Some(SessionId::new(&pane))
}
