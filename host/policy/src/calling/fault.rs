//! The ways in which a call of a policy can fail, told apart from the engine's
//! errors.

use std::time::Duration;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// Why a call brought no answer. Its text continues a sentence that begins
/// with the policy's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("ran past its deadline of {} ms", .0.as_millis())]
    Deadline(Duration),
    #[error(
        "asked for more memory than its limit of {limit} bytes (`limits.memory-bytes` of its sidecar)"
    )]
    Memory { limit: u64 },
    #[error("called itself too deeply and used up its stack")]
    Stack,
    #[error("crashed ({0})")]
    Trap(String),
    #[error("gave an answer that is out of shape ({0})")]
    Garbage(String),
    #[error(
        "gave an answer that is too large: a call may hand over {} bytes at most, each entry of a list counted",
        .limit.map_or_else(|| String::from("so many"), |limit| limit.to_string())
    )]
    Oversized { limit: Option<usize> },
    /// Well-formed, but against the rules of its kind.
    #[error("gave an answer that breaks the rules ({0})")]
    Unlawful(String),
    #[error("could not be started because the host runs as many calls as it can")]
    Busy,
    #[error("could not be started ({0})")]
    Start(String),
}

impl Fault {
    /// Whether the policy itself is to blame.
    pub(crate) fn blames_policy(&self) -> bool {
        !matches!(self, Fault::Busy | Fault::Start(_))
    }

    /// The rule under which the host refuses after this fault.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Fault::Deadline(_) => "host/deadline",
            Fault::Memory { .. } => "host/memory",
            Fault::Stack => "host/stack",
            Fault::Trap(_) => "host/trap",
            Fault::Garbage(_) | Fault::Oversized { .. } => "host/garbage",
            Fault::Unlawful(_) => "host/unlawful",
            Fault::Busy | Fault::Start(_) => "host/busy",
        }
    }

    /// Reads off an error of a guest call what went wrong.
    pub(crate) fn of_call(error: &wasmtime::Error) -> Fault {
        match error.downcast_ref::<Fault>() {
            Some(fault) => fault.clone(),
            None => match error.downcast_ref::<Trap>() {
                Some(Trap::StackOverflow) => Fault::Stack,
                Some(trap) => Fault::Trap(trap.to_string()),
                None if error.is::<I32Exit>() => {
                    Fault::Trap(String::from("it called `exit` instead of answering"))
                }
                None => match one_line(error) {
                    // The engine has no type for it.
                    line if line.contains("fuel allocated for hostcalls") => {
                        Fault::Oversized { limit: None }
                    }
                    line => Fault::Garbage(line),
                },
            },
        }
    }

    /// The same, knowing how much the call might have handed over.
    pub(crate) fn with_limit(self, limit: usize) -> Self {
        match self {
            Fault::Oversized { .. } => Fault::Oversized { limit: Some(limit) },
            fault => fault,
        }
    }
}

/// An error with its causes, on one line of bounded length; the names of a guest's
/// functions are for nobody who reads it.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    const LONGEST: usize = 400;
    let mut line = String::new();
    let backtrace = error.downcast_ref::<WasmBacktrace>().is_some();
    let causes: Vec<String> = error
        .chain()
        .map(ToString::to_string)
        .filter(|cause| {
            !(backtrace && cause.starts_with("error while executing at wasm backtrace"))
        })
        .collect();
    for word in causes.join(": ").split_whitespace() {
        if line.len() + word.len() > LONGEST {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
