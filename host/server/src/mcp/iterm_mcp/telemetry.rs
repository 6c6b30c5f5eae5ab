//! Agents and their sessions in numbers, as clients are told of them.

use quarterdeck_core::agents::roster::Team;
use quarterdeck_core::agents::{PaneTelemetry, Telemetry};
use quarterdeck_core::{rfc3339, rfc3339_of_ms};
use serde::Serialize;

use super::notifications::ToldNotification;

/// One session in numbers.
#[derive(Serialize)]
struct Pane {
    id: String,
    name: String,
    persistent_id: String,
    agent: Option<String>,
    command_count: u64,
    output_lines: usize,
    recent_errors: Vec<String>,
    last_command_at: Option<String>,
    last_output_at: Option<String>,
    queue_depth: usize,
}

impl From<PaneTelemetry> for Pane {
    fn from(pane: PaneTelemetry) -> Self {
        Self {
            id: pane.session.to_string(),
            persistent_id: pane.session.uuid().to_string(),
            name: pane.name,
            agent: pane.agent,
            command_count: pane.messages,
            output_lines: pane.output_lines,
            recent_errors: pane.recent_errors,
            last_command_at: pane.last_message_ms.map(rfc3339_of_ms),
            last_output_at: Some(rfc3339(pane.last_output)),
            queue_depth: pane.under_way,
        }
    }
}

/// A team, in short.
#[derive(Serialize)]
struct TeamLine {
    name: String,
    parent_team: Option<String>,
    member_count: usize,
}

impl From<(Team, usize)> for TeamLine {
    fn from((team, member_count): (Team, usize)) -> Self {
        Self {
            name: team.name,
            parent_team: team.parent_team,
            member_count,
        }
    }
}

/// All of it.
#[derive(Serialize)]
pub(super) struct Dashboard {
    agents_online: usize,
    pane_count: usize,
    panes: Vec<Pane>,
    recent_messages: Vec<ToldNotification>,
    teams: Vec<TeamLine>,
    active_session: Option<String>,
}

impl From<Telemetry> for Dashboard {
    fn from(telemetry: Telemetry) -> Self {
        let panes = &telemetry.panes;
        Self {
            agents_online: panes.iter().filter(|pane| pane.agent.is_some()).count(),
            pane_count: panes.len(),
            panes: telemetry.panes.into_iter().map(Pane::from).collect(),
            recent_messages: (telemetry.notifications.into_iter())
                .map(ToldNotification::from)
                .collect(),
            teams: telemetry.teams.into_iter().map(TeamLine::from).collect(),
            active_session: telemetry.active_session,
        }
    }
}
