//! What sessions use: as the monitor measures it.

/// `performance.update`: the shape of `performance_monitor`.
pub use crate::monitor::PerformanceReport as PerformanceUpdate;
