//! The approvers as their callers see them.

use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::incident::Incidents;
use crate::{ReviewRequest, Ruling, Tier, Verdict};

/// The approvers at one moment. A swap does not touch it: what was pinned
/// answers to the end.
#[derive(Clone)]
pub struct Approvers {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) incidents: Incidents,
}

impl Approvers {
    /// Asks every approver, in their order; the strictest verdict counts, of
    /// those that are no shadows.
    ///
    /// There is no error: an approver that fails, is missing or cannot be
    /// believed says `dangerous`, with the reason.
    pub async fn review(&self, request: &ReviewRequest) -> Ruling {
        let mut all = Vec::new();
        for (generation, approver) in self.catalogue.approvers() {
            let (verdict, change) = generation.review(approver, request).await;
            if let Some(change) = change {
                self.incidents.raise(generation.change_of_conduct(
                    change,
                    "counts as `dangerous`",
                    &verdict.reason,
                ));
            }
            all.push(verdict);
        }
        let mut shadows = Vec::new();
        for (generation, approver) in self.catalogue.shadow_approvers() {
            let (verdict, change) = generation.review(approver, request).await;
            if let Some(change) = change {
                self.incidents.raise(generation.change_of_conduct(
                    change,
                    "is not asked, as a shadow",
                    &verdict.reason,
                ));
            }
            shadows.push(verdict);
        }
        for missing in &self.catalogue.missing {
            all.push(refusal(
                &missing.name,
                "host/required-missing",
                format!(
                    "refused, because the approver `{}` is required and cannot be asked: {}",
                    missing.name, missing.reason
                ),
            ));
        }
        let ruling = Ruling::strictest(all, || {
            refusal(
                "none",
                "host/no-approver",
                String::from("refused, because no approver is loaded"),
            )
        });
        Ruling { shadows, ..ruling }
    }
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
