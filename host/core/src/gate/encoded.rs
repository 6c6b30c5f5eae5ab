//! Commands that travel as base64, which the shell decodes: for text that a terminal
//! on the way would change. What is judged is what was encoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::running::runnable;
use super::{Gate, Running};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

impl Gate {
    /// Judges `command` and, if it may, has the shell decode and run it.
    pub(crate) async fn run_encoded(
        &self,
        session: &Session,
        command: &str,
        caller: &Caller,
    ) -> Result<Running, HostError> {
        let command = runnable(command)?;
        self.run_as(session, command, &encoded(command), caller)
            .await
    }
}

/// A line of plain ASCII that does what `command` does, in bash, zsh, fish and POSIX
/// shells alike.
fn encoded(command: &str) -> String {
    format!(
        "eval \"$(printf %s {} | base64 -d)\"",
        STANDARD.encode(command)
    )
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_shell_runs_what_was_encoded() {
        let awkward = "printf '%s|' \"a  b\" 'é $HOME' `echo c`\nprintf '%s' \"$((1+1))\"";
        let ran = std::process::Command::new("sh")
            .args(["-c", &encoded(awkward)])
            .output()
            .expect("sh");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "a  b|é $HOME|c|2");
    }
}
