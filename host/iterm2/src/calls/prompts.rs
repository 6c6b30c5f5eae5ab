//! Prompts of shells with integration.

use crate::calls::{accept, ask};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::SessionId;
use crate::proto::{
    CoordRange, GetPromptRequest, GetPromptResponse, ListPromptsRequest, get_prompt_response,
};

/// A prompt, its command and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its id.
    pub id: String,
    /// What became of the command.
    pub state: PromptState,
    /// The command; empty while it is typed.
    pub command: String,
    /// The folder it was typed in.
    pub folder: Option<String>,
    /// Where its output begins and ends: columns from 0, lines from the beginning of history.
    /// While it runs, the end is at the cursor.
    pub output: Option<((u32, u64), (u32, u64))>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    /// It is being typed.
    Editing,
    /// It runs.
    Running,
    /// It has ended, with this status where it is known.
    Finished(Option<u32>),
}

fn places(range: &CoordRange) -> Option<((u32, u64), (u32, u64))> {
    let place = |coord: crate::proto::Coord| {
        let column = u32::try_from(coord.x()).ok()?;
        Some((column, u64::try_from(coord.y()).ok()?))
    };
    Some((place(range.start?)?, place(range.end?)?))
}

impl Prompt {
    pub(crate) fn of(response: GetPromptResponse) -> Self {
        use get_prompt_response::State;
        let state = match response.prompt_state() {
            State::Editing => PromptState::Editing,
            State::Running => PromptState::Running,
            State::Finished => PromptState::Finished(response.exit_status),
        };
        Self {
            state,
            output: response.output_range.as_ref().and_then(places),
            id: response.unique_prompt_id.unwrap_or_default(),
            command: response.command.unwrap_or_default(),
            folder: response.working_directory,
        }
    }
}

impl Client {
    /// A prompt by its id, or the last one; none where there is no such prompt.
    pub async fn prompt(
        &self,
        session: &SessionId,
        id: Option<&str>,
    ) -> Result<Option<Prompt>, CallError> {
        use get_prompt_response::Status;
        const NAME: &str = "a prompt";
        let request = GetPromptRequest {
            session: Some(session.0.clone()),
            unique_prompt_id: id.map(str::to_owned),
        };
        let response = ask!(self, NAME, GetPromptRequest(request), GetPromptResponse);
        if response.status() == Status::PromptUnavailable {
            return Ok(None);
        }
        accept(NAME, response.status().as_str_name())?;
        Ok(Some(Prompt::of(response)))
    }

    /// The ids of the prompts of a session, oldest first.
    pub async fn prompts(&self, session: &SessionId) -> Result<Vec<String>, CallError> {
        const NAME: &str = "the list of prompts";
        let request = ListPromptsRequest {
            session: Some(session.0.clone()),
            first_unique_id: None,
            last_unique_id: None,
        };
        let response = ask!(self, NAME, ListPromptsRequest(request), ListPromptsResponse);
        accept(NAME, response.status().as_str_name())?;
        Ok(response.unique_prompt_id)
    }
}
