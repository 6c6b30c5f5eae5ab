//! What a core module lacks to be a component, for the person who saved it as one.

use std::fmt;

use wasmparser::{Parser, Payload};

/// The interface of WASI before there were components, which an adapter stands in for.
const OLD_WASI: &str = "wasi_snapshot_preview1";
/// The custom section, or the beginning of its name, in which bindings say for which
/// world they were made.
const COMPONENT_TYPE: &str = "component-type";

/// What is known of a core module. Its text is what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CoreModule {
    /// Whether it says for which world it was built.
    names_world: bool,
    /// Whether it imports [`OLD_WASI`].
    wants_old_wasi: bool,
}

impl CoreModule {
    /// Reads the outside of the module in `bytes`, as far as it is sound.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut found = CoreModule::default();
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::ImportSection(imports) => {
                    let mut imports = imports.into_imports().map_while(Result::ok);
                    found.wants_old_wasi |= imports.any(|import| import.module == OLD_WASI);
                }
                Payload::CustomSection(section) => {
                    found.names_world |= section.name().starts_with(COMPONENT_TYPE);
                }
                _ => {}
            }
        }
        found
    }
}

impl fmt::Display for CoreModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("build for wasm32-wasip2, or turn it into a component: ")?;
        if !self.names_world {
            f.write_str(
                "as it does not say which world it was built for, first `wasm-tools component embed \
                 --world approver wit/ IN.wasm -o IN.wasm` (or the world of another kind), then ",
            )?;
        }
        match self.wants_old_wasi {
            true => write!(
                f,
                "`wasm-tools component new --adapt {OLD_WASI}.reactor.wasm IN.wasm -o OUT.wasm`, with the adapter that \
                 wasmtime is released with, because it imports {OLD_WASI}"
            ),
            false => f.write_str("`wasm-tools component new IN.wasm -o OUT.wasm`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wat: &str) -> String {
        CoreModule::read(&wat::parse_str(wat).unwrap()).to_string()
    }

    #[test]
    fn what_is_missing_is_named() {
        let bare = told("(module)");
        assert!(bare.contains("component embed") && !bare.contains("--adapt"));
        let old = told(
            r#"(module
                (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
                (@custom "component-type:approver" ""))"#,
        );
        assert!(old.contains("--adapt") && !old.contains("embed"), "{old}");
    }
}
