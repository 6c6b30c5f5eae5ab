//! What sessions show: lines, the selection, prompts.

use quarterdeck_iterm2::proto::{
    Coord, CoordRange, GetBufferRequest, GetBufferResponse, GetPromptRequest, GetPromptResponse,
    LineRange, ListPromptsRequest, ListPromptsResponse, Range, SelectionRequest, SelectionResponse,
    WindowedCoordRange, get_buffer_response, get_prompt_response, list_prompts_response,
    selection_request, selection_response,
};

use crate::application::Application;
use crate::buffer;
use crate::emulator::Emulator;

/// More lines than these are not given at once.
const MOST_LINES: usize = 1_000_000;

/// Lines, and which columns of them.
struct Wanted {
    /// From this cell on.
    start: (usize, usize),
    /// Up to, and without, this cell.
    end: (usize, usize),
    columns: std::ops::Range<usize>,
}

fn number(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn wanted(range: &LineRange, emulator: &Emulator) -> Result<Wanted, get_buffer_response::Status> {
    use get_buffer_response::Status;
    let width = usize::from(emulator.size().columns);
    let end = emulator.screen_start() + usize::from(emulator.size().rows);
    let lines = |start: usize| Wanted {
        start: (0, start),
        end: (0, end),
        columns: 0..width,
    };
    if let Some(windowed) = &range.windowed_coord_range {
        let Some(CoordRange {
            start: Some(start),
            end: Some(until),
        }) = &windowed.coord_range
        else {
            return Err(Status::RequestMalformed);
        };
        if start.y() < 0 || start.x() < 0 || until.x() < 0 || until.y() < start.y() {
            return Err(Status::InvalidLineRange);
        }
        let columns = windowed.columns.unwrap_or_default();
        let first = number(columns.location());
        return Ok(Wanted {
            start: (number(start.x().into()), number(start.y())),
            end: (number(until.x().into()), number(until.y())),
            columns: match number(columns.length()) {
                0 => 0..width,
                length => first..first.saturating_add(length),
            },
        });
    }
    match (range.screen_contents_only(), range.trailing_lines) {
        (true, None) => Ok(lines(emulator.screen_start())),
        (false, Some(count)) => {
            let count = number(count.into()).min(MOST_LINES);
            Ok(lines(end.saturating_sub(count).max(emulator.lost())))
        }
        _ => Err(Status::RequestMalformed),
    }
}

fn coord(column: usize, line: usize) -> Coord {
    Coord {
        x: i32::try_from(column).ok(),
        y: i64::try_from(line).ok(),
    }
}

impl Application {
    pub(crate) fn get_buffer(&self, request: &GetBufferRequest) -> GetBufferResponse {
        use get_buffer_response::Status;
        let refused = |status: Status| GetBufferResponse {
            status: Some(status as i32),
            ..GetBufferResponse::default()
        };
        let id = self.resolve(request.session());
        let Some(session) = id.and_then(|id| self.sessions.get(&id)) else {
            return refused(Status::SessionNotFound);
        };
        let Some(range) = &request.line_range else {
            return refused(Status::RequestMalformed);
        };
        let emulator = &session.emulator;
        let wanted = match wanted(range, emulator) {
            Ok(wanted) => wanted,
            Err(status) => return refused(status),
        };
        let mut contents = Vec::new();
        let first = wanted.start.1.max(emulator.lost());
        // An end in the first column of a line leaves that line out.
        let last_line = wanted.end.1 + usize::from(wanted.end.0 > 0);
        let mut next = first;
        for line in first..last_line.min(first.saturating_add(MOST_LINES)) {
            let Some(cells) = emulator.line(line) else {
                continue;
            };
            let mut columns = wanted.columns.clone();
            if line == wanted.start.1 {
                columns.start = columns.start.max(wanted.start.0);
            }
            if line == wanted.end.1 {
                columns.end = columns.end.min(wanted.end.0);
            }
            // Styles are sent whether they were asked for or not.
            contents.push(buffer::line(&cells, columns.start, columns.end, true));
            next = line + 1;
        }
        let (column, line) = emulator.cursor();
        GetBufferResponse {
            status: Some(Status::Ok as i32),
            contents,
            cursor: Some(coord(column, line)),
            num_lines_above_screen: i64::try_from(emulator.screen_start()).ok(),
            windowed_coord_range: Some(WindowedCoordRange {
                coord_range: Some(CoordRange {
                    start: Some(coord(wanted.start.0, first)),
                    end: Some(coord(
                        wanted.end.0,
                        if wanted.end.0 > 0 { wanted.end.1 } else { next },
                    )),
                }),
                columns: Some(Range {
                    location: i64::try_from(wanted.columns.start).ok(),
                    length: i64::try_from(wanted.columns.len()).ok(),
                }),
            }),
        }
    }

    pub(crate) fn selection(&mut self, request: SelectionRequest) -> SelectionResponse {
        use selection_request::Request;
        use selection_response::{Response, Status};
        let (status, response) = match request.request {
            None => (Status::RequestMalformed, None),
            Some(Request::GetSelectionRequest(get)) => {
                let id = self.resolve(get.session_id());
                match id.and_then(|id| self.sessions.get(&id)) {
                    None => (Status::InvalidSession, None),
                    Some(session) => {
                        let selection = Some(session.selection.clone());
                        let answer = selection_response::GetSelectionResponse { selection };
                        (Status::Ok, Some(Response::GetSelectionResponse(answer)))
                    }
                }
            }
            Some(Request::SetSelectionRequest(set)) => {
                let id = self.resolve(set.session_id());
                match id.and_then(|id| self.sessions.get_mut(&id)) {
                    None => (Status::InvalidSession, None),
                    Some(session) => {
                        session.selection = set.selection.unwrap_or_default();
                        let answer = selection_response::SetSelectionResponse {};
                        (Status::Ok, Some(Response::SetSelectionResponse(answer)))
                    }
                }
            }
        };
        SelectionResponse {
            status: Some(status as i32),
            response,
        }
    }

    pub(crate) fn get_prompt(&self, request: &GetPromptRequest) -> GetPromptResponse {
        use get_prompt_response::Status;
        let refused = |status: Status| GetPromptResponse {
            status: Some(status as i32),
            ..GetPromptResponse::default()
        };
        let id = self.resolve(request.session());
        let Some(session) = id.and_then(|id| self.sessions.get(&id)) else {
            return refused(Status::SessionNotFound);
        };
        let cursor = session.emulator.cursor();
        session
            .prompts
            .describe(request.unique_prompt_id.as_deref(), cursor)
            .unwrap_or_else(|| refused(Status::PromptUnavailable))
    }

    pub(crate) fn list_prompts(&self, request: &ListPromptsRequest) -> ListPromptsResponse {
        use list_prompts_response::Status;
        let id = self.resolve(request.session());
        let (status, ids) = match id.and_then(|id| self.sessions.get(&id)) {
            None => (Status::SessionNotFound, Vec::new()),
            Some(session) => {
                let first = request.first_unique_id.as_deref();
                let last = request.last_unique_id.as_deref();
                (Status::Ok, session.prompts.ids(first, last))
            }
        };
        ListPromptsResponse {
            status: Some(status as i32),
            unique_prompt_id: ids,
        }
    }
}
