//! A stand-in for a coding agent's program.
//!
//! It draws what such programs draw (a prompt box at the bottom of the screen, a
//! spinner while it works, dialogs), reads what they read (bracketed pastes, Enter,
//! Escape), and has their bad manners on request: it loses what is typed before it
//! is ready, takes an Enter that comes with a paste for a part of it, swallows Enters
//! and draws at its own pace. Each prompt that was submitted is one line of JSON in
//! `--log`, so that a test can count.
//!
//! What it does is said in the prompt itself:
//!
//! | prompt | what happens |
//! | --- | --- |
//! | `/think MS` | it thinks for so long |
//! | `/permission COMMAND` | it asks whether it may run the command |
//! | `/ask QUESTION` | it asks, with choices |
//! | `/limit SECONDS` | a usage limit is reached, until so many seconds have passed |
//! | `/crash STATUS` | it ends at once, with this exit status |
//! | anything else | it thinks for `--think-ms` and answers |

mod agent;
mod hooks;
mod keys;
mod log;
mod look;
mod screen;
mod timing;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser;
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use agent::{Agent, Turn};
use keys::Keys;

/// A stand-in for a coding agent's program.
#[derive(Parser)]
struct Flags {
    /// Whose looks it has; by default those of the name that it was started by.
    #[arg(long, value_enum)]
    look: Option<look::Look>,
    /// How long it thinks about a prompt, in milliseconds.
    #[arg(long, default_value_t = 50)]
    think_ms: u64,
    /// It draws up to so many milliseconds late, in pieces.
    #[arg(long, default_value_t = 0)]
    jitter_ms: u64,
    /// For the jitter: the same number, the same pauses.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long it takes to start; what is typed meanwhile is lost.
    #[arg(long, default_value_t = 0)]
    start_ms: u64,
    /// How long it shows its box and reads nothing; what is typed meanwhile waits.
    #[arg(long, default_value_t = 0)]
    deaf_ms: u64,
    /// What was typed while it read nothing is thrown away.
    #[arg(long)]
    forgetful: bool,
    /// Of so many Enters in a full box one has no effect; none does where it is 0.
    #[arg(long, default_value_t = 0)]
    swallow_every: u64,
    /// Where submitted prompts and answers to dialogs are written down.
    #[arg(long)]
    log: Option<PathBuf>,
    /// A program that is called with a hook's payload on its standard input, as
    /// Claude Code calls its hooks.
    #[arg(long, num_args = 1.., value_terminator = ";")]
    hook: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let flags = Flags::parse();
    let before = tcgetattr(stdin())?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;
    let ended = run(flags);
    print!("\x1b[?2004l\x1b[?25h\r\n");
    tcsetattr(stdin(), OptionalActions::Drain, &before)?;
    ended.map(ExitCode::from)
}

/// Runs until it is told to end; the exit status.
fn run(flags: Flags) -> anyhow::Result<u8> {
    let (sender, typed) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(read @ 1..) = std::io::stdin().read(&mut buffer) {
            if sender.send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut agent = Agent::new(&flags)?;
    // Agents take their time to start, and what is typed meanwhile is lost.
    let starting_up = Duration::from_millis(flags.start_ms);
    std::thread::sleep(starting_up);
    while typed.try_recv().is_ok() {}
    let mut keys = Keys::default();
    agent.begin()?;
    std::thread::sleep(Duration::from_millis(flags.deaf_ms));
    while flags.forgetful && typed.try_recv().is_ok() {}
    loop {
        match typed.recv_timeout(agent.patience()) {
            Ok(bytes) => {
                for key in keys.read(&bytes) {
                    if let Turn::Ends(status) = agent.takes(key)? {
                        return Ok(status);
                    }
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(0),
        }
        agent.draws()?;
    }
}
