//! How far things are: what sessions' output says, and what tasks report.
//!
//! Each session has a task (`reading`) that has the progress parsers read the output
//! of the command that runs; what they say comes to the [`ProgressBoard`], with what
//! tasks report. `aggregate` puts it together for whoever asks, and `marker` reads
//! a user's own marks off the output.

mod aggregate;
mod board;
mod marker;
mod reading;

pub use aggregate::{
    AggregatedProgress, OverallProgress, ProgressQuestion, SourceProgress, TimelinePoint,
};
pub use board::{ProgressBoard, Standing, TaskProgress};
pub use quarterdeck_policy::ProgressStatus;
pub(crate) use reading::follow;
