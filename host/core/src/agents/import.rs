//! The files in which iterm-mcp keeps agents and teams: one JSON object a line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::roster::{Agent, Team};

/// A file that cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no agent or no team.
    #[error("line {line} of {} is not what iterm-mcp writes there: {reason}; nothing was imported", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// What the two files hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Agents in the order of the file.
    pub agents: Vec<Agent>,
    /// Teams, those above before those below.
    pub teams: Vec<Team>,
}

/// Reads `agents.jsonl` and `teams.jsonl` in `folder`; one that is missing is empty.
pub fn read_folder(folder: &Path) -> Result<Imported, ImportError> {
    Ok(Imported {
        agents: read(&folder.join("agents.jsonl"))?,
        teams: parents_first(read(&folder.join("teams.jsonl"))?),
    })
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, ImportError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(ImportError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    (text.lines().enumerate())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| ImportError::Line {
                path: path.to_owned(),
                line: number + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

/// A team whose parent the file does not have becomes one without.
fn parents_first(teams: Vec<Team>) -> Vec<Team> {
    let known: BTreeSet<String> = teams.iter().map(|team| team.name.clone()).collect();
    let teams = teams.into_iter().map(|team| Team {
        parent_team: team.parent_team.filter(|parent| known.contains(parent)),
        ..team
    });
    in_order(teams.collect(), |team| team)
}

/// Those above before those below; what goes in a circle is left out.
pub(super) fn in_order<T>(mut waiting: Vec<T>, team: impl Fn(&T) -> &Team) -> Vec<T> {
    let mut sorted = Vec::new();
    let mut placed = BTreeSet::new();
    loop {
        let (ready, rest): (Vec<T>, Vec<T>) = waiting.into_iter().partition(|it| {
            let parent = team(it).parent_team.as_ref();
            parent.is_none_or(|parent| placed.contains(parent))
        });
        if ready.is_empty() {
            return sorted;
        }
        placed.extend(ready.iter().map(|it| team(it).name.clone()));
        sorted.extend(ready);
        waiting = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENTS: &str = r#"{"name": "alice", "session_id": "A-1", "teams": ["web"], "created_at": "2025-01-02T03:04:05", "metadata": {"k": "v"}}

{"name": "bob", "session_id": "B-2"}
"#;
    const TEAMS: &str = r#"{"name": "web", "description": "", "parent_team": "dev", "created_at": "2025-01-02T03:04:05"}
{"name": "dev", "description": "Developers", "parent_team": null}
{"name": "lost", "parent_team": "nowhere"}
"#;

    #[test]
    fn both_files_are_taken_over() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("agents.jsonl"), AGENTS).expect("agents");
        std::fs::write(folder.path().join("teams.jsonl"), TEAMS).expect("teams");
        let imported = read_folder(folder.path()).expect("import");
        let agents: Vec<_> = imported
            .agents
            .iter()
            .map(|agent| agent.name.as_str())
            .collect();
        assert_eq!(agents, ["alice", "bob"]);
        assert_eq!(imported.agents[0].metadata["k"], "v");
        let teams: Vec<_> = (imported.teams.iter())
            .map(|team| (team.name.as_str(), team.parent_team.as_deref()))
            .collect();
        assert_eq!(teams, [("dev", None), ("lost", None), ("web", Some("dev"))]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("agents.jsonl"), "{}\n").expect("agents");
        let error = read_folder(folder.path()).expect_err("no name").to_string();
        assert!(
            error.contains("line 1") && error.contains("agents.jsonl"),
            "{error}"
        );
        std::fs::remove_file(folder.path().join("agents.jsonl")).expect("remove");
        assert_eq!(
            read_folder(folder.path()).expect("nothing"),
            Imported::default()
        );
    }
}
