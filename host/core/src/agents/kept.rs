//! Agents and what they hold, as rows of the store.

use rusqlite::{Connection, Transaction, params};

use super::deliveries::{Deliveries, MessageDigest};
use super::lease::{Lease, Leases};
use super::notifications::{KEPT, Level, Notification, Notifications};
use super::profile::TeamProfile;
use super::role::{RoleAssignment, RoleConfig};
use super::roster::{Agent, Roster, Team};
use super::state::State;
use crate::clock::rfc3339_of_ms;

/// A change of the state that has to be kept.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Agent(Agent),
    AgentGone(String),
    Team(Team, TeamProfile),
    TeamGone(String),
    Lease(String, Lease),
    LeaseGone(String),
    Role(RoleAssignment),
    RoleGone(String),
    RoleConfig(RoleConfig),
    Notification(Notification),
    Tags(String, Vec<String>),
}

impl Change {
    pub(super) fn keep(&self, kept: &Transaction<'_>) -> rusqlite::Result<()> {
        match self {
            Self::Agent(agent) => kept.execute(
                "INSERT OR REPLACE INTO agents (name, session_id, teams, metadata, created_at, depth)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    agent.name,
                    agent.session_id,
                    json(&agent.teams),
                    json(&agent.metadata),
                    agent.created_at,
                    agent.depth
                ],
            ),
            Self::AgentGone(name) => kept.execute("DELETE FROM agents WHERE name = ?1", [name]),
            Self::Team(team, profile) => kept.execute(
                "INSERT OR REPLACE INTO teams (name, description, parent_team, created_at, hue, guid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    team.name,
                    team.description,
                    team.parent_team,
                    team.created_at,
                    profile.colour.hue,
                    profile.guid
                ],
            ),
            Self::TeamGone(name) => kept.execute("DELETE FROM teams WHERE name = ?1", [name]),
            Self::Lease(session, lease) => kept.execute(
                "INSERT OR REPLACE INTO leases
                 (session_id, owner, fencing_token, acquired_ms, expires_ms, lasts_ms, waiting)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    session,
                    lease.owner,
                    lease.fencing_token.cast_signed(),
                    lease.acquired_ms.cast_signed(),
                    lease.expires_ms.cast_signed(),
                    lease.lasts_ms.cast_signed(),
                    json(&lease.waiting)
                ],
            ),
            Self::LeaseGone(session) => {
                kept.execute("DELETE FROM leases WHERE session_id = ?1", [session])
            }
            Self::Role(role) => kept.execute(
                "INSERT OR REPLACE INTO session_roles (session_id, config, assigned_at, assigned_by)
                 VALUES (?1, ?2, ?3, ?4)",
                params![role.session_id, json(&role.config), role.assigned_at, role.assigned_by],
            ),
            Self::RoleGone(session) => {
                kept.execute("DELETE FROM session_roles WHERE session_id = ?1", [session])
            }
            Self::RoleConfig(config) => kept.execute(
                "INSERT OR REPLACE INTO role_configs (role, config) VALUES (?1, ?2)",
                params![config.role.as_str(), json(config)],
            ),
            Self::Notification(it) => {
                kept.execute(
                    "INSERT INTO notifications (agent, at_ms, level, summary, context, action_hint)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        it.agent,
                        it.at_ms.cast_signed(),
                        it.level.as_str(),
                        it.summary,
                        it.context,
                        it.action_hint
                    ],
                )?;
                kept.execute(
                    "DELETE FROM notifications WHERE id <= (SELECT max(id) FROM notifications) - ?1",
                    [KEPT as i64],
                )
            }
            Self::Tags(session, tags) => kept.execute(
                "UPDATE sessions SET tags = ?2 WHERE id = ?1",
                params![session, json(tags)],
            ),
        }
        .map(drop)
    }
}

/// Keeps that `agent` had a message, and drops the one that makes room.
pub(super) fn keep_delivery(
    kept: &Transaction<'_>,
    agent: &str,
    digest: &MessageDigest,
    forgotten: Option<&MessageDigest>,
) -> rusqlite::Result<()> {
    kept.execute(
        "INSERT OR REPLACE INTO deliveries (agent, digest) VALUES (?1, ?2)",
        params![agent, digest],
    )?;
    if let Some(forgotten) = forgotten {
        kept.execute(
            "DELETE FROM deliveries WHERE agent = ?1 AND digest = ?2",
            params![agent, forgotten],
        )?;
    }
    Ok(())
}

/// What an earlier host kept.
pub(super) fn restore(kept: &Connection) -> rusqlite::Result<(State, Deliveries)> {
    let mut roster = Roster::default();
    let mut profiles = Vec::new();
    let rows = rows(
        kept,
        "SELECT name, description, parent_team, created_at, hue, guid FROM teams",
        |row| {
            let team = Team {
                name: row.get(0)?,
                description: row.get(1)?,
                parent_team: row.get(2)?,
                created_at: row.get(3)?,
            };
            Ok((
                team.clone(),
                TeamProfile::restored(&team.name, row.get(4)?, row.get(5)?),
            ))
        },
    )?;
    for (team, profile) in super::import::in_order(rows, |(team, _)| team) {
        // What was kept was checked; a row that no longer fits is left out.
        if roster.create_team(team).is_ok() {
            profiles.push(profile);
        }
    }
    for agent in agents(kept)? {
        let _ = roster.register(agent);
    }
    let state = State {
        roster,
        profiles: profiles
            .into_iter()
            .map(|it| (it.team.clone(), it))
            .collect(),
        leases: Leases::restore(leases(kept)?),
        roles: roles(kept)?
            .into_iter()
            .map(|it| (it.session_id.clone(), it))
            .collect(),
        role_configs: role_configs(kept)?
            .into_iter()
            .map(|it| (it.role, it))
            .collect(),
        notifications: Notifications::restore(notifications(kept)?),
    };
    Ok((state, Deliveries::restore(deliveries(kept)?)))
}

fn agents(kept: &Connection) -> rusqlite::Result<Vec<Agent>> {
    rows(
        kept,
        "SELECT name, session_id, teams, metadata, created_at, depth FROM agents",
        |row| {
            Ok(Agent {
                name: row.get(0)?,
                session_id: row.get(1)?,
                teams: from_json(row.get(2)?)?,
                metadata: from_json(row.get(3)?)?,
                created_at: row.get(4)?,
                depth: row.get(5)?,
            })
        },
    )
}

fn leases(kept: &Connection) -> rusqlite::Result<Vec<(String, Lease)>> {
    let query = "SELECT session_id, owner, fencing_token, acquired_ms, expires_ms, lasts_ms, waiting FROM leases";
    rows(kept, query, |row| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let lease = Lease {
            owner: row.get(1)?,
            fencing_token: number(2)?,
            acquired_ms: number(3)?,
            expires_ms: number(4)?,
            lasts_ms: number(5)?,
            waiting: from_json(row.get(6)?)?,
        };
        Ok((row.get(0)?, lease))
    })
}

fn roles(kept: &Connection) -> rusqlite::Result<Vec<RoleAssignment>> {
    rows(
        kept,
        "SELECT session_id, config, assigned_at, assigned_by FROM session_roles",
        |row| {
            Ok(RoleAssignment {
                session_id: row.get(0)?,
                config: from_json(row.get(1)?)?,
                assigned_at: row.get(2)?,
                assigned_by: row.get(3)?,
            })
        },
    )
}

fn role_configs(kept: &Connection) -> rusqlite::Result<Vec<RoleConfig>> {
    rows(kept, "SELECT config FROM role_configs", |row| {
        from_json(row.get(0)?)
    })
}

fn notifications(kept: &Connection) -> rusqlite::Result<Vec<Notification>> {
    let query =
        "SELECT agent, at_ms, level, summary, context, action_hint FROM notifications ORDER BY id";
    rows(kept, query, |row| {
        let at_ms = row.get::<_, i64>(1)?.cast_unsigned();
        let level: String = row.get(2)?;
        Ok(Notification {
            agent: row.get(0)?,
            timestamp: rfc3339_of_ms(at_ms),
            level: Level::named(&level).ok_or_else(|| unreadable(format!("no level {level:?}")))?,
            summary: row.get(3)?,
            context: row.get(4)?,
            action_hint: row.get(5)?,
            at_ms,
        })
    })
}

fn deliveries(kept: &Connection) -> rusqlite::Result<Vec<(String, MessageDigest)>> {
    rows(
        kept,
        "SELECT agent, digest FROM deliveries ORDER BY id",
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn rows<T>(
    kept: &Connection,
    query: &str,
    read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = kept.prepare(query)?;
    let rows = statement.query_map([], read)?;
    rows.collect()
}

fn json(value: &impl serde::Serialize) -> String {
    // Strings, lists and maps of strings: nothing here cannot be written.
    serde_json::to_string(value).unwrap_or_default()
}

fn unreadable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into())
}

fn from_json<T: serde::de::DeserializeOwned>(text: String) -> rusqlite::Result<T> {
    serde_json::from_str(&text).map_err(unreadable)
}
