//! Tools for whoever looks after policies: what there is, what a new version
//! would change, and taking it over.
//!
//! Reading is free; changing is for agents only where the configuration says so.

mod policy_diff;
mod policy_reload;

use std::sync::{Arc, OnceLock};

use super::native::PolicyList;
use super::tool::Toolbox;

/// The family, made once: schemas are costly.
pub(super) fn toolbox() -> Arc<Toolbox> {
    static TOOLBOX: OnceLock<Arc<Toolbox>> = OnceLock::new();
    Arc::clone(TOOLBOX.get_or_init(|| {
        Arc::new(
            Toolbox::default()
                .with::<PolicyList>()
                .with::<policy_diff::PolicyDiff>()
                .with::<policy_reload::PolicyReload>(),
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
