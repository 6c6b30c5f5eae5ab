//! The tools of the enhanced-iterm-mcp document beyond those that are
//! Quarterdeck's own, in its shapes.

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
                .with::<task_cancel::TaskCancel>(),
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
