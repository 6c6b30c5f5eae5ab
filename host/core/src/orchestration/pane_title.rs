//! What panes are called. Pure.

/// What is known of one pane before it exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PanePlace {
    /// The name somebody gave it.
    pub(super) name: Option<String>,
    /// Its agent.
    pub(super) agent: Option<String>,
    /// Its team.
    pub(super) team: Option<String>,
}

impl PanePlace {
    /// What pane number `number` (from 0) is called: its name, `Team :: Agent`, or
    /// `Pane-<number from 1>`.
    pub(super) fn title(&self, number: usize) -> String {
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
}
