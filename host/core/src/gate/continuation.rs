//! Whether a shell would wait for more after a line, as far as quotes,
//! backslashes and here-documents tell.
//!
//! Used to put back together what arrives line by line: `rm \` and `-rf ~` are
//! one command. Shells with integration say themselves that they wait; this is
//! for foreseeing and for shells without. A wrong guess only joins or parts two
//! lines for the policies, and the line itself is judged either way.

/// Lines that were let through and that the shell has not run yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unfinished {
    text: Option<String>,
}

impl Unfinished {
    /// The command that `line` completes.
    pub(crate) fn joined_with(&self, line: &str) -> String {
        match &self.text {
            Some(text) => format!("{text}\n{line}"),
            None => line.to_owned(),
        }
    }

    /// Remembers a command that was handed over, if the shell waits for more.
    pub(crate) fn after(command: &str, waits_for_more: bool) -> Self {
        Self {
            text: waits_for_more.then(|| command.to_owned()),
        }
    }
}

/// Whether the shell waits for more after `command`.
pub(crate) fn waits_for_more(command: &str) -> bool {
    let mut here_documents: Vec<String> = Vec::new();
    let mut lines = command.split('\n');
    let mut quote: Option<char> = None;
    while let Some(line) = lines.next() {
        if quote.is_none() && !here_documents.is_empty() {
            if line.trim_start_matches('\t') == here_documents[0] {
                here_documents.remove(0);
            }
            continue;
        }
        let mut characters = line.char_indices().peekable();
        let mut word_starts = true;
        let mut escaped_end = false;
        while let Some((at, character)) = characters.next() {
            match (quote, character) {
                (None | Some('"'), '\\') => escaped_end = characters.next().is_none(),
                (Some(open), close) if open == close => quote = None,
                (Some(_), _) => {}
                (None, '#') if word_starts => break,
                (None, '\'' | '"' | '`') => quote = Some(character),
                (None, '<') if line[at..].starts_with("<<") && !line[at..].starts_with("<<<") => {
                    characters.next();
                    here_documents.extend(here_document_end(&line[at + 2..]));
                }
                // `<<<` is a here-string: step over all of it.
                (None, '<') if line[at..].starts_with("<<<") => {
                    characters.next();
                    characters.next();
                }
                (None, _) => {}
            }
            word_starts = character.is_whitespace() || matches!(character, ';' | '&' | '|' | '(');
        }
        if escaped_end && lines.clone().next().is_none() {
            return true;
        }
    }
    quote.is_some() || !here_documents.is_empty()
}

/// The line that ends a here-document, from the text after its `<<`.
fn here_document_end(rest: &str) -> Option<String> {
    let word: String = rest
        .strip_prefix('-')
        .unwrap_or(rest)
        .trim_start()
        .chars()
        .take_while(|c| !c.is_whitespace() && !matches!(c, ';' | '&' | '|' | '<' | '>' | ')'))
        .filter(|c| !matches!(c, '\'' | '"' | '\\'))
        .collect();
    // Not a here-document: `$((1 << 2))` for one.
    (!word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn open_ends_are_seen() {
        for open in [
            "rm \\",
            "echo 'a",
            "echo \"a",
            "echo \"a\\",
            "cat <<EOF",
            "cat <<'EOF'\nrm -rf ~",
            "cat <<-EOF\nx",
            "echo a # it's\necho 'b",
        ] {
            assert!(waits_for_more(open), "{open:?}");
        }
    }

    #[test]
    fn closed_ends_are_seen() {
        for closed in [
            "ls",
            "echo 'a\\'",
            "echo a\\\\",
            "cat <<EOF\nx\nEOF",
            "cat <<< word",
            "echo it is # it's",
            "rm \\\n-rf x",
            "echo $((1 << 2))",
        ] {
            assert!(!waits_for_more(closed), "{closed:?}");
        }
    }

    #[test]
    fn lines_join_to_the_command_that_runs() {
        let unfinished = Unfinished::after("rm \\", true);
        assert_eq!(unfinished.joined_with("-rf ~"), "rm \\\n-rf ~");
        assert_eq!(Unfinished::after("ls", false).joined_with("pwd"), "pwd");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\PC\\n<'\"\\\\`#]{0,80}") {
            waits_for_more(&text);
        }
    }
}
