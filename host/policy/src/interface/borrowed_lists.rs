//! Lists of strings and named facts as the bindings want them: made of borrowed
//! parts, and kept until the call is over.

use crate::interface::bindings::types;
use crate::{PromptState, SessionFacts};

/// Named facts, borrowed.
pub(crate) fn attributes(list: &[(String, String)]) -> Vec<types::Attribute<'_>> {
    list.iter()
        .map(|(name, value)| types::Attribute { name, value })
        .collect()
}

/// Strings, borrowed.
pub(crate) fn strings(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// A session with its lists.
pub(crate) struct LentSession<'a> {
    facts: &'a SessionFacts,
    tags: Vec<&'a str>,
    attributes: Vec<types::Attribute<'a>>,
}

impl<'a> LentSession<'a> {
    pub(crate) fn of(facts: &'a SessionFacts) -> Self {
        LentSession {
            facts,
            tags: strings(&facts.tags),
            attributes: attributes(&facts.attributes),
        }
    }

    pub(crate) fn session(&'a self) -> types::Session<'a> {
        let facts = self.facts;
        types::Session {
            id: &facts.id,
            name: &facts.name,
            backend: &facts.backend,
            cwd: facts.cwd.as_deref(),
            program: facts.program.as_deref(),
            prompt: match facts.prompt {
                PromptState::AtPrompt => types::PromptState::AtPrompt,
                PromptState::Running => types::PromptState::Running,
                PromptState::Unknown => types::PromptState::Unknown,
            },
            full_screen: facts.full_screen,
            tags: &self.tags,
            role: facts.role.as_deref(),
            team: facts.team.as_deref(),
            attributes: &self.attributes,
        }
    }
}
