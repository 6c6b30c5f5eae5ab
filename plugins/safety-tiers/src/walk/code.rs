//! Code in other languages: what is given to an interpreter on its command
//! line, or typed into one.

use std::rc::Rc;

use super::output::single_quoted;
use super::redirects::Redirected;
use super::removals::{destroys, names_home};
use super::starters::{piped, started};
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::rules::{PLAIN_PROGRAM, Program, Sources};
use crate::text::{self, UNKNOWN};
use crate::verdict::{Span, Tier};

/// Code in another language that a command runs.
pub(super) struct Code {
    pub(super) text: String,
    /// Whether it may start processes that were not judged.
    pub(super) unresolved: bool,
    /// Files that it would write, where it is for a database's prompt.
    pub(super) writes: Vec<Field>,
}

impl Walk<'_> {
    /// Code in another language: shell lines in its strings are judged too.
    pub(super) fn code(
        &mut self,
        program: &'static Program,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) -> Option<Code> {
        let mut code: Vec<String> = arguments
            .values_of(program.code_flags)
            .map(str::to_owned)
            .collect();
        let operand = program
            .code_operand
            .and_then(|number| arguments.operands().nth(usize::from(number)));
        code.extend(operand.map(|operand| operand.text.clone()));
        if program
            .code_in
            .iter()
            .any(|subcommand| arguments.has_subcommand(subcommand))
        {
            code.extend(arguments.operands().nth(1).map(|code| code.text.clone()));
        }
        // `go run -`, and what this line has written: `go run main.go`
        if program.runs_code_of(arguments) {
            let read = |file: &Field| self.stream_of(&file.text, context);
            let texts = arguments.operands().skip(1).filter_map(read);
            let texts: Vec<Stream> = texts.collect();
            if texts.iter().any(|read| read.text.is_none()) {
                self.note(
                    "core/unknown-script",
                    Tier::Review,
                    "Runs text that only the machine knows when the time comes.",
                    span,
                );
            }
            code.extend(
                texts
                    .into_iter()
                    .filter_map(|read| read.text)
                    .map(|text| text.to_string()),
            );
        }
        code.extend(
            arguments
                .text()
                .filter(|_| arguments.text_is_code())
                .map(|text| text.text.clone()),
        );
        if arguments.text_is_code() {
            let texts = self.scripts_in_files(arguments, context);
            code.extend(texts.iter().map(|text| text.to_string()));
        }
        if arguments.runs_first_operand() && !program.shell {
            let script = arguments.operands().next();
            // `python3 a.py` that this line has written, `python3 <(…)`
            let read = script
                .filter(|script| script.text != "-")
                .and_then(|script| self.stream_of(&script.text, context));
            if read.as_ref().is_some_and(|read| read.text.is_none()) {
                self.note(
                    "core/unknown-script",
                    Tier::Review,
                    "Runs text that only the machine knows when the time comes.",
                    span,
                );
            }
            let text = read.and_then(|read| read.text);
            code.extend(text.map(|text| text.to_string()));
        }
        if program.reads_code {
            // `psql -f a.sql` that this line has written
            let texts = self.scripts_in_files(arguments, context);
            code.extend(texts.iter().map(|text| text.to_string()));
        }
        let reads_code = program.reads_code
            || !program.code_flags.is_empty()
                && !program.code_flags.contains(&"-")
                && arguments.operands().all(|operand| operand.text == "-")
                && !arguments.has_flag("-m|--version|-V|-v|-h|--help");
        if code.is_empty() && reads_code && context.input.piped {
            match context.input.text.as_deref() {
                // `python <<EOF`
                Some(text) => code.push(text.to_owned()),
                // Statements that nobody can see: none of those that are known.
                None if program.reads_code => code.push(UNKNOWN.to_string()),
                None => self.note(
                    "core/unknown-script",
                    Tier::Review,
                    "Runs text that only the machine knows when the time comes.",
                    span,
                ),
            }
        }
        if code.is_empty() {
            return None;
        }
        // Each is a text of its own.
        let between = if program.reads_code { "\n;\n" } else { "\n" };
        let text = code.join(between);
        if text.trim_start().starts_with(UNKNOWN) && !program.reads_code {
            self.note(
                "core/unknown-script",
                Tier::Review,
                "Runs text that only the machine knows when the time comes.",
                span,
            );
        }
        let writes = if program.reads_code {
            self.out_of_a_prompt(&text, span, context)
        } else {
            Vec::new()
        };
        self.put_in_by_code(&text);
        if destroys(&text, self.shell.here()) {
            self.note(
                "core/code-destroys",
                Tier::Dangerous,
                "Its code would remove a home folder, a part of the system or everything there is.",
                span,
            );
        }
        // IPython hands such lines to a shell.
        for line in text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix('!'))
        {
            self.perhaps_line(line, span, context);
        }
        let mut unresolved = self.judge_code(&text, span, context);
        if !program.reads_code {
            self.queries(&text, span);
        }
        if program.code_flags.contains(&"-") {
            unresolved |= self.pipes_of_awk(&text, span, context);
        }
        Some(Code {
            text,
            unresolved,
            writes,
        })
    }

    /// The scripts that `-f` names, where this line has written them.
    pub(super) fn scripts_in_files(
        &self,
        arguments: &Arguments<'_>,
        context: &Context,
    ) -> Vec<Rc<str>> {
        let files = arguments.values_of(&["-f", "--file"]);
        files
            .filter_map(|file| self.stream_of(file, context)?.text)
            .collect()
    }

    /// Judges what awk starts by its pipes. Gives whether it may start others.
    fn pipes_of_awk(&mut self, code: &str, span: Span, context: &Context) -> bool {
        let started = piped(code);
        // What awk prints into a program, only the machine knows.
        let within = Context {
            input: Stream {
                piped: true,
                ..Stream::default()
            },
            ..super::deeper(context)
        };
        for line in &started.lines {
            self.line(line, span, &within);
        }
        // `print > "FILE"`
        for (at, _) in code.match_indices('>').take(16) {
            let behind = code[at + 1..].trim_start_matches(['>', ' ']);
            let file = behind
                .strip_prefix('"')
                .and_then(|file| file.split('"').next());
            if let Some(file) = file {
                let texts = strings(code);
                let texts = texts.iter().map(String::as_str).filter(|it| *it != file);
                self.put_into(file, &texts.collect::<Vec<_>>().join("\n"));
            }
            if let Some(file) = file.filter(|file| file.contains('/')) {
                let file = Field::new(file.to_owned(), Sources::NONE, span);
                self.judge_redirects(&Redirected::to(vec![file]), span);
            }
        }
        started.unresolved
    }

    /// Judges the processes that a program's text starts, and the strings in it
    /// as shell lines, each alone and all of them in a row (`run(["rm", "-rf",
    /// "/"])`). Gives whether it may start others.
    pub(super) fn judge_code(&mut self, code: &str, span: Span, context: &Context) -> bool {
        let lowered = as_php_reads_it(code);
        let code = lowered.as_deref().unwrap_or(code);
        let put_together = put_together(code);
        let starts = |code: &str| PROCESS_STARTERS.iter().any(|name| code.contains(name));
        if !starts(code) && !put_together.as_deref().is_some_and(starts) || only_prints(code) {
            return false;
        }
        let code = put_together.as_deref().unwrap_or(code);
        if code.len() > super::MAX_VALUE_BYTES || context.depth >= super::MAX_DEPTH {
            return true;
        }
        let started = started(code);
        for line in &started.lines {
            self.line(line, span, &super::deeper(context));
        }
        // Tcl takes words for strings.
        for words in code
            .lines()
            .filter_map(|line| line.trim().strip_prefix("exec "))
        {
            self.perhaps_line(words, span, context);
        }
        let strings = strings(code);
        for string in &strings {
            // `open(F, "| cmd")`
            let line = string.trim_matches(['|', ' ']);
            self.perhaps_line(line, span, context);
            if string.len() < code.len()
                && PROCESS_STARTERS.iter().any(|name| string.contains(name))
            {
                self.only_danger(|walk| {
                    walk.judge_code(string, span, &super::deeper(context));
                });
            }
            if let Some(decoded) = text::decode_base64(string).filter(|text| text.len() > 3) {
                self.perhaps_line(&decoded, span, context);
                self.only_danger(|walk| {
                    walk.judge_code(&decoded, span, &super::deeper(context));
                });
            }
        }
        if strings.len() > 1 {
            let row: Vec<String> = strings.iter().map(|string| home_aware(string)).collect();
            self.perhaps_line(&row.join(" "), span, context);
            self.perhaps_line(&strings.concat(), span, context);
        }
        if names_home(code) || code.contains("expanduser") || code.contains("homedir") {
            let mut row = strings.join(" ");
            row.push_str(" ~");
            self.perhaps_line(&row, span, context);
        }
        started.unresolved
    }

    /// Text that may be a shell line or not: only danger counts.
    pub(super) fn perhaps_line(&mut self, line: &str, span: Span, context: &Context) {
        self.only_danger(|walk| {
            walk.line(line, span, context);
        });
    }

    /// Judges what may run or not, by a guess: a guess may warn of danger, for
    /// anything less it is no ground.
    pub(super) fn only_danger(&mut self, judge: impl FnOnce(&mut Self)) {
        let before = self.worst.take();
        let shell = self.shell.clone();
        judge(self);
        self.leave_subshell(shell);
        let found = self
            .worst
            .take()
            .filter(|finding| finding.tier == Tier::Dangerous);
        self.worst = before;
        if let Some(found) = found {
            self.found(found);
        }
    }

    /// Judges a line of another language that is typed into its interpreter.
    pub(crate) fn typed_code(&mut self, program: &str, code: &str, span: Span) {
        let context = Context::default();
        if self.rules.program(program).reads_code {
            let writes = self.out_of_a_prompt(code, span, &context);
            self.judge_redirects(&Redirected::to(writes), span);
        }
        let unresolved = self.judge_code(code, span, &context);
        self.rules_about_code(program, code, unresolved, span);
    }

    /// Judges the statements that something sends to a database.
    pub(super) fn statements_of(&mut self, program: &str, code: &str, span: Span) {
        self.rules_about_code(program, code, false, span);
    }

    fn rules_about_code(&mut self, program: &str, code: &str, unresolved: bool, span: Span) {
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let place = self.shell.place();
        let subject = Subject {
            code: Some(code),
            unresolved,
            ..Subject::new(program, &arguments, place.here())
        };
        let rule = self
            .rules
            .about_code(program)
            .find(|rule| rule.applies(&subject));
        if let Some(rule) = rule {
            self.found_in(rule, &subject, span, None);
        }
    }
}

/// What starts a process in the languages that have one-line programs.
const PROCESS_STARTERS: [&str; 47] = [
    "passthru",
    "run <",
    "getline",
    "doShellScript",
    "do script",
    "write text",
    "keystroke",
    "sh '",
    "sh \"",
    "program =",
    "| \"",
    "|\"",
    "\"|",
    "'|",
    "system",
    "popen",
    "Popen",
    "subprocess",
    "exec",
    "spawn",
    "child_process",
    "`",
    "qx",
    "%x",
    "shell",
    "sh(",
    "eval",
    "__import__",
    "importlib",
    "import *",
    "import(",
    "getattr",
    "fork",
    "kill",
    "Function",
    "vm.",
    "dlopen",
    "Deno.",
    "ctypes",
    "cmd(",
    "run-program",
    "process",
    "Process",
    "proc_open",
    ".!",
    ".execute",
    "command",
];

/// PHP takes its functions in any case: `PASSTHRU(…)`.
fn as_php_reads_it(code: &str) -> Option<String> {
    const STARTERS: [&str; 6] = [
        "passthru(",
        "system(",
        "exec(",
        "shell_exec(",
        "popen(",
        "proc_open(",
    ];
    if !code.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let lower = code.to_ascii_lowercase();
    let mut plain = code.to_owned();
    for starter in STARTERS {
        for (at, _) in lower.match_indices(starter) {
            plain.replace_range(at..at + starter.len(), starter);
        }
    }
    (plain != code).then_some(plain)
}

/// Whether all that the code does is to print one text, in which nothing is put in.
fn only_prints(code: &str) -> bool {
    const PRINTS: [&str; 6] = [
        "print(",
        "console.log(",
        "puts(",
        "print ",
        "puts ",
        "echo ",
    ];
    let code = code.trim().trim_end_matches(';');
    let Some(printed) = PRINTS.iter().find_map(|call| code.strip_prefix(call)) else {
        return false;
    };
    let printed = printed.trim().trim_end_matches(')');
    let Some(quote) = printed.chars().next().filter(|it| matches!(it, '"' | '\'')) else {
        return false;
    };
    let inside = &printed[1..];
    let mut escaped = false;
    let end = inside.find(|character| {
        let ends = character == quote && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    end.is_some_and(|end| end + 1 == inside.len())
        && !["#{", "${", "@{", "$("]
            .iter()
            .any(|mark| inside.contains(mark))
}

/// Code with the texts joined that it puts together of parts: `"r" + "m"`.
pub(super) fn put_together(code: &str) -> Option<String> {
    let mut joined = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, after) = rest.split_at(at);
        let between = after[1..].trim_start();
        let next = between
            .strip_prefix("..")
            .or_else(|| between.strip_prefix(['+', '.']))
            .and_then(|next| next.trim_start().strip_prefix(&after[..1]));
        joined.push_str(before);
        match next {
            Some(next) => rest = next,
            None => {
                joined.push_str(&after[..1]);
                rest = &after[1..];
            }
        }
    }
    if joined.is_empty() || joined.len() + rest.len() == code.len() {
        return None;
    }
    joined.push_str(rest);
    Some(joined)
}

/// The string literals in a program, whatever its language.
pub(super) fn strings(code: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let quote = rest.as_bytes()[start];
        rest = &rest[start + 1..];
        let mut end = None;
        let mut escaped = false;
        for (offset, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                byte if byte == quote => {
                    end = Some(offset);
                    break;
                }
                _ => {}
            }
        }
        let Some(end) = end else { break };
        if end > 0 && strings.len() < 32 {
            strings.push(text::unescape(&rest[..end]));
        }
        rest = &rest[end + 1..];
    }
    // Ruby's and Perl's lists of words: `system(*%w[rm -rf x])`.
    for mark in ["%w", "qw", "run "] {
        let list = code.split_once(mark).map(|(_, list)| list);
        let list = list.and_then(|list| list.strip_prefix(['[', '(', '{', '<', '/']));
        let words = list.and_then(|list| list.split([']', ')', '}', '>']).next());
        strings.extend(words.map(str::to_owned));
    }
    // Lua's: `os.execute([[rm -rf x]])`.
    let long = code.split("[[").skip(1).take(8);
    strings.extend(long.filter_map(|text| Some(text.split_once("]]")?.0.to_owned())));
    // Perl and Ruby: `system(q(rm -rf ~))`, `exec rm`; what stands between
    // brackets is looked at as well.
    if let Some(open) = code.find('(')
        && let Some(close) = code.rfind(')')
        && open < close
        && strings.is_empty()
    {
        strings.push(code[open + 1..close].to_owned());
    }
    strings
}

/// A string of a program as one word of a line, or as it is where it has
/// several words or stands for the home folder.
fn home_aware(string: &str) -> String {
    if string.contains(['\'', '\n']) {
        single_quoted(string)
    } else {
        string.to_owned()
    }
}
