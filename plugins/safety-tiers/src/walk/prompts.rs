//! What leads out of a database's prompt: shell lines, files that are written,
//! and statements that stand in the strings of others.

use super::code::strings;
use super::{Context, Field, Stream, Walk, field};
use crate::verdict::Span;

/// What a command of a prompt does with the rest of its line.
#[derive(Clone, Copy)]
enum Takes {
    /// Runs it as a shell line.
    Line,
    /// Hands what it prints to that shell line from now on.
    Pager,
    /// Writes to that file, or with `|` before it into a program.
    Output,
    /// Reads that file, or with `|` before it what a program prints.
    Input,
}

/// Words of the prompts of psql, mysql and sqlite, with a space behind each that
/// takes something. mysql tells `\T` from psql's `\t`.
const COMMANDS: [(&str, Takes); 25] = [
    ("\\!", Takes::Line),
    ("! ", Takes::Line),
    ("system ", Takes::Line),
    (".system ", Takes::Line),
    (".shell ", Takes::Line),
    ("pager ", Takes::Pager),
    ("\\P ", Takes::Pager),
    ("\\o ", Takes::Output),
    ("\\out ", Takes::Output),
    ("\\g ", Takes::Output),
    ("\\gx ", Takes::Output),
    ("\\w ", Takes::Output),
    ("\\write ", Takes::Output),
    ("\\s ", Takes::Output),
    ("\\T ", Takes::Output),
    ("tee ", Takes::Output),
    (".once ", Takes::Output),
    (".output ", Takes::Output),
    (".log ", Takes::Output),
    (".save ", Takes::Output),
    (".backup ", Takes::Output),
    (".clone ", Takes::Output),
    (".import ", Takes::Input),
    (".read ", Takes::Input),
    ("\\o|", Takes::Pager),
];

/// What runs the statements that strings hold.
const RUNS_STRINGS: [&str; 8] = [
    "gexec",
    "dblink",
    "execute",
    "prepare ",
    "do $",
    "query_to_xml",
    "sp_executesql",
    "cron.schedule",
];

/// Calls and words whose string names a file that is written.
const WRITES_FILES: [&str; 4] = [") to '", "* to '", "writefile('", "into outfile '"];

impl Walk<'_> {
    /// Judges the shell lines in what a database's prompt is given. Gives the
    /// files that it would write.
    pub(super) fn out_of_a_prompt(
        &mut self,
        text: &str,
        span: Span,
        context: &Context,
    ) -> Vec<Field> {
        let mut written = Vec::new();
        for line in text.lines().map(str::trim) {
            self.command_of_a_prompt(line, span, context, &mut written);
            // `select 1; pager less`, `select 1 \g |less`
            for piece in line.split(';').skip(1) {
                self.command_of_a_prompt(piece.trim_start(), span, context, &mut written);
            }
            for (at, _) in line.match_indices(" \\").take(16) {
                self.command_of_a_prompt(&line[at + 1..], span, context, &mut written);
            }
        }
        let lower = text.to_ascii_lowercase();
        for begin in WRITES_FILES {
            for (at, _) in lower.match_indices(begin).take(16) {
                let name = &text[at + begin.len()..];
                let name = name.split('\'').next().unwrap_or(name);
                written.push(field(name, span));
            }
        }
        if RUNS_STRINGS.iter().any(|word| lower.contains(word)) {
            for statement in strings(text).iter().take(16) {
                self.only_danger(|walk| walk.statement_in_a_string(statement, span));
            }
            for block in text.split("$$").skip(1).step_by(2).take(16) {
                self.only_danger(|walk| walk.statement_in_a_string(block, span));
            }
        }
        written
    }

    fn command_of_a_prompt(
        &mut self,
        command: &str,
        span: Span,
        context: &Context,
        written: &mut Vec<Field>,
    ) {
        if let Some(setting) = command.strip_prefix("\\setenv ") {
            let (name, value) = setting.trim().split_once(' ').unwrap_or((setting, ""));
            self.judge_assigned_line(name, unquoted(value), span, context);
            return;
        }
        let meant = COMMANDS
            .iter()
            .find_map(|(word, takes)| Some((*takes, unquoted(command.strip_prefix(word)?))));
        match meant {
            Some((Takes::Line, line)) => {
                self.line(line, span, context);
            }
            Some((Takes::Pager, line)) => {
                let line = line.split(';').next().unwrap_or(line);
                self.line(line, span, &printing_into(context));
            }
            Some((Takes::Output | Takes::Input, target)) if target.starts_with('|') => {
                self.line(&target[1..], span, &printing_into(context));
            }
            Some((Takes::Output, file)) => {
                let file = unquoted(file.trim_end_matches(';'));
                if !file.is_empty() {
                    written.push(field(file, span));
                }
            }
            Some((Takes::Input, _)) | None => {}
        }
    }

    fn statement_in_a_string(&mut self, statement: &str, span: Span) {
        let statement = statement.trim_start();
        let body = statement
            .get(..6)
            .filter(|word| word.eq_ignore_ascii_case("begin "));
        let statement = &statement[body.map_or(0, str::len)..];
        if statement.contains(' ') {
            self.statements_of("psql", statement, span);
        }
    }
}

/// What surrounds a program that is given what only the machine knows.
pub(super) fn printing_into(context: &Context) -> Context {
    Context {
        input: Stream {
            piped: true,
            ..Stream::default()
        },
        ..context.clone()
    }
}

/// What stands between quotes, where it does.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}
