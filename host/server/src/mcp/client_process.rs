//! Which process a client is, to tell whether a person's answer may come from it: a
//! program in a session that says it has asked somebody would approve its own commands.

use std::sync::Arc;

use axum::http::request::Parts;
use quarterdeck_core::{Host, Transport};
use rmcp::RoleServer;
use rmcp::service::RequestContext;

use crate::peer::Connection;
use crate::standing::{Standing, standing};

/// How the client's process is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClientProcess {
    /// It has this id. The host's own stands for whoever has started the host and
    /// speaks over its standard input and output.
    Known(u32),
    /// It was inside a session when it connected: its id may be another's by now.
    InsideASession,
    /// Each request tells by the connection that it comes on.
    BehindEachRequest,
}

impl ClientProcess {
    /// Where a door of this transport looks, unless it is told better.
    pub(super) fn at(transport: Transport) -> Self {
        match transport {
            Transport::Http => Self::BehindEachRequest,
            _ => Self::Known(std::process::id()),
        }
    }

    /// Its id, if it is known to run outside of every session. Looks at processes, so
    /// it takes some milliseconds.
    pub(super) async fn outside_sessions(
        self,
        host: &Arc<Host>,
        context: &RequestContext<RoleServer>,
    ) -> Option<u32> {
        match self {
            Self::Known(pid) => (!host.is_inside_a_session(pid)).then_some(pid),
            Self::InsideASession => None,
            Self::BehindEachRequest => {
                let request = context.extensions.get::<Parts>()?;
                let connection = *request.extensions.get::<Connection>()?;
                match standing(host, connection).await {
                    Standing::Outside { pid, .. } => Some(pid),
                    Standing::Inside | Standing::Unknown => None,
                }
            }
        }
    }
}
