//! The service managers of Linux and macOS, and what they are told.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const UNIT: &str = "quarterdeck.service";
const LABEL: &str = "dev.quarterdeck.host";

/// What the manager is to start.
pub(super) struct Service {
    /// The program with its arguments.
    pub(super) command: Vec<String>,
    /// Variables that are to be set.
    pub(super) environment: Vec<(String, String)>,
}

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
    pub(super) fn definition(&self, service: &Service) -> String {
        match self {
            Self::Systemd(_) => unit(service),
            Self::Launchd(_) => plist(service),
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
    let advice = match reason.contains("connect to bus") {
        true => {
            "; no service manager of your own runs here, as in containers and after su: log in as this user, or start `quarterdeck serve` yourself"
        }
        false => "",
    };
    bail!(
        "`{}` failed ({}): {}{advice}",
        line(),
        said.status,
        reason.trim()
    )
}

/// A unit of systemd. The host closes what is to end with it; sessions on tmux and
/// iTerm2 stay, so nothing but the host itself is stopped.
fn unit(service: &Service) -> String {
    let command: Vec<String> = service.command.iter().map(|it| in_a_command(it)).collect();
    let environment: String = (service.environment.iter())
        .map(|(name, value)| format!("Environment={}\n", in_a_unit(&format!("{name}={value}"))))
        .collect();
    format!(
        "[Unit]
Description=Quarterdeck, a host for the terminals that coding agents work in

[Service]
ExecStart={}
{environment}Restart=on-failure
KillMode=process

[Install]
WantedBy=default.target
",
        command.join(" ")
    )
}

/// A word of a command, in which `$` begins a variable.
fn in_a_command(word: &str) -> String {
    in_a_unit(&word.replace('$', "$$"))
}

/// A word as systemd.syntax(7) and systemd.unit(5) want it.
fn in_a_unit(word: &str) -> String {
    let escaped = word
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

fn plist(service: &Service) -> String {
    let text = |text: &str| {
        let text = (text.replace('&', "&amp;").replace('<', "&lt;")).replace('>', "&gt;");
        format!("<string>{text}</string>")
    };
    let command: String = (service.command.iter())
        .map(|word| format!("    {}\n", text(word)))
        .collect();
    let environment: String = (service.environment.iter())
        .map(|(name, value)| format!("    <key>{name}</key>\n    {}\n", text(value)))
        .collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{command}  </array>
  <key>EnvironmentVariables</key>
  <dict>
{environment}  </dict>
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

    fn service(program: &str) -> Service {
        Service {
            command: vec![program.to_owned(), "serve".to_owned()],
            environment: vec![("QUARTERDECK_GATE_MODE".to_owned(), "50% \"$x\"".to_owned())],
        }
    }

    #[test]
    fn words_are_written_so_that_they_are_read_as_one() {
        let unit = unit(&service("/opt/my \"tools\"/50%/$x/qd"));
        let line = |begin: &str| unit.lines().find(|line| line.starts_with(begin));
        assert_eq!(
            line("ExecStart"),
            Some(r#"ExecStart="/opt/my \"tools\"/50%%/$$x/qd" "serve""#)
        );
        // Where variables are set, none is put in (systemd.exec(5)).
        assert_eq!(
            line("Environment"),
            Some(r#"Environment="QUARTERDECK_GATE_MODE=50%% \"$x\"""#)
        );
        let plist = plist(&service("/a&b/<c>"));
        assert!(plist.contains("<string>/a&amp;b/&lt;c&gt;</string>"));
        assert!(plist.contains("<key>QUARTERDECK_GATE_MODE</key>"));
    }
}
