//! What a file is, read off its bytes before the engine sees them: whether it
//! is whole, a component, of which kind, and what it wants from the host.

use wasmparser::{Chunk, Encoding, Parser, Payload};

use crate::PolicyKind;
use crate::rejection::Rejection;
use crate::text::presentable;

/// What is known about a component before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspection {
    pub(crate) kind: PolicyKind,
    /// Names of the imports that the host has to provide, as written in the
    /// component.
    pub(crate) imports: Vec<String>,
}

impl Inspection {
    /// Whether the component wants anything of WASI.
    pub(crate) fn wants_wasi(&self) -> bool {
        self.imports.iter().any(|name| name.starts_with("wasi:"))
    }
}

const PACKAGE: &str = "quarterdeck:policy/";
/// Every version of the package that this host can run begins so.
const SPOKEN: &str = "0.1.";
const CONFIGURATION: &str = "configuration";
/// Interface of types alone: importing it asks for nothing.
const TYPES: &str = "types";

/// Reads `bytes` to the end and says what policy they are.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspection, Rejection> {
    recognise(bytes)?;
    let names = outer_names(bytes)?;

    let mut kinds = Vec::new();
    let mut configurable = false;
    for export in &names.exports {
        let Some(Interface { name, version }) = Interface::of_policy(export) else {
            continue;
        };
        if !version.starts_with(SPOKEN) {
            return Err(Rejection::OtherVersion {
                found: shown(export),
            });
        }
        configurable |= name == CONFIGURATION;
        kinds.extend(
            PolicyKind::ALL
                .into_iter()
                .find(|kind| kind.interface() == name),
        );
    }
    let kind = match kinds[..] {
        [] => {
            return Err(Rejection::NoPolicy {
                found: enumerate(&names.exports),
            });
        }
        [kind] => kind,
        [first, second, ..] => return Err(Rejection::TwoKinds { first, second }),
    };
    if !configurable {
        return Err(Rejection::NoConfiguration(kind));
    }
    let imports = wanted(names.imports)?;
    if kind == PolicyKind::Approver {
        for import in &imports {
            if let Some(fix) = forbidden_to_approvers(import) {
                return Err(Rejection::ForbiddenImport {
                    import: shown(import),
                    fix,
                });
            }
        }
    }
    Ok(Inspection { kind, imports })
}

/// Refuses what is not a component at all, by its first bytes.
fn recognise(bytes: &[u8]) -> Result<(), Rejection> {
    const MAGIC: &[u8] = b"\0asm";
    let first = &bytes[..bytes.len().min(8)];
    if bytes.is_empty() {
        return Err(Rejection::Empty);
    }
    if !first.starts_with(&MAGIC[..first.len().min(4)]) {
        return Err(match first {
            [0x7f, b'E', b'L', b'F', ..] | [0xcf, 0xfa, 0xed, 0xfe, ..] | [b'M', b'Z', ..] => {
                Rejection::CompiledCode
            }
            _ if is_text(bytes) => Rejection::Text,
            _ => Rejection::NotWasm {
                first: first
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<Vec<_>>()
                    .join(" "),
            },
        });
    }
    if first.len() < 8 {
        return Err(Rejection::CutShort {
            size: bytes.len() as u64,
        });
    }
    Ok(())
}

fn is_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(sample) {
        Ok(text) => text,
        // A character may be cut in two by the sample's end, not before it.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&sample[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains('\0')
}

#[derive(Default)]
struct OuterNames {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Walks the sections of the outermost component. Nested modules and components
/// are stepped over: the engine validates them later.
fn outer_names(bytes: &[u8]) -> Result<OuterNames, Rejection> {
    let cut_short = || Rejection::CutShort {
        size: bytes.len() as u64,
    };
    let invalid = |error: wasmparser::BinaryReaderError| Rejection::Invalid(error.to_string());

    let mut names = OuterNames::default();
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (consumed, payload) = match parser.parse(rest, false).map_err(invalid)? {
            Chunk::NeedMoreData(_) => return Err(cut_short()),
            Chunk::Parsed { consumed, payload } => (consumed, payload),
        };
        rest = &rest[consumed..];
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => return Err(Rejection::CoreModule),
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                let nested = unchecked_range.end.saturating_sub(unchecked_range.start);
                rest = rest.get(nested..).ok_or_else(cut_short)?;
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    names
                        .imports
                        .push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    names
                        .exports
                        .push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// An interface of the policy package, taken apart.
struct Interface<'a> {
    name: &'a str,
    version: &'a str,
}

impl<'a> Interface<'a> {
    fn of_policy(name: &'a str) -> Option<Self> {
        let (name, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
        Some(Interface { name, version })
    }
}

/// Leaves out imports that carry types alone.
fn wanted(imports: Vec<String>) -> Result<Vec<String>, Rejection> {
    let mut wanted = Vec::with_capacity(imports.len());
    for import in imports {
        match Interface::of_policy(&import) {
            Some(Interface { version, .. }) if !version.starts_with(SPOKEN) => {
                return Err(Rejection::OtherVersion {
                    found: shown(&import),
                });
            }
            Some(Interface { name: TYPES, .. }) => {}
            _ => wanted.push(import),
        }
    }
    Ok(wanted)
}

/// Why an approver may not have this import and what to do about it, or `None`
/// if it may. The parts of WASI that a language's runtime cannot be built
/// without are let in, and are empty: see [`crate`].
fn forbidden_to_approvers(import: &str) -> Option<&'static str> {
    const HARMLESS: [&str; 5] = [
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:filesystem/",
        "wasi:io/",
        "wasi:random/",
    ];
    if HARMLESS.iter().any(|package| import.starts_with(package)) {
        return None;
    }
    Some(match import {
        _ if import.starts_with("wasi:sockets/") || import.starts_with("wasi:http/") => {
            "a verdict may not depend on the network; leave out the code that opens connections \
             (in JavaScript, build with `disableFeatures: [\"http\", \"fetch-event\"]`), and hand what it needs to know to `configure`"
        }
        _ if import.starts_with(PACKAGE) => {
            "a verdict depends on its request alone; take the time from `request.time-ms`, and build against the world `approver`"
        }
        _ => {
            "the host does not provide it; build against the world `approver`, which imports nothing"
        }
    })
}

/// A name from a component, fit for a message.
fn shown(name: &str) -> String {
    presentable(name, 160)
}

/// A few names for a message.
fn enumerate(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        0 => String::from("no exports at all"),
        count => {
            let mut text = names[..count.min(SHOWN)]
                .iter()
                .map(|name| format!("`{}`", shown(name)))
                .collect::<Vec<_>>()
                .join(", ");
            if count > SHOWN {
                text.push_str(&format!(" and {} more", count - SHOWN));
            }
            text
        }
    }
}
