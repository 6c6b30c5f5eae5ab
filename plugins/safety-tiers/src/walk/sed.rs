//! What the commands of a script for sed run, write and read.

/// What a command of sed does beyond its own text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect<'a> {
    Runs(&'a str),
    Writes(&'a str),
    Reads(&'a str),
}

/// What a script does beyond its own text, command by command.
pub(super) fn effects(script: &str) -> Vec<Effect<'_>> {
    let mut effects = Vec::new();
    let mut rest = script;
    loop {
        rest = after_addresses(rest);
        let Some(command) = rest.chars().next() else {
            return effects;
        };
        rest = &rest[command.len_utf8()..];
        match command {
            'e' => {
                let line = to_the_end_of_the_line(&mut rest);
                effects.extend((!line.is_empty()).then_some(Effect::Runs(line)));
            }
            'w' | 'W' => effects.push(Effect::Writes(to_the_end_of_the_line(&mut rest))),
            'r' | 'R' => effects.push(Effect::Reads(to_the_end_of_the_line(&mut rest))),
            // A text may go on behind a backslash.
            'a' | 'i' | 'c' => while to_the_end_of_the_line(&mut rest).ends_with('\\') {},
            '#' | ':' => {
                to_the_end_of_the_line(&mut rest);
            }
            'b' | 't' | 'T' => {
                let end = rest.find([';', '\n', '}']).unwrap_or(rest.len());
                rest = &rest[end..];
            }
            's' | 'y' => {
                let Some((_, put, after)) = parts(rest) else {
                    return effects;
                };
                rest = after;
                if command == 's' {
                    let flags = rest.find(|it: char| !it.is_ascii_alphanumeric() || it == 'w');
                    let (flags, after) = rest.split_at(flags.unwrap_or(rest.len()));
                    rest = after;
                    if flags.contains('e') {
                        effects.push(Effect::Runs(put));
                    }
                    if let Some(file) = rest.strip_prefix('w') {
                        rest = file;
                        effects.push(Effect::Writes(to_the_end_of_the_line(&mut rest)));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The rest of a script behind what says where its next command applies.
fn after_addresses(script: &str) -> &str {
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches(|it: char| {
            it.is_ascii_digit() || it.is_whitespace() || "$,~+-!;{}".contains(it)
        });
        let pattern = match rest.strip_prefix('\\') {
            Some(pattern) => pattern,
            None if rest.starts_with('/') => rest,
            None => return rest,
        };
        let Some(delimiter) = pattern.chars().next() else {
            return "";
        };
        let inside = &pattern[delimiter.len_utf8()..];
        let Some(end) = unescaped(inside, delimiter) else {
            return "";
        };
        rest = inside[end + delimiter.len_utf8()..].trim_start_matches(['I', 'M']);
    }
}

/// The pattern, what is put in its place, and what follows.
fn parts(script: &str) -> Option<(&str, &str, &str)> {
    let delimiter = script.chars().next()?;
    let pattern = &script[delimiter.len_utf8()..];
    let end = unescaped(pattern, delimiter)?;
    let put = &pattern[end + delimiter.len_utf8()..];
    let end_of_put = unescaped(put, delimiter)?;
    Some((
        &pattern[..end],
        &put[..end_of_put],
        &put[end_of_put + delimiter.len_utf8()..],
    ))
}

fn to_the_end_of_the_line<'a>(rest: &mut &'a str) -> &'a str {
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    line.trim()
}

/// Where a character stands in a text with no backslash before it.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let found = character == wanted && !escaped;
        escaped = character == '\\' && !escaped;
        found.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_runs_writes_and_reads_is_told() {
        use Effect::{Reads, Runs, Writes};
        for (script, told) in [
            ("s/a/b/g", vec![]),
            ("1e ls", vec![Runs("ls")]),
            ("/a/!e ls", vec![Runs("ls")]),
            ("0~3e ls", vec![Runs("ls")]),
            ("\\,a,I{e ls\n}", vec![Runs("ls")]),
            ("s/a/ls/e", vec![Runs("ls")]),
            ("s|a/b|ls|2ge;p", vec![Runs("ls")]),
            ("s/e rm/b/;e ls", vec![Runs("ls")]),
            ("1,3w a.txt", vec![Writes("a.txt")]),
            ("s/a/b/w a.txt", vec![Writes("a.txt")]),
            ("/x/r a.txt\nw b.txt", vec![Reads("a.txt"), Writes("b.txt")]),
            ("a e ls\\\ne ls\ne cat", vec![Runs("cat")]),
            ("y/abc/xyz/", vec![]),
            (":a;N;$!ba;s/\\n/ /g", vec![]),
            ("/e ls/d", vec![]),
            ("$!{h;d};x;G", vec![]),
            ("s/a", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(effects(script), told, "{script}");
        }
    }
}
