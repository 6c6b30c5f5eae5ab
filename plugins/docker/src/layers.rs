//! Layers: `a2abf6c4d29d: Downloading [====>    ]  12.1MB/31.36MB`.

use policy_progress_text::scan::size;
use policy_progress_text::{Board, Status};

/// How many layers are known, and how many are done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    /// Short ids of those known, with whether they are done.
    known: Vec<(String, bool)>,
}

/// More layers than an image may have.
const LAYERS: usize = 250;

/// What a layer's line says of it.
enum Stage {
    Waiting,
    Running,
    Done,
}

impl Stage {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "Waiting" | "Preparing" | "Pulling fs layer" => Self::Waiting,
            "Downloading" | "Extracting" | "Pushing" | "Verifying Checksum"
            | "Download complete" => Self::Running,
            "Pull complete" | "Already exists" | "Pushed" | "Layer already exists" => Self::Done,
            _ if text.starts_with("Mounted from ") => Self::Done,
            _ => return None,
        })
    }
}

impl Layers {
    pub(crate) fn line(&mut self, line: &str, board: &mut Board) -> bool {
        let Some((id, text)) = line.split_once(": ") else {
            return false;
        };
        if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        let (text, bar) = text.split_once('[').unwrap_or((text, ""));
        let text = text.trim();
        let Some(stage) = Stage::of(text) else {
            return false;
        };
        let done = matches!(stage, Stage::Done);
        let item = board.item(id);
        item.label(text);
        match stage {
            Stage::Waiting => item.status(Status::Waiting),
            Stage::Done => item.finish(),
            Stage::Running => match sizes(bar) {
                Some((done, total)) => item.counted(done, total),
                None => item.status(Status::Running),
            },
        };
        self.count(id, done);
        let all = self.known.len() as u64;
        let complete = self.known.iter().filter(|(_, done)| *done).count() as u64;
        board.whole().label("Layers").counted(complete, all);
        true
    }

    fn count(&mut self, id: &str, done: bool) {
        let known = self.known.iter_mut().find(|(known, _)| known == id);
        if let Some((_, known)) = known {
            *known = done;
        } else if self.known.len() < LAYERS {
            self.known.push((id.to_owned(), done));
        }
    }
}

/// `====>    ]  12.1MB/31.36MB`.
fn sizes(bar: &str) -> Option<(u64, u64)> {
    let (_, sizes) = bar.split_once(']')?;
    let (done, total) = sizes.trim().split_once('/')?;
    let (done, total) = (size(done)?, size(total)?);
    (total > 0).then_some((done.min(total), total))
}
