//! `quarterdeck plugin enable` and `disable`.

use std::fs;
use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::{Context, Result};
use toml_edit::{DocumentMut, value};

use super::folder::{PluginsFolder, checked_name};

/// Writes `enabled` into the policy's sidecar, and nothing else of it.
pub(super) fn run(folder: &PluginsFolder, name: &str, enabled: bool) -> Result<ExitCode> {
    let name = checked_name(name)?;
    let path = folder.sidecar(name);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let changed =
        with_enabled(&text, enabled).with_context(|| format!("reading {}", path.display()))?;
    folder.write(&path, changed.as_bytes())?;
    let done = if enabled { "enabled" } else { "disabled" };
    anstream::println!("{name} is {done} in {}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn with_enabled(sidecar: &str, enabled: bool) -> Result<String> {
    let mut document: DocumentMut = sidecar.parse()?;
    document["enabled"] = value(enabled);
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::with_enabled;

    #[test]
    fn the_rest_of_a_sidecar_stays_as_it_is() {
        let sidecar = "# mine\norder = 3 # first\n\n[config]\nallow = [\"ls\"]\n";
        let changed = with_enabled(sidecar, false).expect("a sidecar");
        assert_eq!(
            changed,
            "# mine\norder = 3 # first\nenabled = false\n\n[config]\nallow = [\"ls\"]\n"
        );
        let again = with_enabled(&changed, true).expect("a sidecar");
        assert_eq!(again, changed.replace("false", "true"));
    }
}
