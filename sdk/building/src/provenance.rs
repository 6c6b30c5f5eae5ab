//! What a project's own manifest says of it, carried by the component in the sections
//! where registries and hosts look for it.

use std::path::Path;

use serde_json::Value;

/// What a component claims of itself: a section's name and what it says.
pub type Claim = (&'static str, String);

/// What a package of cargo's says, as `cargo metadata` shows it.
pub(crate) fn of_cargo(package: &Value) -> Vec<Claim> {
    claims([
        ("version", text(&package["version"])),
        ("authors", people(&package["authors"])),
        ("description", text(&package["description"])),
        ("licenses", text(&package["license"])),
        ("source", text(&package["repository"])),
        ("homepage", text(&package["homepage"])),
    ])
}

/// What a `package.json` says.
pub(crate) fn of_npm(package: &Value) -> Vec<Claim> {
    let repository = &package["repository"];
    claims([
        ("version", text(&package["version"])),
        ("authors", people(&package["author"])),
        ("description", text(&package["description"])),
        ("licenses", text(&package["license"])),
        (
            "source",
            text(repository).or_else(|| text(&repository["url"])),
        ),
        ("homepage", text(&package["homepage"])),
    ])
}

/// The manifest of a JavaScript project, where it is one that can be read.
pub(crate) fn of_npm_project(folder: &Path) -> Vec<Claim> {
    let manifest = std::fs::read(folder.join("package.json")).unwrap_or_default();
    of_npm(&serde_json::from_slice(&manifest).unwrap_or_default())
}

/// What the `[project]` of a `pyproject.toml` says.
pub(crate) fn of_pyproject(project: &Value) -> Vec<Claim> {
    let license = &project["license"];
    let urls = &project["urls"];
    let url = |names: &[&str]| {
        let urls = urls.as_object()?;
        let named = urls
            .iter()
            .find(|(name, _)| names.iter().any(|it| name.eq_ignore_ascii_case(it)))?;
        text(named.1)
    };
    claims([
        ("version", text(&project["version"])),
        ("authors", people(&project["authors"])),
        ("description", text(&project["description"])),
        ("licenses", text(license).or_else(|| text(&license["text"]))),
        ("source", url(&["source", "repository", "source code"])),
        ("homepage", url(&["homepage"])),
    ])
}

/// The manifest of a Python project, where it is one that can be read.
pub(crate) fn of_python_project(folder: &Path) -> Vec<Claim> {
    let manifest = std::fs::read_to_string(folder.join("pyproject.toml")).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let project = manifest.get("project").map(serde_json::to_value);
    of_pyproject(&project.and_then(Result::ok).unwrap_or_default())
}

fn claims<const N: usize>(found: [(&'static str, Option<String>); N]) -> Vec<Claim> {
    let found = found.into_iter();
    found
        .filter_map(|(section, said)| Some((section, said?)))
        .collect()
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// One person or several, each as a text or as a name with an address.
fn people(value: &Value) -> Option<String> {
    let one = |person: &Value| {
        let named = || {
            let name = text(&person["name"])?;
            Some(match text(&person["email"]) {
                Some(email) => format!("{name} <{email}>"),
                None => name,
            })
        };
        text(person).or_else(named)
    };
    let all: Vec<String> = match value {
        Value::Array(people) => people.iter().filter_map(one).collect(),
        person => one(person).into_iter().collect(),
    };
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_manifest_says_who_made_what() {
        let cargo = json!({
            "version": "3.2.1", "authors": ["Ada <ada@example.org>", "Grace"],
            "description": null, "license": "MIT", "repository": "", "homepage": null,
        });
        let text = |text: &str| text.to_owned();
        assert_eq!(
            of_cargo(&cargo),
            [
                ("version", text("3.2.1")),
                ("authors", text("Ada <ada@example.org>, Grace")),
                ("licenses", text("MIT")),
            ]
        );
        let npm = json!({
            "version": "1.0.0", "author": { "name": "Ada", "email": "ada@example.org" },
            "repository": { "url": "https://example.org/x.git" },
        });
        assert_eq!(
            of_npm(&npm),
            [
                ("version", text("1.0.0")),
                ("authors", text("Ada <ada@example.org>")),
                ("source", text("https://example.org/x.git")),
            ]
        );
        assert_eq!(of_npm(&Value::Null), []);
    }

    #[test]
    fn a_python_project_says_so_in_its_pyproject() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(of_python_project(folder.path()), []);
        let manifest = "[project]\nname = 'x'\nversion = '2.1'\nlicense = { text = 'MIT' }\n\
            authors = [{ name = 'Ada', email = 'ada@example.org' }, { name = 'Grace' }]\n\
            [project.urls]\nRepository = 'https://example.org/x'\n";
        std::fs::write(folder.path().join("pyproject.toml"), manifest).expect("written");
        let text = |text: &str| text.to_owned();
        assert_eq!(
            of_python_project(folder.path()),
            [
                ("version", text("2.1")),
                ("authors", text("Ada <ada@example.org>, Grace")),
                ("licenses", text("MIT")),
                ("source", text("https://example.org/x")),
            ]
        );
    }
}
