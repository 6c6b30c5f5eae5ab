//! What was typed, as the keys that it stands for.

/// One key, or one paste.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Text(String),
    Paste(String),
    Enter,
    Escape,
    Up,
    Down,
    Backspace,
    /// Ctrl-U.
    Clear,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    End,
}

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Reads keys off bytes, which may arrive in pieces.
#[derive(Default)]
pub(crate) struct Keys {
    unread: Vec<u8>,
}

impl Keys {
    /// The keys in what arrived at once. An Enter right behind a paste, in the same
    /// piece, is taken for a part of it, as agents' programs do.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.unread.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while let Some((key, length)) = first(&self.unread) {
            self.unread.drain(..length);
            let follows_a_paste = matches!(keys.last(), Some(Key::Paste(_)));
            match key {
                Some(Key::Enter) if follows_a_paste => {}
                Some(key) => keys.push(key),
                None => {}
            }
        }
        keys
    }
}

/// The first key and how many bytes it has; none where more has to come. Keys that
/// mean nothing here are `None`.
fn first(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    if bytes.starts_with(PASTE_BEGINS) {
        let end = bytes
            .windows(PASTE_ENDS.len())
            .position(|window| window == PASTE_ENDS)?;
        let text = String::from_utf8_lossy(&bytes[PASTE_BEGINS.len()..end]).replace('\r', "\n");
        return Some((Some(Key::Paste(text)), end + PASTE_ENDS.len()));
    }
    let key = match *bytes.first()? {
        b'\r' | b'\n' => Key::Enter,
        0x7f | 0x08 => Key::Backspace,
        0x15 => Key::Clear,
        0x03 => Key::Interrupt,
        0x04 => Key::End,
        0x1b if bytes.starts_with(b"\x1b[A") => return Some((Some(Key::Up), 3)),
        0x1b if bytes.starts_with(b"\x1b[B") => return Some((Some(Key::Down), 3)),
        // A paste that has only begun to arrive.
        0x1b if bytes.len() > 1 && PASTE_BEGINS.starts_with(bytes) => return None,
        0x1b if bytes.get(1) == Some(&b'[') => {
            let end = bytes[2..]
                .iter()
                .position(|byte| (0x40..=0x7e).contains(byte))?;
            return Some((None, end + 3));
        }
        0x1b => Key::Escape,
        control if control < 0x20 => return Some((None, 1)),
        _ => {
            let end = bytes.iter().position(u8::is_ascii_control);
            let end = end.unwrap_or(bytes.len());
            let text = match str::from_utf8(&bytes[..end]) {
                Ok(text) => text,
                Err(error) if error.valid_up_to() > 0 => {
                    str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
                }
                Err(error) if error.error_len().is_none() => return None,
                Err(_) => return Some((None, 1)),
            };
            return Some((Some(Key::Text(text.to_owned())), text.len()));
        }
    };
    Some((Some(key), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_is_one_key_however_it_arrives() {
        let typed = "a\x1b[200~ü\nb\x1b[201~".as_bytes();
        // Cut behind its first byte, it is an Escape key: no terminal can tell.
        for cut in (0..typed.len()).filter(|cut| *cut != 2) {
            let mut keys = Keys::default();
            let mut read = keys.read(&typed[..cut]);
            read.extend(keys.read(&typed[cut..]));
            assert_eq!(
                read,
                [Key::Text("a".into()), Key::Paste("ü\nb".into())],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_enter_that_comes_with_a_paste_does_not_submit() {
        let mut keys = Keys::default();
        let pasted = keys.read(b"\x1b[200~a\x1b[201~\r");
        assert_eq!(pasted, [Key::Paste("a".into())]);
        assert_eq!(keys.read(b"\r"), [Key::Enter]);
    }
}
