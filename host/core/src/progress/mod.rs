//! How far things are: what sessions' output says, and the state of tasks.
//!
//! Each session has a runtime task (`reading`) that has the progress parsers read the
//! output of the command that runs; what they say comes to the board, as the session's
//! progress or as that of the task which it works on. The queue adds which tasks wait
//! and have ended. `aggregate` puts it together for whoever asks, and `marker` reads
//! a user's own marks off the output.

mod aggregate;
mod board;
mod marker;
mod reading;

pub use aggregate::{
    AggregatedProgress, OverallProgress, ProgressQuestion, SourceProgress, TimelinePoint,
};
pub(crate) use board::ProgressBoard;
pub use board::Standing;
pub use quarterdeck_policy::ProgressStatus;
pub(crate) use reading::follow;
