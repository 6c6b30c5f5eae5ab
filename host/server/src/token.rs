//! The token that HTTP clients show.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq;

/// A bearer token: 64 hexadecimal digits, or whatever its owner wrote into the
/// file.
#[derive(Clone)]
pub struct Token(String);

/// The token cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error("cannot {what} the token file {}: {source}", .path.display())]
    File {
        /// Read or write.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Other users can read the file.
    #[error("the token file {} is readable by others (mode {mode:o}); run `chmod 600` on it, or delete it to get a new token", .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds no usable token.
    #[error("the token file {} does not hold one line of at least 16 printable characters; delete it to get a new token", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// Reads the token, or makes one (mode 0600) where there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, TokenError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                refuse_if_open(path)?;
                Self::parse(&text).ok_or_else(|| TokenError::Unusable {
                    path: path.to_owned(),
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    fn create(path: &Path) -> Result<Self, TokenError> {
        let digits: String = (0..32)
            .map(|_| format!("{:02x}", rand::random::<u8>()))
            .collect();
        // Written beside and put in place whole (temporary files have mode
        // 0600), so that nobody ever reads an empty token.
        let write = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            writeln!(file, "{digits}")?;
            file.persist_noclobber(path)?;
            Ok(())
        };
        match write() {
            Ok(()) => Ok(Self(digits)),
            // Another host of the same user made it at the same moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::load_or_create(path)
            }
            Err(source) => Err(failed("write", path, source)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let token = text.trim();
        (token.len() >= 16 && token.chars().all(|c| c.is_ascii_graphic()))
            .then(|| Self(token.to_owned()))
    }

    /// The token itself, for the banner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on how much matches.
    pub fn matches(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

fn refuse_if_open(path: &Path) -> Result<(), TokenError> {
    let mode = fs::metadata(path)
        .map_err(|source| failed("read", path, source))?
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        return Err(TokenError::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> TokenError {
    TokenError::File {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("token");
        let made = Token::load_or_create(&path).expect("make");
        let read = Token::load_or_create(&path).expect("read");
        assert!(read.matches(made.reveal()));
        assert!(!read.matches("something else"));
        assert_eq!(fs::metadata(&path).expect("metadata").mode() & 0o777, 0o600);
    }

    #[test]
    fn a_token_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("token");
        Token::load_or_create(&path).expect("make");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("open it");
        assert!(matches!(
            Token::load_or_create(&path),
            Err(TokenError::TooOpen { .. })
        ));
    }
}
