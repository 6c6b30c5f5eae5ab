//! Shells that a caller may choose.
//!
//! A session's program runs without passing the gate: what passes is what is
//! typed into it. So it has to be a shell that this machine lists as one.

use std::path::{Path, PathBuf};

use crate::error::HostError;

/// Where the system lists its shells (shells(5)).
const LIST: &str = "/etc/shells";

/// The listed shell of this name or path.
pub(super) fn listed(shell: &str) -> Result<PathBuf, HostError> {
    let list = std::fs::read_to_string(LIST).unwrap_or_default();
    find(&list, shell).ok_or_else(|| {
        HostError::InvalidParameters(format!(
            "{shell:?} is none of the shells that {LIST} lists; choose one of those, and run other programs by a command in the session"
        ))
    })
}

fn find(list: &str, shell: &str) -> Option<PathBuf> {
    list.lines()
        .map(str::trim)
        .filter(|line| line.starts_with('/'))
        .map(Path::new)
        .find(|path| {
            path.as_os_str() == shell || path.file_name().is_some_and(|name| name == shell)
        })
        .map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_shells_are_found() {
        let list = "# shells\n/bin/sh\n/usr/bin/bash\n/bin/bash\n";
        let found = |shell| find(list, shell).map(|path| path.display().to_string());
        assert_eq!(found("bash").as_deref(), Some("/usr/bin/bash"));
        assert_eq!(found("/bin/bash").as_deref(), Some("/bin/bash"));
        for other in ["", "rm", "/tmp/bash", "./bash", "# shells", "bash -c id"] {
            assert_eq!(found(other), None, "{other:?}");
        }
    }
}
