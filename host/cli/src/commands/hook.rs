//! `quarterdeck hook`: a process for each tool call of a coding agent, so what
//! it does not need it does not load.
//!
//! With a running host all it does is to read, ask and answer; the configuration
//! and the engine are loaded only without one.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use quarterdeck_core::gate::{HookDecision, HookJudgement};
use quarterdeck_core::hooks::{HookEvent, HookMoment};
use quarterdeck_server::hook::{HookAgent, HookReading, Told};
use quarterdeck_server::socket::{AskError, Request, ask_in_time};
use serde::Deserialize;
use serde_json::Value;

use crate::Setup;
use crate::arguments::{Common, Hosting};
use crate::hosting::{runtime, start_host_for_one_command};
use crate::paths::Paths;

/// What the host takes longer for in silence counts as refused. Agents wait for their hooks.
const PATIENCE_WITH_HOST: Duration = Duration::from_millis(800);
/// Without a host, a policy that is new is compiled first.
const PATIENCE_ALONE: Duration = Duration::from_secs(30);
/// No event is longer: it holds what a tool was given, or what came of it.
const LONGEST_EVENT: u64 = 64 * 1024 * 1024;

/// Reads an event, and answers it. Whatever goes wrong with a command, the answer
/// is no.
pub(crate) fn run(agent: Option<HookAgent>, common: &Common) -> ExitCode {
    let told = hear(agent, common);
    if let Some(text) = &told.stderr {
        anstream::eprintln!("{text}");
    }
    let printed = match &told.stdout {
        Some(text) => io::stdout()
            .write_all(format!("{text}\n").as_bytes())
            .and_then(|()| io::stdout().flush()),
        None => Ok(()),
    };
    match printed {
        Ok(()) => ExitCode::from(told.exit),
        Err(error) => {
            anstream::eprintln!("quarterdeck: the answer could not be written: {error}");
            ExitCode::from(Told::blocking(String::new()).exit)
        }
    }
}

fn hear(agent: Option<HookAgent>, common: &Common) -> Told {
    let refuse = |agent: Option<HookAgent>, why: String| match agent {
        Some(agent) => agent.refuse(&why),
        None => Told::blocking(format!("quarterdeck hook: {why}")),
    };
    let event = match read_event() {
        Ok(event) => event,
        Err(error) => return refuse(agent, format!("{error:#}")),
    };
    let agent = agent.unwrap_or_else(|| HookAgent::guess(&event));
    let keeps_a_yes = agent.keeps_a_yes_to_itself(&event);
    let event = match agent.read(&event) {
        Ok(HookReading::Event(event)) => event,
        Ok(HookReading::OfNoUse) => return Told::default(),
        Ok(HookReading::Unknown(name)) => {
            return Told::remarking(format!(
                "quarterdeck hook: {agent}'s event {name:?} is not known to this version, so it is let by; a newer Quarterdeck may know it"
            ));
        }
        Err(error) => return agent.refuse(&error.to_string()),
    };
    let is_command = matches!(event.what, HookMoment::Command { .. });
    match judged(with_process(event), common) {
        Ok(Some(judgement)) if keeps_a_yes && judgement.decision == HookDecision::Allow => {
            Told::default()
        }
        Ok(Some(judgement)) => agent.answer(&judgement),
        Ok(None) => Told::default(),
        Err(error) if is_command => agent.refuse(&format!("{error:#}")),
        // What only tells of something keeps no agent from its work.
        Err(error) => Told::remarking(format!("quarterdeck hook: {error:#}")),
    }
}

/// The first JSON value on standard input; does not wait for its end, which some
/// callers leave open.
fn read_event() -> Result<Value> {
    let input = io::BufReader::new(io::stdin().lock().take(LONGEST_EVENT));
    let mut values = serde_json::Deserializer::from_reader(input);
    Value::deserialize(&mut values).context(
        "standard input is no JSON; a coding agent calls this, as `quarterdeck install` arranges",
    )
}

fn with_process(event: HookEvent) -> HookEvent {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    HookEvent {
        process: parent.and_then(|pid| u32::try_from(pid).ok()),
        ..event
    }
}

/// Asks the running host, else the policies themselves.
fn judged(event: HookEvent, common: &Common) -> Result<Option<HookJudgement>> {
    let paths = Paths::of_this_process()?;
    let request = Request::Hook(event);
    match ask_in_time(&paths.shared_socket(), &request, PATIENCE_WITH_HOST) {
        Err(AskError::NoHost(_)) => {}
        Err(error @ (AskError::TooSlow(..) | AskError::Broken { .. })) => {
            bail!("{error}; if it hangs, end it and start `quarterdeck serve` again")
        }
        Err(error @ AskError::StillLoading(..)) => {
            bail!(
                "{error}; make the same call again later: `quarterdeck logs` tells what takes so long"
            )
        }
        asked => return Ok(asked?),
    }
    match request {
        Request::Hook(event) if matches!(event.what, HookMoment::Command { .. }) => {
            alone(event, common)
        }
        // Nobody is there to be told.
        _ => Ok(None),
    }
}

/// Judges a command by the policies of the plugins folder.
fn alone(mut event: HookEvent, common: &Common) -> Result<Option<HookJudgement>> {
    let mut could_ask = true;
    if let HookMoment::Command { can_ask, .. } = &mut event.what {
        // A confirmation would end with this process.
        could_ask = std::mem::replace(can_ask, true);
    }
    let setup = Setup::load(common, Hosting::None, true)?;
    let runtime = runtime()?;
    let judgement = runtime.block_on(async {
        tokio::time::timeout(PATIENCE_ALONE, async {
            let host = start_host_for_one_command(&setup)?;
            anyhow::Ok(host.hook(event).await?)
        })
        .await
        .with_context(|| format!("no verdict within {} s", PATIENCE_ALONE.as_secs()))?
    });
    // The answer is all that is wanted: what still runs is left behind.
    runtime.shutdown_background();
    Ok(judgement?.map(|judgement| match judgement.decision {
        HookDecision::Ask if !could_ask => HookJudgement {
            decision: HookDecision::Deny,
            reason: format!(
                "a person has to confirm this command: {} No host runs that could ask one: start `quarterdeck serve`, then make the same call again",
                judgement.reason
            ),
        },
        _ => judgement,
    }))
}
