//! Results as MCP wants them: structured content for programs, text for models.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use quarterdeck_core::{HostError, inert_text};
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, ProtocolVersion};
use serde::Serialize;
use serde_json::{Value, json};

use super::native_words;

/// A tool's answer.
pub(super) fn success(
    output: &impl Serialize,
    text: String,
    png: Option<&[u8]>,
) -> Result<CallToolResult, HostError> {
    let structured = serde_json::to_value(output)
        .map_err(|error| HostError::Internal(format!("the answer is not JSON: {error}")))?;
    let mut content = vec![ContentBlock::text(inert_text(&text))];
    content.extend(png.map(|file| ContentBlock::image(BASE64.encode(file), "image/png")));
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(structured);
    Ok(result)
}

/// An error that the model reads: `{error: {code, message, details}}`.
pub(super) fn failure(error: &HostError) -> CallToolResult {
    let code = error.code();
    let message = native_words::told(error);
    let mut body = json!({ "code": code, "message": message });
    let details = details(error);
    if !details.is_null() {
        body["details"] = details;
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(inert_text(&format!(
        "{code}: {message}"
    )))]);
    result.structured_content = Some(json!({ "error": body }));
    result
}

/// The answer as a client of this revision reads it: before structured content was there
/// (MCP 2025-06-18), programs read the text, so it is the JSON.
pub(super) fn as_read_by(
    revision: Option<ProtocolVersion>,
    answer: CallToolResponse,
) -> CallToolResponse {
    let knows = revision.is_none_or(|it| it.as_str() >= ProtocolVersion::V_2025_06_18.as_str());
    match answer {
        CallToolResponse::Complete(mut result) if !knows => {
            if let Some(structured) = result.structured_content.take()
                && let Some(text) = result.content.first_mut()
            {
                *text = ContentBlock::text(inert_text(&structured.to_string()));
            }
            result.into()
        }
        answer => answer,
    }
}

fn details(error: &HostError) -> Value {
    let details = match error {
        HostError::Refused(refusal) => serde_json::to_value(refusal),
        HostError::ConfirmationRequired(pending) => {
            serde_json::to_value(pending).map(|mut pending| {
                pending["requiresConfirmation"] = Value::Bool(true);
                pending
            })
        }
        HostError::RateLimitExceeded(too_often) => Ok(json!({
            "limit": too_often.limit,
            "retryAfterMs": too_often.retry_in.as_millis(),
        })),
        HostError::SessionBusy { session, .. } | HostError::SessionEnded { session, .. } => {
            Ok(json!({ "sessionId": session }))
        }
        _ => return Value::Null,
    };
    details.unwrap_or_default()
}
