//! Quarterdeck's own tools: sessions, the gate, policies.
//!
//! `session_create`, `session_list`, `session_close` and `safety_approve` have
//! the shapes of the enhanced-iterm-mcp document.

mod policy_list;
mod safety_approve;
mod session_close;
mod session_create;
mod session_list;
mod session_read;
mod session_resize;
mod session_run;
mod session_type;
mod session_wait;
pub(super) mod shapes;

use std::sync::{Arc, OnceLock};

use super::tool::Toolbox;
pub(super) use policy_list::PolicyList;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with::<session_create::SessionCreate>()
                .with::<session_list::SessionList>()
                .with::<session_close::SessionClose>()
                .with::<session_run::SessionRun>()
                .with::<session_type::SessionType>()
                .with::<session_read::SessionRead>()
                .with::<session_wait::SessionWait>()
                .with::<session_resize::SessionResize>()
                .with::<safety_approve::SafetyApprove>()
                .with::<PolicyList>(),
        )
    }))
}

/// Adds those that the enhanced-iterm-mcp document has, too.
pub(super) fn with_documented_tools(toolbox: Toolbox) -> Toolbox {
    toolbox
        .with::<session_create::SessionCreate>()
        .with::<session_list::SessionList>()
        .with::<session_close::SessionClose>()
        .with::<safety_approve::SafetyApprove>()
}

#[cfg(test)]
mod tests {
    use super::toolbox;

    #[test]
    fn the_tools_and_their_schemas_change_only_on_purpose() {
        insta::assert_json_snapshot!(toolbox().list());
    }

    /// Every client's model pays for this list in every conversation.
    #[test]
    fn the_list_of_tools_stays_small() {
        let list = serde_json::to_vec(&toolbox().list()).expect("tools are JSON");
        assert!(list.len() < 12_000, "tools/list has {} bytes", list.len());
    }
}
