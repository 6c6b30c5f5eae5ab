//! `quarterdeck run`.

mod standard_input;

use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_core::gate::{Mode, VerdictReport};
use quarterdeck_core::operations::{
    ApprovalOrigin, CheckPurpose, CreateSession, RunCommand, RunOutcome, RunRemark, StandardInput,
};
use quarterdeck_core::policy::Tier;
use quarterdeck_core::{Caller, Host, HostError, ShellSyntax};

use super::check::judge::Judge;
use crate::hosting::{runtime, start_host};
use crate::inside::refuse_inside;
use crate::signals::StopSignals;
use crate::{RUN_FAILED, Setup};
use standard_input::HandedOn;

/// The gate refused the command. As a shell says of a command that it may not
/// run.
const REFUSED: u8 = 126;
/// The command was not over in time. As timeout(1) says.
const NOT_OVER: u8 = 124;
/// A signal ended it: this, and the signal's number. As a shell says.
const ENDED_BY_SIGNAL: i32 = 128;
/// Nobody waits longer for one command.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Runs one command through the gate, in a host of its own, for at most `seconds`.
pub(crate) fn run(
    setup: Setup,
    command: &str,
    cwd: Option<PathBuf>,
    seconds: Option<u32>,
) -> Result<ExitCode> {
    let timeout = seconds.map_or(LONGEST, |it| Duration::from_secs(it.into()));
    let cwd = match cwd {
        Some(cwd) => cwd,
        None => std::env::current_dir().context("finding the current folder")?,
    };
    let handed_on = HandedOn::begin()?;
    let wanted = Wanted {
        command,
        cwd,
        timeout,
        input: handed_on.input(),
    };
    runtime()?.block_on(async {
        let mut stop_signals = StopSignals::watch()?;
        let agreed = match word_of_running_host(&setup, &wanted).await? {
            Word::No => return Ok(ExitCode::from(REFUSED)),
            Word::Unasked => false,
            Word::Agreed => true,
        };
        let host = start_host(&setup)?;
        let done = tokio::select! {
            done = run_in(&setup, &host, &wanted, agreed) => done,
            stopped = stop_signals.received() => {
                Ok(exit_code(ENDED_BY_SIGNAL + stopped.as_raw_value()))
            }
        };
        host.shutdown().await;
        done
    })
}

/// What is to be run.
struct Wanted<'a> {
    command: &'a str,
    cwd: PathBuf,
    timeout: Duration,
    input: &'a StandardInput,
}

impl Wanted<'_> {
    /// The command line as it will be judged here.
    fn judged(&self, setup: &Setup) -> Result<String> {
        let shell = setup.config.session_settings()?.shell;
        let shell = shell.map(PathBuf::into_os_string);
        let shell = shell.or_else(|| std::env::var_os("SHELL"));
        let syntax = ShellSyntax::of(&shell.unwrap_or_default().to_string_lossy());
        Ok(self.input.judged(self.command, syntax))
    }
}

/// What is known of a command before this command's own host judges it.
enum Word {
    /// It may not run; why is said already.
    No,
    /// Nobody had to be asked, so far.
    Unasked,
    /// A person was asked, and said yes.
    Agreed,
}

/// Asks the host that is running, if there is one: what an agent there may not do, is
/// not done here because the files of the plugins folder say otherwise by now.
async fn word_of_running_host(setup: &Setup, wanted: &Wanted<'_>) -> Result<Word> {
    let Some(judge) = Judge::running(setup).await? else {
        return Ok(Word::Unasked);
    };
    let verdict = judge
        .check(
            &wanted.judged(setup)?,
            wanted.cwd.to_string_lossy().into_owned(),
            CheckPurpose::BeforeRun,
        )
        .await?;
    if verdict.tier == Tier::Safe {
        return Ok(Word::Unasked);
    }
    let (theirs, own) = (judge.gate().await?, setup.config.gate_settings().mode);
    if theirs != Mode::Enforce {
        // It refuses nobody; what this command's own gate does is for that to say.
        if own == Mode::Enforce {
            anstream::eprintln!(
                "quarterdeck: the gate of the running host is on `{theirs}`, and lets this run; here it is on `{own}` (--gate)"
            );
        }
        return Ok(Word::Unasked);
    }
    match verdict.tier {
        Tier::Review if asks_here(setup)? && says_yes(&verdict.reason)? => return Ok(Word::Agreed),
        Tier::Safe | Tier::Review | Tier::Dangerous => {}
    }
    anstream::eprintln!("quarterdeck: not run: {}", verdict.reason);
    Ok(Word::No)
}

/// `agreed` is whether a person has said yes to the command already.
async fn run_in(
    setup: &Setup,
    host: &Arc<Host>,
    wanted: &Wanted<'_>,
    agreed: bool,
) -> Result<ExitCode> {
    let caller = Caller::command_line();
    let session = host
        .create_session(
            CreateSession {
                name: Some("run".to_owned()),
                working_directory: Some(wanted.cwd.clone()),
                ..CreateSession::default()
            },
            &caller,
        )
        .await?;
    let request = RunCommand {
        command: wanted.command.to_owned(),
        session_id: Some(session.id.to_string()),
        timeout: wanted.timeout,
        max_bytes: usize::MAX,
    };
    let done = run_command(setup, host, (request, wanted.input), &caller, agreed).await;
    // On tmux it would live on.
    host.close_session(session.id.as_str(), &caller).await?;
    done
}

async fn run_command(
    setup: &Setup,
    host: &Arc<Host>,
    (request, input): (RunCommand, &StandardInput),
    caller: &Caller,
    agreed: bool,
) -> Result<ExitCode> {
    let command = request.command.clone();
    let mut outcome = host
        .run_command_reading(request.clone(), input, caller)
        .await;
    if let Err(HostError::ConfirmationRequired(pending)) = &outcome {
        let agreed = agreed || asks_here(setup)? && says_yes(&pending.verdict.reason)?;
        if !agreed {
            anstream::eprintln!("quarterdeck: not run: {}", pending.verdict.reason);
            return Ok(ExitCode::from(REFUSED));
        }
        let origin = ApprovalOrigin::Elicitation {
            client: "quarterdeck run".to_owned(),
            pid: std::process::id(),
        };
        host.answer_confirmation(&pending.confirmation_id, true, &origin)?;
        outcome = host.run_command_reading(request, input, caller).await;
    }
    match outcome {
        Ok(outcome) => {
            warn_of(&outcome.verdict, setup);
            print(&command, outcome)
        }
        Err(refused @ HostError::Refused(_)) => {
            anstream::eprintln!("quarterdeck: {refused}");
            Ok(ExitCode::from(REFUSED))
        }
        Err(error) => Err(error.into()),
    }
}

/// Says what the gate would have done, had it not been told to let everything run.
fn warn_of(verdict: &VerdictReport, setup: &Setup) {
    if setup.config.gate_settings().mode == Mode::Warn && verdict.tier != Tier::Safe {
        anstream::eprintln!(
            "quarterdeck: {}, and run because the gate only warns: {}",
            verdict.tier,
            verdict.reason
        );
    }
}

fn print(command: &str, outcome: RunOutcome) -> Result<ExitCode> {
    let mut stdout = std::io::stdout();
    let output = match outcome.remark {
        Some(RunRemark::ShellEnded(_)) => without_farewell(command, &outcome.output),
        _ => &outcome.output,
    };
    let printed = stdout
        .write_all(output.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        printed => printed.context("printing the output")?,
    }
    if let Some(remark) = outcome.remark.filter(|_| !outcome.timed_out) {
        anstream::eprintln!("quarterdeck: {remark}");
    }
    if outcome.timed_out {
        anstream::eprintln!(
            "quarterdeck: ended, since it was not over after {} s (--timeout)",
            outcome.duration.as_secs()
        );
        return Ok(ExitCode::from(NOT_OVER));
    }
    let Some(status) = outcome.exit_status else {
        if let Some(RunRemark::ShellEnded(how)) = outcome.remark {
            if let Some(signal) = how.and_then(|how| how.signal()) {
                return Ok(exit_code(ENDED_BY_SIGNAL + signal));
            }
            anstream::eprintln!("quarterdeck: what the shell ended with is unknown");
            return Ok(ExitCode::from(RUN_FAILED));
        }
        anstream::eprintln!(
            "quarterdeck: how it ended is unknown; in bash, zsh or fish it is known \
             (sessions.shell in the configuration, or QUARTERDECK_SESSIONS_SHELL)"
        );
        return Ok(ExitCode::from(RUN_FAILED));
    };
    Ok(exit_code(status))
}

/// The output of a command that ended its shell with `exit`: at that, an interactive bash
/// says so.
fn without_farewell<'a>(command: &str, output: &'a str) -> &'a str {
    let last = command.rsplit([';', '&', '|', '\n', '{', '(']).next();
    let mut words = last.unwrap_or_default().split_whitespace();
    let farewell = match words.next() {
        Some("exit") => "exit\n",
        Some("logout") => "logout\n",
        _ => return output,
    };
    output.strip_suffix(farewell).unwrap_or(output)
}

fn exit_code(status: i32) -> ExitCode {
    ExitCode::from(u8::try_from(status & 0xff).unwrap_or(u8::MAX))
}

/// Whether a person sits at this terminal. One that belongs to a hosted session
/// is an agent's: nobody may say yes there.
fn asks_here(setup: &Setup) -> Result<bool> {
    refuse_inside(setup, "running a command that needs a person's yes")?;
    Ok(std::io::stdin().is_terminal() && std::io::stderr().is_terminal())
}

fn says_yes(reason: &str) -> Result<bool> {
    anstream::eprint!("{reason}\nRun it? [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_says_of_its_end_is_no_output() {
        for (command, output, expected) in [
            ("exit 3", "exit\n", ""),
            ("echo a; exit", "a\nexit\n", "a\n"),
            ("false || exit 4", "exit\n", ""),
            ("echo exit; exit", "exit\nexit\n", "exit\n"),
            ("exec echo exit", "exit\n", "exit\n"),
            ("exit 3", "a\n", "a\n"),
        ] {
            assert_eq!(without_farewell(command, output), expected, "{command}");
        }
    }
}
