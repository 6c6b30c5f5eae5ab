//! The policies that are loaded, and those that might be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use quarterdeck_policy::{PolicyKind, PolicyStatus, Settings, Workbench};

use crate::audit::{DiffError, History, PolicyDiff, Scope};
use crate::caller::{Caller, CallerKind};
use crate::error::HostError;
use crate::host::Host;

/// How long past commands are replayed for one call.
const DIFF_PATIENCE: Duration = Duration::from_secs(20);

/// What became of looking at the plugins folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyReload {
    /// Policies in a version that was not in charge before.
    pub loaded: Vec<LoadedPolicy>,
    /// Policies that are no longer asked.
    pub removed: Vec<String>,
    /// Policies whose newest version was refused, with the reason. Where one of
    /// that name was in charge, it still is.
    pub refused: Vec<(String, String)>,
    /// How many policies are loaded now.
    pub serving: usize,
}

/// A policy that came into charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedPolicy {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Option<PolicyKind>,
    /// The generation.
    pub generation: u64,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
}

/// The component that the commands of the past are put to.
#[derive(Clone, Debug)]
pub struct DiffPolicy {
    /// The name of a component in the plugins folder, or the absolute path of
    /// one elsewhere. A sidecar beside it is heeded.
    pub component: String,
    /// The policy that it would replace; the file's name where there is none.
    pub name: Option<String>,
    /// Which commands.
    pub scope: Scope,
}

impl Host {
    /// Every policy, once the first load is done.
    pub async fn policies(&self) -> Vec<PolicyStatus> {
        self.policies.ready().await;
        self.policies.list()
    }

    /// The policies that have been dealt with: while a host starts, not yet all.
    pub fn policies_so_far(&self) -> Vec<PolicyStatus> {
        self.policies.list()
    }

    /// Whether the first load is done.
    pub fn policies_are_ready(&self) -> bool {
        self.policies.ready().now_or_never().is_some()
    }

    /// Looks at the plugins folder now, and says what came of it. An agent may
    /// do so only where the configuration says that agents change policies.
    pub async fn reload_policies(&self, caller: &Caller) -> Result<PolicyReload, HostError> {
        if caller.kind == CallerKind::Agent && !self.agents_may_change_policies {
            return Err(HostError::PolicyChangesOff);
        }
        let before = self.policies().await;
        self.policies.rescan().await;
        Ok(PolicyReload::between(&before, &self.policies.list()))
    }

    /// What a component would have said to the commands of the audit log. What
    /// cannot be replayed within some seconds is left out, and said to be.
    ///
    /// One at a time, and on a thread that may block: the component is compiled
    /// first, in an engine of its own.
    pub async fn diff_policy(&self, request: DiffPolicy) -> Result<PolicyDiff, HostError> {
        let file = self.component_file(&request.component)?;
        let turn = Arc::clone(&self.diff_turn).lock_owned().await;
        let settings = self.policy_settings.clone();
        let audit = self.gate.audit().path().to_owned();
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            runtime.block_on(diff(&settings, &audit, &file, request))
        })
        .await
        .map_err(|_| HostError::Internal("the comparison was broken off".to_owned()))?
    }

    fn component_file(&self, component: &str) -> Result<PathBuf, HostError> {
        let path = PathBuf::from(component);
        if path.is_absolute() {
            return Ok(path);
        }
        if component.is_empty() || component.contains('/') {
            return Err(HostError::InvalidParameters(format!(
                "component {component:?} is neither the name of a policy in {} nor an absolute path",
                self.policy_settings.plugins_dir.display()
            )));
        }
        let name = component.strip_suffix(".wasm").unwrap_or(component);
        let file = format!("{name}.wasm");
        Ok(self.policy_settings.plugins_dir.join(file))
    }
}

async fn diff(
    settings: &Settings,
    audit: &Path,
    file: &Path,
    request: DiffPolicy,
) -> Result<PolicyDiff, HostError> {
    let failed = |error: &dyn std::fmt::Display| {
        HostError::InvalidParameters(format!("the component {}: {error}", file.display()))
    };
    let stem = || Some(file.file_stem()?.to_str()?.to_owned());
    let name = request
        .name
        .or_else(stem)
        .ok_or_else(|| failed(&"its name is no text; give another with name"))?;
    let workbench = Workbench::new(Some(&settings.cache_dir))
        .map_err(|error| HostError::Internal(error.to_string()))?
        .with_limits(settings.limits);
    let sidecar = Some(file.with_extension("toml")).filter(|sidecar| sidecar.exists());
    let policy = workbench
        .open_as(&name, file, sidecar.as_deref())
        .await
        .map_err(|error| failed(&error))?;
    let history = History::open(audit).map_err(|error| HostError::Internal(error.to_string()))?;
    let until = Instant::now() + DIFF_PATIENCE;
    PolicyDiff::of(history, request.scope, &policy, Some(until))
        .await
        .map_err(|error| match error {
            DiffError::Ask(error) => failed(&error),
            DiffError::History(error) => HostError::Internal(error.to_string()),
        })
}

impl PolicyReload {
    pub(crate) fn between(before: &[PolicyStatus], after: &[PolicyStatus]) -> Self {
        let former: BTreeMap<&str, u64> = in_charge(before).collect();
        let now: BTreeMap<&str, u64> = in_charge(after).collect();
        Self {
            loaded: after
                .iter()
                .filter(|policy| {
                    policy.generation > 0 && former.get(&*policy.name) != Some(&policy.generation)
                })
                .map(|policy| LoadedPolicy {
                    name: policy.name.clone(),
                    kind: policy.kind,
                    generation: policy.generation,
                    digest: policy.digest.clone(),
                })
                .collect(),
            removed: former
                .keys()
                .filter(|name| !now.contains_key(*name))
                .map(|name| (*name).to_owned())
                .collect(),
            refused: after
                .iter()
                .filter_map(|policy| Some((policy.name.clone(), policy.rejection.clone()?)))
                .collect(),
            serving: now.len(),
        }
    }
}

fn in_charge(policies: &[PolicyStatus]) -> impl Iterator<Item = (&str, u64)> {
    policies
        .iter()
        .filter(|policy| policy.generation > 0)
        .map(|policy| (&*policy.name, policy.generation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_policy::{Grants, Instances, PolicySource, PolicyState, Provenance, Trust};

    fn policy(name: &str, generation: u64, rejection: Option<&str>) -> PolicyStatus {
        PolicyStatus {
            name: name.to_owned(),
            kind: Some(PolicyKind::Approver),
            generation,
            digest: String::new(),
            source: PolicySource::Bundled,
            trust: Trust::Bundled,
            state: PolicyState::Active,
            calls: 0,
            p50_micros: 0,
            p99_micros: 0,
            traps: 0,
            shadow_differed: None,
            rejection: rejection.map(str::to_owned),
            last_error: None,
            size: 0,
            imports: Vec::new(),
            wit_version: String::new(),
            provenance: Provenance::default(),
            limits: None,
            grants: Grants::default(),
            instances: Instances::Fresh,
        }
    }

    #[test]
    fn a_reload_says_what_came_what_went_and_what_was_refused() {
        let before = [
            policy("kept", 1, None),
            policy("changed", 2, None),
            policy("broken", 3, None),
            policy("gone", 4, None),
        ];
        let after = [
            policy("kept", 1, None),
            policy("changed", 5, None),
            policy("broken", 3, Some("it is cut short")),
            policy("new", 6, None),
            policy("newly-broken", 0, Some("it is empty")),
        ];
        let reload = PolicyReload::between(&before, &after);
        let loaded: Vec<_> = reload.loaded.iter().map(|it| &*it.name).collect();
        assert_eq!(loaded, ["changed", "new"]);
        assert_eq!(reload.removed, ["gone"]);
        let refused: Vec<_> = reload.refused.iter().map(|(name, _)| &**name).collect();
        assert_eq!(refused, ["broken", "newly-broken"]);
        assert_eq!(reload.serving, 4);
    }
}
