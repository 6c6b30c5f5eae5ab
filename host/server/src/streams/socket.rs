//! One client's WebSocket, written in frames that are made elsewhere.
//!
//! What the client says is read by tungstenite. What that answers by itself (a pong,
//! the echo of a close) waits here with everything else that is to be written. So
//! frames that many sockets share are neither copied nor looked at on their way, and
//! what waits goes out in one call to the system.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

use super::frames::{self, CloseCode};

/// The longest message of a client. All of them are short commands.
const LONGEST_MESSAGE: usize = 64 * 1024;
/// What a client says is read in pieces of this size.
const READ_BUFFER: usize = 4 * 1024;
/// Pieces that are written in one call.
const WRITTEN_AT_ONCE: usize = 64;
/// So long a client may take to hang up after it was told to.
const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// The host's end of a WebSocket over `S`.
pub(super) struct Socket<S> {
    stream: S,
    protocol: WebSocketContext,
    /// Whole frames, except for the first, of which a part may be written.
    outgoing: VecDeque<Bytes>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// The socket after its handshake; `begun` was read behind that.
    pub(super) fn new(stream: S, begun: &[u8]) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        Self {
            stream,
            protocol: WebSocketContext::from_partially_read(
                begun.to_vec(),
                Role::Server,
                Some(config),
            ),
            outgoing: VecDeque::new(),
        }
    }

    /// What the client says next. What the protocol answers to it waits for the next
    /// [`Self::flush`]. May be dropped at any point: nothing is lost.
    pub(super) async fn hear(&mut self) -> Result<Message, Error> {
        poll_fn(|context| {
            let mut ends = Ends {
                stream: Pin::new(&mut self.stream),
                context,
                outgoing: &mut self.outgoing,
            };
            match self.protocol.read(&mut ends) {
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
                Ok(message) => {
                    // After a close it says that there is nothing more to do.
                    let _ = self.protocol.flush(&mut ends);
                    Poll::Ready(Ok(message))
                }
                failed => Poll::Ready(failed),
            }
        })
        .await
    }

    /// Puts whole frames behind what waits to be written.
    pub(super) fn put(&mut self, frames: Bytes) {
        self.outgoing.push_back(frames);
    }

    /// Writes all that waits. May be dropped at any point, and called again.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let mut pieces = [IoSlice::new(&[]); WRITTEN_AT_ONCE];
            let mut count = 0;
            for (piece, frames) in pieces.iter_mut().zip(&self.outgoing) {
                *piece = IoSlice::new(frames);
                count += 1;
            }
            let written = self.stream.write_vectored(&pieces[..count]).await?;
            if written == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            self.strike_out(written);
        }
        Ok(())
    }

    /// Says goodbye, and waits a moment for the client to hang up: whoever hangs up
    /// on what is not read yet takes back what it has said.
    pub(super) async fn leave(mut self, code: CloseCode, reason: &str) {
        self.put(frames::close(code, reason));
        let parting = async {
            self.flush().await?;
            self.stream.shutdown().await?;
            let mut unheard = vec![0; READ_BUFFER];
            while self.stream.read(&mut unheard).await? > 0 {}
            io::Result::Ok(())
        };
        // A client that is gone needs no goodbye.
        let _ = tokio::time::timeout(LEAVE_PATIENCE, parting).await;
    }

    /// Forgets the first `written` bytes of what waits.
    fn strike_out(&mut self, mut written: usize) {
        while let Some(first) = self.outgoing.front_mut() {
            if written < first.len() {
                let _ = first.split_to(written);
                return;
            }
            written -= first.len();
            self.outgoing.pop_front();
        }
    }
}

/// The socket as the protocol sees it: it reads from the stream, and writes to what waits.
struct Ends<'a, 'c, S> {
    stream: Pin<&'a mut S>,
    context: &'a mut Context<'c>,
    outgoing: &'a mut VecDeque<Bytes>,
}

impl<S: AsyncRead> Read for Ends<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match self.stream.as_mut().poll_read(self.context, &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S> Write for Ends<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.push_back(Bytes::copy_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::DuplexStream;
    use tokio_tungstenite::WebSocketStream;

    /// Two ends of one connection that holds so many bytes on their way.
    async fn connected(room: usize) -> (Socket<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = tokio::io::duplex(room);
        let client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        (Socket::new(ours, &[]), client)
    }

    #[tokio::test]
    async fn frames_arrive_whole_and_in_order_however_little_fits() {
        let (mut socket, mut client) = connected(7).await;
        let said: Vec<String> = (0..3 * WRITTEN_AT_ONCE)
            .map(|number| number.to_string().repeat(number))
            .collect();
        for text in &said {
            socket.put(frames::text(text));
        }
        let writing = tokio::spawn(async move {
            // A write that is given up goes on where it stood.
            while tokio::time::timeout(Duration::from_micros(50), socket.flush())
                .await
                .is_err()
            {}
            socket
        });
        for text in &said {
            let heard = client.next().await.expect("a message").expect("a frame");
            assert_eq!(heard, Message::text(text));
        }
        assert!(writing.await.expect("written").outgoing.is_empty());
    }

    #[tokio::test]
    async fn the_protocols_own_answers_come_between_frames() {
        let (mut socket, mut client) = connected(4_096).await;
        let asked = Message::Ping(Bytes::from_static(b"there?"));
        client.send(asked.clone()).await.expect("sent");
        socket.put(frames::text("before"));
        assert_eq!(socket.hear().await.expect("a message"), asked);
        socket.put(frames::text("after"));
        socket.flush().await.expect("written");
        for expected in [
            Message::text("before"),
            Message::Pong(Bytes::from_static(b"there?")),
            Message::text("after"),
        ] {
            let heard = client.next().await.expect("a message").expect("a frame");
            assert_eq!(heard, expected);
        }
    }

    #[tokio::test]
    async fn whoever_hangs_up_is_told_that_it_was_understood() {
        let (mut socket, mut client) = connected(4_096).await;
        client.close(None).await.expect("sent");
        assert_eq!(socket.hear().await.expect("it"), Message::Close(None));
        socket.flush().await.expect("written");
        drop(socket);
        let heard = client.next().await.expect("an answer").expect("a frame");
        assert_eq!(heard, Message::Close(None));
    }

    #[tokio::test]
    async fn whoever_is_dismissed_is_told_why() {
        let (socket, mut client) = connected(4_096).await;
        let leaving = tokio::spawn(socket.leave(CloseCode::Away, "the host stops"));
        let heard = client.next().await.expect("a message").expect("a frame");
        let Message::Close(Some(close)) = heard else {
            panic!("{heard:?}");
        };
        assert_eq!(
            (u16::from(close.code), &*close.reason),
            (1001, "the host stops")
        );
        drop(client);
        leaving.await.expect("it ends");
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_taken() {
        let (mut socket, mut client) = connected(4_096).await;
        let long = Message::text("x".repeat(LONGEST_MESSAGE + 1));
        tokio::spawn(async move { client.send(long).await });
        let refused = socket.hear().await;
        assert!(matches!(refused, Err(Error::Capacity(_))), "{refused:?}");
    }
}
