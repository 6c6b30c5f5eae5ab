//! `quarterdeck plugin check`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use quarterdeck_core::policy::{
    ComponentFacts, PolicyHost, PolicyKind, PolicyState, PolicyStatus, ProblemKind, Settings,
};

use super::folder::{present_name, read_if_there};
use crate::hosting::{policy_limits, runtime};
use crate::{Setup, bundled};

/// How often a file that is not whole yet is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a host may take to say what is wrong with a component.
const VERDICT_PATIENCE: Duration = Duration::from_secs(10);

/// What became of trying a component.
pub(super) struct Trial {
    /// What is written on its outside, also where it was refused.
    facts: ComponentFacts,
    /// As `plugin list` would show it.
    pub(super) status: PolicyStatus,
}

impl Trial {
    /// Whether a host would put it in charge.
    pub(super) fn is_sound(&self) -> bool {
        matches!(
            self.status.state,
            PolicyState::Active | PolicyState::Shadow | PolicyState::Disabled
        ) && self.status.last_error.is_none()
    }
}

/// Loads a component as a host would, in a folder of its own, with the sidecar
/// beside it where there is one.
pub(super) fn run(setup: &Setup, file: &Path, json: bool) -> Result<ExitCode> {
    let name = stem(file)?;
    let component = component_in(file)?;
    let sidecar = read_if_there(&file.with_extension("toml"))?;
    let mut trial = try_component(setup, name, &component, sidecar.as_deref())?;
    if trial.is_sound()
        && let Some(other_kind) = bundled_is_of_another_kind(name, trial.status.kind)
    {
        let refused = format!("{other_kind}; give it another name");
        trial.status.rejection = Some(refused.clone());
        trial.status.last_error = Some(refused);
        trial.status.state = PolicyState::Failed;
    }
    if json {
        anstream::println!("{}", serde_json::to_string(&trial.status)?);
    } else {
        print(&trial);
        if !trial.is_sound() && sidecar.is_none() && has_to_be_configured(&trial.facts) {
            anstream::println!(
                "  config   it has to have some: write {} with a [config], for check, bench and `plugin add`; \
                 a case of cases.toml has its own `config`",
                file.with_extension("toml").display()
            );
        }
    }
    Ok(if trial.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether the component asks for keys that nobody may leave out.
fn has_to_be_configured(facts: &ComponentFacts) -> bool {
    let required = facts.config_schema.as_ref().map(|it| &it["required"]);
    required
        .and_then(|keys| keys.as_array())
        .is_some_and(|keys| !keys.is_empty())
}

/// The component that a file holds. Whoever would read a pipe might wait for ever.
pub(super) fn component_in(file: &Path) -> Result<Vec<u8>> {
    ensure_file(file)?;
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// Refuses a pipe, a device and a folder, and says where a component comes from if there
/// is none.
pub(super) fn ensure_file(file: &Path) -> Result<()> {
    let found = match fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no component {}; `quarterdeck plugin build`, in the folder of a policy's project, writes dist/NAME.wasm there",
            std::path::absolute(file)
                .as_deref()
                .unwrap_or(file)
                .display()
        ),
        found => found.with_context(|| format!("reading {}", file.display()))?,
    };
    ensure!(
        found.is_file(),
        "{} is no file; give the path of a component",
        file.display()
    );
    Ok(())
}

/// The name that a file would have as a policy.
pub(super) fn stem(file: &Path) -> Result<&str> {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    present_name(stem.with_context(|| format!("{} names no file", file.display()))?)
}

/// Says so if a policy of another kind is bundled under the name that a component has or
/// would get: a host would refuse it.
pub(super) fn bundled_is_of_another_kind(name: &str, kind: Option<PolicyKind>) -> Option<String> {
    let bundled = bundled::policies().into_iter().find(|it| it.name == name)?;
    let kind = kind.filter(|kind| *kind != bundled.kind)?;
    Some(format!(
        "it is {kind:#}, but `{name}` is {:#} that is bundled",
        bundled.kind
    ))
}

/// Tries a component without any running host.
pub(super) fn try_component(
    setup: &Setup,
    name: &str,
    component: &[u8],
    sidecar: Option<&[u8]>,
) -> Result<Trial> {
    let folder = tempfile::tempdir().context("making a folder for the trial")?;
    let plugins_dir = folder.path().join("plugins");
    fs::create_dir(&plugins_dir)
        .and_then(|()| fs::write(plugins_dir.join(format!("{name}.wasm")), component))
        .and_then(|()| match sidecar {
            Some(sidecar) => fs::write(plugins_dir.join(format!("{name}.toml")), sidecar),
            None => Ok(()),
        })
        .context("copying the component for the trial")?;
    let settings = Settings {
        plugins_dir,
        // So that neither the next command nor a host compiles it again.
        cache_dir: setup.paths.policy_cache(),
        compiler: None,
        bundled: Vec::new(),
        limits: policy_limits(setup),
        watch: false,
        kept_instances: Settings::KEPT_BY_ONE_COMMAND,
        required: Vec::new(),
    };
    let status = runtime()?.block_on(async {
        let (rejected, mut rejections) = tokio::sync::mpsc::unbounded_channel();
        let policies = PolicyHost::start(settings, move |problem| {
            if matches!(problem.kind, ProblemKind::Rejected | ProblemKind::Sidecar) {
                // Only the first is waited for.
                let _ = rejected.send(());
            }
        })?;
        policies.ready().await;
        let listed = || {
            let mut policies = policies.list().into_iter();
            policies.find(|policy| policy.name == name)
        };
        let waited = Instant::now();
        let mut status = listed();
        // A host gives a file that is empty or cut short a moment to be whole.
        while status.as_ref().is_none_or(|status| status.generation == 0)
            && waited.elapsed() < VERDICT_PATIENCE
        {
            let rejection = tokio::time::timeout(LOOK_AGAIN, rejections.recv()).await;
            policies.rescan().await;
            status = listed();
            if rejection.is_ok() {
                break;
            }
        }
        policies.shutdown().await;
        anyhow::Ok(status)
    })?;
    Ok(Trial {
        facts: ComponentFacts::of(component),
        status: status.context("the trial's host did not list the component")?,
    })
}

fn print(trial: &Trial) {
    let status = &trial.status;
    if trial.is_sound() {
        anstream::println!("{}: a sound {}", status.name, status.kind_name());
    } else {
        let fault = status.last_error.as_deref().unwrap_or("it did not load");
        anstream::println!("{}: refused: {fault}", status.name);
    }
    anstream::println!("  digest   {}", trial.facts.digest);
    anstream::println!("  size     {} bytes", trial.facts.size);
    let imports = match trial.facts.imports.as_slice() {
        [] => "none".to_owned(),
        imports => imports.join(", "),
    };
    anstream::println!("  imports  {imports}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_that_is_missing_is_named_with_where_it_would_come_from() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let missing = place.path().join("no-push.wasm");
        let error = ensure_file(&missing).expect_err("missing").to_string();
        assert!(error.contains(&*missing.to_string_lossy()), "{error}");
        assert!(error.contains("plugin build"), "{error}");
        assert!(error.contains("dist/NAME.wasm"), "{error}");
        assert!(
            ensure_file(place.path()).is_err(),
            "a folder is no component"
        );
    }
}
