//! What a session shows for recorded bytes, beside what tmux shows for the same.
//!
//! A recording is a list of bytes: those in `sequences.txt` are written by hand, one
//! for each thing that a terminal does, and those in `programs` were written by real
//! programs (`record.py` makes them anew). Each is shown on a session of ours and in a
//! pane of tmux, of the same size. Where the two differ, `differences.txt` says how and
//! why; what it does not list must be equal, and what it lists must differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use quarterdeck_terminal::{OpenRequest, Size, pty};

const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// A condition is looked at again after this long.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// Shows a file, asks where the cursor is, and says that it was told: then all that
/// came before the question is on the screen.
const SHOW: &str = r#"stty raw -echo
cat "$1"
printf '\033[6n'
until [ "$(dd bs=1 count=1 2>/dev/null)" = R ]; do :; done
: >"$2"
exec sleep 1000
"#;

/// What a terminal shows in the end.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    rows: Vec<String>,
    /// Column and row, from 0. After the last column of a row it is on that column.
    cursor: (u16, u16),
}

/// One thing in which the two differ: where, what tmux shows, what we show.
type Difference = (String, String, String);

#[tokio::test(flavor = "multi_thread")]
async fn every_recording_ends_with_the_screen_that_tmux_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("show");
    fs::write(&script, SHOW).expect("written");
    let recordings = recordings();
    assert!(recordings.len() >= 60, "only {}", recordings.len());

    let tmux = Tmux::start(folder.path());
    let mut found = BTreeMap::new();
    for (number, (name, bytes)) in recordings.iter().enumerate() {
        let file = folder.path().join(format!("{number}.bytes"));
        fs::write(&file, bytes).expect("written");
        let (theirs, ours) = tokio::join!(
            tmux.show(&script, &file, name),
            show_ours(&script, &file, name)
        );
        let differences = differences(&theirs, &ours);
        if !differences.is_empty() {
            found.insert(name.clone(), differences);
        }
    }
    let listed = listed();
    assert_eq!(
        found,
        listed,
        "differences.txt would be, reasons aside:\n{}",
        written(&found)
    );
}

/// All recordings by name.
fn recordings() -> BTreeMap<String, Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut recordings = BTreeMap::new();
    let sequences = include_str!("sequences.txt");
    let (_, sequences) = sequences.split_once("\n== ").expect("a first sequence");
    for sequence in sequences.split("\n== ") {
        let (name, text) = sequence.split_once('\n').expect("a name");
        let lines = text.lines().map(str::trim_start);
        let bytes = lines.flat_map(unescaped).collect();
        assert_eq!(recordings.insert(name.to_owned(), bytes), None, "{name}");
    }
    for entry in fs::read_dir(corpus.join("programs")).expect("recordings") {
        let path = entry.expect("a recording").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        let bytes = fs::read(&path).expect("bytes");
        recordings.insert(format!("{name} (program)"), bytes);
    }
    recordings
}

/// A line of `sequences.txt` as bytes.
fn unescaped(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend(character.to_string().bytes());
            continue;
        }
        bytes.push(match characters.next() {
            Some('e') => 0x1b,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('b') => 8,
            Some('a') => 7,
            Some('s') => b' ',
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = characters.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap_or_else(|_| panic!("\\x{digits}"))
            }
            other => panic!("the escape {other:?} in {line:?}"),
        });
    }
    bytes
}

async fn until_told(told: &Path, name: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !told.exists() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{name}: the question for the cursor was not answered"
        );
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

async fn show_ours(script: &Path, file: &Path, name: &str) -> Shown {
    let told = file.with_extension("ours");
    let opened = pty::open(OpenRequest {
        shell: Some("sh".into()),
        args: vec![script.into(), file.into(), told.clone().into()],
        size: Size::new(COLUMNS, ROWS).expect("possible"),
        ..OpenRequest::default()
    })
    .await
    .expect("opened");
    until_told(&told, name).await;
    let screen = opened.terminal.screen().await;
    opened.terminal.close().await;
    Shown {
        rows: screen.rows.into_iter().map(|row| row.text).collect(),
        cursor: (screen.cursor.column, screen.cursor.row),
    }
}

/// A tmux server of the test's own; it ends with the test.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    fn start(folder: &Path) -> Self {
        let tmux = Self {
            socket: folder.join("socket"),
        };
        let size = [COLUMNS.to_string(), ROWS.to_string()];
        tmux.ask(&["new-session", "-d", "-x", &size[0], "-y", &size[1], "cat"]);
        tmux.ask(&["set-option", "-g", "status", "off"]);
        tmux.ask(&["set-option", "-g", "default-size", &size.join("x")]);
        tmux
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(&self.socket)
            .args(arguments)
            .output()
            .expect("tmux is installed; `tests/run prepare` does that");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    async fn show(&self, script: &Path, file: &Path, name: &str) -> Shown {
        let told = file.with_extension("theirs");
        let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let pane = self.ask(&[
            "new-window",
            "-d",
            "-P",
            "-F",
            "#{pane_id}",
            "sh",
            &path(script),
            &path(file),
            &path(&told),
        ]);
        let pane = pane.trim_end();
        until_told(&told, name).await;
        let screen = self.ask(&["capture-pane", "-p", "-t", pane]);
        let cursor = self.ask(&[
            "display-message",
            "-p",
            "-t",
            pane,
            "#{cursor_x} #{cursor_y}",
        ]);
        self.ask(&["kill-pane", "-t", pane]);
        let (column, row) = cursor.trim_end().split_once(' ').expect("a place");
        let number = |text: &str| text.parse::<u16>().expect("a number");
        let mut rows: Vec<String> = screen
            .lines()
            .map(|row| row.trim_end().to_owned())
            .collect();
        rows.resize(ROWS.into(), String::new());
        Shown {
            rows,
            cursor: (number(column).min(COLUMNS - 1), number(row)),
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.ask(&["kill-server"]);
    }
}

fn differences(theirs: &Shown, ours: &Shown) -> Vec<Difference> {
    let rows = theirs.rows.iter().zip(&ours.rows).enumerate();
    let mut differences: Vec<Difference> = rows
        .filter(|(_, (theirs, ours))| theirs != ours)
        .map(|(row, (theirs, ours))| (format!("row {row}"), theirs.clone(), ours.clone()))
        .collect();
    if theirs.cursor != ours.cursor {
        let place = |(column, row): (u16, u16)| format!("column {column}, row {row}");
        let (theirs, ours) = (place(theirs.cursor), place(ours.cursor));
        differences.push(("cursor".to_owned(), theirs, ours));
    }
    differences
}

/// Reads `differences.txt`: blocks that begin with `== name`, then a reason, then three
/// lines for each difference.
fn listed() -> BTreeMap<String, Vec<Difference>> {
    let mut listed = BTreeMap::new();
    for block in include_str!("differences.txt").split("\n== ").skip(1) {
        let mut lines = block.lines();
        let name = lines.next().expect("a name").to_owned();
        let reason = lines.next().and_then(|line| line.strip_prefix("because "));
        assert!(
            reason.is_some_and(|why| why.len() > 10),
            "{name}: no reason"
        );
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let differences = lines.chunks(3).map(|difference| match difference {
            [place, theirs, ours] => {
                let value = |line: &str, who: &str| {
                    let value = line.strip_prefix(who).expect("who shows it");
                    value.strip_prefix(' ').unwrap_or(value).to_owned()
                };
                let theirs = value(theirs, "  tmux:");
                ((*place).to_owned(), theirs, value(ours, "  ours:"))
            }
            rest => panic!("{name}: not three lines: {rest:?}"),
        });
        let differences = differences.collect();
        assert_eq!(listed.insert(name.clone(), differences), None, "{name}");
    }
    listed
}

/// As in `differences.txt`.
fn written(found: &BTreeMap<String, Vec<Difference>>) -> String {
    let mut text = String::new();
    for (name, differences) in found {
        text += &format!("\n== {name}\nbecause \n");
        for (place, theirs, ours) in differences {
            text += &format!("{place}\n  tmux: {theirs}\n  ours: {ours}\n");
        }
    }
    text
}
