//! Recordings of sessions: files in asciicast v2, with secrets masked.
//!
//! One task for each recording owns its file. It ends when it is told to, when the session
//! ends, or when the file is full.

mod cast;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cast::Cast;
use quarterdeck_terminal::{RawOutput, RawPiece};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::now_ms;
use crate::error::HostError;
use crate::host::Host;

/// A recording that grows larger ends: 100 MiB.
const LARGEST: u64 = 100 * 1024 * 1024;

/// Recordings that are kept; a new one takes the place of the oldest.
const MOST_KEPT: usize = 200;

/// The ending of the files' names, as asciinema has it.
const EXTENSION: &str = "cast";

/// A recording as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Names it: the session's id and the second it began.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
    /// Bytes of its file.
    pub bytes: u64,
    /// Whether it goes on.
    pub under_way: bool,
}

/// A piece of a recording's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingPiece {
    /// Whole lines of it.
    pub text: String,
    /// Where the next piece begins; `None` at the end.
    pub next_offset: Option<u64>,
}

/// The recordings that are under way, by session.
#[derive(Debug)]
pub(crate) struct Recordings {
    folder: PathBuf,
    under_way: Mutex<HashMap<String, UnderWay>>,
    /// Held while one begins: two at once for a session would be one that nobody can stop.
    beginning: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct UnderWay {
    id: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Recordings {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            under_way: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, UnderWay>> {
        // Whoever panicked left whole entries.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(id).with_extension(EXTENSION)
    }

    fn kept(&self) -> Vec<Recording> {
        let under_way: Vec<String> = (self.under_way().values())
            .filter(|it| !it.task.is_finished())
            .map(|it| it.id.clone())
            .collect();
        let mut kept: Vec<Recording> = (std::fs::read_dir(&self.folder).into_iter())
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let path = entry.path();
                (path.extension()? == EXTENSION).then_some(())?;
                let id = path.file_stem()?.to_str()?.to_owned();
                Some(Recording {
                    under_way: under_way.contains(&id),
                    bytes: entry.metadata().ok()?.len(),
                    id,
                    path,
                })
            })
            .collect();
        kept.sort_by_key(|recording| began(&recording.id));
        kept
    }
}

impl Host {
    /// Records a session from now on, what its screen shows first. One that is recorded
    /// already goes on; `false` then.
    pub async fn start_recording(
        &self,
        id: &str,
        title: Option<&str>,
    ) -> Result<(Recording, bool), HostError> {
        let session = self.registry.get(id)?;
        let _turn = self.recordings.beginning.lock().await;
        if let Some(recording) = self.recording_under_way(id) {
            return Ok((recording, false));
        }
        let began_ms = now_ms();
        let name = format!("{id}-{began_ms}");
        let path = self.recordings.path(&name);
        let Some(output) = session.terminal.record().await else {
            return Err(HostError::SessionEnded {
                session: session.id.clone(),
                how: "so that there is nothing to record".to_owned(),
            });
        };
        let screen = session.terminal.screen().await;
        let mut file = self
            .recordings
            .create(&path)
            .map_err(cannot("write", &path))?;
        let title = title.unwrap_or(&session.name);
        let mut cast = Cast::default();
        let mut beginning = cast::header(screen.size, title, began_ms / 1000);
        beginning.push_str(&cast.written(0.0, &cast::drawn(&screen)));
        (file.write_all(beginning.as_bytes())).map_err(cannot("write", &path))?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(follow(output, cast, file, beginning.len() as u64, stopped));
        let under_way = UnderWay {
            id: name.clone(),
            stop,
            task,
        };
        {
            let mut all = self.recordings.under_way();
            // Whoever closed a session stops nothing there any more.
            all.retain(|id, it| !it.task.is_finished() || self.registry.get(id).is_ok());
            all.insert(id.to_owned(), under_way);
        }
        let recording = Recording {
            id: name,
            path,
            bytes: beginning.len() as u64,
            under_way: true,
        };
        Ok((recording, true))
    }

    /// Ends a session's recording and says what it has become; `None` if there was none.
    pub async fn stop_recording(&self, session: &str) -> Result<Option<Recording>, HostError> {
        let Some(under_way) = self.recordings.under_way().remove(session) else {
            return Ok(None);
        };
        // A task that has ended by itself hears nothing.
        let _ = under_way.stop.send(());
        let path = self.recordings.path(&under_way.id);
        match under_way.task.await {
            Ok(written) => written.map_err(cannot("write", &path))?,
            Err(error) => {
                return Err(HostError::Internal(format!(
                    "a recording was lost: {error}"
                )));
            }
        }
        Ok(self
            .recordings()
            .into_iter()
            .find(|it| it.id == under_way.id))
    }

    /// The recordings that are kept, oldest first.
    pub fn recordings(&self) -> Vec<Recording> {
        self.recordings.kept()
    }

    /// Whole lines of a recording from a byte of its file on, at most `max_bytes` of them
    /// unless a single line is longer.
    pub fn read_recording(
        &self,
        id: &str,
        offset: u64,
        max_bytes: usize,
    ) -> Result<RecordingPiece, HostError> {
        let unknown = || {
            HostError::InvalidParameters(format!(
                "there is no recording {id:?}; look which there are"
            ))
        };
        // The id becomes a file's name.
        let possible = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(possible) {
            return Err(unknown());
        }
        let path = self.recordings.path(id);
        let mut file = File::open(&path).map_err(|_| unknown())?;
        read_lines(&mut file, offset, max_bytes).map_err(cannot("read", &path))
    }

    fn recording_under_way(&self, session: &str) -> Option<Recording> {
        let id = {
            let under_way = self.recordings.under_way();
            let recording = under_way.get(session)?;
            (!recording.task.is_finished()).then(|| recording.id.clone())?
        };
        self.recordings().into_iter().find(|it| it.id == id)
    }
}

impl Recordings {
    /// A file of its owner's alone, after making room for it.
    fn create(&self, path: &Path) -> io::Result<File> {
        std::fs::create_dir_all(&self.folder)?;
        let kept = self.kept();
        let excess = (kept.len() + 1).saturating_sub(MOST_KEPT);
        for oldest in kept.iter().filter(|it| !it.under_way).take(excess) {
            std::fs::remove_file(&oldest.path)?;
        }
        OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)
    }
}

async fn follow(
    mut output: RawOutput,
    mut cast: Cast,
    file: File,
    mut size: u64,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let began = Instant::now();
    // Writes on a thread that may wait for a disk.
    let mut file = tokio::fs::File::from_std(file);
    loop {
        let piece = tokio::select! {
            piece = output.recv() => piece,
            _ = &mut stopped => None,
        };
        let at = began.elapsed().as_secs_f64();
        let lines = match &piece {
            Some(RawPiece::Written(bytes)) => cast.written(at, bytes),
            Some(RawPiece::Resized(size)) => cast.resized(at, *size),
            Some(RawPiece::Missed(bytes)) => cast.missed(at, *bytes),
            None => cast.let_go(),
        };
        file.write_all(lines.as_bytes()).await?;
        size += lines.len() as u64;
        if piece.is_none() || size > LARGEST {
            return file.flush().await;
        }
    }
}

fn read_lines(file: &mut File, offset: u64, max_bytes: usize) -> io::Result<RecordingPiece> {
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    let mut limit = max_bytes.max(1);
    loop {
        let read = Read::by_ref(file)
            .take(limit as u64)
            .read_to_end(&mut text)?;
        let within = &text[..text.len().min(max_bytes.max(1))];
        let last = within.iter().rposition(|byte| *byte == b'\n');
        if let Some(end) = last.or_else(|| text.iter().position(|byte| *byte == b'\n')) {
            text.truncate(end + 1);
            break;
        }
        if read == 0 {
            // Half a line, which is being written.
            text.clear();
            break;
        }
        limit = text.len();
    }
    let next = offset + text.len() as u64;
    Ok(RecordingPiece {
        text: String::from_utf8_lossy(&text).into_owned(),
        next_offset: (!text.is_empty() && next < file.metadata()?.len()).then_some(next),
    })
}

/// When a recording began, in milliseconds since 1970, as its id tells.
fn began(id: &str) -> u64 {
    id.rsplit('-')
        .next()
        .and_then(|ms| ms.parse().ok())
        .unwrap_or(0)
}

fn cannot(what: &'static str, path: &Path) -> impl Fn(io::Error) -> HostError {
    let path = path.display().to_string();
    move |error| HostError::Internal(format!("cannot {what} the recording {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_by_whole_lines() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"0123456789\nabc\nhalf").expect("written");
        let first = read_lines(&mut file, 0, 4).expect("read");
        assert_eq!(
            (first.text.as_str(), first.next_offset),
            ("0123456789\n", Some(11))
        );
        let second = read_lines(&mut file, 11, 100).expect("read");
        assert_eq!(
            (second.text.as_str(), second.next_offset),
            ("abc\n", Some(15))
        );
        let half = read_lines(&mut file, 15, 100).expect("read");
        assert_eq!((half.text.as_str(), half.next_offset), ("", None));
    }

    #[test]
    fn recordings_are_listed_by_age_and_the_oldest_makes_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let recordings = Recordings::new(folder.path().to_owned());
        for number in 0..MOST_KEPT + 2 {
            let path = recordings.path(&format!("abcd1234-{number}"));
            recordings.create(&path).expect("created");
        }
        let kept = recordings.kept();
        assert_eq!(kept.len(), MOST_KEPT);
        assert_eq!(kept[0].id, "abcd1234-2");
    }
}
