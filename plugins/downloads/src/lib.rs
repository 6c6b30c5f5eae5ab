//! The bundled progress parser `downloads`: curl, wget, rsync and git.
//!
//! curl, wget and rsync report the whole; rsync that shows a bar for each file
//! reports the files as the whole and the present one as the item `file`. git
//! works in phases, each of which is an item of its own.

mod curl;
mod git;
mod rsync;
mod wget;

use policy_progress_text::{Board, NoSettings, Program, export_program};

/// What the output of programs that fetch and copy means.
#[derive(Debug, Clone, Default)]
pub struct Downloads {
    rsync: rsync::Rsync,
}

impl Program for Downloads {
    type Settings = NoSettings;

    fn configured(NoSettings {}: NoSettings) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        // A line belongs to the first program that knows its form.
        let _known = git::line(line, board)
            || wget::line(line, board)
            || self.rsync.line(line, board)
            || curl::line(line, board);
    }
}

export_program!(Downloads);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    macro_rules! recording {
        ($name:literal) => {
            include_str!(concat!("../tests/recordings/", $name, ".txt"))
        };
    }

    const CURL: &str = recording!("curl");
    const WGET: &str = recording!("wget");
    const WGET_DOTS: &str = recording!("wget-dots");
    const RSYNC_FILES: &str = recording!("rsync-progress");
    const RSYNC_WHOLE: &str = recording!("rsync-progress2");
    const GIT: &str = recording!("git-clone");

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&Downloads::default(), output))
    }

    /// What was known before the text first appeared.
    fn before(output: &str, text: &str) -> Vec<String> {
        after(&output[..output.find(text).unwrap()])
    }

    #[test]
    fn curl_gives_bytes_or_a_bar() {
        assert_eq!(after(CURL), [": Completed 2999296/2999296 100.0% | curl"]);
        assert_eq!(
            after(recording!("curl-bar")),
            [": Completed ?/? 100.0% | curl"]
        );
        assert_eq!(
            after("\r#####            45.5%"),
            [": Running ?/? 45.5% | curl"]
        );
        assert_eq!(
            after(
                "\r 42 2929k   42 1230k    0     0  2050k      0  0:00:01 --:--:--  0:00:01 2050k"
            ),
            [": Running 1259520/2999296 42.0% | curl"]
        );
        let failed = after(recording!("curl-failing"));
        assert!(
            failed[0].starts_with(": Failed ?/? ? | (7) Failed to connect"),
            "{failed:?}"
        );
    }

    #[test]
    fn wget_draws_a_bar_or_dots() {
        assert_eq!(before(WGET, "56%["), [": Running ?/? 42.0% | dl/b"]);
        assert_eq!(after(WGET), [": Completed 3000000/3000000 100.0% | dl/b"]);
        assert_eq!(before(WGET_DOTS, "   150K"), [": Running ?/? 5.0% | wget"]);
        assert_eq!(
            after(WGET_DOTS),
            [": Completed 3000000/3000000 100.0% | dl/b"]
        );
        assert_eq!(
            after(recording!("wget-failing")),
            [": Failed ?/? ? | ERROR 404: File not found."]
        );
    }

    #[test]
    fn rsync_tells_the_whole_from_one_file() {
        assert_eq!(
            before(RSYNC_WHOLE, "      2,800,000"),
            [": Running 4/7 50.0% | rsync"]
        );
        assert_eq!(after(RSYNC_WHOLE), [": Completed 7/7 100.0% | rsync"]);
        assert_eq!(
            before(RSYNC_FILES, "f4.bin"),
            [
                ": Running 4/7 57.1% | rsync",
                "file: Completed ?/? 100.0% | rsync"
            ]
        );
        assert!(after(RSYNC_FILES).contains(&": Completed 7/7 100.0% | rsync".to_owned()));
        let failed = after(recording!("rsync-failing"));
        assert!(
            failed[0].starts_with(": Failed ?/? ? | some files/attrs"),
            "{failed:?}"
        );
    }

    #[test]
    fn git_works_in_phases() {
        assert_eq!(
            after(
                "Cloning into 'x'...\nremote: Counting objects: 100% (12/12), done.        \nReceiving objects:  45% (123/270), 1.2 MiB | 3.00 MiB/s\r"
            ),
            [
                "Counting objects: Completed 12/12 100.0% | Counting objects",
                "Receiving objects: Running 123/270 45.6% | Receiving objects",
            ]
        );
        assert_eq!(
            after(GIT).last().unwrap(),
            "Resolving deltas: Completed 524/524 100.0% | Resolving deltas"
        );
        let failed = after(recording!("git-failing"));
        assert_eq!(
            failed,
            [": Failed ?/? ? | '/nonexistent' does not appear to be a git repository"]
        );
    }

    #[test]
    fn other_output_means_nothing() {
        assert!(after("# a heading 5%\n100 bottles of beer on the wall\nsaved [x]\nTotal: 5% (of 3)\n12 34\n").is_empty());
    }

    #[test]
    fn splits() {
        for recording in [
            CURL,
            WGET,
            WGET_DOTS,
            RSYNC_FILES,
            RSYNC_WHOLE,
            GIT,
            recording!("curl-bar"),
            recording!("curl-failing"),
            recording!("wget-failing"),
            recording!("rsync-failing"),
            recording!("git-failing"),
        ] {
            splits_make_no_difference(&Downloads::default(), recording);
        }
    }
}
