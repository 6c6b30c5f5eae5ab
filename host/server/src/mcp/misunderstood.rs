//! What is told to a client whose request could not be understood.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CompleteRequestParams, CustomRequest, ErrorCode, GetPromptRequestParams,
    InitializeRequestParams, ReadResourceRequestParams,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The error for a request that is none of the protocol's: of an unknown method, or of
/// a known one with other parameters than it takes.
pub(super) fn misunderstood(request: CustomRequest) -> ErrorData {
    let method = request.method;
    let params = request.params.unwrap_or(Value::Null);
    let wrong = match method.as_str() {
        "initialize" => what_is_wrong::<InitializeRequestParams>(params),
        "tools/call" => what_is_wrong::<CallToolRequestParams>(params),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            what_is_wrong::<ReadResourceRequestParams>(params)
        }
        "prompts/get" => what_is_wrong::<GetPromptRequestParams>(params),
        "completion/complete" => what_is_wrong::<CompleteRequestParams>(params),
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" | "ping" => {
            "`params` is no object of this method's".to_owned()
        }
        _ => {
            let message = format!("there is no method {method:?}");
            return ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None);
        }
    };
    ErrorData::invalid_params(
        format!("the parameters of {method:?} are not right: {wrong}"),
        None,
    )
}

fn what_is_wrong<T: DeserializeOwned>(params: Value) -> String {
    match serde_json::from_value::<T>(params) {
        Ok(_) => "they do not belong to this revision of the protocol".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_parameters_are_told_from_unknown_methods() {
        for (method, params, code, says) in [
            ("tools/call", json!({"name": 5}), -32602, "tools/call"),
            ("tools/call", json!(null), -32602, "tools/call"),
            (
                "tools/call",
                json!({"name": "session_run", "arguments": []}),
                -32602,
                "map",
            ),
            ("resources/read", json!({}), -32602, "uri"),
            (
                "foo/bar",
                json!({}),
                -32601,
                "there is no method \"foo/bar\"",
            ),
        ] {
            let told = misunderstood(CustomRequest::new(method, Some(params)));
            assert_eq!(told.code.0, code, "{method}");
            assert!(told.message.contains(says), "{}", told.message);
        }
    }
}
