//! What a session shows, in layers.

use quarterdeck_terminal::screenshot::{PictureError, Screenshot, ScreenshotRequest, png, svg};

use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::text::inert;

impl Host {
    /// Takes a screenshot. With `only_changes`, of the rows that look different
    /// from the caller's last screenshot; of all rows if there was none.
    pub async fn screenshot(
        &self,
        id: &str,
        request: &ScreenshotRequest,
        only_changes: bool,
        caller: &Caller,
    ) -> Result<Screenshot, HostError> {
        let session = self.registry.get(id)?;
        let screen = session.terminal.screen().await;
        let earlier = session.seen.look(&caller.connection, screen.clone());
        let since = earlier.filter(|_| only_changes);
        let mut shot = Screenshot::take(&screen, request, since.as_ref());
        for line in shot.text.iter_mut().flatten() {
            *line = inert(line);
        }
        Ok(shot)
    }

    /// Draws what a session shows as SVG.
    pub async fn draw_screen(&self, id: &str) -> Result<String, HostError> {
        let session = self.registry.get(id)?;
        Ok(inert(&svg(&session.terminal.screen().await)))
    }

    /// Draws what a session shows as a PNG file.
    pub async fn picture_screen(&self, id: &str) -> Result<Vec<u8>, HostError> {
        let screen = self.registry.get(id)?.terminal.screen().await;
        let drawn = tokio::task::spawn_blocking(move || png(&screen)).await;
        drawn
            .map_err(|error| HostError::Internal(error.to_string()))?
            .map_err(|error| match error {
                PictureError::TooLarge { .. } => HostError::InvalidParameters(error.to_string()),
                PictureError::Encoding(_) => HostError::Internal(error.to_string()),
            })
    }
}
