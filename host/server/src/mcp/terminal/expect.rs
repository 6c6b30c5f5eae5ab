//! `terminal_expect_tool`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer, required, seconds};

pub(super) struct Expect;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Session ID
    #[schemars(required)]
    session_id: Option<String>,
    /// Regex pattern to wait for
    #[schemars(required)]
    pattern: Option<String>,
    /// Timeout in seconds (default: 30)
    #[serde(default = "default_timeout")]
    timeout: f64,
}

fn default_timeout() -> f64 {
    30.0
}

impl ForeignTool for Expect {
    const NAME: &'static str = "terminal_expect_tool";
    const DESCRIPTION: &'static str = "Wait for a pattern in session output. What matched, and all before it, is consumed: the next call looks at what follows.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Outcome {
        let id = required(arguments.session_id, "session_id")?;
        let pattern = required(arguments.pattern, "pattern")?;
        let expected = host
            .expect(&id, &pattern, seconds(arguments.timeout)?)
            .await?;
        match expected.matched {
            Some(matched) => answer(json!({
                "success": true,
                "matched": matched,
                "before": expected.before,
            })),
            None => answer(json!({
                "success": false,
                "error": if expected.ended { "Session terminated" } else { "Pattern not found (timeout)" },
                "before": expected.before,
            })),
        }
    }
}
