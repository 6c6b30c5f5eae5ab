//! The environment of a session: the host's, without what would mislead.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::request::OpenRequest;

/// Variables that describe the terminal or the shell that the host was started
/// from. In a session they would be lies.
const DROPPED: [&str; 30] = [
    "BASHOPTS",
    "BASH_ENV",
    "COLUMNS",
    "INSIDE_EMACS",
    "LC_TERMINAL",
    "LC_TERMINAL_VERSION",
    "LINES",
    "OLDPWD",
    "PROMPT",
    "PROMPT_COMMAND",
    "PROMPT_DIRTRIM",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "RPROMPT",
    "RPS1",
    "SHELLOPTS",
    "SHLVL",
    "STY",
    "TERMCAP",
    "TERM_SESSION_ID",
    "TMUX",
    "TMUX_PANE",
    "VTE_VERSION",
    "WINDOW",
    "WINDOWID",
    "_",
];

/// As [`DROPPED`], by how their names begin.
const DROPPED_PREFIXES: [&str; 10] = [
    "ALACRITTY_",
    "GHOSTTY_",
    // The cookie that lets a program into iTerm2 is the host's own.
    "ITERM2_",
    "ITERM_",
    "KITTY_",
    "KONSOLE_",
    "TERM_PROGRAM",
    "VSCODE_",
    "WEZTERM_",
    "ZELLIJ",
];

/// The variables of a session opened with `request` by a host whose own
/// variables are `inherited`.
pub(crate) fn of_session(
    request: &OpenRequest,
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    let mut variables: BTreeMap<OsString, OsString> = inherited
        .into_iter()
        .filter(|(name, _)| !misleads(name))
        .collect();
    let mut set = |name: &str, value: &OsStr| {
        variables.insert(name.into(), value.into());
    };
    set("TERM", OsStr::new("xterm-256color"));
    set("COLORTERM", OsStr::new("truecolor"));
    set("TERM_PROGRAM", OsStr::new("quarterdeck"));
    set(
        "TERM_PROGRAM_VERSION",
        OsStr::new(env!("CARGO_PKG_VERSION")),
    );
    if let Some(cwd) = &request.cwd
        && cwd.is_absolute()
    {
        set("PWD", cwd.as_os_str());
    }
    for (name, value) in &request.env {
        set(name, OsStr::new(value));
    }
    set("QUARTERDECK_SESSION", OsStr::new(&request.session_id));
    // Without a locale a shell takes UTF-8 for single bytes.
    if !["LC_ALL", "LC_CTYPE", "LANG"].iter().any(|name| {
        variables
            .get(OsStr::new(name))
            .is_some_and(|value| !value.is_empty())
    }) {
        let utf8 = if cfg!(target_os = "macos") {
            "en_US.UTF-8"
        } else {
            "C.UTF-8"
        };
        variables.insert("LANG".into(), utf8.into());
    }
    variables
}

fn misleads(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    DROPPED.contains(&&*name)
        || DROPPED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_knows_its_own_terminal_only() {
        let inherited = [
            ("HOME", "/home/me"),
            ("TMUX", "/tmp/tmux"),
            ("ITERM_SESSION_ID", "w0"),
            ("PS1", "$ "),
            ("TERM", "dumb"),
            ("TERM_PROGRAM", "vscode"),
            ("COLUMNS", "3"),
            ("EDITOR", "vi"),
        ];
        let request = OpenRequest {
            env: vec![
                ("EDITOR".into(), "ed".into()),
                ("QUARTERDECK_SESSION".into(), "forged".into()),
            ],
            session_id: "s1".into(),
            ..OpenRequest::default()
        };
        let variables = of_session(
            &request,
            inherited.map(|(name, value)| (name.into(), value.into())),
        );
        let value = |name: &str| {
            variables
                .get(OsStr::new(name))
                .and_then(|value| value.to_str())
        };
        assert_eq!(value("HOME"), Some("/home/me"));
        assert_eq!(value("TERM"), Some("xterm-256color"));
        assert_eq!(value("TERM_PROGRAM"), Some("quarterdeck"));
        assert_eq!(value("EDITOR"), Some("ed"));
        assert_eq!(value("QUARTERDECK_SESSION"), Some("s1"));
        for dropped in ["TMUX", "ITERM_SESSION_ID", "PS1", "COLUMNS"] {
            assert_eq!(value(dropped), None, "{dropped}");
        }
    }
}
