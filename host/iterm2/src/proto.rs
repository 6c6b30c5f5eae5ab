//! The messages on the wire, generated from `proto/iterm2.proto`, where each is explained.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated; documented in proto/iterm2.proto"
)]

include!(concat!(env!("OUT_DIR"), "/iterm2.rs"));
