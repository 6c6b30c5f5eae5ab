//! Screens as a whole: looked at more closely than `session_read` does (layers,
//! only what has changed, pictures), several of them arranged, and recorded.

mod recording_list;
mod recording_read;
mod recording_start;
mod recording_stop;
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
                .with::<session_layout::SessionLayout>()
                .with::<recording_start::RecordingStart>()
                .with::<recording_stop::RecordingStop>()
                .with::<recording_list::RecordingList>()
                .with::<recording_read::RecordingRead>(),
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
