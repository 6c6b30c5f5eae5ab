//! `set_session_tags`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer, yes};

pub(super) struct SetSessionTags;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The session's id
    session_id: String,
    /// Words to find it by
    tags: Vec<String>,
    /// Whether the tags that it has stay
    #[serde(default = "yes")]
    append: bool,
}

impl ForeignTool for SetSessionTags {
    const NAME: &'static str = "set_session_tags";
    const DESCRIPTION: &'static str =
        "Add tags to a session, or replace them with append: false (an empty list clears them).";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Outcome {
        let id = &arguments.session_id;
        let tags = host
            .set_session_tags(id, &arguments.tags, arguments.append)
            .await?;
        answer(&json!({ "session_id": id, "tags": tags }))
    }
}
