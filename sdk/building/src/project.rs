//! A folder with a policy's source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::provenance::{self, Claim};
use crate::{BuildError, c, javascript, python, rust};

/// A project, told by its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    folder: PathBuf,
    language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    JavaScript,
    C,
    Python,
}

/// The file that tells a language, the surest first: a Rust or JavaScript project
/// may well have a Makefile.
const TOLD_BY: [(&str, Language); 5] = [
    ("Cargo.toml", Language::Rust),
    ("package.json", Language::JavaScript),
    ("policy.py", Language::Python),
    ("pyproject.toml", Language::Python),
    ("Makefile", Language::C),
];

impl Project {
    /// Tells the language of the project in `folder`.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoProject`], or the folder cannot be read.
    pub fn find(folder: &Path) -> Result<Self, BuildError> {
        let folder = folder.canonicalize().map_err(|error| BuildError::File {
            path: folder.to_owned(),
            error,
        })?;
        let told = TOLD_BY.iter().find(|(file, _)| folder.join(file).is_file());
        match told {
            Some((_, language)) => Ok(Self {
                language: *language,
                folder,
            }),
            None => Err(BuildError::NoProject(folder)),
        }
    }

    /// The language, as people write it.
    pub fn language(&self) -> &'static str {
        match self.language {
            Language::Rust => rust::NAME,
            Language::JavaScript => javascript::NAME,
            Language::C => c::NAME,
            Language::Python => python::NAME,
        }
    }

    /// Builds the component, and says where it is: `dist/NAME.wasm`, in the
    /// project's folder. It carries the project's `config.schema.json`, if there is
    /// one, and what `Cargo.toml` or `package.json` says of its version and authors. The build tools speak on standard error.
    ///
    /// # Errors
    ///
    /// [`BuildError::Missing`] names what has to be installed, and how; the rest
    /// is what is wrong with the project.
    pub fn build(&self) -> Result<PathBuf, BuildError> {
        let component = match self.language {
            Language::Rust => rust::build(&self.folder),
            Language::JavaScript => javascript::build(&self.folder),
            Language::C => c::build(&self.folder),
            Language::Python => python::build(&self.folder),
        }?;
        let claims = match self.language {
            Language::Rust => rust::claims(&self.folder)?,
            Language::JavaScript => provenance::of_npm_project(&self.folder),
            Language::Python => provenance::of_python_project(&self.folder),
            // It has no manifest of its own.
            Language::C => Vec::new(),
        };
        carry(&self.folder, &component, &claims)?;
        Ok(component)
    }
}

/// The component that was built in a project's folder.
///
/// # Errors
///
/// When nothing was built there, or more than one component.
pub fn built_in(folder: &Path) -> Result<PathBuf, BuildError> {
    let dist = folder.join("dist");
    let entries = fs::read_dir(&dist).map_err(|_| BuildError::NotBuilt(dist.clone()))?;
    let mut components = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        // What compilers for C leave beside the component.
        .filter(|path| !path.to_string_lossy().ends_with(".module.wasm"));
    match (components.next(), components.next()) {
        (Some(component), None) => Ok(component),
        (None, _) => Err(BuildError::NotBuilt(dist)),
        (Some(_), Some(_)) => Err(BuildError::SeveralBuilt(dist)),
    }
}

/// The JSON Schema of what a policy takes as `[config]`.
const CONFIG_SCHEMA: &str = "config.schema.json";

/// The custom section of a component where hosts look for it.
const CONFIG_SCHEMA_SECTION: &str = "quarterdeck-config-schema";

/// Has the component carry the schema of its configuration and what is claimed of it.
fn carry(folder: &Path, component: &Path, claims: &[Claim]) -> Result<(), BuildError> {
    let failed = |error| BuildError::File {
        path: component.to_owned(),
        error,
    };
    let built = fs::read(component).map_err(failed)?;
    let carrying = with_claims(with_config_schema(built, folder)?, claims);
    put_in_place(component, &carrying).map_err(failed)
}

/// The component, carrying the `config.schema.json` of its project's folder, if
/// there is one.
///
/// # Errors
///
/// [`BuildError::Project`] where that file is no JSON, [`BuildError::File`] where it
/// cannot be read.
pub fn with_config_schema(component: Vec<u8>, folder: &Path) -> Result<Vec<u8>, BuildError> {
    let path = folder.join(CONFIG_SCHEMA);
    if !path.is_file() {
        return Ok(component);
    }
    let text = read(&path)?;
    serde_json::from_str::<serde_json::Value>(&text).map_err(|error| BuildError::Project {
        path,
        problem: format!("it is no JSON: {error}"),
    })?;
    let section = wasm_encoder::CustomSection {
        name: CONFIG_SCHEMA_SECTION.into(),
        data: text.as_bytes().into(),
    };
    Ok(with_section(component, &section))
}

/// The component, carrying what is claimed of it.
pub fn with_claims(component: Vec<u8>, claims: &[Claim]) -> Vec<u8> {
    claims.iter().fold(component, |component, (name, said)| {
        let section = wasm_encoder::CustomSection {
            name: (*name).into(),
            data: said.as_bytes().into(),
        };
        with_section(component, &section)
    })
}

/// The component with one more section at its end.
fn with_section(mut component: Vec<u8>, section: &wasm_encoder::CustomSection<'_>) -> Vec<u8> {
    use wasm_encoder::{ComponentSection, Encode};
    component.push(ComponentSection::id(section));
    section.encode(&mut component);
    component
}

/// Renamed into place: a host may be looking at this folder.
fn put_in_place(component: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = component.with_extension("wasm.new");
    fs::write(&beside, content)?;
    fs::rename(&beside, component)
}

/// Where the component of this name goes.
pub(crate) fn component(folder: &Path, name: &str) -> PathBuf {
    folder.join("dist").join(format!("{name}.wasm"))
}

/// Reads a file of a project.
pub(crate) fn read(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path).map_err(|error| BuildError::File {
        path: path.to_owned(),
        error,
    })
}

/// Makes a component of a core module and writes it to `component`.
pub(crate) fn wrap(module: &Path, component: &Path) -> Result<(), BuildError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |error| BuildError::File { path, error }
    };
    let bytes = fs::read(module).map_err(failed(module))?;
    let wrapped = crate::componentize(&bytes).map_err(|error| BuildError::Componentize {
        path: module.to_owned(),
        error,
    })?;
    let folder = component.parent().unwrap_or(component);
    fs::create_dir_all(folder).map_err(failed(folder))?;
    put_in_place(component, &wrapped).map_err(failed(component))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_by_its_files() {
        for (files, language) in [
            (&["Cargo.toml", "Makefile"][..], "Rust"),
            (&["package.json", "policy.js"], "JavaScript"),
            (&["policy.py", "Makefile"], "Python"),
            (&["policy.c", "Makefile"], "C"),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            for file in files {
                fs::write(folder.path().join(file), "").expect("written");
            }
            let project = Project::find(folder.path()).expect("a project");
            assert_eq!(project.language(), language);
        }
    }

    #[test]
    fn a_section_is_added_behind_what_was_built() {
        let empty = b"\0asm\x0d\0\x01\0".to_vec();
        let section = wasm_encoder::CustomSection {
            name: "a".into(),
            data: b"{}".into(),
        };
        let with = with_section(empty.clone(), &section);
        assert_eq!(with, [&empty[..], b"\0\x04\x01a{}"].concat());
    }

    #[test]
    fn what_was_built_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let dist = folder.path().join("dist");
        let found = || built_in(folder.path());
        assert!(matches!(found(), Err(BuildError::NotBuilt(_))));
        fs::create_dir(&dist).expect("made");
        for file in ["a.module.wasm", "policy.o"] {
            fs::write(dist.join(file), "").expect("written");
        }
        let error = found().expect_err("nothing there");
        assert!(error.to_string().contains("plugin build"), "{error}");
        fs::write(dist.join("a.wasm"), "").expect("written");
        assert_eq!(found().expect("a component"), dist.join("a.wasm"));
        fs::write(dist.join("b.wasm"), "").expect("written");
        assert!(matches!(found(), Err(BuildError::SeveralBuilt(_))));
    }

    #[test]
    fn a_folder_without_a_project_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Project::find(folder.path()).expect_err("nothing there");
        assert!(error.to_string().contains("plugin new"), "{error}");
        assert!(Project::find(&folder.path().join("nowhere")).is_err());
    }
}
