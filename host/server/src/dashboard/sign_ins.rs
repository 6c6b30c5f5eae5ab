//! The browsers that are signed in: each keeps a cookie that scripts cannot read, its pages
//! a second secret that a request which changes something has to bring along.
//!
//! They outlast a host. What is kept of a cookie is its digest together with the token's, so
//! that who reads the file is not signed in, and who gets a new token signs everybody out.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use crate::token::Token;

/// How long a browser stays signed in.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// Browsers signed in at once; the oldest has to sign in again.
const MOST: usize = 64;
/// What the cookie's name begins with. The port follows: browsers do not tell the
/// cookies of two ports of one machine apart.
pub(super) const COOKIE: &str = "quarterdeck-";
/// The header that brings the page's secret.
const CSRF_HEADER: &str = "x-csrf-token";

/// The browsers that are signed in to one door.
pub(crate) struct SignIns {
    token: Token,
    known: Mutex<HashMap<CookieDigest, Known>>,
    /// Where they are kept for the next host; `None` where nothing is.
    file: Option<PathBuf>,
}

/// What is known of a cookie instead of the cookie: hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct CookieDigest(String);

struct Known {
    until: SystemTime,
    /// Cancelled when the browser signs out, or has to make room for another.
    ended: CancellationToken,
}

/// One browser's sign-in, as a request shows it.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// What a request that changes something has to bring.
    pub(super) csrf: String,
    until: SystemTime,
    ended: CancellationToken,
}

impl SignIns {
    /// Those that an earlier host kept in `file` under this token, as far as they are good.
    pub(crate) fn new(token: Token, file: Option<PathBuf>) -> Self {
        let kept = file.as_deref().map_or_else(Vec::new, |file| {
            read(file).unwrap_or_else(|error| {
                tracing::warn!(
                    "the sign-ins in {} are not taken over: {error}",
                    file.display()
                );
                Vec::new()
            })
        });
        let known = kept.into_iter().map(Kept::known).collect();
        Self {
            token,
            known: Mutex::new(known),
            file,
        }
    }

    /// The sign-in whose cookie a request brings, if it is good.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<SignIn> {
        let live = self.live();
        cookies(headers).find_map(|cookie| {
            let known = live.get(&self.digest(cookie))?;
            Some(SignIn {
                csrf: csrf_of(cookie),
                until: known.until,
                ended: known.ended.clone(),
            })
        })
    }

    /// Signs a browser in; returns its cookie.
    pub(super) fn begin(&self) -> String {
        let mut live = self.live();
        if live.len() >= MOST {
            let oldest = live
                .iter()
                .min_by_key(|(_, known)| known.until)
                .map(|(digest, _)| digest.clone());
            let oldest = oldest.and_then(|digest| live.remove(&digest));
            oldest.inspect(|known| known.ended.cancel());
        }
        let cookie = secret();
        let known = Known {
            until: SystemTime::now() + LIFETIME,
            ended: CancellationToken::new(),
        };
        live.insert(self.digest(&cookie), known);
        self.keep(&live);
        cookie
    }

    pub(super) fn end(&self, headers: &HeaderMap) {
        let mut live = self.live();
        for cookie in cookies(headers) {
            if let Some(known) = live.remove(&self.digest(cookie)) {
                known.ended.cancel();
            }
        }
        self.keep(&live);
    }

    fn live(&self) -> MutexGuard<'_, HashMap<CookieDigest, Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        known.retain(|_, known| known.until > now);
        known
    }

    fn digest(&self, cookie: &str) -> CookieDigest {
        CookieDigest(digest_of(&["sign-in", self.token.reveal(), cookie]))
    }

    /// A host whose folder is full or not to be written to still signs people in.
    fn keep(&self, live: &HashMap<CookieDigest, Known>) {
        let Some(file) = &self.file else { return };
        let kept: Vec<Kept> = live
            .iter()
            .map(|(digest, known)| Kept::of(digest, known))
            .collect();
        if let Err(error) = write(file, &kept) {
            tracing::warn!(
                "who is signed in could not be kept in {}, and will not be after a restart: {error}",
                file.display()
            );
        }
    }
}

impl SignIn {
    /// Returns when it is good no more: what was opened with it ends then, too.
    pub(crate) async fn is_over(&self) {
        let left = self.until.duration_since(SystemTime::now());
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = tokio::time::sleep(left.unwrap_or_default()) => {}
        }
    }

    /// Whether this is the page's secret.
    pub(super) fn sent(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }

    /// Whether a request brings the page's secret in its headers.
    pub(super) fn sent_in(&self, headers: &HeaderMap) -> bool {
        let sent = headers
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok());
        sent.is_some_and(|csrf| self.sent(csrf))
    }
}

/// The values of our cookies in a request.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(name, _)| name.starts_with(COOKIE))
        .map(|(_, value)| value)
}

/// 256 random bits.
fn secret() -> String {
    format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    )
}

/// The page's secret is made of the cookie, which pages cannot read.
fn csrf_of(cookie: &str) -> String {
    digest_of(&["page", cookie])
}

fn digest_of(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sign-in as it lies in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    digest: CookieDigest,
    /// Seconds since 1970.
    until: u64,
}

impl Kept {
    fn of(digest: &CookieDigest, known: &Known) -> Self {
        let until = known.until.duration_since(UNIX_EPOCH);
        Self {
            digest: digest.clone(),
            until: until.unwrap_or_default().as_secs(),
        }
    }

    fn known(self) -> (CookieDigest, Known) {
        // Nobody stays longer than from now on, whatever the clock did meanwhile.
        let latest = SystemTime::now() + LIFETIME;
        let until = UNIX_EPOCH.checked_add(Duration::from_secs(self.until));
        let known = Known {
            until: until.map_or(UNIX_EPOCH, |until| until.min(latest)),
            ended: CancellationToken::new(),
        };
        (self.digest, known)
    }
}

fn read(file: &Path) -> io::Result<Vec<Kept>> {
    let text = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    if fs::metadata(file)?.mode() & 0o077 != 0 {
        return Err(io::Error::other("others can read or write the file"));
    }
    Ok(serde_json::from_slice(&text)?)
}

/// Puts the file in place whole; temporary files have mode 0600.
fn write(file: &Path, kept: &[Kept]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(&serde_json::to_vec(kept)?)?;
    beside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_cookie(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let line = format!("other=1; {COOKIE}3456={cookie}");
        headers.insert(header::COOKIE, line.parse().expect("a header"));
        headers
    }

    fn token(folder: &Path) -> Token {
        Token::load_or_create(&folder.join("token")).expect("a token")
    }

    fn forgetful() -> SignIns {
        let folder = tempfile::tempdir().expect("temporary folder");
        SignIns::new(token(folder.path()), None)
    }

    #[test]
    fn a_cookie_is_good_until_the_browser_signs_out() {
        let sign_ins = forgetful();
        let cookie = sign_ins.begin();
        let headers = with_cookie(&cookie);
        let sign_in = sign_ins.of(&headers).expect("signed in");
        assert!(sign_in.sent(&sign_in.csrf) && !sign_in.sent("") && !sign_in.sent(&cookie));
        assert!(sign_ins.of(&with_cookie("")).is_none());
        assert!(sign_ins.of(&HeaderMap::new()).is_none());
        sign_ins.end(&headers);
        assert!(sign_ins.of(&headers).is_none());
    }

    #[test]
    fn no_more_browsers_are_remembered_than_may_be() {
        let sign_ins = forgetful();
        let first = sign_ins.begin();
        for _ in 0..MOST {
            sign_ins.begin();
        }
        assert_eq!(sign_ins.live().len(), MOST);
        assert!(sign_ins.of(&with_cookie(&first)).is_none());
    }

    #[test]
    fn the_next_host_knows_who_is_signed_in_as_long_as_the_token_is_the_same() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("sign-ins.json");
        let host = || SignIns::new(token(folder.path()), Some(file.clone()));
        let former = host();
        let (cookie, leaves) = (former.begin(), former.begin());
        let stays = with_cookie(&cookie);
        former.end(&with_cookie(&leaves));
        let csrf = former.of(&stays).expect("signed in").csrf;

        let next = host();
        assert_eq!(next.of(&stays).expect("still signed in").csrf, csrf);
        assert!(next.of(&with_cookie(&leaves)).is_none());
        let kept = fs::read_to_string(&file).expect("the file");
        assert!(!kept.contains(&csrf) && !kept.contains(&cookie), "{kept}");
        assert_eq!(fs::metadata(&file).expect("metadata").mode() & 0o777, 0o600);

        fs::remove_file(folder.path().join("token")).expect("a new token is wanted");
        assert!(host().of(&stays).is_none());
    }

    #[test]
    fn neither_the_past_nor_a_foreign_file_signs_anybody_in() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("sign-ins.json");
        let host = || SignIns::new(token(folder.path()), Some(file.clone()));
        let stays = with_cookie(&host().begin());
        assert!(host().of(&stays).is_some());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("open it");
        assert!(host().of(&stays).is_none());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("close it");
        let mut kept = read(&file).expect("kept");
        kept[0].until = 1;
        write(&file, &kept).expect("write");
        assert!(host().of(&stays).is_none(), "long over");
        fs::write(&file, "no list").expect("write");
        assert!(host().of(&stays).is_none());
    }
}
