//! tmux commands as lines of its own language, quoted so that nothing in an
//! argument is taken for syntax.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use super::protocol::PaneId;

/// Several commands on one line, which tmux runs without doing anything else in
/// between. Each gives one answer; the first that fails is the last.
#[derive(Debug, Default, Clone)]
pub(super) struct Line {
    text: String,
    commands: usize,
}

impl Line {
    /// One command without arguments, to begin with.
    pub(super) fn of(command: &str) -> Self {
        Self::default().then(command)
    }

    /// One more command.
    pub(super) fn then(mut self, command: &str) -> Self {
        if self.commands > 0 {
            self.text.push_str(" ; ");
        }
        self.commands += 1;
        self.text.push_str(command);
        self
    }

    /// One more argument of the last command: a flag, or anything else.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.text.push(' ');
        quote(argument.as_ref().as_bytes(), &mut self.text);
        self
    }

    /// As [`Line::arg`], several at once.
    pub(super) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// How many answers there will be, if nothing fails.
    pub(super) fn answers(&self) -> usize {
        self.commands
    }

    /// The line as it is sent.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.text.into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

/// Types bytes into a pane, exactly as they are. Somebody may be scrolling back
/// in it: keys would go to that, so it is ended first.
pub(super) fn type_bytes(pane: PaneId, bytes: &[u8]) -> Line {
    let mut line = Line::of("copy-mode")
        .args(["-q", "-t"])
        .arg(pane.to_string())
        .then("send-keys")
        .args(["-H", "-t"])
        .arg(pane.to_string());
    line.text.reserve(3 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(line.text, " {byte:02x}");
    }
    line
}

/// Quotes what tmux expands as a format, too: `#` begins one.
pub(super) fn without_formats(argument: &OsStr) -> std::ffi::OsString {
    let mut bytes = Vec::with_capacity(argument.len());
    for &byte in argument.as_bytes() {
        if byte == b'#' {
            bytes.push(b'#');
        }
        bytes.push(byte);
    }
    OsStr::from_bytes(&bytes).to_owned()
}

fn quote(argument: &[u8], line: &mut String) {
    line.push('"');
    for &byte in argument {
        if byte.is_ascii_alphanumeric() || b" #%+,-./:=@_{}()[]<>*&|!?".contains(&byte) {
            line.push(char::from(byte));
        } else {
            let _ = write!(line, "\\{byte:03o}");
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_an_argument_is_syntax() {
        let line = Line::of("set-option")
            .arg("a\"; kill-server\n$HOME ~ \\é")
            .then("list-windows");
        assert_eq!(line.answers(), 2);
        assert_eq!(
            String::from_utf8(line.into_bytes()).expect("text"),
            "set-option \"a\\042\\073 kill-server\\012\\044HOME \\176 \\134\\303\\251\" ; list-windows\n"
        );
    }

    #[test]
    fn bytes_are_typed_as_numbers() {
        let pane = PaneId::parse("%3").expect("an id");
        let line = type_bytes(pane, b"a\r\xff").into_bytes();
        assert!(line.ends_with(b"send-keys \"-H\" \"-t\" \"%3\" 61 0d ff\n"));
    }
}
