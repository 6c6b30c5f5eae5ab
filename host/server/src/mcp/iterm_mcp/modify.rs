//! `modify_sessions`.

use std::sync::Arc;

use quarterdeck_core::orchestration::Modification;
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer};

pub(super) struct ModifySessions;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What is to change, session by session
    modifications: Vec<Modification>,
}

impl ForeignTool for ModifySessions {
    const NAME: &'static str = "modify_sessions";
    const DESCRIPTION: &'static str = "Change several sessions at once: colours, badge, focus, the active session, suspend and resume.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        answer(
            &host
                .modify_sessions(&arguments.modifications, &caller)
                .await,
        )
    }
}
