//! Where things are: the XDG base directories.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// The folders and files of one user's Quarterdeck.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// config.toml, rules.toml and plugins/.
    pub config_dir: PathBuf,
    /// The token and the audit log.
    pub state_dir: PathBuf,
    /// Compiled policies; may be deleted at any time.
    pub cache_dir: PathBuf,
    /// Sockets.
    pub runtime_dir: PathBuf,
}

/// A socket's path has 103 bytes at most on macOS, 107 on Linux, and the names of the
/// sockets of sessions on iTerm2 are the longest below the folder, with 32.
const LONGEST_RUNTIME_DIR: usize = 70;

/// In the folder of state: where sockets are, or a link to there. Agents start their
/// servers without XDG_RUNTIME_DIR, as do `su` and cron, and have to find them as well.
const RUN: &str = "run";

/// Where the folder for sockets is if the path of the one that would have it is too long.
const STAND_INS: &str = "/tmp";

impl Paths {
    /// The folders of this process's environment.
    pub(crate) fn of_this_process() -> Result<Self> {
        // Without $HOME, as under some service managers, it is what the system has down
        // for the user.
        Self::from_environment(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// The folders as the environment says, none of them made yet. `usual_home` is the
    /// user's where $HOME names none.
    fn from_environment(
        environment: impl Fn(&str) -> Option<OsString>,
        usual_home: Option<PathBuf>,
    ) -> Result<Self> {
        // Relative paths are to be ignored (XDG Base Directory, "Basics"): they would be
        // another folder wherever the program is started.
        let absolute = |variable: &str| {
            environment(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = absolute("HOME").or(usual_home.filter(|home| home.is_absolute()));
        let base = |variable: &str, below_home: &str| -> Result<PathBuf> {
            match (absolute(variable), &home) {
                (Some(path), _) => Ok(path),
                (None, Some(home)) => Ok(home.join(below_home)),
                (None, None) => bail!("neither ${variable} nor $HOME is set to a path from / on"),
            }
        };
        let state_dir = base("XDG_STATE_HOME", ".local/state")?.join("quarterdeck");
        let runtime_dir = in_use(&state_dir.join(RUN)).unwrap_or_else(|| {
            absolute("XDG_RUNTIME_DIR")
                .filter(|path| path.is_dir())
                .map_or_else(|| state_dir.join(RUN), |path| path.join("quarterdeck"))
        });
        let runtime_dir = match runtime_dir.as_os_str().len() > LONGEST_RUNTIME_DIR {
            true => short_stand_in(&runtime_dir)?,
            false => runtime_dir,
        };
        Ok(Self {
            config_dir: base("XDG_CONFIG_HOME", ".config")?.join("quarterdeck"),
            cache_dir: base("XDG_CACHE_HOME", ".cache")?.join("quarterdeck"),
            state_dir,
            runtime_dir,
        })
    }

    /// The configuration file.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.config_dir.join("config.toml")
    }

    /// The policies' folder where the configuration names none.
    pub(crate) fn plugins_dir(&self) -> PathBuf {
        self.config_dir.join("plugins")
    }

    /// A person's own rules for reading agents' screens.
    pub(crate) fn agent_rules_dir(&self) -> PathBuf {
        self.config_dir.join("agents")
    }

    /// A person's standing yeses.
    pub(crate) fn allow_rules_file(&self) -> PathBuf {
        self.config_dir.join("rules.toml")
    }

    /// The audit log.
    pub(crate) fn audit_file(&self) -> PathBuf {
        self.state_dir.join("audit.sqlite")
    }

    /// What outlives a host: sessions, tasks, agents.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.state_dir.join("store.sqlite")
    }

    /// What a machine that does tasks for others has done, by its name.
    pub(crate) fn machine_store_file(&self, name: &str) -> PathBuf {
        self.state_dir
            .join("workers")
            .join(format!("{name}.sqlite"))
    }

    /// What sessions used, and incidents.
    pub(crate) fn metrics_file(&self) -> PathBuf {
        self.state_dir.join("metrics.sqlite")
    }

    /// Logs of the host that serves.
    pub(crate) fn logs_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }

    /// What monitored sessions print.
    pub(crate) fn output_logs(&self) -> PathBuf {
        self.state_dir.join("output")
    }

    /// Where iTerm2 reads dynamic profiles; without an iTerm2, a folder to copy from.
    pub(crate) fn iterm2_profiles(&self) -> PathBuf {
        let support = std::env::home_dir().map(|it| it.join("Library/Application Support/iTerm2"));
        let there = support.filter(|folder| cfg!(target_os = "macos") || folder.is_dir());
        there
            .unwrap_or_else(|| self.state_dir.clone())
            .join("DynamicProfiles")
    }

    /// Policies as they were compiled.
    pub(crate) fn policy_cache(&self) -> PathBuf {
        self.cache_dir.join("policies")
    }

    /// The token for HTTP.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.state_dir.join("token")
    }

    /// The browsers that are signed in at the dashboard.
    pub(crate) fn sign_ins_file(&self) -> PathBuf {
        self.state_dir.join("sign-ins.json")
    }

    /// The socket of the host that `quarterdeck serve` runs.
    pub(crate) fn shared_socket(&self) -> PathBuf {
        self.runtime_dir.join("host.sock")
    }

    /// The socket of gRPC, beside that of the host.
    pub(crate) fn grpc_socket(&self) -> PathBuf {
        self.runtime_dir.join("grpc.sock")
    }

    /// The socket of a host that lives inside another command, for approvals.
    pub(crate) fn private_socket(&self) -> PathBuf {
        self.runtime_dir
            .join(format!("host-{}.sock", std::process::id()))
    }

    /// The sockets of sessions on iTerm2, which outlive a host.
    pub(crate) fn relays_dir(&self) -> PathBuf {
        self.runtime_dir.join("iterm2")
    }

    /// Sockets that hosts of this user listen on, the shared one first.
    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.runtime_dir) else {
            return Vec::new();
        };
        let mut sockets: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "sock")
                    && path
                        .file_name()
                        .is_some_and(|name| name.to_string_lossy().starts_with("host"))
            })
            .collect();
        sockets.sort_by_key(|path| path.file_name() != Some("host.sock".as_ref()));
        sockets
    }

    /// Removes the folder for sockets where it is one in /tmp and nobody has a socket
    /// there any more.
    pub(crate) fn leave(&self) {
        if self.runtime_dir.parent() == Some(Path::new(STAND_INS)) {
            // One that is not empty stays.
            let _ = fs::remove_dir(&self.runtime_dir);
        }
    }

    /// Leads to the folder for sockets from the one of state, where it is elsewhere.
    fn lead_to_sockets(&self) -> io::Result<()> {
        let run = self.state_dir.join(RUN);
        if in_use(&run).is_some() {
            return Ok(());
        }
        let led = fs::read_link(&run).ok();
        let elsewhere = self.runtime_dir != run;
        let cleared = match (&led, elsewhere) {
            (Some(led), true) if *led == self.runtime_dir => return Ok(()),
            (Some(_), true) => fs::remove_file(&run),
            // A link to a folder that went away with a login is in the way of one here.
            (Some(led), false) if !led.exists() => fs::remove_file(&run),
            (None, true) if run.exists() => fs::remove_dir(&run),
            _ => Ok(()),
        };
        let done = cleared.and_then(|()| match elsewhere {
            true => symlink(&self.runtime_dir, &run),
            false => Ok(()),
        });
        use io::ErrorKind::{AlreadyExists, NotFound};
        match done {
            // Another host that starts did it first.
            Err(error) if matches!(error.kind(), AlreadyExists | NotFound) => Ok(()),
            done => done,
        }
    }

    /// Makes the folder of logs (mode 0700).
    pub(crate) fn make_logs_dir(&self) -> Result<()> {
        let folder = self.logs_dir();
        make_private(&folder).with_context(|| format!("making the folder {}", folder.display()))
    }

    /// Makes the folders that a host writes to (mode 0700), and refuses one that
    /// belongs to somebody else. It does without a cache that cannot be written to.
    pub(crate) fn make(&self) -> Result<()> {
        let made = |folder: &Path| {
            make_private(folder).with_context(|| format!("making the folder {}", folder.display()))
        };
        made(&self.state_dir)?;
        self.lead_to_sockets()
            .with_context(|| format!("linking to {}", self.runtime_dir.display()))?;
        made(&self.runtime_dir)?;
        match made(&self.cache_dir) {
            Err(error) if others_can_write(&self.cache_dir) => Err(error),
            Err(error) => {
                tracing::debug!("compiled policies are not kept: {error:#}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// The folder that `run` is, or leads to, if there is something in it.
fn in_use(run: &Path) -> Option<PathBuf> {
    let folder = fs::read_link(run).unwrap_or_else(|_| run.to_owned());
    fs::read_dir(&folder).ok()?.next().map(|_| folder)
}

/// The program of this name in the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The folder for sockets where the path of the one that would have it is too long:
/// the same for every command of the same user in the same environment.
fn short_stand_in(folder: &Path) -> Result<PathBuf> {
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let digest: String = digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let user = rustix::process::geteuid().as_raw();
    let short = Path::new(STAND_INS).join(format!("quarterdeck-{user}-{digest}"));
    // Anybody can make folders there. What is not ours is not to be talked to.
    match fs::symlink_metadata(&short) {
        Ok(found) if found.uid() != user || !found.is_dir() => bail!(
            "{} is too long for sockets, and {} in its place is not yours: set XDG_RUNTIME_DIR \
             to a folder with a shorter path",
            folder.display(),
            short.display(),
        ),
        _ => Ok(short),
    }
}

/// Whether somebody else could put code there that a host would run.
fn others_can_write(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|found| {
        found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0
    })
}

fn make_private(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        bail!("it belongs to another user (id {})", metadata.uid());
    }
    if metadata.mode() & 0o077 != 0 {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, private).map_err(|error: io::Error| {
            anyhow::anyhow!("others can look into it, and that cannot be changed: {error}")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Paths> {
        with_usual_home(variables, None)
    }

    fn with_usual_home(variables: &[(&str, &str)], home: Option<&str>) -> Result<Paths> {
        let environment = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        Paths::from_environment(environment, home.map(PathBuf::from))
    }

    #[test]
    fn xdg_variables_win_over_home_unless_relative() {
        let paths = with(&[
            ("HOME", "/h"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_CACHE_HOME", "x"),
        ])
        .expect("paths");
        assert_eq!(paths.config_dir, Path::new("/c/quarterdeck"));
        assert_eq!(paths.cache_dir, Path::new("/h/.cache/quarterdeck"));
        assert_eq!(
            paths.runtime_dir,
            Path::new("/h/.local/state/quarterdeck/run")
        );
    }

    #[test]
    fn sockets_are_found_without_the_variable_that_says_where_they_are() {
        let root = tempfile::tempdir().expect("a folder");
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let (home, login) = (text(&root.path().join("h")), root.path().join("login"));
        fs::create_dir(&login).expect("a folder");
        let login_text = text(&login);
        let at_a_desk =
            || with(&[("HOME", &home), ("XDG_RUNTIME_DIR", &login_text)]).expect("paths");
        let from_an_agent = || with(&[("HOME", &home)]).expect("paths");
        let host = |paths: &Paths| {
            paths.make().expect("folders");
            fs::write(paths.shared_socket(), "").expect("a socket");
        };

        host(&at_a_desk());
        assert_eq!(at_a_desk().runtime_dir, login.join("quarterdeck"));
        assert_eq!(
            from_an_agent().sockets(),
            [login.join("quarterdeck/host.sock")]
        );

        // The login is over, and its folder gone.
        fs::remove_dir_all(&login).expect("removed");
        host(&from_an_agent());
        fs::create_dir(&login).expect("a folder");
        assert_eq!(at_a_desk().sockets(), from_an_agent().sockets());
        assert_eq!(at_a_desk().sockets().len(), 1);

        // That host is over as well: the next one is where a login has its sockets.
        fs::remove_file(from_an_agent().shared_socket()).expect("removed");
        host(&at_a_desk());
        assert_eq!(at_a_desk().runtime_dir, login.join("quarterdeck"));
        assert_eq!(from_an_agent().sockets(), at_a_desk().sockets());
    }

    #[test]
    fn sockets_have_a_short_path_wherever_the_home_is() {
        let far = format!("/{}", "very-long/".repeat(12));
        let paths = with(&[("HOME", &far)]).expect("paths");
        assert!(paths.runtime_dir.starts_with("/tmp"), "{paths:?}");
        let again = with(&[("HOME", &far)]).expect("paths");
        assert_eq!(paths.runtime_dir, again.runtime_dir);
        let other = with(&[("HOME", &far), ("XDG_STATE_HOME", &format!("{far}/state"))]);
        assert_ne!(paths.runtime_dir, other.expect("paths").runtime_dir);
    }

    #[test]
    fn a_home_that_names_no_place_gives_way_to_the_usual_one() {
        for home in [&[][..], &[("HOME", "")], &[("HOME", "here")]] {
            let paths = with_usual_home(home, Some("/home/me")).expect("paths");
            assert_eq!(paths.config_dir, Path::new("/home/me/.config/quarterdeck"));
            with(home).expect_err("no place at all");
        }
    }

    #[test]
    fn without_a_home_it_says_so() {
        let error = with(&[]).expect_err("no home");
        assert!(error.to_string().contains("HOME"));
    }
}
