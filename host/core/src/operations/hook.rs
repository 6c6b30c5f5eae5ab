//! A coding agent's hook.

use std::sync::PoisonError;
use std::time::Instant;

use crate::caller::{Caller, CallerKind, Transport};
use crate::error::HostError;
use crate::gate::{HookCommand, HookJudgement};
use crate::hooks::{HookEvent, HookMoment, happenings};
use crate::host::Host;
use crate::session::SessionId;

impl Host {
    /// Takes a hook event: judges a command, or tells everybody what happened.
    /// `None` for what needs no answer.
    pub async fn hook(&self, event: HookEvent) -> Result<Option<HookJudgement>, HostError> {
        if let HookMoment::Command { command, can_ask } = &event.what {
            let session = SessionId::of_agent(&event.agent, &event.session);
            let caller = Caller {
                kind: CallerKind::Agent,
                client: Some(event.agent.clone()),
                transport: Transport::Hook,
                connection: session.to_string(),
                agent: None,
                fencing_token: None,
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
        let published = {
            let mut delegations = self
                .delegations
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            happenings(event, &mut delegations, Instant::now())
        };
        for what in published {
            self.events.publish(what);
        }
        Ok(None)
    }
}
