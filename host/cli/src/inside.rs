//! What nobody may do from inside a hosted session: an agent would be changing
//! the rules that hold for it.
//!
//! The hosts know best (they see who connects and whom they started), so they
//! are asked. As one that is not reached cannot be asked, this process also looks
//! at its own ancestors and at the variable that sessions are started with. None
//! of it is a wall: see SECURITY.md.

use std::time::Duration;

use anyhow::{Result, bail};
use quarterdeck_core::ancestry;
use quarterdeck_server::socket::{AskError, Request, ask_in_time};

use crate::Setup;

/// A host that takes longer counts as one that says yes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Refuses to go on inside a hosted session. `what` completes "… is not done
/// from inside a hosted session".
pub(crate) fn refuse_inside(setup: &Setup, what: &str) -> Result<()> {
    if let Some(how) = inside(setup)? {
        bail!(
            "{what} is not done from inside a hosted session ({how}): a person does it in another terminal"
        );
    }
    Ok(())
}

/// How this process is known to be inside a hosted session; `None` if nothing
/// says so.
fn inside(setup: &Setup) -> Result<Option<String>> {
    if let Ok(session) = std::env::var("QUARTERDECK_SESSION") {
        return Ok(Some(format!("QUARTERDECK_SESSION is {session:?}")));
    }
    if let Some(pid) = hosting_ancestor() {
        return Ok(Some(format!("process {pid} above it is a host")));
    }
    for socket in setup.paths.sockets() {
        match ask_in_time(&socket, &Request::AmInside, PATIENCE) {
            Ok(true) => return Ok(Some(format!("the host on {} says so", socket.display()))),
            Ok(false) | Err(AskError::NoHost(_)) => {}
            Err(error) => bail!(
                "{error}, so nobody can tell whether this is inside one of its sessions; end that host first"
            ),
        }
    }
    Ok(None)
}

/// The nearest process above this one that runs Quarterdeck, which starts other
/// programs only in sessions.
fn hosting_ancestor() -> Option<u32> {
    let own = std::env::current_exe().ok()?;
    ancestry::ancestor_running(std::process::id(), own.file_name()?).ok()?
}
