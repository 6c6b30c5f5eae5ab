//! What has been found, of which the strictest is kept.

use super::Walk;
use crate::matching::Subject;
use crate::parser::{Parsed, ProblemKind};
use crate::rules::Rule;
use crate::verdict::{Finding, Span, Tier};

impl Walk<'_> {
    /// The strictest finding.
    pub(crate) fn take_worst(&mut self) -> Option<Finding> {
        self.worst.take()
    }

    /// A word that no rule knows may be an answer to the program that reads it:
    /// it has this tier.
    pub(crate) fn may_be_no_command(&mut self, tier: Tier) {
        self.unknown_program = tier;
    }

    /// Forgets a finding that does not count here.
    pub(crate) fn disregard(&mut self, rule: &str) {
        self.worst.take_if(|worst| worst.rule == rule);
    }

    /// The strictest tier so far.
    pub(crate) fn tier(&self) -> Tier {
        self.worst
            .as_ref()
            .map_or(Tier::Safe, |finding| finding.tier)
    }

    pub(super) fn found(&mut self, finding: Finding) {
        if self.counts(finding.tier, &finding.rule) {
            self.worst = Some(finding);
        }
    }

    /// Whether a finding of this tier and rule takes the place of the
    /// strictest one so far.
    pub(super) fn counts(&self, tier: Tier, rule: &str) -> bool {
        self.worst.as_ref().is_none_or(|worst| {
            // Of two equals a rule explains more than that something is unknown.
            worst.tier < tier
                || worst.tier == tier
                    && (worst.rule.starts_with("core/unknown-") || worst.rule == "secrets/read")
                    && !rule.starts_with("core/")
        })
    }

    /// Records a finding of the walk itself, under a rule id that a sidecar
    /// may give another tier.
    pub(super) fn note(
        &mut self,
        id: &'static str,
        tier: Tier,
        reason: impl Into<String>,
        span: Span,
    ) {
        let tier = self.rules.tier_of(id, tier);
        if !self.counts(tier, id) {
            return;
        }
        self.found(Finding {
            tier,
            rule: id.to_owned(),
            reason: reason.into(),
            suggestion: None,
            span,
        });
    }

    /// What a rule says about a command, which may be in production.
    pub(super) fn found_in(
        &mut self,
        rule: &Rule,
        subject: &Subject<'_>,
        span: Span,
        step: Option<usize>,
    ) {
        let tier = self.rules.tier(rule);
        let stricter = rule.in_production.filter(|stricter| {
            *stricter > tier && (self.in_production || Rule::names_production(subject))
        });
        let Some(stricter) = stricter else {
            self.trace_verdict(step, tier, rule.id, rule.reason);
            self.found_by(rule, span);
            return;
        };
        let reason = format!("In what looks like production: {}", rule.reason);
        self.trace_verdict(step, stricter, rule.id, &reason);
        self.found(Finding {
            tier: stricter,
            rule: rule.id.to_owned(),
            reason,
            suggestion: rule.suggestion.map(str::to_owned),
            span,
        });
    }

    /// As [`Self::note`], for one command.
    pub(super) fn note_step(
        &mut self,
        id: &'static str,
        tier: Tier,
        reason: String,
        span: Span,
        step: Option<usize>,
    ) {
        self.trace_verdict(step, self.rules.tier_of(id, tier), id, &reason);
        self.note(id, tier, reason, span);
    }

    pub(super) fn problems(&mut self, parsed: &Parsed) {
        for problem in &parsed.problems {
            let (rule, reason) = match problem.kind {
                ProblemKind::Unterminated(what) => (
                    "core/syntax",
                    format!("`{what}` is never closed, so a shell would wait for more or fail."),
                ),
                ProblemKind::Unexpected => (
                    "core/syntax",
                    "This is not a proper shell command, so what it does cannot be told."
                        .to_owned(),
                ),
                ProblemKind::TooDeep => (
                    "core/too-deep",
                    "Commands are nested too deeply to be followed.".to_owned(),
                ),
                ProblemKind::TooLong => (
                    "core/too-long",
                    "There is more here than can be judged.".to_owned(),
                ),
                ProblemKind::History => (
                    "core/history",
                    "`!` recalls an earlier command, which cannot be seen here.".to_owned(),
                ),
            };
            self.note(rule, Tier::Review, reason, problem.span);
        }
    }

    /// Notes that there is more than is judged.
    pub(crate) fn too_long(&mut self) {
        self.note(
            "core/too-long",
            Tier::Review,
            "There is more here than can be judged.",
            Span::default(),
        );
    }

    pub(super) fn found_by(&mut self, rule: &Rule, span: Span) {
        if !self.counts(self.rules.tier(rule), rule.id) {
            return;
        }
        self.found(Finding {
            tier: self.rules.tier(rule),
            rule: rule.id.to_owned(),
            reason: rule.reason.to_owned(),
            suggestion: rule.suggestion.map(str::to_owned),
            span,
        });
    }
}
