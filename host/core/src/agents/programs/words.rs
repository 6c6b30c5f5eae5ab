//! The words of a shell line, as far as they tell which programs it runs. Pure.

/// One word: its text without quotes, and whether the shell would change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) expands: bool,
    /// Where its first quote was, counted in bytes of the text.
    pub(super) quoted_at: Option<usize>,
}

/// The simple commands of a line, and the lines inside its substitutions.
pub(super) fn commands(line: &str) -> (Vec<Vec<Word>>, Vec<String>) {
    let mut scan = Scan::of(line);
    scan.run();
    (scan.commands, scan.substituted)
}

struct Scan<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    commands: Vec<Vec<Word>>,
    command: Vec<Word>,
    word: Option<Word>,
    substituted: Vec<String>,
    /// The next word is the file of a redirection.
    redirected: bool,
}

impl<'a> Scan<'a> {
    fn of(line: &'a str) -> Self {
        Self {
            rest: line.chars().peekable(),
            commands: Vec::new(),
            command: Vec::new(),
            word: None,
            substituted: Vec::new(),
            redirected: false,
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '(' if self.expands(c) => {
                    self.word_mut().expands = true;
                    self.end_command();
                }
                ';' | '\n' | '|' | '&' | '(' | ')' => self.end_command(),
                c if c.is_whitespace() => self.end_word(),
                '#' if self.word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '>' | '<' => self.redirection(c),
                '\'' => {
                    let text = self.until('\'');
                    self.push_quoted(&text);
                }
                '"' => self.double_quotes(),
                '\\' => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(next) => self.push_quoted(&next.to_string()),
                },
                '`' => self.substitution_until_backtick(),
                '$' => self.dollar(),
                c if self.expands(c) => {
                    self.push(c);
                    self.word_mut().expands = true;
                }
                c => self.push(c),
            }
        }
        self.end_command();
    }

    /// Whether a shell makes another word of the one that this sign is in: by the names
    /// of files (`/bin/[r]m`), by braces (`{rm,x}`), by zsh's `=rm`.
    fn expands(&self, c: char) -> bool {
        let begun = self.word.as_ref().map(|word| word.text.as_str());
        let mut behind = self.rest.clone();
        match c {
            '*' | '?' | '~' => true,
            // `[` and `[[` are commands where the word ends with them.
            '[' => {
                let next = behind.next();
                let ends = |c: Option<char>| c.is_none_or(char::is_whitespace);
                let is_command = match begun {
                    None => ends(next) || next == Some('[') && ends(behind.next()),
                    Some(begun) => begun == "[" && ends(next),
                };
                !is_command
            }
            // `/bin/(r)m` of zsh, `@(r)m` of bash; no `name()`, no `array=(`.
            '(' => begun.is_some_and(|it| !it.ends_with('=')) && behind.next() != Some(')'),
            '{' => {
                let inside: String = behind
                    .take_while(|c| *c != '}' && !c.is_whitespace())
                    .collect();
                inside.contains(',') || inside.contains("..")
            }
            '=' => begun.is_none() && behind.next().is_some_and(|c| !c.is_whitespace()),
            _ => false,
        }
    }

    fn redirection(&mut self, c: char) {
        // `2>` is no word, `<(` runs what follows.
        if self.word.as_ref().is_some_and(|word| is_number(&word.text)) {
            self.word = None;
        }
        self.end_word();
        if self.rest.next_if_eq(&'(').is_some() {
            let inner = self.until_closing();
            self.substituted.push(inner);
            return;
        }
        while self
            .rest
            .next_if(|next| *next == c || *next == '&' || *next == '|')
            .is_some()
        {}
        self.redirected = true;
    }

    fn double_quotes(&mut self) {
        self.push_quoted("");
        while let Some(c) = self.rest.next() {
            match c {
                '"' => return,
                '\\' => {
                    if let Some(next) = self.rest.next() {
                        self.push(next);
                    }
                }
                '`' => self.substitution_until_backtick(),
                '$' => self.dollar(),
                c => self.push(c),
            }
        }
    }

    fn dollar(&mut self) {
        match self.rest.peek() {
            Some('(') => {
                self.rest.next();
                let inner = self.until_closing();
                if !is_arithmetic(&inner) {
                    self.substituted.push(inner);
                }
                self.word_mut().expands = true;
            }
            // $'…' holds escapes that only the shell decodes.
            Some('\'') => {
                self.rest.next();
                let text = self.until('\'');
                self.push_quoted(&text);
                self.word_mut().expands |= text.contains('\\');
            }
            Some('"') => {}
            Some(c) if c.is_alphanumeric() || "{_?!@*#$-".contains(*c) => {
                self.push('$');
                self.word_mut().expands = true;
            }
            _ => self.push('$'),
        }
    }

    fn substitution_until_backtick(&mut self) {
        let inner = self.until('`');
        self.substituted.push(inner);
        self.word_mut().expands = true;
    }

    /// Up to the quote that ends it, which is consumed.
    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        for c in self.rest.by_ref() {
            if c == end {
                break;
            }
            text.push(c);
        }
        text
    }

    /// Up to the bracket that closes an open one. Brackets in quotes are counted
    /// too: what is cut wrong then shows as programs that nobody allows.
    fn until_closing(&mut self) -> String {
        let mut open = 1;
        let mut text = String::new();
        for c in self.rest.by_ref() {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            text.push(c);
        }
        text
    }

    fn word_mut(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.word_mut().text.push(c);
    }

    fn push_quoted(&mut self, text: &str) {
        let word = self.word_mut();
        word.quoted_at.get_or_insert(word.text.len());
        word.text.push_str(text);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.redirected)
        {
            self.command.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.command.is_empty() {
            self.commands.push(std::mem::take(&mut self.command));
        }
    }
}

/// Whether `$(…)` around this is `$((…))`, which counts and runs nothing. Signs that
/// could stand between commands make it none.
fn is_arithmetic(inner: &str) -> bool {
    let Some(counted) = (inner.strip_prefix('(')).and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let mut open = 0_u32;
    let mut before = ' ';
    counted.chars().all(|c| {
        let fits = match c {
            '(' if before == '$' => false,
            '(' => {
                open += 1;
                true
            }
            ')' if open == 0 => false,
            ')' => {
                open -= 1;
                true
            }
            c => c.is_ascii_alphanumeric() || " _$+-*/%<>=!^~?:,".contains(c),
        };
        before = c;
        fits
    })
}

pub(super) fn is_number(word: &str) -> bool {
    word.trim_end_matches(['s', 'm', 'h', 'd'])
        .parse::<f64>()
        .is_ok()
}
