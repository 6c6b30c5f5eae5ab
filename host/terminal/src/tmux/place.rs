//! Where on a tmux server a session is opened: the commands that make the place
//! and start the program there.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::anchor;
use super::command::{Line, without_formats};
use super::protocol::PaneId;
use super::{HOST_OPTION, SESSION, SHOWN_OPTION};
use crate::opening::Launch;
use crate::request::{Side, Size};

/// Where to open.
pub(super) enum Place {
    /// In a window of its own.
    Window {
        /// A tmux session that has this window and no other.
        shown_by: Option<String>,
    },
    /// In half of the place of another pane.
    Beside { pane: PaneId, side: Side },
}

/// The answer that says what was opened, by its number.
pub(super) const OPENED: usize = 1;

/// What it says.
const OPENED_FORMAT: &str = "#{pane_id} #{pane_pid} #{pane_width} #{pane_height}";

/// What was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenedPane {
    pub(super) pane: PaneId,
    pub(super) pid: u32,
    pub(super) size: Size,
}

impl OpenedPane {
    /// Reads the answer [`OPENED`].
    pub(super) fn parse(answer: &str) -> Option<Self> {
        let mut fields = answer.split(' ');
        let pane = PaneId::parse(fields.next()?)?;
        let pid = fields.next()?.parse().ok()?;
        let size = size(fields.next()?, fields.next()?)?;
        Some(Self { pane, pid, size })
    }
}

/// Columns and rows as tmux writes them. A pane can be squeezed to one column,
/// which no session can have; it is taken for two.
pub(super) fn size(columns: &str, rows: &str) -> Option<Size> {
    let columns: u16 = columns.parse().ok()?;
    Size::new(columns.max(2), rows.parse().ok()?).ok()
}

impl Place {
    /// The commands that open a session here. They run at once, so that nothing
    /// can happen to the program before the last one.
    pub(super) fn open(
        &self,
        launch: &Launch,
        program: &Path,
        session_id: &str,
        anchor: PaneId,
    ) -> Line {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        // Nobody else's window may be taken for this one until its id is known.
        let opened = OPENED.fetch_add(1, Ordering::Relaxed);
        let number = window_number(std::process::id(), opened);
        let name = format!("{}-{opened}", std::process::id());
        let id = if session_id.is_empty() {
            &name
        } else {
            session_id
        };
        match self {
            Self::Window { shown_by } => {
                let mut line = open_window(launch, program, number, id, anchor);
                if let Some(session) = shown_by {
                    line = show(line, number, session);
                }
                settle(line, number)
            }
            Self::Beside { pane, side } => split(launch, program, *pane, *side, id, anchor),
        }
    }
}

/// The number that a host's window has while it is opened. tmux counts them up to 2³¹.
fn window_number(host: u32, opened: u32) -> u32 {
    1_000_000 + (host % 100_000) * 20_000 + opened % 20_000
}

fn open_window(launch: &Launch, program: &Path, number: u32, id: &str, anchor: PaneId) -> Line {
    let session = format!("={SESSION}:");
    // Windows are renamed by people's hooks. Its number is its own until it is done.
    let target = format!("={SESSION}:{number}");
    let (columns, rows) = (launch.size().columns(), launch.size().rows());
    let line = Line::of("set-option")
        .args(["-t", &session, "default-size"])
        .arg(format!("{columns}x{rows}"))
        .then("new-window")
        .args(["-d", "-P", "-F", OPENED_FORMAT])
        .args(["-t", &target, "-n", id]);
    let line = start(line, launch, program)
        // Somebody who looks on has a say in the size of a new window, until it
        // is given one.
        .then("resize-window")
        .args(["-t", &target])
        .args(["-x", &columns.to_string()])
        .args(["-y", &rows.to_string()]);
    keep(line, &["-t", &target], id, anchor)
}

/// Gives the window of this number a number such as others have.
fn settle(line: Line, number: u32) -> Line {
    line.then("move-window").args([
        "-d",
        "-s",
        &format!("={SESSION}:{number}"),
        "-t",
        &format!("={SESSION}:"),
    ])
}

/// Links the window of this number into a tmux session of its own: in place of the
/// window with which that has to begin.
fn show(line: Line, number: u32, session: &str) -> Line {
    let source = format!("={SESSION}:{number}");
    line.then("new-session")
        .args(["-d", "-s", session, "exec cat"])
        .then("link-window")
        .args(["-k", "-s", &source, "-t", &format!("={session}:^")])
        .then("set-option")
        .args(["-p", "-t", &source, SHOWN_OPTION, "1"])
}

/// Its own name is not known yet: what is said of no pane is said of the one that the line
/// has opened. The active pane of the window may be another one, by somebody's hook.
fn split(
    launch: &Launch,
    program: &Path,
    pane: PaneId,
    side: Side,
    id: &str,
    anchor: PaneId,
) -> Line {
    let pane = pane.to_string();
    let line = Line::of("select-pane")
        .args(["-t", &pane])
        .then("split-window")
        .args(["-P", "-F", OPENED_FORMAT, "-t", &pane])
        .args(match side {
            Side::Above => ["-v", "-b"].as_slice(),
            Side::Below => &["-v"],
            Side::Left => &["-h", "-b"],
            Side::Right => &["-h"],
        });
    keep(start(line, launch, program), &[], id, anchor)
        .then("select-pane")
        .args(["-t", &pane])
}

/// The program, as the last arguments of a command that opens a pane.
fn start(mut line: Line, launch: &Launch, program: &Path) -> Line {
    // Left out, it were the folder in which the tmux server was started, by another host.
    let folder = launch.cwd.clone().or_else(|| std::env::current_dir().ok());
    if let Some(folder) = folder {
        line = line.arg("-c").arg(without_formats(folder.as_os_str()));
    }
    for (variable, value) in &launch.env {
        let mut setting = variable.clone();
        setting.push("=");
        setting.push(value);
        line = line.arg("-e").arg(setting);
    }
    // One argument alone would be for a shell to read.
    line.args(["--", "/usr/bin/env", "--"])
        .arg(program)
        .args(&launch.args)
}

/// Marks the pane as a session of this host, and keeps it when its program ends:
/// how it ended is asked before the pane goes.
fn keep(line: Line, target: &[&str], id: &str, anchor: PaneId) -> Line {
    let of_pane = |line: Line, command: &str| line.then(command).arg("-p").args(target);
    let line = of_pane(line, "set-option").args(["remain-on-exit", "on"]);
    // Nothing is drawn into it then; tmux before 3.3 does not ask.
    let line = of_pane(line, "set-option").args(["-q", "remain-on-exit-format", ""]);
    let line = of_pane(line, "set-hook").arg("pane-died").arg(format!(
        "set-option -p @quarterdeck-dead 1 ; {}",
        anchor::ring(anchor)
    ));
    let line = of_pane(line, "set-option").args(["@quarterdeck-id", id]);
    of_pane(line, "set-option")
        .arg(HOST_OPTION)
        .arg(std::process::id().to_string())
}

/// The program with its folder: what cannot be started is noticed here, where it
/// can still be said.
pub(super) fn find_program(launch: &Launch) -> io::Result<PathBuf> {
    if launch.program.components().count() > 1 {
        let program = match &launch.cwd {
            Some(folder) => folder.join(&launch.program),
            None => launch.program.clone(),
        };
        return match program.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(launch.program.clone()),
            Ok(_) => Err(io::ErrorKind::PermissionDenied.into()),
            Err(error) => Err(error),
        };
    }
    let path = launch.env.get(OsStr::new("PATH")).cloned();
    std::env::split_paths(&path.unwrap_or_default())
        .map(|folder| folder.join(&launch.program))
        .find(|program| program.is_file())
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmux_has_numbers_for_the_windows_of_every_host() {
        let largest = window_number(99_999, 19_999);
        assert!(i32::try_from(largest).is_ok());
        assert_ne!(window_number(7, 0), window_number(8, 0));
        assert_ne!(window_number(7, 0), window_number(7, 1));
    }

    #[test]
    fn what_was_opened_is_read() {
        let opened = OpenedPane::parse("%3 77 80 24").expect("read");
        assert_eq!((opened.pane.to_string().as_str(), opened.pid), ("%3", 77));
        assert_eq!((opened.size.columns(), opened.size.rows()), (80, 24));
        for nonsense in ["", "3 77 80 24", "%3 77 80", "%3 x 80 24"] {
            assert_eq!(OpenedPane::parse(nonsense), None, "{nonsense}");
        }
    }
}
