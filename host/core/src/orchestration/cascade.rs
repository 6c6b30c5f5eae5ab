//! Messages that the most specific wins: for an agent, for its team, for all. Pure.

use std::collections::BTreeMap;

use crate::agents::roster::Roster;

/// Which of its messages an agent gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The one for it by name.
    Agent,
    /// The one for its team.
    Team,
    /// The one for everybody.
    Broadcast,
}

/// What is to be said to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cascade {
    /// For every agent that has nothing more specific.
    pub broadcast: Option<String>,
    /// By the name of a team, for its agents.
    pub teams: BTreeMap<String, String>,
    /// By the name of an agent.
    pub agents: BTreeMap<String, String>,
}

/// What one agent is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// The agent.
    pub agent: String,
    /// Its session, if it is on the roster.
    pub session_id: Option<String>,
    /// Why it is told.
    pub reach: Reach,
    /// What.
    pub message: String,
}

impl Cascade {
    /// What each agent is told, once and by name: its own message, else that of its
    /// team (the first that it joined, then the teams above), else the broadcast.
    /// An agent named here that nobody knows is listed without a session.
    pub fn resolve(&self, roster: &Roster) -> Vec<Addressed> {
        let mut addressed: BTreeMap<&str, Addressed> = BTreeMap::new();
        for agent in roster.agents() {
            let own = self.agents.get(&agent.name).map(|own| (Reach::Agent, own));
            let of_team = || {
                self.of_team(roster, &agent.teams)
                    .map(|it| (Reach::Team, it))
            };
            let of_all = || self.broadcast.as_ref().map(|all| (Reach::Broadcast, all));
            if let Some((reach, message)) = own.or_else(of_team).or_else(of_all) {
                addressed.insert(
                    &agent.name,
                    Addressed {
                        agent: agent.name.clone(),
                        session_id: Some(agent.session_id.clone()),
                        reach,
                        message: message.clone(),
                    },
                );
            }
        }
        for (name, message) in &self.agents {
            addressed.entry(name).or_insert_with(|| Addressed {
                agent: name.clone(),
                session_id: None,
                reach: Reach::Agent,
                message: message.clone(),
            });
        }
        addressed.into_values().collect()
    }

    /// The teams named here that do not exist and that no agent is in.
    pub fn unknown_teams<'a>(&'a self, roster: &'a Roster) -> impl Iterator<Item = &'a str> {
        let known = |name: &str| roster.team(name).is_some() || !roster.members(name).is_empty();
        let named = self.teams.keys().map(String::as_str);
        named.filter(move |name| !known(name))
    }

    fn of_team(&self, roster: &Roster, teams: &[String]) -> Option<&String> {
        let mut nearest: Vec<&str> = teams.iter().map(String::as_str).collect();
        // As many steps up as there are teams: a cycle cannot be.
        for _ in 0..=roster.teams().count() {
            if let Some(message) = nearest.iter().find_map(|team| self.teams.get(*team)) {
                return Some(message);
            }
            nearest = (nearest.iter())
                .filter_map(|team| roster.team(team)?.parent_team.as_deref())
                .collect();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::roster::tests::{agent, team};

    fn roster() -> Roster {
        let mut roster = Roster::default();
        roster.create_team(team("dev", None)).expect("dev");
        roster.create_team(team("web", Some("dev"))).expect("web");
        for (name, teams) in [
            ("alice", &["web"][..]),
            ("bob", &["ops", "dev"]),
            ("carol", &[]),
        ] {
            roster
                .register(agent(name, &format!("s-{name}"), teams))
                .expect(name);
        }
        roster
    }

    fn told(cascade: &Cascade) -> Vec<(String, Reach, String)> {
        let resolved = cascade.resolve(&roster());
        (resolved.into_iter())
            .map(|it| (it.agent, it.reach, it.message))
            .collect()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        (pairs.iter())
            .map(|(name, message)| ((*name).to_owned(), (*message).to_owned()))
            .collect()
    }

    #[test]
    fn the_most_specific_message_wins() {
        let cascade = Cascade {
            broadcast: Some("all".into()),
            teams: map(&[("dev", "team")]),
            agents: map(&[("bob", "you")]),
        };
        let expected = [
            ("alice", Reach::Team, "team"),
            ("bob", Reach::Agent, "you"),
            ("carol", Reach::Broadcast, "all"),
        ];
        assert_eq!(
            told(&cascade),
            expected.map(|(a, r, m)| (a.to_owned(), r, m.to_owned()))
        );
    }

    #[test]
    fn the_nearest_team_wins() {
        let cascade = Cascade {
            teams: map(&[("dev", "far"), ("web", "near")]),
            ..Cascade::default()
        };
        let expected = [("alice", Reach::Team, "near"), ("bob", Reach::Team, "far")];
        assert_eq!(
            told(&cascade),
            expected.map(|(a, r, m)| (a.to_owned(), r, m.to_owned()))
        );
    }

    #[test]
    fn a_team_that_does_not_exist_is_told_from_one_that_has_nobody() {
        let mut roster = roster();
        roster.create_team(team("empty", None)).expect("empty");
        let cascade = Cascade {
            teams: map(&[("web", "a"), ("wbe", "b"), ("ops", "c"), ("empty", "d")]),
            ..Cascade::default()
        };
        let unknown: Vec<&str> = cascade.unknown_teams(&roster).collect();
        assert_eq!(
            unknown,
            ["wbe"],
            "bob is in ops, though nobody has created it"
        );
    }

    #[test]
    fn an_unknown_agent_is_not_passed_over_in_silence() {
        let cascade = Cascade {
            agents: map(&[("dave", "hello")]),
            ..Cascade::default()
        };
        let resolved = cascade.resolve(&roster());
        assert_eq!(resolved.len(), 1);
        assert_eq!(
            (resolved[0].agent.as_str(), &resolved[0].session_id),
            ("dave", &None)
        );
    }
}
