//! What another version of a policy would have said to the commands of the
//! past: every request of the log is put to it once more.

use std::collections::HashMap;
use std::time::Instant;

use quarterdeck_policy::{AskError, OpenedPolicy, ReviewRequest, Tier};
use serde::{Deserialize, Serialize};

use super::history::{History, HistoryError, Page, PastCommand, Scope};
use super::row::KeptVerdict;
use crate::clock::rfc3339;

/// The rule under which the host refuses where no approver is loaded. With one
/// more approver it would not have.
const NO_APPROVER: &str = "host/no-approver";

/// What a policy would have changed. The other policies are taken to say what
/// they said: what counts is the verdict that comes of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyDiff {
    /// The name under which the policy would rule.
    pub policy: String,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Commands that were put to it.
    pub replayed: u64,
    /// Of these, how many a policy of that name had ruled on before. Where it is
    /// none, the policy was compared as a new one beside the others.
    pub replaced: u64,
    /// Of these, how many are known in part only: their rows are older than the
    /// host's notes on where commands run.
    pub incomplete: u64,
    /// Commands that nobody had judged, because the gate was off. Not replayed.
    pub unjudged: u64,
    /// Rows that could not be understood. Not replayed.
    pub garbled: u64,
    /// Whether time ran out before the scope was read to its end.
    pub cut_short: bool,
    /// Commands whose verdict would be stricter.
    pub stricter: u64,
    /// Commands whose verdict would be laxer.
    pub laxer: u64,
    /// Commands that another rule would decide, with the same tier.
    pub other_rule: u64,
    /// What would change, the newest first; the same command in the same session
    /// with the same change is one entry.
    pub changes: Vec<ChangedVerdict>,
}

/// A command whose verdict would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedVerdict {
    /// Its newest row in the audit log.
    pub row: i64,
    /// When that was, in RFC 3339.
    pub at: String,
    /// The command line.
    pub command: String,
    /// Where; `None` for one judged outside any session.
    pub session: Option<String>,
    /// In which folder, where that is known.
    pub cwd: Option<String>,
    /// How often.
    pub times: u64,
    /// What was decided.
    pub before: DecidedBy,
    /// What would be.
    pub after: DecidedBy,
}

/// The verdict that counts, of those on one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecidedBy {
    /// How far the command may go.
    pub tier: Tier,
    /// The rule, where the policy names one.
    pub rule: Option<String>,
    /// The policy that decides.
    pub policy: String,
    /// One sentence.
    pub reason: String,
}

/// What would be decided could not be told.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The log.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The policy.
    #[error("past commands can only be put to an approver: {0}")]
    Ask(#[from] AskError),
}

impl PolicyDiff {
    /// Puts the commands of `history` in `scope` to `policy`, as if it ruled
    /// under the name that it was opened with. Stops at `until`, if there is a
    /// limit.
    pub async fn of(
        history: History,
        scope: Scope,
        policy: &OpenedPolicy,
        until: Option<Instant>,
    ) -> Result<Self, DiffError> {
        let mut diff = Self {
            policy: policy.name().to_owned(),
            digest: policy.facts().digest.clone(),
            ..Self::default()
        };
        let mut known = HashMap::new();
        let mut history = history;
        let mut before = i64::MAX;
        let mut left = scope.limit;
        while left > 0 {
            let page;
            (history, page) = page_of(history, before, scope, left).await?;
            diff.garbled += page.garbled;
            left -= page.commands.len();
            for command in page.commands {
                if until.is_some_and(|until| Instant::now() >= until) {
                    diff.cut_short = true;
                    return Ok(diff);
                }
                diff.replay(policy, command, &mut known).await?;
            }
            match page.next {
                Some(next) => before = next,
                None => break,
            }
        }
        Ok(diff)
    }

    /// Whether any verdict would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    async fn replay(
        &mut self,
        policy: &OpenedPolicy,
        command: PastCommand,
        known: &mut HashMap<Change, usize>,
    ) -> Result<(), DiffError> {
        let Some(before) = KeptVerdict::deciding(&command.verdicts) else {
            self.unjudged += 1;
            return Ok(());
        };
        let said = KeptVerdict::of(&policy.review(&command.request).await?);
        self.replayed += 1;
        self.incomplete += u64::from(!command.complete);
        let (after, replaces) = with(&command.verdicts, said);
        self.replaced += u64::from(replaces);
        let Some(decides) = KeptVerdict::deciding(&after) else {
            return Ok(());
        };
        if (before.tier, &before.rule) == (decides.tier, &decides.rule) {
            return Ok(());
        }
        match decides.tier.cmp(&before.tier) {
            std::cmp::Ordering::Greater => self.stricter += 1,
            std::cmp::Ordering::Less => self.laxer += 1,
            std::cmp::Ordering::Equal => self.other_rule += 1,
        }
        let change = Change::new(&command.request, before, decides);
        match known.get(&change) {
            Some(&at) => self.changes[at].times += 1,
            None => {
                known.insert(change.clone(), self.changes.len());
                self.changes.push(change.of(&command));
            }
        }
        Ok(())
    }
}

/// What makes two changes the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Change {
    command: String,
    session: String,
    before: DecidedBy,
    after: DecidedBy,
}

impl Change {
    fn new(request: &ReviewRequest, before: &KeptVerdict, after: &KeptVerdict) -> Self {
        Self {
            command: request.command_line.clone(),
            session: request.session.id.clone(),
            before: before.into(),
            after: after.into(),
        }
    }

    fn of(self, command: &PastCommand) -> ChangedVerdict {
        ChangedVerdict {
            row: command.row,
            at: rfc3339(command.at),
            command: self.command,
            session: Some(self.session).filter(|session| !session.is_empty()),
            cwd: command.request.session.cwd.clone(),
            times: 1,
            before: self.before,
            after: self.after,
        }
    }
}

impl From<&KeptVerdict> for DecidedBy {
    fn from(verdict: &KeptVerdict) -> Self {
        Self {
            tier: verdict.tier,
            rule: verdict.rule.clone(),
            policy: verdict.policy.clone(),
            reason: verdict.reason.clone(),
        }
    }
}

/// `verdicts` with `said` in the place of what that policy said, or after all
/// others; and whether that policy had said anything.
fn with(verdicts: &[KeptVerdict], said: KeptVerdict) -> (Vec<KeptVerdict>, bool) {
    let mut after: Vec<KeptVerdict> = verdicts
        .iter()
        .filter(|verdict| verdict.rule.as_deref() != Some(NO_APPROVER))
        .cloned()
        .collect();
    match after.iter_mut().find(|it| it.policy == said.policy) {
        Some(former) => {
            *former = said;
            (after, true)
        }
        None => {
            after.push(said);
            (after, false)
        }
    }
}

/// Reads on a thread that may block; the history comes back with the page.
async fn page_of(
    history: History,
    before: i64,
    scope: Scope,
    left: usize,
) -> Result<(History, Page), HistoryError> {
    tokio::task::spawn_blocking(move || {
        let page = history.page(before, scope.since, left)?;
        Ok((history, page))
    })
    .await
    .map_err(|_| HistoryError::BrokenOff)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(policy: &str, tier: Tier, rule: &str) -> KeptVerdict {
        KeptVerdict {
            policy: policy.to_owned(),
            generation: 1,
            digest: String::new(),
            tier,
            rule: Some(rule.to_owned()),
            reason: String::from("because"),
            span: None,
        }
    }

    fn decided(verdicts: &[KeptVerdict], said: KeptVerdict) -> (Tier, String) {
        let (after, _) = with(verdicts, said);
        let decides = KeptVerdict::deciding(&after).expect("somebody");
        (decides.tier, decides.policy.clone())
    }

    #[test]
    fn a_new_version_takes_the_place_of_the_former() {
        let past = [
            verdict("tiers", Tier::Dangerous, "rm"),
            verdict("house", Tier::Review, "late"),
        ];
        // What the other policy said still counts.
        let after = decided(&past, verdict("tiers", Tier::Safe, "none"));
        assert_eq!(after, (Tier::Review, "house".to_owned()));
        // Of equals, the first in order decides, as before.
        let after = decided(&past, verdict("tiers", Tier::Review, "rm"));
        assert_eq!(after, (Tier::Review, "tiers".to_owned()));
    }

    #[test]
    fn a_new_policy_can_only_make_it_stricter() {
        let past = [verdict("tiers", Tier::Review, "push")];
        let after = decided(&past, verdict("mine", Tier::Safe, "fine"));
        assert_eq!(after, (Tier::Review, "tiers".to_owned()));
        let after = decided(&past, verdict("mine", Tier::Dangerous, "never"));
        assert_eq!(after, (Tier::Dangerous, "mine".to_owned()));
    }

    #[test]
    fn where_nobody_could_be_asked_the_new_one_decides() {
        let past = [verdict("none", Tier::Dangerous, NO_APPROVER)];
        let after = decided(&past, verdict("mine", Tier::Safe, "fine"));
        assert_eq!(after, (Tier::Safe, "mine".to_owned()));
    }
}
