//! JavaScript: the project's own `npm run build`, which is the SDK's.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::BuildError;
use crate::project::{component, read};
use crate::tools::{on_path, output_of, run};

pub(crate) const NAME: &str = "JavaScript";

/// The oldest Node that the SDK runs on.
const OLDEST_NODE: u32 = 20;

/// The SDK's build tool.
const BUILDER: &str = "quarterdeck-build";

pub(crate) fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let missing = |what: &str, remedy: String| BuildError::Missing {
        what: what.to_owned(),
        language: NAME,
        remedy,
    };
    let get_node = format!(
        "install Node {OLDEST_NODE} or later with its npm, from https://nodejs.org or your system's packages"
    );
    if on_path("node").is_none() {
        return Err(missing("node", get_node));
    }
    if on_path("npm").is_none() {
        return Err(missing("npm", get_node));
    }
    let version = output_of(Command::new("node").arg("--version")).unwrap_or_default();
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        let what = format!("a newer Node (this is {version})");
        return Err(missing(&what, get_node));
    }
    let manifest = folder.join("package.json");
    let text = read(&manifest)?;
    let name = name(&text).map_err(|problem| BuildError::Project {
        path: manifest,
        problem,
    })?;
    let uses_sdk = text.contains(BUILDER);
    let packages = folder.join("node_modules");
    let wanted = match packages.is_dir() {
        false => Some("what package.json asks for"),
        true if uses_sdk && !packages.join(".bin").join(BUILDER).is_file() => Some(BUILDER),
        true => None,
    };
    if let Some(wanted) = wanted {
        let remedy = format!("run `npm install` in {} once", folder.display());
        return Err(missing(wanted, remedy));
    }
    run(Command::new("npm").args(["run", "build"]), folder)?;
    let component = component(folder, &name);
    if component.is_file() {
        return Ok(component);
    }
    Err(BuildError::NothingBuilt {
        command: "npm run build".to_owned(),
        remedy: format!(
            "have `build` in package.json write it: `quarterdeck-build --out dist/{name}.wasm …`"
        ),
        path: component,
    })
}

/// The package's name, if it can be built.
fn name(manifest: &str) -> Result<String, String> {
    let manifest: Value = serde_json::from_str(manifest).map_err(|error| error.to_string())?;
    if !manifest["scripts"]["build"].is_string() {
        return Err("it has no script `build`; a policy's is \
                    `quarterdeck-build --kind KIND --out dist/NAME.wasm policy.js`"
            .to_owned());
    }
    let name = manifest["name"].as_str().ok_or("it has no `name`")?;
    // A scope is a folder's name at most.
    Ok(name.rsplit('/').next().unwrap_or(name).to_owned())
}

/// 20 of `v20.1.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_its_name_and_how_it_is_built() {
        let sound = r#"{"name": "@me/no-push", "scripts": {"build": "quarterdeck-build"}}"#;
        assert_eq!(name(sound).as_deref(), Ok("no-push"));
        for (manifest, told) in [
            ("{}", "no script `build`"),
            (r#"{"scripts": {"build": "x"}}"#, "no `name`"),
            ("{", "EOF"),
        ] {
            let problem = name(manifest).expect_err(manifest);
            assert!(problem.contains(told), "{problem}");
        }
    }

    #[test]
    fn versions_of_node() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major(""), None);
    }
}
