//! `quarterdeck plugin promote`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use quarterdeck_core::audit::{Change, ChangeKind};
use toml_edit::{DocumentMut, Item};

use super::folder::{PluginsFolder, present_name};
use super::sidecar::{self, ChangedSidecar};
use super::taken_over::{ensure_sound, wait_for_running_host};
use crate::Setup;
use crate::commands::changes;

/// Has a policy that was in shadow rule from now on, if a host takes it as a ruler: an
/// approver that fails would have everything refused.
pub(super) fn run(setup: &Setup, folder: &PluginsFolder, name: &str) -> Result<ExitCode> {
    let name = present_name(name)?;
    let turn = folder.turn()?;
    let changed = out_of_shadow(folder, name)?;
    ensure_sound(setup, folder, name, &changed.text, "promoted")?;
    changed.write(folder)?;
    drop(turn);
    let change = Change::by_person("plugin promote", ChangeKind::PolicyPromoted, name);
    changes::keep(setup, &change);
    anstream::println!(
        "{name} rules from now on, as {} says",
        changed.path.display()
    );
    wait_for_running_host(setup, name)
}

/// The sidecar of a policy that leaves shadow.
fn out_of_shadow(folder: &PluginsFolder, name: &str) -> Result<ChangedSidecar> {
    sidecar::changed(folder, name, |document| {
        if !is_shadow(document) {
            bail!(
                "{name} is not in shadow: {} does not say `mode = \"shadow\"`",
                folder.sidecar(name).display()
            );
        }
        sidecar::set(document, "mode", "ruling");
        Ok(())
    })
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

        let changed = out_of_shadow(&folder, "rule").expect("in shadow");
        changed.write(&folder).expect("promoted");
        let promoted = fs::read_to_string(&path).expect("read");
        assert_eq!(promoted, text.replace("shadow", "ruling"));

        let again = out_of_shadow(&folder, "rule")
            .err()
            .expect("it rules already");
        assert!(again.to_string().contains("not in shadow"), "{again}");
        assert!(out_of_shadow(&folder, "nobody").is_err());
        assert!(!folder.sidecar("nobody").exists());
    }
}
