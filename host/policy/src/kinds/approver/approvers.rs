//! The approvers as their callers see them.

use std::sync::Arc;
use std::time::Instant;

use crate::TRACE_TARGET;
use crate::kinds::approver::facade::Approver;
use crate::kinds::statement::{Statement, micros};
use crate::serving::catalogue::Catalogue;
use crate::serving::generation::Generation;
use crate::serving::problem::Problems;
use crate::{PolicyMode, ReviewRequest, Ruling, Tier, Verdict};

/// The approvers at one moment. A swap does not touch it: what was pinned
/// answers to the end.
#[derive(Clone)]
pub struct Approvers {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) problems: Problems,
}

impl Approvers {
    /// Asks every approver, in their order; the strictest verdict counts, of
    /// those that are no shadows.
    ///
    /// There is no error: an approver that fails, is missing or cannot be
    /// believed says `dangerous`, with the reason.
    pub async fn review(&self, request: &ReviewRequest) -> Ruling {
        Ruling::of(self.hear(request).await)
    }

    /// Asks every approver as [`Approvers::review`] does, and returns what each
    /// said: first those that rule, in their order, then what stands in for
    /// required ones that are missing, then the shadows. At least one rules.
    pub async fn hear(&self, request: &ReviewRequest) -> Vec<Statement> {
        let mut statements = Vec::new();
        for (generation, approver) in self.catalogue.approvers() {
            statements.push(
                self.statement(generation, approver, request, "counts as `dangerous`")
                    .await,
            );
        }
        statements.extend(self.catalogue.missing.iter().map(|missing| {
            Statement::unasked(refusal(&missing.name, missing.rule(), missing.to_string()))
        }));
        if statements.is_empty() {
            statements.push(Statement::unasked(nobody()));
        }
        let ruled = statements.iter().map(|it| it.verdict.tier).max();
        for (generation, approver) in self.catalogue.shadow_approvers() {
            let statement = self
                .statement(generation, approver, request, "is not asked, as a shadow")
                .await;
            if Some(statement.verdict.tier) != ruled {
                generation.tally.differed();
            }
            statements.push(statement);
        }
        statements
    }

    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "policy.review",
        skip_all,
        fields(policy = %generation.name)
    )]
    async fn statement(
        &self,
        generation: &Generation,
        approver: &Approver,
        request: &ReviewRequest,
        meanwhile: &str,
    ) -> Statement {
        let since = Instant::now();
        let (verdict, change) = generation.review(approver, request).await;
        let took_micros = micros(since.elapsed());
        if let Some(change) = change {
            let problem = generation.change_of_conduct(change, meanwhile, &verdict.reason);
            self.problems.raise(problem);
        }
        Statement {
            verdict,
            mode: generation.origin.sidecar.mode,
            took_micros,
        }
    }
}

impl Statement {
    /// What the host says in the place of somebody who cannot be asked.
    fn unasked(verdict: Verdict) -> Self {
        Self {
            verdict,
            mode: PolicyMode::Ruling,
            took_micros: 0,
        }
    }
}

/// What the host says where no approver rules.
pub(crate) fn nobody() -> Verdict {
    refusal(
        "none",
        "host/no-approver",
        String::from("no approver is loaded, so nothing is approved"),
    )
}

/// What the host itself says when there is nobody to ask.
fn refusal(policy: &str, rule: &str, reason: String) -> Verdict {
    Verdict {
        tier: Tier::Dangerous,
        reason,
        rule: Some(rule.to_owned()),
        span: None,
        suggestion: Some(String::from(
            "look at the list of policies; it says what is wrong with each",
        )),
        policy: policy.to_owned(),
        generation: 0,
        digest: String::new(),
    }
}
