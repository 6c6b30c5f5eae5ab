//! `quarterdeck doctor`.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use quarterdeck_core::gate::Mode;
use quarterdeck_core::monitor::free_disk_mb;
use quarterdeck_core::policy::{PolicyState, PolicyStatus};
use quarterdeck_server::glance::Glance;
use quarterdeck_server::socket::{AskError, Request, ask};

use crate::Setup;
use crate::config::{listens_to_others, set_variables, unknown_strategy, unknown_variables};
use crate::hosting::{iterm2_settings, plugins_dir, runtime, start_host};
use crate::paths::find;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// A running host that takes longer to answer is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// One line of the report.
enum Finding {
    /// Found, and what.
    Good(String),
    /// Not there, but nothing depends on it: what it would bring.
    Absent(String),
    /// Wrong, and what to do.
    Bad(String),
}

/// Looks for what Quarterdeck uses. Fails when something is wrong.
pub(crate) fn run(setup: Setup) -> Result<ExitCode> {
    let mut findings = vec![
        ("configuration", configuration(&setup)),
        ("folders", folders(&setup)),
        ("disk", disk(&setup)),
        ("shell", shell()),
        ("gate", gate(setup.config.gate_settings().mode)),
    ];
    findings.extend(doubts(&setup).into_iter().map(|doubt| ("setting", doubt)));
    for shell in ["bash", "zsh", "fish"] {
        findings.push((shell, integrated_shell(shell)));
    }
    findings.push(("tmux", tmux()));
    findings.push(("iTerm2", iterm2(&setup)));
    let (policies, running, machines) = runtime()?.block_on(async {
        let running = running_host(&setup).await;
        (policies(&setup).await, running, machines(&setup).await)
    });
    findings.push(("policies", policies));
    findings.push(("running host", running));
    findings.push(("other machines", machines));

    let mut healthy = true;
    for (what, finding) in findings {
        match finding {
            Finding::Good(text) => anstream::println!("{GOOD}ok{GOOD:#}    {what}: {text}"),
            Finding::Absent(text) => anstream::println!("-     {what}: {text}"),
            Finding::Bad(text) => {
                healthy = false;
                anstream::println!("{BAD}wrong{BAD:#} {what}: {text}");
            }
        }
    }
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn configuration(setup: &Setup) -> Finding {
    let file = setup.config_file.path();
    let variables = Vec::from_iter(set_variables()).join(", ");
    let (all, besides) = match variables.as_str() {
        "" => ("all ", String::new()),
        set => ("", format!(", and what the environment sets: {set}")),
    };
    Finding::Good(match file.exists() {
        true => format!("{}{besides}", file.display()),
        false => format!(
            "{all}defaults (write changes to {}; `quarterdeck config` prints the settings){besides}",
            file.display()
        ),
    })
}

/// What is set in a way that is probably not meant.
fn doubts(setup: &Setup) -> Vec<Finding> {
    listens_to_others("listen", setup.config.listen)
        .into_iter()
        .chain(setup.config.doubts(|program| find(program).is_some()))
        .chain(unknown_variables())
        .map(Finding::Bad)
        .collect()
}

fn folders(setup: &Setup) -> Finding {
    match setup.paths.make() {
        Ok(()) => Finding::Good(format!(
            "policies in {}, state in {}, sockets in {}",
            plugins_dir(setup).display(),
            setup.paths.state_dir.display(),
            setup.paths.runtime_dir.display()
        )),
        Err(error) => Finding::Bad(format!("{error:#}")),
    }
}

/// What becomes of verdicts: whoever has switched the gate off knows it today, and not
/// in a month.
fn gate(mode: Mode) -> Finding {
    match mode {
        Mode::Enforce => Finding::Good("enforce: review asks, dangerous is refused".to_owned()),
        Mode::Warn => Finding::Absent(
            "warn: everything runs, and verdicts are kept (gate.mode in the configuration, or --gate)".to_owned(),
        ),
        Mode::Off => Finding::Absent(
            "off: nothing is judged (gate.mode in the configuration, or --gate)".to_owned(),
        ),
    }
}

fn shell() -> Finding {
    match std::env::var("SHELL") {
        Ok(shell) if Path::new(&shell).is_file() => Finding::Good(shell),
        Ok(shell) => Finding::Bad(format!(
            "$SHELL is {shell:?}, which is not there; set sessions.shell in the configuration"
        )),
        Err(_) => match find("bash").or_else(|| find("sh")) {
            Some(shell) => Finding::Good(format!(
                "$SHELL is not set; sessions use {}",
                shell.display()
            )),
            None => {
                Finding::Bad("neither $SHELL nor bash nor sh is there; install bash".to_owned())
            }
        },
    }
}

fn integrated_shell(name: &str) -> Finding {
    match find(name) {
        Some(path) => Finding::Good(format!("{} (with shell integration)", path.display())),
        None => Finding::Absent("not installed; sessions can use it once it is".to_owned()),
    }
}

fn tmux() -> Finding {
    match find("tmux") {
        Some(path) => Finding::Good(format!(
            "{}, for sessions that outlive the host (--backend tmux)",
            path.display()
        )),
        None => Finding::Absent("not installed; sessions on tmux need it, 3.2 or later".to_owned()),
    }
}

/// Looks whether somebody listens, and asks for nothing: that would ask a person.
fn iterm2(setup: &Setup) -> Finding {
    let Some(settings) = iterm2_settings(setup) else {
        return Finding::Absent("$HOME is not set, below which its socket would be".to_owned());
    };
    let socket = &settings.address.socket;
    if !settings.may_be_there() {
        return Finding::Absent(if cfg!(target_os = "macos") {
            format!(
                "no socket at {}; start it, and switch on its Python API in Settings > General > Magic",
                socket.display()
            )
        } else {
            "only on macOS".to_owned()
        });
    }
    match UnixStream::connect(socket) {
        Ok(_) => Finding::Good(format!(
            "listens at {}, for sessions that a person sees (--backend iterm2, auto)",
            socket.display()
        )),
        Err(error) => Finding::Absent(format!(
            "not running: {} was left behind ({error})",
            socket.display()
        )),
    }
}

async fn policies(setup: &Setup) -> Finding {
    let host = match start_host(setup) {
        Ok(host) => host,
        Err(error) => return Finding::Bad(format!("{error:#}")),
    };
    let policies = host.policies().await;
    let problems: Vec<String> = host
        .policy_problems()
        .into_iter()
        .map(|problem| problem.message)
        .collect();
    host.shutdown().await;
    if let Some(doubt) = unknown_strategy(&setup.config, &policies) {
        return Finding::Bad(doubt);
    }
    if !problems.is_empty() {
        return Finding::Bad(problems.join("; "));
    }
    let failed = policies
        .iter()
        .filter(|policy| policy.state == PolicyState::Failed);
    let failed: Vec<String> = failed
        .map(|policy| {
            let reason = policy.last_error.as_deref();
            let reason = reason.unwrap_or("no version of it could be loaded");
            format!("{}: {reason}", policy.name)
        })
        .collect();
    if !failed.is_empty() {
        return Finding::Bad(failed.join("; "));
    }
    Finding::Good(by_kind(&policies))
}

/// Names of policies, those of one kind together, with what keeps one from ruling.
fn by_kind(policies: &[PolicyStatus]) -> String {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for policy in policies {
        let name = match policy.state {
            state @ (PolicyState::Disabled | PolicyState::Shadow | PolicyState::Quarantined) => {
                format!("{} ({state})", policy.name)
            }
            PolicyState::Active | PolicyState::Failed | PolicyState::Dormant => policy.name.clone(),
        };
        kinds.entry(policy.kind_name()).or_default().push(name);
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, names)| format!("{kind}: {}", names.join(", ")))
        .collect();
    kinds.join("; ")
}

async fn running_host(setup: &Setup) -> Finding {
    let socket = setup.paths.shared_socket();
    let asked = ask::<Glance>(&socket, &Request::Glance);
    let answer = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(AskError::TooSlow(socket.clone(), PATIENCE)),
    };
    match answer {
        Ok(glance) => {
            let mut said = format!("answers on {}", socket.display());
            let own = setup.config.gate_settings().mode;
            if glance.gate != own {
                said.push_str(&format!(
                    ", with its gate on `{}`, not `{own}` as a host that starts now",
                    glance.gate
                ));
            }
            if !glance.troubles.is_empty() {
                let troubles = glance.troubles.join("; ");
                said.push_str(&format!(", and is {}: {troubles}", glance.health));
            }
            match glance.health.as_str() {
                "healthy" => Finding::Good(said),
                _ => Finding::Bad(said),
            }
        }
        Err(AskError::NoHost(_)) => Finding::Absent(
            "none; `quarterdeck serve` starts one that several agents can share".to_owned(),
        ),
        Err(error) => Finding::Bad(error.to_string()),
    }
}

/// Nothing runs that the audit log cannot keep, so a full disk stops everything.
fn disk(setup: &Setup) -> Finding {
    let folder = &setup.paths.state_dir;
    let wanted = setup.config.free_disk_mb();
    match free_disk_mb(folder) {
        Some(free) if free < wanted => Finding::Bad(format!(
            "{free} MB are free for {}, less than {wanted} (monitor.free_disk_mb); once it is full, no command runs: make room",
            folder.display()
        )),
        Some(free) => Finding::Good(format!("{free} MB are free for {}", folder.display())),
        None => Finding::Absent(format!(
            "the system does not tell what is free for {}",
            folder.display()
        )),
    }
}

async fn machines(setup: &Setup) -> Finding {
    let settings = match setup.config.nats.settings() {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            return Finding::Absent(
                "none; nats.url in the configuration names a NATS server over which they take tasks"
                    .to_owned(),
            );
        }
        Err(error) => return Finding::Bad(format!("{error:#}")),
    };
    match quarterdeck_nats::check(&settings).await {
        Ok(said) => Finding::Good(said),
        Err(error) => Finding::Bad(error.to_string()),
    }
}
