//! WebSocket frames as bytes, made once.
//!
//! What a server sends is not masked (RFC 6455, 5.1), so one frame is the same for
//! every client: whoever made it can give it to as many sockets as there are.

use axum::body::Bytes;

/// A final frame of text.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// The longest payload of a frame that is none of data.
const LONGEST_CONTROL: usize = 125;

/// Why a stream ends, as RFC 6455, 7.4.1 numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseCode {
    /// The host goes away.
    Away = 1001,
    /// What came is no WebSocket frame.
    Protocol = 1002,
    /// What should be text is none.
    NotText = 1007,
    /// The client did not do what the host asks of it.
    Policy = 1008,
    /// A message is too long.
    TooLong = 1009,
    /// There is no place now.
    ComeAgain = 1013,
}

/// Writes `text` as one frame behind what `to` holds.
pub(super) fn append_text(text: &str, to: &mut Vec<u8>) {
    to.reserve(10 + text.len());
    to.push(TEXT);
    match text.len() {
        length @ 0..=125 => to.push(length as u8),
        length @ 126..=0xffff => {
            to.push(126);
            to.extend((length as u16).to_be_bytes());
        }
        length => {
            to.push(127);
            to.extend((length as u64).to_be_bytes());
        }
    }
    to.extend_from_slice(text.as_bytes());
}

/// `text` as one frame.
pub(super) fn text(text: &str) -> Bytes {
    let mut frame = Vec::new();
    append_text(text, &mut frame);
    frame.into()
}

/// Asks whether the client is there.
pub(super) fn ping() -> Bytes {
    Bytes::from_static(&[PING, 0])
}

/// The last frame, with a short reason in words.
pub(super) fn close(code: CloseCode, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(LONGEST_CONTROL - 2)];
    let mut frame = vec![CLOSE, reason.len() as u8 + 2];
    frame.extend((code as u16).to_be_bytes());
    frame.extend_from_slice(reason.as_bytes());
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketContext};

    /// What a client reads.
    fn read(frames: &[u8], count: usize) -> Vec<Message> {
        let mut protocol = WebSocketContext::new(Role::Client, None);
        let mut wire = Cursor::new(frames.to_vec());
        (0..count)
            .map(|_| protocol.read(&mut wire).expect("a message"))
            .collect()
    }

    #[test]
    fn clients_read_texts_of_every_length() {
        let texts = [0, 1, 125, 126, 127, 0xffff, 0x1_0000, 100_000].map(|n| "x".repeat(n));
        let mut frames = Vec::new();
        for text in &texts {
            append_text(text, &mut frames);
        }
        assert_eq!(read(&frames, texts.len()), texts.map(Message::text));
    }

    #[test]
    fn clients_are_asked_and_dismissed() {
        assert_eq!(read(&ping(), 1), [Message::Ping(Bytes::new())]);
        let reason = "ä".repeat(100);
        let read = read(&close(CloseCode::Policy, &reason), 1);
        let [Message::Close(Some(close))] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!((u16::from(close.code), close.reason.len()), (1008, 122));
    }
}
