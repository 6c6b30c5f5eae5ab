//! The smallest useful approver: `git push` is refused, the rest is safe.
//!
//! Build it with `cargo run -p policy-bundler -- --guest examples/approver-git-push
//! --out DIR`, and drop the `.wasm` into the plugins folder of a running host.
//! A sidecar `approver-git-push.toml` may word the refusal:
//!
//! ```toml
//! [config]
//! reason = "Releases are frozen until Monday."
//! ```

use std::sync::OnceLock;

use exports::quarterdeck::policy::approve::{Guest as Approve, Request, Verdict};
use exports::quarterdeck::policy::configuration::Guest as Configuration;
use quarterdeck::policy::types::Tier;

wit_bindgen::generate!({ path: "../../wit", world: "approver" });

struct GitPush;

/// What `configure` leaves behind; every later instance starts with it.
static REASON: OnceLock<String> = OnceLock::new();

impl Configuration for GitPush {
    fn configure(config: String) -> Result<(), String> {
        let config: serde_json::Value =
            serde_json::from_str(&config).map_err(|error| error.to_string())?;
        if let Some(reason) = config.get("reason") {
            let reason = reason.as_str().ok_or("`reason` must be a string")?;
            REASON
                .set(reason.to_owned())
                .map_err(|_| "configured twice")?;
        }
        Ok(())
    }
}

impl Approve for GitPush {
    fn review(request: Request) -> Verdict {
        let pushes = request.command_line.contains("git push");
        let reason = REASON
            .get()
            .map_or("Pushing is not allowed from here.", String::as_str);
        Verdict {
            tier: if pushes { Tier::Dangerous } else { Tier::Safe },
            reason: if pushes { reason } else { "Not a push." }.to_owned(),
            rule: pushes.then(|| "example/git-push".to_owned()),
            span: None,
            suggestion: pushes.then(|| "Commit, and ask a person to push.".to_owned()),
        }
    }
}

export!(GitPush);
