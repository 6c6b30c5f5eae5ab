//! Requests and answers of any kind, in a form that a case file can hold.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Batch, IncidentFacts, OutputPiece, Plan, PolicyKind, ProgressUpdate, RecoveryDecision,
    ReviewRequest, SessionFacts, Verdict,
};

/// One question to a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PolicyRequest {
    /// To an approver.
    Review(ReviewRequest),
    /// To a distributor.
    Distribute(Batch),
    /// To a progress parser.
    ParseProgress(Recording),
    /// To a recovery.
    Recover(IncidentFacts),
}

/// What a policy answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PolicyAnswer {
    /// An approver.
    Verdict(Verdict),
    /// A distributor; the plan was checked.
    Plan(Plan),
    /// A progress parser: what it said to each chunk.
    Updates(Vec<Vec<ProgressUpdate>>),
    /// A recovery; the decision was checked.
    Decision(RecoveryDecision),
}

/// The output of one session, chunk by chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Recording {
    /// The session that is followed.
    pub session: SessionFacts,
    /// What arrived, in order, in the pieces in which it is fed.
    pub chunks: Vec<Vec<OutputPiece>>,
}

impl PolicyRequest {
    /// The kind of policy that it is for.
    pub fn kind(&self) -> PolicyKind {
        match self {
            PolicyRequest::Review(_) => PolicyKind::Approver,
            PolicyRequest::Distribute(_) => PolicyKind::Distributor,
            PolicyRequest::ParseProgress(_) => PolicyKind::ProgressParser,
            PolicyRequest::Recover(_) => PolicyKind::Recovery,
        }
    }

    /// Reads a request for a policy of `kind`, from TOML, JSON or any other
    /// form that serde knows. The names are those of the WIT, what is not
    /// mentioned has a plain value, and a misspelt name is an error.
    pub fn read<'de, D: Deserializer<'de>>(kind: PolicyKind, from: D) -> Result<Self, D::Error> {
        Ok(match kind {
            PolicyKind::Approver => PolicyRequest::Review(Deserialize::deserialize(from)?),
            PolicyKind::Distributor => PolicyRequest::Distribute(Deserialize::deserialize(from)?),
            PolicyKind::ProgressParser => {
                PolicyRequest::ParseProgress(Deserialize::deserialize(from)?)
            }
            PolicyKind::Recovery => PolicyRequest::Recover(Deserialize::deserialize(from)?),
        })
    }

    /// A harmless request for a policy of `kind`: the one that a component is
    /// tried out with when it is loaded.
    pub fn harmless(kind: PolicyKind) -> Self {
        crate::loading::trial_calls::harmless(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: PolicyKind, text: &str) -> Result<PolicyRequest, String> {
        let table: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
        PolicyRequest::read(kind, table).map_err(|error| error.to_string())
    }

    #[test]
    fn a_case_says_only_what_matters() {
        let request = read(PolicyKind::Approver, "command-line = \"ls\"").unwrap();
        let PolicyRequest::Review(review) = &request else {
            panic!("{request:?}");
        };
        assert_eq!(
            (&*review.command_line, &*review.caller.kind),
            ("ls", "human")
        );
        assert_eq!(request.kind(), PolicyKind::Approver);

        let request = read(
            PolicyKind::Distributor,
            r#"
            limit = 2
            tasks = [{ id = "a", priority = "high" }, { id = "b", open-dependencies = ["a"] }]
            workers = [{ session-id = "w", capacity = 1 }]
            "#,
        );
        let Ok(PolicyRequest::Distribute(batch)) = request else {
            panic!("{request:?}");
        };
        assert_eq!(batch.tasks[1].open_dependencies, ["a"]);

        let request = read(
            PolicyKind::ProgressParser,
            r#"
            chunks = [
                ["prompt-start", { command-start = "cargo build" }],
                [{ text = "1/2\r" }, { reported = { state = 1, percent = 50 } }, { command-end = 0 }],
            ]
            "#,
        );
        let Ok(PolicyRequest::ParseProgress(recording)) = request else {
            panic!("{request:?}");
        };
        assert_eq!(recording.chunks[0][0], OutputPiece::PromptStart);
        assert_eq!(recording.chunks[1][2], OutputPiece::CommandEnd(Some(0)));

        let request = read(
            PolicyKind::Recovery,
            "cause = \"backend-lost\"\nbackups = [\"s2\"]",
        );
        assert!(
            matches!(request, Ok(PolicyRequest::Recover(_))),
            "{request:?}"
        );
    }

    #[test]
    fn a_misspelt_name_is_an_error() {
        for (kind, text) in [
            (PolicyKind::Approver, "comand-line = \"ls\""),
            (PolicyKind::Approver, "entry = \"typed\""),
            (PolicyKind::Distributor, "task = []"),
            (PolicyKind::ProgressParser, "chunk = []"),
            (PolicyKind::Recovery, "cause = \"bad luck\""),
        ] {
            assert!(read(kind, text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_request_is_read_back_from_what_it_is_written_as() {
        for kind in PolicyKind::ALL {
            let request = PolicyRequest::harmless(kind);
            let written = serde_json::to_value(&request).unwrap();
            assert_eq!(PolicyRequest::read(kind, written).unwrap(), request);
        }
    }
}
