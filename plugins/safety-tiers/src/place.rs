//! What an argument points at: the home folder, a device, a secret, a build
//! folder of the project …

mod names;

use std::borrow::Cow;

use self::names::{
    BUILD, BUILD_BEGINNINGS, BUILD_ENDINGS, CERTIFICATE_NAMES, DEVICES, ENTRY, HOME_FOLDERS,
    KEY_NAMES, KEY_PATHS, KEY_WORDS, PROGRAM_FOLDERS, QUARTERDECK, SECRET_NAMES, SECRET_PATHS,
    SHALLOW_SYSTEM, STARTUP, STREAMS, SYSTEM, TEMPORARY,
};
use crate::text::{self, ANY_ONE, HOME, SOMETHING, STAR, UNKNOWN};

/// Where a command runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'a> {
    /// The working directory, as [`plain_folder`] gives it; empty when nobody
    /// knows it.
    pub(crate) cwd: &'a str,
    /// The folder of the project, likewise; empty when it is the working
    /// directory.
    pub(crate) project: &'a str,
}

impl Here<'_> {
    /// Nowhere that is known.
    pub(crate) const UNKNOWN: Here<'static> = Here {
        cwd: "",
        project: "",
    };
}

/// Kinds of places, as a set. Rules name them `@root`, `@home` and so on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Places(pub(crate) u32);

macro_rules! places {
    ($($(#[doc = $doc:literal])* $name:ident = $bit:literal, $word:literal;)*) => {
        impl Places {
            $($(#[doc = $doc])* pub(crate) const $name: Self = Self(1 << $bit);)*

            /// The places that a rule calls by this word.
            pub(crate) fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

places! {
    /// `/`, or all that is in it.
    ROOT = 0, "root";
    /// A home folder or one of the folders that hold a person's life.
    HOME = 1, "home";
    /// What the operating system is made of.
    SYSTEM = 2, "system";
    /// A disk, or memory.
    DEVICE = 3, "device";
    /// Private keys, tokens, password stores.
    SECRET = 4, "secret";
    /// `.env` files, and others that hold a project's secrets.
    ENVIRONMENT = 5, "environment";
    /// Files that decide what runs, or who may log in, later.
    STARTUP = 6, "startup";
    /// Keys that let somebody in, tables of scheduled work.
    ENTRY = 7, "entry";
    /// Quarterdeck's own configuration, token, sockets and audit log.
    QUARTERDECK = 8, "quarterdeck";
    /// The working directory or the project itself, all that is in it, or a
    /// parent.
    WHOLE = 9, "whole";
    /// The history of a repository.
    REPOSITORY = 10, "repository";
    /// Not below the project's folder, and not a temporary file.
    OUTSIDE = 11, "outside";
    /// Not known at all.
    UNKNOWN = 12, "unknown";
    /// A network address.
    URL = 13, "url";
    /// By its name a file with a key or a password in it.
    KEY = 14, "key";
    /// Not below the project's folder, temporary files included.
    ELSEWHERE = 15, "elsewhere";
    /// A file below a temporary folder.
    TEMPORARY = 16, "temporary";
    /// A folder of the project that a build makes again.
    BUILD = 17, "build";
    /// Below the project's folder.
    INSIDE = 18, "inside";
    /// `/dev/null` and the like.
    STREAM = 19, "stream";
    /// An address of this machine, and of no other.
    LOCAL = 20, "local";
}

/// The kinds that make a command milder: they count only when there is no
/// doubt. All the others count as soon as they are possible.
const MILD: u32 = 0xffff_0000;

impl Places {
    /// Everything that holds keys, tokens or passwords.
    pub(crate) const SECRETS: Self = Self(Self::SECRET.0 | Self::ENVIRONMENT.0 | Self::KEY.0);

    /// Whether the two sets share a kind.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What `argument` may point at from `here`.
    pub(crate) fn of(argument: &str, here: Here<'_>) -> Self {
        if !argument.contains(UNKNOWN) {
            return Self::of_path(argument, here);
        }
        // The unknown part may be empty: `rm -rf "$X/"`.
        let something = argument.replace(UNKNOWN, "\u{2}");
        let nothing = argument.replace(UNKNOWN, "");
        let (something, nothing) = (
            Self::of_path(&something, here),
            Self::of_path(&nothing, here),
        );
        let mut places =
            Self(((something.0 | nothing.0) & !MILD) | (something.0 & nothing.0 & MILD));
        if argument.starts_with(UNKNOWN) {
            places.0 |= Self::UNKNOWN.0;
        }
        places
    }

    fn of_path(argument: &str, here: Here<'_>) -> Self {
        let mut places = Self::default();
        // The longest path that a system takes has 4096 bytes.
        if argument.is_empty() || argument.len() > 8192 {
            return places;
        }
        if is_url(argument) {
            places.0 |= Self::URL.0;
            if is_of_this_machine(argument) {
                places.0 |= Self::LOCAL.0;
            }
            return places;
        }
        let path = Path::new(argument, here.cwd);
        let root = if here.project.is_empty() {
            here.cwd
        } else {
            here.project
        };
        let mut add = |place: Self, holds: bool| places.0 |= if holds { place.0 } else { 0 };
        let whole = path.text.as_str();
        let name = whole.rsplit('/').next().unwrap_or(whole);

        let stream = STREAMS.contains(&whole)
            || whole.starts_with("/dev/fd/")
            || whole.starts_with("/dev/pts/");
        add(Self::STREAM, stream);
        add(Self::DEVICE, !stream && is_device(whole));
        add(
            Self::UNKNOWN,
            whole.starts_with([SOMETHING, STAR]) && !path.relative,
        );
        add(Self::ROOT, whole == "/");
        add(Self::HOME, is_home(&path));
        let temporary = TEMPORARY.iter().any(|folder| below(whole, folder));
        let temporary_itself = TEMPORARY.iter().any(|folder| covers(&path, folder));
        add(Self::TEMPORARY, temporary && !path.contents);
        add(
            Self::SYSTEM,
            !stream && !temporary && !temporary_itself && is_system(whole),
        );
        let listed = may_be_listed(whole);
        let secret = is_secret(whole, name, listed);
        add(Self::SECRET, secret);
        let keeps_passwords =
            || listed && KEY_PATHS.iter().any(|known| text::matches(known, whole));
        add(Self::KEY, !secret && (is_key(name) || keeps_passwords()));
        // `.*`: all that is hidden in a folder, and `.env` among it.
        let hidden = path.contents && is_environment(argument.rsplit('/').next().unwrap_or(name));
        add(Self::ENVIRONMENT, hidden || is_environment(name));
        add(
            Self::STARTUP,
            (listed || whole.contains(".git/"))
                && STARTUP.iter().any(|pattern| text::matches(pattern, whole)),
        );
        add(
            Self::ENTRY,
            listed && ENTRY.iter().any(|pattern| text::matches(pattern, whole)),
        );
        add(Self::QUARTERDECK, listed && is_quarterdeck(whole));
        add(
            Self::WHOLE,
            covers(&path, here.cwd)
                || covers(&path, root)
                || whole.starts_with("..")
                    && path.relative
                    && !whole.contains(|c| c != '.' && c != '/'),
        );
        add(
            Self::REPOSITORY,
            name == ".git" || below_component(whole, ".git"),
        );
        let inside = if path.relative {
            !whole.starts_with("..")
        } else {
            below(whole, root)
        };
        add(Self::INSIDE, inside);
        add(
            Self::OUTSIDE,
            !inside && !temporary && !stream && whole != root && whole != here.cwd,
        );
        add(
            Self::ELSEWHERE,
            !inside && !stream && whole != root && whole != here.cwd,
        );
        add(Self::LOCAL, is_of_this_machine(argument));
        add(
            Self::BUILD,
            inside
                && whole != root
                && has_build_component(whole, if path.relative { "" } else { root }),
        );
        places
    }
}

/// A path without `.`, `..`, doubled slashes and trailing globs.
struct Path {
    /// Absolute, below [`HOME`], or relative when the working directory is not
    /// known.
    text: String,
    relative: bool,
    /// All that is in the folder, rather than the folder itself.
    contents: bool,
}

impl Path {
    fn new(argument: &str, cwd: &str) -> Self {
        // `--file=path`, `@path` and `host:path` are looked at as paths too.
        let absolute = argument.starts_with(['/', HOME]);
        let unknown_start = argument.starts_with(SOMETHING);
        if is_plain(argument) && !cwd.ends_with('/') {
            let text = if absolute || cwd.is_empty() || unknown_start {
                argument.to_owned()
            } else {
                [cwd, "/", argument].concat()
            };
            let text = homely(text);
            return Self {
                relative: !text.starts_with(['/', HOME]) && !unknown_start,
                text,
                contents: false,
            };
        }
        let joined: Cow<'_, str> = if absolute || cwd.is_empty() || unknown_start {
            Cow::Borrowed(argument)
        } else {
            Cow::Owned(format!("{cwd}/{argument}"))
        };
        let absolute = joined.starts_with('/');
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => match parts.last() {
                    // What is above the home folder is above every project.
                    Some(last) if last.starts_with(HOME) => {
                        parts.pop();
                        parts.push("home");
                    }
                    Some(last) if *last != ".." => {
                        parts.pop();
                    }
                    None if absolute => {}
                    _ => parts.push(".."),
                },
                part => parts.push(part),
            }
        }
        let mut contents = false;
        while let Some(last) = parts.last()
            && is_everything(last)
        {
            parts.pop();
            contents = true;
        }
        let home_above =
            joined.starts_with(HOME) && !parts.first().is_some_and(|part| part.starts_with(HOME));
        let slash = if absolute || home_above { "/" } else { "" };
        let text = homely(format!("{slash}{}", parts.join("/")));
        let relative = !text.starts_with(['/', HOME]) && !unknown_start;
        Self {
            text,
            relative,
            contents,
        }
    }
}

/// Whether nothing has to be taken out of a path: most are so.
fn is_plain(path: &str) -> bool {
    let parts = path.strip_prefix('/').unwrap_or(path);
    !parts.contains(STAR) && !parts.split('/').any(|part| matches!(part, "" | "." | ".."))
}

/// A folder without `.`, `..` and doubled slashes, for [`Here`].
pub(crate) fn plain_folder(path: &str) -> String {
    Path::new(path, "").text
}

/// A path without `.`, `..` and doubled slashes, as told from the working directory.
/// All that is in a folder is the folder.
pub(crate) fn plain_path(path: &str, here: Here<'_>) -> String {
    Path::new(path, here.cwd).text
}

/// `*`, `.*`, `*.*`, `?*`: all there is in a folder.
fn is_everything(part: &str) -> bool {
    part.contains(STAR)
        && part
            .chars()
            .all(|character| matches!(character, STAR | ANY_ONE | '.'))
}

/// Writes any user's home folder as [`HOME`].
fn homely(text: String) -> String {
    let rest = if let Some(rest) = text.strip_prefix("/root") {
        rest
    } else if let Some(rest) = text
        .strip_prefix("/home/")
        .or_else(|| text.strip_prefix("/Users/"))
    {
        &rest[rest.find('/').unwrap_or(rest.len())..]
    } else {
        return text;
    };
    if rest.is_empty() || rest.starts_with('/') {
        format!("{HOME}{rest}")
    } else {
        text
    }
}

/// Whether `path` is the folder, all of its contents, or a folder above it.
fn covers(path: &Path, folder: &str) -> bool {
    if path.relative && folder.is_empty() {
        return path.text.is_empty();
    }
    !folder.is_empty() && (path.text == folder || below(folder, &path.text))
}

fn below(path: &str, folder: &str) -> bool {
    if folder == "/" {
        return path.len() > 1 && path.starts_with('/');
    }
    !folder.is_empty()
        && path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
}

fn below_component(path: &str, component: &str) -> bool {
    path.split('/').any(|part| part == component)
}

fn has_build_component(path: &str, root: &str) -> bool {
    let within = path.strip_prefix(root).unwrap_or(path);
    within.split('/').any(is_build)
}

fn is_build(part: &str) -> bool {
    BUILD.contains(&part)
        || BUILD_BEGINNINGS.iter().any(|begin| part.starts_with(begin))
        || part.contains(['.', '~'])
            && BUILD_ENDINGS
                .iter()
                .any(|end| part.len() > 1 && part.ends_with(end))
}

fn is_url(argument: &str) -> bool {
    [
        "http://", "https://", "ftp://", "ssh://", "git://", "s3://", "gs://",
    ]
    .iter()
    .any(|scheme| argument.starts_with(scheme))
}

/// Whether an address, with or without its scheme, is one that only this machine
/// answers. What stands before an `@` is a user, and what only begins like such an
/// address is another.
fn is_of_this_machine(address: &str) -> bool {
    if address.contains('\\') {
        return false;
    }
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (_, place) = rest[..end].rsplit_once('@').unwrap_or(("", &rest[..end]));
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or((rest, "")),
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let is_port = |port: &str| {
        port.chars()
            .all(|it| it.is_ascii_digit() || matches!(it, UNKNOWN | SOMETHING))
    };
    let unnamed = host.is_empty() && port.len() > 1;
    (unnamed || is_loopback(host)) && is_port(port.trim_start_matches(':'))
}

fn is_loopback(host: &str) -> bool {
    let octets = || {
        host.split('.')
            .filter(|it| it.parse::<u8>().is_ok())
            .count()
    };
    matches!(
        host,
        "localhost" | "0.0.0.0" | "::1" | "host.docker.internal"
    ) || host.ends_with(".localhost")
        || host.starts_with("127.") && host.split('.').count() == 4 && octets() == 4
        || host.chars().eq([SOMETHING])
}

fn is_home(path: &Path) -> bool {
    let text = path.text.as_str();
    match text.strip_prefix(HOME) {
        Some("") => true,
        Some(rest) => HOME_FOLDERS.contains(&rest.trim_start_matches('/')),
        None => matches!(text, "/home" | "/Users"),
    }
}

fn is_system(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let mut parts = rest.split('/');
    let first = parts.next().unwrap_or_default();
    if text::is_glob(first) {
        return SYSTEM.iter().any(|folder| text::glob_covers(first, folder));
    }
    SYSTEM.contains(&first) || SHALLOW_SYSTEM.contains(&first) && parts.nth(1).is_none()
}

fn is_device(path: &str) -> bool {
    path.strip_prefix("/dev/").is_some_and(|name| {
        DEVICES.iter().any(|device| name.starts_with(device))
            || name.starts_with([STAR, SOMETHING, ANY_ONE])
    })
}

fn is_secret(path: &str, name: &str, listed: bool) -> bool {
    let public = name.ends_with(".pub")
        || matches!(
            name,
            "known_hosts" | "known_hosts.old" | "config" | "authorized_keys"
        ) && path.contains("/.ssh/");
    !public
        && (text::is_glob(path) && SECRET_PATHS.iter().any(|secret| may_become(path, secret))
            || names_a_hidden_secret(name)
            || SECRET_NAMES
                .iter()
                .any(|pattern| text::matches(pattern, name))
            || names_a_key(name)
            || listed
                && SECRET_PATHS
                    .iter()
                    // The folder itself holds them, too.
                    .any(|pattern| {
                        text::matches(pattern, path) || pattern.strip_suffix("/*") == Some(path)
                    }))
}

/// Whether a hidden name with globs in it, such as `.net*`, is that of a file with passwords.
fn names_a_hidden_secret(name: &str) -> bool {
    name.starts_with('.')
        && text::is_glob(name)
        && name.bytes().filter(u8::is_ascii_alphanumeric).count() > 1
        && [".netrc", ".pgpass", ".git-credentials"]
            .iter()
            .any(|secret| text::glob_covers(name, secret))
}

/// Whether a name with globs in it, such as `id_*`, is that of private keys.
fn names_a_key(name: &str) -> bool {
    text::is_glob(name)
        && name.bytes().filter(u8::is_ascii_alphanumeric).count() > 1
        && ["id_rsa", "id_ed25519", "id_ecdsa"]
            .iter()
            .any(|key| text::glob_covers(name, key))
}

/// Whether a path may be one of those that the lists name, which are below the
/// root, or below a home folder where only hidden files and `Library` are: most
/// paths are a project's, and need not be held against them.
fn may_be_listed(path: &str) -> bool {
    match path.strip_prefix(HOME) {
        Some(rest) => {
            rest.len() < 2
                || rest.starts_with("/.")
                || rest.starts_with("/L")
                || text::is_glob(path)
        }
        None => path.starts_with('/') || !text::is_known(path),
    }
}

/// Whether the globs in `path` may stand for a file like `secret`, folder by folder.
fn may_become(path: &str, secret: &str) -> bool {
    let mut names = path.split('/');
    let mut wanted = secret.split('/');
    loop {
        match (names.next(), wanted.next()) {
            (None, None) => return true,
            (Some(glob), Some(known)) => {
                // What begins with a dot is not found by `*`.
                let hidden = known.starts_with('.') && !glob.starts_with('.');
                let known = known.trim_end_matches('*');
                let covered = if known.is_empty() {
                    glob != STAR.to_string()
                } else {
                    text::glob_covers(glob, known) || known.starts_with(glob.trim_end_matches(STAR))
                };
                if hidden || !covered || glob.starts_with(STAR) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Whether a program at this path is one that everybody on the machine uses.
pub(crate) fn is_program_folder(path: &str) -> bool {
    let path = Path::new(path, "").text;
    path.rsplit_once('/').is_some_and(|(folder, _)| {
        PROGRAM_FOLDERS
            .iter()
            .any(|known| text::matches(known, folder))
    })
}

fn is_key(name: &str) -> bool {
    let is = |patterns: &[&str]| {
        patterns
            .iter()
            .any(|pattern| text::matches_any_case(pattern, name))
    };
    (is(KEY_WORDS) || name.contains(['.', '-', '_']) && is(KEY_NAMES))
        && !is(CERTIFICATE_NAMES)
        && ![
            ".example",
            ".sample",
            ".template",
            ".pub",
            ".rs",
            ".py",
            ".ts",
            ".js",
            ".go",
            ".md",
        ]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn is_environment(name: &str) -> bool {
    let may_be = (name.starts_with('.') || name.ends_with(".env"))
        && name.contains([STAR, ANY_ONE])
        && text::glob_covers(name, ".env");
    (name == ".env" || name == ".envrc" || name.starts_with(".env.") || may_be)
        && ![
            ".env.example",
            ".env.sample",
            ".env.template",
            ".env.dist",
            ".env.test",
            ".env.defaults",
        ]
        .contains(&name)
}

fn is_quarterdeck(path: &str) -> bool {
    QUARTERDECK
        .iter()
        .any(|pattern| text::matches(pattern, path))
}
