//! `session_resize`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionResize;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    columns: u16,
    rows: u16,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    session_id: String,
    columns: u16,
    rows: u16,
}

impl NativeTool for SessionResize {
    const NAME: &'static str = "session_resize";
    const TITLE: &'static str = "Resize a session";
    const DESCRIPTION: &'static str = "Changes a session's size in columns and rows.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        _: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let size = host
            .resize_session(&arguments.session_id, arguments.columns, arguments.rows)
            .await?;
        Ok(Output {
            session_id: arguments.session_id,
            columns: size.columns,
            rows: size.rows,
        })
    }

    fn text(output: &Output) -> String {
        format!(
            "session {} has {} columns and {} rows",
            output.session_id, output.columns, output.rows
        )
    }
}
