//! `start_monitoring_session`, `stop_monitoring_session`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::sessions::OneSession;
use super::{JsonText, answer};

pub(super) struct StartMonitoringSession;

impl ForeignTool for StartMonitoringSession {
    const NAME: &'static str = "start_monitoring_session";
    const DESCRIPTION: &'static str = "Follow a session's output: subscribers of terminal://{session_id}/output are told as it comes.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = OneSession;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, session: OneSession) -> Outcome {
        let id = host.one_session(&session.target(), &caller)?;
        let started = host.monitor_session(&id, true);
        let name = host.describe_session(id.as_str()).await?.name;
        let message = match started {
            true => format!("Started monitoring for session: {name}"),
            false => format!("Session {name} is already being monitored"),
        };
        answer(&json!({ "session_id": id, "is_monitoring": true, "message": message }))
    }
}

pub(super) struct StopMonitoringSession;

impl ForeignTool for StopMonitoringSession {
    const NAME: &'static str = "stop_monitoring_session";
    const DESCRIPTION: &'static str = "Stop following a session's output.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = OneSession;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, session: OneSession) -> Outcome {
        let id = host.one_session(&session.target(), &caller)?;
        let stopped = host.monitor_session(&id, false);
        let name = host.describe_session(id.as_str()).await?.name;
        let message = match stopped {
            true => format!("Stopped monitoring for session: {name}"),
            false => format!("Session {name} is not being monitored"),
        };
        answer(&json!({ "session_id": id, "is_monitoring": false, "message": message }))
    }
}
