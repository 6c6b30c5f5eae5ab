//! Layouts: how many panes they have and what those are called. Pure.

/// An arrangement of panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaneLayout {
    /// One pane.
    #[default]
    Single,
    /// Two, side by side.
    HorizontalSplit,
    /// Two, one above the other.
    VerticalSplit,
    /// Four, two by two.
    Quad,
    /// One at the left, two at the right, one above the other.
    LeftTwoRight,
    /// One at the top, two below, side by side.
    TopTwoBottom,
}

/// A name that no layout has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no layout {0:?}; the layouts are SINGLE, HORIZONTAL_SPLIT (side by side), VERTICAL_SPLIT (stacked), QUAD, LEFT_TWO_RIGHT and TOP_TWO_BOTTOM"
)]
pub struct UnknownLayout(String);

impl PaneLayout {
    /// How many panes it has.
    pub fn panes(self) -> usize {
        match self {
            Self::Single => 1,
            Self::HorizontalSplit | Self::VerticalSplit => 2,
            Self::LeftTwoRight | Self::TopTwoBottom => 3,
            Self::Quad => 4,
        }
    }
}

impl std::str::FromStr for PaneLayout {
    type Err = UnknownLayout;

    fn from_str(name: &str) -> Result<Self, UnknownLayout> {
        match name.trim().to_uppercase().replace('-', "_").as_str() {
            "" | "SINGLE" => Ok(Self::Single),
            "HORIZONTAL_SPLIT" | "HORIZONTAL" => Ok(Self::HorizontalSplit),
            "VERTICAL_SPLIT" | "VERTICAL" => Ok(Self::VerticalSplit),
            "QUAD" => Ok(Self::Quad),
            "LEFT_TWO_RIGHT" | "ONE_LEFT_TWO_RIGHT" => Ok(Self::LeftTwoRight),
            "TOP_TWO_BOTTOM" | "ONE_TOP_TWO_BOTTOM" => Ok(Self::TopTwoBottom),
            _ => Err(UnknownLayout(name.to_owned())),
        }
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
        for (name, panes) in [
            ("SINGLE", 1),
            ("horizontal", 2),
            ("VERTICAL_SPLIT", 2),
            ("quad", 4),
        ] {
            assert_eq!(
                name.parse::<PaneLayout>().map(PaneLayout::panes),
                Ok(panes),
                "{name}"
            );
        }
        assert!("CIRCLE".parse::<PaneLayout>().is_err());
    }
}
