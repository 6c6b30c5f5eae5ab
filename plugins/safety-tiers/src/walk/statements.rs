//! The statements of a database's language, as rules look at them.

/// Statements that are looked at in one text.
const MAX_STATEMENTS: usize = 256;

/// The statements in a text: lower case, one space between words, without
/// comments, with empty literals in place of all that is quoted. A line that
/// begins with `\` or `.` is a command of the database's prompt, and one by
/// itself.
pub(crate) fn statements(text: &str) -> Vec<String> {
    let mut reader = Reader {
        rest: text,
        statement: String::new(),
        found: Vec::new(),
    };
    while reader.found.len() < MAX_STATEMENTS && reader.step() {}
    if reader.found.len() >= MAX_STATEMENTS {
        // What is left is none that is known, and so asked about.
        reader.found.push("…".to_owned());
    }
    reader.end();
    reader.found
}

struct Reader<'a> {
    rest: &'a str,
    statement: String,
    found: Vec<String>,
}

impl Reader<'_> {
    /// Reads a little; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        let prompt_command = self.statement.is_empty() && matches!(first, '\\' | '.');
        if prompt_command {
            let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
            self.statement = spaced(&self.rest[..end].to_lowercase());
            self.rest = &self.rest[end..];
            self.end();
            return true;
        }
        match first {
            ';' => {
                self.end();
                self.skip(1);
            }
            '\'' | '"' | '`' => self.literal(first),
            '$' => self.dollar_literal(),
            '-' if self.rest.starts_with("--") => self.comment(),
            '#' => self.comment(),
            '/' if self.rest.starts_with("/*") => self.block_comment(),
            // mysql's `select 1\G; select 2`
            '\\' if matches!(self.rest.as_bytes(), [_, b'g' | b'G', b';', ..]) => {
                self.end();
                self.skip(3);
            }
            // `select 1 \g` and `\gexec` run what stands before them.
            '\\' => {
                self.end();
                self.statement.clear();
                let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
                self.statement = spaced(&self.rest[..end].to_lowercase());
                self.rest = &self.rest[end..];
                self.end();
            }
            _ if first.is_whitespace() => {
                if !self.statement.is_empty() && !self.statement.ends_with(' ') {
                    self.statement.push(' ');
                }
                self.skip(first.len_utf8());
            }
            _ => {
                self.statement.extend(first.to_lowercase());
                self.skip(first.len_utf8());
            }
        }
        true
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn end(&mut self) {
        let statement = self.statement.trim();
        if !statement.is_empty() {
            self.found.push(statement.to_owned());
        }
        self.statement.clear();
    }

    fn literal(&mut self, quote: char) {
        self.skip(1);
        let name = quote != '\'';
        while let Some(next) = self.rest.chars().next() {
            self.skip(next.len_utf8());
            if next == quote {
                break;
            }
            // A quoted name counts; a quoted value does not.
            if name {
                self.statement.extend(next.to_lowercase());
            }
        }
        if !name {
            self.statement.push_str("''");
        }
    }

    /// `$$ … $$` and `$tag$ … $tag$`.
    fn dollar_literal(&mut self) {
        let tag = self.rest[1..]
            .find('$')
            .map(|end| &self.rest[..end + 2])
            .filter(|tag| {
                tag.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
            });
        match tag {
            Some(tag) => {
                let inside = &self.rest[tag.len()..];
                let end = inside.find(tag).map_or(inside.len(), |end| end + tag.len());
                self.statement.push_str("''");
                self.rest = &inside[end..];
            }
            None => {
                self.statement.push('$');
                self.skip(1);
            }
        }
    }

    fn comment(&mut self) {
        let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn block_comment(&mut self) {
        // MySQL runs what stands in `/*! … */`.
        if self.rest.starts_with("/*!") {
            self.skip(3);
            self.statement.push(' ');
            return;
        }
        let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
        self.statement.push(' ');
        self.rest = &self.rest[end..];
    }
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_like_a_statement_is_none() {
        for (text, expected) in [
            (
                "SELECT 1;\n drop  TABLE x",
                &["select 1", "drop table x"][..],
            ),
            ("select 'drop table x' -- drop table y", &["select ''"]),
            ("/* drop */ select 1", &["select 1"]),
            ("/*! drop table x */", &["drop table x */"]),
            ("\\dt\nselect 1", &["\\dt", "select 1"]),
            ("show x\\G; drop table y", &["show x", "drop table y"]),
            ("select 'x' \\gexec", &["select ''", "\\gexec"]),
            (".tables", &[".tables"]),
            ("do $$ drop table x $$", &["do ''"]),
            ("select \"Name\" from t", &["select name from t"]),
            ("", &[]),
        ] {
            assert_eq!(statements(text), expected, "{text}");
        }
    }
}
