//! What a file is, read off its bytes before the engine sees them: whether it
//! is whole, a component, of which kind, and what it wants from the host.

use wasmparser::{Chunk, Encoding, Parser, Payload};

use crate::folder::grants::Import;
use crate::interface::version::WitVersion;
use crate::kinds::presentable::presentable;
use crate::loading::config_schema::CONFIG_SCHEMA_SECTION;
use crate::loading::core_module::CoreModule;
use crate::loading::rejection::Rejection;
use crate::{PolicyKind, Provenance};

/// What is known about a component before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspection {
    pub(crate) kind: PolicyKind,
    /// Names of the imports that the host has to provide, as written in the
    /// component.
    pub(crate) imports: Vec<String>,
    /// The version of the policy package that it was built for, as the host
    /// speaks it.
    pub(crate) version: WitVersion,
    /// The same as it is written in the component.
    pub(crate) wit_version: String,
    /// What its metadata claims.
    pub(crate) provenance: Provenance,
    /// The JSON Schema of its configuration, if it carries one; not checked yet.
    pub(crate) config_schema: Option<Vec<u8>>,
}

impl Inspection {
    /// Whether the component wants anything of WASI.
    pub(crate) fn wants_wasi(&self) -> bool {
        self.imports.iter().any(|name| name.starts_with("wasi:"))
    }
}

const PACKAGE: &str = "quarterdeck:policy/";
const CONFIGURATION: &str = "configuration";
/// Interface of types alone: importing it asks for nothing.
const TYPES: &str = "types";

/// Reads `bytes` to the end and says what policy they are.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspection, Rejection> {
    judge(outline(bytes)?)
}

/// The names on the outside of a component, and what it claims to be.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline, Rejection> {
    recognise(bytes)?;
    outer_names(bytes)
}

/// Says what policy a component of these names is.
pub(crate) fn judge(names: Outline) -> Result<Inspection, Rejection> {
    let mut kinds = Vec::new();
    let mut wit_version = "";
    let mut configurable = false;
    for export in &names.exports {
        let Some(Interface { name, version }) = Interface::of_policy(export) else {
            continue;
        };
        let kind = PolicyKind::ALL
            .into_iter()
            .find(|kind| kind.interface() == name);
        let Some(spoken) = WitVersion::spoken(kind, version) else {
            return Err(Rejection::OtherVersion {
                found: shown(export),
            });
        };
        configurable |= name == CONFIGURATION;
        if let Some(kind) = kind {
            kinds.push((kind, spoken));
            wit_version = version;
        }
    }
    let (kind, version) = match kinds[..] {
        [] => {
            return Err(Rejection::NoPolicy {
                found: enumerate(&names.exports),
                perhaps_cut: names.exports.iter().all(|it| it.starts_with(PACKAGE)),
            });
        }
        [kind] => kind,
        [(first, _), (second, _), ..] => return Err(Rejection::TwoKinds { first, second }),
    };
    if !configurable {
        return Err(Rejection::NoConfiguration(kind));
    }
    let wit_version = shown(wit_version);
    let imports = wanted(names.imports)?;
    for import in &imports {
        if let Import::Refused(fix) = Import::of(import, kind) {
            return Err(Rejection::ForbiddenImport {
                kind,
                import: shown(import),
                fix,
            });
        }
    }
    Ok(Inspection {
        kind,
        imports,
        version,
        wit_version,
        provenance: names.provenance,
        config_schema: names.config_schema,
    })
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

/// What is written on the outside of a component.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    pub(crate) provenance: Provenance,
    pub(crate) config_schema: Option<Vec<u8>>,
}

/// Walks the sections of the outermost component. Nested modules and components
/// are stepped over: the engine validates them later.
fn outer_names(bytes: &[u8]) -> Result<Outline, Rejection> {
    let cut_short = || Rejection::CutShort {
        size: bytes.len() as u64,
    };
    let invalid = |error: wasmparser::BinaryReaderError| Rejection::of_bytes(error.to_string());

    let mut names = Outline::default();
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
            } => return Err(Rejection::CoreModule(CoreModule::read(bytes))),
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
            Payload::CustomSection(section) if section.name() == CONFIG_SCHEMA_SECTION => {
                names.config_schema = Some(section.data().to_vec());
            }
            Payload::CustomSection(section) => names.provenance.read(&section),
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
            Some(Interface { version, .. }) if WitVersion::spoken(None, version).is_none() => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &[u8] = include_bytes!("../../../../plugins/dist/safety-tiers.wasm");

    #[test]
    fn a_whole_approver_is_known_as_one() {
        let inspection = inspect(WHOLE).unwrap();
        assert_eq!(inspection.kind, PolicyKind::Approver);
        assert_eq!(inspection.imports, Vec::<String>::new());
        assert_eq!(inspection.wit_version, "0.1.0");
        let provenance = inspection.provenance;
        assert_eq!(provenance.name.as_deref(), Some("safety-tiers"));
        assert!(!provenance.tools.is_empty(), "{provenance:?}");
    }

    #[test]
    fn claims_are_read_from_custom_sections_and_made_presentable() {
        let section = |name: &str, data: &[u8]| {
            let mut bytes = vec![0, u8::try_from(1 + name.len() + data.len()).unwrap()];
            bytes.push(u8::try_from(name.len()).unwrap());
            bytes.extend(name.bytes());
            bytes.extend(data);
            bytes
        };
        let wasm = [
            WHOLE,
            &section("version", b"1.2.3"),
            &section("authors", b"A. Author\x1b[31m"),
            &section("licenses", b"\xff"),
            &section("producers", b"\xff\xff"),
        ]
        .concat();
        let provenance = inspect(&wasm).unwrap().provenance;
        assert_eq!(provenance.version.as_deref(), Some("1.2.3"));
        assert_eq!(provenance.authors.as_deref(), Some("A. Author\u{fffd}[31m"));
        let own = inspect(WHOLE).unwrap().provenance.licenses;
        assert_eq!(provenance.licenses, own, "what is no text says nothing");
    }

    #[test]
    fn a_component_cut_anywhere_counts_as_unfinished() {
        let mut whole = 0;
        for cut in (0..WHOLE.len())
            .step_by(64)
            .chain(WHOLE.len() - 512..WHOLE.len())
        {
            match inspect(&WHOLE[..cut]) {
                Err(rejection) => assert!(rejection.may_pass(), "cut at {cut}: {rejection}"),
                // All that is missing is a section that says who built it.
                Ok(_) => whole += 1,
            }
        }
        assert!(whole <= 4, "{whole} cuts went unnoticed");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = inspect(&bytes);
            let component = [b"\0asm\x0d\0\x01\0", &bytes[..]].concat();
            let _ = inspect(&component);
        }

        #[test]
        fn no_flipped_bit_makes_it_panic(flips in prop::collection::vec((0..WHOLE.len(), 0..8u8), 1..8)) {
            let mut flipped = WHOLE.to_vec();
            for (at, bit) in flips {
                flipped[at] ^= 1 << bit;
            }
            let _ = inspect(&flipped);
        }
    }
}
