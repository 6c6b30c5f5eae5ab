//! Layouts as clients of iterm-mcp name them, and what their panes are called. Pure.

use crate::operations::NamedLayout;

/// A name that no layout has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no layout {0:?}; the layouts are SINGLE, HORIZONTAL_SPLIT (side by side), VERTICAL_SPLIT (stacked), QUAD, TRIPLE_RIGHT (one left, two right) and TRIPLE_BOTTOM (one above, two below)"
)]
pub struct UnknownLayout(String);

/// The layout of a name, in capitals or not; none is a single pane.
pub fn layout_named(name: &str) -> Result<NamedLayout, UnknownLayout> {
    match name.trim().to_uppercase().replace('-', "_").as_str() {
        "" | "SINGLE" => Ok(NamedLayout::Single),
        "HORIZONTAL_SPLIT" | "HORIZONTAL" => Ok(NamedLayout::HorizontalSplit),
        "VERTICAL_SPLIT" | "VERTICAL" => Ok(NamedLayout::VerticalSplit),
        "QUAD" => Ok(NamedLayout::Quad),
        "TRIPLE_RIGHT" | "LEFT_TWO_RIGHT" => Ok(NamedLayout::TripleRight),
        "TRIPLE_BOTTOM" | "TOP_TWO_BOTTOM" => Ok(NamedLayout::TripleBottom),
        _ => Err(UnknownLayout(name.to_owned())),
    }
}

/// What is known of one pane before it exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PanePlace {
    /// The name somebody gave it.
    pub name: Option<String>,
    /// Its agent.
    pub agent: Option<String>,
    /// Its team.
    pub team: Option<String>,
}

impl PanePlace {
    /// What pane number `number` (from 0) is called: its name, `Team :: Agent`, or
    /// `Pane-<number from 1>`.
    pub fn title(&self, number: usize) -> String {
        let given = |word: &Option<String>| word.clone().filter(|word| !word.trim().is_empty());
        given(&self.name)
            .or_else(|| Some(format!("{} :: {}", given(&self.team)?, given(&self.agent)?)))
            .unwrap_or_else(|| format!("Pane-{}", number + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_are_called_by_name_then_hierarchy_then_number() {
        let place = |name: Option<&str>, team: Option<&str>, agent: Option<&str>| PanePlace {
            name: name.map(str::to_owned),
            team: team.map(str::to_owned),
            agent: agent.map(str::to_owned),
        };
        assert_eq!(place(Some("Ops"), Some("T"), Some("A")).title(0), "Ops");
        let led = place(None, Some("Team Leads"), Some("TL-Backend"));
        assert_eq!(led.title(1), "Team Leads :: TL-Backend");
        assert_eq!(place(None, Some("T"), None).title(1), "Pane-2");
    }

    #[test]
    fn layouts_are_known_by_the_documents_names() {
        for (name, layout) in [
            ("", NamedLayout::Single),
            ("SINGLE", NamedLayout::Single),
            ("horizontal", NamedLayout::HorizontalSplit),
            ("VERTICAL_SPLIT", NamedLayout::VerticalSplit),
            ("quad", NamedLayout::Quad),
            ("triple-right", NamedLayout::TripleRight),
            ("TOP_TWO_BOTTOM", NamedLayout::TripleBottom),
        ] {
            assert_eq!(layout_named(name), Ok(layout), "{name}");
        }
        assert!(layout_named("CIRCLE").is_err());
    }
}
