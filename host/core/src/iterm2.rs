//! The host's connection to iTerm2: made when it is first needed, kept through restarts of
//! iTerm2, and the sessions that are found there.

use std::time::Duration;

use quarterdeck_terminal::Opened;
use quarterdeck_terminal::iterm2::{
    Application, CredentialSource, FoundPane, FoundRelay, Settings,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::backends::{BackendChoice, cannot_open};
use crate::error::HostError;
use crate::gate::Guarded;
use crate::host::Host;
use crate::registry::Reservation;
use crate::session::{BackendKind, Identity, Session, SessionId};

/// How long `auto` waits for an iTerm2 that is there but does not answer yet: a person may
/// be reading its question.
const AUTO_PATIENCE: Duration = Duration::from_secs(2);

/// How long `auto` waits when it has waited before.
const AUTO_PATIENCE_AGAIN: Duration = Duration::from_millis(100);

/// How long somebody waits who wants iTerm2 and nothing else.
const PATIENCE: Duration = Duration::from_secs(10);

/// What iTerm2 shows to a person who is asked to let the host in.
const NAME: &str = "Quarterdeck";

/// iTerm2, for the host.
pub(crate) struct Iterm2 {
    /// None where there can be no iTerm2.
    settings: Option<Settings>,
    /// Locked while sessions are looked for, so that each is found once.
    application: Mutex<Option<Application>>,
}

impl Iterm2 {
    pub(crate) fn new(settings: Option<Settings>) -> Self {
        Self {
            settings,
            application: Mutex::default(),
        }
    }
}

impl Host {
    /// The backend that a choice comes down to now.
    pub(crate) async fn kind_of(&self, choice: BackendChoice) -> BackendKind {
        match choice {
            BackendChoice::Only(kind) => kind,
            BackendChoice::Auto => {
                let settings = self.iterm2.settings.as_ref();
                if !settings.is_some_and(Settings::may_be_there) {
                    return BackendKind::Pty;
                }
                // Somebody who holds the lock waits already.
                let waited = (self.iterm2.application.try_lock()).map_or(true, |it| it.is_some());
                let patience = match waited {
                    true => AUTO_PATIENCE_AGAIN,
                    false => AUTO_PATIENCE,
                };
                match self.iterm2_within(patience).await {
                    Ok(_) => BackendKind::Iterm2,
                    Err(error) => {
                        tracing::debug!(%error, "auto takes pty");
                        BackendKind::Pty
                    }
                }
            }
        }
    }

    /// iTerm2, which answers. What is found there the first time becomes sessions.
    pub(crate) async fn iterm2(&self) -> Result<Application, HostError> {
        self.iterm2_within(PATIENCE).await
    }

    pub(crate) async fn iterm2_within(&self, patience: Duration) -> Result<Application, HostError> {
        let Some(settings) = &self.iterm2.settings else {
            let why = "iTerm2 is not there: no home folder is known ($HOME is not set)";
            return Err(HostError::CannotOpenSo(why.to_owned()));
        };
        // Whoever waits for its answer holds the lock meanwhile.
        let Ok(mut known) = timeout(patience, self.iterm2.application.lock()).await else {
            return Err(HostError::CannotOpen(format!(
                "iTerm2 has not answered for {patience:?}; see whether it asks its user something"
            )));
        };
        // One that has given up will not come back by itself.
        let usable = known.take_if(|known| !known.has_given_up());
        let application = match usable {
            Some(application) => application,
            None => {
                let credentials = CredentialSource::of_environment(NAME);
                Application::new(settings.clone(), credentials)
                    .map_err(|error| cannot_open(error.into()))?
            }
        };
        *known = Some(application.clone());
        let is_new = application
            .ready(patience)
            .await
            .map_err(|error| cannot_open(error.into()))?;
        if is_new {
            self.find_relays(&application).await;
        }
        Ok(application)
    }

    /// Makes sessions of the panes that are there and that no session has.
    pub(crate) async fn find_panes(&self) -> Result<(), HostError> {
        let application = self.iterm2().await?;
        let _turn = self.iterm2.application.lock().await;
        // A host that was about to end may have had some at first.
        self.find_relays(&application).await;
        let panes = application
            .panes()
            .await
            .map_err(|error| cannot_open(error.into()))?;
        let sessions = self.registry.all();
        let known: Vec<String> = sessions
            .iter()
            .filter_map(|session| session.terminal.backend_handle())
            .collect();
        for pane in panes {
            if pane.is_own || pane.is_relayed || known.contains(&pane.handle) {
                continue;
            }
            if let Err(error) = self.attach_pane(&application, &pane).await {
                tracing::warn!(pane = pane.handle, %error, "cannot attach to a pane of iTerm2");
            }
        }
        Ok(())
    }

    /// Goes on with the sessions that earlier hosts have opened.
    async fn find_relays(&self, application: &Application) {
        let sessions = self.registry.all();
        let known: Vec<&str> = sessions.iter().map(|it| it.id.as_str()).collect();
        for found in application.relays(&known).await {
            // One that ends meanwhile must not hide the others.
            if let Err(error) = self.rejoin(application, found) {
                tracing::warn!(%error, "cannot go on with a session on iTerm2");
            }
        }
    }

    fn rejoin(&self, application: &Application, found: FoundRelay) -> Result<(), HostError> {
        let place = self.place_for(Some(&found.session_id))?;
        let id = place.id().clone();
        let request = self.taking_over(&id);
        let opened = application.rejoin(found, &request);
        self.begin_found(id.clone(), id.to_string(), "the user's shell", opened);
        Ok(())
    }

    async fn attach_pane(
        &self,
        application: &Application,
        pane: &FoundPane,
    ) -> Result<(), HostError> {
        self.make_room(pane).await;
        let place = self.place_for(pane.session_id.as_deref())?;
        let id = place.id().clone();
        let request = self.taking_over(&id);
        let opened = application
            .attach(&pane.handle, &request)
            .await
            .map_err(cannot_open)?;
        self.begin_found(id, pane.title.clone(), "a pane of iTerm2", opened);
        Ok(())
    }

    /// A pane that was begun again, or restored by another name, is the session that it was:
    /// what is left of that one makes room.
    async fn make_room(&self, pane: &FoundPane) {
        let former = pane.session_id.as_deref();
        let Some(Ok(former)) = former.map(|id| self.registry.get(id)) else {
            return;
        };
        if former.backend == BackendKind::Iterm2 && former.terminal.status().await.has_ended() {
            self.session_ends(&former.id);
        }
    }

    /// A place under the id that a session had with an earlier host, if it can have it
    /// again.
    fn place_for(&self, found: Option<&str>) -> Result<Reservation, HostError> {
        let found = found.and_then(SessionId::found);
        self.registry.reserve_found(found, SessionId::random)
    }

    fn begin_found(&self, id: SessionId, name: String, program: &str, opened: Opened) {
        let Guarded { terminal, door, .. } = opened.into();
        let identity = Identity::found(id, name, BackendKind::Iterm2, program);
        let session = Session::new(identity, terminal, door);
        // Its relay keeps what its marks take.
        self.session_begins(&session, None, None);
    }
}
