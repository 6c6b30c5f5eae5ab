//! Who says to have made a component: what its metadata claims.

use serde::Serialize;
use wasmparser::{ComponentName, CustomSectionReader, KnownCustom};

use crate::kinds::presentable::presentable;

/// The longest claim that is passed on, in bytes.
const LONGEST: usize = 500;
/// How many languages and tools are listed at most.
const MOST: usize = 16;

/// What a component's metadata says of it: claims, of which nothing was
/// verified. Free of control characters.
///
/// The fields are the custom sections that registries and toolchains agreed on
/// (`version`, `authors`, … as in the OCI image annotations of those names;
/// `producers` as in the tool conventions of WebAssembly).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The name that it gives itself; not the name that it is listed under.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Who wrote it.
    pub authors: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its licence, as an SPDX expression.
    pub licenses: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Where one reads about it.
    pub homepage: Option<String>,
    /// The commit that it was built from.
    pub revision: Option<String>,
    /// The languages that it was written in.
    pub languages: Vec<String>,
    /// The tools that built it, with their versions.
    pub tools: Vec<String>,
}

impl Provenance {
    /// Takes over what a custom section of the component says. What is malformed
    /// is passed over: it decides nothing.
    pub(crate) fn read(&mut self, section: &CustomSectionReader<'_>) {
        match section.as_known() {
            KnownCustom::Producers(producers) => {
                for field in producers.into_iter().flatten() {
                    let (list, versions) = match field.name {
                        "language" => (&mut self.languages, false),
                        "processed-by" => (&mut self.tools, true),
                        _ => continue,
                    };
                    for value in field.values.into_iter().flatten() {
                        let claim = match (versions, value.version) {
                            (true, version) if !version.is_empty() => {
                                format!("{} {version}", value.name)
                            }
                            _ => value.name.to_owned(),
                        };
                        let claim = presentable(&claim, LONGEST);
                        if list.len() < MOST && !list.contains(&claim) {
                            list.push(claim);
                        }
                    }
                }
            }
            KnownCustom::ComponentName(names) => {
                for name in names.into_iter().flatten() {
                    if let ComponentName::Component { name, .. } = name {
                        self.name = Some(presentable(name, LONGEST));
                    }
                }
            }
            _ => {
                let field = match section.name() {
                    "version" => &mut self.version,
                    "authors" => &mut self.authors,
                    "description" => &mut self.description,
                    "licenses" => &mut self.licenses,
                    "source" => &mut self.source,
                    "homepage" => &mut self.homepage,
                    "revision" => &mut self.revision,
                    _ => return,
                };
                if let Ok(text) = std::str::from_utf8(section.data()) {
                    *field = Some(presentable(text, LONGEST));
                }
            }
        }
    }
}
