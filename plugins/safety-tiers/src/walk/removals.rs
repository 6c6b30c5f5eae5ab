//! What code in another language removes.

use super::code::{put_together, strings};
use crate::place::{Here, Places};
use crate::text::{HOME, STAR};

/// Calls that remove what they are given, folders with all that is in them.
const REMOVERS: [&str; 35] = [
    "rmtree",
    "rmSync",
    "rmdirSync",
    "removeSync",
    "fs.rm",
    "promises.rm",
    "rm_rf",
    "rm_r",
    "remove_tree",
    "remove_dir_all",
    "RemoveAll",
    "remove_entry",
    "remove_all",
    "unlink",
    "os.remove",
    "File.delete",
    "Deno.remove",
    "Files.delete",
    "deleteDir",
    "deleteRecursively",
    "delete-directory",
    "delete-file",
    "file delete",
    "REMOVE_RECURSE",
    "removeItem",
    "removeDir",
    "removeFile",
    "rm(",
    "rimraf",
    "renameSync",
    "rename ",
    "os.rename",
    "del_dir_r",
    "delete-tree",
    "rm_rf!",
];

/// Calls that list what is in a folder, for a loop to go through.
const LISTERS: [&str; 12] = [
    "walk", "glob", "listdir", "scandir", "Dir[", "readdir", "find", "readDir", "list_dir", "Path",
    "ls!", "children",
];

/// How code writes the home folder.
const HOMES: [&str; 21] = [
    "Path.home()",
    "homedir()",
    "Dir.home",
    "ENV['HOME']",
    "ENV[\"HOME\"]",
    "env.HOME",
    "environ['HOME']",
    "environ[\"HOME\"]",
    "getenv('HOME')",
    "$ENV{HOME}",
    "user_home",
    "user.home",
    "NSHomeDirectory()",
    "homeDirectoryForCurrentUser",
    "getHomeDir()",
    "etenv(\"HOME\")",
    "var(\"HOME\")",
    "env::home_dir()",
    "dirs::home_dir()",
    "UserHomeDir()",
    "UserProfile",
];

/// Whether code removes, by what it says, what must not be lost.
pub(super) fn destroys(code: &str, here: Here<'_>) -> bool {
    const HOME_LISTED: [&str; 3] = ["home().rglob", "home().glob", "home().iterdir"];
    let joined = put_together(code);
    let code = joined.as_deref().unwrap_or(code);
    let removes = REMOVERS.iter().any(|remover| code.contains(remover));
    let all_of_home = HOME_LISTED.iter().any(|listed| code.contains(listed));
    removes
        && (all_of_home
            || REMOVERS
                .iter()
                .chain(&LISTERS)
                .any(|call| is_called_with_what_is_dire(code, call, here)))
}

fn is_called_with_what_is_dire(code: &str, call: &str, here: Here<'_>) -> bool {
    let dire = Places(Places::ROOT.0 | Places::HOME.0 | Places::SYSTEM.0 | Places::DEVICE.0);
    // `rm(` is no part of `form(`.
    let calls = code.match_indices(call).filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !call.ends_with('(')
            || before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
    });
    calls.take(8).any(|(at, _)| {
        let after = &code[at + call.trim_end_matches('(').len()..];
        // `fs["rmSync"](…)` calls it.
        let after = after
            .strip_prefix("\"]")
            .or_else(|| after.strip_prefix("']"))
            .or_else(|| after.strip_prefix("').sync"))
            .or_else(|| after.strip_prefix("\").sync"))
            .or_else(|| after.strip_prefix("')"))
            .or_else(|| {
                after
                    .strip_prefix("\")")
                    .filter(|rest| rest.starts_with('('))
            })
            .unwrap_or(after);
        // `map("unlink", …)` names it.
        let after = after
            .strip_prefix(['"', '\''])
            .filter(|rest| rest.starts_with([',', ')']))
            .unwrap_or(after);
        let mut given = arguments_of_a_call(after);
        if given == "(" {
            // `File("…").delete()`
            given = statement_before(&code[..at]);
        }
        // What is put together is not what stands there.
        if [
            "split(",
            "replace(",
            "join(",
            "joinpath(",
            "resolve(",
            "sub(",
            "/ \"",
            "/ '",
        ]
        .iter()
        .any(|put| given.contains(put))
        {
            return false;
        }
        let mut paths = strings(given);
        // Tcl and CMake take words for strings.
        if paths.is_empty() {
            paths.extend(given.split_whitespace().map(str::to_owned));
        }
        // Perl's `glob` takes several patterns in one string.
        if code.contains("glob") {
            let split = paths.iter().flat_map(|path| path.split_whitespace());
            paths = split.map(str::to_owned).collect();
        }
        HOMES
            .iter()
            .any(|home| given.contains(home) && paths.len() < 2)
            || paths.iter().any(|path| {
                let path = from_home(path).replace('*', &STAR.to_string());
                dire.meets(Places::of(&path, here))
            })
    })
}

/// Whether code names the home folder.
pub(super) fn names_home(code: &str) -> bool {
    HOMES.iter().any(|home| code.contains(home))
}

/// What stands before a call in its statement.
fn statement_before(code: &str) -> &str {
    let start = code.rfind([';', '\n', '{', '=']).map_or(0, |end| end + 1);
    &code[start..]
}

/// A path with the home folder marked, however the language writes it.
fn from_home(path: &str) -> String {
    const WRITTEN: [&str; 6] = [
        "~",
        "$ENV{HOME}",
        "$HOME",
        "${HOME}",
        "${process.env.HOME}",
        "#{Dir.home}",
    ];
    let rest = WRITTEN.iter().find_map(|home| path.strip_prefix(home));
    rest.map_or_else(|| path.to_owned(), |rest| format!("{HOME}{rest}"))
}

/// What stands between the brackets after a call's name, or up to the end of the
/// statement where it has none.
fn arguments_of_a_call(after: &str) -> &str {
    let mut open = 0_u32;
    for (at, byte) in after.bytes().enumerate().take(512) {
        match byte {
            b'(' => open += 1,
            b')' if open > 1 => open -= 1,
            b')' => return &after[..at],
            b';' | b'\n' if open == 0 => return &after[..at],
            _ => {}
        }
    }
    &after[..after.floor_char_boundary(512)]
}
