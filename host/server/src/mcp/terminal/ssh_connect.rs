//! `terminal_ssh_connect_tool`.

use std::path::PathBuf;
use std::sync::Arc;

use quarterdeck_core::operations::{SshError, SshTarget};
use quarterdeck_core::{Caller, Host, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer, required};

pub(super) struct SshConnect;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// SSH host
    #[schemars(required)]
    host: Option<String>,
    /// SSH username
    #[schemars(required)]
    username: Option<String>,
    /// SSH password
    password: Option<String>,
    /// SSH port (default: 22)
    #[serde(default = "default_port")]
    port: u16,
    /// Path to private key file
    key_file: Option<PathBuf>,
}

fn default_port() -> u16 {
    22
}

impl ForeignTool for SshConnect {
    const NAME: &'static str = "terminal_ssh_connect_tool";
    const DESCRIPTION: &'static str = "Connect to SSH server and create a session. The login is judged by safety policies before it is tried.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let machine = required(arguments.host, "host")?;
        let user = required(arguments.username, "username")?;
        let key_file = arguments.key_file.map(of_home);
        let target = SshTarget::new(&machine, &user, arguments.port, key_file.as_deref())?;
        let password = arguments.password.map(Secret::new);
        let connected = host.connect_ssh(&target, password.as_ref(), &caller).await;
        let failed = match connected {
            Ok(session) => {
                return answer(json!({
                    "success": true,
                    "session_id": session,
                    "host": machine,
                    "username": user,
                }));
            }
            Err(SshError::Host(error)) => return Err(error),
            Err(failed) => failed,
        };
        let mut told = json!({ "success": false, "error": failed.to_string() });
        if let SshError::TimedOut { detail } | SshError::Failed { detail } = &failed {
            told["detail"] = detail.as_str().into();
        }
        answer(told)
    }
}

/// `~/…` as the person at the keyboard would mean it.
fn of_home(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path,
    }
}
