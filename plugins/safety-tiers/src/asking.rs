//! The words by which command-line programs are asked to look, as most of them
//! share them: `PROGRAM [THING [THING]] LOOK …`, as in `vault policy list` or
//! `heroku apps:info`.

use crate::arguments::Arguments;

/// What looks, whatever it looks at; in the order of the alphabet.
#[rustfmt::skip]
const LOOKS: [&str; 32] = [
    "audit", "check", "describe", "diff", "doctor", "explain", "generations", "graph", "history",
    "info", "inspect", "issues", "lint", "list", "log", "logs", "ls", "members", "outdated",
    "peers", "plan", "ps", "search", "stat", "stats", "status", "tree", "validate", "verify",
    "version", "whoami", "why",
];

/// What there may be to look at; in the order of the alphabet.
#[rustfmt::skip]
const THINGS: [&str; 110] = [
    "account", "accounts", "addon", "addons", "alert", "alerts", "app", "apps", "asset", "assets",
    "auth", "backend", "backup", "backups", "branch", "bucket", "build", "builds", "cache",
    "channel", "cluster", "clusters", "collection", "component", "config", "context", "core",
    "cron", "database", "databases", "db", "dep", "deployment", "deployments", "deps", "device",
    "devices", "domain", "domains", "event", "events", "flow", "function",
    "functions", "group", "image", "images", "index", "instance", "instances", "job", "jobs",
    "key", "keys", "model", "models", "module", "modules", "namespace", "network", "node",
    "nodes", "package", "packages", "plugin", "plugins", "policy", "project", "projects", "queue",
    "region", "release", "releases", "repo", "resource", "server", "servers", "service",
    "services", "site", "sites", "snapshot", "snapshots", "source", "sources", "stack", "stacks",
    "store", "stream", "streams", "svc", "table", "tables", "tag", "tags", "target", "targets",
    "task", "tasks", "team", "template", "theme", "topic", "topics", "user", "users", "volume",
    "volumes", "workflow", "workspace",
];

/// What changes, or takes away, whatever it is done to; in the order of the
/// alphabet.
#[rustfmt::skip]
const CHANGES: [&str; 20] = [
    "add", "apply", "attach", "clear", "create", "delete", "deploy", "destroy", "drop", "edit",
    "import", "purge", "push", "remove", "rename", "reset", "rm", "set", "unset", "update",
];

/// Whether a program is asked to look.
pub(crate) fn asks_to_look(arguments: &Arguments<'_>) -> bool {
    let mut words = arguments
        .operands()
        .take(3)
        .flat_map(|operand| operand.text.split(':'))
        .skip_while(|word| is_one_of(&THINGS, word));
    words.next().is_some_and(|word| is_one_of(&LOOKS, word))
}

/// Whether a program is asked to change one of the things that these first
/// words only name: `stack` is no leave for `stack rm`.
pub(crate) fn asks_to_change(arguments: &Arguments<'_>, words: &str) -> bool {
    let thing = words.rsplit([' ', ':']).next().unwrap_or(words);
    is_one_of(&THINGS, thing)
        && arguments
            .operands()
            .nth(words.split(' ').count())
            .is_some_and(|word| is_one_of(&CHANGES, &word.text))
}

fn is_one_of(sorted: &[&str], word: &str) -> bool {
    sorted.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_in_order() {
        assert!(LOOKS.is_sorted() && THINGS.is_sorted() && CHANGES.is_sorted());
    }
}
