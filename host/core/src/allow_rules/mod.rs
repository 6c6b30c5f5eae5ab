//! Allow rules: a person's standing yes to one exact command.
//!
//! They live in a TOML file of the configuration, and the gate looks at them
//! when the approvers want a person. A rule is narrow: it names one command line
//! and, as it likes, the folder, the client, the session and the day until which
//! it holds. A command that is `dangerous` passes only a rule that names, in
//! `overrides`, the approver's rule that says so.
//!
//! ```toml
//! [[allow]]
//! command = "terraform plan"
//! cwd = "/home/ada/infrastructure"
//! client = "claude-code"
//! until = "2026-12-31"
//! ```

mod file;
mod until;

pub use file::{AllowRulesError, AllowRulesFile};
pub use until::{NoEnd, Until};

use std::time::SystemTime;

use quarterdeck_policy::{Certainty, ReviewRequest, Ruling, Tier};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One entry of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AllowRule {
    /// The command line, to the letter.
    pub command: String,
    /// The folder that it has to run in; any where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The client that has to ask, with or without its version; any where there
    /// is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The id of the session that it has to run in; any where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When it ends; never where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// The approver's rule that it overrides, where that says `dangerous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<String>,
    /// Why there is this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl AllowRule {
    /// The rule that allows a command everywhere, to everybody, for good.
    pub fn of(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            cwd: None,
            client: None,
            session: None,
            until: None,
            overrides: None,
            why: None,
            by: None,
        }
    }

    /// What `quarterdeck rule remove` calls it: `allow-` and some digits that come from
    /// what it says, so that it stays the same when another one is taken away.
    pub fn id(&self) -> String {
        // A rule is texts, which always serialize.
        let digest = Sha256::digest(serde_json::to_vec(self).unwrap_or_default());
        format!("allow-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
    }

    /// Whether it lets a judged command line through at `now`. Never one that
    /// the gate is not sure of.
    pub(crate) fn lets_through(
        &self,
        request: &ReviewRequest,
        ruling: &Ruling,
        now: SystemTime,
    ) -> bool {
        let session = &request.session;
        request.certainty != Certainty::Unknown
            && self.command == request.command_line
            && is_or_any(self.cwd.as_deref(), session.cwd.as_deref(), same_folder)
            && is_or_any(
                self.client.as_deref(),
                request.caller.client.as_deref(),
                names_client,
            )
            && is_or_any(self.session.as_deref(), Some(&session.id), str::eq)
            && self.until.is_none_or(|until| now < until.moment())
            && ruling.all.iter().all(|verdict| {
                verdict.tier < Tier::Dangerous
                    || (verdict.rule.is_some() && verdict.rule == self.overrides)
            })
    }
}

/// Without a wish everything will do; what is not known fulfils none.
fn is_or_any(wanted: Option<&str>, is: Option<&str>, same: fn(&str, &str) -> bool) -> bool {
    wanted.is_none_or(|wanted| is.is_some_and(|is| same(wanted, is)))
}

fn same_folder(wanted: &str, is: &str) -> bool {
    let plain = |path: &str| match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    };
    plain(wanted) == plain(is)
}

/// A client calls itself `name version`.
fn names_client(wanted: &str, is: &str) -> bool {
    wanted == is || is.split(' ').next() == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_policy::Verdict;
    use serde_json::json;

    fn request() -> ReviewRequest {
        let mut request: ReviewRequest =
            serde_json::from_value(json!({ "command-line": "make deploy" })).expect("a request");
        request.certainty = Certainty::Exact;
        request.session.id = "abcd1234".to_owned();
        request.session.cwd = Some("/projects/site".to_owned());
        request.caller.client = Some("claude-code 2.1".to_owned());
        request
    }

    fn ruling(verdicts: &[(Tier, Option<&str>)]) -> Ruling {
        let all: Vec<Verdict> = verdicts
            .iter()
            .map(|(tier, rule)| Verdict {
                tier: *tier,
                reason: "because".to_owned(),
                rule: rule.map(str::to_owned),
                span: None,
                suggestion: None,
                policy: "p".to_owned(),
                generation: 1,
                digest: String::new(),
            })
            .collect();
        Ruling {
            verdict: all[0].clone(),
            all,
            shadows: Vec::new(),
        }
    }

    fn passes(rule: &AllowRule) -> bool {
        let reviewed = ruling(&[(Tier::Review, Some("make/any"))]);
        rule.lets_through(&request(), &reviewed, SystemTime::now())
    }

    #[test]
    fn every_wish_of_a_rule_has_to_be_fulfilled() {
        let rule = AllowRule::of("make deploy");
        assert!(passes(&rule));
        let narrowed: [(&str, bool, AllowRule); 10] = [
            ("other command", false, AllowRule::of("make  deploy")),
            ("folder", true, with(|it| it.cwd = text("/projects/site/"))),
            ("other folder", false, with(|it| it.cwd = text("/work"))),
            ("client", true, with(|it| it.client = text("claude-code"))),
            (
                "version",
                true,
                with(|it| it.client = text("claude-code 2.1")),
            ),
            ("other client", false, with(|it| it.client = text("claude"))),
            ("session", true, with(|it| it.session = text("abcd1234"))),
            ("other session", false, with(|it| it.session = text("x"))),
            (
                "future",
                true,
                with(|it| it.until = Some("1h".parse().expect("1h"))),
            ),
            (
                "past",
                false,
                with(|it| it.until = Some("2020-01-01".parse().expect("a day"))),
            ),
        ];
        for (what, expected, rule) in narrowed {
            assert_eq!(passes(&rule), expected, "{what}");
        }
    }

    #[test]
    fn what_is_unknown_fulfils_no_wish() {
        let reviewed = ruling(&[(Tier::Review, None)]);
        let mut nowhere = request();
        nowhere.session.cwd = None;
        let rule = with(|it| it.cwd = text("/projects/site"));
        assert!(!rule.lets_through(&nowhere, &reviewed, SystemTime::now()));
        let mut unsure = request();
        unsure.certainty = Certainty::Unknown;
        let rule = AllowRule::of("make deploy");
        assert!(!rule.lets_through(&unsure, &reviewed, SystemTime::now()));
    }

    #[test]
    fn dangerous_is_overridden_only_by_name_and_only_if_all_of_it_is_named() {
        let now = SystemTime::now();
        let silent = AllowRule::of("make deploy");
        let naming = with(|it| it.overrides = text("make/deploy"));
        let one = ruling(&[(Tier::Dangerous, Some("make/deploy"))]);
        assert!(!silent.lets_through(&request(), &one, now));
        assert!(naming.lets_through(&request(), &one, now));
        let two = ruling(&[
            (Tier::Dangerous, Some("make/deploy")),
            (Tier::Dangerous, Some("team/never")),
        ]);
        assert!(!naming.lets_through(&request(), &two, now));
        let nameless = ruling(&[(Tier::Dangerous, None)]);
        assert!(!silent.lets_through(&request(), &nameless, now));
    }

    fn with(change: impl FnOnce(&mut AllowRule)) -> AllowRule {
        let mut rule = AllowRule::of("make deploy");
        change(&mut rule);
        rule
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}
