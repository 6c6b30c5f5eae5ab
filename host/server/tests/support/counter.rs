//! A client that reads a stream as fast as a client can: it looks at frames, and at
//! nothing in them but their numbers.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than a frame of any event.
const ROOM: usize = 256 * 1024;

/// What came of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Events that came.
    pub(crate) told: u64,
    /// Events that it was told to have missed.
    pub(crate) missed: u64,
    /// The number of the newest event.
    pub(crate) last: u64,
    /// Whether numbers between those that came may be missing, because it wants some
    /// types only.
    with_gaps: bool,
}

/// One connection to a stream.
pub(crate) struct Counter {
    stream: TcpStream,
    /// What was read and not looked at yet.
    waiting: Vec<u8>,
    tally: Tally,
}

impl Counter {
    /// Connects and waits for the greeting.
    pub(crate) async fn connect(address: std::net::SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let handshake = format!(
            "GET /events HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream
            .write_all(handshake.as_bytes())
            .await
            .expect("a handshake");
        let mut counter = Self {
            stream,
            waiting: Vec::with_capacity(ROOM),
            tally: Tally::default(),
        };
        loop {
            let answer = counter.waiting.windows(4).position(|at| at == b"\r\n\r\n");
            if let Some(end) = answer {
                counter.waiting.drain(..end + 4);
                break;
            }
            counter.read().await;
        }
        let mut greeted = false;
        while !greeted {
            counter.look(&mut |_| greeted = true);
            if !greeted {
                counter.read().await;
            }
        }
        counter
    }

    /// Wants events of one type and no others from now on.
    #[allow(dead_code, reason = "the measurements use it, the tests do not")]
    pub(crate) async fn subscribe(&mut self, channel: &str) {
        let wish = format!(r#"{{"subscribe":["{channel}"]}}"#);
        // Masked with zeros, which is as good as any other mask here.
        let length = u8::try_from(wish.len()).expect("a short wish");
        assert!(length < 126, "a short wish");
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend(wish.as_bytes());
        self.stream.write_all(&frame).await.expect("a wish");
        self.tally.with_gaps = true;
        let mut agreed = false;
        while !agreed {
            self.look(&mut |text| agreed |= find(text, b"\"subscribed\"").is_some());
            if !agreed {
                self.read().await;
            }
        }
    }

    /// Reads until the event that `last` numbers has come, or was missed. `seen` is
    /// given the text of each event.
    pub(crate) async fn until(
        &mut self,
        last: impl Fn() -> u64,
        mut seen: impl FnMut(&[u8]),
    ) -> Tally {
        loop {
            self.look(&mut seen);
            if self.tally.last >= last() {
                return self.tally;
            }
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.waiting).await;
        assert_ne!(read.expect("a stream"), 0, "the host has hung up");
    }

    /// Looks at every whole frame. Frames of a host are not masked.
    fn look(&mut self, seen: &mut impl FnMut(&[u8])) {
        let mut at = 0;
        while let Some((begin, end)) = frame(&self.waiting[at..]) {
            let payload = &self.waiting[at + begin..at + end];
            let is_text = self.waiting[at] & 0x0f == 1;
            at += end;
            if is_text {
                self.tally.take(payload);
                seen(payload);
            }
        }
        self.waiting.drain(..at);
    }
}

impl Tally {
    fn take(&mut self, payload: &[u8]) {
        if let Some(sequence) = number_after(payload, b"{\"sequence\":") {
            assert!(
                self.last == 0
                    || sequence == self.last + 1
                    || self.with_gaps && sequence > self.last,
                "{sequence} comes after {}",
                self.last
            );
            self.last = sequence;
            self.told += 1;
        } else if let Some(at) = find(payload, b"\"missed\":") {
            self.missed += number_after(&payload[at..], b"\"missed\":").expect("a number");
            let last = find(payload, b"\"last\":").expect("the last number");
            self.last = number_after(&payload[last..], b"\"last\":").expect("a number");
        }
    }
}

/// Where the first frame's payload begins and ends, if all of it is there.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (begin, length) = match *bytes.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        ),
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (10, usize::try_from(length).ok()?)
        }
        short => (2, usize::from(short)),
    };
    (bytes.len() >= begin + length).then_some((begin, begin + length))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|at| at == what)
}

fn number_after(bytes: &[u8], prefix: &[u8]) -> Option<u64> {
    let digits = bytes.strip_prefix(prefix)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}
