//! What is set in a way that works, and is probably not meant: said when a host starts
//! to serve, and by `quarterdeck doctor`.

use std::net::SocketAddr;
use std::path::Path;

use quarterdeck_core::policy::{PolicyKind, PolicyStatus};

use super::Config;
use super::sources::unknown_among;

impl Config {
    /// What is doubtful in the files, programs and addresses that are set. `find` looks
    /// for a program by its name.
    pub(crate) fn doubts(&self, find: impl Fn(&str) -> bool) -> Vec<String> {
        let mut doubts = Vec::new();
        if let Some(shell) = self
            .sessions
            .shell
            .to_str()
            .filter(|shell| !shell.is_empty())
        {
            let there = match shell.contains('/') {
                true => Path::new(shell).is_file(),
                false => find(shell),
            };
            if !there {
                doubts.push(format!(
                    "sessions.shell is {shell:?}, which is not there: no session can be opened until it is"
                ));
            }
        }
        let plugins = &self.plugins_dir;
        if plugins.exists() && !plugins.is_dir() {
            doubts.push(format!(
                "plugins_dir is {plugins:?}, which is no folder: only the bundled policies rule"
            ));
        } else if !plugins.as_os_str().is_empty() && plugins.is_relative() {
            doubts.push(format!(
                "plugins_dir is {plugins:?}, which is another folder wherever the host is started: write it from / on"
            ));
        }
        for (setting, file) in self.nats.files() {
            if !file.is_file() {
                doubts.push(format!("{setting} is {file:?}, and there is no such file"));
            }
        }
        let streams = self
            .streams
            .listen
            .map(|address| ("streams.listen", address));
        let grpc = (self.grpc.enabled).then_some(("grpc.listen", self.grpc.listen));
        doubts.extend(
            streams
                .into_iter()
                .chain(grpc)
                .filter_map(|(setting, address)| listens_to_others(setting, address)),
        );
        doubts
    }

    /// The recovery that decides where nobody names one.
    pub(crate) fn recovery_strategy(&self) -> &str {
        self.recovery.strategy()
    }
}

/// What to know where other machines can reach an address.
pub(crate) fn listens_to_others(setting: &str, address: SocketAddr) -> Option<String> {
    (!address.ip().is_loopback()).then(|| {
        format!(
            "{setting} is {address}, which other machines can reach: what is said there, the token too, can be read on the way, and whoever has the token types into your terminals. Listen on 127.0.0.1, and let others in through ssh or a proxy with TLS"
        )
    })
}

/// What to know of variables in this process's environment that look like settings.
pub(crate) fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    unknown_among(names)
        .iter()
        .map(|name| {
            format!(
                "the environment variable {name} sets nothing; `quarterdeck config` prints those that do"
            )
        })
        .collect()
}

/// That recoveries are to be decided by a policy that is not there.
pub(crate) fn unknown_strategy(config: &Config, policies: &[PolicyStatus]) -> Option<String> {
    let wanted = config.recovery_strategy();
    let known: Vec<&str> = policies
        .iter()
        .filter(|policy| policy.kind == Some(PolicyKind::Recovery))
        .map(|policy| policy.name.as_str())
        .collect();
    (!known.contains(&wanted)).then(|| {
        format!(
            "recovery.strategy is {wanted:?}, and there is no recovery of that name; there are: {}",
            known.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts(text: &str) -> Vec<String> {
        let mut table: toml::Table =
            toml::from_str(super::super::DEFAULT_FILE).expect("the default file");
        let over: toml::Table = toml::from_str(text).expect(text);
        for (key, value) in over {
            match (table.get_mut(&key), value) {
                (Some(toml::Value::Table(section)), toml::Value::Table(over)) => {
                    section.extend(over);
                }
                (_, value) => {
                    table.insert(key, value);
                }
            }
        }
        let config: Config = toml::Value::Table(table).try_into().expect(text);
        config.doubts(|program| program == "zsh")
    }

    #[test]
    fn what_is_probably_not_meant_is_named() {
        for (text, said) in [
            ("[sessions]\nshell = \"/nope\"", "/nope"),
            ("[sessions]\nshell = \"nosh\"", "nosh"),
            ("plugins_dir = \"/dev/null\"", "no folder"),
            ("plugins_dir = \"mine\"", "from / on"),
            ("[nats]\ncredentials = \"/nope\"", "nats.credentials"),
            ("[streams]\nlisten = \"0.0.0.0:8765\"", "streams.listen"),
            ("[grpc]\nenabled = true\nlisten = \"[::]:1\"", "grpc.listen"),
        ] {
            let doubts = doubts(text);
            assert!(doubts.len() == 1 && doubts[0].contains(said), "{doubts:?}");
        }
    }

    #[test]
    fn variables_that_nothing_knows_are_found() {
        let names = [
            "QUARTERDECK_LISTEN",
            "QUARTERDECK_GATE_MODE",
            "QUARTERDECK_NOPE",
            "QUARTERDECK_AGENT",
            "HOME",
        ];
        let unknown = unknown_among(names.into_iter().map(str::to_owned));
        assert_eq!(unknown, ["QUARTERDECK_NOPE"]);
    }

    #[test]
    fn what_is_usual_raises_no_doubt() {
        for text in [
            "",
            "[sessions]\nshell = \"zsh\"",
            "[sessions]\nshell = \"/bin/sh\"",
            "[streams]\nlisten = \"\"",
            "[grpc]\nlisten = \"[::]:1\"",
        ] {
            assert_eq!(doubts(text), [""; 0], "{text}");
        }
        let other = listens_to_others("listen", "192.0.2.1:80".parse().expect("address"));
        assert!(other.is_some_and(|said| said.contains("192.0.2.1:80")));
    }
}
