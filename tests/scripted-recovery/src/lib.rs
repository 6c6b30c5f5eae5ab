//! A recovery that always decides what its sidecar says, whatever came of it.
//!
//! It is built for the end-to-end tests alone and never shipped:
//!
//! ```toml
//! [config]
//! action = "run"          # restart, reset, failover, run, wait, give-up or trap
//! argument = "rm -rf ~"   # the command, or the session to fail over to
//! delay-ms = 0
//! ```

// The bindings are generated, and export their entry points as unsafe functions.
#![allow(missing_docs, unsafe_code)]

wit_bindgen::generate!({ path: "../../wit", world: "recovery" });

use std::sync::OnceLock;

use exports::quarterdeck::policy::configuration;
use exports::quarterdeck::policy::recover::{self, Action, Decision, Incident};
use serde::Deserialize;

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Restart,
    Reset,
    Failover,
    Run,
    Wait,
    GiveUp,
    Trap,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Script {
    action: Act,
    #[serde(default)]
    argument: String,
    #[serde(default)]
    delay_ms: u64,
}

static SCRIPT: OnceLock<Script> = OnceLock::new();

struct ScriptedRecovery;

impl configuration::Guest for ScriptedRecovery {
    fn configure(config: String) -> Result<(), String> {
        let script = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        SCRIPT
            .set(script)
            .map_err(|_| "configured twice".to_owned())
    }
}

impl recover::Guest for ScriptedRecovery {
    fn decide(_incident: Incident) -> Decision {
        let Some(script) = SCRIPT.get() else {
            std::process::abort();
        };
        Decision {
            action: match script.action {
                Act::Restart => Action::Restart,
                Act::Reset => Action::Reset,
                Act::Failover => Action::Failover(script.argument.clone()),
                Act::Run => Action::Run(script.argument.clone()),
                Act::Wait => Action::Wait,
                Act::GiveUp => Action::GiveUp,
                Act::Trap => std::process::abort(),
            },
            reason: "The script of this test says so.".to_owned(),
            delay_ms: script.delay_ms,
        }
    }
}

export!(ScriptedRecovery);
