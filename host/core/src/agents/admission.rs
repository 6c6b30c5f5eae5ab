//! What the gate asks of agents before it asks the approvers: who may type into a
//! session, and which programs may run there.

use std::collections::HashSet;

use super::Agents;
use super::programs::{Program, programs};
use super::role::{Denial, RoleConfig, Used};
use crate::caller::{Caller, CallerKind};
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::error::HostError;
use crate::session::SessionId;

impl Agents {
    /// Whether `caller` may type into a session now: nobody else has locked it, and a
    /// caller that shows a fencing token holds the lock. Typing renews it.
    pub(crate) fn may_type(&self, session: &SessionId, caller: &Caller) -> Result<(), HostError> {
        let now = now_ms();
        let state = self.state();
        let Some(lease) = state.leases.on(session.as_str(), now) else {
            return match caller.fencing_token {
                // Somebody else may have had the session in between.
                Some(shown) => Err(HostError::LockLost {
                    session: session.clone(),
                    shown,
                    current: None,
                }),
                None => Ok(()),
            };
        };
        if caller.agent.as_deref() != Some(lease.owner.as_str()) {
            return Err(HostError::Locked {
                session: session.clone(),
                owner: lease.owner.clone(),
                until: rfc3339_of_ms(lease.expires_ms),
            });
        }
        if let Some(shown) = caller.fencing_token
            && shown != lease.fencing_token
        {
            return Err(HostError::LockLost {
                session: session.clone(),
                shown,
                current: Some(lease.fencing_token),
            });
        }
        drop(state);
        self.renew_lease(session.as_str(), now);
        Ok(())
    }

    /// Whether `caller` may end a session, or what runs in it: as for typing. Besides,
    /// a person may, who has to be able to stop an agent.
    pub(crate) fn may_end(&self, session: &SessionId, caller: &Caller) -> Result<(), HostError> {
        match caller.kind {
            CallerKind::Human => Ok(()),
            CallerKind::Agent | CallerKind::Recovery => self.may_type(session, caller),
        }
    }

    /// Who has locked a session against `caller`, if anybody has.
    pub(crate) fn locked_against(&self, session: &SessionId, caller: &Caller) -> Option<String> {
        let state = self.state();
        let owner = &state.leases.on(session.as_str(), now_ms())?.owner;
        (caller.agent.as_ref() != Some(owner)).then(|| owner.clone())
    }

    /// Whether the session's role lets a command line's programs run.
    pub(crate) fn may_run(&self, session: &SessionId, line: &str) -> Result<(), HostError> {
        let state = self.state();
        let Some(assigned) = state.roles.get(session.as_str()) else {
            return Ok(());
        };
        let is_tool = |name: &str| self.is_tool(name);
        if !assigned.config.restricts_programs(&is_tool) {
            return Ok(());
        }
        for program in programs(line) {
            let (name, denial) = match &program {
                Program::Named(name) => {
                    (name, assigned.config.denies(&Used::Program(name), &is_tool))
                }
                Program::Unknown(text) => {
                    return Err(HostError::ForbiddenByRole {
                        role: assigned.config.role,
                        what: format!("`{text}`, of which nobody can tell which program it runs"),
                        instead: "name the program plainly".to_owned(),
                    });
                }
            };
            if let Some(denial) = denial {
                let what = format!("the program {name:?} in session {session}");
                return Err(forbidden(&assigned.config, what, denial, true, &is_tool));
            }
        }
        Ok(())
    }

    /// Whether the role of the caller's agent lets it call a tool.
    pub fn may_call(&self, caller: &Caller, tool: &str) -> Result<(), HostError> {
        let state = self.state();
        let role = (caller.agent.as_deref())
            .and_then(|agent| state.roster.agent(agent))
            .and_then(|agent| state.roles.get(&agent.session_id));
        let Some(assigned) = role else { return Ok(()) };
        let is_tool = |name: &str| self.is_tool(name);
        match assigned.config.denies(&Used::Tool(tool), &is_tool) {
            None => Ok(()),
            Some(denial) => {
                let what = format!("the tool {tool:?}");
                Err(forbidden(&assigned.config, what, denial, false, &is_tool))
            }
        }
    }

    /// Whether a session's role allows a tool or a program of this name.
    pub fn would_allow(&self, session: &str, name: &str) -> Result<(), HostError> {
        let state = self.state();
        let Some(assigned) = state.roles.get(session) else {
            return Ok(());
        };
        let is_tool = |name: &str| self.is_tool(name);
        let (used, what) = match is_tool(name) {
            true => (Used::Tool(name), format!("the tool {name:?}")),
            false => (Used::Program(name), format!("the program {name:?}")),
        };
        match assigned.config.denies(&used, &is_tool) {
            None => Ok(()),
            Some(denial) => Err(forbidden(
                &assigned.config,
                what,
                denial,
                !is_tool(name),
                &is_tool,
            )),
        }
    }

    /// Whether the caller may give and take roles: a person, a client that speaks for
    /// no agent, or an agent whose role says so.
    pub fn may_change_roles(&self, caller: &Caller) -> Result<(), HostError> {
        let state = self.state();
        let role = (caller.agent.as_deref())
            .and_then(|agent| state.roster.agent(agent))
            .and_then(|agent| state.roles.get(&agent.session_id));
        role.map_or(Ok(()), |assigned| assigned.config.allows_changing_roles())
    }

    /// The role of a session, and the first team of its agent, as policies see them.
    pub(crate) fn facts_of(&self, session: &SessionId) -> (Option<String>, Option<String>) {
        let state = self.state();
        let role = state.roles.get(session.as_str());
        let agent = state.roster.agent_of(session.as_str());
        (
            role.map(|assigned| assigned.config.role.as_str().to_owned()),
            agent.and_then(|agent| agent.teams.first().cloned()),
        )
    }

    /// The sessions of the agents of a team and of the teams below it.
    pub(crate) fn sessions_of(&self, team: &str) -> HashSet<String> {
        let state = self.state();
        let members = state.roster.members(team).into_iter();
        members.map(|member| member.session_id.clone()).collect()
    }

    /// The role of the session in which an agent works.
    pub(crate) fn role_of_agent(&self, agent: &str) -> Option<String> {
        let state = self.state();
        let session = &state.roster.agent(agent)?.session_id;
        let assigned = state.roles.get(session)?;
        Some(assigned.config.role.as_str().to_owned())
    }
}

fn forbidden(
    config: &RoleConfig,
    what: String,
    denial: Denial,
    program: bool,
    is_tool: &dyn Fn(&str) -> bool,
) -> HostError {
    let instead = match denial {
        Denial::Restricted => "it is on the role's list of what is denied".to_owned(),
        Denial::NotAvailable => {
            let allowed: Vec<&str> = (config.available_tools.iter())
                .map(String::as_str)
                .filter(|name| is_tool(name) != program)
                .collect();
            format!("the role allows {}", allowed.join(", "))
        }
    };
    HostError::ForbiddenByRole {
        role: config.role,
        what,
        instead,
    }
}
