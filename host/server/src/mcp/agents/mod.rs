//! Tools for driving the programs of coding agents in sessions: prompts that are seen to
//! arrive, and what the programs do.

mod agent_prompt;
mod agent_states;
mod wait_any;

use std::sync::{Arc, OnceLock};

use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::{Caller, Host, HostError, SessionId};

use super::tool::Toolbox;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with::<agent_prompt::AgentPrompt>()
                .with::<agent_states::AgentStates>()
                .with::<wait_any::WaitForAny>(),
        )
    }))
}

/// The session that `name` means: a session's id or name, or an agent.
fn session_named(host: &Host, name: &str, caller: &Caller) -> Result<SessionId, HostError> {
    let said = || name.to_owned();
    let targets = [
        Target::Session(said()),
        Target::Agent(said()),
        Target::Named(said()),
    ];
    (targets.iter())
        .map(|target| host.one_session(target, caller))
        .find(|found| !matches!(found, Err(HostError::NoSessionMeant(_))))
        .unwrap_or_else(|| Err(HostError::SessionNotFound(name.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::toolbox;

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }
}
