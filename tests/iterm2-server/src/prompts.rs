//! Prompts of a session, as its shell's integration tells them.

use std::collections::VecDeque;

use quarterdeck_iterm2::proto::{Coord, CoordRange, GetPromptResponse, get_prompt_response::State};
use uuid::Uuid;

/// Prompts that are remembered.
const MOST: usize = 1000;

/// A column and a line.
pub(crate) type Place = (usize, usize);

#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) id: String,
    begins: Place,
    ends: Place,
    command: Option<String>,
    command_ends: Option<Place>,
    output_ends: Option<Place>,
    exit_status: Option<i32>,
    folder: Option<String>,
}

/// Something to tell those who watch prompts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    Prompted { id: String },
    Began { id: String, command: String },
    Ended { id: String, status: i32 },
}

#[derive(Debug, Default)]
pub(crate) struct Prompts {
    known: VecDeque<Prompt>,
    begins: Option<Place>,
}

fn range(start: Place, end: Place) -> CoordRange {
    let coord = |(x, y): Place| Coord {
        x: i32::try_from(x).ok(),
        y: i64::try_from(y).ok(),
    };
    CoordRange {
        start: Some(coord(start)),
        end: Some(coord(end)),
    }
}

impl Prompts {
    pub(crate) fn begin(&mut self, at: Place) {
        self.begins = Some(at);
    }

    /// The prompt is shown in full; the command goes here.
    pub(crate) fn end(&mut self, at: Place, folder: Option<String>) -> Event {
        // A line that was given up leaves a prompt without a command.
        if self.known.back().is_some_and(|last| last.command.is_none()) {
            self.known.pop_back();
        }
        if self.known.len() == MOST {
            self.known.pop_front();
        }
        let id = Uuid::new_v4().to_string().to_uppercase();
        self.known.push_back(Prompt {
            id: id.clone(),
            begins: self.begins.take().unwrap_or(at),
            ends: at,
            command: None,
            command_ends: None,
            output_ends: None,
            exit_status: None,
            folder,
        });
        Event::Prompted { id }
    }

    /// Where the command that is being typed begins.
    pub(crate) fn command_start(&self) -> Option<Place> {
        let last = self.known.back()?;
        last.command.is_none().then_some(last.ends)
    }

    pub(crate) fn run(&mut self, at: Place, command: String) -> Option<Event> {
        let last = self
            .known
            .back_mut()
            .filter(|last| last.command.is_none())?;
        last.command = Some(command.clone());
        last.command_ends = Some(at);
        Some(Event::Began {
            id: last.id.clone(),
            command,
        })
    }

    /// Without a command that runs it is a line that was given up.
    pub(crate) fn finish(&mut self, at: Place, status: Option<i32>) -> Option<Event> {
        let runs = |last: &&mut Prompt| last.command.is_some() && last.output_ends.is_none();
        let last = self.known.back_mut().filter(runs)?;
        last.output_ends = Some(at);
        last.exit_status = Some(status.unwrap_or(0));
        Some(Event::Ended {
            id: last.id.clone(),
            status: status.unwrap_or(0),
        })
    }

    pub(crate) fn last_command(&self) -> Option<&str> {
        let mut commands = self.known.iter().rev();
        commands.find_map(|prompt| prompt.command.as_deref())
    }

    pub(crate) fn ids(&self, first: Option<&str>, last: Option<&str>) -> Vec<String> {
        let position = |id: &str| self.known.iter().position(|prompt| prompt.id == id);
        let start = first.and_then(position).unwrap_or(0);
        let end = last
            .and_then(position)
            .map_or(self.known.len(), |at| at + 1);
        let chosen = self.known.iter().take(end).skip(start);
        chosen.map(|prompt| prompt.id.clone()).collect()
    }

    /// A prompt by its id, or the last one.
    pub(crate) fn describe(&self, id: Option<&str>, cursor: Place) -> Option<GetPromptResponse> {
        let prompt = match id {
            Some(id) => self.known.iter().find(|prompt| prompt.id == id)?,
            None => self.known.back()?,
        };
        let command_ends = prompt.command_ends.unwrap_or(cursor);
        let state = match (&prompt.command, prompt.output_ends) {
            (None, _) => State::Editing,
            (Some(_), None) => State::Running,
            (Some(_), Some(_)) => State::Finished,
        };
        Some(GetPromptResponse {
            status: None,
            prompt_range: Some(range(prompt.begins, prompt.ends)),
            command_range: Some(range(prompt.ends, command_ends)),
            output_range: Some(range(command_ends, prompt.output_ends.unwrap_or(cursor))),
            working_directory: prompt.folder.clone(),
            command: Some(prompt.command.clone().unwrap_or_default()),
            prompt_state: Some(state as i32),
            exit_status: prompt
                .exit_status
                .and_then(|status| u32::try_from(status).ok()),
            unique_prompt_id: Some(prompt.id.clone()),
            excluded_subranges: Vec::new(),
        })
    }
}
