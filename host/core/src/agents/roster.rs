//! Who there is: agents, teams, and which belongs to which. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Names are shown on screens and in lists: a longer one is a mistake.
const LONGEST_NAME: usize = 200;

/// A name bound to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Unique.
    pub name: String,
    /// Where it works; the session may have ended.
    pub session_id: String,
    /// The teams that it belongs to, in the order in which it joined them.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Whatever its registrar wants kept with it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// How deep it was started: 1 by nobody's agent, else one more than the agent that
    /// has started it. The registry sets it.
    #[serde(skip, default = "nobodys")]
    pub depth: u32,
}

fn nobodys() -> u32 {
    1
}

impl Agent {
    /// Whether it belongs to `team` itself; teams below do not count.
    pub fn is_in(&self, team: &str) -> bool {
        self.teams.iter().any(|name| name == team)
    }
}

/// A group of agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Unique.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The team above it.
    #[serde(default)]
    pub parent_team: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub created_at: String,
}

/// What cannot be done with the roster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// A name that would not be found again.
    #[error(
        "{what} needs a name of 1 to {LONGEST_NAME} characters without control characters; {name:?} is none"
    )]
    Name {
        /// An agent or a team.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The team above does not exist.
    #[error(
        "team {team:?} cannot belong to {parent:?}, which does not exist; create that one first"
    )]
    NoParent {
        /// The team.
        team: String,
        /// The one that is missing.
        parent: String,
    },
    /// A team above itself.
    #[error("team {team:?} cannot belong to {parent:?}, which belongs to {team:?} itself")]
    Cycle {
        /// The team.
        team: String,
        /// The team that should be above it.
        parent: String,
    },
}

/// All agents and teams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    agents: BTreeMap<String, Agent>,
    teams: BTreeMap<String, Team>,
}

impl Roster {
    /// Puts an agent in the place of one of the same name. A session has one
    /// agent: the one before it loses its place, and is returned.
    pub fn register(&mut self, agent: Agent) -> Result<Option<Agent>, RosterError> {
        check_names(Some(&agent.name), agent.teams.iter().map(String::as_str))?;
        let displaced = (self.agent_of(&agent.session_id))
            .map(|holder| holder.name.clone())
            .filter(|holder| *holder != agent.name);
        let displaced = displaced.and_then(|name| self.agents.remove(&name));
        self.agents.insert(agent.name.clone(), agent);
        Ok(displaced)
    }

    /// Takes an agent out.
    pub fn remove_agent(&mut self, name: &str) -> Option<Agent> {
        self.agents.remove(name)
    }

    /// The agent of this name.
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.get(name)
    }

    /// The agent that works in a session.
    pub fn agent_of(&self, session: &str) -> Option<&Agent> {
        (self.agents.values()).find(|agent| agent.session_id == session)
    }

    /// All agents by name.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// The agents of a team and of the teams below it, by name.
    pub fn members(&self, team: &str) -> Vec<&Agent> {
        let teams = self.with_teams_below(team);
        (self.agents.values())
            .filter(|agent| agent.teams.iter().any(|team| teams.contains(team.as_str())))
            .collect()
    }

    /// Keeps a team, in the place of one of the same name.
    pub fn create_team(&mut self, team: Team) -> Result<(), RosterError> {
        check_name("a team", &team.name)?;
        if let Some(parent) = &team.parent_team {
            if *parent == team.name || self.teams_above(parent).contains(team.name.as_str()) {
                return Err(RosterError::Cycle {
                    team: team.name.clone(),
                    parent: parent.clone(),
                });
            }
            if !self.teams.contains_key(parent) {
                return Err(RosterError::NoParent {
                    team: team.name.clone(),
                    parent: parent.clone(),
                });
            }
        }
        self.teams.insert(team.name.clone(), team);
        Ok(())
    }

    /// Takes a team out. Its members lose it; teams below it move up. Returns the
    /// agents and teams that have changed.
    pub fn remove_team(&mut self, name: &str) -> Option<(Vec<Agent>, Vec<Team>)> {
        let removed = self.teams.remove(name)?;
        let mut agents = Vec::new();
        for agent in self.agents.values_mut().filter(|agent| agent.is_in(name)) {
            agent.teams.retain(|team| team != name);
            agents.push(agent.clone());
        }
        let mut teams = Vec::new();
        for team in self.teams.values_mut() {
            if team.parent_team.as_deref() == Some(name) {
                team.parent_team.clone_from(&removed.parent_team);
                teams.push(team.clone());
            }
        }
        Some((agents, teams))
    }

    /// The team of this name.
    pub fn team(&self, name: &str) -> Option<&Team> {
        self.teams.get(name)
    }

    /// All teams by name.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values()
    }

    /// Lets an agent join a team; `None` if there is no such agent, or it is in.
    pub fn join(&mut self, agent: &str, team: &str) -> Option<&Agent> {
        let agent = self
            .agents
            .get_mut(agent)
            .filter(|agent| !agent.is_in(team))?;
        agent.teams.push(team.to_owned());
        Some(agent)
    }

    /// Lets an agent leave a team; `None` if it was not in it.
    pub fn leave(&mut self, agent: &str, team: &str) -> Option<&Agent> {
        let agent = self
            .agents
            .get_mut(agent)
            .filter(|agent| agent.is_in(team))?;
        agent.teams.retain(|name| name != team);
        Some(agent)
    }

    /// The team and all below it.
    fn with_teams_below<'a>(&'a self, team: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::from([team]);
        loop {
            let before = found.len();
            for team in self.teams.values() {
                if team
                    .parent_team
                    .as_deref()
                    .is_some_and(|parent| found.contains(parent))
                {
                    found.insert(&team.name);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// The teams above a team, not itself.
    fn teams_above<'a>(&'a self, team: &str) -> BTreeSet<&'a str> {
        let mut above = BTreeSet::new();
        let mut at = self.teams.get(team);
        while let Some(parent) = at.and_then(|team| team.parent_team.as_deref()) {
            if !above.insert(parent) {
                break;
            }
            at = self.teams.get(parent);
        }
        above
    }
}

/// Whether an agent and teams may have these names.
pub(crate) fn check_names<'a>(
    agent: Option<&str>,
    teams: impl IntoIterator<Item = &'a str>,
) -> Result<(), RosterError> {
    agent.map_or(Ok(()), |name| check_name("an agent", name))?;
    (teams.into_iter()).try_for_each(|team| check_name("a team", team))
}

fn check_name(what: &'static str, name: &str) -> Result<(), RosterError> {
    let fits = !name.trim().is_empty()
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| RosterError::Name {
        what,
        name: name.to_owned(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn agent(name: &str, session: &str, teams: &[&str]) -> Agent {
        Agent {
            depth: 1,
            name: name.to_owned(),
            session_id: session.to_owned(),
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            metadata: BTreeMap::new(),
            created_at: String::new(),
        }
    }

    pub(crate) fn team(name: &str, parent: Option<&str>) -> Team {
        Team {
            name: name.to_owned(),
            description: String::new(),
            parent_team: parent.map(str::to_owned),
            created_at: String::new(),
        }
    }

    fn names(agents: &[&Agent]) -> Vec<String> {
        agents.iter().map(|agent| agent.name.clone()).collect()
    }

    #[test]
    fn a_team_has_the_members_of_the_teams_below_it() {
        let mut roster = Roster::default();
        for (name, parent) in [("all", None), ("dev", Some("all")), ("web", Some("dev"))] {
            roster.create_team(team(name, parent)).expect(name);
        }
        roster
            .register(agent("alice", "s1", &["web"]))
            .expect("alice");
        roster.register(agent("bob", "s2", &["all"])).expect("bob");
        assert_eq!(names(&roster.members("all")), ["alice", "bob"]);
        assert_eq!(names(&roster.members("dev")), ["alice"]);
        assert_eq!(names(&roster.members("nobody")), Vec::<String>::new());
    }

    #[test]
    fn a_team_cannot_be_above_itself() {
        let mut roster = Roster::default();
        roster.create_team(team("a", None)).expect("a");
        roster.create_team(team("b", Some("a"))).expect("b");
        assert!(matches!(
            roster.create_team(team("a", Some("b"))),
            Err(RosterError::Cycle { .. })
        ));
        assert!(matches!(
            roster.create_team(team("c", Some("c"))),
            Err(RosterError::Cycle { .. })
        ));
        assert!(matches!(
            roster.create_team(team("c", Some("x"))),
            Err(RosterError::NoParent { .. })
        ));
    }

    #[test]
    fn removing_a_team_moves_those_below_it_up() {
        let mut roster = Roster::default();
        for (name, parent) in [("a", None), ("b", Some("a")), ("c", Some("b"))] {
            roster.create_team(team(name, parent)).expect(name);
        }
        roster
            .register(agent("alice", "s1", &["b", "c"]))
            .expect("alice");
        let (agents, teams) = roster.remove_team("b").expect("b");
        assert_eq!(agents, [agent("alice", "s1", &["c"])]);
        assert_eq!(teams, [team("c", Some("a"))]);
        assert_eq!(roster.remove_team("b"), None);
    }

    #[test]
    fn a_session_has_one_agent() {
        let mut roster = Roster::default();
        assert_eq!(roster.register(agent("alice", "s1", &[])), Ok(None));
        assert_eq!(roster.register(agent("alice", "s1", &["x"])), Ok(None));
        let displaced = roster.register(agent("bob", "s1", &[])).expect("bob");
        assert_eq!(displaced.map(|agent| agent.name).as_deref(), Some("alice"));
        assert_eq!(roster.agent("alice"), None);
    }

    #[test]
    fn names_are_held_to_something_readable() {
        let mut roster = Roster::default();
        for name in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(roster.register(agent(name, "s", &[])).is_err(), "{name:?}");
        }
    }

    #[test]
    fn joining_and_leaving_happen_once() {
        let mut roster = Roster::default();
        roster.register(agent("alice", "s1", &[])).expect("alice");
        assert!(roster.join("alice", "dev").is_some());
        assert!(roster.join("alice", "dev").is_none());
        assert!(roster.join("bob", "dev").is_none());
        assert!(roster.leave("alice", "dev").is_some());
        assert!(roster.leave("alice", "dev").is_none());
    }
}
