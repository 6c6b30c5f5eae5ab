//! The service managers of Linux and macOS, and what they are told.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const UNIT: &str = "quarterdeck.service";
const LABEL: &str = "dev.quarterdeck.host";

/// A service manager, and the file that it reads.
pub(super) enum Manager {
    Systemd(PathBuf),
    Launchd(PathBuf),
}

impl Manager {
    pub(super) fn of_this_system() -> Result<Self> {
        let home = std::env::home_dir().context("$HOME is not set")?;
        Ok(match cfg!(target_os = "macos") {
            true => Self::Launchd(home.join(format!("Library/LaunchAgents/{LABEL}.plist"))),
            false => {
                let config = std::env::var_os("XDG_CONFIG_HOME")
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute())
                    .unwrap_or_else(|| home.join(".config"));
                Self::Systemd(config.join("systemd/user").join(UNIT))
            }
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Systemd(_) => "systemd",
            Self::Launchd(_) => "launchd",
        }
    }

    pub(super) fn file(&self) -> &Path {
        match self {
            Self::Systemd(file) | Self::Launchd(file) => file,
        }
    }

    /// What the file says.
    pub(super) fn definition(&self, program: &Path) -> String {
        match self {
            Self::Systemd(_) => unit(program),
            Self::Launchd(_) => plist(program),
        }
    }

    /// Starts the service now and with every login.
    pub(super) fn start(&self) -> Result<()> {
        match self {
            Self::Systemd(_) => {
                told("systemctl", &["--user", "daemon-reload"])?;
                told("systemctl", &["--user", "enable", "--now", UNIT])
            }
            Self::Launchd(file) => {
                let file = file.to_string_lossy();
                told("launchctl", &["bootstrap", &domain(), &file])
            }
        }
    }

    pub(super) fn stop(&self) -> Result<()> {
        match self {
            Self::Systemd(_) => told("systemctl", &["--user", "disable", "--now", UNIT]),
            Self::Launchd(_) => {
                let service = format!("{}/{LABEL}", domain());
                told("launchctl", &["bootout", &service])
            }
        }
    }

    /// The file has gone.
    pub(super) fn forget(&self) -> Result<()> {
        match self {
            Self::Systemd(_) => told("systemctl", &["--user", "daemon-reload"]),
            Self::Launchd(_) => Ok(()),
        }
    }

    /// How the service is, in the manager's own words.
    pub(super) fn says(&self) -> String {
        let service = format!("{}/{LABEL}", domain());
        let (program, arguments) = match self {
            Self::Systemd(_) => ("systemctl", vec!["--user", "is-active", UNIT]),
            Self::Launchd(_) => ("launchctl", vec!["print", service.as_str()]),
        };
        match Command::new(program).args(arguments).output() {
            Err(error) => format!("cannot be asked: {program}: {error}"),
            Ok(said) => {
                let text = String::from_utf8_lossy(&said.stdout);
                let state = match self {
                    Self::Systemd(_) => text.lines().next(),
                    Self::Launchd(_) => {
                        (text.lines().map(str::trim)).find_map(|line| line.strip_prefix("state = "))
                    }
                };
                state.unwrap_or("does not know it").to_owned()
            }
        }
    }
}

/// launchd's name for this user's own services.
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn told(program: &str, arguments: &[&str]) -> Result<()> {
    let line = || format!("{program} {}", arguments.join(" "));
    let said = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| {
            format!(
                "running `{}`; without it, start `quarterdeck serve` yourself",
                line()
            )
        })?;
    if said.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&said.stderr);
    bail!("`{}` failed ({}): {}", line(), said.status, reason.trim())
}

/// A unit of systemd. The host closes what is to end with it; sessions on tmux and
/// iTerm2 stay, so nothing but the host itself is stopped.
fn unit(program: &Path) -> String {
    format!(
        "[Unit]
Description=Quarterdeck, a host for the terminals that coding agents work in

[Service]
ExecStart={} serve
Restart=on-failure
KillMode=process

[Install]
WantedBy=default.target
",
        in_a_unit(&program.to_string_lossy())
    )
}

/// A word as systemd.syntax(7) and systemd.unit(5) want it.
fn in_a_unit(word: &str) -> String {
    let escaped = word
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('$', "$$")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

fn plist(program: &Path) -> String {
    let program = program
        .to_string_lossy()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
    <string>{program}</string>
    <string>serve</string>
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>AbandonProcessGroup</key>
  <true/>
</dict>
</plist>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_so_that_they_are_read_as_one_word() {
        let unit = unit(Path::new("/opt/my \"tools\"/50%/$x/qd"));
        let line = unit.lines().find(|line| line.starts_with("ExecStart"));
        assert_eq!(
            line,
            Some(r#"ExecStart="/opt/my \"tools\"/50%%/$$x/qd" serve"#)
        );
        assert!(plist(Path::new("/a&b/<c>")).contains("<string>/a&amp;b/&lt;c&gt;</string>"));
    }
}
