//! `quarterdeck plugin promote`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use toml_edit::{DocumentMut, Item};

use super::folder::{PluginsFolder, checked_name};
use super::sidecar;

/// Has a policy that was in shadow rule from now on.
pub(super) fn run(folder: &PluginsFolder, name: &str) -> Result<ExitCode> {
    let name = checked_name(name)?;
    let path = sidecar::change(folder, name, |document| {
        if !is_shadow(document) {
            bail!(
                "{name} is not in shadow: {} does not say `mode = \"shadow\"`",
                folder.sidecar(name).display()
            );
        }
        sidecar::set(document, "mode", "ruling");
        Ok(())
    })?;
    anstream::println!("{name} rules from now on, as {} says", path.display());
    Ok(ExitCode::SUCCESS)
}

fn is_shadow(document: &DocumentMut) -> bool {
    document.get("mode").and_then(Item::as_str) == Some("shadow")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_policy_leaves_shadow_and_keeps_the_rest_of_its_sidecar() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = PluginsFolder::open(place.path().join("plugins")).expect("opened");
        let path = folder.sidecar("rule");
        let text = "# mine\nmode = \"shadow\" # since May\norder = 3\n";
        fs::write(&path, text).expect("written");

        run(&folder, "rule").expect("promoted");
        let promoted = fs::read_to_string(&path).expect("read");
        assert_eq!(promoted, text.replace("shadow", "ruling"));

        let again = run(&folder, "rule").expect_err("it rules already");
        assert!(again.to_string().contains("not in shadow"), "{again}");
        assert!(run(&folder, "nobody").is_err());
        assert!(!folder.sidecar("nobody").exists());
    }
}
