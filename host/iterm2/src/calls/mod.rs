//! Requests as functions of [`crate::Client`], one file for each subject.

pub(crate) mod layout;
pub(crate) mod profiles;
pub(crate) mod prompts;
pub(crate) mod properties;
pub(crate) mod screens;
pub(crate) mod sessions;
pub(crate) mod typing;
pub(crate) mod windows;

use crate::error::CallError;

/// Sends a request, and takes the answer to it out of its envelope.
macro_rules! ask {
    ($client:expr, $name:expr, $request:ident($value:expr), $response:ident) => {{
        let request = $crate::proto::client_originated_message::Submessage::$request($value);
        match $client.call($name, request).await? {
            $crate::proto::server_originated_message::Submessage::$response(response) => response,
            _ => return Err($crate::client::mismatched($name)),
        }
    }};
}
pub(crate) use ask;

/// Takes a status as the API names it.
fn accept(request: &'static str, status: &'static str) -> Result<(), CallError> {
    if status == "OK" {
        Ok(())
    } else {
        Err(CallError::Status { request, status })
    }
}

/// Takes a JSON value out of an answer.
fn json(request: &'static str, text: &str) -> Result<serde_json::Value, CallError> {
    serde_json::from_str(text).map_err(|error| CallError::Refused {
        request,
        reason: format!("the answer is no JSON: {error}"),
    })
}
