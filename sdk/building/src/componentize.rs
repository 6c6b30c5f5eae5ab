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
        .map_err(|error| ComponentizeError(format!("{error:#}")))
}
