//! The tools of MCPretentious, as its clients know them: names, arguments,
//! texts and terminal ids of version 1.2.
//!
//! Every answer is one block of text, errors too. What goes beyond that server:
//! errors are marked as such, what is typed passes the gate, and a palette that
//! runs over is told instead of failing.

mod close;
mod info;
mod input;
mod list;
mod mouse;
mod open;
mod read;
mod resize;
mod screenshot;
mod terminal_id;
mod type_input;

use std::sync::{Arc, OnceLock};

use quarterdeck_core::HostError;
use rmcp::model::{CallToolResult, ContentBlock};
use schemars::JsonSchema;
use serde::Deserialize;

use super::tool::{Dialect, Outcome, Toolbox};
use terminal_id::TerminalId;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(with_all_but_open(
            Toolbox::default().with_foreign::<open::Open<open::WithoutBackend>>(),
        ))
    }))
}

/// The family as `--backend api` has it: a call says what a terminal is opened on.
pub(super) fn toolbox_of_api() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(with_all_but_open(
            Toolbox::default().with_foreign::<open::Open<open::Arguments>>(),
        ))
    }))
}

fn with_all_but_open(toolbox: Toolbox) -> Toolbox {
    toolbox
        .with_foreign::<read::Read>()
        .with_foreign::<screenshot::TakeScreenshot>()
        .with_foreign::<close::Close>()
        .with_foreign::<list::List>()
        .with_foreign::<type_input::Type>()
        .with_foreign::<info::Info>()
        .with_foreign::<resize::Resize>()
        .with_foreign::<mouse::Mouse>()
}

/// Everything in plain text.
struct PlainText;

impl Dialect for PlainText {
    fn failure(error: &HostError) -> CallToolResult {
        let text = match error {
            HostError::SessionNotFound(id) => format!("Terminal not found: {id}"),
            HostError::SessionEnded { how, .. } => format!(
                "The program of this terminal has ended ({how}); close it with mcpretentious-close and open another with mcpretentious-open"
            ),
            HostError::Refused(_) => format!("Not typed, {error}"),
            HostError::ConfirmationRequired(_) => format!("Not typed yet: {error}"),
            other => other.to_string(),
        };
        CallToolResult::error(vec![ContentBlock::text(text)])
    }
}

/// A successful answer.
fn said(text: impl Into<String>) -> Outcome {
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

/// The argument of the tools that need nothing else.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OneTerminal {
    /// The terminal ID
    #[serde(alias = "terminal_id")]
    terminal_id: TerminalId,
}

#[cfg(test)]
mod tests {
    use quarterdeck_core::HostError;

    use super::super::tool::Dialect;
    use super::{PlainText, toolbox};

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }

    #[test]
    fn only_the_api_shows_that_a_call_may_name_a_backend() {
        let open = |toolbox: &super::Toolbox| toolbox.list().swap_remove(0);
        let [plain, api] = [toolbox(), super::toolbox_of_api()].map(|it| open(&it));
        assert_eq!(plain.name, api.name);
        let backend =
            |tool: &rmcp::model::Tool| tool.input_schema["properties"].get("backend").cloned();
        assert_eq!(backend(&plain), None);
        let names = backend(&api).expect("shown")["enum"].clone();
        assert_eq!(names, serde_json::json!(["pty", "tmux", "iterm"]));
        assert_eq!(toolbox().list()[1..], super::toolbox_of_api().list()[1..]);
    }

    #[test]
    fn an_unknown_terminal_is_told_in_the_words_that_clients_match() {
        let failure = PlainText::failure(&HostError::SessionNotFound("pty:x".to_owned()));
        assert_eq!(failure.is_error, Some(true));
        let text = failure.content[0].as_text().expect("text");
        assert_eq!(text.text, "Terminal not found: pty:x");
    }
}
