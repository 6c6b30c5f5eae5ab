//! The tools of the enhanced-iterm-mcp document: tasks, what sessions use, how the host
//! is, mending, progress, and of the host's own those that it shares with the document,
//! for sessions and safety. In the document's shapes; what is more is optional.

mod command_execute;
mod command_signal;
mod error_recover;
mod health_check;
mod health_history;
mod performance_history;
mod performance_monitor;
mod progress_aggregate;
mod session_logs;
mod session_output;
mod session_reset;
mod session_status;
mod task_cancel;
mod task_distribute;
mod task_payload;
mod task_shapes;
mod task_status;

use std::sync::{Arc, OnceLock};

use quarterdeck_core::HostError;
use quarterdeck_core::monitor::TimeRange;

use super::native;
use super::tool::Toolbox;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            native::with_documented_tools(Toolbox::default())
                .with::<task_distribute::TaskDistribute>()
                .with::<task_status::TaskStatus>()
                .with::<task_cancel::TaskCancel>()
                .with::<performance_monitor::PerformanceMonitor>()
                .with::<performance_history::PerformanceHistory>()
                .with::<health_check::HealthCheck>()
                .with::<health_history::HealthHistory>()
                .with::<error_recover::ErrorRecover>()
                .with::<progress_aggregate::ProgressAggregate>()
                .with::<command_execute::CommandExecute>()
                .with::<command_signal::CommandSignal>()
                .with::<session_output::SessionOutput>()
                .with::<session_status::SessionStatus>()
                .with::<session_logs::SessionLogs>()
                .with::<session_reset::SessionReset>(),
        )
    }))
}

/// An argument that is a length of time.
fn time_range(argument: &str, text: &str) -> Result<TimeRange, HostError> {
    text.parse()
        .map_err(|error| HostError::InvalidParameters(format!("{argument}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::toolbox;

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }
}
