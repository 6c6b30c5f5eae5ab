//! `modify_sessions`.

use std::sync::Arc;

use quarterdeck_core::agents::desk::{Look, Rgba};
use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{Changed, LookChange, Modification, ModificationResult};
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::looks::Colour;
use super::target::TargetFields;
use super::{JsonText, answer};

pub(super) struct ModifySessions;

/// What is to change in one session.
#[derive(Deserialize, JsonSchema)]
struct ModificationFields {
    /// The session's id
    #[serde(default)]
    session_id: Option<String>,
    /// The session's name
    #[serde(default)]
    name: Option<String>,
    /// The agent that works there
    #[serde(default)]
    agent: Option<String>,
    /// Make it the active session
    #[serde(default)]
    set_active: bool,
    /// Bring it to the front
    #[serde(default)]
    focus: bool,
    /// Stop its program, as Ctrl-Z does
    #[serde(default)]
    suspend: bool,
    /// Let its program go on
    #[serde(default)]
    resume: bool,
    /// The agent that stops it
    #[serde(default)]
    suspend_by: Option<String>,
    /// Behind the text
    #[serde(default)]
    background_color: Option<Colour>,
    /// Of its tab
    #[serde(default)]
    tab_color: Option<Colour>,
    /// Whether the tab shows its colour
    #[serde(default)]
    tab_color_enabled: Option<bool>,
    /// Of the cursor
    #[serde(default)]
    cursor_color: Option<Colour>,
    /// A word in the corner
    #[serde(default)]
    badge: Option<String>,
    /// Give it its usual looks first
    #[serde(default)]
    reset: bool,
}

impl From<ModificationFields> for Modification {
    fn from(fields: ModificationFields) -> Self {
        Self {
            target: Target::from(TargetFields {
                session_id: fields.session_id,
                name: fields.name,
                agent: fields.agent,
                team: None,
            }),
            set_active: fields.set_active,
            focus: fields.focus,
            suspend: fields.suspend,
            resume: fields.resume,
            suspend_by: fields.suspend_by,
            look: LookChange {
                reset: fields.reset,
                to: Look {
                    background_color: fields.background_color.map(Rgba::from),
                    tab_color: fields.tab_color.map(Rgba::from),
                    tab_color_enabled: fields.tab_color_enabled,
                    cursor_color: fields.cursor_color.map(Rgba::from),
                    badge: fields.badge,
                },
            },
        }
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What is to change, session by session
    modifications: Vec<ModificationFields>,
}

/// What came of it in one session, as clients are told of it.
#[derive(Serialize)]
struct Modified {
    /// Empty where no session was meant.
    session_id: String,
    session_name: Option<String>,
    agent: Option<String>,
    success: bool,
    error: Option<String>,
    changes: Vec<String>,
}

impl From<ModificationResult> for Modified {
    fn from(result: ModificationResult) -> Self {
        match result {
            ModificationResult::NoneMeant(target) => Self {
                session_id: String::new(),
                session_name: None,
                success: false,
                error: Some(format!("no session is meant by {target}")),
                changes: Vec::new(),
                agent: match target {
                    Target::Agent(agent) => Some(agent),
                    _ => None,
                },
            },
            ModificationResult::Session {
                id,
                name,
                agent,
                changes,
                error,
            } => Self {
                session_id: id.to_string(),
                session_name: Some(name),
                agent,
                success: error.is_none(),
                error: error.map(|error| error.to_string()),
                changes: changes.iter().map(in_words).collect(),
            },
        }
    }
}

/// A change, as this family's clients know it.
fn in_words(change: &Changed) -> String {
    let coloured = |what: &str, colour: &Rgba| {
        let Rgba {
            red, green, blue, ..
        } = colour;
        format!("{what}=RGB({red},{green},{blue})")
    };
    match change {
        Changed::Active => "set_active".to_owned(),
        Changed::Focus => "focus".to_owned(),
        Changed::Suspended => "suspend".to_owned(),
        Changed::Resumed => "resume".to_owned(),
        Changed::LookReset => "reset_colors".to_owned(),
        Changed::BackgroundColor(colour) => coloured("background_color", colour),
        Changed::TabColor(colour) => coloured("tab_color", colour),
        Changed::CursorColor(colour) => coloured("cursor_color", colour),
        Changed::TabColorEnabled(enabled) => format!("tab_color_enabled={enabled}"),
        Changed::Badge(badge) => format!("badge='{badge}'"),
    }
}

/// What came of it in all.
#[derive(Serialize)]
struct ModifiedAll {
    results: Vec<Modified>,
    success_count: usize,
    error_count: usize,
}

impl ForeignTool for ModifySessions {
    const NAME: &'static str = "modify_sessions";
    const DESCRIPTION: &'static str = "Change several sessions at once: colours, badge, focus, the active session, suspend and resume.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let modifications: Vec<Modification> = arguments
            .modifications
            .into_iter()
            .map(Into::into)
            .collect();
        let results = host.modify_sessions(&modifications, &caller).await;
        let results: Vec<Modified> = results.into_iter().map(Modified::from).collect();
        let success_count = results.iter().filter(|result| result.success).count();
        answer(&ModifiedAll {
            error_count: results.len() - success_count,
            success_count,
            results,
        })
    }
}
