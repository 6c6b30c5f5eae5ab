//! From a file's bytes to a generation that may serve. Every step can reject, with
//! words for the person who saved the file, and none changes who serves.
//!
//! `load` is the story: `inspect` the bytes, compile them (`compile_process`, or the
//! `code_cache` has them), link (`prepared`), configure (`snapshot` keeps the outcome
//! where that is costly), and make `trial_calls`. `core_module` and `left_out` say what to do
//! with what is no component, or one that no policy can be.

pub(crate) mod code_cache;
pub(crate) mod compile_process;
pub(crate) mod config_schema;
pub(crate) mod core_module;
pub(crate) mod digest;
pub(crate) mod freed_memory;
pub(crate) mod inspect;
pub(crate) mod left_out;
pub(crate) mod load;
pub(crate) mod prepared;
pub(crate) mod provenance;
pub(crate) mod rejection;
pub(crate) mod snapshot;
pub(crate) mod trial_calls;
