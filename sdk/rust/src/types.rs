//! What every kind of policy is told about the world.

use std::ops::Range;

pub use crate::bindings::importing::quarterdeck::policy::types::{
    Attribute, Caller, PromptState, Session, Span, Tier,
};

impl Session {
    /// A session for tests: a `pty` at its prompt, named as its id, of which
    /// nothing else is known.
    #[must_use]
    pub fn for_test(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            backend: "pty".to_owned(),
            cwd: None,
            program: None,
            prompt: PromptState::AtPrompt,
            full_screen: false,
            tags: Vec::new(),
            role: None,
            team: None,
            attributes: Vec::new(),
        }
    }
}

impl Caller {
    /// A caller for tests: a nameless agent on standard input and output.
    #[must_use]
    pub fn for_test() -> Self {
        Self {
            kind: "agent".to_owned(),
            agent: None,
            client: None,
            role: None,
            transport: "stdio".to_owned(),
        }
    }
}

/// Offsets in bytes; those past 4 GiB, which no request reaches, are cut.
impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: offset(range.start),
            end: offset(range.end),
        }
    }
}

/// The value of the attribute called `name`, where there is one.
#[must_use]
pub fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .map(|attribute| attribute.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name() {
        let attributes = [Attribute {
            name: "shell".to_owned(),
            value: "fish".to_owned(),
        }];
        assert_eq!(attribute(&attributes, "shell"), Some("fish"));
        assert_eq!(attribute(&attributes, "host"), None);
    }
}
