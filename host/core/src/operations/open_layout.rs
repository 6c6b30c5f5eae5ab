//! Opening several sessions that share a screen.
//!
//! On tmux they become panes of one window; on terminal devices of the host's own
//! the arrangement is only told, not shown.

use quarterdeck_terminal::Beside;

use super::create::CreateSession;
use super::layout::{Layout, LayoutError, MOST_PANES, Place, Step};
use super::new_session::NewSession;
use crate::backends::BackendChoice;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::VerdictReport;
use crate::host::Host;
use crate::session::SessionId;

/// A layout of sessions.
#[derive(Clone, Debug)]
pub struct OpenLayout {
    /// What to open where. The first commands pass the gate like any others.
    pub layout: Layout<CreateSession>,
    /// What is to carry all of them; the caller's or the configured one where there is
    /// none.
    pub backend: Option<BackendChoice>,
}

/// A pane that was opened.
#[derive(Debug)]
pub struct OpenedPane {
    /// Its session's id.
    pub id: SessionId,
    /// Its session's name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What became of its first command, where one was given. The session stays
    /// whatever that is.
    pub command: Option<Result<VerdictReport, HostError>>,
}

/// A pane that is there, and what is to be typed into it.
struct Opened {
    number: usize,
    session: NewSession,
    place: Place,
    command: Option<String>,
}

impl Host {
    /// Opens all sessions of a layout, then types their first commands; tells of them
    /// from left to right and from top to bottom. Where one cannot be opened, none
    /// stays; where a command may not run, its session stays and waits.
    pub async fn open_layout(
        &self,
        request: OpenLayout,
        caller: &Caller,
    ) -> Result<Vec<OpenedPane>, HostError> {
        let panes = request.layout.count();
        if panes > MOST_PANES {
            return Err(LayoutError::TooLarge(panes).into());
        }
        let mut opened: Vec<Opened> = Vec::new();
        for Step {
            pane: (number, mut pane),
            beside,
            place,
        } in request.layout.numbered(&mut 0).steps()
        {
            let beside = beside.and_then(|(step, side)| {
                let handle = opened.get(step)?.session.terminal.backend_handle()?;
                Some(Beside { handle, side })
            });
            pane.backend = request.backend.or(caller.backend);
            pane.working_directory = (pane.working_directory).or_else(|| caller.folder.clone());
            let command = pane.command.take();
            match self.open_beside(pane, beside).await {
                Ok(session) => opened.push(Opened {
                    number,
                    session,
                    place,
                    command,
                }),
                Err(error) => {
                    for Opened { session, .. } in opened {
                        session.close().await;
                    }
                    return Err(error);
                }
            }
        }
        opened.sort_by_key(|pane| pane.number);
        let panes = opened.into_iter().map(|pane| async move {
            let session = pane.session.keep();
            let command = match pane.command {
                Some(command) => {
                    let running = self.gate.run(&session, &command, caller).await;
                    Some(running.map(|running| running.verdict))
                }
                None => None,
            };
            OpenedPane {
                id: session.id.clone(),
                name: session.name.clone(),
                place: pane.place,
                command,
            }
        });
        Ok(futures_util::future::join_all(panes).await)
    }
}
