//! The command that a program wraps, which stands behind its own flags and
//! operands: `sudo`, `xargs`, `npm exec`, `uv run`.

use super::invoke::Invocation;
use super::look_through::joined;
use super::redirects::Redirected;
use super::{Context, Field, Walk};
use crate::arguments::Arguments;
use crate::rules::{Program, Sources};
use crate::verdict::Span;

impl Walk<'_> {
    #[expect(
        clippy::too_many_arguments,
        reason = "they are one command in its parts"
    )]
    pub(super) fn wrapped_command(
        &mut self,
        name: &str,
        program: &'static Program,
        skipped: u8,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) -> Sources {
        let mut skipped = usize::from(skipped);
        let mut runs_project = program.runs_project && program.runs_in.is_empty();
        let mut run_by = None;
        if !program.runs_in.is_empty() {
            let Some(subcommand) = program
                .runs_in
                .iter()
                .find(|words| arguments.has_subcommand(words))
            else {
                return Sources::NONE;
            };
            skipped += subcommand.split(' ').count();
            runs_project = program.runs_project && matches!(*subcommand, "run" | "exec" | "x");
            run_by = match *subcommand {
                "node" => Some("node"),
                "dlx" | "x" if matches!(name, "npm" | "pnpm" | "yarn" | "bun") => Some("npx"),
                _ => None,
            };
        }
        if name == "command" && arguments.has_flag("-v|-V") {
            return Sources::NONE;
        }
        let start = match run_by {
            // Flags that follow are node's own.
            Some("node") => arguments.operand_index(skipped - 1).map(|word| word + 1),
            _ => arguments.operand_index(skipped),
        };
        let Some(start) = start else {
            return Sources::NONE;
        };
        let mut inner: Vec<Field> = fields[start..].to_vec();
        let mut assigns = Vec::new();
        if program.assignments {
            let count = inner
                .iter()
                .take_while(|field| is_assignment(&field.text))
                .count();
            for field in inner.drain(..count).collect::<Vec<_>>() {
                if let Some((variable, value)) = field.text.split_once('=') {
                    self.judge_given_value(variable, value, &inner, span, context);
                    assigns.push(format!("{variable}={value}"));
                }
            }
        }
        if inner.first().is_some_and(|first| first.text == "--") {
            inner.remove(0);
        }
        if name == "hatch" {
            // `hatch run ENVIRONMENT:COMMAND`, where the command may be a
            // script that the project names.
            let command = inner.first().and_then(|first| first.text.split_once(':'));
            if let Some((_, command)) = command {
                if !self.rules.knows(command) {
                    self.perhaps_line(command, span, context);
                    return Sources::NONE;
                }
                inner[0] = Field::new(command.to_owned(), inner[0].from, span);
            }
        }
        if name == "uv" && inner.first().is_some_and(|script| is_python(&script.text)) {
            run_by = Some("python3");
        }
        if let Some(program) = run_by {
            inner.insert(0, super::field(program, span));
        }
        if inner.is_empty() || runs_project && self.is_name_of_the_project(&inner[0].text) {
            return Sources::NONE;
        }
        if name == "xargs" {
            let input = self.input_fields(context, span);
            let replaced = arguments.values_of(&["-I", "-i", "--replace"]).next();
            // With a mark for it, a whole line is one argument.
            let line = context
                .input
                .text
                .as_deref()
                .and_then(|text| text.lines().next());
            let input = match (replaced, line) {
                (Some(_), Some(line)) => {
                    vec![Field::new(line.to_owned(), context.input.from, span)]
                }
                _ => input,
            };
            match (replaced, input.as_slice()) {
                (Some(mark), [first, ..]) if !mark.is_empty() => {
                    for field in &mut inner {
                        let text = field.text.replace(mark, &first.text);
                        *field = Field::new(text, field.from.and(first.from), span);
                    }
                }
                _ => inner.extend(input),
            }
        }
        let cwd = self.shell.cwd.clone();
        let folder = arguments.values_of(folder_flags(name)).last();
        if let Some(folder) = folder {
            self.change_shell("cd", &[super::field(folder, span)], context, span);
            // What they point at was looked up from the other folder.
            for field in &mut inner {
                *field = Field::new(std::mem::take(&mut field.text), field.from, field.span);
            }
        }
        // `xterm -e 'rm -rf x'`: a program of that name there is none.
        if let [only] = inner.as_slice()
            && only.text.contains(' ')
            && !program.joined
        {
            self.perhaps_line(&only.text, span, context);
        }
        if matches!(name, "send-text" | "write-chars") {
            // `kitty @ send-text 'ls\n'`
            for field in &mut inner {
                let text = crate::text::unescape(&field.text);
                *field = Field::new(text.trim_end().to_owned(), field.from, field.span);
            }
        }
        let printed = if program.joined {
            self.line(&joined(&inner), span, context)
        } else {
            let redirected = Redirected::default();
            let invocation = Invocation {
                fields: &inner,
                redirected: &redirected,
                assigns: &assigns,
                span,
            };
            self.invoke(&invocation, &super::deeper(context))
        };
        self.shell.cwd = cwd;
        printed.from
    }

    /// Whether nothing but the project can know a program of this name.
    fn is_name_of_the_project(&self, name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !name.is_empty()
            && name.bytes().all(plain)
            && !self.rules.knows(name)
            && !self.rules.knows(&name.to_ascii_lowercase())
    }
}

/// The flags of a program that say where what it wraps is to run.
fn folder_flags(name: &str) -> &'static [&'static str] {
    match name {
        "env" => &["-C", "--chdir"],
        "sudo" => &["-D", "--chdir"],
        "systemd-run" => &["--working-directory"],
        "bwrap" => &["--chdir"],
        "uv" => &["--directory"],
        _ => &[],
    }
}

/// What `uv run` hands to Python, not to the system.
fn is_python(script: &str) -> bool {
    script == "-" || script.ends_with(".py")
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                // `%` in the functions that bash hands on.
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'%'))
    })
}
