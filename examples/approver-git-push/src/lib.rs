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

use quarterdeck_sdk::approver::{Approver, Request, Verdict};
use serde::Deserialize;

/// Refuses every `git push`.
#[derive(Debug)]
pub struct GitPush {
    reason: String,
}

/// The sidecar's `[config]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    reason: Option<String>,
}

impl Approver for GitPush {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        let reason = config.reason;
        Ok(Self {
            reason: reason.unwrap_or_else(|| "Pushing is not allowed from here.".to_owned()),
        })
    }

    fn review(&self, request: &Request) -> Verdict {
        const PUSH: &str = "git push";
        match request.command_line.find(PUSH) {
            Some(at) => Verdict::dangerous(&self.reason)
                .with_rule("example/git-push")
                .with_span(at..at + PUSH.len())
                .with_suggestion("Commit, and ask a person to push."),
            None => Verdict::safe("Not a push."),
        }
    }
}

quarterdeck_sdk::export!(approver: GitPush);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_refused_in_the_configured_words() {
        let reason = Some("Frozen.".to_owned());
        let policy = GitPush::configure(Config { reason }).expect("a policy");
        let verdict = policy.review(&Request::for_test("cd src && git push"));
        assert_eq!(verdict.reason, "Frozen.");
        assert_eq!(policy.review(&Request::for_test("git pull")).rule, None);
    }
}
