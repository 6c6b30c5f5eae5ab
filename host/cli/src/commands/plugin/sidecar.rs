//! Changing a key of a sidecar, and nothing else of it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use toml_edit::{DocumentMut, Value, value};

use super::folder::PluginsFolder;

/// The sidecar of this name, which may be missing, as it would be after `change`. Whoever
/// writes it has had their [turn](PluginsFolder::turn) since before.
pub(crate) fn changed(
    folder: &PluginsFolder,
    name: &str,
    change: impl FnOnce(&mut DocumentMut) -> Result<()>,
) -> Result<ChangedSidecar> {
    let mut document = read(folder, name)?;
    change(&mut document)?;
    let path = folder.sidecar(name);
    let text = document.to_string();
    Ok(ChangedSidecar { path, text })
}

/// The sidecar of this name; an empty one where it is missing.
pub(crate) fn read(folder: &PluginsFolder, name: &str) -> Result<DocumentMut> {
    let content = folder.read_sidecar(name)?.unwrap_or_default();
    let reading = || format!("reading {}", folder.sidecar(name).display());
    let text = String::from_utf8(content).with_context(reading)?;
    text.parse().with_context(reading)
}

/// A sidecar that is not written yet.
pub(crate) struct ChangedSidecar {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl ChangedSidecar {
    pub(crate) fn write(&self, folder: &PluginsFolder) -> Result<()> {
        folder.write(&self.path, self.text.as_bytes())
    }
}

/// Sets a key; comments around it stay.
pub(crate) fn set(document: &mut DocumentMut, key: &str, to: impl Into<Value>) {
    match document.get_mut(key).and_then(|item| item.as_value_mut()) {
        Some(present) => {
            let decor = present.decor().clone();
            *present = to.into();
            *present.decor_mut() = decor;
        }
        None => document[key] = value(to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_sidecar_stays_as_it_is() {
        let sidecar = "# mine\norder = 3 # first\n\n[config]\nallow = [\"ls\"]\n";
        let mut document: DocumentMut = sidecar.parse().expect("a sidecar");
        set(&mut document, "enabled", false);
        assert_eq!(
            document.to_string(),
            "# mine\norder = 3 # first\nenabled = false\n\n[config]\nallow = [\"ls\"]\n"
        );
        set(&mut document, "order", 4);
        assert!(document.to_string().contains("order = 4 # first\n"));
    }
}
