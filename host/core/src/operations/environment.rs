//! What a caller may set in the environment of a session that it opens.
//!
//! A setting is a command like `env PATH=… bash`, and judged as one. What would change
//! the shell itself, behind the gate's back, is refused whatever a policy says.

use quarterdeck_terminal::quoting::posix_word;

use super::create::CreateSession;
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;

/// Names of environment variables that run code when a shell starts, or that change
/// what a command line means to it: what is judged afterwards would not be what runs.
const VARIABLES_THAT_RUN_CODE: &[&str] = &[
    "BASHOPTS",
    "BASH_ENV",
    "ENV",
    "FPATH",
    "GCONV_PATH",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "IFS",
    "INPUTRC",
    "LESSCLOSE",
    "LESSOPEN",
    "NODE_OPTIONS",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "ZDOTDIR",
];

/// Beginnings of such names.
const PREFIXES_THAT_RUN_CODE: &[&str] =
    &["BASH_FUNC_", "DYLD_", "GIT_CONFIG", "LD_", "QUARTERDECK_"];

impl Host {
    /// Judges what `request` sets. A person's yes to it is good for one session.
    pub(crate) async fn judge_environment(
        &self,
        request: &CreateSession,
        caller: &Caller,
    ) -> Result<(), HostError> {
        if request.env.is_empty() {
            return Ok(());
        }
        refuse_what_shells_run(&request.env)?;
        let name = request.name.as_deref().unwrap_or_default();
        let command = command_line(&request.env, request.shell.as_deref());
        self.gate.pass_opening(&command, name, caller).await?;
        Ok(())
    }
}

/// What would open the same shell from a command line.
fn command_line(env: &[(String, String)], shell: Option<&str>) -> String {
    let settings = env.iter().map(|(name, value)| format!("{name}={value}"));
    std::iter::once("env".to_owned())
        .chain(settings)
        .chain([shell.unwrap_or("sh").to_owned()])
        .map(|word| posix_word(&word))
        .collect::<Vec<_>>()
        .join(" ")
}

fn refuse_what_shells_run(env: &[(String, String)]) -> Result<(), HostError> {
    for (name, value) in env {
        let runs_code = VARIABLES_THAT_RUN_CODE.contains(&name.as_str())
            || PREFIXES_THAT_RUN_CODE
                .iter()
                .any(|prefix| name.starts_with(prefix));
        if runs_code {
            return Err(HostError::InvalidParameters(format!(
                "env may not set {name}: its value would run or change commands without passing the gate; set it by a command in the session instead"
            )));
        }
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(HostError::InvalidParameters(format!(
                "env has the impossible setting {name:?} = {value:?}: no name holds `=`, and neither holds a NUL"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_run_code_are_refused() {
        for name in [
            "PROMPT_COMMAND",
            "LD_PRELOAD",
            "BASH_FUNC_ls%%",
            "BASH_ENV",
            "A=B",
            "",
        ] {
            let env = [(name.to_owned(), "x".to_owned())];
            assert!(refuse_what_shells_run(&env).is_err(), "{name}");
        }
        let env = [("PATH".to_owned(), "/bin".to_owned())];
        assert!(refuse_what_shells_run(&env).is_ok());
    }

    #[test]
    fn settings_are_words_of_a_command_line() {
        let env =
            [("A", "b c"), ("PATH", "/x:/y")].map(|(name, value)| (name.into(), value.into()));
        let line = command_line(&env, Some("zsh"));
        assert_eq!(line, "env 'A=b c' PATH=/x:/y zsh");
    }
}
