//! The tools of the enhanced-iterm-mcp document beyond those that are
//! Quarterdeck's own, in its shapes.

mod command_execute;
mod command_signal;
mod session_logs;
mod session_output;
mod session_reset;
mod session_status;
mod task_cancel;
mod task_distribute;
mod task_shapes;
mod task_status;

use std::sync::{Arc, OnceLock};

use super::tool::Toolbox;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with::<task_distribute::TaskDistribute>()
                .with::<task_status::TaskStatus>()
                .with::<task_cancel::TaskCancel>()
                .with::<command_execute::CommandExecute>()
                .with::<command_signal::CommandSignal>()
                .with::<session_output::SessionOutput>()
                .with::<session_status::SessionStatus>()
                .with::<session_logs::SessionLogs>()
                .with::<session_reset::SessionReset>(),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::toolbox;

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }
}
