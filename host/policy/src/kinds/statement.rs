//! What each policy says to one request, for whoever wants to know why.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{PolicyAnswer, PolicyHost, PolicyMode, PolicyRequest, Verdict};

/// What one approver said when everybody was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it counts.
    pub mode: PolicyMode,
    /// How long the answer took, in microseconds; 0 where nobody could be asked.
    pub took_micros: u64,
}

/// What one policy of any kind said.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyStatement {
    /// The policy.
    pub policy: String,
    /// Its generation; 0 where no component was there to ask.
    pub generation: u64,
    /// SHA-256 of its component in hexadecimal; empty when none was there.
    pub digest: String,
    /// Whether it counts, or is a shadow.
    pub mode: PolicyMode,
    /// How long the answer took, in microseconds.
    pub took_micros: u64,
    /// The answer, or why there is none. Of an approver there always is one.
    pub answer: Result<PolicyAnswer, String>,
}

impl From<Statement> for PolicyStatement {
    fn from(statement: Statement) -> Self {
        PolicyStatement {
            policy: statement.verdict.policy.clone(),
            generation: statement.verdict.generation,
            digest: statement.verdict.digest.clone(),
            mode: statement.mode,
            took_micros: statement.took_micros,
            answer: Ok(PolicyAnswer::Verdict(statement.verdict)),
        }
    }
}

impl PolicyHost {
    /// Puts `request` to every policy of its kind, in their order. Nothing is
    /// done about the answers. Approvers are asked as the gate asks them; the
    /// others as on a workbench, so that a failure is seen and not held against
    /// them.
    pub async fn hear(&self, request: &PolicyRequest) -> Vec<PolicyStatement> {
        if let PolicyRequest::Review(request) = request {
            let statements = self.approvers().await.hear(request).await;
            return statements.into_iter().map(Into::into).collect();
        }
        let catalogue = self.catalogue().await;
        let mut statements = Vec::new();
        for generation in catalogue.of_kind(request.kind()) {
            let since = Instant::now();
            let answer = generation.answer(&generation.terms, request).await;
            statements.push(PolicyStatement {
                policy: generation.name.clone(),
                generation: generation.number,
                digest: generation.origin.digest.clone(),
                mode: generation.origin.sidecar.mode,
                took_micros: micros(since.elapsed()),
                answer: answer.map_err(|error| error.to_string()),
            });
        }
        statements
    }
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
