//! What a client and the host that it joined have said to each other, as far as a host
//! that comes after that one has to be told of it, and the client of the loss.
//!
//! Lines of JSON-RPC 2.0 as MCP frames them on standard input and output; what cannot be
//! read is passed on, for whoever it is meant for to complain about.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

/// An id as it is written: numbers and strings are different ids.
type Id = String;

/// JSON-RPC's "internal error".
const INTERNAL_ERROR: i32 = -32603;

/// The part of a message that says what it is.
#[derive(Deserialize)]
struct Message {
    id: Option<Value>,
    method: Option<String>,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The request that began it, which revisions without a handshake do not have.
    initialize: Option<Value>,
    initialized: Option<Value>,
    log_level: Option<Value>,
    /// By the resource.
    subscriptions: BTreeMap<String, Value>,
    /// Requests of the client without an answer.
    unanswered: BTreeSet<Id>,
    /// Requests of the host without an answer.
    asked: BTreeSet<Id>,
    /// Those of hosts that are gone: nobody waits for what the client says to them.
    stale: BTreeSet<Id>,
    /// What was said again to the next host: its answers are not for the client.
    said_again: BTreeSet<Id>,
}

impl Conversation {
    /// The client says `line`: whether the host is to hear it.
    pub(super) fn client_says(&mut self, line: &[u8]) -> bool {
        let Ok(message) = serde_json::from_slice::<Message>(line) else {
            return true;
        };
        let id = message.id.as_ref().map(Value::to_string);
        match (message.method.as_deref(), id) {
            (Some(method), id) => {
                self.unanswered.extend(id);
                self.remember(method, line);
                true
            }
            (None, Some(id)) => self.asked.remove(&id) || !self.stale.remove(&id),
            (None, None) => true,
        }
    }

    fn remember(&mut self, method: &str, line: &[u8]) {
        if !matches!(
            method,
            "initialize"
                | "notifications/initialized"
                | "notifications/cancelled"
                | "logging/setLevel"
                | "resources/subscribe"
                | "resources/unsubscribe"
        ) {
            return;
        }
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let resource = message["params"]["uri"].as_str().map(str::to_owned);
        match (method, resource) {
            ("initialize", _) => self.initialize = Some(message),
            ("notifications/initialized", _) => self.initialized = Some(message),
            ("notifications/cancelled", _) => {
                // It is not answered any more.
                let cancelled = message["params"]["requestId"].to_string();
                self.unanswered.remove(&cancelled);
            }
            ("logging/setLevel", _) => self.log_level = Some(message),
            ("resources/subscribe", Some(uri)) => {
                self.subscriptions.insert(uri, message);
            }
            (_, Some(uri)) => {
                self.subscriptions.remove(&uri);
            }
            (_, None) => {}
        }
    }

    /// The host says `line`: whether the client is to hear it.
    pub(super) fn host_says(&mut self, line: &[u8]) -> bool {
        let Ok(message) = serde_json::from_slice::<Message>(line) else {
            return true;
        };
        let Some(id) = message.id.as_ref().map(Value::to_string) else {
            return true;
        };
        if message.method.is_some() {
            self.stale.remove(&id);
            self.asked.insert(id);
            return true;
        }
        self.unanswered.remove(&id);
        !self.said_again.remove(&id)
    }

    /// The host is gone: what the client is told. Only a handshake that was not over is
    /// left to the next host.
    pub(super) fn host_is_gone(&mut self) -> Vec<Value> {
        let handshake = self.handshake_under_way();
        let mut told = Vec::new();
        for id in std::mem::take(&mut self.unanswered) {
            if Some(&id) == handshake.as_ref() {
                self.unanswered.insert(id);
                continue;
            }
            told.push(failure(
                &id,
                "the host ended before it answered, so what became of this call is not known. The next host is joined when it runs; it finds sessions on tmux and iTerm2 again, those on pseudo-terminals are gone",
            ));
        }
        for id in std::mem::take(&mut self.asked) {
            told.push(json!({
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": { "requestId": written(&id), "reason": "the host that asked has ended" },
            }));
            self.stale.insert(id);
        }
        self.said_again.clear();
        told
    }

    fn handshake_under_way(&self) -> Option<Id> {
        let id = self.initialize.as_ref()?["id"].to_string();
        self.unanswered.contains(&id).then_some(id)
    }

    /// What the next host has to hear first.
    pub(super) fn introduction(&mut self) -> Vec<Value> {
        if self.handshake_under_way().is_some() {
            return self.initialize.iter().cloned().collect();
        }
        let again = self
            .initialize
            .iter()
            .chain(&self.initialized)
            .chain(&self.log_level)
            .chain(self.subscriptions.values())
            .cloned()
            .enumerate();
        let mut said = Vec::new();
        for (number, mut message) in again {
            if message.get("id").is_some() {
                message["id"] = json!(format!("quarterdeck mcp, again {number}"));
                self.said_again.insert(message["id"].to_string());
            }
            said.push(message);
        }
        said
    }

    /// What the client hears when the next host is there.
    pub(super) fn news(&self) -> Option<Value> {
        self.initialized.as_ref()?;
        Some(json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }))
    }
}

/// What a request is answered with where no host came; nothing for what takes no answer.
pub(super) fn no_host(line: &[u8]) -> Option<Value> {
    let message: Message = serde_json::from_slice(line).ok()?;
    message.method?;
    Some(failure(
        &message.id?.to_string(),
        "no host runs: the one that this client had joined has ended. Start one with `quarterdeck serve`, and call again",
    ))
}

fn failure(id: &Id, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": written(id), "error": { "code": INTERNAL_ERROR, "message": message } })
}

/// The id as it was written.
fn written(id: &Id) -> Value {
    serde_json::from_str(id).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &Value) -> Vec<u8> {
        message.to_string().into_bytes()
    }

    fn request(id: impl Into<Value>, method: &str) -> Value {
        json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": { "uri": "terminal://a" } })
    }

    fn answer(id: impl Into<Value>) -> Value {
        json!({ "jsonrpc": "2.0", "id": id.into(), "result": {} })
    }

    /// With a handshake behind it.
    fn begun() -> Conversation {
        let mut it = Conversation::default();
        assert!(it.client_says(&line(&request(0, "initialize"))));
        assert!(it.host_says(&line(&answer(0))));
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert!(it.client_says(&line(&initialized)));
        it
    }

    #[test]
    fn the_next_host_is_introduced_and_its_answers_to_that_are_kept_back() {
        let mut it = begun();
        it.client_says(&line(&request(1, "resources/subscribe")));
        it.host_says(&line(&answer(1)));
        assert_eq!(it.host_is_gone(), Vec::<Value>::new());
        let said = it.introduction();
        let methods: Vec<_> = said.iter().map(|it| it["method"].as_str()).collect();
        let wanted = [
            "initialize",
            "notifications/initialized",
            "resources/subscribe",
        ];
        assert_eq!(methods, wanted.map(Some));
        assert!(!it.host_says(&line(&answer(said[0]["id"].clone()))));
        assert!(!it.host_says(&line(&answer(said[2]["id"].clone()))));
        assert!(it.news().is_some());
        assert!(it.client_says(&line(&request(2, "tools/list"))));
        assert!(it.host_says(&line(&answer(2))));
    }

    #[test]
    fn what_was_not_answered_fails_and_what_was_asked_is_withdrawn() {
        let mut it = begun();
        it.client_says(&line(&request(7, "tools/call")));
        it.client_says(&line(&request("7", "tools/call")));
        it.host_says(&line(&request(0, "elicitation/create")));
        let told = it.host_is_gone();
        let ids: Vec<_> = told.iter().map(|it| &it["id"]).collect();
        assert_eq!(ids, [&json!("7"), &json!(7), &Value::Null]);
        assert_eq!(told[2]["params"]["requestId"], 0);
        assert!(!it.client_says(&line(&answer(0))), "too late");
        it.host_says(&line(&request(0, "elicitation/create")));
        assert!(it.client_says(&line(&answer(0))), "the next host asks");
    }

    #[test]
    fn a_handshake_that_is_not_over_is_made_with_the_next_host() {
        let mut it = Conversation::default();
        it.client_says(&line(&request(0, "initialize")));
        assert!(it.host_is_gone().is_empty());
        assert_eq!(it.introduction(), [request(0, "initialize")]);
        assert_eq!(it.news(), None);
        assert!(it.host_says(&line(&answer(0))));
    }

    #[test]
    fn what_was_cancelled_or_cannot_be_read_is_nobodys_loss() {
        let mut it = begun();
        it.client_says(&line(&request(3, "tools/call")));
        let cancelled =
            json!({ "method": "notifications/cancelled", "params": { "requestId": 3 } });
        it.client_says(&line(&cancelled));
        for odd in [&b"{"[..], b"[1]", b"", b"\xff", b"null", b"{\"id\":null}"] {
            assert!(it.client_says(odd) && it.host_says(odd));
            assert_eq!(no_host(odd), None);
        }
        assert!(it.host_is_gone().is_empty());
        assert_eq!(
            no_host(&line(&request(4, "tools/call"))).expect("an answer")["id"],
            4
        );
    }
}
