//! Which programs a command line runs, for the lists of a role. Pure.
//!
//! This is no parser of a shell: it finds the words that stand where a program
//! stands, looks into substitutions, into `sh -c` and behind programs that start
//! others, and where it cannot tell it says so, which a role with lists takes for a
//! no. The approvers judge the line besides.

mod words;

use std::collections::{BTreeSet, VecDeque};

use self::words::{Word, commands, is_number};

/// A word where a program stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Its name, without the folder.
    Named(String),
    /// Only running the line would tell.
    Unknown(String),
}

/// Commands of the shell that touch only the shell itself.
const OF_THE_SHELL: &[&str] = &[
    "", ":", "[", "[[", "]]", "alias", "bg", "bind", "break", "cd", "continue", "declare", "dirs",
    "disown", "echo", "exit", "export", "false", "fg", "getopts", "hash", "help", "history",
    "jobs", "let", "local", "logout", "popd", "printf", "pushd", "pwd", "read", "readonly",
    "return", "set", "shift", "shopt", "suspend", "test", "times", "true", "type", "typeset",
    "ulimit", "umask", "unalias", "unset", "wait",
];

/// Words of the shell's grammar, after which a command follows.
const GRAMMAR: &[&str] = &[
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "if", "then", "time", "until",
    "while", "{", "}",
];

/// Programs that run the words behind them.
const STARTERS: &[&str] = &[
    "builtin", "chroot", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "parallel",
    "setsid", "stdbuf", "sudo", "time", "timeout", "watch", "xargs",
];

/// Shells, which run what stands behind `-c`.
const SHELLS: &[&str] = &[
    "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "rbash", "rzsh", "sh", "tcsh", "yash",
    "zsh",
];

/// No line nests substitutions deeper for a good reason.
const DEEPEST: usize = 8;

/// Places of one command that are looked at: more options than this are a trick.
const MOST_PLACES: usize = 64;

/// The programs that `line` would run, commands of the shell itself left out.
pub fn programs(line: &str) -> Vec<Program> {
    let mut found = Vec::new();
    look_into(line, 0, &mut found);
    found.retain(|it| !matches!(it, Program::Named(name) if OF_THE_SHELL.contains(&name.as_str())));
    found.dedup();
    found
}

fn look_into(line: &str, depth: usize, found: &mut Vec<Program>) {
    if depth > DEEPEST {
        found.push(Program::Unknown(line.to_owned()));
        return;
    }
    let (commands, substituted) = commands(line);
    for command in commands {
        of_command(&command, depth, found);
    }
    for inner in substituted {
        look_into(&inner, depth + 1, found);
    }
}

/// Looks at each place of a command where a program may stand, once.
fn of_command(words: &[Word], depth: usize, found: &mut Vec<Program>) {
    let mut places = VecDeque::from([0]);
    let mut looked = BTreeSet::new();
    while let Some(at) = places.pop_front() {
        if looked.len() == MOST_PLACES {
            found.push(Program::Unknown(words[at].text.clone()));
            return;
        }
        if looked.insert(at) {
            places.extend(of_place(words, at, depth, found));
        }
    }
}

/// Tells what stands at a place, and returns where the programs stand that it starts.
fn of_place(words: &[Word], at: usize, depth: usize, found: &mut Vec<Program>) -> Vec<usize> {
    let mut times = false;
    let before = words[at..].iter().take_while(|word| {
        let passed_over = is_grammar(word)
            || is_assignment(word)
            || (times && word.text.starts_with('-') && !word.expands);
        times = word.text == "time" || (times && word.text.starts_with('-'));
        passed_over
    });
    let at = at + before.count();
    let Some(first) = words.get(at) else {
        return Vec::new();
    };
    match first.text.as_str() {
        _ if first.quoted_at.is_some() => {}
        "for" | "select" => return Vec::new(),
        // What it does is on the same line, or on the next ones.
        "function" => return Vec::from_iter((words.len() > at + 2).then_some(at + 2)),
        // The next word is its name, if grammar follows.
        "coproc" if words.get(at + 2).is_some_and(is_grammar) => return vec![at + 2],
        "coproc" => return Vec::from_iter((words.len() > at + 1).then_some(at + 1)),
        _ => {}
    }
    if first.expands {
        found.push(Program::Unknown(first.text.clone()));
        return Vec::new();
    }
    let name = first.text.rsplit('/').next().unwrap_or_default().to_owned();
    let rest = &words[at + 1..];
    found.push(Program::Named(name.clone()));
    match name.as_str() {
        "eval" | "source" | "." | "trap" => {
            if name == "eval" && rest.iter().all(|word| !word.expands) {
                let line: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
                look_into(&line.join(" "), depth + 1, found);
            } else {
                found.push(Program::Unknown(first.text.clone()));
            }
        }
        changer if changes_meanings(changer, rest) => {
            found.push(Program::Unknown(first.text.clone()));
        }
        shell if SHELLS.contains(&shell) => of_shell(rest, depth, found),
        "find" => {
            for (at, word) in rest.iter().enumerate() {
                if ["-exec", "-execdir", "-ok", "-okdir"].contains(&word.text.as_str()) {
                    of_command(&rest[at + 1..], depth + 1, found);
                }
            }
        }
        "env" if options_of(rest).iter().any(splits_a_word) => {
            found.push(Program::Unknown(first.text.clone()));
        }
        starter if STARTERS.contains(&starter) => {
            return started(starter, rest)
                .into_iter()
                .map(|behind| at + 1 + behind)
                .collect();
        }
        _ => {}
    }
    Vec::new()
}

/// Whether a command of the shell gives a name another meaning, or has something run
/// that this line does not show as a program.
fn changes_meanings(name: &str, rest: &[Word]) -> bool {
    let any = |of: fn(&Word) -> bool| rest.iter().any(|word| word.expands || of(word));
    match name {
        "alias" => any(|word| word.text.contains('=')),
        "hash" => any(|word| is_switch_with(word, 'p')),
        "jobs" => any(|word| is_switch_with(word, 'x')),
        "bind" | "complete" | "enable" | "fc" | "mapfile" | "readarray" => !rest.is_empty(),
        _ => false,
    }
}

fn is_switch_with(word: &Word, letter: char) -> bool {
    word.text.starts_with('-') && word.text.contains(letter)
}

fn is_grammar(word: &Word) -> bool {
    word.quoted_at.is_none() && GRAMMAR.contains(&word.text.as_str())
}

/// The words before the last one that `env` could start.
fn options_of(rest: &[Word]) -> &[Word] {
    let end = started("env", rest).last().copied();
    &rest[..end.unwrap_or(rest.len())]
}

/// Whether `env` is given its command in one word.
fn splits_a_word(option: &Word) -> bool {
    let long = option.text.starts_with("--split-string");
    long || (option.text.starts_with('-')
        && !option.text.starts_with("--")
        && option.text.contains('S'))
}

/// Where the program may stand that a starter starts: a word behind an option may be
/// the option's, and then it is the next one.
fn started(starter: &str, rest: &[Word]) -> Vec<usize> {
    let mut possible = Vec::new();
    let mut after_option = false;
    let mut options_end = false;
    // The folder that `chroot` takes for the root.
    let mut operands = usize::from(starter == "chroot");
    for (at, word) in rest.iter().enumerate() {
        if !options_end && word.text.starts_with('-') {
            options_end = word.text == "--";
            after_option = !options_end && !word.text.contains('=');
            continue;
        }
        let passed_over = is_assignment(word) || is_number(&word.text);
        if !passed_over {
            possible.push(at);
        }
        match after_option {
            true => after_option = false,
            false if passed_over => {}
            false if operands > 0 => operands -= 1,
            false => break,
        }
    }
    possible
}

fn of_shell(rest: &[Word], depth: usize, found: &mut Vec<Program>) {
    let is_c = |word: &Word| {
        let option = word.text.strip_prefix('-');
        option.is_some_and(|letters| !letters.starts_with('-') && letters.contains('c'))
    };
    // What takes no word of its own opens a shell whose lines are held to the lists.
    let is_switch =
        |word: &Word| word.text.starts_with('-') && !word.text.contains('=') && !word.expands;
    let script = (rest.iter().position(is_c)).and_then(|at| rest.get(at + 1));
    match script {
        Some(script) if !script.expands => look_into(&script.text, depth + 1, found),
        // A script in a file, or one that only running tells.
        Some(script) => found.push(Program::Unknown(script.text.clone())),
        None if rest.iter().all(is_switch) => {}
        None => found.push(Program::Unknown(rest[0].text.clone())),
    }
}

fn is_assignment(word: &Word) -> bool {
    word.text.split_once('=').is_some_and(|(name, _)| {
        word.quoted_at.is_none_or(|at| at > name.len())
            && !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_+[]".contains(c))
            && !name.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Names, with `?` for what cannot be told.
    fn names(line: &str) -> Vec<String> {
        (programs(line).into_iter())
            .map(|program| match program {
                Program::Named(name) => name,
                Program::Unknown(_) => "?".to_owned(),
            })
            .collect()
    }

    #[test]
    fn the_programs_of_a_line_are_found() {
        for (line, expected) in [
            ("git status", &["git"][..]),
            ("cd /tmp && echo hello", &[]),
            ("FOO=1 BAR='a b' /usr/bin/make -j2", &["make"]),
            ("git log | grep fix; tail -f x &", &["git", "grep", "tail"]),
            ("'r'm -rf x", &["rm"]),
            ("r\\m -rf x", &["rm"]),
            ("\"rm\" x", &["rm"]),
            ("$RM x", &["?"]),
            ("{rm,x}", &["?"]),
            ("{ rm x; }", &["rm"]),
            ("/bin/[r]m x", &["?"]),
            ("[r]m x", &["?"]),
            ("=rm x", &["?"]),
            ("[[r]m x", &["?"]),
            ("[[ -e x ]] && [ -e y ]", &[]),
            ("names=(a b); f() { rm x; }", &["a", "f", "rm"]),
            ("mksh -c 'rm x'", &["mksh", "rm"]),
            ("grep [a-z] {a,b}", &["grep"]),
            ("$(echo rm) x", &["?"]),
            ("`echo rm` x", &["?"]),
            ("echo $(rm x)", &["rm"]),
            ("echo \"$(rm x)\"", &["rm"]),
            ("echo $((40 + 2)) $(( (a + $b) * 2 ))", &[]),
            ("echo $(( $(rm x) + 1 ))", &["?", "rm"]),
            ("echo $((true); (rm x))", &["rm"]),
            ("echo $(( 1; rm x ))", &["1", "rm"]),
            ("$((1)) x", &["?"]),
            ("echo '$(rm x)'", &[]),
            ("sudo rm x", &["sudo", "rm"]),
            // Nobody here knows which options take a word: too many are told.
            ("sudo -u root rm x", &["sudo", "root", "rm"]),
            ("sudo -n rm x", &["sudo", "rm", "x"]),
            ("sudo --user=root rm x", &["sudo", "rm"]),
            ("sudo -- rm x", &["sudo", "rm"]),
            ("timeout -s KILL 5 rm x", &["timeout", "KILL", "rm"]),
            ("env -u A rm x", &["env", "A", "rm"]),
            ("nice -n +5 rm x", &["nice", "rm"]),
            ("ionice -c idle rm x", &["ionice", "idle", "rm"]),
            ("xargs -I X -P 4 rm X", &["xargs", "X", "rm"]),
            ("chroot /mnt rm x", &["chroot", "mnt", "rm"]),
            (
                "sudo -u root timeout -s KILL 5 rm x",
                &["sudo", "root", "timeout", "KILL", "rm"],
            ),
            ("env -S 'rm x'", &["env", "?"]),
            ("env -u A -S 'rm x'", &["env", "?"]),
            ("env LC_ALL=C sort -S 1G", &["env", "sort"]),
            ("env A=1 rm x", &["env", "rm"]),
            ("timeout 5s rm x", &["timeout", "rm"]),
            ("sh -c 'rm x'", &["sh", "rm"]),
            ("bash -lc \"rm x; ls\"", &["bash", "rm", "ls"]),
            ("sh script", &["sh", "?"]),
            ("bash", &["bash"]),
            ("bash --norc --noprofile", &["bash"]),
            ("bash --norc -c 'rm x'", &["bash", "rm"]),
            ("zsh -f", &["zsh"]),
            ("eval 'rm x'", &["eval", "rm"]),
            ("eval $X", &["eval", "?"]),
            ("find . -exec rm {} ;", &["find", "rm"]),
            ("xargs rm < files", &["xargs", "rm"]),
            ("cat > file 2>&1", &["cat"]),
            ("diff <(rm x) <(ls)", &["diff", "rm", "ls"]),
            ("if true; then rm x; fi", &["rm"]),
            ("while :; do rm x; done", &["rm"]),
            ("function f { rm x; }; f", &["rm", "f"]),
            ("function f() { rm x; }", &["rm"]),
            ("function f {\nrm x\n}", &["rm"]),
            ("f() { rm x; }", &["f", "rm"]),
            ("coproc rm x", &["rm"]),
            ("coproc x { rm y; }", &["rm"]),
            ("time -p rm x", &["rm"]),
            ("alias", &[]),
            ("alias ls=rm; ls x", &["?", "ls"]),
            ("hash -r", &[]),
            ("hash -p /bin/rm ls", &["?"]),
            ("enable -n echo", &["enable", "?"]),
            ("bind -x '\"a\":rm x'", &["?"]),
            ("jobs -l", &[]),
            ("jobs -x rm x", &["?"]),
            ("mapfile -C 'rm x' -c 1 lines", &["mapfile", "?"]),
            ("# rm x", &[]),
            ("git commit -m 'rm -rf; ls'", &["git"]),
            ("$'\\x72m' x", &["?"]),
            ("/bin/r? x", &["?"]),
            ("", &[]),
        ] {
            assert_eq!(names(line), expected, "{line}");
        }
    }

    #[test]
    fn no_heap_of_options_hides_a_program_or_costs_much() {
        let line = format!("{}rm x", "sudo -u ".repeat(10_000));
        assert!(names(&line).contains(&"?".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through(line in "[ -~\\n]{0,80}|\\PC{0,40}") {
            programs(&line);
        }

        #[test]
        fn a_program_behind_an_operator_is_never_missed(
            before in "[a-z ]{0,20}", operator in ";|&&|\\||\\n", after in "[a-z ]{0,10}"
        ) {
            let line = format!("{before}{operator} rm {after}");
            prop_assert!(programs(&line).contains(&Program::Named("rm".to_owned())), "{line}");
        }
    }
}
