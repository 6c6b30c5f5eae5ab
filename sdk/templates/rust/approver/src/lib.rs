//! Asks a person before anything is deployed.

use quarterdeck_sdk::approver::{Approver, Request, Verdict};
use serde::Deserialize;

/// The rule.
#[derive(Debug)]
pub struct Policy {
    word: String,
}

/// The sidecar's `[config]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What makes a command line worth a look.
    word: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            word: "deploy".to_owned(),
        }
    }
}

impl Approver for Policy {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        if config.word.is_empty() {
            return Err("`word` is empty, so that every command would match".to_owned());
        }
        Ok(Self { word: config.word })
    }

    fn review(&self, request: &Request) -> Verdict {
        match request.command_line.find(&self.word) {
            Some(at) => Verdict::review("A person looks at this first.")
                .with_rule("{{name}}")
                .with_span(at..at + self.word.len()),
            None => Verdict::safe("Nothing to look at."),
        }
    }
}

quarterdeck_sdk::export!(approver: Policy);

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_sdk::approver::Tier;

    #[test]
    fn the_word_is_looked_at() {
        let policy = Policy::configure(Config::default()).expect("a policy");
        assert_eq!(policy.review(&Request::for_test("ls")).tier, Tier::Safe);
        let verdict = policy.review(&Request::for_test("make deploy"));
        assert_eq!((verdict.tier, verdict.span), (Tier::Review, Some((5..11).into())));
    }
}
