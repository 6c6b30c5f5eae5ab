//! Whether a shell would wait for more after a line, as far as its words and
//! quotes tell.
//!
//! Used to put back together what arrives line by line: `rm \` and `-rf ~` are
//! one command. Shells with integration say themselves that they wait; this is
//! for foreseeing and for shells without. A wrong guess only joins or parts two
//! lines for the policies, which are told whether the shell is known to wait.

use std::iter::Peekable;
use std::mem;
use std::str::Chars;

/// Lines that were let through and that the shell has not run yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unfinished {
    text: Option<String>,
    /// It was handed to a prompt that tells when it runs a command.
    at_prompt: bool,
}

impl Unfinished {
    /// Whether the next line begins a command.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_none()
    }

    /// The command that `line` completes, and what of it was handed over before;
    /// `awaited` is whether the shell is known to wait for more of it.
    pub(crate) fn joined_with(&self, line: &str, awaited: bool) -> (String, Option<EarlierLines>) {
        let Some(text) = &self.text else {
            return (line.to_owned(), None);
        };
        let bytes = text.len() + 1;
        let joined = format!("{text}\n{line}");
        (joined, Some(EarlierLines { bytes, awaited }))
    }

    /// Remembers a command that was handed over, if the shell waits for more.
    pub(crate) fn after(command: &str, waits_for_more: bool) -> Self {
        Self {
            text: waits_for_more.then(|| command.to_owned()),
            at_prompt: false,
        }
    }

    /// Remembers a command that was handed to the prompt of a shell that will say
    /// whether it waits for more.
    pub(crate) fn at_prompt(command: &str) -> Self {
        Self {
            text: Some(command.to_owned()),
            at_prompt: true,
        }
    }

    /// Whether it is finished if that shell runs a command now.
    pub(crate) fn ends_when_run(&self) -> bool {
        self.at_prompt
    }
}

/// Lines that a command begins with and that were handed over before the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EarlierLines {
    /// Bytes that they are, with their line breaks.
    bytes: usize,
    /// Whether the shell is known to wait for more. If it does not, the last line
    /// is a command of its own.
    awaited: bool,
}

impl EarlierLines {
    /// What approvers are told of them.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (String, String)> {
        let awaited = self.awaited.then(|| ("waits-for-more", "yes".to_owned()));
        [("earlier-bytes", self.bytes.to_string())]
            .into_iter()
            .chain(awaited)
            .map(|(name, value)| (name.to_owned(), value))
    }
}

/// Whether the shell waits for more after `command`.
pub(crate) fn waits_for_more(command: &str) -> bool {
    let mut reading = Reading::of(command);
    reading.read();
    reading.waits_for_more()
}

/// What was opened and is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// `if`, up to `fi`.
    Condition,
    /// `for`, `while`, `until`, `select`, up to `done`.
    Loop,
    /// `case`, up to its `in`.
    CaseWord,
    /// The patterns of a `case`, up to their `)`.
    CasePatterns,
    /// The commands of a `case`, up to `;;` or `esac`.
    CaseCommands,
    Brace,
    Bracket,
    /// `[[`
    Test,
}

/// A command, read as far as its open ends need.
struct Reading<'a> {
    rest: Peekable<Chars<'a>>,
    open: Vec<Open>,
    here_documents: Vec<HereDocument>,
    /// What comes next is the first word of a command.
    begins_command: bool,
    /// The last thing was `&&`, `||`, `|` or the head of a function.
    wants_command: bool,
    /// It ends within quotes or with a backslash.
    cut_off: bool,
}

struct HereDocument {
    delimiter: String,
    strips_tabs: bool,
}

impl<'a> Reading<'a> {
    fn of(command: &'a str) -> Self {
        Self {
            rest: command.chars().peekable(),
            open: Vec::new(),
            here_documents: Vec::new(),
            begins_command: true,
            wants_command: false,
            cut_off: false,
        }
    }

    fn waits_for_more(&self) -> bool {
        let open = !self.open.is_empty() || !self.here_documents.is_empty();
        open || self.wants_command || self.cut_off
    }

    fn read(&mut self) {
        let mut word = String::new();
        while let Some(character) = self.rest.next() {
            if is_plain(character) && !(character == '#' && word.is_empty()) {
                self.part_of_word(character, &mut word);
                continue;
            }
            self.word(&mem::take(&mut word));
            match character {
                '#' => while self.rest.next_if(|it| *it != '\n').is_some() {},
                '\n' => self.line_ends(),
                '<' if self.takes('<') => self.here_document(),
                ';' => self.separator(),
                '&' | '|' => {
                    let doubled = self.takes(character);
                    // `>&2` and `&>` are no ends of commands.
                    self.begins_command |= doubled || character == '|';
                    self.wants_command = doubled || character == '|';
                }
                '(' => self.bracket(),
                ')' => self.bracket_closes(),
                _ => {}
            }
        }
        self.word(&word);
    }

    /// Letters, and what quotes them.
    fn part_of_word(&mut self, character: char, word: &mut String) {
        match character {
            '\\' => match self.rest.next() {
                Some('\n') => {}
                Some(escaped) => word.extend(['\\', escaped]),
                None => self.cut_off = true,
            },
            '\'' | '"' | '`' => {
                word.push(character);
                self.quoted(character);
            }
            _ => word.push(character),
        }
    }

    fn quoted(&mut self, quote: char) {
        while let Some(character) = self.rest.next() {
            match character {
                '\\' if quote != '\'' => _ = self.rest.next(),
                _ if character == quote => return,
                _ => {}
            }
        }
        self.cut_off = true;
    }

    fn takes(&mut self, character: char) -> bool {
        self.rest.next_if_eq(&character).is_some()
    }

    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        self.wants_command = false;
        let begins = mem::take(&mut self.begins_command);
        match (self.open.last(), word) {
            (Some(Open::Test), "]]") => _ = self.open.pop(),
            (Some(Open::CaseWord), "in") => self.becomes(Open::CasePatterns),
            (Some(Open::CasePatterns), "esac") => _ = self.open.pop(),
            (Some(Open::Test | Open::CaseWord | Open::CasePatterns), _) => {}
            _ if begins => self.first_word(word),
            _ => {}
        }
    }

    fn first_word(&mut self, word: &str) {
        match word {
            "if" => self.opens(Open::Condition),
            "while" | "until" => self.opens(Open::Loop),
            "for" | "select" => self.open.push(Open::Loop),
            "case" => self.open.push(Open::CaseWord),
            "{" => self.opens(Open::Brace),
            "[[" => self.open.push(Open::Test),
            "then" | "elif" | "else" | "do" | "!" | "time" => self.begins_command = true,
            "fi" => self.closes(Open::Condition),
            "done" => self.closes(Open::Loop),
            "}" => self.closes(Open::Brace),
            "esac" => self.closes(Open::CaseCommands),
            "function" => {
                while self.rest.next_if(|it| matches!(it, ' ' | '\t')).is_some() {}
                while self.rest.next_if(|it| is_plain(*it)).is_some() {}
                self.begins_command = true;
                self.wants_command = true;
            }
            // fish
            "end" => _ = self.open.pop(),
            _ => {}
        }
    }

    fn opens(&mut self, open: Open) {
        self.open.push(open);
        self.begins_command = true;
    }

    fn closes(&mut self, open: Open) {
        self.open.pop_if(|last| *last == open);
    }

    fn becomes(&mut self, open: Open) {
        self.open.pop();
        self.open.push(open);
    }

    fn separator(&mut self) {
        let item_ends = self.takes(';') || self.takes('&');
        if item_ends && self.open.last() == Some(&Open::CaseCommands) {
            self.becomes(Open::CasePatterns);
        }
        self.begins_command = true;
    }

    fn bracket(&mut self) {
        // One before the patterns of a `case` opens nothing.
        if self.open.last() == Some(&Open::CasePatterns) {
            return;
        }
        if self.takes(')') {
            // The head of a function.
            self.wants_command = true;
            self.begins_command = true;
            return;
        }
        self.opens(Open::Bracket);
    }

    fn bracket_closes(&mut self) {
        if self.open.last() == Some(&Open::CasePatterns) {
            self.becomes(Open::CaseCommands);
            self.begins_command = true;
        } else {
            self.closes(Open::Bracket);
            self.begins_command = false;
        }
        self.wants_command = false;
    }

    /// After the second `<`.
    fn here_document(&mut self) {
        if self.takes('<') {
            return;
        }
        let strips_tabs = self.takes('-');
        while self.rest.next_if(|it| matches!(it, ' ' | '\t')).is_some() {}
        let mut delimiter = String::new();
        while let Some(character) = self.rest.next_if(|it| is_plain(*it)) {
            if !matches!(character, '\'' | '"' | '\\') {
                delimiter.push(character);
            }
        }
        // Not a here-document: `$((1 << 2))` for one.
        if !delimiter.is_empty() && !delimiter.starts_with(|c: char| c.is_ascii_digit()) {
            self.here_documents.push(HereDocument {
                delimiter,
                strips_tabs,
            });
        }
    }

    fn line_ends(&mut self) {
        self.begins_command = true;
        while let Some(document) = self.here_documents.first() {
            let mut line = String::new();
            let mut ends = false;
            for character in self.rest.by_ref() {
                ends = character == '\n';
                if ends {
                    break;
                }
                line.push(character);
            }
            let content = match document.strips_tabs {
                true => line.trim_start_matches('\t'),
                false => &line,
            };
            if content == document.delimiter {
                self.here_documents.remove(0);
            } else if !ends {
                return;
            }
        }
    }
}

/// Whether a character can stand in a word, quoting included.
fn is_plain(character: char) -> bool {
    !matches!(
        character,
        ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
    )
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
            "for i in 1 2; do",
            "for i in 1 2",
            "for i in 1 2; do\necho n$i",
            "if true; then",
            "if true; then echo a; else",
            "while read x; do if [ $x ]; then",
            "case $x in",
            "case $x in a) echo a ;;",
            "case $x in (a|b) echo a",
            "f() {",
            "f()",
            "function f {",
            "{ echo a",
            "(cd /tmp; ls",
            "echo $(ls",
            "names=(a b",
            "[[ -n $x",
            "ls |",
            "true &&",
            "false ||",
            "! {",
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
            "for i in 1 2; do\necho n$i\ndone",
            "for i in a b; do echo done; done; ls",
            "if true; then echo if; fi",
            "if true; then echo a; elif false; then echo b; else echo c; fi",
            "case $x in a) echo a ;; (b) echo esac ;; esac",
            "case $x in a) echo a ;& b) ;; esac",
            "f() { echo a; }; f",
            "f()\n{\necho a\n}",
            "{ echo a; }",
            "(cd /tmp; ls)",
            "echo $(ls) \"$(date)\"",
            "[[ -n $x && ( $y == z ) ]] && echo yes",
            "ls | wc -l",
            "sleep 1 &",
            "echo a 2>&1",
            "ls &> log",
            "echo if then do {",
            "true &&\nls",
            "cat <<-EOF\n\tx\n\tEOF",
            "cat <<A <<B\na\nA\nb\nB\n",
            "if true\necho a\nend",
        ] {
            assert!(!waits_for_more(closed), "{closed:?}");
        }
    }

    #[test]
    fn lines_join_to_the_command_that_runs() {
        let unfinished = Unfinished::after("rm \\", true);
        let earlier = EarlierLines {
            bytes: 5,
            awaited: true,
        };
        let joined = ("rm \\\n-rf ~".to_owned(), Some(earlier));
        assert_eq!(unfinished.joined_with("-rf ~", true), joined);
        let alone = Unfinished::after("ls", false).joined_with("pwd", true);
        assert_eq!(alone, ("pwd".to_owned(), None));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\PC\\n<'\"\\\\`#]{0,80}") {
            waits_for_more(&text);
        }
    }
}
