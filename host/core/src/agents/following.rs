//! Following what a session shows.

use std::time::Duration;

use quarterdeck_terminal::{Cursor, Until, WaitEnd};
use regex::Regex;

use crate::error::HostError;
use crate::host::Host;
use crate::text::inert;

/// How long one wait lasts before it is begun anew.
const ONE_WAIT: Duration = Duration::from_secs(600);

/// Changes that come faster than this are told as one.
const TOGETHER: Duration = Duration::from_millis(200);

/// What a follower has seen of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenOutput {
    cursor: Cursor,
    screen: String,
}

impl Host {
    /// What a session shows now.
    pub async fn output_now(&self, id: &str) -> Result<SeenOutput, HostError> {
        let session = self.registry.get(id)?;
        Ok(SeenOutput {
            cursor: session.terminal.status().await.cursor,
            screen: inert(&session.terminal.screen().await.text()),
        })
    }

    /// Waits until a session shows something else than `seen`. An error means that
    /// there is nothing more to come.
    pub async fn output_after(&self, id: &str, seen: &SeenOutput) -> Result<SeenOutput, HostError> {
        let anything =
            Regex::new("(?s).").map_err(|error| HostError::Internal(error.to_string()))?;
        loop {
            let session = self.registry.get(id)?;
            let until = Until::Pattern(anything.clone());
            let waited = session
                .terminal
                .wait(until, Some(seen.cursor), ONE_WAIT)
                .await;
            // A full screen always matches: only a look at it tells what is new.
            tokio::time::sleep(TOGETHER).await;
            let now = self.output_now(id).await?;
            if now != *seen {
                return Ok(now);
            }
            if waited.end == WaitEnd::SessionEnded {
                return Err(HostError::SessionEnded {
                    session: session.id.clone(),
                    how: "its program is over".to_owned(),
                });
            }
        }
    }
}
