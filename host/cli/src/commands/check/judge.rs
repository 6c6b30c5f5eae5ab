//! Who judges a command that is not run: the host that is running, so that its answer
//! is the one that an agent would get; else one that is started for it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use quarterdeck_core::gate::{Mode, VerdictReport};
use quarterdeck_core::operations::CheckPurpose;
use quarterdeck_core::{Caller, Host};
use quarterdeck_server::glance::Glance;
use quarterdeck_server::socket::{AskError, Request, ask};

use crate::Setup;
use crate::hosting::start_host;

/// Whoever judges.
pub(crate) enum Judge {
    /// The running host, which listens there.
    Running(PathBuf),
    /// A host of this process.
    Own(Arc<Host>),
}

impl Judge {
    /// The running host, or one that is started now, of which standard error is told.
    pub(crate) async fn find(setup: &Setup) -> Result<Self> {
        if let Some(running) = Self::running(setup).await? {
            return Ok(running);
        }
        anstream::eprintln!(
            "quarterdeck: no host is running; judged by the policies as one that starts now loads them"
        );
        Ok(Self::Own(start_host(setup)?))
    }

    /// The running host, if there is one.
    pub(crate) async fn running(setup: &Setup) -> Result<Option<Self>> {
        let socket = setup.paths.shared_socket();
        match ask::<bool>(&socket, &Request::AmInside).await {
            Ok(_) => Ok(Some(Self::Running(socket))),
            Err(AskError::NoHost(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The verdict on `command`, were it run in `cwd`.
    pub(crate) async fn check(
        &self,
        command: &str,
        cwd: String,
        purpose: CheckPurpose,
    ) -> Result<VerdictReport> {
        Ok(match self {
            Self::Running(socket) => {
                let request = Request::Check {
                    command: command.to_owned(),
                    cwd: Some(cwd),
                    purpose,
                };
                ask(socket, &request).await?
            }
            Self::Own(host) => {
                host.check(command, Some(cwd), purpose, &Caller::command_line())
                    .await?
            }
        })
    }

    /// What the gate of whoever judges does with verdicts.
    pub(crate) async fn gate(&self) -> Result<Mode> {
        Ok(match self {
            Self::Running(socket) => ask::<Glance>(socket, &Request::Glance).await?.gate,
            Self::Own(host) => host.overview().gate,
        })
    }

    /// Ends what was started.
    pub(crate) async fn leave(self) {
        if let Self::Own(host) = self {
            host.shutdown().await;
        }
    }
}
