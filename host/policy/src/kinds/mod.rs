//! The four kinds of policy, in the host's own words: for each a folder with what
//! it is asked, what it answers and how that is checked.
//!
//! In each of them `facade` makes one typed call of one component, and the module
//! with the kind's name in the plural is what callers hold: the policies of that
//! kind as they were at one moment. `any_kind` and `statement` are for those who do
//! not care which kind it is. No type of the engine leaves this room.

pub(crate) mod any_kind;
pub(crate) mod approver;
pub(crate) mod distributor;
pub(crate) mod kind;
pub(crate) mod presentable;
pub(crate) mod progress_parser;
pub(crate) mod recovery;
pub(crate) mod statement;
