//! Commands that wait for a person's yes.
//!
//! A confirmation is bound to one command in one folder of one session, and to one
//! use. The caller is refused with its id; once a person has approved it, the same call
//! made again goes through and uses it up. A person may also say yes for as long
//! as the session lasts, in whatever folder, or for good, which becomes an allow rule.
//! A no stands for as long as a question would have waited: whoever makes the call again
//! is told, and nobody is asked again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use super::VerdictReport;
use super::confirmation::{
    Answer, Approval, ApprovalScope, Occasion, PendingConfirmation, PersonsNo,
};
use crate::clock;
use crate::error::HostError;
use crate::session::SessionId;

/// More than these wait at once only if a caller floods the gate; the oldest
/// make room.
const MOST_WAITING: usize = 1000;

#[derive(Clone, Debug)]
struct Entry {
    command: String,
    session: SessionId,
    cwd: Option<String>,
    client: Option<String>,
    verdict: VerdictReport,
    /// `None` for a yes that lasts as long as the session.
    expires: Option<Instant>,
    said: Said,
}

/// What a person has said so far.
#[derive(Clone, Debug)]
enum Said {
    Nothing,
    Yes(Approval),
    No { at: SystemTime },
}

/// All confirmations of one host.
pub(crate) struct Confirmations {
    lifetime: Duration,
    entries: Mutex<HashMap<String, Entry>>,
}

impl Confirmations {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            entries: Mutex::default(),
        }
    }

    /// Puts a command on the list, or finds it there. What waits tells why as of now:
    /// the program in front may have changed since it was first asked for.
    pub(crate) fn request(
        &self,
        occasion: Occasion<'_>,
        verdict: VerdictReport,
    ) -> PendingConfirmation {
        let mut entries = self.live_entries();
        let known = entries
            .iter()
            .find(|(_, entry)| entry.is_for(occasion))
            .map(|(id, _)| id.clone());
        if let Some(id) = known
            && let Some(entry) = entries.get_mut(&id)
        {
            entry.client = occasion.client.map(str::to_owned);
            entry.verdict = verdict;
            return entry.pending(&id);
        }
        make_room(&mut entries);
        let id = format!("{:08x}", rand::random::<u32>());
        let entry = Entry {
            command: occasion.command.to_owned(),
            session: occasion.session.clone(),
            cwd: occasion.cwd.map(str::to_owned),
            client: occasion.client.map(str::to_owned),
            verdict,
            expires: Some(Instant::now() + self.lifetime),
            said: Said::Nothing,
        };
        let pending = entry.pending(&id);
        entries.insert(id, entry);
        pending
    }

    /// Finds a yes for this command where it is to run, and uses it up if it was
    /// for one use.
    pub(crate) fn redeem(&self, occasion: Occasion<'_>) -> Option<Approval> {
        let mut entries = self.live_entries();
        let (id, approval) = entries.iter().find_map(|(id, entry)| {
            let approval = entry.approval()?.clone();
            entry.is_for(occasion).then(|| (id.clone(), approval))
        })?;
        if approval.scope != ApprovalScope::Session {
            entries.remove(&id);
        }
        Some(approval)
    }

    /// Whether there is a yes for this command where it is to run that was not used up.
    pub(crate) fn is_approved(&self, occasion: Occasion<'_>) -> bool {
        self.live_entries()
            .values()
            .any(|entry| entry.approval().is_some() && entry.is_for(occasion))
    }

    /// A person's no to this command where it is to run, while it stands.
    pub(crate) fn declined(&self, occasion: Occasion<'_>) -> Option<PersonsNo> {
        self.live_entries().iter().find_map(|(id, entry)| {
            let Said::No { at } = entry.said else {
                return None;
            };
            entry.is_for(occasion).then(|| PersonsNo {
                confirmation_id: id.clone(),
                command: entry.command.clone(),
                said_at: clock::rfc3339(at),
                expires_in_seconds: entry.seconds_left(),
            })
        })
    }

    /// A session begins with this command: what was said to it before there was a
    /// session holds here.
    pub(crate) fn begin(&self, session: &SessionId, command: &str) {
        let before = SessionId::not_yet();
        for entry in self.live_entries().values_mut() {
            if entry.session == before && entry.command == command {
                entry.session = session.clone();
            }
        }
    }

    /// A session did not come to be: what it asked is asked for the next one that
    /// begins with the same command.
    pub(crate) fn put_off(&self, session: &SessionId) {
        for entry in self.live_entries().values_mut() {
            if entry.session == *session {
                entry.session = SessionId::not_yet();
            }
        }
    }

    /// Records a person's answer once `keep` has written it down: a yes also where they
    /// said no before, a no where nothing was said. Of whoever answers at the same time
    /// the first is heard.
    pub(crate) fn settle(
        &self,
        id: &str,
        by: &str,
        answer: Answer,
        keep: impl FnOnce(&PendingConfirmation) -> Result<(), HostError>,
    ) -> Result<PendingConfirmation, HostError> {
        let mut entries = self.live_entries();
        let entry = entries
            .get_mut(id)
            .filter(|entry| match entry.said {
                Said::Nothing => true,
                Said::No { .. } => answer != Answer::Deny,
                Said::Yes(_) => false,
            })
            .ok_or_else(|| HostError::ConfirmationNotFound(id.to_owned()))?;
        let pending = entry.pending(id);
        keep(&pending)?;
        match answer {
            // The rule that was written lets it through from now on.
            Answer::Allow(ApprovalScope::Always) | Answer::Dismiss => {
                entries.remove(id);
            }
            Answer::Allow(scope) => {
                if scope == ApprovalScope::Session {
                    entry.expires = None;
                }
                let by = by.to_owned();
                entry.said = Said::Yes(Approval { by, scope });
            }
            Answer::Deny => {
                entry.said = Said::No {
                    at: SystemTime::now(),
                };
                entry.expires = Some(Instant::now() + self.lifetime);
            }
        }
        Ok(pending)
    }

    /// What waits for an answer.
    pub(crate) fn waiting(&self) -> Vec<PendingConfirmation> {
        let entries = self.live_entries();
        let mut waiting: Vec<_> = (entries.iter())
            .filter(|(_, entry)| matches!(entry.said, Said::Nothing))
            .collect();
        // Whoever came first stands first: a person's pointer may be on its way.
        waiting.sort_by_key(|(id, entry)| (entry.expires, *id));
        (waiting.into_iter())
            .map(|(id, entry)| entry.pending(id))
            .collect()
    }

    fn live_entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        let mut entries = self
            .entries
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        entries.retain(|_, entry| entry.expires.is_none_or(|expires| expires > now));
        entries
    }
}

impl Entry {
    fn is_for(&self, occasion: Occasion<'_>) -> bool {
        let for_the_session = self
            .approval()
            .is_some_and(|approval| approval.scope == ApprovalScope::Session);
        self.session == *occasion.session
            && self.command == occasion.command
            && (for_the_session || self.cwd.as_deref() == occasion.cwd)
    }

    fn pending(&self, id: &str) -> PendingConfirmation {
        PendingConfirmation {
            confirmation_id: id.to_owned(),
            command: self.command.clone(),
            session_id: self.session.clone(),
            cwd: self.cwd.clone(),
            client: self.client.clone(),
            verdict: self.verdict.clone(),
            expires_in_seconds: self.seconds_left(),
        }
    }

    fn approval(&self) -> Option<&Approval> {
        match &self.said {
            Said::Yes(approval) => Some(approval),
            Said::Nothing | Said::No { .. } => None,
        }
    }

    fn seconds_left(&self) -> u64 {
        self.expires.map_or(0, |expires| {
            expires.saturating_duration_since(Instant::now()).as_secs()
        })
    }
}

fn make_room(entries: &mut HashMap<String, Entry>) {
    while entries.len() >= MOST_WAITING {
        let oldest = entries
            .iter()
            // Those that wait first: `None` is greater than any moment here.
            .min_by_key(|(_, entry)| (entry.expires.is_none(), entry.expires))
            .map(|(id, _)| id.clone());
        match oldest {
            Some(id) => entries.remove(&id),
            None => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_lifetime(lifetime: Duration) -> (Confirmations, SessionId) {
        (Confirmations::new(lifetime), SessionId::random())
    }

    fn at_work<'a>(session: &'a SessionId, command: &'a str) -> Occasion<'a> {
        Occasion {
            session,
            command,
            cwd: Some("/work"),
            client: None,
        }
    }

    fn asked(confirmations: &Confirmations, session: &SessionId, command: &str) -> String {
        let pending = confirmations.request(at_work(session, command), VerdictReport::gate_off());
        pending.confirmation_id
    }

    fn answer(
        confirmations: &Confirmations,
        id: &str,
        answer: Answer,
    ) -> Result<PendingConfirmation, HostError> {
        confirmations.settle(id, "ada", answer, |_| Ok(()))
    }

    fn yes(scope: ApprovalScope) -> Approval {
        Approval {
            by: "ada".to_owned(),
            scope,
        }
    }

    #[test]
    fn what_is_said_before_there_is_a_session_holds_in_the_one_that_is_opened() {
        let (confirmations, first) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &first, "npm publish");
        confirmations.put_off(&first);
        answer(&confirmations, &id, Answer::Allow(ApprovalScope::Once)).expect("approve");
        let (second, third) = (SessionId::random(), SessionId::random());
        confirmations.begin(&second, "npm pack");
        assert_eq!(confirmations.redeem(at_work(&second, "npm publish")), None);
        confirmations.begin(&third, "npm publish");
        assert!(
            confirmations
                .redeem(at_work(&third, "npm publish"))
                .is_some()
        );
        confirmations.begin(&third, "npm publish");
        assert_eq!(confirmations.redeem(at_work(&third, "npm publish")), None);
    }

    #[test]
    fn an_approval_is_good_once_for_one_command_in_one_session() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &session, "git push");
        assert_eq!(confirmations.redeem(at_work(&session, "git push")), None);
        answer(&confirmations, &id, Answer::Allow(ApprovalScope::Once)).expect("approve");
        assert_eq!(confirmations.redeem(at_work(&session, "git push -f")), None);
        assert_eq!(
            confirmations.redeem(at_work(&SessionId::random(), "git push")),
            None
        );
        assert_eq!(
            confirmations.redeem(at_work(&session, "git push")),
            Some(yes(ApprovalScope::Once))
        );
        assert_eq!(confirmations.redeem(at_work(&session, "git push")), None);
    }

    #[test]
    fn a_yes_for_the_session_is_not_used_up_and_holds_nowhere_else() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &session, "git push");
        answer(&confirmations, &id, Answer::Allow(ApprovalScope::Session)).expect("approve");
        for _ in 0..3 {
            assert!(
                confirmations
                    .redeem(at_work(&session, "git push"))
                    .is_some()
            );
        }
        assert_eq!(
            confirmations.redeem(at_work(&SessionId::random(), "git push")),
            None
        );
        assert_eq!(confirmations.redeem(at_work(&session, "git push -f")), None);
        assert!(confirmations.waiting().is_empty());
    }

    #[test]
    fn asking_again_gives_the_same_id_and_the_newest_reason() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let first = asked(&confirmations, &session, "git push");
        let later = VerdictReport {
            reason: "a shell reads now".to_owned(),
            ..VerdictReport::gate_off()
        };
        let again = confirmations.request(at_work(&session, "git push"), later.clone());
        assert_eq!(again.confirmation_id, first);
        assert_eq!(again.verdict.reason, later.reason);
        let waiting = confirmations.waiting();
        assert_eq!(waiting.len(), 1);
        assert_eq!(waiting[0].verdict.reason, later.reason);
    }

    #[test]
    fn a_yes_to_one_folder_is_none_to_another_unless_it_is_for_the_session() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let elsewhere = Occasion {
            cwd: Some("/home"),
            ..at_work(&session, "rm -r build")
        };
        for (scope, holds) in [(ApprovalScope::Once, false), (ApprovalScope::Session, true)] {
            let id = asked(&confirmations, &session, "rm -r build");
            answer(&confirmations, &id, Answer::Allow(scope)).expect("approve");
            assert_eq!(
                confirmations.redeem(elsewhere).is_some(),
                holds,
                "{scope:?}"
            );
            assert!(
                confirmations
                    .redeem(at_work(&session, "rm -r build"))
                    .is_some()
            );
        }
    }

    #[test]
    fn an_id_cannot_be_approved_twice_or_too_late() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &session, "git push");
        answer(&confirmations, &id, Answer::Allow(ApprovalScope::Once)).expect("first");
        assert!(answer(&confirmations, &id, Answer::Allow(ApprovalScope::Once)).is_err());

        let (confirmations, session) = with_lifetime(Duration::ZERO);
        let id = asked(&confirmations, &session, "git push");
        assert!(answer(&confirmations, &id, Answer::Allow(ApprovalScope::Once)).is_err());
    }

    #[test]
    fn a_no_stands_until_a_yes_or_its_end_and_nobody_is_asked_meanwhile() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &session, "npm publish");
        assert!(
            confirmations
                .declined(at_work(&session, "npm publish"))
                .is_none()
        );
        answer(&confirmations, &id, Answer::Deny).expect("deny");
        let no = confirmations
            .declined(at_work(&session, "npm publish"))
            .expect("no");
        assert_eq!(no.confirmation_id, id);
        assert!(confirmations.waiting().is_empty());
        assert!(
            answer(&confirmations, &id, Answer::Deny).is_err(),
            "it was answered"
        );
        assert!(
            confirmations
                .declined(at_work(&session, "npm install"))
                .is_none()
        );
        assert!(
            confirmations
                .redeem(at_work(&session, "npm publish"))
                .is_none()
        );

        answer(&confirmations, &id, Answer::Allow(ApprovalScope::Once)).expect("another mind");
        assert!(
            confirmations
                .declined(at_work(&session, "npm publish"))
                .is_none()
        );
        assert!(
            confirmations
                .redeem(at_work(&session, "npm publish"))
                .is_some()
        );

        let id = asked(&confirmations, &session, "npm publish");
        answer(&confirmations, &id, Answer::Dismiss).expect("withdraw");
        assert!(
            confirmations
                .declined(at_work(&session, "npm publish"))
                .is_none()
        );
    }

    #[test]
    fn those_that_wait_make_room_before_what_was_said_for_a_session() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &session, "git push");
        answer(&confirmations, &id, Answer::Allow(ApprovalScope::Session)).expect("approve");
        for number in 0..MOST_WAITING {
            asked(&confirmations, &session, &format!("command {number}"));
        }
        assert_eq!(confirmations.waiting().len(), MOST_WAITING - 1);
        assert!(
            confirmations
                .redeem(at_work(&session, "git push"))
                .is_some()
        );
    }

    #[test]
    fn what_cannot_be_written_down_leaves_the_question_open() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = asked(&confirmations, &session, "git push");
        for said in [true.into(), Answer::Deny, Answer::Dismiss] {
            let unkept = confirmations.settle(&id, "ada", said, |_| {
                Err(HostError::Internal("the disk is full".to_owned()))
            });
            assert!(matches!(unkept, Err(HostError::Internal(_))));
            assert_eq!(confirmations.waiting().len(), 1);
            assert_eq!(confirmations.redeem(at_work(&session, "git push")), None);
        }
    }

    #[test]
    fn a_yes_for_good_needs_a_folder() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let at_work = at_work(&session, "make deploy");
        let nowhere = Occasion {
            cwd: None,
            ..at_work
        };
        for (occasion, cwd) in [(at_work, Some("/work")), (nowhere, None)] {
            let pending = confirmations.request(occasion, VerdictReport::gate_off());
            match pending.allow_rule("ada") {
                Ok(rule) => assert_eq!((rule.cwd.as_deref(), cwd), (cwd, Some("/work"))),
                Err(error) => {
                    assert_eq!(cwd, None);
                    assert!(error.to_string().contains("`quarterdeck rule allow`"));
                }
            }
        }
    }
}
