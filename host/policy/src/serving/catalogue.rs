//! All policies at one moment: what a request pins and what a list shows.
//! Never changed once published; a swap publishes another one.

use std::fmt;
use std::sync::Arc;

use crate::calling::fault::Fault;
use crate::kinds::approver::facade::Approver;
use crate::loading::digest::sha256;
use crate::loading::inspect::inspect;
use crate::loading::rejection::Rejection;
use crate::serving::generation::{Facade, Generation};
use crate::{
    BundledPolicy, Grants, Instances, PolicyKind, PolicySource, PolicyState, PolicyStatus,
    Provenance, Trust,
};

/// All policies at one moment.
#[derive(Default)]
pub(crate) struct Catalogue {
    pub(crate) entries: Vec<Entry>,
    /// Positions in `entries` of those that are asked, in their order.
    asked: Vec<usize>,
    /// Required names under which nobody answers, with the reason.
    pub(crate) missing: Vec<Missing>,
}

/// One policy name.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) generation: Option<Arc<Generation>>,
    pub(crate) disabled: bool,
    /// Why the approver that lies there could not be put in charge, where it failed
    /// when it was tried out.
    pub(crate) unfit: Option<Rejection>,
    /// Why the latest version was rejected.
    pub(crate) rejection: Option<String>,
    /// Whether the program has an approver of that name.
    pub(crate) bundled_approver: bool,
    /// What is bundled under this name, while nobody has asked for it.
    pub(crate) dormant: Option<BundledPolicy>,
    /// The kind of the component that lies there, whatever became of it.
    pub(crate) kind: Option<PolicyKind>,
    /// Where its component comes from, or would.
    pub(crate) source: PolicySource,
}

const NO_COMPONENT: &str = "there is no component of that name";

/// An approver without which nothing is approved, and that cannot be asked.
pub(crate) struct Missing {
    pub(crate) name: String,
    /// Why it cannot be asked.
    reason: String,
    /// What it did when it was tried out, if that is why.
    fault: Option<Fault>,
}

impl Missing {
    /// The rule under which the host refuses in its place.
    pub(crate) fn rule(&self) -> &'static str {
        self.fault
            .as_ref()
            .map_or("host/required-missing", Fault::rule)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing { name, reason, .. } = self;
        match self.fault {
            Some(_) => write!(
                f,
                "the approver `{name}` lies in the plugins folder and cannot be asked ({reason}); nothing is approved until it is mended or taken away"
            ),
            None => write!(
                f,
                "the required approver `{name}` cannot be asked ({reason}); nothing is approved until it is back"
            ),
        }
    }
}

/// There is nobody of that name to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absent {
    kind: PolicyKind,
    name: String,
    reason: String,
    others: Vec<String>,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Absent {
            kind, name, reason, ..
        } = self;
        write!(f, "there is no {kind} `{name}`: {reason}; ")?;
        match &self.others[..] {
            [] => write!(f, "none is loaded"),
            others => write!(f, "those loaded are {}", others.join(", ")),
        }
    }
}

impl Catalogue {
    /// Orders `entries` by name, and their approvers by the order that their
    /// sidecars ask for, bundled ones first among equals.
    ///
    /// `required` are the names without which nothing is approved; each has an
    /// entry. A bundled name that nobody switched off is one of them: a broken
    /// replacement must not be laxer than what it was to replace. So is an approver
    /// that failed when it was tried out: what it would refuse is not known.
    pub(crate) fn new(mut entries: Vec<Entry>, required: &[String]) -> Self {
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let mut asked: Vec<usize> = (0..entries.len())
            .filter(|&at| entries[at].generation.is_some())
            .collect();
        asked.sort_by_key(|&at| {
            let entry = &entries[at];
            let order = entry
                .generation
                .as_ref()
                .map_or(0, |generation| generation.origin.sidecar.order);
            (order, entry.source != PolicySource::Bundled, at)
        });
        let missing = entries
            .iter()
            .filter(|entry| !entry.rules())
            .filter(|entry| {
                let lost = entry.bundled_approver && !entry.disabled && !entry.is_shadow();
                lost || entry.unfit.is_some() || required.contains(&entry.name)
            })
            .map(|entry| Missing {
                name: entry.name.clone(),
                reason: match &entry.unfit {
                    Some(rejection) => rejection.to_string(),
                    None => entry.absence(),
                },
                fault: entry
                    .unfit
                    .as_ref()
                    .and_then(Rejection::fault_on_trial)
                    .cloned(),
            })
            .collect();
        Catalogue {
            entries,
            asked,
            missing,
        }
    }

    /// The approvers that rule, in their order.
    pub(crate) fn approvers(&self) -> impl Iterator<Item = (&Generation, &Approver)> {
        self.asked
            .iter()
            .filter_map(|&at| self.entries[at].approver())
            .filter(|(generation, _)| !generation.is_shadow())
    }

    /// The approvers that are asked and not obeyed, in their order.
    pub(crate) fn shadow_approvers(&self) -> impl Iterator<Item = (&Generation, &Approver)> {
        self.asked
            .iter()
            .filter_map(|&at| self.entries[at].approver())
            .filter(|(generation, _)| generation.is_shadow())
    }

    /// The generations of one kind in their order.
    pub(crate) fn of_kind(&self, kind: PolicyKind) -> impl Iterator<Item = &Arc<Generation>> {
        self.asked
            .iter()
            .filter_map(|&at| self.entries[at].generation.as_ref())
            .filter(move |generation| generation.kind == kind)
    }

    /// The generation of that kind and name.
    pub(crate) fn named(&self, kind: PolicyKind, name: &str) -> Result<&Arc<Generation>, Absent> {
        self.of_kind(kind)
            .find(|generation| generation.name == name)
            .ok_or_else(|| Absent {
                kind,
                name: name.to_owned(),
                reason: self
                    .entries
                    .iter()
                    .find(|entry| entry.name == name)
                    .map_or_else(|| String::from(NO_COMPONENT), Entry::absence),
                others: self.of_kind(kind).map(|it| it.name.clone()).collect(),
            })
    }

    pub(crate) fn status(&self) -> Vec<PolicyStatus> {
        self.entries.iter().map(Entry::status).collect()
    }
}

impl Entry {
    fn approver(&self) -> Option<(&Generation, &Approver)> {
        let generation = self.generation.as_deref()?;
        match &generation.facade {
            Facade::Approver(approver) => Some((generation, approver)),
            _ => None,
        }
    }

    fn is_shadow(&self) -> bool {
        self.generation
            .as_ref()
            .is_some_and(|generation| generation.is_shadow())
    }

    /// Whether there is an approver under this name whose verdicts count.
    fn rules(&self) -> bool {
        self.approver().is_some() && !self.is_shadow()
    }

    /// Why no approver rules under this name.
    fn absence(&self) -> String {
        match (&self.rejection, &self.generation) {
            (_, Some(generation)) if generation.is_shadow() => {
                String::from("its sidecar says that it is a shadow, asked and not obeyed")
            }
            (_, Some(generation)) => {
                format!("the component of that name is a {}", generation.kind)
            }
            (Some(rejection), None) => format!("its component was rejected: {rejection}"),
            (None, None) if self.disabled => String::from("its sidecar switches it off"),
            (None, None) => String::from(NO_COMPONENT),
        }
    }

    fn status(&self) -> PolicyStatus {
        let generation = self.generation.as_deref();
        let summary = generation.map(Generation::summary).unwrap_or_default();
        let inspection = generation.map(|generation| &generation.inspection);
        let state = match generation {
            Some(_) if summary.quarantined => PolicyState::Quarantined,
            Some(generation) if generation.is_shadow() => PolicyState::Shadow,
            Some(_) => PolicyState::Active,
            None if self.disabled => PolicyState::Disabled,
            None if self.dormant.is_some() => PolicyState::Dormant,
            None => PolicyState::Failed,
        };
        // Nobody needs this often enough to keep it.
        let dormant = self.dormant.as_ref();
        let dormant_inspection = dormant.and_then(|bundled| inspect(bundled.wasm).ok());
        let inspection = inspection.or(dormant_inspection.as_ref());
        PolicyStatus {
            name: self.name.clone(),
            kind: generation
                .map(|generation| generation.kind)
                .or(self.unfit.as_ref().map(|_| PolicyKind::Approver))
                .or(dormant.map(|bundled| bundled.kind))
                .or(self.kind),
            generation: generation.map_or(0, |generation| generation.number),
            digest: match (generation, dormant) {
                (Some(generation), _) => generation.origin.digest.clone(),
                (None, Some(bundled)) => sha256(bundled.wasm),
                (None, None) => String::new(),
            },
            source: self.source.clone(),
            trust: generation.map_or(
                match self.source {
                    PolicySource::Bundled => Trust::Bundled,
                    PolicySource::File(_) => Trust::Local,
                },
                Generation::trust,
            ),
            state,
            calls: summary.calls,
            p50_micros: micros(summary.p50),
            p99_micros: micros(summary.p99),
            traps: summary.faults,
            shadow_differed: generation
                .filter(|it| it.is_shadow() && it.kind == PolicyKind::Approver)
                .map(|_| summary.differed),
            rejection: self.rejection.clone(),
            last_error: self.rejection.clone().or(summary.last_fault).or_else(|| {
                let nothing = generation.is_none() && !self.disabled && dormant.is_none();
                nothing.then(|| String::from(NO_COMPONENT))
            }),
            size: generation
                .map(|generation| generation.size)
                .or(dormant.map(|bundled| bundled.wasm.len() as u64))
                .unwrap_or(0),
            imports: inspection.map_or_else(Vec::new, |it| it.imports.clone()),
            wit_version: inspection.map_or_else(String::new, |it| it.wit_version.clone()),
            provenance: inspection.map_or_else(Provenance::default, |it| it.provenance.clone()),
            limits: generation.map(|generation| generation.terms.limits.into()),
            grants: generation.map_or_else(Grants::default, |generation| {
                generation.terms.grants.clone()
            }),
            instances: generation.map_or(Instances::Fresh, |generation| {
                generation.origin.sidecar.instances
            }),
        }
    }
}

/// Whole microseconds, rounded.
fn micros(time: std::time::Duration) -> u64 {
    u64::try_from((time.as_nanos() + 500) / 1000).unwrap_or(u64::MAX)
}
