//! What the bundled progress parsers share.
//!
//! Output arrives in pieces that end anywhere. [`Lines`] makes lines of it: what
//! stands between line ends, carriage returns and movements of the cursor,
//! without colours. A [`Program`] says what a line of its output means and keeps
//! a [`Board`] of what is under way. [`Reader`] puts both together and reports
//! what changed: start there.
//!
//! Two promises hold for every program:
//!
//! - However the output is split, the board is the same at the end of it. A line
//!   that is not complete yet is read on a copy and thrown away again.
//! - Nothing grows without bound: a line counts up to [`LINE_BYTES`], a board
//!   holds up to [`BOARD_ITEMS`] items.

pub mod bindings;
mod board;
mod guest;
mod lines;
mod reader;
pub mod scan;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use bindings::exports::quarterdeck::policy::parse_progress::{
    Piece, ReportedProgress, Status, Update,
};
pub use board::{BOARD_ITEMS, Board, Item};
pub use guest::{Configured, NoSettings};
pub use lines::{LINE_BYTES, Lines, Seen};
pub use reader::{Program, Reader};
