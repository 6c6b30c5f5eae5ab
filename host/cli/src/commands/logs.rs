//! `quarterdeck logs`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::Setup;
use crate::logging::{FILE_PREFIX, FILE_SUFFIX};

/// How often a log that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Prints the newest `count` lines of the host's log; with `follow`, also what comes.
pub(crate) fn run(setup: &Setup, count: usize, follow: bool) -> Result<ExitCode> {
    let folder = setup.paths.logs_dir();
    let files = files(&folder)?;
    let Some(newest) = files.last() else {
        bail!(
            "there are no logs in {}: `quarterdeck serve` writes them",
            folder.display()
        );
    };
    let mut out = io::stdout().lock();
    let printed = last_lines(&files, count)
        .and_then(|lines| lines.iter().try_for_each(|line| writeln!(out, "{line}")))
        .and_then(|()| match follow {
            true => follow_from(&folder, newest, &mut out),
            false => Ok(()),
        });
    match printed {
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        printed => printed
            .map(|()| ExitCode::SUCCESS)
            .with_context(|| format!("reading the logs in {}", folder.display())),
    }
}

/// The log files, oldest first: their names are dates.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading the folder {}", folder.display()))?,
    };
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{FILE_PREFIX}.")) && name.ends_with(&format!(".{FILE_SUFFIX}"))
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_log)
        .collect();
    files.sort();
    Ok(files)
}

fn last_lines(files: &[PathBuf], count: usize) -> io::Result<Vec<String>> {
    let mut newest: Vec<String> = Vec::new();
    for file in files.iter().rev() {
        if newest.len() >= count {
            break;
        }
        let lines: Vec<String> = BufReader::new(File::open(file)?)
            .split(b'\n')
            .map(|line| Ok(String::from_utf8_lossy(&line?).into_owned()))
            .collect::<io::Result<_>>()?;
        let missing = count - newest.len();
        let skipped = lines.len().saturating_sub(missing);
        newest.splice(0..0, lines.into_iter().skip(skipped));
    }
    Ok(newest)
}

/// Prints what is added to the newest file, and goes on with the next day's.
fn follow_from(folder: &Path, newest: &Path, out: &mut impl Write) -> io::Result<()> {
    let mut path = newest.to_owned();
    let mut file = File::open(&path)?;
    file.seek(SeekFrom::End(0))?;
    loop {
        let mut news = Vec::new();
        file.read_to_end(&mut news)?;
        out.write_all(&news)?;
        out.flush()?;
        std::thread::sleep(LOOK_EVERY);
        let last = files(folder).unwrap_or_default().pop();
        if let Some(last) = last.filter(|last| *last != path) {
            io::copy(&mut file, out)?;
            file = File::open(&last)?;
            path = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_come_from_as_many_days_as_it_takes() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("host.2026-03-01.log", "a\nb\n"),
            ("host.2026-03-02.log", "c\n"),
            ("other.txt", "x\n"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let files = files(folder.path()).expect("files");
        for (count, expected) in [
            (0, vec![]),
            (1, vec!["c"]),
            (2, vec!["b", "c"]),
            (9, vec!["a", "b", "c"]),
        ] {
            assert_eq!(last_lines(&files, count).expect("lines"), expected);
        }
    }
}
