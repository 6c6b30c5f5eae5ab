//! The processes that code in another language starts, as far as its text
//! shows them.

use crate::text;

/// Calls whose first argument is a command line or a list of its words.
const CALLS: [&str; 35] = [
    "os.system(",
    "os.popen(",
    "subprocess.run(",
    "subprocess.call(",
    "subprocess.check_output(",
    "subprocess.check_call(",
    "subprocess.Popen(",
    "subprocess.getoutput(",
    "subprocess.getstatusoutput(",
    "pty.spawn(",
    "execSync(",
    "execFileSync(",
    "execFile(",
    "spawnSync(",
    "spawn(",
    "system(",
    "popen(",
    "shell_exec(",
    "passthru(",
    "proc_open(",
    "os.execute(",
    "capture2(",
    "capture3(",
    "system ",
    "exec ",
    "check_output(",
    "check_call(",
    "Popen(",
    "getoutput(",
    "execShellCmd(",
    "execCmd(",
    "execCmdEx(",
    "execProcess(",
    "staticExec(",
    "gorge(",
];

/// `exec(` runs a command line in some languages, and code in others.
const SHELL_EXEC: [&str; 4] = ["child_process", "<?", "$", "Bun."];

/// What may run anything at all.
const DYNAMIC: [&str; 25] = [
    "loadstring(",
    "dofile(",
    "loadlib",
    "eval(",
    "eval ",
    "__import__(",
    "importlib",
    "getattr(",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "os.fork",
    "os.kill",
    "process.kill",
    "setuid(",
    "ctypes",
    "new Function(",
    "vm.run",
    "dlopen",
    "%x",
    "qx",
    "do shell script",
    "Deno.run",
    "Deno.Command",
    "instance_eval",
];

/// Stands in a line for what the code puts there, as a variable that nobody
/// knows, and the same as a word of its own.
const NOT_WRITTEN_OUT: &str = "\"$NOT_WRITTEN_OUT\"";
const BESIDE: &str = " \"$NOT_WRITTEN_OUT\"";

/// The command lines that code starts.
#[derive(Debug, Default)]
pub(super) struct Started {
    /// Those that are written out.
    pub(super) lines: Vec<String>,
    /// Whether there may be others.
    pub(super) unresolved: bool,
}

/// Finds what code starts.
pub(super) fn started(code: &str) -> Started {
    let mut started = Started {
        unresolved: DYNAMIC
            .iter()
            .any(|marker| calls(code, marker).next().is_some()),
        ..Started::default()
    };
    let mut seen = Vec::new();
    for call in CALLS {
        for after in calls(code, call) {
            // `os.system(` is `system(` too.
            if !seen.contains(&after) {
                seen.push(after);
                started.add(&code[after..]);
            }
        }
    }
    for after in calls(code, "exec(").chain(calls(code, ".exec(")) {
        if SHELL_EXEC.iter().any(|marker| code.contains(marker)) {
            if !seen.contains(&after) {
                seen.push(after);
                started.add(&code[after..]);
            }
        } else if code[..after].ends_with(".exec(") {
            // `/pattern/.exec(text)`
        } else {
            started.unresolved = true;
        }
    }
    started.backquoted(code);
    started
}

/// Finds what awk starts by its pipes: `"date" | getline`, `print | "sort"`.
pub(super) fn piped(code: &str) -> Started {
    let mut started = Started::default();
    let mut rest = code;
    while let Some(bar) = rest.find('|') {
        let (before, after) = (&rest[..bar], &rest[bar + 1..]);
        if let Some(after) = after.strip_prefix('|') {
            rest = after;
            continue;
        }
        let after = after.strip_prefix('&').unwrap_or(after).trim_start();
        if after.starts_with("getline") {
            match literal_at_the_end(before.trim_end()) {
                Some(line) => started.lines.push(line),
                None => started.unresolved = true,
            }
        } else if before
            .rsplit([';', '{', '}', '\n'])
            .next()
            .is_some_and(|statement| statement.contains("print"))
        {
            match literal(after) {
                Some((line, rest))
                    if rest.trim_start().starts_with([';', '}', '\n', ')'])
                        || rest.trim_start().is_empty() =>
                {
                    started.lines.push(line);
                }
                _ => started.unresolved = true,
            }
        }
        rest = after;
    }
    started
}

/// The string that a text ends with, where nothing is joined to it.
fn literal_at_the_end(text: &str) -> Option<String> {
    let inside = text.strip_suffix('"')?;
    let start = inside.rfind('"')?;
    // `"a" b "c"` is one string, and so is what a backslash keeps together.
    let alone = inside[..start].trim_end();
    let joined = alone
        .ends_with(|last: char| last.is_alphanumeric() || matches!(last, '"' | '\\' | ')' | ']'));
    (!joined).then(|| text::unescape(&inside[start + 1..]))
}

impl Started {
    /// What follows the name of a call.
    fn add(&mut self, arguments: &str) {
        let arguments = arguments.trim_start();
        let list = arguments.strip_prefix('[');
        let mut rest = list.unwrap_or(arguments).trim_start();
        let mut words = Vec::new();
        while let Some((word, after)) = literal(rest) {
            words.push(word);
            rest = after.trim_start();
            let next = rest.strip_prefix(',').map(str::trim_start);
            match next {
                // `spawn("rm", ["-rf", "x"])`
                Some(more) => rest = more.strip_prefix('[').unwrap_or(more),
                None => break,
            }
        }
        let ended = rest.starts_with([']', ')', ';', '}', '\n', '|', '.']) || rest.is_empty();
        // Settings may follow: `shell=True`, `{ stdio: "inherit" }`.
        let settings = rest.starts_with('{')
            || rest.split(['=', ',', ')']).next().is_some_and(|word| {
                rest[word.len()..].starts_with('=')
                    && !word.is_empty()
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            });
        let whole = ended || settings;
        self.unresolved |= !whole;
        if words.is_empty() || self.lines.len() >= 32 {
            self.unresolved = true;
            return;
        }
        let mut line = match words.as_slice() {
            [line] => line.clone(),
            words => words
                .iter()
                .map(|word| super::output::single_quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        };
        // `system("rm -rf " + folder)`: the start of the line tells something.
        if !whole {
            line.push_str(match words.as_slice() {
                [_] => NOT_WRITTEN_OUT,
                _ => BESIDE,
            });
        }
        self.lines.push(line);
    }

    /// Perl, Ruby and PHP run what stands between backquotes.
    fn backquoted(&mut self, code: &str) {
        let mut pieces = code.split('`').skip(1);
        while let Some(line) = pieces.next() {
            if pieces.next().is_none() || self.lines.len() >= 32 {
                break;
            }
            if line.contains("#{") || line.contains('$') {
                self.unresolved = true;
            }
            self.lines.push(line.to_owned());
        }
    }
}

/// Where each call of a name begins its arguments; a longer name that ends the
/// same is another.
fn calls<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(name).filter_map(|(start, found)| {
        let before = code[..start].chars().next_back();
        let longer = before.is_some_and(|before| before.is_alphanumeric() || before == '_');
        (!longer).then_some(start + found.len())
    })
}

/// A string that is written out whole, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix(['b', 'r']).unwrap_or(text);
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let inside = &text[1..];
    let mut escaped = false;
    let end = inside.bytes().position(|byte| {
        let ends = !escaped && u32::from(byte) == quote as u32;
        escaped = !escaped && byte == b'\\';
        ends
    })?;
    let value = &inside[..end];
    // Interpolated: known only when it runs.
    if quote != '\'' && (value.contains("${") || value.contains("#{")) {
        return None;
    }
    Some((text::unescape(value), &inside[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_is_told_and_what_is_not_is_said_to_be_missing() {
        for (code, lines, unresolved) in [
            ("os.system('ls')", &["ls"][..], false),
            (
                "subprocess.run(['rm', '-rf', 'x'])",
                &["'rm' '-rf' 'x'"],
                false,
            ),
            ("subprocess.run('ls', shell=True)", &["ls"], false),
            ("os.system(cmd)", &[], true),
            ("os.system('a ' + b)", &["a \"$NOT_WRITTEN_OUT\""], true),
            (
                "exec 'rm', '-rf', Dir.home",
                &["'rm' '-rf' \"$NOT_WRITTEN_OUT\""],
                true,
            ),
            ("require('child_process').execSync('ls')", &["ls"], false),
            ("spawn('rm', ['-rf', 'x'])", &["'rm' '-rf' 'x'"], false),
            ("system \"ls\"", &["ls"], false),
            ("print(1)", &[], false),
            ("exec(open('x').read())", &[], true),
            ("/a/.exec('b')", &[], false),
            ("ast.literal_eval(x)", &[], false),
            ("`ls`", &["ls"], false),
        ] {
            let started = started(code);
            assert_eq!(started.lines, lines, "{code}");
            assert_eq!(started.unresolved, unresolved, "{code}");
        }
    }

    #[test]
    fn what_awk_pipes_from_and_into_is_told() {
        for (code, lines, unresolved) in [
            ("BEGIN { \"date\" | getline d }", &["date"][..], false),
            (
                "{ while ((\"ls\" | getline f) > 0) print f }",
                &["ls"],
                false,
            ),
            ("{ print $1 | \"sort -u\" }", &["sort -u"], false),
            ("{ print $1 |& \"sh\" }", &["sh"], false),
            ("{ c | getline }", &[], true),
            ("{ \"ls \" $1 | getline }", &[], true),
            ("{ print | \"sort \" $1 }", &[], true),
            ("/a|b/ { print }", &[], false),
            ("$1 || $2 { print \"x\" }", &[], false),
        ] {
            let started = piped(code);
            assert_eq!(started.lines, lines, "{code}");
            assert_eq!(started.unresolved, unresolved, "{code}");
        }
    }
}
