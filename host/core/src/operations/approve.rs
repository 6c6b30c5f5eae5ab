//! Asking about a command, and a person's answer.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::LazyLock;

use super::check::nothing_to_judge;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Answer, Opinion, PendingConfirmation};
use crate::host::Host;

/// What sessions are started with.
const SESSION_VARIABLE: &str = "QUARTERDECK_SESSION";

/// Where an answer to a confirmation comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalOrigin {
    /// A person whom the client asked in its own window.
    Elicitation {
        /// The client.
        client: String,
        /// Its process: the host's own for whoever has started the host and speaks
        /// over its standard input and output.
        pid: u32,
    },
    /// A process that connected to the host's socket.
    Process {
        /// Its id.
        pid: u32,
        /// The user who runs it.
        user: u32,
    },
}

impl Host {
    /// What the gate would say to `command` in a session. With `forced`, and as
    /// far as the configuration lets callers override, lets it through once.
    pub async fn opinion(
        &self,
        id: &str,
        command: &str,
        forced: bool,
        caller: &Caller,
    ) -> Result<Opinion, HostError> {
        if command.trim().is_empty() {
            return Err(nothing_to_judge());
        }
        let session = self.registry.get(id)?;
        self.gate.opinion(&session, caller, command, forced).await
    }

    /// Records a person's yes or no; `true` is a yes for one use. Refused when it
    /// comes from a process inside a hosted session, whose agent would be
    /// approving its own command.
    pub fn answer_confirmation(
        &self,
        id: &str,
        answer: impl Into<Answer>,
        origin: &ApprovalOrigin,
    ) -> Result<PendingConfirmation, HostError> {
        let answer = answer.into();
        let (ApprovalOrigin::Elicitation { pid, .. } | ApprovalOrigin::Process { pid, .. }) =
            origin;
        if self.is_inside_a_session(*pid) {
            return Err(HostError::ApprovalFromInside);
        }
        let by = match origin {
            ApprovalOrigin::Elicitation { client, .. } => format!("a person, asked by {client}"),
            ApprovalOrigin::Process { pid, user } => format!("user {user}, process {pid}"),
        };
        self.gate.answer(id, &by, answer)
    }

    /// Commands that wait for a person.
    pub fn waiting_confirmations(&self) -> Vec<PendingConfirmation> {
        self.gate.waiting()
    }

    /// Whether a process descends from this host, as everything in its sessions
    /// does: the host adopts what its sessions orphan. On a tmux server that
    /// another host has started, it descends from a session's program; on iTerm2,
    /// from the relay in the session's pane. What descends from any other host is
    /// inside a session of that. A process that cannot be looked at counts as inside.
    /// The host's own process is inside where it was started there.
    pub fn is_inside_a_session(&self, pid: u32) -> bool {
        if pid == std::process::id() {
            return is_below_a_host(pid) || std::env::var_os(SESSION_VARIABLE).is_some();
        }
        let descends = |from| crate::ancestry::is_descendant_of(pid, from).unwrap_or(true);
        descends(std::process::id())
            || is_below_a_host(pid)
            || self
                .registry
                .all()
                .iter()
                .any(|session| descends(session.terminal.guardian()))
    }
}

/// Whether a process that runs this program is above `pid`: hosts start nothing
/// but sessions. Where it cannot be looked at, it counts as above, except on systems
/// that never let anybody look.
fn is_below_a_host(pid: u32) -> bool {
    let Some(name) = own_name() else {
        return false;
    };
    match crate::ancestry::ancestor_running(pid, name) {
        Ok(above) => above.is_some(),
        Err(error) => error.kind() != ErrorKind::Unsupported,
    }
}

/// What this program's file is called: as it was when this was first asked, at the start,
/// since its file may be moved or replaced by a newer one meanwhile.
pub(crate) fn own_name() -> Option<&'static OsStr> {
    static NAME: LazyLock<Option<OsString>> =
        LazyLock::new(|| Some(name_of(&std::env::current_exe().ok()?)?.to_owned()));
    NAME.as_deref()
}

/// A program's file name, also where the system says that the file was replaced.
fn name_of(program: &Path) -> Option<&OsStr> {
    let name = program.file_name()?.as_bytes();
    let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
    Some(OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_replaced_keeps_its_name() {
        for path in ["/usr/bin/quarterdeck", "/usr/bin/quarterdeck (deleted)"] {
            assert_eq!(name_of(Path::new(path)), Some(OsStr::new("quarterdeck")));
        }
        assert_eq!(name_of(Path::new("/")), None);
    }
}
