//! Screens as a whole: looked at more closely than `session_read` does (layers,
//! only what has changed, pictures), and several of them arranged.

mod session_layout;
mod session_screenshot;

use std::sync::{Arc, OnceLock};

use super::tool::Toolbox;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with::<session_screenshot::SessionScreenshot>()
                .with::<session_layout::SessionLayout>(),
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
