//! The body of a verdict row: what the policies were asked, what each said, and
//! what the gate did.
//!
//! Rows are hashed as they were written and never rewritten, so this only ever
//! grows by fields that an older row may lack.

use quarterdeck_policy::{
    CallerFacts, Certainty, Entry, PromptState, ReviewRequest, Ruling, SessionFacts, Tier, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::gate::Decision;

/// What is kept of one judged command line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictRow {
    /// `None` for a command that was judged outside any session.
    session: Option<String>,
    caller: Caller,
    pub(super) command: String,
    entry: Entry,
    certainty: Certainty,
    /// When the policies were asked, in milliseconds since the Unix epoch; the
    /// row itself is a little younger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    /// The rows of the commands that were shown as recent, oldest first: their
    /// text is there already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) recent: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, String)>,
    #[serde(flatten)]
    pub(super) decision: Decision,
    pub(super) verdicts: Vec<KeptVerdict>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) shadows: Vec<KeptVerdict>,
}

/// What one policy said, as the audit log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptVerdict {
    /// The policy.
    pub policy: String,
    /// Its generation; 0 when no component was there to ask.
    pub generation: u64,
    /// SHA-256 of its component in hexadecimal; empty when none was there.
    pub digest: String,
    /// How far the command may go.
    pub tier: Tier,
    /// The rule that decided, where the policy names one.
    pub rule: Option<String>,
    /// One sentence.
    pub reason: String,
    /// The piece of the command that caused it, in bytes. Rows before this
    /// field have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(u32, u32)>,
}

/// What a policy was told about the session, but for its id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    name: String,
    backend: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cwd: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    #[serde(default)]
    prompt: PromptState,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    full_screen: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, String)>,
}

impl VerdictRow {
    /// The row of a request by `caller` to the approvers. `recent` are the rows
    /// of what the request shows as recent; without a `ruling` nobody was asked.
    pub(crate) fn new(
        request: ReviewRequest,
        caller: &Caller,
        recent: Vec<i64>,
        decision: Decision,
        ruling: Option<&Ruling>,
    ) -> Self {
        let kept = |verdicts: &[Verdict]| verdicts.iter().map(KeptVerdict::of).collect();
        let SessionFacts {
            id,
            name,
            backend,
            cwd,
            program,
            prompt,
            full_screen,
            tags,
            role,
            team,
            attributes,
        } = request.session;
        Self {
            session: Some(id).filter(|id| !id.is_empty()),
            caller: caller.clone(),
            command: request.command_line,
            entry: request.entry,
            certainty: request.certainty,
            asked_at_ms: Some(request.time_ms),
            place: Some(Place {
                name,
                backend,
                cwd,
                program,
                prompt,
                full_screen,
                tags,
                role,
                team,
                attributes,
            }),
            recent,
            attributes: request.attributes,
            decision,
            verdicts: ruling.map_or_else(Vec::new, |ruling| kept(&ruling.all)),
            shadows: ruling.map_or_else(Vec::new, |ruling| kept(&ruling.shadows)),
        }
    }

    /// Whether the row says everything that the policies were told.
    pub(super) fn is_complete(&self) -> bool {
        self.place.is_some() && self.asked_at_ms.is_some()
    }

    /// The request that the policies saw, as far as the row says. `recent` are
    /// the texts of [`VerdictRow::recent`], `written_at_ms` is the row's time.
    pub(super) fn request(&self, recent: Vec<String>, written_at_ms: u64) -> ReviewRequest {
        let id = self.session.clone().unwrap_or_default();
        ReviewRequest {
            command_line: self.command.clone(),
            entry: self.entry,
            certainty: self.certainty,
            session: match &self.place {
                Some(place) => place.session(id),
                None => SessionFacts {
                    id,
                    ..SessionFacts::default()
                },
            },
            caller: CallerFacts::from(&self.caller),
            recent,
            time_ms: self.asked_at_ms.unwrap_or(written_at_ms),
            attributes: self.attributes.clone(),
        }
    }
}

impl KeptVerdict {
    /// What is kept of a verdict.
    pub(crate) fn of(verdict: &Verdict) -> Self {
        Self {
            policy: verdict.policy.clone(),
            generation: verdict.generation,
            digest: verdict.digest.clone(),
            tier: verdict.tier,
            rule: verdict.rule.clone(),
            reason: verdict.reason.clone(),
            span: verdict.span.as_ref().map(|span| (span.start, span.end)),
        }
    }

    /// The one that decides: the strictest, of equals the first.
    pub fn deciding(verdicts: &[Self]) -> Option<&Self> {
        verdicts.iter().reduce(|strictest, verdict| {
            if verdict.tier > strictest.tier {
                verdict
            } else {
                strictest
            }
        })
    }
}

impl Place {
    fn session(&self, id: String) -> SessionFacts {
        SessionFacts {
            id,
            name: self.name.clone(),
            backend: self.backend.clone(),
            cwd: self.cwd.clone(),
            program: self.program.clone(),
            prompt: self.prompt,
            full_screen: self.full_screen,
            tags: self.tags.clone(),
            role: self.role.clone(),
            team: self.team.clone(),
            attributes: self.attributes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_policy::PromptState;

    fn request() -> ReviewRequest {
        ReviewRequest {
            command_line: "make deploy".to_owned(),
            entry: Entry::Typed,
            certainty: Certainty::Typed,
            session: SessionFacts {
                id: "s1".to_owned(),
                name: "build".to_owned(),
                backend: "pty".to_owned(),
                cwd: Some("/work".to_owned()),
                program: Some("zsh".to_owned()),
                prompt: PromptState::AtPrompt,
                full_screen: true,
                tags: vec!["ci".to_owned()],
                role: Some("builder".to_owned()),
                team: Some("red".to_owned()),
                attributes: vec![("shard".to_owned(), "2".to_owned())],
            },
            caller: CallerFacts::from(&Caller::command_line()),
            recent: vec!["cd /work".to_owned()],
            time_ms: 1_700_000_000_000,
            attributes: vec![("hook".to_owned(), "pre".to_owned())],
        }
    }

    #[test]
    fn the_request_comes_back_as_it_was_asked() {
        let row = VerdictRow::new(
            request(),
            &Caller::command_line(),
            vec![7],
            Decision::Allowed,
            None,
        );
        let text = serde_json::to_string(&row).expect("JSON");
        let read: VerdictRow = serde_json::from_str(&text).expect("a row");
        assert!(read.is_complete());
        assert_eq!(read.recent, [7]);
        assert_eq!(read.request(vec!["cd /work".to_owned()], 1), request());
    }

    #[test]
    fn a_row_from_before_places_were_kept_is_still_read() {
        let row: VerdictRow = serde_json::from_str(
            r#"{"session":"abcd1234","caller":{"kind":"agent","client":"x 1","transport":"stdio",
                "connection":"stdio-1"},"command":"ls","entry":"command","certainty":"exact",
                "decision":"let-through","mode":"warn","verdicts":[{"policy":"safety-tiers",
                "generation":1,"digest":"ab","tier":"safe","rule":null,"reason":"reads"}]}"#,
        )
        .expect("an old row");
        assert!(!row.is_complete());
        let request = row.request(Vec::new(), 42);
        assert_eq!((&*request.session.id, request.time_ms), ("abcd1234", 42));
        assert_eq!(request.caller.client.as_deref(), Some("x 1"));
        assert_eq!(row.verdicts[0].span, None);
    }
}
