//! A client of the iTerm2 API.
pub mod proto;
