//! `create_sessions`, `split_session`.

use std::sync::Arc;

use quarterdeck_core::orchestration;
use quarterdeck_core::{Caller, Host};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer};

pub(super) struct CreateSessions;

impl ForeignTool for CreateSessions {
    const NAME: &'static str = "create_sessions";
    const DESCRIPTION: &'static str = "Create terminal sessions in a layout, each with an agent, a team, a role and a first command of its own. Commands are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = orchestration::CreateSessions;
    type Dialect = JsonText;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        request: orchestration::CreateSessions,
    ) -> Outcome {
        answer(&host.create_sessions(&request, &caller).await?)
    }
}

pub(super) struct SplitSession;

impl ForeignTool for SplitSession {
    const NAME: &'static str = "split_session";
    const DESCRIPTION: &'static str =
        "Create a terminal session beside another, in the same folder.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = orchestration::SplitSession;
    type Dialect = JsonText;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        request: orchestration::SplitSession,
    ) -> Outcome {
        answer(&host.split_session(&request, &caller).await?)
    }
}
