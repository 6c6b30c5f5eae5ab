//! One connection between a relay and a host: two tasks that move frames, so that
//! whoever waits for them can stop waiting at any moment without losing half of one.

use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::frames::{Frame, read_frame, write_frame};

/// Frames that wait for the other side, each of at most [`PIECE_BYTES`] as a rule.
pub(crate) const WAITING_FRAMES: usize = 64;

/// Said at once, as a rule.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;

/// Both directions. The end of one is the end of the connection.
pub(crate) struct Link<In, Out> {
    /// Heard; its end is that of the connection.
    pub(crate) heard: mpsc::Receiver<In>,
    /// To be said.
    pub(crate) said: mpsc::Sender<Out>,
}

impl<In: Frame + Send + 'static, Out: Frame + Send + 'static> Link<In, Out> {
    /// Must be called within a Tokio runtime.
    pub(crate) fn over(stream: UnixStream) -> Self {
        let (mut reader, mut writer) = stream.into_split();
        let (to_hear, heard) = mpsc::channel(WAITING_FRAMES);
        let (said, mut to_say) = mpsc::channel::<Out>(WAITING_FRAMES);
        tokio::spawn(async move {
            loop {
                let frame = tokio::select! {
                    frame = read_frame(&mut reader) => frame,
                    () = to_hear.closed() => return,
                };
                match frame {
                    Ok(frame) => {
                        if to_hear.send(frame).await.is_err() {
                            return;
                        }
                    }
                    Err(_) => return,
                }
            }
        });
        tokio::spawn(async move {
            while let Some(frame) = to_say.recv().await {
                if write_frame(&mut writer, frame).await.is_err() {
                    return;
                }
            }
        });
        Self { heard, said }
    }
}
