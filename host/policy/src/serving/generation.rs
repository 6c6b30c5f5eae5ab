//! One loaded version of a policy: immutable, except for what is counted of it.

use std::fmt;
use std::sync::Arc;

use crate::calling::call_terms::CallTerms;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::folder::sidecar::Sidecar;
use crate::kinds::approver::facade::{Answer, Approver};
use crate::kinds::distributor::facade::Distributor;
use crate::kinds::distributor::lawful_plan::check_batch;
use crate::kinds::progress_parser::facade::ProgressParser;
use crate::kinds::progress_parser::progress_parsers::portions;
use crate::kinds::recovery::facade::Recovery;
use crate::loading::inspect::Inspection;
use crate::serving::problem::Problems;
use crate::serving::quarantine::Change;
use crate::serving::tally::{Refused, Summary, Tally};
use crate::{
    AskError, PolicyAnswer, PolicyKind, PolicyMode, PolicyProblem, PolicyRequest, PolicySource,
    ProblemKind, Recording, ReviewRequest, Serving, Tier, Trust, Verdict,
};

/// What a generation was made of: the same again is not loaded again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Origin {
    pub(crate) source: PolicySource,
    pub(crate) digest: String,
    pub(crate) sidecar: Sidecar,
}

/// A policy of one name, in one version, with one configuration.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) kind: PolicyKind,
    pub(crate) size: u64,
    pub(crate) inspection: Inspection,
    pub(crate) terms: Arc<CallTerms>,
    pub(crate) facade: Facade,
    pub(crate) tally: Tally,
    pub(crate) engine: Arc<PolicyEngine>,
}

/// The typed door to a component, one for each kind.
pub(crate) enum Facade {
    Approver(Box<Approver>),
    Distributor(Box<Distributor>),
    ProgressParser(Box<ProgressParser>),
    Recovery(Box<Recovery>),
}

/// How a call ended.
pub(crate) struct Asked<T> {
    pub(crate) answer: Result<T, NoAnswer>,
    /// In how far the generation is believed.
    pub(crate) change: Option<Change>,
}

/// What the host does where a policy gives no answer, in words for a person.
pub(crate) struct StandIn {
    pub(crate) kind: PolicyKind,
    /// What happens now, as a clause of its own.
    pub(crate) happens: &'static str,
    /// What the policy does while it is not believed, as its predicate.
    pub(crate) meanwhile: &'static str,
}

/// Why there is no answer. Its text continues a sentence that begins with the
/// policy's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("{0}")]
    Fault(Fault),
    #[error(
        "failed several times in a row and is not asked for another {} s; last it {}",
        .0.remaining.as_secs() + 1,
        .0.last_fault
    )]
    Quarantined(Refused),
}

impl NoAnswer {
    /// The rule under which the host refuses in the policy's place.
    fn rule(&self) -> &'static str {
        match self {
            NoAnswer::Fault(fault) => fault.rule(),
            NoAnswer::Quarantined(_) => "host/quarantine",
        }
    }

    /// Whether it is news that the policy is to blame.
    pub(crate) fn blames_policy(&self) -> bool {
        match self {
            NoAnswer::Fault(fault) => fault.blames_policy(),
            // Reported when it was put there.
            NoAnswer::Quarantined(_) => false,
        }
    }

    fn suggestion(&self) -> &'static str {
        match self {
            NoAnswer::Fault(_) => {
                "the command was not judged on its merits; have the policy mended, or try a simpler command"
            }
            NoAnswer::Quarantined(_) => {
                "the policy is asked again when that time has passed, and nothing is approved until it answers; have it mended, replaced or disabled if it goes on failing"
            }
        }
    }
}

impl Generation {
    pub(crate) fn trust(&self) -> Trust {
        match (&self.origin.source, &self.origin.sidecar.pinned_sha256) {
            (_, Some(_)) => Trust::Pinned,
            (PolicySource::Bundled, None) => Trust::Bundled,
            (PolicySource::File(_), None) => Trust::Local,
        }
    }

    pub(crate) fn serving(&self) -> Serving {
        Serving {
            generation: self.number,
            digest: self.origin.digest.clone(),
            source: self.origin.source.clone(),
        }
    }

    /// Whether it is asked and not obeyed.
    pub(crate) fn is_shadow(&self) -> bool {
        self.origin.sidecar.mode == PolicyMode::Shadow
    }

    pub(crate) fn summary(&self) -> Summary {
        self.tally.summary()
    }

    /// Makes `call`, unless this generation is in quarantine, and counts it.
    pub(crate) async fn ask<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Asked<T> {
        let counted = match self.tally.admit() {
            Ok(counted) => counted,
            Err(refused) => {
                return Asked {
                    answer: Err(NoAnswer::Quarantined(refused)),
                    change: None,
                };
            }
        };
        match call.await {
            Ok(answer) => Asked {
                answer: Ok(answer),
                change: counted.succeeded(),
            },
            Err(fault) => Asked {
                change: counted.failed(&fault),
                answer: Err(NoAnswer::Fault(fault)),
            },
        }
    }

    /// Asks `approver`, which is this generation's façade. Whatever fails is a
    /// verdict too, a `dangerous` one; the change is in how far this generation
    /// is believed.
    pub(crate) async fn review(
        &self,
        approver: &Approver,
        request: &ReviewRequest,
    ) -> (Verdict, Option<Change>) {
        let asked = self
            .ask(approver.review(&self.engine, &self.terms, request))
            .await;
        let verdict = match asked.answer {
            Ok(answer) => self.verdict(answer),
            Err(none) => self.refusal(&none),
        };
        (verdict, asked.change)
    }

    /// Answers `request` under `terms`, uncounted: nobody goes into quarantine.
    pub(crate) async fn answer(
        &self,
        terms: &Arc<CallTerms>,
        request: &PolicyRequest,
    ) -> Result<PolicyAnswer, AskError> {
        let engine = &self.engine;
        let failed = |fault: Fault| AskError::Failed(fault.to_string());
        match (&self.facade, request) {
            (Facade::Approver(approver), PolicyRequest::Review(request)) => approver
                .review(engine, terms, request)
                .await
                .map(|answer| PolicyAnswer::Verdict(self.verdict(answer)))
                .map_err(failed),
            (Facade::Distributor(distributor), PolicyRequest::Distribute(batch)) => {
                check_batch(batch).map_err(|bad| AskError::Unsound(bad.to_string()))?;
                distributor
                    .distribute(engine, terms, batch)
                    .await
                    .map(PolicyAnswer::Plan)
                    .map_err(failed)
            }
            (
                Facade::ProgressParser(parser),
                PolicyRequest::ParseProgress(Recording { session, chunks }),
            ) => {
                let mut live = parser.start(engine, terms, session).await.map_err(failed)?;
                let mut updates = Vec::with_capacity(chunks.len());
                for chunk in chunks {
                    let mut said = Vec::new();
                    for portion in portions(chunk) {
                        said.extend(live.feed(engine, &portion).await.map_err(failed)?);
                    }
                    updates.push(said);
                }
                Ok(PolicyAnswer::Updates(updates))
            }
            (Facade::Recovery(recovery), PolicyRequest::Recover(incident)) => recovery
                .decide(engine, terms, incident)
                .await
                .map(PolicyAnswer::Decision)
                .map_err(failed),
            _ => Err(AskError::OtherKind {
                asked: request.kind(),
                is: self.kind,
            }),
        }
    }

    /// The answer, or why the host's own has to stand in for it; reports what
    /// there is to report of either.
    pub(crate) fn answer_of<T>(
        &self,
        asked: Asked<T>,
        problems: &Problems,
        stand_in: &StandIn,
    ) -> Result<T, String> {
        let answer = asked.answer.map_err(|none| {
            let reason = format!(
                "the {} `{}` (generation {}) {none}",
                stand_in.kind, self.name, self.number
            );
            if none.blames_policy() {
                let happens = stand_in.happens;
                problems.raise(self.problem(ProblemKind::Failed, format!("{reason}; {happens}")));
            }
            reason
        });
        if let Some(change) = asked.change {
            let last = answer.as_ref().err().map_or("", String::as_str);
            problems.raise(self.change_of_conduct(change, stand_in.meanwhile, &last));
        }
        answer
    }

    /// What is reported when it is no longer believed, or again. `last` says
    /// what happened last, `meanwhile` what its answers count as.
    pub(crate) fn change_of_conduct(
        &self,
        change: Change,
        meanwhile: &str,
        last: &dyn fmt::Display,
    ) -> PolicyProblem {
        let (kind, reason) = match change {
            Change::Quarantined => (
                ProblemKind::Quarantined,
                format!(
                    "it failed several times in a row, and {meanwhile} until a trial call succeeds; last: {last}"
                ),
            ),
            Change::Released => (
                ProblemKind::Released,
                String::from("it answered again and is believed again"),
            ),
        };
        self.problem(kind, reason)
    }

    pub(crate) fn problem(&self, kind: ProblemKind, reason: String) -> PolicyProblem {
        PolicyProblem {
            kind,
            policy: self.name.clone(),
            file: None,
            reason,
            serving: Some(self.serving()),
        }
    }

    pub(crate) fn verdict(&self, answer: Answer) -> Verdict {
        Verdict {
            tier: answer.tier,
            reason: answer.reason,
            rule: answer.rule,
            span: answer.span,
            suggestion: answer.suggestion,
            policy: self.name.clone(),
            generation: self.number,
            digest: self.origin.digest.clone(),
        }
    }

    /// What counts where there is no answer.
    pub(crate) fn refusal(&self, none: &NoAnswer) -> Verdict {
        Verdict {
            tier: Tier::Dangerous,
            reason: format!(
                "the approver `{}` (generation {}) {none}",
                self.name, self.number
            ),
            rule: Some(none.rule().to_owned()),
            span: None,
            suggestion: Some(none.suggestion().to_owned()),
            policy: self.name.clone(),
            generation: self.number,
            digest: self.origin.digest.clone(),
        }
    }
}
