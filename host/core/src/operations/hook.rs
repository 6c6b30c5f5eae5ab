//! A coding agent's hook.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use quarterdeck_terminal::ancestry;

use crate::caller::{Caller, CallerKind, Transport};
use crate::error::HostError;
use crate::gate::{HookCommand, HookDecision, HookJudgement};
use crate::hooks::{HookEvent, HookMoment, happenings};
use crate::host::Host;
use crate::session::{Session, SessionId};

impl Host {
    /// Takes a hook event: judges a command, refuses a delegation that is one too many,
    /// or tells everybody what happened. `None` for what needs no answer.
    pub async fn hook(&self, event: HookEvent) -> Result<Option<HookJudgement>, HostError> {
        self.hook_tells_of_an_agent(&event).await;
        if let HookMoment::Command { command, can_ask } = &event.what {
            let session = SessionId::of_agent(&event.agent, &event.session);
            let caller = Caller {
                kind: CallerKind::Agent,
                client: Some(event.agent.clone()),
                transport: Transport::Hook,
                connection: session.to_string().into(),
                agent: None,
                fencing_token: None,
                backend: None,
                folder: None,
            };
            let asked = HookCommand {
                agent: &event.agent,
                session,
                command,
                cwd: event.cwd.clone(),
                can_ask: *can_ask,
            };
            return self.gate.judge_hook(&caller, asked).await.map(Some);
        }
        let mut delegations = self
            .delegations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let HookMoment::DelegationStart { .. } = &event.what {
            let under_way = delegations.under_way_for(&event.session);
            if let Some(why) = self.agents.caps().refuse_delegation(under_way) {
                return Ok(Some(HookJudgement {
                    decision: HookDecision::Deny,
                    reason: why,
                }));
            }
        }
        let mut todo_lists = (self.todo_lists.lock()).unwrap_or_else(PoisonError::into_inner);
        let published = happenings(event, &mut delegations, &mut todo_lists, Instant::now());
        // Under the lock: whoever changes them next tells after this.
        for what in published {
            self.events.publish(what);
        }
        Ok(None)
    }
}

impl Host {
    /// A hook of an agent in one of the host's own sessions tells what it does.
    async fn hook_tells_of_an_agent(&self, event: &HookEvent) {
        let (Some(process), Some(told)) = (event.process, event.what.activity()) else {
            return;
        };
        let above = |session: &Arc<Session>| {
            ancestry::is_descendant_of(process, session.terminal.pid()).unwrap_or(false)
        };
        if let Some(session) = self.registry.all().into_iter().find(above) {
            self.coding_agents.hears(&session.id, told).await;
        }
    }
}
