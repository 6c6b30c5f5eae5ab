//! What a session is opened with.

use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

/// Columns and rows of a terminal, within what programs and memory stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    columns: u16,
    rows: u16,
}

/// A size that no session can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a terminal of {columns} columns and {rows} rows is not possible: use 2 to 1000 columns and 1 to 1000 rows"
)]
pub struct SizeError {
    columns: u16,
    rows: u16,
}

impl Size {
    /// 2 to 1000 columns, 1 to 1000 rows.
    pub fn new(columns: u16, rows: u16) -> Result<Self, SizeError> {
        if (2..=1000).contains(&columns) && (1..=1000).contains(&rows) {
            Ok(Self { columns, rows })
        } else {
            Err(SizeError { columns, rows })
        }
    }

    /// Cells in a row.
    pub fn columns(self) -> u16 {
        self.columns
    }

    /// Rows on the screen.
    pub fn rows(self) -> u16 {
        self.rows
    }
}

impl Default for Size {
    /// 120 × 40: programs assume at least 80 columns, and fold less with more.
    fn default() -> Self {
        Self {
            columns: 120,
            rows: 40,
        }
    }
}

/// A place beside another session of the same backend, which gives up half of
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// The other session, by [`crate::Terminal::backend_handle`].
    pub handle: String,
    /// On which side of it.
    pub side: Side,
}

/// A side of a session on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Over it.
    Above,
    /// Under it.
    Below,
    /// To its left.
    Left,
    /// To its right.
    Right,
}

/// What to open a session with. `OpenRequest::default()` is the user's shell in
/// the host's directory.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// The program; by default `$SHELL`, else `bash`, else `sh`. A name without
    /// a slash is looked up in the session's `PATH`.
    pub shell: Option<PathBuf>,
    /// Its arguments. A shell is integrated when they are none, or only `-i`,
    /// `-l` or `--login`.
    pub args: Vec<OsString>,
    /// Where it starts; by default where the host is.
    pub cwd: Option<PathBuf>,
    /// Added to the host's environment, which it overrides.
    pub env: Vec<(String, String)>,
    /// Columns and rows.
    pub size: Size,
    /// Where on the backend's own screen; by default in a place of its own. A
    /// device of our own has no places, and passes it over.
    pub beside: Option<Beside>,
    /// On tmux, a tmux session of this name shows the session alone, and closing the
    /// one closes the other. No other backend has such names, nor has a place beside
    /// another session.
    pub tmux_session: Option<String>,
    /// The name of the profile that iTerm2 opens it with; by default its default one. No
    /// other backend has profiles.
    pub profile: Option<String>,
    /// Lines kept above the screen.
    pub scrollback_lines: usize,
    /// Bytes of transcript kept, rounded up to whole blocks of 64 KiB.
    pub transcript_bytes: usize,
    /// Whether to ask bash, zsh or fish for marks.
    pub shell_integration: bool,
    /// Exported to the session as `QUARTERDECK_SESSION`.
    pub session_id: String,
}

impl Default for OpenRequest {
    fn default() -> Self {
        Self {
            shell: None,
            args: Vec::new(),
            cwd: None,
            env: Vec::new(),
            size: Size::default(),
            beside: None,
            tmux_session: None,
            profile: None,
            scrollback_lines: 10_000,
            transcript_bytes: 8 * 1024 * 1024,
            shell_integration: true,
            session_id: String::new(),
        }
    }
}
