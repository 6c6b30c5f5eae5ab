//! What commands print, and what others make of it.

use std::rc::Rc;

use super::{Context, Field, MAX_VALUE_BYTES, Stream, Walk};
use crate::rules::Sources;
use crate::text::{self, SOMETHING, UNKNOWN};
use crate::verdict::Span;

impl Walk<'_> {
    /// What a command prints, where that can be told.
    pub(super) fn output(
        &self,
        name: &str,
        arguments: &[Field],
        context: &Context,
        read: Sources,
    ) -> Stream {
        let program = self.rules.program(name);
        // `env` prints the environment only where it runs nothing.
        let gives = match name {
            "env" if !arguments.is_empty() => Sources::NONE,
            "declare" | "typeset" | "export"
                if !arguments.is_empty() && arguments.iter().all(is_listing) =>
            {
                Sources::SECRET
            }
            _ => program.gives,
        };
        let unseen = context.input.piped && context.input.text.is_none();
        let typed_into = program.shell && (unseen || words_have(arguments, "-i"));
        let read = if keeps_names_only(name, arguments) {
            read.without(Sources::SECRET)
        } else {
            read
        };
        let from = read.and(gives).and(if typed_into {
            Sources::SHELL
        } else {
            Sources::NONE
        });
        let words = || arguments.iter().map(|argument| argument.text.as_str());
        let text = match name {
            "cat" | "tee" if words().all(|word| word == "-") || name == "tee" => {
                context.input.text.clone()
            }
            "cat" => self.text_of_files(arguments),
            _ => self.printed(name, arguments, context).map(Rc::from),
        };
        Stream {
            from,
            text,
            names: self.names_listed(name, arguments, context),
            piped: true,
        }
    }

    /// What is in files, where this line has written each of them.
    fn text_of_files(&self, files: &[Field]) -> Option<Rc<str>> {
        let mut text = String::new();
        for file in files {
            text.push_str(&self.text_of_file(&file.text)?);
        }
        Some(text.into()).filter(|text: &Rc<str>| text.len() <= MAX_VALUE_BYTES)
    }

    /// The text that a command makes of its arguments and its input.
    pub(super) fn printed(
        &self,
        name: &str,
        arguments: &[Field],
        context: &Context,
    ) -> Option<String> {
        let words = || arguments.iter().map(|argument| argument.text.as_str());
        match name {
            "echo" => {
                let escapes = words()
                    .take_while(|word| is_echo_flag(word))
                    .any(|word| word.contains('e'));
                let text = words()
                    .skip_while(|word| is_echo_flag(word))
                    .collect::<Vec<_>>()
                    .join(" ");
                Some(if escapes { text::unescape(&text) } else { text } + "\n")
            }
            "printf" => printf(&words().collect::<Vec<_>>()),
            _ if prints_settings(name, arguments) => Some(String::new()),
            "xxd" if words().any(|word| matches!(word, "-r" | "-rp" | "-pr")) => {
                context.input.text.as_deref().and_then(text::decode_hex)
            }
            "openssl" if words().any(|word| word == "-d") => {
                context.input.text.as_deref().and_then(text::decode_base64)
            }
            "base64" if words().any(|word| matches!(word, "-d" | "-D" | "--decode" | "-di")) => {
                context.input.text.as_deref().and_then(text::decode_base64)
            }
            "rev" => context
                .input
                .text
                .as_deref()
                .map(|text| text.trim_end().chars().rev().collect()),
            "pwd" => Some(self.working_directory()),
            "dirname" | "basename" => {
                let path = arguments
                    .first()
                    .map(|field| field.text.trim_end_matches('/'))?;
                let (folder, file) = path.rsplit_once('/').unwrap_or((".", path));
                Some(match name {
                    "basename" => file.to_owned(),
                    _ if folder.is_empty() => "/".to_owned(),
                    _ => folder.to_owned(),
                })
            }
            "which" | "type" => words().next_back().map(installed),
            "command" if words().next().is_some_and(|word| word == "-v") => {
                words().next_back().map(installed)
            }
            "git" if words_have(arguments, "--show-toplevel") => {
                Some(self.shell.project_folder().to_owned())
            }
            // What it prints are numbers; rules are told whose.
            "pgrep" | "pidof" => Some(format!("pid-of:{}", words().collect::<Vec<_>>().join("+"))),
            "ps" if lists_every_process(arguments) => Some("pid-of:every".to_owned()),
            // Nobody knows it, but what is added to it is known.
            "crontab" if words().any(|word| word == "-l") => Some(format!("{UNKNOWN}\n")),
            "mktemp" => Some(format!("/tmp/{SOMETHING}")),
            ":" | "true" | "false" | "cd" | "export" | "set" => Some(String::new()),
            _ => None,
        }
    }

    /// The input of a command as fields, as `xargs` would pass them on.
    pub(super) fn input_fields(&self, context: &Context, span: Span) -> Vec<Field> {
        let field = |text: &str| Field::new(text.to_owned(), context.input.from, span);
        match &context.input.text {
            Some(text) => text.split_whitespace().take(64).map(field).collect(),
            None => match &context.input.names {
                Some(names) => vec![field(names)],
                None => vec![field(&UNKNOWN.to_string())],
            },
        }
    }
}

/// `env | cut -d= -f1`: which variables there are, and none of their values.
fn keeps_names_only(name: &str, arguments: &[Field]) -> bool {
    match (name, arguments) {
        ("cut", [one, other]) => {
            let names = |flag: &Field| flag.text == "-f1";
            let at_equals = |flag: &Field| flag.text == "-d=";
            names(one) && at_equals(other) || names(other) && at_equals(one)
        }
        ("sed", [script]) => script.text == "s/=.*//",
        ("awk", [separator, program]) => separator.text == "-F=" && program.text == "{print $1}",
        ("wc", _) => true,
        _ => false,
    }
}

/// `ps -eo pid=`: the numbers of all there are, and nothing else.
fn lists_every_process(arguments: &[Field]) -> bool {
    const NUMBERS: [&str; 4] = ["pid=", "pid", "pid=,", "pid,"];
    let mut words = arguments.iter().map(|field| field.text.as_str());
    let numbers = words.clone().any(|word| {
        NUMBERS.contains(&word.trim_start_matches(['-', 'e', 'A', 'a', 'x', 'o', '=']))
    });
    let all = words.any(|word| {
        word.len() < 6 && !word.contains("pid") && word.contains(['e', 'A', 'x'])
            || word.starts_with("-eo")
            || word.starts_with("-Ao")
            || word.starts_with("axo")
    });
    numbers && all
}

/// Where a program is likely to be.
fn installed(name: &str) -> String {
    match name.contains('/') {
        true => name.to_owned(),
        false => format!("/usr/bin/{name}"),
    }
}

/// `-p`, `-x`, `-px`: without a name, all there are.
fn is_listing(argument: &Field) -> bool {
    argument
        .text
        .strip_prefix('-')
        .is_some_and(|letters| letters.bytes().all(|letter| matches!(letter, b'p' | b'x')))
}

fn words_have(arguments: &[Field], flag: &str) -> bool {
    arguments.iter().any(|argument| argument.text == flag)
}

/// Tools that print settings for the shell to take over with `eval`: known, and
/// nothing that changes what is judged.
fn prints_settings(name: &str, arguments: &[Field]) -> bool {
    let word = |number: usize| arguments.get(number).map(|field| field.text.as_str());
    match name {
        "ssh-agent"
        | "dircolors"
        | "resize"
        | "tset"
        | "lesspipe"
        | "lesspipe.sh"
        | "register-python-argcomplete" => true,
        "direnv" | "starship" | "zoxide" | "pyenv" | "rbenv" | "nodenv" | "goenv" | "jenv"
        | "mise" | "asdf" | "fnm" | "brew" | "opam" | "atuin" | "navi" | "mcfly" | "conda"
        | "mamba" | "micromamba" | "fzf" | "luarocks" | "thefuck" | "hub" | "anyenv" | "plenv"
        | "nvm" | "volta" | "keychain" | "pkgx" | "devbox" => word(0).is_some_and(|first| {
            matches!(
                first,
                "hook"
                    | "init"
                    | "env"
                    | "activate"
                    | "shellenv"
                    | "path"
                    | "alias"
                    | "--alias"
                    | "widget"
                    | "virtualenv-init"
                    | "shell.bash"
                    | "shell.zsh"
                    | "shell"
                    | "--bash"
                    | "--zsh"
                    | "export"
                    | "global"
            )
        }),
        "kubectl" | "gh" | "docker" | "helm" | "npm" | "pip" | "poetry" | "rustup" | "uv"
        | "minikube" | "k3d" | "kind" | "just" | "glab" | "argocd" | "flux" => {
            word(0).is_some_and(|first| {
                matches!(
                    first,
                    "completion" | "completions" | "docker-env" | "generate-shell-completion"
                )
            })
        }
        _ => false,
    }
}

fn is_echo_flag(word: &str) -> bool {
    word.len() > 1
        && word.starts_with('-')
        && word[1..]
            .bytes()
            .all(|byte| matches!(byte, b'e' | b'n' | b'E'))
}

/// `printf` with formats that only put words together.
fn printf(words: &[&str]) -> Option<String> {
    let (format, arguments) = words.split_first()?;
    let format = text::unescape(format);
    if !format.contains('%') {
        return Some(format);
    }
    let bytes = format.contains("%b");
    let plain = format.replace("%s", "\u{5}").replace("%b", "\u{5}");
    if plain.contains('%') || format.len() > 256 {
        return None;
    }
    let mut printed = String::new();
    let mut arguments = arguments.iter();
    loop {
        for (index, literal) in plain.split('\u{5}').enumerate() {
            if index > 0 {
                let argument = arguments.next().copied().unwrap_or_default();
                if bytes {
                    printed.push_str(&text::unescape(argument));
                } else {
                    printed.push_str(argument);
                }
            }
            printed.push_str(literal);
        }
        if arguments.len() == 0 || printed.len() > MAX_VALUE_BYTES {
            return Some(printed);
        }
    }
}

/// Quotes text for a shell line.
pub(super) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
