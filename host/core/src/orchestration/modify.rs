//! Changing many sessions at once: looks, focus, the active session, stopping and
//! going on.

use std::sync::Arc;

use super::BadRequest;
use super::target::Target;
use crate::agents::AgentsChanged;
use crate::agents::desk::{Look, Rgba, Suspension};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::gate::Input;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// The key that stops the program in front.
const SUSPEND: &[u8] = b"\x1a";

/// The shell's command that lets it go on.
const RESUME: &str = "fg\n";

/// A badge is a word, not a text.
pub(super) const LONGEST_BADGE: usize = 200;

/// What is to change in one session.
#[derive(Clone, Debug, Default)]
pub struct Modification {
    /// The session; the first where several are meant.
    pub target: Target,
    /// Make it the active session.
    pub set_active: bool,
    /// Bring it to the front.
    pub focus: bool,
    /// Stop its program, as Ctrl-Z does.
    pub suspend: bool,
    /// Let its program go on.
    pub resume: bool,
    /// The agent that stops it.
    pub suspend_by: Option<String>,
    /// How it is to look.
    pub look: LookChange,
}

/// How a session is to look.
#[derive(Clone, Debug, Default)]
pub struct LookChange {
    /// Give it its usual looks first.
    pub reset: bool,
    /// What is given here; the rest stays.
    pub to: Look,
}

/// Something that was changed in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is the active session.
    Active,
    /// It is in front.
    Focus,
    /// Its program was stopped.
    Suspended,
    /// Its program goes on.
    Resumed,
    /// It looks as usual.
    LookReset,
    /// What is behind the text.
    BackgroundColor(Rgba),
    /// Its tab.
    TabColor(Rgba),
    /// Whether its tab shows its colour.
    TabColorEnabled(bool),
    /// Its cursor.
    CursorColor(Rgba),
    /// The word in its corner.
    Badge(String),
}

/// What came of a modification.
#[derive(Debug)]
pub enum ModificationResult {
    /// The target means no session.
    NoneMeant(Target),
    /// It means this session.
    Session {
        /// The session.
        id: SessionId,
        /// Its name.
        name: String,
        /// Its agent.
        agent: Option<String>,
        /// What was changed.
        changes: Vec<Changed>,
        /// Why no more than that.
        error: Option<HostError>,
    },
}

impl Host {
    /// Changes sessions, one after the other.
    pub async fn modify_sessions(
        &self,
        modifications: &[Modification],
        caller: &Caller,
    ) -> Vec<ModificationResult> {
        let mut results = Vec::new();
        for modification in modifications {
            results.push(self.modify(modification, caller).await);
        }
        self.agents.tell(AgentsChanged::Sessions);
        results
    }

    async fn modify(&self, wanted: &Modification, caller: &Caller) -> ModificationResult {
        let Some(session) = self.resolve(&wanted.target, caller).into_iter().next() else {
            return ModificationResult::NoneMeant(wanted.target.clone());
        };
        let agent = self
            .agents
            .agent_of(session.id.as_str())
            .map(|agent| agent.name);
        let mut changes = Vec::new();
        let done = self.change_one(wanted, &session, agent.as_deref(), caller, &mut changes);
        let error = done.await.err();
        ModificationResult::Session {
            id: session.id.clone(),
            name: session.name.clone(),
            agent,
            changes,
            error,
        }
    }

    async fn change_one(
        &self,
        wanted: &Modification,
        session: &Arc<Session>,
        agent: Option<&str>,
        caller: &Caller,
        changes: &mut Vec<Changed>,
    ) -> Result<(), HostError> {
        if wanted.set_active {
            self.set_active_session(&session.id, caller);
            changes.push(Changed::Active);
        }
        if wanted.focus {
            self.focus_session(&session.id, agent)?;
            changes.push(Changed::Focus);
        }
        if wanted.suspend && wanted.resume {
            return Err(BadRequest::SuspendAndResume.into());
        }
        // Whoever names itself here may do so with what it has locked.
        let named = (wanted.suspend_by.clone()).filter(|_| caller.agent.is_none());
        let speaking = named.map(|agent| Caller {
            agent: Some(agent),
            ..caller.clone()
        });
        let caller = speaking.as_ref().unwrap_or(caller);
        if wanted.suspend {
            let by = wanted.suspend_by.clone().or_else(|| caller.agent.clone());
            self.suspend(session, by, caller).await?;
            changes.push(Changed::Suspended);
        }
        if wanted.resume {
            self.resume(session, caller).await?;
            changes.push(Changed::Resumed);
        }
        if wanted
            .look
            .to
            .badge
            .as_ref()
            .is_some_and(|badge| badge.len() > LONGEST_BADGE)
        {
            return Err(BadRequest::LongBadge.into());
        }
        let mut desk = self.agents.desk();
        change_look(
            &mut desk.session_mut(session.id.as_str()).look,
            &wanted.look,
            changes,
        );
        Ok(())
    }

    async fn suspend(
        &self,
        session: &Arc<Session>,
        by: Option<String>,
        caller: &Caller,
    ) -> Result<(), HostError> {
        if !session.terminal.status().await.is_running() {
            return Err(BadRequest::NothingToSuspend(session.id.clone()).into());
        }
        let key = [Input::Bytes(SUSPEND.to_vec())];
        self.type_input(session.id.as_str(), &key, caller).await?;
        let at_ms = now_ms();
        self.agents
            .desk()
            .session_mut(session.id.as_str())
            .suspended = Some(Suspension { at_ms, by });
        Ok(())
    }

    async fn resume(&self, session: &Arc<Session>, caller: &Caller) -> Result<(), HostError> {
        if self
            .agents
            .desk()
            .session(session.id.as_str())
            .suspended
            .is_none()
        {
            return Err(BadRequest::NotSuspended(session.id.clone()).into());
        }
        let line = [Input::Text(RESUME.to_owned())];
        self.type_input(session.id.as_str(), &line, caller).await?;
        self.agents
            .desk()
            .session_mut(session.id.as_str())
            .suspended = None;
        Ok(())
    }
}

fn change_look(look: &mut Look, change: &LookChange, changes: &mut Vec<Changed>) {
    if change.reset {
        *look = Look::default();
        changes.push(Changed::LookReset);
    }
    let wanted = &change.to;
    if let Some(colour) = wanted.background_color {
        look.background_color = Some(colour);
        changes.push(Changed::BackgroundColor(colour));
    }
    if let Some(colour) = wanted.tab_color {
        look.tab_color = Some(colour);
        changes.push(Changed::TabColor(colour));
    }
    if let Some(colour) = wanted.cursor_color {
        look.cursor_color = Some(colour);
        changes.push(Changed::CursorColor(colour));
    }
    let enabled = (wanted.tab_color_enabled).or(wanted.tab_color.map(|_| true));
    if let Some(enabled) = enabled {
        look.tab_color_enabled = Some(enabled);
        if wanted.tab_color.is_none() {
            changes.push(Changed::TabColorEnabled(enabled));
        }
    }
    if let Some(badge) = &wanted.badge {
        look.badge = Some(badge.clone());
        changes.push(Changed::Badge(badge.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_change_one_by_one_and_are_reset_first() {
        let grey = Rgba {
            red: 40,
            green: 30,
            blue: 30,
            alpha: 255,
        };
        let mut look = Look {
            badge: Some("old".to_owned()),
            cursor_color: Some(grey),
            ..Look::default()
        };
        let wanted = LookChange {
            reset: true,
            to: Look {
                tab_color: Some(grey),
                badge: Some("new".to_owned()),
                ..Look::default()
            },
        };
        let mut changes = Vec::new();
        change_look(&mut look, &wanted, &mut changes);
        assert_eq!(
            changes,
            [
                Changed::LookReset,
                Changed::TabColor(grey),
                Changed::Badge("new".to_owned())
            ]
        );
        let expected = Look {
            tab_color: Some(grey),
            tab_color_enabled: Some(true),
            badge: Some("new".to_owned()),
            ..Look::default()
        };
        assert_eq!(look, expected);
    }
}
