//! Regular expressions that clients give.

use quarterdeck_core::{HostError, Pattern};

/// The regular expression in the field `field`; an empty one is none.
pub(crate) fn pattern(field: &str, given: Option<String>) -> Result<Option<Pattern>, HostError> {
    let given = given.filter(|text| !text.is_empty());
    given.map(|text| one(field, &text)).transpose()
}

/// Several, for one of which `what` stands.
pub(super) fn patterns(what: &str, given: &[String]) -> Result<Vec<Pattern>, HostError> {
    given.iter().map(|text| one(what, text)).collect()
}

fn one(what: &str, text: &str) -> Result<Pattern, HostError> {
    (text.parse()).map_err(|error: quarterdeck_core::BadPattern| {
        HostError::InvalidParameters(format!("{what} {error}"))
    })
}
