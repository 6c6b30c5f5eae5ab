//! Texts that are meant to be slow to judge.

#![allow(unreachable_pub, reason = "shared by a test and an example")]

/// Texts that grow the work of a careless reader out of all proportion.
pub fn texts() -> Vec<(&'static str, String)> {
    let times = |text: &str, count: usize| text.repeat(count);
    vec![
        ("parentheses", times("(", 500_000)),
        ("substitutions", times("$(", 500_000)),
        (
            "closed substitutions",
            times("$(", 20_000) + &times(")", 20_000),
        ),
        ("backquotes", times("`", 1_000_000)),
        ("escaped backquotes", times("`\\", 300_000)),
        ("quotes", times("\"'", 500_000)),
        ("empty quotes", times("''", 500_000)),
        ("braces", times("{a,", 300_000)),
        ("closed braces", times("{a,b}", 50_000)),
        ("arithmetic", times("$((", 300_000)),
        ("here-documents", times("<<A ", 200_000)),
        ("conditions", times("if ", 300_000)),
        ("loops", times("for i in a b c d e f g h; do ", 30_000)),
        (
            "closed loops",
            times("for i in a b c d e f g h; do ", 20) + "ls; " + &times("done; ", 20),
        ),
        ("functions", times("f() { ", 100_000)),
        (
            "calling functions",
            (0..40)
                .map(|n| format!("f{n}() {{ f{}; f{}; }}\n", n + 1, n + 1))
                .collect::<String>()
                + "f0",
        ),
        (
            "variables",
            (0..20_000).map(|n| format!("v{n}=$v{n}x$v{n} ")).collect(),
        ),
        (
            "doubling",
            "a=xxxxxxxxxxxxxxxx; ".to_owned() + &times("a=$a$a; ", 5_000) + "echo $a",
        ),
        ("eval", times("eval ", 100_000)),
        (
            "nested sh -c",
            (0..14).fold("ls".to_owned(), |line, _| {
                format!("sh -c {}", shell_quoted(&line))
            }),
        ),
        ("semicolons", times(";", 1_000_000)),
        ("ampersands", times("a&", 300_000)),
        ("pipes", times("a|", 300_000)),
        ("globs", times("*", 1_000_000)),
        ("globs as commands", times("*a;", 200_000)),
        ("options", "rm ".to_owned() + &times("-a ", 300_000)),
        ("one long word", times("a", 1_000_000)),
        (
            "one long path",
            "rm -rf ".to_owned() + &times("a/../", 200_000),
        ),
        ("sudo", times("sudo ", 200_000)),
        ("zero bytes", times("\0", 1_000_000)),
        ("markers", times("\u{1}\u{2}\u{3} ", 300_000)),
        ("patterns", times("@(a|", 200_000)),
        ("redirections", times(">a ", 300_000)),
        ("cases", times("case a in a) ", 100_000)),
        (
            "long arguments in loops",
            times("for i in a b c d e f g h; do ", 6)
                + "echo '"
                + &times("x", 100_000)
                + "'; "
                + &times("done; ", 6),
        ),
    ]
}

fn shell_quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}
