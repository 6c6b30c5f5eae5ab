//! The bundled approver: it understands what a shell line would do.
//!
//! A line is parsed as a shell would parse it ([`parser`]), walked without
//! running anything ([`walk`]), and each command met on the way is put before
//! rules, which are data (`rules/*.toml`, one file for each area, described in
//! [`pack`], kept in [`rules`] and matched in [`matching`]). The strictest answer is the verdict.
//!
//! It must never fail: on any text whatever it answers, in time bounded by the
//! length of the text, and it imports nothing. When it does not understand, it
//! says so and asks for a person; it never guesses in favour of a command.
//!
//! Start reading at [`review`]. What this policy can and cannot tell is written
//! in its README.md.

mod answers;
mod arguments;
mod asking;
mod config;
#[cfg(target_family = "wasm")]
mod guest;
mod matching;
mod names;
mod outputs;
mod pack;
mod parser;
mod place;
mod request;
mod review;
mod rules;
mod syntax;
mod text;
mod typed;
mod unfinished;
mod verdict;
mod walk;

pub use request::{AskingShell, Certainty, Entry, Prompt, Request};
pub use review::{Explanation, explain, review};
pub use rules::Rules;
pub use unfinished::EarlierLines;
pub use verdict::{Span, Tier, Verdict};
pub use walk::Step;
