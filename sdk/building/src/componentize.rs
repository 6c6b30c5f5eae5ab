//! From a core module, as compilers without a component target make it, to a
//! component.

/// The module cannot be made a component.
#[derive(Debug, thiserror::Error)]
#[error(
    "the module cannot be made a component: {0}\n\
     It has to be linked with the bindings of one kind of policy, and to import nothing else."
)]
pub struct ComponentizeError(String);

/// Wraps a core module that was linked with wit-bindgen's bindings, and so
/// carries the types of its world. Gives a component back as it is.
///
/// # Errors
///
/// When the module has no world, does not export what its world asks for, or
/// imports something that the world does not have (WASI, most often).
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
    if module.starts_with(&COMPONENT) {
        return Ok(module.to_vec());
    }
    wit_component::ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| ComponentizeError(explained(&format!("{error:#}"))))
}

/// What an import of the old WASI means in the author's own terms.
fn explained(error: &str) -> String {
    const OLD_WASI: &str = "wasi_snapshot_preview1::";
    let imported = (error.split_once(OLD_WASI))
        .and_then(|(_, rest)| rest.split(['`', '"', ' ']).next())
        .filter(|name| !name.is_empty());
    match imported {
        Some(name) => format!(
            "it calls `{name}` of WASI, which stands behind files, printing, the time, the environment and `exit`; \
             a policy has none of them: take out what needs it"
        ),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::explained;

    #[test]
    fn an_import_of_wasi_is_named_and_explained() {
        let said = explained(
            "failed to decode world from module: module was not valid: failed to resolve import \
             `wasi_snapshot_preview1::fd_close`: module requires an import interface named \
             `wasi_snapshot_preview1`",
        );
        assert!(said.starts_with("it calls `fd_close` of WASI"), "{said}");
        assert_eq!(explained("no world"), "no world");
    }
}
