//! Gives a pane another size, and finds out which one it got: a pane that shares its window
//! gets about what was asked for, and one in full screen gets none.

use quarterdeck_iterm2::{Client, SessionId};
use tokio::sync::{mpsc, watch};

use crate::request::Size;

/// A pane's sizes. Its task ends with it.
pub(super) struct Sizing {
    wanted: watch::Sender<Option<Size>>,
    /// What came of which size.
    got: mpsc::Receiver<(Size, Option<Size>)>,
    /// Asked for last, and nobody knows yet what came of it.
    under_way: Option<Size>,
}

impl Sizing {
    /// Must be called within a Tokio runtime.
    pub(super) fn of(client: Client, pane: SessionId) -> Self {
        let (wanted, mut asked) = watch::channel(None);
        let (tell, got) = mpsc::channel(1);
        tokio::spawn(async move {
            while asked.changed().await.is_ok() {
                let size: Option<Size> = *asked.borrow_and_update();
                let Some(size) = size else { continue };
                let got = set(&client, &pane, size).await;
                if tell.send((size, got)).await.is_err() {
                    return;
                }
            }
        });
        Self {
            wanted,
            got,
            under_way: None,
        }
    }

    /// Asks for a size.
    pub(super) fn ask(&mut self, size: Size) {
        self.under_way = Some(size);
        self.wanted.send_replace(Some(size));
    }

    /// The size that a pane has got in the end; `None` where nobody knows: then it has the one that it had.
    pub(super) async fn got(&mut self) -> Option<Size> {
        loop {
            match self.got.recv().await {
                Some((asked, _)) if self.under_way.is_some_and(|last| last != asked) => (),
                Some((_, got)) => {
                    self.under_way = None;
                    return got;
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Whether a size was asked for, and nobody knows yet what came of it.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }
}

async fn set(client: &Client, pane: &SessionId, size: Size) -> Option<Size> {
    if let Err(error) = client
        .set_grid_size(pane, size.columns(), size.rows())
        .await
    {
        tracing::debug!(%pane, %error, "iTerm2 gives a pane no other size");
    }
    size_of(client, pane).await
}

/// The size of a pane that is shown.
pub(super) async fn size_of(client: &Client, pane: &SessionId) -> Option<Size> {
    let layout = client.list_sessions().await.ok()?;
    let (columns, rows) = layout.pane(pane)?.size?;
    Size::new(columns, rows).ok()
}
