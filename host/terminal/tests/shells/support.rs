//! A session with a home folder of its own, and what tests ask of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use iterm2_server::Options;
use quarterdeck_terminal::iterm2::{
    Address, Application, CredentialSource, RelayProgram, Settings,
};
use quarterdeck_terminal::keys::Key;
use quarterdeck_terminal::tmux::{Server, Socket};
use quarterdeck_terminal::{
    CommandState, Cursor, FinishedCommand, KeptMarks, Keyboard, OpenRequest, Opened, Output,
    ShellLine, ShellState, Size, Terminal, Until, pty,
};
use tempfile::TempDir;

use crate::ON;

/// A condition is looked at again after this long.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// What carries the sessions of a run of the stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Pty,
    /// A tmux server for each session, which ends with its home folder.
    Tmux,
    /// A stand-in for iTerm2 for each session, which ends with its home folder.
    Iterm2,
}

/// All in which the carriers differ. A story that is about one of these asks
/// here what to expect; no story is left out.
impl Carrier {
    /// The end of the host is not the end of the session.
    pub(crate) fn outlives_the_host(self) -> bool {
        self != Self::Pty
    }

    /// What any program wrote right before its end is shown. tmux closes a pane as
    /// soon as it hears that the program has ended, read to the end or not; shells
    /// with marks wait for it.
    pub(crate) fn keeps_last_words(self) -> bool {
        self != Self::Tmux
    }

    /// Typing waits for a program that does not read. tmux takes everything that
    /// is typed, and keeps it for the program.
    pub(crate) fn waits_for_the_reader(self) -> bool {
        self != Self::Tmux
    }
}

/// A home folder of a session's own.
pub(crate) struct Home {
    folder: TempDir,
    /// The stand-in for iTerm2, once a session is opened on it.
    iterm2: Option<iterm2_server::Server>,
}

impl Home {
    /// What keeps a shell from reading this machine's user's files.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        [
            ("HOME", text(self.path())),
            ("XDG_CONFIG_HOME", text(&self.path().join(".config"))),
            ("XDG_DATA_HOME", text(&self.path().join(".local/share"))),
            ("XDG_CACHE_HOME", text(&self.path().join(".cache"))),
            ("HISTFILE", String::new()),
            ("ZDOTDIR", text(self.path())),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("PYTHONSTARTUP", String::new()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the session's tmux server listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(".tmux-socket")
    }

    /// A connection with this home's iTerm2, as a host has one.
    pub(crate) async fn iterm2(&self) -> Application {
        let settings = Settings {
            address: Address {
                socket: Options::new(self.path()).socket(),
                port: 1,
            },
            relay: RelayProgram {
                program: env!("CARGO_BIN_EXE_quarterdeck-relay").into(),
                args: Vec::new(),
            },
            relays: self.path().join(".relays"),
        };
        let connected = Application::connect(settings, CredentialSource::none("stories")).await;
        connected.expect("connected")
    }

    /// How many sessions a host that starts now would find.
    pub(crate) async fn left_sessions(&self) -> usize {
        match ON {
            Carrier::Pty => 0,
            Carrier::Tmux => {
                let server = Server::connect(Socket::At(self.socket())).await;
                server
                    .expect("connected")
                    .panes()
                    .await
                    .expect("listed")
                    .len()
            }
            Carrier::Iterm2 => {
                let next = self.iterm2().await;
                let ends = tokio::time::Instant::now() + PATIENCE;
                loop {
                    // The relay has to notice first that its host has gone.
                    let found = next.relays(&[]).await.len();
                    if found > 0 || tokio::time::Instant::now() > ends {
                        return found;
                    }
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
            }
        }
    }

    async fn start_iterm2(&mut self) {
        let mut options = Options::new(self.path());
        options.cookie_needed = false;
        self.iterm2 = Some(
            iterm2_server::Server::start(options)
                .await
                .expect("started"),
        );
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if ON == Carrier::Tmux {
            // It may have ended already, which is as well.
            let _ = std::process::Command::new("tmux")
                .arg("-S")
                .arg(self.socket())
                .arg("kill-server")
                .stderr(std::process::Stdio::null())
                .status();
        }
    }
}

/// Longer than anything takes on a busy machine; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The shells that are integrated.
pub(crate) const INTEGRATED: [&str; 3] = ["bash", "zsh", "fish"];

/// How a command ended and what it showed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) output: String,
}

pub(crate) fn ran(status: i32, output: &str) -> Ran {
    Ran {
        status: Some(status),
        output: output.to_owned(),
    }
}

pub(crate) struct Session {
    pub(crate) terminal: Terminal,
    pub(crate) keyboard: Keyboard,
    /// What a later host would need.
    #[allow(dead_code, reason = "only the stories on tmux have a later host")]
    pub(crate) marks: Option<KeptMarks>,
    pub(crate) shell: &'static str,
    pub(crate) home: Home,
}

/// A session to be opened.
pub(crate) struct Setup {
    pub(crate) shell: &'static str,
    pub(crate) request: OpenRequest,
    home: Home,
}

/// Nothing of this machine's user: an empty home, and a plain environment.
pub(crate) fn setup(shell: &'static str) -> Setup {
    let program = installed(shell);
    let home = Home {
        folder: tempfile::tempdir().expect("a temporary folder"),
        iterm2: None,
    };
    // Without it zsh greets its first user with a questionnaire.
    fs::write(home.path().join(".zshrc"), "").expect("written");
    let request = OpenRequest {
        shell: Some(program),
        cwd: Some(home.path().to_owned()),
        env: home.environment(),
        session_id: "tested".to_owned(),
        ..OpenRequest::default()
    };
    Setup {
        shell,
        request,
        home,
    }
}

impl Setup {
    /// Writes what the user has written: a file in the home folder.
    pub(crate) fn dotfile(self, name: &str, text: &str) -> Self {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().expect("in the home folder")).expect("created");
        fs::write(path, text).expect("written");
        self
    }

    pub(crate) fn size(mut self, columns: u16, rows: u16) -> Self {
        self.request.size = Size::new(columns, rows).expect("possible");
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.request.args = args.iter().map(Into::into).collect();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.request.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) async fn open(mut self) -> Session {
        if ON == Carrier::Iterm2 {
            self.home.start_iterm2().await;
        }
        let opened = match ON {
            Carrier::Pty => pty::open(self.request).await,
            Carrier::Tmux => {
                let server = Server::connect(Socket::At(self.home.socket())).await;
                server.expect("connected").open(self.request).await
            }
            Carrier::Iterm2 => self.home.iterm2().await.open(self.request).await,
        };
        let Opened {
            terminal,
            keyboard,
            marks,
        } = opened.expect("opened");
        Session {
            terminal,
            keyboard,
            marks,
            shell: self.shell,
            home: self.home,
        }
    }
}

pub(crate) async fn open(shell: &'static str) -> Session {
    setup(shell).open().await
}

/// Where a program is, or the test's failure.
fn installed(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
        .unwrap_or_else(|| {
            panic!("{program} is not installed here; `tests/run prepare` installs it")
        })
}

impl Session {
    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn run(&self, command: &str) -> impl Future<Output = Ran> {
        let caller = std::panic::Location::caller();
        async move {
            let mut running = match self.keyboard.run(command).await {
                Ok(running) => running,
                Err(error) => panic!(
                    "{caller}: {} refused {command:?}: {error}\n{}",
                    self.shell,
                    self.screen().await
                ),
            };
            match running.finished(PATIENCE).await {
                CommandState::Finished(FinishedCommand {
                    exit_status,
                    output,
                    ..
                }) => Ran {
                    status: exit_status,
                    output: self.text(output.start, output.end).await,
                },
                state => panic!(
                    "{caller}: {} did not finish {command:?}: {state:?}\n{}",
                    self.shell,
                    self.screen().await
                ),
            }
        }
    }

    /// Types as a person does.
    pub(crate) async fn type_in(&self, text: &str) {
        self.keyboard.write(text.as_bytes()).await.expect("typed");
    }

    /// The whole text between two cursors.
    pub(crate) async fn text(&self, from: Cursor, until: Cursor) -> String {
        let mut text = String::new();
        let mut at = from;
        while at < until {
            let Output {
                text: more, next, ..
            } = self.terminal.read_until(at, until, 1 << 20).await;
            assert!(next > at, "a reading that does not go on");
            text.push_str(&more);
            at = next;
        }
        text
    }

    pub(crate) async fn screen(&self) -> String {
        self.terminal.screen().await.text()
    }

    /// Waits for a text, from the beginning of the session on.
    #[track_caller]
    pub(crate) fn shows(&self, pattern: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        let pattern = regex::Regex::new(pattern).expect("a pattern");
        async move {
            let until = Until::Pattern(pattern.clone());
            let waited = self
                .terminal
                .wait(until, Some(Cursor::START), PATIENCE)
                .await;
            match waited.matched {
                Some(matched) => matched,
                None => panic!(
                    "{caller}: {} never showed {pattern}: {waited:?}\n{}",
                    self.shell,
                    self.screen().await
                ),
            }
        }
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub(crate) fn screen_becomes(
        &self,
        what: &str,
        is_so: impl Fn(&quarterdeck_terminal::Screen) -> bool,
    ) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            self.eventually(&format!("{caller}: {what}"), async || {
                is_so(&self.terminal.screen().await)
            })
            .await;
        }
    }

    /// Waits for a condition that no wait of the session's own can express.
    pub(crate) async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !holds().await {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{}: never {what}\n{}\n{:?}",
                self.shell,
                self.screen().await,
                self.terminal.status().await
            );
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Waits until the program that has the terminal waits for something itself.
    pub(crate) async fn foreground_sleeps(&self) {
        self.eventually("asleep", async || {
            let Some(program) = self.terminal.status().await.foreground else {
                return false;
            };
            let stat = fs::read_to_string(format!("/proc/{}/stat", program.pid));
            // Its state stands behind its name, which is in brackets.
            stat.is_ok_and(|stat| {
                stat.rsplit(") ")
                    .next()
                    .is_some_and(|rest| rest.starts_with('S'))
            })
        })
        .await;
    }

    /// Waits until the shell reads a line.
    #[track_caller]
    pub(crate) fn prompted(&self) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let waited = self.terminal.wait(Until::Prompt, None, PATIENCE).await;
            assert!(
                waited.met,
                "{caller}: {} is at no prompt: {waited:?}\n{}",
                self.shell,
                self.screen().await
            );
        }
    }

    pub(crate) async fn shell_state(&self) -> ShellState {
        self.terminal.status().await.shell
    }
}

/// Typing, and what the line holds.
impl Session {
    /// Types pieces; those in angle brackets are names of keys.
    pub(crate) async fn enter(&self, pieces: &[&str]) {
        for piece in pieces {
            match piece
                .strip_prefix('<')
                .and_then(|key| key.strip_suffix('>'))
            {
                Some(name) => {
                    let key = Key::parse(name).expect("the name of a key");
                    self.keyboard.press(key).await.expect("pressed");
                }
                None => self.type_in(piece).await,
            }
        }
    }

    #[track_caller]
    pub(crate) fn line(&self) -> impl Future<Output = ShellLine> {
        let caller = std::panic::Location::caller();
        async move {
            match self.keyboard.shell_line().await {
                Ok(line) => line,
                Err(error) => panic!("{caller}: {}: {error}\n{}", self.shell, self.screen().await),
            }
        }
    }
}
