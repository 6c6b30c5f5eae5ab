//! Whether the process at the other end of a connection runs in a session.
//!
//! A program in a session can read the token, and say that it is a client which asks a
//! person. So what only a person may do is done for a process that is known to run
//! outside of every session, and for nobody else.

use std::sync::Arc;

use quarterdeck_core::Host;

use crate::peer::Connection;

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Outside of every session.
    Outside {
        /// The process.
        pid: u32,
        /// Its user.
        user: u32,
    },
    /// In a session.
    Inside,
    /// It cannot be told: it is on another machine, hides what it has open, or this
    /// system does not say.
    Unknown,
}

/// Finds out about the other end of a connection. Looks at processes, so it takes
/// some milliseconds.
pub(crate) async fn standing(host: &Arc<Host>, connection: Connection) -> Standing {
    let host = Arc::clone(host);
    let looked = tokio::task::spawn_blocking(move || {
        let holder = connection.holder()?;
        let pid = holder.process()?;
        Some(match host.is_inside_a_session(pid) {
            true => Standing::Inside,
            false => Standing::Outside {
                pid,
                user: holder.user,
            },
        })
    });
    looked.await.ok().flatten().unwrap_or(Standing::Unknown)
}
