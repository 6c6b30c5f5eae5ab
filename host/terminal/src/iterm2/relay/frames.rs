//! What a relay and a host say to each other: frames on a Unix socket.
//!
//! A frame is its kind, one byte; its length, four bytes, the highest first; and
//! its content. What is rare is JSON, what is frequent is bytes as they are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::request::Size;

/// An environment is the longest of what is said.
const LONGEST: usize = 16 * 1024 * 1024;

/// What a host says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToRelay {
    /// Start this, once.
    Start(Box<Start>),
    /// Type this. The answer is [`FromRelay::Typed`].
    Type(Vec<u8>),
    /// What the program has not read yet of what was to be typed is dropped. The answer
    /// is [`FromRelay::Typed`] with 0.
    Forget,
}

/// What a relay says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromRelay {
    /// The first thing on each connection.
    Hello(Box<Hello>),
    /// The program was not started: the system's number of what is wrong.
    NotStarted(i32),
    /// The program has written this. Right after a [`FromRelay::Hello`] that says so, it is what it
    /// wrote recently.
    Output(Vec<u8>),
    /// So many bytes of what was to be typed are typed.
    Typed(u32),
    /// A person typed this in the pane, or the terminal answered a program.
    TypedThere(Vec<u8>),
    /// The pane has this size now.
    Resized(u16, u16),
    /// The program has ended: its status as the system codes it.
    Ended(i32),
}

/// What to start in the pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// All of it.
    pub(crate) env: BTreeMap<String, OsString>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// For the next host, if the shell writes marks.
    pub(crate) marks: Option<Marks>,
}

/// What it takes to understand a shell's marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// The shell, by name.
    pub(crate) shell: String,
    /// The key of its marks.
    pub(crate) key: String,
}

/// What a relay says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The iTerm2 session that it runs in.
    pub(crate) pane: String,
    /// What was started, if anything was.
    pub(crate) running: Option<Running>,
    /// What it wrote recently comes next.
    pub(crate) recent_follows: bool,
}

/// A program that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    /// The relay's own process id.
    pub(crate) relay: u32,
    /// The program's own terminal device.
    pub(crate) tty: PathBuf,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) marks: Option<Marks>,
}

impl Running {
    pub(crate) fn size(&self) -> Option<Size> {
        Size::new(self.columns, self.rows).ok()
    }
}

/// Something that is said in frames.
pub(crate) trait Frame: Sized {
    /// Kind and content.
    fn encode(self) -> (u8, Vec<u8>);
    /// The opposite; `None` for what nobody says.
    fn decode(kind: u8, content: Vec<u8>) -> Option<Self>;
}

impl Frame for ToRelay {
    fn encode(self) -> (u8, Vec<u8>) {
        match self {
            Self::Start(start) => (b'S', json(&start)),
            Self::Type(bytes) => (b'T', bytes),
            Self::Forget => (b'F', Vec::new()),
        }
    }

    fn decode(kind: u8, content: Vec<u8>) -> Option<Self> {
        Some(match kind {
            b'S' => Self::Start(serde_json::from_slice(&content).ok()?),
            b'T' => Self::Type(content),
            b'F' if content.is_empty() => Self::Forget,
            _ => return None,
        })
    }
}

impl Frame for FromRelay {
    fn encode(self) -> (u8, Vec<u8>) {
        match self {
            Self::Hello(hello) => (b'H', json(&hello)),
            Self::NotStarted(number) => (b'N', number.to_be_bytes().into()),
            Self::Output(bytes) => (b'O', bytes),
            Self::Typed(count) => (b't', count.to_be_bytes().into()),
            Self::TypedThere(bytes) => (b'p', bytes),
            Self::Resized(columns, rows) => {
                let size = [columns.to_be_bytes(), rows.to_be_bytes()];
                (b'R', size.concat())
            }
            Self::Ended(status) => (b'E', status.to_be_bytes().into()),
        }
    }

    fn decode(kind: u8, content: Vec<u8>) -> Option<Self> {
        let number = |content: &[u8]| content.try_into().ok().map(i32::from_be_bytes);
        Some(match kind {
            b'H' => Self::Hello(serde_json::from_slice(&content).ok()?),
            b'N' => Self::NotStarted(number(&content)?),
            b'O' => Self::Output(content),
            b't' => Self::Typed(u32::from_be_bytes(content.try_into().ok()?)),
            b'p' => Self::TypedThere(content),
            b'R' => match *content {
                [c1, c2, r1, r2] => {
                    Self::Resized(u16::from_be_bytes([c1, c2]), u16::from_be_bytes([r1, r2]))
                }
                _ => return None,
            },
            b'E' => Self::Ended(number(&content)?),
            _ => return None,
        })
    }
}

/// These are texts, numbers and lists, which JSON can always say.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Says something. Not to be dropped halfway.
pub(crate) async fn write_frame(
    stream: &mut (impl AsyncWrite + Unpin),
    frame: impl Frame,
) -> io::Result<()> {
    let (kind, content) = frame.encode();
    let length = u32::try_from(content.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut bytes = Vec::with_capacity(5 + content.len());
    bytes.push(kind);
    bytes.extend(length.to_be_bytes());
    bytes.extend(content);
    stream.write_all(&bytes).await
}

/// Hears something. Not to be dropped halfway.
pub(crate) async fn read_frame<F: Frame>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<F> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await? as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut content = Vec::new();
    // Memory grows with what comes, not with what is announced.
    let read = stream.take(length as u64).read_to_end(&mut content).await?;
    if read < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    F::decode(kind, content).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use proptest::prelude::*;

    use super::*;

    async fn there_and_back<F: Frame>(frame: F) -> F {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, frame).await.expect("written");
        let mut left = bytes.as_slice();
        let frame = read_frame(&mut left).await.expect("read");
        assert!(left.is_empty());
        frame
    }

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let start = ToRelay::Start(Box::new(Start {
            program: "/bin/sh".into(),
            args: vec![OsString::from_vec(b"not \xff text".to_vec())],
            env: [("A".to_owned(), OsString::from("b"))].into(),
            cwd: None,
            columns: 80,
            rows: 24,
            marks: Some(Marks {
                shell: "bash".to_owned(),
                key: "k".to_owned(),
            }),
        }));
        for frame in [start, ToRelay::Type(b"x\xff".to_vec()), ToRelay::Forget] {
            assert_eq!(there_and_back(frame.clone()).await, frame);
        }
        let hello = FromRelay::Hello(Box::new(Hello {
            pane: "ID".to_owned(),
            running: None,
            recent_follows: false,
        }));
        for frame in [
            hello,
            FromRelay::NotStarted(2),
            FromRelay::Output(vec![0; 70_000]),
            FromRelay::Typed(7),
            FromRelay::TypedThere(b"\r".to_vec()),
            FromRelay::Resized(120, 40),
            FromRelay::Ended(-9),
        ] {
            assert_eq!(there_and_back(frame.clone()).await, frame);
        }
    }

    proptest! {
        #[test]
        fn nonsense_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let _ = read_frame::<ToRelay>(&mut bytes.as_slice()).await;
                let _ = read_frame::<FromRelay>(&mut bytes.as_slice()).await;
            });
        }
    }
}
