//! Changing many sessions at once: looks, focus, the active session, stopping and
//! going on.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target::Target;
use crate::agents::AgentsChanged;
use crate::agents::desk::{Look, Rgb, Suspension};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::gate::Input;
use crate::host::Host;
use crate::session::Session;

/// The key that stops the program in front.
const SUSPEND: &[u8] = b"\x1a";

/// The shell's command that lets it go on.
const RESUME: &str = "fg\n";

/// A badge is a word, not a text.
const LONGEST_BADGE: usize = 200;

/// What is to change in one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Modification {
    /// The session's id
    #[serde(default)]
    pub session_id: Option<String>,
    /// The session's name
    #[serde(default)]
    pub name: Option<String>,
    /// The agent that works there
    #[serde(default)]
    pub agent: Option<String>,
    /// Make it the active session
    #[serde(default)]
    pub set_active: bool,
    /// Bring it to the front
    #[serde(default)]
    pub focus: bool,
    /// Stop its program, as Ctrl-Z does
    #[serde(default)]
    pub suspend: bool,
    /// Let its program go on
    #[serde(default)]
    pub resume: bool,
    /// The agent that stops it
    #[serde(default)]
    pub suspend_by: Option<String>,
    /// Behind the text
    #[serde(default)]
    pub background_color: Option<Rgb>,
    /// Of its tab
    #[serde(default)]
    pub tab_color: Option<Rgb>,
    /// Whether the tab shows its colour
    #[serde(default)]
    pub tab_color_enabled: Option<bool>,
    /// Of the cursor
    #[serde(default)]
    pub cursor_color: Option<Rgb>,
    /// A word in the corner
    #[serde(default)]
    pub badge: Option<String>,
    /// Give it its usual looks first
    #[serde(default)]
    pub reset: bool,
}

/// What came of it in one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModificationResult {
    /// The session; empty where none was meant.
    pub session_id: String,
    /// Its name.
    pub session_name: Option<String>,
    /// Its agent.
    pub agent: Option<String>,
    /// Whether all of it was done.
    pub success: bool,
    /// Why not.
    pub error: Option<String>,
    /// What was done, in words.
    pub changes: Vec<String>,
}

/// What came of it in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModificationReport {
    /// In the order of the request.
    pub results: Vec<ModificationResult>,
    /// How many were done.
    pub success_count: usize,
    /// How many were not.
    pub error_count: usize,
}

impl Host {
    /// Changes sessions, one after the other.
    pub async fn modify_sessions(
        &self,
        modifications: &[Modification],
        caller: &Caller,
    ) -> ModificationReport {
        let mut results = Vec::new();
        for modification in modifications {
            results.push(self.modify(modification, caller).await);
        }
        self.agents.tell(AgentsChanged::Sessions);
        let success_count = results.iter().filter(|result| result.success).count();
        ModificationReport {
            error_count: results.len() - success_count,
            success_count,
            results,
        }
    }

    async fn modify(&self, wanted: &Modification, caller: &Caller) -> ModificationResult {
        let target = Target {
            session_id: wanted.session_id.clone(),
            name: wanted.name.clone(),
            agent: wanted.agent.clone(),
            team: None,
        };
        let Some(session) = self.resolve(&target, caller).into_iter().next() else {
            return ModificationResult {
                agent: wanted.agent.clone(),
                error: Some(format!("no session is meant by {}", target.describe())),
                ..ModificationResult::default()
            };
        };
        let agent = self
            .agents
            .agent_of(session.id.as_str())
            .map(|agent| agent.name);
        let mut changes = Vec::new();
        let done = self.change_one(wanted, &session, agent.as_deref(), caller, &mut changes);
        let error = done.await.err().map(|error| error.to_string());
        ModificationResult {
            session_id: session.id.to_string(),
            session_name: Some(session.name.clone()),
            agent,
            success: error.is_none(),
            error,
            changes,
        }
    }

    async fn change_one(
        &self,
        wanted: &Modification,
        session: &Arc<Session>,
        agent: Option<&str>,
        caller: &Caller,
        changes: &mut Vec<String>,
    ) -> Result<(), HostError> {
        if wanted.set_active {
            self.set_active_session(&session.id, caller);
            changes.push("set_active".to_owned());
        }
        if wanted.focus {
            self.focus_session(&session.id, agent)?;
            changes.push("focus".to_owned());
        }
        if wanted.suspend && wanted.resume {
            return Err(HostError::InvalidParameters(
                "suspend and resume contradict each other: give one of them".to_owned(),
            ));
        }
        if wanted.suspend {
            let by = wanted.suspend_by.clone().or_else(|| caller.agent.clone());
            self.suspend(session, by, caller).await?;
            changes.push("suspend".to_owned());
        }
        if wanted.resume {
            self.resume(session, caller).await?;
            changes.push("resume".to_owned());
        }
        if wanted
            .badge
            .as_ref()
            .is_some_and(|badge| badge.len() > LONGEST_BADGE)
        {
            return Err(HostError::InvalidParameters(format!(
                "the badge is longer than {LONGEST_BADGE} bytes"
            )));
        }
        let mut desk = self.agents.desk();
        change_look(
            &mut desk.session_mut(session.id.as_str()).look,
            wanted,
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
            return Err(HostError::InvalidParameters(format!(
                "nothing runs in session {} that could be suspended",
                session.id
            )));
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
            return Err(HostError::InvalidParameters(format!(
                "session {} is not suspended",
                session.id
            )));
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

fn change_look(look: &mut Look, wanted: &Modification, changes: &mut Vec<String>) {
    if wanted.reset {
        *look = Look::default();
        changes.push("reset_colors".to_owned());
    }
    let colours = [
        (
            "background_color",
            wanted.background_color,
            &mut look.background_color,
        ),
        ("tab_color", wanted.tab_color, &mut look.tab_color),
        ("cursor_color", wanted.cursor_color, &mut look.cursor_color),
    ];
    for (name, colour, place) in colours {
        if let Some(colour) = colour {
            *place = Some(colour);
            let Rgb {
                red, green, blue, ..
            } = colour;
            changes.push(format!("{name}=RGB({red},{green},{blue})"));
        }
    }
    let enabled = (wanted.tab_color_enabled).or(wanted.tab_color.map(|_| true));
    if let Some(enabled) = enabled {
        look.tab_color_enabled = Some(enabled);
        if wanted.tab_color.is_none() {
            changes.push(format!("tab_color_enabled={enabled}"));
        }
    }
    if let Some(badge) = &wanted.badge {
        look.badge = Some(badge.clone());
        changes.push(format!("badge='{badge}'"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_change_one_by_one_and_are_reset_first() {
        let grey = Rgb {
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
        let wanted = Modification {
            tab_color: Some(grey),
            reset: true,
            badge: Some("new".to_owned()),
            ..Modification::default()
        };
        let mut changes = Vec::new();
        change_look(&mut look, &wanted, &mut changes);
        assert_eq!(
            changes,
            ["reset_colors", "tab_color=RGB(40,30,30)", "badge='new'"]
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
