//! `session_layout`.

use std::path::PathBuf;
use std::sync::Arc;

use quarterdeck_core::operations::{
    Arrangement, CreateSession, Layout, NamedLayout, OpenLayout, OpenedPane,
};
use quarterdeck_core::{BackendChoiceError, Caller, ErrorCode, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::native::shapes::VerdictShape;
use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionLayout;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// A layout by name; its panes are described in `panes`
    layout: Option<LayoutName>,
    /// From left to right and from top to bottom; those left out get plain shells
    #[serde(default)]
    panes: Vec<Pane>,
    /// Any other layout, instead of `layout` and `panes`
    tree: Option<Tree>,
    /// auto, pty, tmux
    backend: Option<String>,
    /// Of the whole screen
    columns: Option<u16>,
    rows: Option<u16>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LayoutName {
    Single,
    HorizontalSplit,
    VerticalSplit,
    Quad,
    TripleRight,
    TripleBottom,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pane {
    name: Option<String>,
    /// First command; judged like any other
    command: Option<String>,
    /// Absolute path
    working_directory: Option<PathBuf>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Tree {
    Pane(Pane),
    /// From left to right
    SideBySide(Vec<Tree>),
    /// From top to bottom
    Stacked(Vec<Tree>),
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    sessions: Vec<Session>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    name: String,
    /// Which half of the screen, which half of that, …
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictShape>,
    /// Why its command does not run
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CommandError>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CommandError {
    #[schemars(with = "String")]
    code: ErrorCode,
    message: String,
}

impl NativeTool for SessionLayout {
    const NAME: &'static str = "session_layout";
    const TITLE: &'static str = "Open a layout of sessions";
    const DESCRIPTION: &'static str = "Opens several sessions that share a screen, each with a name and a first command if you like: a named layout or a tree of splits. On tmux a person sees them in one window.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let backend = arguments
            .backend
            .map(|backend| backend.parse())
            .transpose()
            .map_err(|error: BackendChoiceError| HostError::InvalidParameters(error.to_string()))?;
        let (columns, rows) = (arguments.columns, arguments.rows);
        let session = |pane: Pane| CreateSession {
            name: pane.name,
            command: pane.command,
            working_directory: pane.working_directory,
            tags: pane.tags,
            columns,
            rows,
            ..CreateSession::default()
        };
        let layout = match (arguments.layout, arguments.tree) {
            (Some(name), None) => NamedLayout::from(name).arrange(arguments.panes)?,
            (None, Some(tree)) if arguments.panes.is_empty() => tree.layout()?,
            _ => {
                return Err(HostError::InvalidParameters(
                    "name a layout, with its panes, or describe a tree, which holds its own panes"
                        .to_owned(),
                ));
            }
        };
        let layout = layout.map(&session);
        let panes = host
            .open_layout(OpenLayout { layout, backend }, &caller)
            .await?;
        Ok(Output {
            sessions: panes.into_iter().map(Into::into).collect(),
        })
    }

    fn text(output: &Output) -> String {
        let lines = output.sessions.iter().map(|session| {
            let command = match (&session.verdict, &session.error) {
                (_, Some(error)) => format!(", {}: {}", error.code, error.message),
                (Some(_), None) => ", command started".to_owned(),
                (None, None) => String::new(),
            };
            format!(
                "opened session {} ({}), {}{command}",
                session.session_id, session.name, session.place
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl From<LayoutName> for NamedLayout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Single => Self::Single,
            LayoutName::HorizontalSplit => Self::HorizontalSplit,
            LayoutName::VerticalSplit => Self::VerticalSplit,
            LayoutName::Quad => Self::Quad,
            LayoutName::TripleRight => Self::TripleRight,
            LayoutName::TripleBottom => Self::TripleBottom,
        }
    }
}

impl Tree {
    fn layout(self) -> Result<Layout<Pane>, HostError> {
        let (arrangement, parts) = match self {
            Self::Pane(pane) => return Ok(Layout::Pane(pane)),
            Self::SideBySide(parts) => (Arrangement::SideBySide, parts),
            Self::Stacked(parts) => (Arrangement::Stacked, parts),
        };
        let parts: Result<Vec<_>, _> = parts.into_iter().map(|part| part.layout()).collect();
        Ok(Layout::split(arrangement, parts?)?)
    }
}

impl From<OpenedPane> for Session {
    fn from(pane: OpenedPane) -> Self {
        let (verdict, error) = match pane.command {
            Some(Ok(verdict)) => (Some(verdict.into()), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Self {
            session_id: pane.id.to_string(),
            name: pane.name,
            place: pane.place.to_string(),
            verdict,
            error: error.map(|error| CommandError {
                code: error.code(),
                message: error.to_string(),
            }),
        }
    }
}
