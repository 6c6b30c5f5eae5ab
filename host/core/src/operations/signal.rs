//! Sending a signal to the program in front of a session.

use std::fmt;
use std::str::FromStr;

use quarterdeck_terminal::{ForegroundSignal, SignalError};

use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::Input;
use crate::host::Host;

/// A signal by name, with or without `SIG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalName(ForegroundSignal);

/// Which signals can be sent.
const SIGNALS: &[(&str, ForegroundSignal)] = &[
    ("SIGINT", ForegroundSignal::Interrupt),
    ("SIGTERM", ForegroundSignal::Terminate),
    ("SIGKILL", ForegroundSignal::Kill),
    ("SIGQUIT", ForegroundSignal::Quit),
    ("SIGHUP", ForegroundSignal::Hangup),
    ("SIGTSTP", ForegroundSignal::Suspend),
    ("SIGCONT", ForegroundSignal::Continue),
    ("SIGUSR1", ForegroundSignal::User1),
    ("SIGUSR2", ForegroundSignal::User2),
];

impl FromStr for SignalName {
    type Err = HostError;

    fn from_str(name: &str) -> Result<Self, HostError> {
        let upper = name.to_ascii_uppercase();
        let known = |(full, _): &&(&str, ForegroundSignal)| {
            *full == upper || full.strip_prefix("SIG") == Some(&upper)
        };
        let found = SIGNALS.iter().find(known);
        found.map(|(_, signal)| Self(*signal)).ok_or_else(|| {
            let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
            HostError::InvalidParameters(format!(
                "there is no signal {name:?}: choose {}",
                names.join(", ")
            ))
        })
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = SIGNALS.iter().find(|(_, signal)| *signal == self.0);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

impl Host {
    /// Sends a signal to the program in front of a session, and returns its name.
    /// Never to the session's own shell, and not where another agent has the lock.
    pub async fn signal_program(
        &self,
        id: &str,
        signal: SignalName,
        caller: &Caller,
    ) -> Result<String, HostError> {
        let session = self.registry.get(id)?;
        self.agents.may_end(&session.id, caller)?;
        if session.remote_host.is_some() {
            // The program is on another machine: all that goes there is keys.
            if signal.0 != ForegroundSignal::Interrupt {
                return Err(HostError::InvalidParameters(format!(
                    "session {id} is on another machine, where only SIGINT can be sent, as ctrl-c"
                )));
            }
            let ctrl_c = [Input::Bytes(vec![0x03])];
            self.gate.type_input(&session, &ctrl_c, caller).await?;
            return Ok(session.program.clone());
        }
        session
            .terminal
            .signal_foreground(signal.0)
            .await
            .map_err(|error| match error {
                SignalError::NothingRuns => HostError::InvalidParameters(format!(
                    "no command runs in session {id}, so there is nothing to signal"
                )),
                SignalError::System(_) => HostError::Internal(format!(
                    "cannot send {signal} to what runs in session {id}: {error}"
                )),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_goes_by_its_name() {
        for name in ["SIGTERM", "TERM", "term", "sigterm"] {
            assert_eq!(
                name.parse::<SignalName>().expect(name).to_string(),
                "SIGTERM"
            );
        }
        let error = "SIGWAT"
            .parse::<SignalName>()
            .expect_err("unknown")
            .to_string();
        assert!(
            error.contains("SIGWAT") && error.contains("SIGHUP"),
            "{error}"
        );
    }
}
