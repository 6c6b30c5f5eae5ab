//! What a sidecar lets a policy see of this machine.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::PolicyKind;

/// What a policy may see beyond what it is asked. Nothing, unless its sidecar
/// says otherwise, and never the network.
///
/// An approver is granted nothing, whatever its sidecar says, so that a verdict
/// depends on its request and its configuration alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table `[grants]`",
    rename_all(serialize = "camelCase", deserialize = "kebab-case")
)]
pub struct Grants {
    /// Folders that it may read, not write; absolute, and seen by the policy
    /// under the same path.
    pub read: Vec<PathBuf>,
    /// The real time, from the clocks of WASI. Without it they may not be read.
    pub clock: bool,
    /// Names of environment variables that it sees, where they are set.
    pub environment: Vec<String>,
}

impl Grants {
    /// How many folders and how many variables may be granted.
    pub(crate) const MAX_EACH: usize = 64;

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        *self == Grants::default()
    }

    /// The first folder that cannot be read, with the reason.
    pub(crate) fn unreadable_folder(&self) -> Option<(&Path, String)> {
        self.read.iter().find_map(|folder| {
            std::fs::read_dir(folder)
                .err()
                .map(|error| (&**folder, error.to_string()))
        })
    }
}

/// What stands behind an import that a component may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Import {
    /// The interface `host` of this package.
    Host,
    /// A part of WASI that the runtimes of several languages cannot be built
    /// without: let in, and empty as far as nothing is granted.
    Wasi,
    /// The way out for who wrote the component.
    Refused(&'static str),
}

impl Import {
    /// Judges the import `name` of a component of `kind`.
    pub(crate) fn of(name: &str, kind: PolicyKind) -> Import {
        const WASI: [&str; 5] = [
            "wasi:cli/",
            "wasi:clocks/",
            "wasi:filesystem/",
            "wasi:io/",
            "wasi:random/",
        ];
        const WASI_VERSION: &str = "0.2.";
        let approver = kind == PolicyKind::Approver;
        let other_wasi = || match name.rsplit_once('@') {
            Some((_, version)) => !version.starts_with(WASI_VERSION) || version.contains('-'),
            None => true,
        };
        if WASI.iter().any(|package| name.starts_with(package)) && other_wasi() {
            Import::Refused(
                "the host has WASI 0.2 alone; build it for that (in Rust for wasm32-wasip2), or without WASI",
            )
        } else if WASI.iter().any(|package| name.starts_with(package)) {
            Import::Wasi
        } else if name.starts_with("wasi:sockets/") || name.starts_with("wasi:http/") {
            Import::Refused(if approver {
                "a verdict may not depend on the network; leave out the code that opens connections \
                 (in JavaScript, build with `disableFeatures: [\"http\", \"fetch-event\"]`), and hand what it needs to know to `configure`"
            } else {
                "no grant opens the network; leave out the code that opens connections \
                 (in JavaScript, build with `disableFeatures: [\"http\", \"fetch-event\"]`), or have another program write what it needs \
                 to know to a folder and grant that: `read = [\"/the/folder\"]` under `[grants]` in the sidecar"
            })
        } else if name.starts_with("quarterdeck:policy/host@") && !approver {
            Import::Host
        } else if name.starts_with("quarterdeck:policy/") && approver {
            Import::Refused(
                "a verdict depends on its request alone; take the time from `request.time-ms`, and build against the world `approver`",
            )
        } else if approver {
            Import::Refused(
                "the host does not provide it; build against the world `approver`, which imports nothing",
            )
        } else {
            Import::Refused(
                "the host does not provide it, and no grant does; build against the world of its kind, which imports `quarterdeck:policy/host` alone",
            )
        }
    }
}

/// The grant without which `function` of the interface `import` may not be
/// imported, and what to do instead.
///
/// Approvers are let off: they are granted nothing, so for them the clock
/// stands still, which is what they were always told.
pub(crate) fn missing_grant(
    import: &str,
    function: &str,
    kind: PolicyKind,
    grants: &Grants,
) -> Option<MissingGrant> {
    let reads_clock = import.starts_with("wasi:clocks/") && matches!(function, "now");
    if kind == PolicyKind::Approver || grants.clock || !reads_clock {
        return None;
    }
    Some(MissingGrant {
        grant: "clock = true",
        otherwise: "ask the host for the time with `now-ms`, which needs no grant",
    })
}

/// A grant that a component needs and does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MissingGrant {
    /// The line to add under `[grants]`.
    pub(crate) grant: &'static str,
    /// What to do without it.
    pub(crate) otherwise: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approvers_import_less_than_others() {
        use PolicyKind::{Approver, Distributor};
        for (name, approver, distributor) in [
            ("wasi:io/poll@0.2.6", true, true),
            ("quarterdeck:policy/host@0.1.0", false, true),
            ("wasi:io/poll@0.2.99", true, true),
            ("wasi:cli/stdout@0.3.0", false, false),
            ("wasi:random/random@0.2.0-rc-2023-11-10", false, false),
            ("wasi:sockets/tcp@0.2.0", false, false),
            ("wasi:http/types@0.2.0", false, false),
            ("acme:vault/keys", false, false),
        ] {
            let let_in = |kind| !matches!(Import::of(name, kind), Import::Refused(_));
            assert_eq!(
                (let_in(Approver), let_in(Distributor)),
                (approver, distributor)
            );
        }
    }

    #[test]
    fn the_clock_is_read_with_a_grant() {
        let without = Grants::default();
        let with = Grants {
            clock: true,
            ..Grants::default()
        };
        let missing = |function, grants: &Grants| {
            missing_grant(
                "wasi:clocks/wall-clock@0.2.0",
                function,
                PolicyKind::Recovery,
                grants,
            )
        };
        assert!(missing("now", &without).is_some());
        assert!(missing("now", &with).is_none());
        assert!(missing("resolution", &without).is_none());
    }
}
