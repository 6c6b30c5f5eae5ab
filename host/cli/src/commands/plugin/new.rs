//! `quarterdeck plugin new`.
//!
//! A project is a template with a copy of the language's SDK beside it, so that
//! it stands alone; `sdk/templates/README.md` says how templates are laid out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use include_dir::{Dir, DirEntry, include_dir};
use quarterdeck_core::policy::PolicyKind;
use quarterdeck_core::quoting::posix_word;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/templates");
static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust");
static JAVASCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/js");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/python");
static C: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/c");

/// What tools leave behind beside an SDK's sources.
const LEFTOVERS: &[&str] = &["node_modules", "target", "__pycache__", "dist", "build"];

/// Where the SDK goes in a project.
const SDK_FOLDER: &str = "quarterdeck-sdk";

/// A language that policies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust
    Rust,
    /// JavaScript
    Js,
    /// Python
    Python,
    /// C
    C,
}

impl Language {
    /// The folder of its templates.
    fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
            Self::C => "c",
        }
    }

    fn sdk(self) -> &'static Dir<'static> {
        match self {
            Self::Rust => &RUST,
            Self::Js => &JAVASCRIPT,
            Self::Python => &PYTHON,
            Self::C => &C,
        }
    }
}

/// Makes a project that builds and passes its test at once.
pub(super) fn run(
    name: &str,
    kind: PolicyKind,
    language: Language,
    into: Option<PathBuf>,
) -> Result<ExitCode> {
    let name = checked_name(name)?;
    let kind = kind.to_string();
    let project = into.unwrap_or_else(|| PathBuf::from(name));
    ensure!(
        !project.exists(),
        "{} exists already; choose another name, or another place with --into",
        project.display()
    );
    let template = |part: &str| TEMPLATES.get_dir(format!("{}/{part}", language.folder()));
    let (Some(common), Some(own)) = (template("project"), template(&kind)) else {
        bail!(
            "there is no template for a {kind} in {}; please report this",
            language.folder()
        );
    };
    let fill_in = |text: &str| {
        let filled_in = text.replace("{{name}}", name).replace("{{kind}}", &kind);
        match text.starts_with(README_BEGINS) {
            true => remarks_in_line(&filled_in),
            false => filled_in,
        }
    };
    let cases = TEMPLATES
        .get_dir(format!("cases/{kind}"))
        .with_context(|| format!("there are no cases for {kind}"))?;
    for part in [common, own, cases] {
        write(
            part,
            part.path(),
            &project,
            &|path| name_in_project(&fill_in(path)),
            &fill_in,
        )?;
    }
    let sdk = language.sdk();
    write(
        sdk,
        sdk.path(),
        &project.join(SDK_FOLDER),
        &|path| path.to_owned(),
        &|text| text.to_owned(),
    )?;
    let readme = common
        .get_file(common.path().join("README.md"))
        .and_then(|readme| readme.contents_utf8())
        .unwrap_or_default();
    anstream::println!("{} is a new {kind}. What to do next:\n", project.display());
    anstream::println!("    cd {}", posix_word(&project.to_string_lossy()));
    for step in steps(&fill_in(readme)) {
        anstream::println!("    {step}");
    }
    anstream::println!(
        "\npolicy.* or src/lib.rs is yours to change, and cases.toml what it has to answer."
    );
    Ok(ExitCode::SUCCESS)
}

/// How the README of every template begins.
const README_BEGINS: &str = "# {{name}}\n";

/// The text with the remarks behind its commands below each other, however long the
/// project's name has made them.
fn remarks_in_line(readme: &str) -> String {
    let parts = |line: &'_ str| -> Option<(String, String)> {
        let (command, remark) = line.strip_prefix("    ")?.split_once("  # ")?;
        Some((command.trim_end().to_owned(), remark.to_owned()))
    };
    let commands = readme.lines().filter_map(parts);
    let widest = commands.map(|(command, _)| command.len()).max();
    let width = widest.unwrap_or_default();
    let lines = readme.lines().map(|line| match parts(line) {
        Some((command, remark)) => format!("    {command:width$}  # {remark}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// The commands that a project's README shows: lines that are set in by four
/// blanks.
fn steps(readme: &str) -> Vec<&str> {
    readme
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect()
}

/// The name also names a package, in four languages.
fn checked_name(name: &str) -> Result<&str> {
    let usable = name.len() <= 60
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-');
    ensure!(
        usable,
        "{name:?} cannot be a project's name: use lower-case letters, digits and hyphens, a letter first"
    );
    Ok(name)
}

/// Hidden files lie in the templates without their dot, and manifests under
/// another name, so that no tool takes them for its own.
fn name_in_project(path: &str) -> String {
    let path = path.strip_suffix(".template").unwrap_or(path);
    match path.split_once('/') {
        Some(("cargo", rest)) => format!(".cargo/{rest}"),
        None if path == "gitignore" => ".gitignore".to_owned(),
        _ => path.to_owned(),
    }
}

/// Writes all files of an embedded folder below `target`.
fn write(
    folder: &Dir<'_>,
    root: &Path,
    target: &Path,
    rename: &dyn Fn(&str) -> String,
    fill_in: &dyn Fn(&str) -> String,
) -> Result<()> {
    for entry in folder.entries() {
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let leftover = relative
            .file_name()
            .is_some_and(|name| LEFTOVERS.iter().any(|leftover| name == *leftover));
        match entry {
            _ if leftover => {}
            DirEntry::Dir(folder) => write(folder, root, target, rename, fill_in)?,
            DirEntry::File(file) => {
                let path = target.join(rename(&relative.to_string_lossy()));
                let content = match file.contents_utf8() {
                    Some(text) => fill_in(text).into_bytes(),
                    None => file.contents().to_vec(),
                };
                let parent = path.parent().unwrap_or(target);
                fs::create_dir_all(parent)
                    .and_then(|()| fs::write(&path, content))
                    .with_context(|| format!("writing {}", path.display()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_kind() {
        let kinds = ["approver", "distributor", "progress-parser", "recovery"];
        for language in Language::value_variants() {
            for kind in kinds {
                let place = tempfile::tempdir().expect("a temporary folder");
                let project = place.path().join("project");
                let kind = kind.parse().expect("a kind");
                let made = run("my-policy", kind, *language, Some(project.clone()));
                made.unwrap_or_else(|error| panic!("{language:?} {kind}: {error:#}"));
                let readme = fs::read_to_string(project.join("README.md")).expect("a README");
                assert!(
                    steps(&readme)
                        .iter()
                        .any(|step| step.contains("plugin test"))
                );
                let remarks = steps(&readme)
                    .into_iter()
                    .filter_map(|step| step.find("  # "));
                let places: std::collections::BTreeSet<usize> = remarks.collect();
                assert_eq!(places.len(), 1, "{language:?} {kind}:\n{readme}");
                assert!(project.join("cases.toml").is_file());
                assert!(project.join(".gitignore").is_file());
                assert!(project.join(SDK_FOLDER).is_dir());
                assert!(!left_to_fill_in(&project), "{language:?} {kind}");
            }
        }
    }

    fn left_to_fill_in(folder: &Path) -> bool {
        fs::read_dir(folder).expect("a folder").any(|entry| {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                return !path.ends_with(SDK_FOLDER) && left_to_fill_in(&path);
            }
            fs::read_to_string(&path).is_ok_and(|text| text.contains("{{name}}"))
                || path.to_string_lossy().contains("{{")
                || path.extension().is_some_and(|end| end == "template")
        })
    }

    #[test]
    fn names_that_no_package_could_have_are_refused() {
        for name in ["", "Upper", "1st", "a_b", "../x", "end-", "-start"] {
            assert!(checked_name(name).is_err(), "{name:?}");
        }
        assert!(checked_name("no-push-2").is_ok());
    }
}
