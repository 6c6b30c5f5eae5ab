//! The policies that are loaded, and those that might be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use quarterdeck_policy::{PolicyKind, PolicyStatus, Workbench};

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

/// Which component is put the commands of the past to.
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
    pub async fn diff_policy(&self, request: DiffPolicy) -> Result<PolicyDiff, HostError> {
        let file = self.component_file(&request.component)?;
        let name = request
            .name
            .or_else(|| Some(file.file_stem()?.to_str()?.to_owned()))
            .unwrap_or_else(|| "policy".to_owned());
        let failed = |error: &dyn std::fmt::Display| {
            HostError::InvalidParameters(format!("the component {}: {error}", file.display()))
        };
        let workbench = Workbench::new(Some(&self.policy_settings.cache_dir))
            .map_err(|error| HostError::Internal(error.to_string()))?
            .with_limits(self.policy_settings.limits);
        let sidecar = Some(file.with_extension("toml")).filter(|sidecar| sidecar.exists());
        let policy = workbench
            .open_as(&name, &file, sidecar.as_deref())
            .await
            .map_err(|error| failed(&error))?;
        let history = History::open(self.gate.audit_path())
            .map_err(|error| HostError::Internal(error.to_string()))?;
        let until = Instant::now() + DIFF_PATIENCE;
        PolicyDiff::of(history, request.scope, &policy, Some(until))
            .await
            .map_err(|error| match error {
                DiffError::Ask(error) => failed(&error),
                DiffError::History(error) => HostError::Internal(error.to_string()),
            })
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

impl PolicyReload {
    fn between(before: &[PolicyStatus], after: &[PolicyStatus]) -> Self {
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
