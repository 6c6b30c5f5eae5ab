//! Progress parsers: how far is what runs in a session? They alone keep something
//! from one call to the next, in one instance for each session.

pub(crate) mod facade;
pub(crate) mod progress;
pub(crate) mod progress_parsers;
