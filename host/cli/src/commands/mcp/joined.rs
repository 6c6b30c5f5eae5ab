//! Hands everything to the host that runs, and to the next one when that has ended: an
//! agent keeps its tools while a host is restarted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_server::mcp::ClientSettings;
use quarterdeck_server::socket::join;
use rmcp::transport::io::stdio_pipes;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Split};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

use super::conversation::{Conversation, no_host};
use crate::signals::StopSignals;

/// After standard input has closed, answers under way may still be written for
/// this long.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A host that is restarted is back within so long. Until then requests wait for it.
const RESTART: Duration = Duration::from_secs(10);

/// Between two looks for the next host: at first, and after a while.
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A client that has joined a host.
pub(super) struct Joined {
    /// Where the next host will be heard.
    socket: PathBuf,
    client: ClientSettings,
    conversation: Mutex<Conversation>,
}

/// Why the passing on between a client and one host came to its end.
enum End {
    ClientIsGone,
    HostIsGone,
}

impl Joined {
    pub(super) fn new(socket: PathBuf, client: ClientSettings) -> Self {
        Self {
            socket,
            client,
            conversation: Mutex::default(),
        }
    }

    /// Passes on until standard input closes, to `host` first.
    pub(super) async fn pass_on(&self, host: UnixStream) -> Result<ExitCode> {
        let mut stop_signals = StopSignals::watch()?;
        let (input, mut output) = stdio_pipes();
        let mut input = BufReader::new(input).split(b'\n');
        tokio::select! {
            passed = self.pass_on_to_each_host(host, &mut input, &mut output) => {
                passed.map(|()| ExitCode::SUCCESS)
            }
            _ = stop_signals.received() => Ok(ExitCode::SUCCESS),
        }
    }

    async fn pass_on_to_each_host(
        &self,
        host: UnixStream,
        input: &mut Split<impl AsyncBufReadExt + Unpin>,
        output: &mut (impl AsyncWrite + Unpin),
    ) -> Result<()> {
        let (mut from_host, mut to_host) = host.into_split();
        let mut waiting = Vec::new();
        loop {
            let joined_at = Instant::now();
            match self
                .with_one_host(from_host, to_host, waiting, input, output)
                .await?
            {
                End::ClientIsGone => return Ok(()),
                End::HostIsGone => {}
            }
            let told = self.conversation().host_is_gone();
            write_all(output, told).await?;
            if joined_at.elapsed() < LOOKS.1 {
                // One that lets nobody stay is not knocked at all the time.
                tokio::time::sleep(LOOKS.1).await;
            }
            let Some((host, held)) = self.next_host(input, output).await? else {
                return Ok(());
            };
            (from_host, to_host) = host.into_split();
            let introduction = self.conversation().introduction();
            // A host that has ended again is noticed below.
            let _ = write_all(&mut to_host, introduction).await;
            let news = self.conversation().news();
            write_all(output, news).await?;
            waiting = held;
        }
    }

    async fn with_one_host(
        &self,
        from_host: OwnedReadHalf,
        mut to_host: OwnedWriteHalf,
        waiting: Vec<Vec<u8>>,
        input: &mut Split<impl AsyncBufReadExt + Unpin>,
        output: &mut (impl AsyncWrite + Unpin),
    ) -> Result<End> {
        let upward = async {
            for line in waiting {
                if !self.tell_host(&mut to_host, line).await {
                    return Ok(End::HostIsGone);
                }
            }
            while let Some(line) = input.next_segment().await? {
                if !self.tell_host(&mut to_host, line).await {
                    return Ok(End::HostIsGone);
                }
            }
            let _ = to_host.shutdown().await;
            anyhow::Ok(End::ClientIsGone)
        };
        let downward = self.downward(from_host, output);
        tokio::pin!(downward);
        tokio::select! {
            ended = upward => {
                let ended = ended.context("passing requests on to the running host")?;
                // Met or not, this is the end. What a host has said before it went counts.
                let _ = tokio::time::timeout(LAST_ANSWERS, downward).await;
                Ok(ended)
            }
            received = &mut downward => {
                received.context("passing answers on from the running host")?;
                Ok(End::HostIsGone)
            }
        }
    }

    /// Whether the host could be told.
    async fn tell_host(&self, to_host: &mut OwnedWriteHalf, mut line: Vec<u8>) -> bool {
        if !self.conversation().client_says(&line) {
            return true;
        }
        line.push(b'\n');
        to_host.write_all(&line).await.is_ok()
    }

    async fn downward(
        &self,
        from_host: impl AsyncRead + Unpin,
        output: &mut (impl AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        let mut lines = BufReader::new(from_host).split(b'\n');
        // A host that dies is gone, however its connection ends.
        while let Ok(Some(mut line)) = lines.next_segment().await {
            if self.conversation().host_says(&line) {
                line.push(b'\n');
                output.write_all(&line).await?;
                output.flush().await?;
            }
        }
        Ok(())
    }

    /// Waits for the next host, and returns with it what the client has said meanwhile.
    /// `None` where the client goes first.
    async fn next_host(
        &self,
        input: &mut Split<impl AsyncBufReadExt + Unpin>,
        output: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Option<(UnixStream, Vec<Vec<u8>>)>> {
        tracing::info!("the host has ended; the next one is joined when it runs");
        let restarted_by = Instant::now() + RESTART;
        let (mut pause, longest) = LOOKS;
        let mut held: Vec<Vec<u8>> = Vec::new();
        loop {
            if let Ok(host) = join(&self.socket, &self.client).await {
                return Ok(Some((host, held)));
            }
            if Instant::now() >= restarted_by {
                let mut answers = Vec::new();
                for line in held.drain(..) {
                    match no_host(&line) {
                        Some(answer) => answers.push(answer),
                        // A notification counts, whoever hears of it.
                        None => drop(self.conversation().client_says(&line)),
                    }
                }
                write_all(output, answers).await?;
            }
            let look = tokio::time::sleep(pause);
            tokio::pin!(look);
            tokio::select! {
                said = input.next_segment() => match said.context("reading requests")? {
                    Some(line) => held.push(line),
                    None => return Ok(None),
                },
                () = &mut look => pause = (pause * 2).min(longest),
            }
        }
    }

    fn conversation(&self) -> MutexGuard<'_, Conversation> {
        self.conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_all(
    to: &mut (impl AsyncWrite + Unpin),
    messages: impl IntoIterator<Item = Value>,
) -> std::io::Result<()> {
    for message in messages {
        to.write_all(format!("{message}\n").as_bytes()).await?;
    }
    to.flush().await
}
