//! Commands that are carried in something else: in options that a variable gives, in
//! bindings and previews, in the value of a setting, in text that is expanded once more.

use super::code::strings;
use super::redirects::Redirected;
use super::removals::destroys;
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::place::Places;
use crate::rules::Sources;
use crate::syntax::{Piece, Word};
use crate::verdict::{Span, Tier};

/// Variables whose value a program puts among its own arguments.
const OPTION_VARIABLES: [(&str, &str); 10] = [
    ("MANOPT", "man ls"),
    ("TAR_OPTIONS", "tar cf x y"),
    ("FZF_DEFAULT_OPTS", "fzf"),
    ("SKIM_DEFAULT_OPTIONS", "sk"),
    ("GOFLAGS", "go test"),
    ("NODE_OPTIONS", "node x.js"),
    ("BUN_OPTIONS", "bun x.js"),
    ("PYTEST_ADDOPTS", "pytest"),
    ("MAKEFLAGS", "make"),
    ("RSYNC_RSH", "rsync -e"),
];

/// Builtins that take the name of a variable, and work out the index in it.
const TAKE_NAMES: [&str; 14] = [
    "test",
    "[",
    "let",
    "printf",
    "read",
    "declare",
    "typeset",
    "local",
    "export",
    "readonly",
    "mapfile",
    "readarray",
    "unset",
    "wait",
];

/// Actions of a finder's bindings that run what stands in the brackets behind them.
const ACTIONS: [&str; 7] = [
    "execute(",
    "execute-silent(",
    "execute-multi(",
    "become(",
    "reload(",
    "transform(",
    "preview(",
];

/// Words of an editor's command line that show or change only the text that is open.
const HARMLESS: [&str; 34] = [
    "q",
    "q!",
    "qa",
    "qa!",
    "qall",
    "w",
    "wq",
    "wqa",
    "wa",
    "x",
    "xa",
    "syntax",
    "syn",
    "noh",
    "nohlsearch",
    "set",
    "setlocal",
    "sort",
    "sort!",
    "retab",
    "retab!",
    "d",
    "delete",
    "j",
    "join",
    "split",
    "vsplit",
    "sp",
    "vs",
    "tabnew",
    "only",
    "help",
    "h",
    "colorscheme",
];

/// Settings of an editor that name a program or hold an expression.
const SETTINGS_THAT_RUN: [&str; 10] = [
    "shell",
    "sh=",
    "makeprg",
    "mp=",
    "grepprg",
    "gp=",
    "equalprg",
    "formatprg",
    "keywordprg",
    "expr",
];

/// Whether a program puts the value of a variable among its arguments.
pub(super) fn gives_options(variable: &str) -> bool {
    OPTION_VARIABLES.iter().any(|(known, _)| *known == variable)
}

impl Walk<'_> {
    /// Text in quotes that a shell would expand, were it looked at once more: in an index,
    /// by `${NAME@P}`, in a prompt. Only danger counts.
    pub(super) fn judge_kept_substitution(&mut self, word: &Word, context: &Context) {
        for piece in &word.pieces {
            if let Piece::Quoted(text) = piece {
                self.expanded_once_more(text, word.span, context);
            }
        }
    }

    pub(super) fn expanded_once_more(&mut self, text: &str, span: Span, context: &Context) {
        if !text.contains("$(") && !text.contains('`') {
            return;
        }
        let end = "END-OF-TEXT";
        self.perhaps_line(&format!("true <<{end}\n{text}\n{end}\n"), span, context);
    }

    /// `test -v 'a[$(cmd)]'`: the index is worked out, and what is in it runs.
    pub(super) fn indices(&mut self, name: &str, fields: &[Field], span: Span, context: &Context) {
        if TAKE_NAMES.contains(&name) {
            for field in fields.iter().filter(|field| field.text.contains('[')) {
                self.expanded_once_more(&field.text, span, context);
            }
        }
    }

    /// A variable that gives a program further arguments.
    pub(super) fn judge_given_options(
        &mut self,
        variable: &str,
        value: &str,
        span: Span,
        context: &Context,
    ) {
        let taken = OPTION_VARIABLES
            .iter()
            .find(|(known, _)| *known == variable);
        if let Some((_, program)) = taken {
            self.perhaps_line(&format!("{program} {value}"), span, context);
        }
    }

    /// `fzf --bind 'enter:execute(cmd)'`.
    pub(super) fn commands_of_bindings(
        &mut self,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) {
        for binding in arguments.values_of(&["--bind"]) {
            for action in ACTIONS {
                for (at, _) in binding.match_indices(action).take(4) {
                    let inside = &binding[at + action.len()..];
                    let end = inside.rfind(')').unwrap_or(inside.len());
                    self.line(&inside[..end], span, context);
                }
            }
        }
    }

    /// The strings in the values of settings: `cargo --config 'x.runner="cmd"'`.
    pub(super) fn commands_of_settings<'a>(
        &mut self,
        settings: impl Iterator<Item = &'a str>,
        span: Span,
        context: &Context,
    ) {
        for line in settings.flat_map(strings).collect::<Vec<_>>() {
            self.perhaps_line(&line, span, context);
        }
    }

    /// Files of commands that an editor reads: `vim -S x.vim`.
    pub(super) fn scripts_of_an_editor(&mut self, arguments: &Arguments<'_>, span: Span) {
        let files = ["-S", "-u", "-l", "--load", "--script", "-s"];
        for file in arguments.values_of(&files).collect::<Vec<_>>() {
            for line in self.text_of_file(file).iter().flat_map(|text| text.lines()) {
                if let Some((_, line)) = line.split_once('!') {
                    self.perhaps_line(line, span, &Context::default());
                }
            }
            let place = Places::of(file, self.shell.here());
            if file.contains(['/', '.', crate::text::HOME]) && !Places::INSIDE.meets(place) {
                self.note(
                    "core/foreign-script",
                    Tier::Review,
                    "Runs a script that is not part of the project.",
                    span,
                );
            }
        }
    }

    /// One line of vim's own language.
    pub(super) fn command_of_vim(&mut self, command: &str, span: Span, context: &Context) {
        let command = command.trim().trim_start_matches(':');
        let before = command.split_once('!').map(|(before, _)| before.trim());
        // `%!cmd` and `w !cmd` hand it the text; the line itself has been judged.
        if let Some(before) = before
            && !before.is_empty()
            && !matches!(
                before,
                "q" | "qa" | "x" | "wq" | "wqa" | "e" | "sort" | "retab" | "r" | "read" | "w"
            )
        {
            let unseen = Context {
                input: Stream {
                    piped: true,
                    ..Stream::default()
                },
                ..context.clone()
            };
            let line = command.split_once('!').map_or("", |(_, line)| line);
            self.line(line, span, &unseen);
        }
        let (word, rest) = command
            .split_once(|c: char| c.is_whitespace())
            .unwrap_or((command, ""));
        match word.trim_start_matches([
            '%', '.', ',', '$', '+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9', '0',
        ]) {
            "w" | "w!" | "write" | "wq" | "wq!" | "sav" | "sav!" | "saveas" | "x" | "redir"
                if !rest.trim().is_empty() =>
            {
                let file = rest.trim().trim_start_matches(['>', ' ']);
                if !file.starts_with('!') {
                    self.line(&format!("cat > {file}"), span, context);
                }
                return;
            }
            "terminal" | "ter" | "term" | "te" => {
                let line = rest.trim_start_matches(|c: char| c == '+' || c.is_ascii_alphanumeric());
                self.line(
                    if rest.starts_with('+') { line } else { rest },
                    span,
                    context,
                );
            }
            _ => {}
        }
        if destroys(command, self.shell.here()) {
            self.note(
                "core/code-destroys",
                Tier::Dangerous,
                "Its code would remove a home folder, a part of the system or everything there is.",
                span,
            );
        }
        let texts = strings(command);
        for text in &texts {
            self.perhaps_line(text, span, context);
        }
        let home = command.contains("$HOME") || command.contains("env.HOME");
        let path = |text: &String| match home {
            true => format!("~{text}"),
            false => text.clone(),
        };
        if command.contains("delete(") || command.contains("rename(") || command.contains("remove(")
        {
            let mut row: Vec<String> = texts.iter().take(1).map(path).collect();
            if home {
                row.push("~".to_owned());
            }
            self.perhaps_line(&format!("rm -rf {}", row.join(" ")), span, context);
        }
        if command.contains("writefile(")
            && let Some(file) = texts.last()
        {
            let file = Field::new(path(file).replace('~', "\u{1}"), Sources::NONE, span);
            self.judge_redirects(&Redirected::to(vec![file]), span);
        }
        if let Some((_, value)) = command.split_once('=').filter(|_| word.starts_with("set")) {
            self.perhaps_line(&value.replace("\\ ", " "), span, context);
        }
        if !is_harmless(command, word, rest) {
            self.note(
                "core/editor-command",
                Tier::Review,
                "It gives an editor a command that may run others or change other files.",
                span,
            );
        }
    }
}

/// Whether a line of vim's language only moves about, or edits the text that is open.
fn is_harmless(command: &str, word: &str, rest: &str) -> bool {
    let text = command.trim_start_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, '%' | '.' | ',' | '$' | '+' | '-' | '\'' | '<' | '>')
    });
    let substitutes = ["s/", "s#", "s|", "s,", "g/", "v/", "/", "?"]
        .iter()
        .any(|begin| text.starts_with(begin));
    let sets_what_runs =
        word.starts_with("set") && SETTINGS_THAT_RUN.iter().any(|name| rest.contains(name));
    // A shell line, which has been judged.
    let line = command.starts_with(['!']) || command.starts_with("r !");
    let calls = command.contains("\\=") || command.contains("!") && !command.ends_with('!');
    line || text.is_empty()
        || !calls && substitutes
        || !calls
            && !sets_what_runs
            && HARMLESS.contains(&text.split_whitespace().next().unwrap_or(""))
}
