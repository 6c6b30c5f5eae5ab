//! `quarterdeck approve --watch`: shows each command as it begins to wait and, at
//! a terminal, takes the answer.

use std::collections::HashSet;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_core::gate::{Answer, ApprovalScope};

use super::{Waiting, answered, said, waiting};
use crate::Setup;
use crate::inside::refuse_inside;

/// Between two looks: shorter than a person notices.
const PAUSE: Duration = Duration::from_millis(300);

/// Goes on until it is ended, or until standard input ends at a terminal.
pub(super) fn run(setup: &Setup, json: bool) -> Result<ExitCode> {
    let asks = !json && io::stdin().is_terminal() && io::stdout().is_terminal();
    if asks {
        refuse_inside(setup, "approving")?;
        anstream::println!("waiting for commands that need a yes; Ctrl-C ends this");
    }
    let mut shown: HashSet<String> = HashSet::new();
    loop {
        let now = waiting(setup)?;
        shown.retain(|id| now.iter().any(|pending| pending.confirmation_id == *id));
        for pending in now {
            if !shown.insert(pending.confirmation_id.clone()) {
                continue;
            }
            if json {
                anstream::println!("{}", serde_json::to_string(&pending)?);
            } else {
                anstream::println!("{}", pending.shown());
            }
            io::stdout().flush().context("printing what waits")?;
            if asks && !put(setup, &pending)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Puts the question; `false` when standard input has ended.
fn put(setup: &Setup, pending: &Waiting) -> Result<bool> {
    loop {
        // A yes for good is for one folder.
        let always = match pending.cwd {
            Some(_) => ", [a]lways in this folder",
            None => "",
        };
        anstream::print!("  allow [o]nce, for this [s]ession{always}, [d]eny, or [l]ater? ");
        io::stdout().flush().context("printing the question")?;
        let mut line = String::new();
        if io::stdin()
            .lock()
            .read_line(&mut line)
            .context("reading the answer")?
            == 0
        {
            return Ok(false);
        }
        let answer = match line.trim() {
            "o" | "once" => Answer::Allow(ApprovalScope::Once),
            "s" | "session" => Answer::Allow(ApprovalScope::Session),
            "a" | "always" => Answer::Allow(ApprovalScope::Always),
            "d" | "deny" => Answer::Deny,
            "l" | "later" => return Ok(true),
            _ => continue,
        };
        match answered(setup, &pending.confirmation_id, answer) {
            Ok(_) => anstream::println!("  {}", said(answer)),
            // It may have expired, or somebody else was faster.
            Err(error) => anstream::println!("  {error:#}"),
        }
        return Ok(true);
    }
}
